//! Text in the columns of a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Text in at most this many columns, with a mark of one column where it was truncated.
pub fn cut(text: &str, columns: usize, mark: &str) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 1);
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > columns {
            break;
        }
        kept.push(character);
    }
    kept + mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns_and_not_by_letters() {
        assert_eq!(cut("Łukasz", 6, "…"), "Łukasz");
        assert_eq!(cut("Łukasz", 5, "…"), "Łuka…");
        assert_eq!(cut("田中さん", 6, "…"), "田中…");
        assert_eq!(cut("田中", 0, "…"), "…");
    }
}
