//! Suggestions for names that are not known.

/// The known name closest to an unknown one, if any is close. Case, `_` and `-` are ignored.
pub(super) fn nearest<'n>(given: &str, known: &[&'n str]) -> Option<&'n str> {
    /// Above the similarity that option names have by chance, below that of a typo.
    const NEAR: f64 = 0.85;
    let given = plain(given);
    known
        .iter()
        .map(|&name| (name, strsim::jaro_winkler(&given, &plain(name))))
        .filter(|&(_, nearness)| nearness >= NEAR)
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(name, _)| name)
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// "expected `a` or `b`; did you mean `b`?"
pub(super) fn instead(given: &str, known: &[&str]) -> String {
    let mut expected = format!("expected {}", listed(known, "or"));
    if let Some(name) = nearest(given, known) {
        expected += &format!("; did you mean `{name}`?");
    }
    expected
}

/// "`a`, `b` or `c`", with this word before the last.
pub(super) fn listed(names: &[&str], word: &str) -> String {
    match names {
        [] => "nothing".to_owned(),
        [name] => format!("`{name}`"),
        [first @ .., last] => format!("`{}` {word} `{last}`", first.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    #[test]
    fn typos_get_a_suggestion() {
        let fields = Schema::Default.fields();
        for (given, meant) in [
            ("userid", Some("user_id")),
            ("User-ID", Some("user_id")),
            ("mesage", Some("message")),
            ("useragent", Some("user_agent")),
            ("browser", Some("browser_name")),
            ("time_stamp", Some("timestamp")),
            ("x", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(given, fields), meant, "{given}");
        }
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(listed(&["a"], "or"), "`a`");
        assert_eq!(listed(&["a", "b", "c"], "and"), "`a`, `b` and `c`");
        let codecs = ["json", "native"];
        let expected = "expected `json` or `native`";
        assert_eq!(instead("xml", &codecs), expected);
        assert_eq!(
            instead("Nativ", &codecs),
            format!("{expected}; did you mean `native`?")
        );
    }
}
