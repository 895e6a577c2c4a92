//! The appenders for Qlik Sense.

use std::collections::BTreeMap;

use qlik_sense_events::{
    decoding::{LogNamespace, QlikSenseDeserializer},
    event::{Event, UserEvent},
};
use roxmltree::{Document, Node};

use crate::{files, names, read};

/// What the appender puts in the place of its patterns.
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

/// Qlik's converters, by the name of the pattern that they stand for.
const CONVERTERS: [(&str, &str); 3] = [
    ("hostname", "HostNamePatternConverter"),
    ("longIso8601date", "Iso8601TimeOffsetPatternConverter"),
    ("rownum", "CounterPatternConverter"),
];

#[test]
fn the_appenders_send_what_the_decoder_expects() {
    let appenders = files("examples/qlik", "xml");
    let known = ["LocalLogConfig", "LocalLogConfig-extended"];
    assert_eq!(names(&appenders), known);
    for event in check_appenders(&read(&appenders["LocalLogConfig"])) {
        let extension = (event.qlik_timestamp(), event.sequence());
        assert_eq!(extension, (None, None));
        assert_eq!((event.session_id(), event.result()), (None, None));
    }
    for event in check_appenders(&read(&appenders["LocalLogConfig-extended"])) {
        let time = event.qlik_timestamp().expect("a time").to_rfc3339();
        assert_eq!(time, "2026-01-31T09:00:00.125+00:00");
        assert_eq!(event.sequence(), Some(42));
        let extension = (event.session_id(), event.result());
        assert_eq!(extension, (Some("f8ba1ee3"), Some("0")));
        assert!(event.unreadable().is_empty());
    }
}

/// The events that the appenders of a file send.
fn check_appenders(text: &str) -> Vec<UserEvent> {
    let document = Document::parse(text).expect("XML");
    let mut seen = BTreeMap::new();
    for appender in elements(&document, "appender") {
        let name = appender.attribute("name").expect("a name");
        let order: Vec<&str> = children(appender).map(|c| c.tag_name().name()).collect();
        assert!(
            order.is_sorted_by_key(|tag| ["filter", "param", "layout"]
                .iter()
                .position(|known| known == tag)
                .expect("a known element")),
            "{name}: the proxy's schema wants filters, params, layout: {order:?}"
        );
        assert_eq!(
            appender.attribute("type"),
            Some("log4net.Appender.UdpAppender")
        );
        assert_eq!(param(appender, "remotePort"), "9997");
        assert_eq!(param(appender, "encoding"), "utf-8");
        seen.insert(name, sent(appender));
    }
    let actions = |name: &str| -> Vec<String> {
        let events: &Vec<UserEvent> = &seen[name];
        events
            .iter()
            .map(|event| format!("{} {}", event.kind().event(), event.kind().action()))
            .collect()
    };
    assert_eq!(seen.len(), 2);
    assert_eq!(actions("EventSession"), ["session start", "session stop"]);
    assert_eq!(
        actions("EventConnection"),
        ["connection open", "connection close"]
    );
    let logged: Vec<&str> = elements(&document, "appender-ref")
        .map(|reference| reference.attribute("ref").expect("an appender"))
        .collect();
    assert_eq!(logged, ["EventSession", "EventConnection"]);
    let logger = elements(&document, "logger").next().expect("a logger");
    assert_eq!(logger.attribute("name"), Some("AuditActivity.Proxy"));
    seen.into_values().flatten().collect()
}

/// The events of what an appender lets through: one a filter.
fn sent(appender: Node<'_, '_>) -> Vec<UserEvent> {
    let layout = children(appender)
        .find(|child| child.has_tag_name("layout"))
        .expect("a layout");
    let pattern = param(layout, "conversionPattern");
    let converters: Vec<(&str, &str)> = children(layout)
        .filter(|child| child.has_tag_name("converter"))
        .map(|converter| (param(converter, "name"), param(converter, "type")))
        .collect();
    let wanted: Vec<_> = CONVERTERS
        .iter()
        .filter(|(name, _)| pattern.contains(&format!("%{name}")))
        .collect();
    assert_eq!(converters.len(), wanted.len(), "{converters:?}");
    for ((name, class), (wanted, converter)) in converters.iter().zip(wanted) {
        assert_eq!(name, wanted);
        let class = class.strip_prefix("Qlik.Sense.Logging.log4net.Layout.Pattern.");
        assert_eq!(class, Some(*converter));
    }
    children(appender)
        .filter(|child| child.attribute("type") == Some("log4net.Filter.StringMatchFilter"))
        .map(|filter| {
            let matched = param(filter, "stringToMatch");
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

fn user_event(datagram: String) -> UserEvent {
    let events = QlikSenseDeserializer::default()
        .parse(datagram.into(), LogNamespace::Legacy)
        .expect("events");
    match events.into_vec().pop() {
        Some(Event::User(event)) => event,
        other => panic!("{other:?}"),
    }
}

fn elements<'a>(
    document: &'a Document<'a>,
    tag: &'static str,
) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.has_tag_name(tag))
}

fn children<'a, 'd>(node: Node<'a, 'd>) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(|child| child.is_element())
}

fn param<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    children(node)
        .find(|child| child.has_tag_name("param") && child.attribute("name") == Some(name))
        .and_then(|param| param.attribute("value"))
        .unwrap_or_else(|| panic!("no param {name}"))
}
