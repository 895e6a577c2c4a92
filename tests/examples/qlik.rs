//! The appenders for Qlik Sense.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use qlik_sense_events::{
    config::Config,
    decoding::{LogNamespace, QlikSenseDeserializer},
    event::{Event, EventKind},
    schema::Schema,
};
use roxmltree::{Document, Node};
use serde_json::{Value, json};

use crate::{files, read, root};

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

/// Qlik's converters, by the name of the pattern that they define. Patterns without a converter belong to log4net.
const CONVERTERS: [(&str, &str); 6] = [
    ("rownum", "CounterPatternConverter"),
    ("longIso8601date", "Iso8601TimeOffsetPatternConverter"),
    ("hostname", "HostNamePatternConverter"),
    ("user", "ServiceUserNameCachedPatternConverter"),
    ("encodedmessage", "EncodedMessagePatternConverter"),
    ("encodedexception", "EncodedExceptionPatternConverter"),
];

/// The leading fields of log and performance events.
const HEADER: &str = "%rownum{9999};%longIso8601date;%date;%level;%hostname;%logger;%user";

/// The fields of task events.
const TASK: &str =
    "%hostname;{TaskName};{AppName};{User};{TaskId};{AppId};%date;%level;{ExecutionId};%message";

/// What an appender must look like: the folder of its file, its name, its level, and its fields, where names in braces
/// are properties.
struct Expected {
    service: &'static str,
    appender: &'static str,
    threshold: Option<&'static str>,
    token: &'static str,
    fields: [&'static str; 2],
    filters: &'static [&'static str],
}

const fn log(service: &'static str, token: &'static str, fields: &'static str) -> Expected {
    Expected {
        service,
        appender: "LogEvent",
        threshold: Some("WARN"),
        token,
        fields: [HEADER, fields],
        filters: &[],
    }
}

const fn task(
    appender: &'static str,
    token: &'static str,
    filters: &'static [&'static str],
) -> Expected {
    Expected {
        service: "Scheduler",
        appender,
        threshold: None,
        token,
        fields: [TASK, ""],
        filters,
    }
}

/// The layouts that receivers of these datagrams expect.
const EXPECTED: [Expected; 9] = [
    log(
        "Engine",
        "/qseow-engine/",
        "%encodedmessage;{ProxySessionId};{ActiveUserDirectory};{ActiveUserId};{EngineTimestamp};{ProcessId};\
         {Exe Version};{Server Started};{Entry Type};{SessionId};{AppId}",
    ),
    Expected {
        service: "Engine",
        appender: "Performance",
        threshold: Some("INFO"),
        token: "/qseow-qix-perf/",
        fields: [
            HEADER,
            "{ProxySessionId};{ActiveUserDirectory};{ActiveUserId};{EngineTimestamp};{SessionId};{DocId};{RequestId};\
             {Method};{ProcessTime};{WorkTime};{LockTime};{ValidateTime};{TraverseTime};{Handle};{ObjectId};{NetRAM};\
             {PeakRAM};{ObjectType}",
        ],
        filters: &[],
    },
    log(
        "Proxy",
        "/qseow-proxy/",
        "%encodedmessage;%encodedexception;{UserDirectory};{UserId};{Command};{Result};{Origin};{Context}",
    ),
    log(
        "Repository",
        "/qseow-repository/",
        "%encodedmessage;%encodedexception;{UserDirectory};{UserId};{Command};{Result};{Origin};{Context}",
    ),
    log(
        "Scheduler",
        "/qseow-scheduler/",
        "%encodedmessage;%encodedexception;{UserDirectory};{UserId};{User};{TaskName};{AppName};{TaskId};{AppId};\
         {ExecutionId}",
    ),
    task(
        "TaskAborted",
        "/scheduler-task-aborted/",
        &["Execution State Change to Aborting"],
    ),
    task(
        "TaskDistributed",
        "/scheduler-distribute/",
        &["Exiting execute of Distribute task request."],
    ),
    task(
        "TaskFailed",
        "/scheduler-task-failed/",
        &[
            "Max retries reached",
            "Failed to start session",
            "Could not reserve an executor for task",
        ],
    ),
    task(
        "TaskSucceeded",
        "/scheduler-task-success/",
        &["Execution State Change to FinishedSuccess"],
    ),
];

/// The loggers of each service, with the appenders to which their rows go.
const LOGGERS: [(&str, &str, &[&str]); 16] = [
    ("Engine", "QixPerformance.Engine.Engine", &["Performance"]),
    ("Engine", "Performance.Engine", &["LogEvent"]),
    ("Engine", "Session.Engine", &["LogEvent"]),
    ("Engine", "System.Engine", &["LogEvent"]),
    (
        "Proxy",
        "AuditActivity.Proxy",
        &["EventSession", "EventConnection"],
    ),
    ("Proxy", "Audit.Proxy", &["LogEvent"]),
    ("Proxy", "AuditSecurity.Proxy", &["LogEvent"]),
    ("Proxy", "Security.Proxy", &["LogEvent"]),
    ("Proxy", "System.Proxy", &["LogEvent"]),
    ("Repository", "Service.Repository", &["LogEvent"]),
    ("Repository", "System.Repository", &["LogEvent"]),
    ("Repository", "UserManagement.Repository", &["LogEvent"]),
    (
        "Scheduler",
        "System.Scheduler.Scheduler.Master.Task.TaskSession",
        &["TaskFailed", "TaskAborted", "TaskSucceeded"],
    ),
    (
        "Scheduler",
        "System.Scheduler.Scheduler.Slave.Tasks.ReloadTask",
        &["TaskDistributed"],
    ),
    ("Scheduler", "Service.Scheduler", &["LogEvent"]),
    ("Scheduler", "System.Scheduler", &["LogEvent"]),
];

/// The files, with the folder that each is in, which is the service.
fn appender_files() -> Vec<(String, String)> {
    let folders = fs::read_dir(root().join("examples/qlik")).expect("a folder");
    let mut services: Vec<String> = folders
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    services.sort();
    assert_eq!(services, ["Engine", "Proxy", "Repository", "Scheduler"]);
    let mut found = Vec::new();
    for service in services {
        for file in files(&format!("examples/qlik/{service}"), "xml").values() {
            found.push((service.clone(), read(file)));
        }
    }
    assert_eq!(found.len(), 5, "a file a service, and the extended one");
    found
}

/// These are the requirements of a service's own check, and what Windows and log4net do otherwise.
#[test]
fn every_appender_sends_utf_8_to_the_port_that_is_listened_on() {
    let port = Config::default().source.address[0].port().to_string();
    for (service, text) in appender_files() {
        let document = Document::parse(&text).expect("XML");
        assert!(text.len() < 1_000_000, "Qlik takes a megabyte");
        for appender in elements(&document, "appender") {
            let name = appender.attribute("name").expect("a name");
            let order: Vec<&str> = children(appender).map(|c| c.tag_name().name()).collect();
            assert!(
                order.is_sorted_by_key(|tag| ["filter", "param", "layout"]
                    .iter()
                    .position(|known| known == tag)
                    .expect("a known element")),
                "{service} {name}: Qlik's schema wants filters, params, layout: {order:?}"
            );
            assert_eq!(
                appender.attribute("type"),
                Some("log4net.Appender.UdpAppender")
            );
            assert_eq!(param(appender, "remoteAddress"), Some("192.0.2.10"));
            assert_eq!(param(appender, "remotePort"), Some(&*port));
            assert_eq!(param(appender, "encoding"), Some("utf-8"));
            check_converters(appender);
        }
    }
}

/// Every pattern that is not log4net's own has a converter, and there are no other converters.
fn check_converters(appender: Node<'_, '_>) {
    let (layout, pattern) = layout(appender);
    let converters: BTreeMap<&str, &str> = children(layout)
        .filter(|child| child.has_tag_name("converter"))
        .map(|converter| {
            let class = param(converter, "type").expect("a type");
            let class = class.strip_prefix("Qlik.Sense.Logging.log4net.Layout.Pattern.");
            let name = param(converter, "name").expect("a name");
            (name, class.expect("a converter of Qlik's"))
        })
        .collect();
    let used: BTreeSet<&str> = pattern
        .split(';')
        .filter_map(|field| field.strip_prefix('%')?.split('{').next())
        .collect();
    let log4net = ["date", "level", "logger", "message", "property"];
    let wanted: BTreeMap<&str, &str> = used
        .into_iter()
        .filter(|name| !log4net.contains(name))
        .map(|name| {
            let known = CONVERTERS.into_iter().find(|(known, _)| *known == name);
            known.unwrap_or_else(|| panic!("{name} is no pattern that is known"))
        })
        .collect();
    assert_eq!(converters, wanted);
}

#[test]
fn log_performance_and_task_appenders_have_the_expected_layouts() {
    let mut seen = 0;
    for (service, text) in appender_files() {
        let document = Document::parse(&text).expect("XML");
        for appender in elements(&document, "appender") {
            let name = appender.attribute("name").expect("a name");
            if service == "Proxy" && name != "LogEvent" {
                continue;
            }
            let expected = EXPECTED
                .iter()
                .find(|expected| (expected.service, expected.appender) == (&*service, name))
                .unwrap_or_else(|| panic!("{service} {name}"));
            let fields = expected.fields.join(";");
            let fields = fields.trim_end_matches(';').split(';').map(|field| {
                if field.starts_with('{') {
                    format!("%property{field}")
                } else {
                    field.to_owned()
                }
            });
            let fields: Vec<String> = [expected.token.to_owned()]
                .into_iter()
                .chain(fields)
                .collect();
            let (_, pattern) = layout(appender);
            assert_eq!(pattern, fields.join(";"), "{service} {name}");
            assert_eq!(
                param(appender, "threshold"),
                expected.threshold,
                "{service} {name}"
            );
            assert_eq!(matched(appender), expected.filters, "{service} {name}");
            seen += 1;
        }
    }
    // Those of the proxy are in both of its files.
    assert_eq!(seen, EXPECTED.len() + 1);
}

/// The value that an appender substitutes for a field of log, performance and task events.
fn value(field: &str) -> &str {
    match field {
        "%rownum{9999}" => "42",
        "%longIso8601date" => "20260131T100000.125+0100",
        "%date" => "2026-01-31 10:00:00,125",
        "%level" => "ERROR",
        "%hostname" => "pro2-win1",
        "%user" => r"LAB\qlikservice",
        "%property{ActiveUserDirectory}" => "LAB",
        "%property{ActiveUserId}" => "goran",
        "%property{Server Started}" => "20260129T021500.000-0500",
        "%property{EngineTimestamp}" => "20260131T100000.120+0100",
        "%property{DocId}" | "%property{AppId}" => "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
        "%property{TaskId}" => "d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610",
        "%property{ExecutionId}" => "b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b",
        "%property{User}" => r"UserDirectory\UserId",
        "%property{RequestId}" => "17",
        "%property{Handle}" => "7",
        "%property{ProcessTime}" => "18.5",
        "%property{WorkTime}" => "17.5",
        "%property{LockTime}" => "0",
        "%property{ValidateTime}" => "0.25",
        "%property{TraverseTime}" => "9.5",
        "%property{NetRAM}" => "1024",
        "%property{PeakRAM}" => "4096",
        // The other fields are texts, all of them different.
        other => other
            .trim_start_matches("%property")
            .trim_matches(['%', '{', '}']),
    }
}

/// Each field of a pattern is decoded into the intended field of the event.
#[test]
fn payloads_of_the_appenders_are_decoded_field_by_field() {
    let mut seen = 0;
    for (service, text) in appender_files() {
        let document = Document::parse(&text).expect("XML");
        for appender in elements(&document, "appender") {
            let name = appender.attribute("name").expect("a name");
            let task = |action: &str| {
                json!({
                    "event": "task",
                    "action": action,
                    "service": "scheduler",
                    "level": "error",
                    "host": "pro2-win1",
                    "user": r"UserDirectory\UserId",
                    "task_id": "d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610",
                    "task_name": "TaskName",
                    "app_id": "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
                    "app_name": "AppName",
                    "execution_id": "b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b",
                    "local_time": "2026-01-31 10:00:00,125",
                    "message": "message",
                    "ambiguous": null,
                })
            };
            let log = |more: Value| {
                let mut log = json!({
                    "event": "log",
                    "service": service.to_lowercase(),
                    "level": "error",
                    "host": "pro2-win1",
                    "logger": "logger",
                    "service_account": r"LAB\qlikservice",
                    "timestamp": "2026-01-31T09:00:00.125000000Z",
                    "sequence": 42,
                    "message": "encodedmessage",
                    "unreadable": null,
                    "ambiguous": null,
                });
                let fields = log.as_object_mut().expect("an object");
                fields.extend(more.as_object().expect("an object").clone());
                log
            };
            let expected = match (&*service, name) {
                ("Engine", "LogEvent") => log(json!({
                    "user": r"LAB\goran",
                    "session_id": "ProxySessionId",
                    "engine_session_id": "SessionId",
                    "engine_timestamp": "2026-01-31T09:00:00.120000000Z",
                    "process_id": "ProcessId",
                    "engine_version": "Exe Version",
                    "server_started": "2026-01-29T07:15:00.000000000Z",
                    "entry_type": "Entry Type",
                    "app_id": "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
                })),
                ("Proxy" | "Repository", "LogEvent") => log(json!({
                    "exception": "encodedexception",
                    "user": r"UserDirectory\UserId",
                    "qlik_command": "Command",
                    "result": "Result",
                    "origin": "Origin",
                    "context": "Context",
                })),
                ("Scheduler", "LogEvent") => log(json!({
                    "exception": "encodedexception",
                    "user": r"UserDirectory\UserId",
                    "task_name": "TaskName",
                    "app_name": "AppName",
                    "task_id": "d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610",
                    "app_id": "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
                    "execution_id": "b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b",
                })),
                ("Scheduler", "TaskFailed") => task("failed"),
                ("Scheduler", "TaskAborted") => task("aborting"),
                ("Scheduler", "TaskSucceeded") => task("succeeded"),
                ("Scheduler", "TaskDistributed") => task("distributed"),
                ("Engine", "Performance") => json!({
                    "event": "performance",
                    "service": "engine",
                    "level": "error",
                    "host": "pro2-win1",
                    "logger": "logger",
                    "service_account": r"LAB\qlikservice",
                    "timestamp": "2026-01-31T09:00:00.125000000Z",
                    "sequence": 42,
                    "user": r"LAB\goran",
                    "session_id": "ProxySessionId",
                    "engine_session_id": "SessionId",
                    "engine_timestamp": "2026-01-31T09:00:00.120000000Z",
                    "app_id": "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
                    "request_id": 17,
                    "handle": 7,
                    "method": "Method",
                    "object_id": "ObjectId",
                    "object_type": "ObjectType",
                    "process_ms": 18.5,
                    "work_ms": 17.5,
                    "lock_ms": 0.0,
                    "validate_ms": 0.25,
                    "traverse_ms": 9.5,
                    "net_ram_bytes": 1024,
                    "peak_ram_bytes": 4096,
                    "unreadable": null,
                    "ambiguous": null,
                }),
                ("Proxy", "EventSession" | "EventConnection") => continue,
                other => panic!("{other:?}"),
            };
            let (_, pattern) = layout(appender);
            let fields: Vec<&str> = pattern.split(';').map(value).collect();
            let events = QlikSenseDeserializer::default()
                .parse(fields.join(";").into(), LogNamespace::Legacy)
                .expect("events");
            let event = serde_json::to_value(Schema::Default.view(&events[0])).expect("JSON");
            for (field, expected) in expected.as_object().expect("an object") {
                assert_eq!(event[field], *expected, "{service} {name} {field}: {event}");
            }
            seen += 1;
        }
    }
    // The log events of the proxy are in both of its files.
    assert_eq!(seen, EXPECTED.len() + 1);
}

/// If two loggers have the same name, log4net uses the last one; and a logger without a service also gets rows of other
/// services.
#[test]
fn loggers_are_scoped_to_their_service_and_have_one_element_each() {
    for (service, text) in appender_files() {
        let document = Document::parse(&text).expect("XML");
        let loggers: Vec<(&str, Vec<&str>)> = elements(&document, "logger")
            .map(|logger| {
                let references = children(logger).map(|reference| {
                    assert!(reference.has_tag_name("appender-ref"));
                    reference.attribute("ref").expect("an appender")
                });
                (
                    logger.attribute("name").expect("a name"),
                    references.collect(),
                )
            })
            .collect();
        let expected: Vec<(&str, Vec<&str>)> = LOGGERS
            .iter()
            .filter(|(of, ..)| *of == service)
            .map(|(_, name, appenders)| (*name, appenders.to_vec()))
            .collect();
        assert_eq!(loggers, expected, "{service}");
        for (name, _) in &loggers {
            assert_eq!(name.split('.').nth(1), Some(&*service), "{name}");
        }
        let referred: BTreeSet<&str> = loggers.iter().flat_map(|(_, refs)| refs).copied().collect();
        let defined: Vec<&str> = elements(&document, "appender")
            .map(|appender| appender.attribute("name").expect("a name"))
            .collect();
        assert_eq!(
            defined.len(),
            referred.len(),
            "{service}: names are there once"
        );
        assert_eq!(
            defined.into_iter().collect::<BTreeSet<_>>(),
            referred,
            "{service}"
        );
    }
}

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

/// An appender's layout, and its pattern.
fn layout<'a, 'd>(appender: Node<'a, 'd>) -> (Node<'a, 'd>, &'a str) {
    let layout = children(appender)
        .find(|child| child.has_tag_name("layout"))
        .expect("a layout");
    assert_eq!(
        layout.attribute("type"),
        Some("log4net.Layout.PatternLayout")
    );
    let pattern = param(layout, "conversionPattern").expect("a pattern");
    (layout, pattern)
}

/// The texts of which a row must contain one in order to be sent; empty if every row is sent.
fn matched<'a>(appender: Node<'a, '_>) -> Vec<&'a str> {
    let filters: Vec<Node<'a, '_>> = children(appender)
        .filter(|child| child.has_tag_name("filter"))
        .collect();
    let Some((last, others)) = filters.split_last() else {
        return Vec::new();
    };
    assert_eq!(
        last.attribute("type"),
        Some("log4net.Filter.DenyAllFilter"),
        "without it the others let everything through"
    );
    others
        .iter()
        .map(|filter| {
            assert_eq!(
                filter.attribute("type"),
                Some("log4net.Filter.StringMatchFilter")
            );
            param(*filter, "stringToMatch").expect("a text")
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

fn param<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    children(node)
        .find(|child| child.has_tag_name("param") && child.attribute("name") == Some(name))
        .map(|param| param.attribute("value").expect("a value"))
}
