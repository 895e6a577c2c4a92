//! Sessions that the real program follows: across a restart, with a damaged state, in every codec, and in its metrics.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{CODECS, Codec, Running, ask_to_end, payload};

const STOP: &str = "/qseow-proxy-session/;pro2-win1;Stop session;LAB;goran;Not available;/hub;\
                    Stop session for user";
const CLOSE: &str = "/qseow-proxy-connection/;pro2-win1;Close connection;LAB;goran;AppAccess;\
    /sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?reloaduri=x;Websocket connection Closed for session";

const CONFIG: &str = "[transform.sessions]\nenabled = true\n";
const KEPT: &str = "[transform.sessions]\nenabled = true\nstate_file = \"sessions.ndjson\"\n";

fn configured(folder: &TempDir, config: &str, codec: Codec) -> Running {
    let file = folder.path().join("config.toml");
    fs::write(&file, config).expect("a file");
    let mut command = crate::support::command();
    command
        .args([
            "run",
            "--address",
            "127.0.0.1:0",
            "--codec",
            codec.name(),
            "--config",
        ])
        .arg(file);
    Running::of(command, codec, 1)
}

#[test]
fn summaries_follow_the_events_in_every_codec() {
    for codec in CODECS {
        let folder = tempfile::tempdir().expect("a folder");
        let mut program = configured(&folder, CONFIG, codec);
        for datagram in [&*payload::start("goran"), payload::OPEN, CLOSE, STOP] {
            program.send(datagram);
        }
        let events = program.events().several(6);
        let names: Vec<&Value> = events.iter().map(|event| &event["event"]).collect();
        let expected = [
            "session",
            "connection",
            "connection",
            "connection_summary",
            "session",
            "session_summary",
        ];
        assert_eq!(names, expected, "{codec:?}");
        let (start, end) = (&events[0]["timestamp"], &events[4]["timestamp"]);
        let summary = &events[5];
        assert_eq!(
            (&summary["start"], &summary["end"]),
            (start, end),
            "{codec:?}"
        );
        assert_eq!(
            summary["apps"],
            json!(["a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69"])
        );
        assert_eq!(summary["connections"], 1);
        assert_eq!(summary["pairing"], "single");
        assert!(summary["duration_secs"].is_f64(), "{codec:?}: {summary}");
        assert_eq!(summary["start_seen"], true);
    }
}

#[test]
fn a_full_table_of_users_causes_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!("{CONFIG}max_users = 1\n");
    let mut program = configured(&folder, &config, Codec::Json);
    for user in ["goran", "maria"] {
        program.send(payload::start(user));
    }
    let warning = program.diagnostics.one();
    assert_eq!(warning["level"], "warn");
    let expected = "the table of transform.sessions is full, and 1 user is no longer followed so far; raise \
        transform.sessions.max_users, which is 1, or, if the users are invented, restrict source.allowed_senders";
    assert_eq!(warning["message"], expected);
    let ends = program.events().several(3).pop().expect("a summary");
    assert_eq!(ends["end_reason"], "evicted");
}

#[test]
fn snapshots_are_taken_periodically() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!("{CONFIG}snapshot_interval_secs = 1\n");
    let mut program = configured(&folder, &config, Codec::Json);
    let start = program.event_of(payload::start("goran"));
    for _ in 0..2 {
        let snapshot = program.events().one();
        assert_eq!(snapshot["event"], "session_snapshot");
        assert_eq!(snapshot["start"], start["timestamp"]);
    }
}

#[test]
fn metrics_count_users_and_the_durations_of_sessions() {
    for codec in [Codec::NativeJson, Codec::Native] {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!("{CONFIG}[telemetry]\ninterval_secs = 1\n");
        let mut program = configured(&folder, &config, codec);
        for datagram in [
            &*payload::start("goran"),
            payload::OPEN,
            STOP,
            &*payload::start("anna"),
        ] {
            program.send(datagram);
        }
        program.events().several(5);
        let of = |name: &str, metric: &Value| metric["name"] == name;
        let metrics = loop {
            program.events().frame().expect("metrics");
            let metrics = &program.events().metrics;
            if metrics
                .iter()
                .any(|metric| of("session_duration_seconds", metric))
            {
                break metrics.clone();
            }
        };
        let tags = json!({"host": "pro2-win1"});
        // The last metric with a name, because an earlier set may have been sent in between.
        let last = |name: &str| {
            metrics
                .iter()
                .rfind(|metric| of(name, metric))
                .expect("a metric")
        };
        for (name, value) in [
            ("active_users", 2.0),
            ("active_sessions", 1.0),
            ("active_connections", 1.0),
        ] {
            let metric = last(name);
            assert_eq!(metric["gauge"]["value"], value, "{codec:?} {name}");
            assert_eq!(
                (&metric["tags"], &metric["kind"]),
                (&tags, &json!("absolute"))
            );
        }
        let histogram = last("session_duration_seconds");
        assert_eq!(
            (&histogram["tags"], &histogram["kind"]),
            (&tags, &json!("incremental"))
        );
        let histogram = &histogram["aggregated_histogram"];
        assert_eq!(histogram["count"], 1, "{codec:?}");
        assert!(histogram["sum"].as_f64().expect("a number") < 60.0);
        let buckets = histogram["buckets"].as_array().expect("buckets");
        assert_eq!(buckets.len(), 12);
        let (limits, counts): (Vec<f64>, Vec<u64>) = buckets
            .iter()
            .map(|bucket| {
                let limit = bucket["upper_limit"].as_f64().expect("a limit");
                (limit, bucket["count"].as_u64().expect("a number"))
            })
            .unzip();
        assert_eq!((limits[0], limits[11]), (1.0, 86_400.0));
        assert_eq!(counts.iter().sum::<u64>(), 1);
        let total = |name: &str, tags: &Value| -> f64 {
            let metrics = metrics.iter();
            let metrics = metrics.filter(|metric| of(name, metric) && metric["tags"] == *tags);
            metrics
                .map(|m| m["counter"]["value"].as_f64().expect("a number"))
                .sum()
        };
        let starts = json!({"host": "pro2-win1", "event": "session", "action": "start"});
        assert_eq!(total("user_events_total", &starts), 2.0);
        let stops = json!({"host": "pro2-win1", "reason": "stop"});
        assert_eq!(total("ended_sessions_total", &stops), 1.0);
    }
}

mod state {
    use super::*;

    fn stop(program: &mut Running) -> Vec<Value> {
        ask_to_end(program);
        let (status, diagnostics) = program.wait();
        assert!(status.success(), "{status:?}");
        diagnostics
    }

    fn messages(diagnostics: &[Value]) -> Vec<&str> {
        let text = |diagnostic: &'_ Value| diagnostic["message"].as_str().map(str::len);
        assert!(
            diagnostics
                .iter()
                .all(|diagnostic| text(diagnostic).is_some())
        );
        diagnostics
            .iter()
            .filter_map(|d| d["message"].as_str())
            .collect()
    }

    #[test]
    fn a_session_outlives_the_program() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("sessions.ndjson");
        let mut program = configured(&folder, KEPT, Codec::Json);
        let start = program.event_of(payload::start("goran"));
        program.event_of(payload::OPEN);
        stop(&mut program);
        // On Windows the file has the permissions of the folder.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;

            let mode = fs::metadata(&file).expect("the state").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let state = fs::read_to_string(&file).expect("the state");
        // The lines are the header, a browser, a user and the end.
        assert_eq!(state.lines().count(), 4, "{state}");

        let mut program = configured(&folder, KEPT, Codec::Json);
        let resumed = program.diagnostics.one();
        let expected = format!("{}: resumed the sessions of 1 user", file.display());
        assert_eq!(resumed["message"], expected);
        program.send(CLOSE);
        program.send(STOP);
        let events = program.events().several(4);
        assert_eq!(events[1]["event"], "connection_summary");
        assert_eq!(events[1]["browser_name"], "Chrome");
        assert_eq!(events[3]["event"], "session_summary");
        assert_eq!(events[3]["start"], start["timestamp"]);
        assert_eq!(events[3]["pairing"], "single");
    }

    #[test]
    fn the_final_counts_include_derived_events() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut program = configured(&folder, CONFIG, Codec::Json);
        for datagram in [&*payload::start("goran"), payload::OPEN, CLOSE, STOP] {
            program.send(datagram);
        }
        program.events().several(6);
        let diagnostics = stop(&mut program);
        let summary = diagnostics.last().expect("a summary");
        let counted = ["datagrams", "events", "derived"].map(|name| summary[name].clone());
        assert_eq!(counted, [4, 4, 2].map(Value::from), "{summary}");
    }

    /// A kill leaves the last saved state, and perhaps a new one that is incomplete.
    #[test]
    fn a_killed_program_leaves_a_complete_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut program = configured(&folder, KEPT, Codec::Json);
        program.event_of(payload::start("goran"));
        stop(&mut program);
        fs::write(folder.path().join("sessions.ndjson.new"), "{\"format\":").expect("a file");
        let mut program = configured(&folder, KEPT, Codec::Json);
        program.diagnostics.one();
        program.event_of(payload::start("anna"));
        program.kill();

        let mut program = configured(&folder, KEPT, Codec::Json);
        let message = program.diagnostics.one()["message"].to_string();
        assert!(
            message.contains("resumed the sessions of 1 user"),
            "{message}"
        );
        program.send(STOP);
        assert_eq!(program.events().several(2)[1]["start_seen"], true);
    }

    /// Whatever is in the place of the state is kept under an unused name.
    #[test]
    fn an_unusable_state_is_set_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("sessions.ndjson");
        let mut program = configured(&folder, KEPT, Codec::Json);
        program.event_of(payload::start("goran"));
        stop(&mut program);
        let whole = fs::read_to_string(&file).expect("the state");
        let last = whole.trim_end().rfind('\n').expect("lines") + 1;
        let rows = [
            (
                whole[..last].to_owned(),
                "is damaged: line 3: expected more lines",
                "damaged",
            ),
            (
                whole.replace("goran", "horan"),
                "is damaged: the checksum in the last line",
                "damaged-2",
            ),
            (
                whole.replace("\"version\":1", "\"version\":2"),
                "was written by another version of this program: line 1: expected version 1 of the format, found \
                 version 2",
                "version-2",
            ),
            (
                String::new(),
                "is damaged: line 1: expected more lines",
                "damaged-3",
            ),
            (
                "{\"format\":\"qlik_sense_sessions\",\"version\"\n".to_owned(),
                "is damaged: line 1: expected a session state",
                "damaged-4",
            ),
            (
                format!(
                    "{{\"format\":\"qlik_sense_sessions\"{}\n",
                    "x".repeat(9 << 20)
                ),
                "is damaged: line 1: expected a line of 8 MiB at most",
                "damaged-5",
            ),
        ];
        for (damaged, expected, suffix) in rows {
            fs::write(&file, &damaged).expect("a file");
            let mut program = configured(&folder, KEPT, Codec::Json);
            let diagnostic = program.diagnostics.one();
            assert_eq!(diagnostic["level"], "warn");
            let message = diagnostic["message"].as_str().expect("text");
            assert!(message.contains(expected), "{message}");
            assert!(message.ends_with("starting without sessions"), "{message}");
            assert!(!message.contains("oran"), "{message}");
            let aside = folder.path().join(format!("sessions.ndjson.{suffix}"));
            let kept = fs::read_to_string(&aside).expect("the old state");
            assert!(kept == damaged, "{}", aside.display());
            program.event_of(payload::start("peter"));
            stop(&mut program);
            let state = fs::read_to_string(&file).expect("the new state");
            assert!(
                state.contains("peter") && !state.contains("goran"),
                "{state}"
            );
        }
    }

    #[test]
    fn a_state_that_cannot_be_written_is_reported_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = KEPT.replace("sessions.ndjson", "absent/sessions.ndjson");
        let mut program = configured(&folder, &config, Codec::Json);
        let diagnostic = program.diagnostics.one();
        assert_eq!(diagnostic["level"], "error");
        let message = diagnostic["message"].as_str().expect("text");
        assert!(
            message.contains("absent/sessions.ndjson: cannot write the session state: "),
            "{message}"
        );
        // Events flow all the same.
        program.event_of(payload::start("goran"));
        ask_to_end(&program);
        let (status, diagnostics) = program.wait();
        assert_eq!(status.code(), Some(1), "{diagnostics:?}");
        let [stopped, error] = messages(&diagnostics)[..] else {
            panic!("{diagnostics:?}");
        };
        assert_eq!(stopped, "stopped");
        assert!(error.contains("could not be saved"), "{error}");
    }
}
