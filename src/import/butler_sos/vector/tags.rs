//! Tags that only some events have.

use std::fmt::Write;

use super::vrl_text;
use crate::import::butler_sos::{Note, config::ButlerSos, tags::of_some};

/// The name of the transform of [`tags`].
pub(super) const TAGS: &str = "qlik_sense_tags";

/// The transform that adds the tags that only user events or only log events have.
pub(super) fn tags(from: &ButlerSos, input: &str, notes: &mut Vec<Note>) -> Option<String> {
    let [users, logs] = of_some(from);
    if users.is_empty() && logs.is_empty() {
        return None;
    }
    notes.push(Note::new(
        "logEvents.tags",
        "these differ from `userEvents.tags`; the program's `output.tags` has those that both have in common, \
         and the transform `qlik_sense_tags` adds the rest",
    ));
    let mut text = format!(
        "\n  # Tags that only some events have.\n  {TAGS}:\n    type: remap\n    inputs: [{input}]\n    source: |\n"
    );
    let of = [
        (r#"["session", "connection"]"#, users),
        (r#"["log", "performance"]"#, logs),
    ];
    for (events, tags) in of.into_iter().filter(|(_, tags)| !tags.is_empty()) {
        let tags: Vec<String> = tags
            .iter()
            .map(|(name, value)| format!("{}: {}", vrl_text(name), vrl_text(value)))
            .collect();
        let _ = writeln!(
            text,
            "      if includes({events}, .event) {{\n        .tags = merge(object(.tags) ?? {{}}, {{{}}})\n      }}",
            tags.join(", ")
        );
    }
    Some(text)
}
