//! The values that fields can have.

use std::net::{IpAddr, Ipv4Addr};

use chrono::TimeDelta;
use serde::{Serialize, Serializer, ser::Error as _};
use uuid::Uuid;

use super::{Tags, Timestamp};
use crate::{
    event::{FollowedApp, Unreadable, User},
    payload::DecodeError,
};

/// The value of a field, borrowed from the event. Where text has to be made, that happens when it is written, on the
/// stack if its length is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// The field is absent.
    Absent,
    /// Text.
    Text(&'a str),
    /// Directory and id, as `DIR\id`.
    User(User<'a>),
    /// A time.
    Timestamp(Timestamp),
    /// A number that is never negative.
    Unsigned(u64),
    /// A number that may be negative.
    Integer(i64),
    /// A number with decimals.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A guid in its usual form, in lower case.
    Guid(Uuid),
    /// An address, written as text.
    Address(IpAddr),
    /// Why a payload could not be decoded, in words.
    Reason(DecodeError),
    /// Several values.
    List(List<'a>),
    /// Texts by name.
    Map(Map<'a>),
}

/// Texts by name.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Map<'a> {
    /// The tags of an event.
    Tags(&'a Tags),
    /// The text of fields that cannot be read as their type.
    Unreadable(Unreadable<'a>),
}

impl<'a> Map<'a> {
    /// The texts with their names, in order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let (tags, unreadable) = match self {
            Self::Tags(tags) => (Some(tags.iter()), None),
            Self::Unreadable(unreadable) => (None, Some(unreadable.iter())),
        };
        let unreadable = unreadable.into_iter().flatten();
        let unreadable = unreadable.map(|(name, text)| -> (&'a str, &'a str) { (name, text) });
        tags.into_iter().flatten().chain(unreadable)
    }

    /// The number of texts.
    #[must_use]
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

/// Several values of one kind.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum List<'a> {
    /// One address.
    Address(IpAddr),
    /// Words.
    Words(&'static [&'static str]),
    /// The ids of apps.
    AppIds(&'a [FollowedApp]),
    /// The names of apps, as far as they are known.
    AppNames(&'a [FollowedApp]),
}

impl<'a> List<'a> {
    /// The values, in order; none of them is a list.
    pub fn iter(self) -> impl Iterator<Item = Value<'a>> {
        let places = match self {
            Self::Address(_) => 1,
            Self::Words(words) => words.len(),
            Self::AppIds(apps) | Self::AppNames(apps) => apps.len(),
        };
        (0..places).filter_map(move |place| {
            Some(match self {
                Self::Address(address) => Value::Address(address),
                Self::Words(words) => Value::Text(words[place]),
                Self::AppIds(apps) => Value::Guid(apps[place].id),
                Self::AppNames(apps) => Value::Text(apps[place].name.as_deref()?),
            })
        })
    }
}

impl<'a> Value<'a> {
    /// The ids of apps. Absent if there are none: no field is an empty list.
    pub(super) fn ids_of(apps: &'a [FollowedApp]) -> Self {
        if apps.is_empty() {
            Self::Absent
        } else {
            Self::List(List::AppIds(apps))
        }
    }

    /// The names of apps. Absent if none is known.
    pub(super) fn names_of(apps: &'a [FollowedApp]) -> Self {
        if apps.iter().all(|app| app.name.is_none()) {
            Self::Absent
        } else {
            Self::List(List::AppNames(apps))
        }
    }

    /// Seconds with three decimals, never negative.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53 milliseconds, some 285,000 years"
    )]
    pub(super) fn seconds(duration: TimeDelta) -> Self {
        Self::Float(duration.num_milliseconds().max(0) as f64 / 1_000.0)
    }

    /// Nanoseconds as milliseconds with decimals.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53 nanoseconds, some 104 days"
    )]
    pub(super) fn milliseconds(nanoseconds: i64) -> Self {
        Self::Float(nanoseconds as f64 / 1e6)
    }

    /// The same value; absent if it is an empty map.
    pub(super) fn if_any(self) -> Self {
        match self {
            Self::Map(map) if map.is_empty() => Self::Absent,
            value => value,
        }
    }

    /// Calls `show` with the text of a user, a guid, an address or a reason, or with text itself. Ignores other values.
    pub(crate) fn with_text(self, show: impl FnOnce(&str)) {
        match self {
            Self::Text(text) => show(text),
            Self::User(user) => show(&user.to_string()),
            Self::Guid(guid) => show(guid.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Self::Address(address) => show(&address.to_string()),
            Self::Reason(error) => show(&error.to_string()),
            _ => {}
        }
    }

    /// Whether the field is present.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

impl<'a, V: Into<Self>> From<Option<V>> for Value<'a> {
    #[inline]
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// Conversions to [`Value`].
macro_rules! from {
    ($($variant:ident from $type:ty),* $(,)?) => {$(
        impl<'a> From<$type> for Value<'a> {
            #[inline]
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    Text from &'a str,
    User from User<'a>,
    Timestamp from Timestamp,
    Unsigned from u64,
    Unsigned from u32,
    Integer from i64,
    Boolean from bool,
    Guid from Uuid,
    Address from IpAddr,
    Reason from DecodeError,
    List from List<'a>,
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Unsigned(number as u64)
    }
}

impl From<&'static [&'static str]> for Value<'_> {
    fn from(words: &'static [&'static str]) -> Self {
        Self::List(List::Words(words))
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::User(user) => serializer.collect_str(user),
            Self::Timestamp(time) => time.serialize(serializer),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Guid(guid) => {
                let mut text = Uuid::encode_buffer();
                serializer.serialize_str(guid.hyphenated().encode_lower(&mut text))
            }
            Self::Address(IpAddr::V4(address)) => {
                let (text, length) = ipv4_text(*address);
                serializer.serialize_str(str::from_utf8(&text[..length]).map_err(S::Error::custom)?)
            }
            Self::Address(address) => serializer.collect_str(address),
            Self::Reason(error) => serializer.collect_str(error),
            Self::List(list) => serializer.collect_seq(list.iter()),
            Self::Map(map) => serializer.collect_map(map.iter()),
        }
    }
}

/// An address as text, and the length of that text. `Display` takes longer than all other fields together.
pub(crate) fn ipv4_text(address: Ipv4Addr) -> ([u8; 16], usize) {
    let mut text = [0; "255.255.255.255.".len()];
    let mut length = 0;
    for octet in address.octets() {
        let (digits, bytes) = OCTETS[usize::from(octet)];
        if let Some(room) = text[length..].first_chunk_mut() {
            *room = digits;
        }
        length += usize::from(bytes);
    }
    (text, length - 1)
}

/// Each octet with a dot after it, and the number of those bytes.
const OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut octet = 0;
    while octet < 256 {
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let mut digit = if octet >= 100 {
            0
        } else if octet >= 10 {
            1
        } else {
            2
        };
        let (text, bytes) = &mut octets[octet];
        while digit < 3 {
            text[*bytes as usize] = b'0' + digits[digit] as u8;
            *bytes += 1;
            digit += 1;
        }
        *bytes += 1;
        octet += 1;
    }
    octets
};
