//! Type tokens, syslog headers, missing fields and absent ones.

use super::{ErrorCode, Family, Service, family::starts_event, syslog::LONGEST_HEADER};
use crate::{
    decoding::QlikSenseDeserializer,
    event::{Body, Event},
};

const STANDARD: &str = "/qseow-proxy-session/;h;c;d;u;o;x;m";
const EXTENDED: &str = "/qlik-sense-session/2/;h;t;n;s;r;c;d;u;o;x;m";
const PERFORMANCE: &str = "/qseow-qix-perf/;1;t;l;INFO;h;g;a;s;d;u;e;i;p;r;m;1;2;3;4;5;6;o;7;8;y";

const ENGINE: &str = "/qseow-engine/;1;t;l;WARN;h;g;a;m;s;d;u;e;p;v;r;y;i;x";
const PROXY: &str = "/qseow-proxy/;1;t;l;WARN;h;g;a;m;e;d;u;c;r;o;x";
const REPOSITORY: &str = "/qseow-repository/;1;t;l;WARN;h;g;a;m;e;d;u;c;r;o;x";
const SCHEDULER: &str = "/qseow-scheduler/;1;t;l;WARN;h;g;a;m;e;d;u;b;t;a;i;x;r";
const TASK: &str = "/scheduler-task-failed/;h;t;a;u;i;p;l;INFO;e;m";
const RELOAD: &str = "/engine-reload-failed/;h;p;s;d;u;l;INFO;m";

const STANDARD_FIELDS: &str = "host command user_directory user_id origin context message";
const EXTENDED_FIELDS: &str = "host timestamp sequence session_id result command user_directory user_id origin context message";
const PERFORMANCE_FIELDS: &str = "sequence timestamp local_time level host logger service_account session_id \
    user_directory user_id engine_timestamp engine_session_id app_id request_id method process_ms work_ms lock_ms \
    validate_ms traverse_ms handle object_id net_ram_bytes peak_ram_bytes object_type";

const ENGINE_FIELDS: &str = "sequence timestamp local_time level host logger service_account message session_id \
    user_directory user_id engine_timestamp process_id engine_version server_started entry_type engine_session_id app_id";
const WEB_FIELDS: &str = "sequence timestamp local_time level host logger service_account message exception \
    user_directory user_id command result origin context";
const SCHEDULER_FIELDS: &str = "sequence timestamp local_time level host logger service_account message exception \
    user_directory user_id user task_name app_name task_id app_id execution_id";
const TASK_FIELDS: &str =
    "host task_name app_name user task_id app_id local_time level execution_id message";
const RELOAD_FIELDS: &str =
    "host app_id engine_session_id user_directory user_id local_time level message";

fn event(text: &str) -> Event {
    let mut events = Vec::new();
    QlikSenseDeserializer::default().decode(text.as_bytes(), |event| events.push(event));
    assert_eq!(events.len(), 1, "{text:?}");
    events.remove(0)
}

fn error(text: &str) -> (ErrorCode, Option<&'static str>, usize) {
    match event(text).body() {
        Body::Undecoded(undecoded) => {
            let error = undecoded.error();
            (error.code, error.field, error.offset)
        }
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn type_tokens_match_in_any_case_and_only_in_full() {
    let rows = [
        ("/qseow-proxy-session/", Family::Session),
        ("/QSEOW-Proxy-Session/", Family::Session),
        ("/proxy-session/", Family::Session),
        ("/qseow-proxy-connection/", Family::Connection),
        ("/proxy-connection/", Family::Connection),
        ("/PROXY-CONNECTION/", Family::Connection),
        ("/qlik-sense-session/2/", Family::Session),
        ("/qlik-sense-connection/2/", Family::Connection),
        ("/Qlik-Sense-Connection/2/", Family::Connection),
        ("/qseow-engine/", Family::Engine),
        ("/qseow-proxy/", Family::Proxy),
        ("/QSEOW-Repository/", Family::Repository),
        ("/qseow-scheduler/", Family::Scheduler),
        ("/qseow-qix-perf/", Family::Performance),
        ("/QSEOW-QIX-Perf/", Family::Performance),
        ("/scheduler-task-failed/", Family::Task),
        ("/scheduler-task-aborted/", Family::Task),
        ("/scheduler-task-success//", Family::Task),
        ("/scheduler-task-success/", Family::Task),
        ("/scheduler-distribute/", Family::Task),
        ("/scheduler-reload-failed/", Family::Task),
        ("/scheduler-reload-aborted/", Family::Task),
        ("/scheduler-reloadtask-success/", Family::Task),
        ("/Scheduler-ReloadTask-Failed/", Family::Task),
        ("/scheduler-distribute-failed/", Family::Task),
        ("/scheduler-distribute-success/", Family::Task),
        ("/scheduler-externalprogram-failed/", Family::Task),
        ("/scheduler-externalprogram-success/", Family::Task),
        ("/engine-reload-failed/", Family::Task),
    ];
    for (token, family) in rows {
        let text = format!("{token}{}", ";x".repeat(25));
        assert_eq!(event(&text).family(), Some(family), "{token}");
        assert!(starts_event(text.as_bytes()), "{token}");
    }
    for token in [
        "",
        "x",
        "/qseow-other/",
        "qseow-proxy-session",
        "/qseow-proxy-session/ ",
        "/qseow-qix-perf",
        "/scheduler-task-failed//",
        "/scheduler-task-success///",
        "/test-message/",
        "/qlik-sense-session/",
        "/qlik-sense-session/1/",
        "/qlik-sense-session/2",
    ] {
        let text = format!("{token};h;c;d;u;o;x;m");
        let expected = (ErrorCode::UnknownType, Some("type"), 0);
        assert_eq!(error(&text), expected, "{token}");
        assert!(!starts_event(text.as_bytes()), "{token}");
    }
}

#[test]
fn the_token_of_a_task_event_says_what_happened() {
    let rows = [
        ("task-failed/", "failed"),
        ("reload-failed/", "failed"),
        ("reloadtask-failed/", "failed"),
        ("distribute-failed/", "failed"),
        ("externalprogram-failed/", "failed"),
        ("task-aborted/", "aborting"),
        ("reload-aborted/", "aborting"),
        ("task-success//", "succeeded"),
        ("task-success/", "succeeded"),
        ("reloadtask-success/", "succeeded"),
        ("distribute-success/", "succeeded"),
        ("externalprogram-success/", "succeeded"),
        ("distribute/", "distributed"),
    ];
    let fields = TASK.split_once(';').expect("fields").1;
    for (token, action) in rows {
        // Whatever the message says, the token decides.
        for message in [
            "Max retries reached",
            "Execution State Change to FinishedSuccess",
        ] {
            let event = event(&format!("/scheduler-{token};{fields}{message}"));
            assert_eq!(event.kind().action(), Some(action), "{token}");
            assert_eq!(event.service(), Some(Service::Scheduler), "{token}");
        }
    }
    let engine = event(RELOAD);
    assert_eq!(engine.kind().action(), Some("failed"));
    assert_eq!(engine.service(), Some(Service::Engine));
}

#[test]
fn every_missing_field_has_its_name_and_place() {
    let mut covered = 0;
    for (whole, fields) in [
        (STANDARD, STANDARD_FIELDS),
        (EXTENDED, EXTENDED_FIELDS),
        (PERFORMANCE, PERFORMANCE_FIELDS),
        (ENGINE, ENGINE_FIELDS),
        (PROXY, WEB_FIELDS),
        (REPOSITORY, WEB_FIELDS),
        (SCHEDULER, SCHEDULER_FIELDS),
        (TASK, TASK_FIELDS),
        (RELOAD, RELOAD_FIELDS),
    ] {
        for (before, field) in fields.split_whitespace().enumerate() {
            let fields: Vec<&str> = whole.split(';').take(before + 1).collect();
            let text = format!(" {}\r\n", fields.join(";"));
            let expected = (ErrorCode::MissingField, Some(field), text.len() - 2);
            assert_eq!(error(&text), expected, "{text:?}");
            covered += 1;
        }
        assert!(event(whole).family().is_some(), "{whole}");
    }
    assert_eq!(covered, 7 + 11 + 25 + 18 + 15 + 15 + 17 + 10 + 8);
}

#[test]
fn an_empty_payload_is_an_error_of_its_own() {
    for text in ["", "\r\n", "\0\0", " \u{FEFF}\n", "\n\0"] {
        assert_eq!(error(text), (ErrorCode::Empty, None, 0), "{text:?}");
    }
}

#[test]
fn a_syslog_header_is_skipped() {
    let headers = [
        // log4net's RemoteSyslogAppender.
        "<14>Proxy.exe: ",
        "<134>Qlik Sense Proxy: ",
        "<0>x:",
        // RFC 3164, and the variants that relays write.
        "<13>Nov 27 09:26:05 relay qlik[4711]: ",
        "<13>Nov  7 09:26:05 192.0.2.1 ",
        "<13>Nov 7 09:26:05.123 relay qlik:  ",
        "<191>2026-11-27T09:26:05.123456+01:00 relay qlik: ",
        "<13>2026-11-27T09:26:05Z relay ",
        "<13>",
        // RFC 5424.
        "<165>1 2026-11-27T09:26:05.000003-07:00 192.0.2.1 proxy 8710 - - ",
        "<165>1 - - - - - - ",
        "<165>1 - relay proxy - ID47 [origin ip=\"192.0.2.1\"][x@32473 a=\"\\\"b\\]\\c; d\" e=\"\"] \u{FEFF}",
    ];
    for header in headers {
        let text = format!("{header}{STANDARD}");
        let event = event(&text);
        assert_eq!(
            (event.host(), event.message()),
            (Some("h"), Some("m")),
            "{header}"
        );
        assert!(starts_event(text.as_bytes()), "{header}");
        // Offsets count from the start of the text.
        let text = format!("{header}/proxy-session/;h;c");
        let expected = (ErrorCode::MissingField, Some("user_directory"), text.len());
        assert_eq!(error(&text), expected, "{header}");
        let text = format!(" {header}/qseow-other/;h;c;d;u;o;x;m");
        assert_eq!(
            error(&text),
            (ErrorCode::UnknownType, Some("type"), 1),
            "{header}"
        );
    }
    let others = [
        "<192>Proxy.exe: ",
        "<1400>Proxy.exe: ",
        "<>Proxy.exe: ",
        "14>Proxy.exe: ",
        "<14>Proxy.exe ",
        "<14>a: b: ",
        "<14>a;b: ",
        "<14>a\nb: ",
        "<13>Nov 27 09:26 relay qlik: ",
        "<13>Foo 27 09:26:05 relay ",
        "<13>2026-11-27T09:26:05 relay ",
        "Nov 27 09:26:05 relay qlik: ",
        "<165>1 - - - - - ",
        "<165>1 - - - - - [x a=\"b] ",
        "<165>2 - - - - - - ",
    ];
    for header in others {
        let text = format!("{header}{STANDARD}");
        assert_eq!(
            error(&text),
            (ErrorCode::UnknownType, Some("type"), 0),
            "{header}"
        );
        assert!(!starts_event(text.as_bytes()), "{header}");
    }
    let long = |length: usize| format!("<14>{}: {STANDARD}", "x".repeat(length - 6));
    assert!(event(&long(LONGEST_HEADER)).family().is_some());
    assert!(event(&long(LONGEST_HEADER + 1)).family().is_none());
}

#[test]
fn the_extended_fields_come_after_the_host() {
    let event = event(&format!("{EXTENDED};n"));
    let unreadable = event.unreadable();
    let fields = [
        event.host(),
        unreadable.get("timestamp"),
        unreadable.get("sequence"),
        event.session_id(),
        event.result(),
        event.qlik_command(),
        event.user_directory(),
        event.user_id(),
        event.origin(),
        event.context(),
        event.message(),
    ];
    let expected = ["h", "t", "n", "s", "r", "c", "d", "u", "o", "x", "m;n"];
    assert_eq!(fields, expected.map(Some));
}

#[test]
fn null_and_empty_fields_are_absent() {
    let rows = [
        ("", None),
        ("(null)", None),
        ("Not available", Some("Not available")),
        (" ", Some(" ")),
        ("(NULL)", Some("(NULL)")),
    ];
    for (written, expected) in rows {
        let event = event(&format!(
            "/qlik-sense-session/2/{}",
            format!(";{written}").repeat(11)
        ));
        let fields = [
            event.host(),
            event.unreadable().get("timestamp"),
            event.session_id(),
            event.result(),
            event.qlik_command(),
            event.user_directory(),
            event.user_id(),
            event.origin(),
            event.context(),
            event.message(),
        ];
        assert_eq!(fields, [expected; 10], "{written:?}");
    }
}

#[test]
fn the_message_of_a_user_event_is_the_whole_rest() {
    for message in [
        "a;b;;c",
        "it's 'quoted'",
        "line\r\n  at System.X()\nend",
        ";",
        "tab\tä",
    ] {
        let event = event(&format!("/proxy-session/;h;c;d;u;o;x;{message}\r\n\0"));
        assert_eq!(event.message(), Some(message));
    }
}
