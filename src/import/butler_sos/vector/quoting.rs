//! Values of the file in YAML and in VRL.

use std::fmt::Write;

/// A text in YAML: JSON's quoting is YAML's too.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text in VRL within a block of YAML. What either of them, or Vector before both, takes for something
/// else is written by its number.
pub(super) fn vrl_text(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' | '{' | '}' => literal.extend(['\\', character]),
            // An environment variable, also in a comment.
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

/// Whether a character may stand in a block of YAML and ends no line of it.
fn is_in_text(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A text for a comment in VRL.
pub(super) fn vrl_comment(text: &str) -> String {
    let as_space = |c: char| if is_in_text(c) && c != '$' { c } else { ' ' };
    text.chars().map(as_space).collect()
}
