//! Text in the columns of a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether the terminal knows Unicode, by the locale in the variables of its environment.
pub fn knows_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(is_set);
    let is_utf_8 = |locale: String| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    };
    // Windows has no such variables, and its terminal knows Unicode.
    locale.map_or(cfg!(windows), is_utf_8)
}

/// The mark of one column where text was cut.
pub const fn ellipsis(with_unicode: bool) -> &'static str {
    if with_unicode { "…" } else { "~" }
}

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
