//! Escapes text for terminals. Text for a host is never changed.

/// Returns the text with control characters and changes of writing direction escaped.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escape = character.is_control() || is_direction(character);
            escape
                .then(|| character.escape_unicode())
                .into_iter()
                .flatten()
                .chain((!escape).then_some(character))
        })
        .collect()
}

/// Unicode's marks, overrides and isolates of writing direction.
const fn is_direction(character: char) -> bool {
    matches!(
        character,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(
            escaped("a\u{1b}[31mb\u{202e}c\u{9b}ö\n"),
            "a\\u{1b}[31mb\\u{202e}c\\u{9b}ö\\u{a}"
        );
    }
}
