//! The documentation of derived events.

use std::{collections::BTreeSet, fs};

use qlik_sense_events::{event::Event, schema::Schema};
use serde_json::Value;

use super::support::{Followed, config, datagram};

fn document(name: &str) -> String {
    let path = format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).expect("a document")
}

fn block(text: &str, language: &str) -> String {
    let (_, rest) = text
        .split_once(&format!("```{language}\n"))
        .expect("a block");
    rest.split_once("```").expect("its end").0.to_owned()
}

fn shown(derived: qlik_sense_events::event::Derived) -> Value {
    serde_json::to_value(Schema::Default.view(&Event::from(derived))).expect("JSON")
}

#[test]
fn the_example_is_what_its_datagrams_become() {
    let text = document("sessions.md");
    let mut followed = Followed::new(config());
    let mut last = None;
    let minutes = [0.0, 1.0, 31.0, 60.0];
    let datagrams = block(&text, "text");
    assert_eq!(datagrams.lines().count(), minutes.len());
    for (minute, datagram) in minutes.iter().zip(datagrams.lines()) {
        last = followed.datagram(minute * 60.0, datagram.as_bytes()).pop();
    }
    let expected: Value = serde_json::from_str(&block(&text, "json")).expect("JSON");
    assert_eq!(shown(last.expect("a summary")), expected);
}

#[test]
fn every_field_is_documented() {
    let mut config = config();
    config.snapshot_interval_secs = 60;
    let mut followed = Followed::new(config);
    let mut seen = BTreeSet::new();
    let mut events = Vec::new();
    for (seconds, line) in [
        (0.0, "start goran"),
        (1.0, "open goran app1 chrome"),
        (90.0, "close goran app1"),
        (91.0, "stop goran"),
    ] {
        events.extend(followed.tick(seconds));
        events.extend(followed.datagram(seconds, &datagram("n1", line)));
    }
    assert_eq!(events.len(), 3);
    for event in events {
        seen.extend(shown(event).as_object().expect("fields").keys().cloned());
    }
    // Only the extended appender sends a session's id; these datagrams have no virtual proxy and these
    // apps no names.
    let names = ["app_name", "app_names", "open_app_names"];
    seen.extend(
        ["session_id", "virtual_proxy"]
            .into_iter()
            .chain(names)
            .map(String::from),
    );
    let text = document("fields.md");
    let section = text
        .split("\n## ")
        .find(|section| section.starts_with("Sessions over time"))
        .expect("a section");
    let common = [
        "host",
        "user",
        "user_id",
        "user_directory",
        "event",
        "source_type",
    ];
    let client = [
        "virtual_proxy",
        "browser_name",
        "browser_version",
        "os_name",
        "os_version",
    ];
    let documented: BTreeSet<String> = section
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .chain(common.into_iter().chain(client).map(String::from))
        .collect();
    assert_eq!(seen, documented);
}
