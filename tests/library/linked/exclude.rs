//! The transform that leaves out the events of users.

use std::{fs, sync::mpsc};

use qlik_sense_events::{host::linked::ExcludeUsersConfig, schema::Schema};
use serde_json::json;

use super::{Log, PATIENCE, Source, datagram, text_of};

#[test]
fn users_are_excluded_in_every_schema() {
    let config: ExcludeUsersConfig =
        serde_json::from_value(json!({"users": [r"lab\SA_*"]})).expect("options");
    let exclude = config.build(Log(mpsc::channel().0)).expect("no file");
    for &schema in Schema::ALL {
        let mut source = Source::start(json!({"output": {"schema": schema}}));
        source.send(&datagram("sa_engine"));
        source.send(&datagram("goran"));
        source.send("garbage");
        let excluded: Vec<bool> = source
            .events(3)
            .0
            .iter()
            .map(|event| exclude.excludes(|name| text_of(event, name)))
            .collect();
        assert_eq!(excluded, [true, false, false], "{schema}");
    }
}

const REQUEST: &str = r"/qseow-qix-perf/;1;20260131T140600.000Z;2026-01-31 14:06:00,000;INFO;n1;QixPerformance.Engine.Engine;LAB\qlikservice;s;LAB;goran;20260131T140600.000Z;e;0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740;43;GenericObject::GetLayout;1;1;0;0;0;7;a;1;2;tile";

const TASK: &str = r"/scheduler-task-failed/;n1;Nightly;Sales;LAB\goran;d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610;;2026-01-31 06:00:12,345;INFO;(null);x";

#[test]
fn kinds_of_events_are_excluded_in_every_schema() {
    let users = json!([r"LAB\goran"]);
    for (events, expected) in [
        (json!(["session", "connection"]), [true, false, false, true]),
        (json!(["performance"]), [false, true, false, false]),
        (json!(["task"]), [false, false, true, false]),
        (json!(["log"]), [false; 4]),
    ] {
        let options = json!({"users": users, "events": events});
        let config: ExcludeUsersConfig = serde_json::from_value(options).expect("options");
        let exclude = config.build(Log(mpsc::channel().0)).expect("no file");
        for &schema in Schema::ALL {
            let mut source = Source::start(json!({
                "output": {"schema": schema},
                "transform": {"sessions": {"enabled": true}},
            }));
            let stop = datagram("goran").replace("Start", "Stop");
            source.send(&datagram("goran"));
            source.send(REQUEST);
            source.send(TASK);
            source.send(&stop);
            let excluded: Vec<bool> = source
                .events(5)
                .0
                .iter()
                .map(|event| exclude.excludes(|name| text_of(event, name)))
                .collect();
            // The last two are the session's stop and its summary.
            let [.., stop] = expected;
            let expected = [&expected[..], &[stop]].concat();
            assert_eq!(excluded, expected, "{schema} {events}");
        }
    }
}

#[test]
fn files_of_excluded_users_are_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("users.txt");
    fs::write(&file, "LAB\\maria\n").expect("written");
    let config: ExcludeUsersConfig =
        serde_json::from_value(json!({"files": [file]})).expect("options");
    let (log, lines) = mpsc::channel();
    let exclude = config.build(Log(log)).expect("a list");
    let excludes = |user: &str| {
        exclude.excludes(|name| match name {
            "user_directory" => Some("LAB"),
            "user_id" => Some(user),
            _ => None,
        })
    };
    assert!(excludes("maria") && !excludes("goran"));

    fs::write(&file, "LAB\\goran and more\nbad line\n").expect("written");
    let line = lines.recv_timeout(PATIENCE).expect("a report");
    assert!(
        line.contains("users.txt:2") && line.contains("the previous entries stay in effect"),
        "{line}"
    );
    assert!(excludes("maria"));

    fs::write(&file, "LAB\\goran\n").expect("written");
    let line = lines.recv_timeout(PATIENCE).expect("a report");
    assert_eq!(line, "reloaded the blacklist: 1 entry");
    assert!(excludes("goran") && !excludes("maria"));

    // The thread that watches the file ends with the transform.
    drop(exclude);
    assert!(lines.recv_timeout(PATIENCE).is_err());

    fs::remove_file(&file).expect("removed");
    assert!(config.build(Log(mpsc::channel().0)).is_err());
}
