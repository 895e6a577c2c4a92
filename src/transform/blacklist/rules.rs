//! The entries prepared for look-ups: a set of the exact ones, and one automaton for all patterns.

use std::{collections::HashSet, sync::Arc};

use foldhash::fast::RandomState;
use regex_automata::meta::Regex;

use super::entry::UserPattern;
use crate::transform::{
    case::{Key, fold_into},
    wildcard::{TooManyPatterns, compile, expression},
};

/// Separates directory and id in a key. No field of a payload can contain it.
const SEPARATOR: u8 = b';';

/// The size of a key that is built on the stack, in bytes.
const SHORT: usize = 64;

#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// Shared by the pipelines of all sockets.
    exact: Arc<HashSet<Box<[u8]>, RandomState>>,
    /// Patterns for folded keys.
    patterns: Option<Regex>,
    /// The same patterns for keys as written, if case is ignored. Folding can turn one character into several, which
    /// `?` would count; these patterns find the users that are missed then.
    unfolded_patterns: Option<Regex>,
    case_sensitive: bool,
}

impl Rules {
    pub(super) fn new<'a>(
        entries: impl IntoIterator<Item = &'a UserPattern>,
        case_sensitive: bool,
    ) -> Result<Self, TooManyPatterns> {
        let mut rules = Self {
            case_sensitive,
            ..Self::default()
        };
        let mut exact = HashSet::default();
        let (mut patterns, mut unfolded) = (Vec::new(), Vec::new());
        for entry in entries {
            for (user_directory, user_id) in entry.parts() {
                let key = rules.key(user_directory, user_id);
                if entry.is_pattern() {
                    patterns.push(expression(&String::from_utf8_lossy(&key), ANY));
                    let separator = char::from(SEPARATOR);
                    let key = format!("{user_directory}{separator}{user_id}");
                    unfolded.push(expression(&key, ANY));
                } else {
                    exact.insert(key.into_boxed_slice());
                }
            }
        }
        rules.exact = Arc::new(exact);
        rules.patterns = compile(&patterns, false)?;
        if !case_sensitive {
            rules.unfolded_patterns = compile(&unfolded, true)?;
        }
        Ok(rules)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.patterns.is_none()
    }

    pub(super) fn contain(&self, user_directory: &str, user_id: &str) -> bool {
        if let Some((key, bytes)) = self.ascii_key(user_directory, user_id) {
            return self.contain_key(&key[..bytes]);
        }
        self.contain_key(&self.key(user_directory, user_id))
            || self.contain_unfolded(user_directory, user_id)
    }

    /// The key of nearly every user, and its length. Processing the whole array, whose length is constant, is faster
    /// than processing only the key.
    #[inline]
    fn ascii_key(&self, user_directory: &str, user_id: &str) -> Option<([u8; SHORT], usize)> {
        let directory = user_directory.len();
        let bytes = directory + 1 + user_id.len();
        let mut short = [0; SHORT];
        let key = short.get_mut(..bytes)?;
        key[..directory].copy_from_slice(user_directory.as_bytes());
        key[directory] = SEPARATOR;
        key[directory + 1..].copy_from_slice(user_id.as_bytes());
        if !short.is_ascii() {
            return None;
        }
        if !self.case_sensitive {
            short.make_ascii_lowercase();
        }
        Some((short, bytes))
    }

    fn contain_key(&self, key: &[u8]) -> bool {
        self.exact.contains(key)
            || self
                .patterns
                .as_ref()
                .is_some_and(|patterns| patterns.is_match(key))
    }

    #[cold]
    fn contain_unfolded(&self, user_directory: &str, user_id: &str) -> bool {
        self.unfolded_patterns.as_ref().is_some_and(|patterns| {
            let separator = char::from(SEPARATOR);
            patterns.is_match(&format!("{user_directory}{separator}{user_id}"))
        })
    }

    fn key(&self, user_directory: &str, user_id: &str) -> Key {
        let mut key = Key::new();
        self.add(&mut key, user_directory);
        key.push(SEPARATOR);
        self.add(&mut key, user_id);
        key
    }

    fn add(&self, key: &mut Key, text: &str) {
        if self.case_sensitive {
            key.extend_from_slice(text.as_bytes());
        } else {
            fold_into(key, text);
        }
    }
}

/// The expression for `?`; neither `?` nor `*` matches the separator.
const ANY: &str = "[^;]";

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(entries: &[&str], case_sensitive: bool) -> Rules {
        let entries: Vec<UserPattern> = entries
            .iter()
            .map(|entry| entry.parse().expect(entry))
            .collect();
        Rules::new(&entries, case_sensitive).expect("rules")
    }

    #[test]
    fn an_entry_matches_its_users_and_no_others() {
        // entry, directory, id, listed, listed with `case_sensitive`
        let rows = [
            (r"LAB\goran", "LAB", "goran", true, true),
            (r"LAB\goran", "lab", "GORAN", true, false),
            (r"LAB\goran", "LAB", "gora", false, false),
            (r"LAB\goran", "LABg", "oran", false, false),
            (r"LAB\goran", "", "", false, false),
            (r"LAB\jörgen", "lab", "JÖRGEN", true, false),
            (r"ÅÄÖ\Straße", "åäö", "STRASSE", true, false),
            (r"ΣΊΣΥΦΟΣ\*", "σίσυφος", "x", true, false),
            (r"INTERNAL\sa_*", "INTERNAL", "sa_engine", true, true),
            (r"INTERNAL\sa_*", "INTERNAL", "sa_", true, true),
            (r"INTERNAL\sa_*", "INTERNAL", "saXengine", false, false),
            (r"INTERNAL\sa_*", "INTERNAL", "xsa_engine", false, false),
            (r"*\anonymous*", "NONE", "anonymous0815", true, true),
            (r"*\anonymous*", "", "Anonymous", true, false),
            (r"L?B\g?", "LAB", "gö", true, true),
            (r"L?B\g?", "LB", "gö", false, false),
            (r"L?B\g?", "LAB", "g", false, false),
            (r"LAB\*.+(x)", "LAB", "a.+(x)", true, true),
            (r"LAB\*.+(x)", "LAB", "aab(x)", false, false),
            (r"*\x", r"LAB\y", "x", true, true),
            (r"LAB\*\x", "LAB", r"a\x", true, true),
            (r"LAB\*\x", r"LAB\a", "x", true, true),
            (r"*\x", "LAB", r"y\x", false, false),
            (r"ACME\EU\x", r"ACME\EU", "x", true, true),
            (r"ACME\EU\x", "ACME", r"eu\X", true, false),
            (r"ACME\EU\x", "ACME", "x", false, false),
            (r"ACME\EU\*", r"ACME\EU", "x", true, true),
            (r"ACME\*", r"ACME\EU", "x", false, false),
            (r"LAB\*", "LAB", "line\nbreak", true, true),
        ];
        for (entry, directory, id, ignoring_case, minding_case) in rows {
            for (case_sensitive, expected) in [(false, ignoring_case), (true, minding_case)] {
                assert_eq!(
                    rules(&[entry], case_sensitive).contain(directory, id),
                    expected,
                    "{entry} {directory} {id} case_sensitive = {case_sensitive}"
                );
            }
        }
        assert_eq!(rows.len(), 29);
    }

    #[test]
    fn exact_entries_and_patterns_match_side_by_side() {
        let exact: Vec<String> = (0..10_000)
            .map(|n| format!(r"DIR{}\user{n}", n % 7))
            .collect();
        let patterns: Vec<String> = (0..100).map(|n| format!(r"P{n}\svc_*_{n}")).collect();
        let entries: Vec<&str> = exact.iter().chain(&patterns).map(String::as_str).collect();
        let rules = rules(&entries, false);
        assert!(rules.contain("dir6", "USER9995"));
        assert!(!rules.contain("dir5", "user9995"));
        assert!(rules.contain("p99", "svc_backup_99"));
        assert!(!rules.contain("p98", "svc_backup_99"));
    }
}
