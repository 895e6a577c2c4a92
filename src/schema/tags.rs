//! Names and values that are added to every event, the same for all or by node.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::transform::case::{Key, fold_into};

/// Names and values that the configuration adds to every event, such as the environment or the site.
///
/// A name must not be empty or contain a dot, which Elasticsearch would take for a nested field.
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
#[serde(from = "BTreeMap<TagName, String>")]
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

impl Tags {
    /// These tags plus others, which take precedence over those of the same name.
    pub(super) fn and(&self, more: &Self) -> Self {
        let mut tags = self.0.clone();
        tags.extend(more.0.clone());
        Self(tags)
    }
}

/// Tags of single Qlik Sense nodes, in addition to those of every event. Node names are compared ignoring case.
///
/// ```
/// use std::collections::BTreeMap;
/// use qlik_sense_events::schema::{Tags, TagsByHost};
///
/// let north = Tags::try_from(BTreeMap::from([("region".to_owned(), "north".to_owned())]))?;
/// let of = |hosts: &[&str]| {
///     let tags = hosts.iter().map(|host| ((*host).to_owned(), north.clone()));
///     TagsByHost::try_from(tags.collect::<BTreeMap<_, _>>())
/// };
/// assert!(of(&["pro2-win1", "pro2-win2"]).is_ok());
/// assert!(of(&["pro2-win1", "PRO2-WIN1"]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TagsByHost(BTreeMap<String, Tags>);

impl TagsByHost {
    /// Whether no node has tags.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every node with its tags, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tags)> {
        self.0.iter().map(|(host, tags)| (&**host, tags))
    }
}

/// A node's name in the form used for comparison.
pub(super) fn folded(host: &str) -> Key {
    let mut key = Key::new();
    fold_into(&mut key, host);
    key
}

/// A node cannot have this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The name is empty.
    #[error("expected the name of a node, as in the field `host`, but the name is empty")]
    Empty,
    /// The name is a pattern, or something that `host` cannot be.
    #[error(
        "expected the name of one node, as in the field `host`, without `*`, `?` or `;` and without white space \
         around it"
    )]
    NoName,
    /// Another name differs only in case.
    #[error("expected each node once, but `{host}` is also listed in another case")]
    Repeated {
        /// The name.
        host: String,
    },
}

impl TryFrom<BTreeMap<String, Tags>> for TagsByHost {
    type Error = HostError;

    fn try_from(tags: BTreeMap<String, Tags>) -> Result<Self, HostError> {
        let mut seen = BTreeSet::new();
        for host in tags.keys() {
            check_host(host, &mut seen)?;
        }
        Ok(Self(tags))
    }
}

/// Whether a node can have this name in addition to those already `seen`.
fn check_host(host: &str, seen: &mut BTreeSet<Key>) -> Result<(), HostError> {
    if host.is_empty() {
        return Err(HostError::Empty);
    }
    if host.trim() != host || host.contains(['*', '?', ';']) {
        return Err(HostError::NoName);
    }
    if !seen.insert(folded(host)) {
        let host = host.to_owned();
        return Err(HostError::Repeated { host });
    }
    Ok(())
}

/// Reads name by name, so that an error can name the entry.
impl<'de> Deserialize<'de> for TagsByHost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HostsVisitor)
    }
}

struct HostsVisitor;

impl<'de> de::Visitor<'de> for HostsVisitor {
    type Value = TagsByHost;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tables of names and values by the names of nodes")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<TagsByHost, A::Error> {
        let (mut tags, mut seen) = (BTreeMap::new(), BTreeSet::new());
        while let Some(host) = map.next_key_seed(HostName(&mut seen))? {
            tags.insert(host, map.next_value()?);
        }
        Ok(TagsByHost(tags))
    }
}

struct HostName<'s>(&'s mut BTreeSet<Key>);

impl<'de> de::DeserializeSeed<'de> for HostName<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let host = String::deserialize(deserializer)?;
        check_host(&host, self.0).map_err(de::Error::custom)?;
        Ok(host)
    }
}

/// A tag cannot have this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// The name is empty.
    #[error("expected a name, but it is empty")]
    Empty,
    /// The name has a dot.
    #[error(
        "expected a name without dots, which would nest fields; write `{}` for `{name}`",
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
        let tags = tags.into_iter();
        let tags = tags.map(|(name, value)| Ok((TagName::try_from(name)?, value)));
        tags.collect::<Result<BTreeMap<_, _>, _>>().map(Self::from)
    }
}

/// The name of a tag, read on its own, so that an error can name it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct TagName(String);

impl TryFrom<String> for TagName {
    type Error = TagError;

    fn try_from(name: String) -> Result<Self, TagError> {
        if name.is_empty() {
            return Err(TagError::Empty);
        }
        if name.contains('.') {
            return Err(TagError::Dot { name });
        }
        Ok(Self(name))
    }
}

impl From<BTreeMap<TagName, String>> for Tags {
    fn from(tags: BTreeMap<TagName, String>) -> Self {
        let tags = tags.into_iter();
        Self(tags.map(|(TagName(name), value)| (name, value)).collect())
    }
}
