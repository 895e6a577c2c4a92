//! The part of Butler SOS's configuration that becomes Vector's: where events go.
//!
//! The text is put together from pieces that are YAML with comments, as somebody would write it who
//! has to look after it later. Values of the file are put in by [`quoted`] alone.

mod influxdb;
mod mqtt;
mod new_relic;

use super::{Note, Options, config::ButlerSos, values::Secret};

/// What every configuration begins with: the source, and who is who.
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

  # What users do goes to the sinks. What is left over is what the program says about itself
  # (`.event == "plugin"`) and payloads that could not be decoded.
  qlik_sense_kind:
    type: route
    inputs: [qlik_sense_clean]
    route:
      users: .event == "session" || .event == "connection"
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

/// What is there to see while nothing has a destination.
const CONSOLE: &str = r"
  events:
    type: console
    inputs: [qlik_sense_kind.users]
    target: stdout
    encoding:
      codec: json
";

/// Transforms and sinks of a destination.
#[derive(Default)]
struct Pieces {
    transforms: String,
    sinks: String,
}

/// Vector's configuration that does the same, and what it does differently.
pub(super) fn vector(from: &ButlerSos, options: &Options, notes: &mut Vec<Note>) -> String {
    let mut text = HEAD.replace("@PLUGIN_TOML@", &quoted(&options.plugin_toml));
    let mut pieces = Pieces::default();
    mqtt::add(from, &mut pieces, notes);
    influxdb::add(from, &mut pieces, notes);
    new_relic::add(from, &mut pieces, notes);
    if pieces.sinks.is_empty() {
        notes.push(Note::new(
            "userEvents",
            "no destination is enabled; events go to the standard output of Vector",
        ));
        pieces.sinks.push_str(CONSOLE);
    }
    text.push_str(&pieces.transforms);
    text.push_str("\nsinks:");
    text.push_str(&pieces.sinks);
    text.push_str(TAIL);
    text
}

/// Whether a destination is on: for user events and as such. One alone is noted.
fn is_on(events: bool, all: bool, keys: [&str; 2], notes: &mut Vec<Note>) -> bool {
    if events && !all {
        let message = format!("on, but `{}` is off, so Butler SOS sends nothing", keys[1]);
        notes.push(Note::new(keys[0], &message));
    }
    events && all
}

/// A text in YAML: JSON's quoting is YAML's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Notes what Vector takes for its own language, and cannot be told otherwise: `$` anywhere, and where
/// templates are read `{{` and `%`. (Of `%%` its templates make `%` only beside a part of the time.)
fn note_placeholders(key: &str, text: &str, notes: &mut Vec<Note>) {
    if text.contains("{{") || text.contains(['$', '%']) {
        notes.push(Note::new(
            key,
            "dollar signs, `%` and `{{` stand for other things in Vector's configuration; choose \
             another name",
        ));
    }
}

/// Notes a secret that is not carried over, and where it has to be put.
fn note_secret(key: &str, variable: &str, secret: Option<Secret>, notes: &mut Vec<Note>) {
    let message = if secret.is_some_and(|secret| secret.is_set) {
        format!("not written into the file; put it into the environment variable {variable}")
    } else {
        format!("missing; expected in the environment variable {variable}")
    };
    notes.push(Note::new(key, &message));
}
