//! The part of Butler SOS's configuration that becomes Vector's: where events go.
//!
//! The text is assembled from pieces of commented YAML, so that people can maintain it. Values from the file are only
//! inserted through [`quoted`] and [`vrl_text`].

mod categorise;
mod influxdb;
mod influxdb_logs;
mod influxdb_rejected;
mod log_events;
mod mqtt;
mod mqtt_logs;
mod new_relic;
mod new_relic_logs;
mod quoting;
mod tags;

use self::quoting::{quoted, vrl_comment, vrl_text};
use super::{Note, Options, config::ButlerSos, values::Secret};

/// The beginning of every configuration: the source, without metrics and without what the source adds.
const HEAD: &str = r#"sources:
  qlik_sense:
    type: exec
    mode: streaming
    # By default Vector waits five seconds, and what arrives while no program runs is lost.
    streaming:
      respawn_interval_secs: 1
    command: [qlik-sense-events, run, --codec, native, --config, @PLUGIN_TOML@]
    decoding:
      codec: native

transforms:
  # The program also sends metrics; docs/vector.md describes how to use them. The rest is for events.
  qlik_sense_logs:
    type: filter
    inputs: [qlik_sense]
    condition:
      type: is_log

  # The exec source adds which process an event came from, which is not needed.
  qlik_sense_clean:
    type: remap
    inputs: [qlik_sense_logs]
    source: |
      del(.pid)
      del(.stream)
      del(.command)
"#;

/// Distinguishes kinds of events.
const KIND: &str = r#"
  # @WHAT@ go to the sinks. What is left over are the program's
  # own messages (`.event == "plugin"`) and payloads that could not be decoded@MORE@.
  qlik_sense_kind:
    type: route
    inputs: [@INPUT@]
    route:
"#;

/// What is also left over if there are log events, because the same appenders also send these.
const TASKS: &str = ", and\n  # task events, which Butler SOS does not have";

const USERS: &str = r#"      users: .event == "session" || .event == "connection"
"#;

const LOG_EVENTS: &str = r#"      log_events: .event == "log" || .event == "performance"
"#;

const SUMMARIES: &str = r#"      performance_summaries: .event == "performance_summary"
"#;

/// The end of every configuration.
const TAIL: &str = r"
  diagnostics:
    type: console
    inputs: [qlik_sense_kind._unmatched]
    target: stderr
    encoding:
      codec: json
";

/// Shows events that have no destination.
const CONSOLE: &str = r"
  events:
    type: console
    inputs: [@INPUTS@]
    target: stdout
    encoding:
      codec: json
";

/// The transforms and sinks of the destinations.
#[derive(Default)]
struct Pieces {
    transforms: String,
    sinks: String,
    /// Whether any of them reads user events.
    read_users: bool,
    /// Whether any of them reads summaries of the performance events that are left out.
    read_summaries: bool,
    /// Whether any of them reads Butler SOS's message for log events.
    read_log_messages: bool,
}

/// The configuration for Vector that does the same, and notes on what it does differently.
pub(super) fn vector(from: &ButlerSos, options: &Options, notes: &mut Vec<Note>) -> String {
    let mut pieces = Pieces::default();
    mqtt::add(from, &mut pieces, notes);
    influxdb::add(from, &mut pieces, notes);
    new_relic::add(from, &mut pieces, notes);
    let has_logs = from.log_events.is_used();
    let has_users = from.user_events.enable || !has_logs;

    let mut text = HEAD.replace("@PLUGIN_TOML@", &quoted(&options.plugin_toml));
    let mut last = "qlik_sense_clean";
    if let Some(filter) = log_events::sources(from, last, notes) {
        text.push_str(&filter);
        last = log_events::SOURCES;
    }
    if let Some(tags) = tags::tags(from, last, notes) {
        text.push_str(&tags);
        last = tags::TAGS;
    }
    let (what, more) = match (pieces.read_users || has_users, has_logs) {
        (true, false) => ("User events", ""),
        (true, true) => ("User, log and performance events", TASKS),
        (false, _) => ("Log and performance events", TASKS),
    };
    let kind = KIND.replace("@INPUT@", last).replace("@WHAT@", what);
    text.push_str(&kind.replace("@MORE@", more));
    if pieces.read_users || has_users {
        text.push_str(USERS);
    }
    let mut logs = "qlik_sense_kind.log_events";
    if has_logs {
        text.push_str(LOG_EVENTS);
        if pieces.read_summaries {
            text.push_str(SUMMARIES);
        }
        let categories = &from.log_events.categorise;
        if let Some(categories) = categorise::categories(categories, logs, notes) {
            text.push_str(&categories);
            logs = categorise::CATEGORIES;
        }
    }
    if pieces.read_log_messages {
        text.push_str(&log_events::MESSAGE.replace("@INPUT@", logs));
    }
    let mut shown = Vec::new();
    if has_users && !pieces.read_users {
        shown.push(("userEvents", "qlik_sense_kind.users"));
    }
    if has_logs && !pieces.read_log_messages {
        shown.push(("logEvents", logs));
    }
    if !shown.is_empty() {
        for (key, _) in &shown {
            let message = "no destination is enabled; events go to the standard output of Vector";
            notes.push(Note::new(key, message));
        }
        let inputs: Vec<&str> = shown.iter().map(|(_, input)| *input).collect();
        let console = CONSOLE.replace("@INPUTS@", &inputs.join(", "));
        pieces.sinks.push_str(&console);
    }
    text.push_str(&pieces.transforms);
    text.push_str("\nsinks:");
    text.push_str(&pieces.sinks);
    text.push_str(TAIL);
    text
}

/// Whether a destination is enabled, both for a kind of events and as such. It is noted if only the former is true.
fn is_on(events: bool, all: bool, keys: [&str; 2], notes: &mut Vec<Note>) -> bool {
    if events && !all {
        let message = format!("on, but `{}` is off, so Butler SOS sends nothing", keys[1]);
        notes.push(Note::new(keys[0], &message));
    }
    events && all
}

/// Notes text that Vector would interpret, which cannot be escaped: `$` anywhere, and `{{` and `%` in templates.
/// (Templates turn `%%` into `%` only next to a part of the time.)
fn note_placeholders(key: &str, text: &str, notes: &mut Vec<Note>) {
    if text.contains("{{") || text.contains(['$', '%']) {
        notes.push(Note::new(
            key,
            "dollar signs, `%` and `{{` have a special meaning in Vector's configuration; choose another name",
        ));
    }
}

/// Notes a secret that is not carried over, and where to put it.
fn note_secret(key: &str, variable: &str, secret: Option<Secret>, notes: &mut Vec<Note>) {
    let message = if secret.is_some_and(|secret| secret.is_set) {
        format!("not written to the file; set the environment variable {variable}")
    } else {
        format!("missing; expected in the environment variable {variable}")
    };
    notes.push(Note::new(key, &message));
}
