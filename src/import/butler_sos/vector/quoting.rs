//! Writes values from the file in YAML and in VRL.

use std::fmt::Write;

/// A text in YAML: JSON's quoting is valid there.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text in VRL within a block of YAML. Characters with a special meaning in either, or for Vector before that, are
/// written as numbers.
pub(super) fn vrl_text(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' | '{' | '}' => literal.extend(['\\', character]),
            // A dollar sign begins an environment variable, even in a comment.
            '$' => push_number(&mut literal, character),
            character if is_in_text(character) => literal.push(character),
            character => push_number(&mut literal, character),
        }
    }
    literal + "\""
}

fn push_number(literal: &mut String, character: char) {
    let _ = write!(literal, "\\u{{{:x}}}", u32::from(character));
}

/// Whether a character is allowed in a block of YAML and does not end a line.
fn is_in_text(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A text in a VRL comment.
pub(super) fn vrl_comment(text: &str) -> String {
    let as_space = |c: char| if is_in_text(c) && c != '$' { c } else { ' ' };
    text.chars().map(as_space).collect()
}
