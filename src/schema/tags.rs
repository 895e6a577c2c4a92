//! Names and values that stand on every event, the same on each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names and values that the configuration puts on every event, such as the environment or the site.
///
/// A name is not empty and has no dot: Elasticsearch would make a field within a field of it.
///
/// ```
/// use std::collections::BTreeMap;
/// use qlik_sense_events::schema::Tags;
///
/// let tags = BTreeMap::from([("environment".to_owned(), "test".to_owned())]);
/// assert!(Tags::try_from(tags).is_ok());
/// let tags = BTreeMap::from([("a.b".to_owned(), "c".to_owned())]);
/// assert!(Tags::try_from(tags).is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every tag's name and value, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// A tag cannot have this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// The name is empty.
    #[error("expected names that are not empty")]
    Empty,
    /// The name has a dot.
    #[error(
        "expected names without a dot, which would make a field within a field; write `{}` for `{name}`",
        name.replace('.', "_")
    )]
    Dot {
        /// The name.
        name: String,
    },
}

impl TryFrom<BTreeMap<String, String>> for Tags {
    type Error = TagError;

    fn try_from(tags: BTreeMap<String, String>) -> Result<Self, TagError> {
        for name in tags.keys() {
            if name.is_empty() {
                return Err(TagError::Empty);
            }
            if name.contains('.') {
                return Err(TagError::Dot { name: name.clone() });
            }
        }
        Ok(Self(tags))
    }
}
