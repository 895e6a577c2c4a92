//! One entry of the blacklist: a directory and a user id, each optionally with `*` and `?`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

use super::mistake::{self, IMPOSSIBLE, MAX_BACKSLASHES, UserPatternError, UserPatternProblem};

/// A user or a pattern of users.
///
/// Written as `DIR\id`, the form in which events show `user`, or in a configuration file as a table with
/// `user_directory` and `user_id`. In each part `*` matches any number of characters, including none, and `?` exactly
/// one.
///
/// A directory and an id may contain backslashes themselves, and `DIR\id` does not show which one separates them: it
/// may be any. So `ACME\EU\x` matches both the user `x` of the directory `ACME\EU` and the user `EU\x` of the
/// directory `ACME`. A table matches one of the two.
///
/// ```
/// use qlik_sense_events::transform::blacklist::UserPattern;
///
/// let entry: UserPattern = r"ACME\EU\x".parse()?;
/// let parts: Vec<(&str, &str)> = entry.parts().collect();
/// assert_eq!(parts, [("ACME", r"EU\x"), (r"ACME\EU", "x")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserPattern {
    /// `DIR\id`.
    text: String,
    /// The position of the backslash between the parts; `None` if it may be any of several.
    separator: Option<usize>,
}

impl UserPattern {
    /// An entry of a directory and a user id.
    ///
    /// # Errors
    ///
    /// [`UserPatternError`] if a part is empty or contains a character that no payload can contain.
    pub fn new(
        user_directory: impl AsRef<str>,
        user_id: impl AsRef<str>,
    ) -> Result<Self, UserPatternError> {
        let (user_directory, user_id) = (user_directory.as_ref(), user_id.as_ref());
        Self::of_parts(user_directory, user_id).map_err(|problem| {
            UserPatternError::new(&format!(r"{user_directory}\{user_id}"), problem)
        })
    }

    fn of_parts(user_directory: &str, user_id: &str) -> Result<Self, UserPatternProblem> {
        if user_directory.is_empty() {
            return Err(UserPatternProblem::EmptyDirectory);
        }
        if user_id.is_empty() {
            return Err(UserPatternProblem::EmptyUserId);
        }
        if [user_directory, user_id].contains(&"(null)") {
            return Err(UserPatternProblem::Null);
        }
        let text = format!(r"{user_directory}\{user_id}");
        if text.contains(IMPOSSIBLE) {
            return Err(UserPatternProblem::ImpossibleCharacter);
        }
        let separator = Some(user_directory.len());
        Ok(Self { text, separator })
    }

    pub(super) fn of_text(text: &str) -> Result<Self, UserPatternProblem> {
        if let Some(problem) = mistake::in_text(text) {
            return Err(problem);
        }
        let (directory, id) = text
            .split_once('\\')
            .ok_or(UserPatternProblem::NoSeparator)?;
        if id.ends_with('\\') {
            return Err(UserPatternProblem::EmptyUserId);
        }
        let entry = Self::of_parts(directory, id)?;
        match memchr::memchr_iter(b'\\', id.as_bytes()).count() {
            0 => Ok(entry),
            others if others < MAX_BACKSLASHES => Ok(Self {
                separator: None,
                ..entry
            }),
            _ => Err(UserPatternProblem::TooManyBackslashes),
        }
    }

    /// The pairs of directory and user id, as written: one pair, or for an entry `DIR\id` with several backslashes, one
    /// pair for each of them.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &str)> {
        let backslashes = memchr::memchr_iter(b'\\', self.text.as_bytes());
        backslashes
            .filter(|place| self.separator.is_none_or(|separator| separator == *place))
            .map(|place| (&self.text[..place], &self.text[place + 1..]))
    }

    /// Whether a part contains `*` or `?`.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.text.contains(['*', '?'])
    }
}

impl FromStr for UserPattern {
    type Err = UserPatternError;

    /// Reads `DIR\id`. Likely mistakes are rejected; a table can express them if they are intended.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of_text(text).map_err(|problem| UserPatternError::in_text(text, problem))
    }
}

impl fmt::Display for UserPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for UserPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.separator {
            // The text would be rejected or mean something else when read again.
            Some(separator) if self.text.parse().as_ref() != Ok(self) => {
                let mut table = serializer.serialize_struct("UserPattern", 2)?;
                table.serialize_field("user_directory", &self.text[..separator])?;
                table.serialize_field("user_id", &self.text[separator + 1..])?;
                table.end()
            }
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for UserPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    user_directory: String,
    user_id: String,
}

struct EntryVisitor;

impl<'de> de::Visitor<'de> for EntryVisitor {
    type Value = UserPattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r"a user as 'DIR\id' or as { user_directory = '…', user_id = '…' }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        text.parse().map_err(|error| match mistake::escaped(text) {
            Some(written) => E::custom(format_args!(
                "\"{written}\": in double quotes, a backslash and the letter after it are one character; use single \
                 quotes: '{written}'"
            )),
            None => E::custom(error),
        })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        UserPattern::new(table.user_directory, table.user_id).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: serde_json::Value) -> UserPattern {
        serde_json::from_value(value).expect("an entry")
    }

    #[test]
    fn both_forms_are_the_same_with_a_single_backslash() {
        let table = serde_json::json!({"user_directory": "LAB", "user_id": "a*"});
        let text = serde_json::json!(r"LAB\a*");
        assert_eq!(read(table), read(text.clone()));
        assert_eq!(
            serde_json::to_value(read(text.clone())).expect("text"),
            text
        );
        let wrong = serde_json::json!({"user_directory": "LAB", "userid": "a"});
        assert!(serde_json::from_value::<UserPattern>(wrong).is_err());
    }

    /// Found by fuzzing: a directory with a `\` would be read differently in the text form.
    #[test]
    fn an_entry_that_is_written_is_read_as_the_same() {
        for (directory, id) in [
            ("LAB", "goran"),
            ("LAB", r"a\b"),
            (r"a\b", "c"),
            (r"\", r"\"),
            ("LAB", "\"goran\""),
            ("LAB", "a,b"),
            (" LAB", "a # b"),
            ("LAB", &r"x\".repeat(MAX_BACKSLASHES)),
        ] {
            let entry = UserPattern::new(directory, id).expect("an entry");
            let written = serde_json::to_value(&entry).expect("a value");
            assert_eq!(read(written.clone()), entry, "{written}");
        }
        for text in [r"LAB\goran", r"ACME\EU\x", r"LAB\a, b"] {
            let entry: UserPattern = text.parse().expect("an entry");
            assert_eq!(serde_json::to_value(&entry).expect("text"), text);
        }
    }
}
