//! The payloads of log, performance and task events, decoded.

use qlik_sense_events::{
    decoding::{LogNamespace, QlikSenseDeserializer},
    schema::Schema,
};
use roxmltree::Document;
use serde_json::{Value, json};

use super::{appender_files, elements, layout, layouts::EXPECTED};

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
