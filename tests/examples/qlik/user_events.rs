//! The appenders of user events, and their payloads, decoded.

use std::collections::BTreeMap;

use qlik_sense_events::{
    decoding::{LogNamespace, QlikSenseDeserializer},
    event::{Event, EventKind},
};
use roxmltree::{Document, Node};

use super::{elements, layout, matched, param};
use crate::{files, read};

/// The values that an appender substitutes for its patterns.
const VALUES: [(&str, &str); 11] = [
    ("%hostname", "pro2-win1"),
    ("%property{UserDirectory}", "LAB"),
    ("%property{UserId}", "goran"),
    ("%property{Origin}", "AppAccess"),
    (
        "%property{Context}",
        "/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
    ),
    ("%property{Command}", ""),
    ("%message", ""),
    ("%longIso8601date", "20260131T100000.125+0100"),
    ("%rownum{9999}", "42"),
    ("%property{ProxySessionId}", "f8ba1ee3"),
    ("%property{Result}", "0"),
];

#[test]
fn the_appenders_of_user_events_send_what_the_decoder_expects() {
    let proxy = files("examples/qlik/Proxy", "xml");
    for event in user_events(&read(&proxy["LocalLogConfig"])) {
        let extension = (event.qlik_timestamp(), event.sequence());
        assert_eq!(extension, (None, None));
        assert_eq!((event.session_id(), event.result()), (None, None));
    }
    for event in user_events(&read(&proxy["LocalLogConfig-extended"])) {
        let time = event.qlik_timestamp().expect("a time").to_rfc3339();
        assert_eq!(time, "2026-01-31T09:00:00.125+00:00");
        assert_eq!(event.sequence(), Some(42));
        let extension = (event.session_id(), event.result());
        assert_eq!(extension, (Some("f8ba1ee3"), Some("0")));
        assert!(event.unreadable().is_empty());
    }
}

/// The user events that the appenders in a file send.
fn user_events(text: &str) -> Vec<Event> {
    let document = Document::parse(text).expect("XML");
    let seen: BTreeMap<&str, Vec<Event>> = elements(&document, "appender")
        .map(|appender| (appender.attribute("name").expect("a name"), appender))
        .filter(|(name, _)| *name != "LogEvent")
        .map(|(name, appender)| (name, sent(appender)))
        .collect();
    let actions = |name: &str| -> Vec<String> {
        let events: &Vec<Event> = &seen[name];
        events
            .iter()
            .map(|event| event.kind().name().replace('_', " "))
            .collect()
    };
    assert_eq!(seen.len(), 2);
    assert_eq!(actions("EventSession"), ["session start", "session stop"]);
    assert_eq!(
        actions("EventConnection"),
        ["connection open", "connection close"]
    );
    seen.into_values().flatten().collect()
}

/// The events that an appender lets through: one for each filter.
fn sent(appender: Node<'_, '_>) -> Vec<Event> {
    let (_, pattern) = layout(appender);
    assert_eq!(param(appender, "threshold"), None, "filters choose");
    matched(appender)
        .into_iter()
        .map(|matched| {
            let command = match matched.split_whitespace().collect::<Vec<_>>()[..] {
                ["connection", "Opened", ..] => "Open connection".to_owned(),
                ["connection", "Closed", ..] => "Close connection".to_owned(),
                [what, "session", ..] => format!("{what} session"),
                _ => panic!("{matched}"),
            };
            let datagram =
                VALUES
                    .iter()
                    .fold(pattern.to_owned(), |text, (name, value)| match *name {
                        "%property{Command}" => text.replace(name, &command),
                        "%message" => text.replace(name, &format!("{matched}; 'x'")),
                        _ => text.replace(name, value),
                    });
            assert!(!datagram.contains('%'), "{datagram}");
            let event = user_event(datagram);
            assert_eq!(event.host(), Some("pro2-win1"));
            assert_eq!(event.qlik_command(), Some(&*command));
            assert_eq!(event.user().expect("a user").to_string(), r"LAB\goran");
            assert_eq!(event.origin(), Some("AppAccess"));
            assert_eq!(event.virtual_proxy(), Some("sales"));
            assert!(event.app_id().is_some());
            assert_eq!(event.message(), Some(&*format!("{matched}; 'x'")));
            event
        })
        .collect()
}

fn user_event(datagram: String) -> Event {
    let events = QlikSenseDeserializer::default()
        .parse(datagram.into(), LogNamespace::Legacy)
        .expect("events");
    let event = events.into_vec().pop().expect("an event");
    assert!(matches!(
        event.kind(),
        EventKind::Session(_) | EventKind::Connection(_)
    ));
    event
}
