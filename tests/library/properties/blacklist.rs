//! Properties of any entry and any user.

use proptest::prelude::*;
use qlik_sense_events::transform::{Blacklist, BlacklistConfig, blacklist::UserPattern};

/// Whether a pattern matches, character by character, trying every length for `*`.
fn naive_match(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|taken| naive_match(rest, &text[taken..])),
        ['?', rest @ ..] => !text.is_empty() && naive_match(rest, &text[1..]),
        [first, rest @ ..] => text.first() == Some(first) && naive_match(rest, &text[1..]),
    }
}

fn naive_listed(entries: &[UserPattern], directory: &str, id: &str, case_sensitive: bool) -> bool {
    let characters = |text: &str| -> Vec<char> {
        if case_sensitive {
            text.chars().collect()
        } else {
            text.chars().flat_map(char::to_lowercase).collect()
        }
    };
    entries.iter().flat_map(UserPattern::parts).any(|parts| {
        naive_match(&characters(parts.0), &characters(directory))
            && naive_match(&characters(parts.1), &characters(id))
    })
}

/// Letters whose lower case is also their case folding, and characters with a meaning in regular expressions.
const USER: &str = "[aAbBöÖéÉжЖ\\\\_.+|()\\[\\]{}^$\n 0-9-]{0,4}";
const PATTERN: &str = "[aAbBöÖéÉжЖ_.+|()\\[\\]{}^$ 0-9*?*?*?-]{1,4}";

proptest! {
    #[test]
    fn the_blacklist_agrees_with_a_naive_one(
        entries in prop::collection::vec((PATTERN, PATTERN), 0..6),
        exact in prop::collection::vec(("[aAbBöÖ]{1,2}", "[aAbBöÖ]{1,2}"), 0..6),
        users in prop::collection::vec((USER, USER), 1..8),
        short in prop::collection::vec(("[aAbBöÖ\n]{0,2}", "[aAbBöÖ\n]{0,2}"), 1..8),
        case_sensitive in any::<bool>(),
    ) {
        let entries: Vec<UserPattern> = entries
            .iter()
            .chain(&exact)
            .map(|(directory, id)| UserPattern::new(&**directory, &**id).expect("an entry"))
            .collect();
        let config = BlacklistConfig {
            users: entries.clone(),
            case_sensitive,
            ..BlacklistConfig::default()
        };
        let blacklist = config.build().expect("a blacklist");
        for (directory, id) in users.iter().chain(&short) {
            prop_assert_eq!(
                blacklist.contains(Some(directory), Some(id)),
                naive_listed(&entries, directory, id, case_sensitive),
                "{:?} {:?} {:?}", entries, directory, id
            );
        }
    }

    #[test]
    fn any_entry_can_be_asked_for_any_user(
        entries in prop::collection::vec((".{0,8}", ".{0,8}"), 0..5),
        user in (".*", ".*"),
        case_sensitive in any::<bool>(),
    ) {
        let entries: Vec<UserPattern> = entries
            .iter()
            .filter_map(|(directory, id)| UserPattern::new(&**directory, &**id).ok())
            .collect();
        let config = BlacklistConfig { users: entries.clone(), case_sensitive, ..Default::default() };
        let blacklist = config.build().expect("a blacklist");
        let _ = blacklist.contains(Some(&user.0), Some(&user.1));
        for entry in &entries {
            // `*` and `?` also match themselves.
            for (directory, id) in entry.parts() {
                prop_assert!(blacklist.contains(Some(directory), Some(id)), "{}", entry);
            }
            let written = serde_json::to_value(entry).expect("a value");
            prop_assert_eq!(&serde_json::from_value::<UserPattern>(written).expect("an entry"), entry);
        }
    }

    #[test]
    fn an_entry_as_text_lists_each_user_that_is_shown_so(
        names in prop::collection::vec("[aéЖ,.'#]{1,3}( [aéЖ,.'/]{1,2})?", 2..6),
        case_sensitive in any::<bool>(),
    ) {
        let text = names.join("\\");
        prop_assume!(text.parse::<UserPattern>().is_ok());
        let users = vec![text.parse().expect("an entry")];
        let config = BlacklistConfig { users, case_sensitive, ..Default::default() };
        let blacklist = config.build().expect("a blacklist");
        for place in 1..names.len() {
            let (directory, id) = (names[..place].join("\\"), names[place..].join("\\"));
            prop_assert!(blacklist.contains(Some(&directory), Some(&id)), "{} {} {}", text, directory, id);
        }
        prop_assert!(!blacklist.contains(Some(&names[0]), Some("b")));
    }

    #[test]
    fn any_text_is_an_entry_or_an_error(text in ".*") {
        match text.parse::<UserPattern>() {
            Ok(entry) => prop_assert_eq!(entry.to_string(), text),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_question_mark_is_one_character(character in any::<char>(), case_sensitive in any::<bool>()) {
        prop_assume!(!";\r\n\0".contains(character));
        prop_assume!(case_sensitive || folds_to_one(character));
        let blacklist = question_mark(case_sensitive);
        let one = character.to_string();
        prop_assert!(blacklist.contains(Some("LAB"), Some(&one)), "{:?}", one);
        prop_assert!(!blacklist.contains(Some("LAB"), Some(&one.repeat(2))), "{:?}", one);
        prop_assert!(!blacklist.contains(Some("LAB"), Some("")));
    }
}

/// Whether case folding leaves a single character a single one; `ß` becomes `ss`.
fn folds_to_one(character: char) -> bool {
    character
        .to_lowercase()
        .flat_map(char::to_uppercase)
        .count()
        == 1
}

fn question_mark(case_sensitive: bool) -> Blacklist {
    let config = BlacklistConfig {
        users: vec![r"LAB\?".parse().expect("an entry")],
        case_sensitive,
        ..BlacklistConfig::default()
    };
    config.build().expect("a blacklist")
}

#[test]
fn a_question_mark_matches_one_character_that_folds_to_several() {
    let blacklist = question_mark(false);
    let several: Vec<char> = ('\0'..=char::MAX).filter(|c| !folds_to_one(*c)).collect();
    assert!(several.len() > 100);
    for character in several {
        let one = character.to_string();
        assert!(blacklist.contains(Some("LAB"), Some(&one)), "{one:?}");
    }
}
