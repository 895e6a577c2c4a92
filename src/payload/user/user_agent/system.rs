//! Finds the operating system of a user agent: the first in a list whose word the agent contains.
//!
//! The order decides, because a system may claim to be one that it descends from: Android also says `Linux`, Windows
//! Phone says `Android`, and iOS says `like Mac OS X`. Names and order are Bowser's.

use std::borrow::Cow;

use super::product::{leading, products, version, version_of};

/// A name, and a version if the agent has one.
pub(super) type NamedSystem<'a> = (&'static str, Option<Cow<'a, str>>);

/// Name and version of the operating system.
pub(super) fn system(agent: &str) -> Option<NamedSystem<'_>> {
    let words = Words {
        agent,
        lower: agent.to_ascii_lowercase(),
    };
    let has = |word| words.lower.contains(word);
    Some(if has("windows phone") {
        let version = words.version_after("windows phone os ");
        let version = version.or_else(|| words.version_after("windows phone "));
        ("Windows Phone", version)
    } else if has("windows ") {
        ("Windows", words.windows())
    } else if has("macintosh") && products(agent).any(|product| product.is("FxiOS")) {
        // Firefox on an iPad that requests desktop pages.
        ("iOS", version_of(agent, "Version").map(Cow::Borrowed))
    } else if has("macintosh") {
        ("macOS", words.version_after("mac os x "))
    } else if has("iphone") || has("ipad") || has("ipod") {
        // `CPU iPhone OS 17_5 like Mac OS X`; apps say `iOS 17.5`.
        ("iOS", words.version_after("os "))
    } else if has("openharmony") {
        ("HarmonyOS", words.version_after("openharmony "))
    } else if has("android") && !has("like android") {
        ("Android", words.version_after("android "))
    } else if has("web0s") || has("webos") {
        ("WebOS", None)
    } else if has("tizen") {
        ("Tizen", words.version_after("tizen "))
    } else if has("linux") {
        ("Linux", None)
    } else if agent.contains("CrOS") {
        ("Chrome OS", None)
    } else {
        return None;
    })
}

/// An agent, and the same text in lower case, with the same positions.
struct Words<'a> {
    agent: &'a str,
    lower: String,
}

impl<'a> Words<'a> {
    /// The text after each occurrence of a word, which must be in lower case.
    fn after(&self, word: &str) -> impl Iterator<Item = &'a str> {
        let places = self.lower.match_indices(word);
        places.map(|(place, word)| &self.agent[place + word.len()..])
    }

    /// The version, with dots, after the first occurrence of a word that a version follows.
    fn version_after(&self, word: &str) -> Option<Cow<'a, str>> {
        self.after(word).find_map(|rest| {
            let written = leading(rest, |byte| byte.is_ascii_digit() || b"._".contains(&byte));
            if written.contains('_') {
                let dotted = written.replace('_', ".");
                return Some(version(&dotted).to_owned())
                    .filter(|version| !version.is_empty())
                    .map(Cow::Owned);
            }
            Some(version(written))
                .filter(|version| !version.is_empty())
                .map(Cow::Borrowed)
        })
    }

    /// The version of Windows as the agent writes it: `NT 10.0`, `NT` or `XP`.
    fn windows(&self) -> Option<Cow<'a, str>> {
        self.after("windows ").find_map(|rest| {
            let name = ["NT", "XP"].into_iter().find(|name| {
                let start = rest.get(..name.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(name))
            })?;
            let number = rest[name.len()..].strip_prefix(' ').map_or("", version);
            Some(if number.is_empty() {
                Cow::Borrowed(name)
            } else {
                Cow::Owned(format!("{name} {number}"))
            })
        })
    }
}
