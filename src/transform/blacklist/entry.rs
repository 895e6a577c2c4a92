//! One entry of the blacklist: a directory and a user id, each with `*` and `?` where wanted.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

/// A user or a pattern of users.
///
/// Written as `DIR\id` or, in a configuration file, as a table with `user_directory` and `user_id`.
/// In each part `*` stands for any number of characters, also none, and `?` for exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserPattern {
    user_directory: String,
    user_id: String,
}

/// An entry that can match no user, so most likely a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserPatternError {
    /// There is no `\` between directory and id.
    #[error(r"expected DIRECTORY\user_id, for example INTERNAL\sa_*, and found no `\`")]
    NoSeparator,
    /// The directory is empty.
    #[error(r"the user directory is empty; write *\user_id for a user of any directory")]
    EmptyDirectory,
    /// The user id is empty.
    #[error(r"the user id is empty; write DIRECTORY\* for all users of a directory")]
    EmptyUserId,
    /// A part holds a `;`, a line break or a NUL, which no field of the payload can hold.
    #[error("a user directory or id never holds `;`, a line break or a NUL character")]
    ImpossibleCharacter,
}

impl UserPattern {
    /// An entry of a directory and a user id.
    ///
    /// # Errors
    ///
    /// [`UserPatternError`] when a part is empty or holds what no payload can hold.
    pub fn new(
        user_directory: impl Into<String>,
        user_id: impl Into<String>,
    ) -> Result<Self, UserPatternError> {
        let (user_directory, user_id) = (user_directory.into(), user_id.into());
        if user_directory.is_empty() {
            return Err(UserPatternError::EmptyDirectory);
        }
        if user_id.is_empty() {
            return Err(UserPatternError::EmptyUserId);
        }
        let impossible = [';', '\r', '\n', '\0'];
        if user_directory.contains(impossible) || user_id.contains(impossible) {
            return Err(UserPatternError::ImpossibleCharacter);
        }
        Ok(Self {
            user_directory,
            user_id,
        })
    }

    /// The directory, as written.
    #[must_use]
    pub fn user_directory(&self) -> &str {
        &self.user_directory
    }

    /// The user id, as written.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Whether a part holds `*` or `?`.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        let wild = ['*', '?'];
        self.user_directory.contains(wild) || self.user_id.contains(wild)
    }
}

impl FromStr for UserPattern {
    type Err = UserPatternError;

    /// Reads `DIR\id`. The first `\` separates, as in Windows, where a directory holds none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user_directory, user_id) =
            text.split_once('\\').ok_or(UserPatternError::NoSeparator)?;
        Self::new(user_directory, user_id)
    }
}

impl fmt::Display for UserPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\\{}", self.user_directory, self.user_id)
    }
}

impl Serialize for UserPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.user_directory.contains('\\') {
            // The text would be divided at the first `\` when it is read again.
            let mut table = serializer.serialize_struct("UserPattern", 2)?;
            table.serialize_field("user_directory", &self.user_directory)?;
            table.serialize_field("user_id", &self.user_id)?;
            return table.end();
        }
        serializer.collect_str(self)
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
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        UserPattern::new(table.user_directory, table.user_id).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_refused() {
        let rows = [
            ("goran", UserPatternError::NoSeparator),
            ("LAB/goran", UserPatternError::NoSeparator),
            (r"\goran", UserPatternError::EmptyDirectory),
            (r"LAB\", UserPatternError::EmptyUserId),
            (r"LAB\a;b", UserPatternError::ImpossibleCharacter),
        ];
        for (text, error) in rows {
            assert_eq!(text.parse::<UserPattern>(), Err(error), "{text}");
        }
    }

    #[test]
    fn both_forms_are_the_same() {
        let table = serde_json::json!({"user_directory": "LAB", "user_id": r"a\b*"});
        let text = serde_json::json!(r"LAB\a\b*");
        let read = |value| serde_json::from_value::<UserPattern>(value).expect("an entry");
        assert_eq!(read(table), read(text.clone()));
        let wrong = serde_json::json!({"user_directory": "LAB", "userid": "a"});
        assert!(serde_json::from_value::<UserPattern>(wrong).is_err());
        let entry = read(text.clone());
        assert_eq!(serde_json::to_value(entry).expect("text"), text);
    }

    /// Found by fuzzing: a directory with a `\` is not what the text form would be read as.
    #[test]
    fn what_is_written_is_read_alike() {
        for (directory, id) in [
            ("LAB", "goran"),
            ("LAB", r"a\b"),
            (r"a\b", "c"),
            (r"\", r"\"),
        ] {
            let entry = UserPattern::new(directory, id).expect("an entry");
            let written = serde_json::to_value(&entry).expect("a value");
            let read: UserPattern = serde_json::from_value(written).expect("an entry");
            assert_eq!(read, entry);
        }
    }
}
