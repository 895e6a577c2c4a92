//! The elements of each appender, and the layouts of log, performance and task events.

use std::collections::{BTreeMap, BTreeSet};

use qlik_sense_events::config::Config;
use roxmltree::{Document, Node};

use super::{appender_files, children, elements, layout, matched, param};

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
pub struct Expected {
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
pub const EXPECTED: [Expected; 9] = [
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
