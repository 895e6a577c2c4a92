//! The part of Butler SOS's configuration that becomes Vector's: where events go.
//!
//! The text is put together from pieces that are YAML with comments, as somebody would write it who
//! has to look after it later. Values of the file are put in by [`quoted`] and [`vrl_text`] alone.

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

/// What every configuration begins with: the source, without metrics and what the source adds.
const HEAD: &str = r#"sources:
  qlik_sense:
    type: exec
    mode: streaming
    # Vector waits five seconds unless told, and what arrives while no program runs is lost.
    streaming:
      respawn_interval_secs: 1
    command: [qlik-sense-events, run, --codec, native, --config, @PLUGIN_TOML@]
    decoding:
      codec: native

transforms:
  # The program sends metrics as well; docs/vector.md has what to do with them. The rest is for logs.
  qlik_sense_logs:
    type: filter
    inputs: [qlik_sense]
    condition:
      type: is_log

  # The exec source notes which process an event came from. Nobody asks for that later.
  qlik_sense_clean:
    type: remap
    inputs: [qlik_sense_logs]
    source: |
      del(.pid)
      del(.stream)
      del(.command)
"#;

/// Who is who.
const KIND: &str = r#"
  # @WHAT@ goes to the sinks. What is left over is what
  # the program says about itself (`.event == "plugin"`) and payloads that could not be decoded@MORE@.
  qlik_sense_kind:
    type: route
    inputs: [@INPUT@]
    route:
"#;

/// What else is left over where log events come, since one file of appenders has both.
const TASKS: &str = ", and\n  # task events, which Butler SOS does not have";

const USERS: &str = r#"      users: .event == "session" || .event == "connection"
"#;

const LOG_EVENTS: &str = r#"      log_events: .event == "log" || .event == "performance"
"#;

const SUMMARIES: &str = r#"      performance_summaries: .event == "performance_summary"
"#;

/// What every configuration ends with.
const TAIL: &str = r"
  diagnostics:
    type: console
    inputs: [qlik_sense_kind._unmatched]
    target: stderr
    encoding:
      codec: json
";

/// What is there to see of what has no destination.
const CONSOLE: &str = r"
  events:
    type: console
    inputs: [@INPUTS@]
    target: stdout
    encoding:
      codec: json
";

/// Transforms and sinks of destinations.
#[derive(Default)]
struct Pieces {
    transforms: String,
    sinks: String,
    /// Whether any of them reads user events.
    read_users: bool,
    /// Whether any of them reads what is said together of performance events that are left out.
    read_summaries: bool,
    /// Whether any of them reads the message that Butler SOS makes of a log event.
    read_log_messages: bool,
}

/// Vector's configuration that does the same, and what it does differently.
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
        (true, false) => ("What users do", ""),
        (true, true) => ("What users do and what services log", TASKS),
        (false, _) => ("What services log", TASKS),
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

/// Whether a destination is on: for a kind of events and as such. The former alone is noted.
fn is_on(events: bool, all: bool, keys: [&str; 2], notes: &mut Vec<Note>) -> bool {
    if events && !all {
        let message = format!("on, but `{}` is off, so Butler SOS sends nothing", keys[1]);
        notes.push(Note::new(keys[0], &message));
    }
    events && all
}

/// Notes what Vector takes for its own language, and cannot be told otherwise: `$` anywhere, and where
/// templates are read `{{` and `%`. (Of `%%` its templates make `%` only beside a part of the time.)
fn note_placeholders(key: &str, text: &str, notes: &mut Vec<Note>) {
    if text.contains("{{") || text.contains(['$', '%']) {
        notes.push(Note::new(
            key,
            "dollar signs, `%` and `{{` have a special meaning in Vector's configuration; choose another name",
        ));
    }
}

/// Notes a secret that is not carried over, and where it has to be put.
fn note_secret(key: &str, variable: &str, secret: Option<Secret>, notes: &mut Vec<Note>) {
    let message = if secret.is_some_and(|secret| secret.is_set) {
        format!("not written to the file; set the environment variable {variable}")
    } else {
        format!("missing; expected in the environment variable {variable}")
    };
    notes.push(Note::new(key, &message));
}
