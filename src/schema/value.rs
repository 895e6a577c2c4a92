//! The values that fields can have, and how each is written.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use chrono::TimeDelta;
use serde::{Serialize, Serializer, ser::Error as _};
use uuid::Uuid;

use super::{Tags, Timestamp};
use crate::{
    event::{FollowedApp, User},
    wire::DecodeError,
};

/// The value of a field: what an event has of it, as it has it. Text of it is made while it is written, on
/// the stack where its length is known.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// There is none, and so there is no field.
    Absent,
    /// Text.
    Text(&'a str),
    /// Directory and id, as `DIR\id`.
    User(User<'a>),
    /// A time.
    Timestamp(Timestamp),
    /// A number that is never negative.
    Unsigned(u64),
    /// A number that may be.
    Integer(i64),
    /// A number with decimals.
    Float(f64),
    /// Yes or no.
    Boolean(bool),
    /// A guid in its usual form, in lower case.
    Guid(Uuid),
    /// An address as text.
    Address(IpAddr),
    /// A list with one address.
    ListOfAddress(IpAddr),
    /// A list of words.
    Words(&'static [&'static str]),
    /// Names and values that stand on every event.
    Tags(&'a Tags),
    /// The ids of apps, as a list.
    AppIds(&'a [FollowedApp]),
    /// The names of apps, as a list of those that are known.
    AppNames(&'a [FollowedApp]),
    /// Numbers by name, of which only those above zero are shown.
    Counts(&'a BTreeMap<Box<str>, u64>),
    /// Why a payload could not be decoded, in words.
    Reason(DecodeError),
}

impl<'a> Value<'a> {
    /// The ids of apps. Absent where there are none: no field is an empty list.
    pub(super) fn ids_of(apps: &'a [FollowedApp]) -> Self {
        if apps.is_empty() {
            Self::Absent
        } else {
            Self::AppIds(apps)
        }
    }

    /// The names of apps. Absent where none is known.
    pub(super) fn names_of(apps: &'a [FollowedApp]) -> Self {
        if apps.iter().all(|app| app.name.is_none()) {
            Self::Absent
        } else {
            Self::AppNames(apps)
        }
    }

    /// Seconds to the millisecond, never negative.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53 milliseconds, some 285,000 years"
    )]
    pub(super) fn seconds(duration: TimeDelta) -> Self {
        Self::Float(duration.num_milliseconds().max(0) as f64 / 1_000.0)
    }
}

impl<'a, V: Into<Self>> From<Option<V>> for Value<'a> {
    #[inline]
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// A value from what it holds.
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
    Words from &'static [&'static str],
    Tags from &'a Tags,
    Reason from DecodeError,
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Unsigned(number as u64)
    }
}

impl<'a> From<&'a BTreeMap<Box<str>, u64>> for Value<'a> {
    fn from(counts: &'a BTreeMap<Box<str>, u64>) -> Self {
        if counts.values().all(|count| *count == 0) {
            Self::Absent
        } else {
            Self::Counts(counts)
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::User(user) => write_user(*user, serializer),
            Self::Timestamp(time) => time.serialize(serializer),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Guid(guid) => write_guid(*guid, serializer),
            Self::Address(address) => write_address(*address, serializer),
            Self::ListOfAddress(address) => serializer.collect_seq([Value::Address(*address)]),
            Self::Words(words) => serializer.collect_seq(*words),
            Self::Tags(tags) => tags.serialize(serializer),
            Self::AppIds(apps) => {
                serializer.collect_seq(apps.iter().map(|app| Value::Guid(app.id)))
            }
            Self::AppNames(apps) => {
                serializer.collect_seq(apps.iter().filter_map(|app| app.name.as_deref()))
            }
            Self::Counts(counts) => {
                serializer.collect_map(counts.iter().filter(|(_, count)| **count > 0))
            }
            Self::Reason(error) => serializer.collect_str(error),
        }
    }
}

fn write_guid<S: Serializer>(guid: Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = Uuid::encode_buffer();
    serializer.serialize_str(guid.hyphenated().encode_lower(&mut text))
}

/// `Display` takes longer than all other fields together, for this and for addresses.
fn write_user<S: Serializer>(user: User<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let directory = user.directory.len();
    let mut text = [0; 128];
    let Some(text) = text.get_mut(..directory + 1 + user.id.len()) else {
        return serializer.collect_str(&user);
    };
    text[..directory].copy_from_slice(user.directory.as_bytes());
    text[directory] = b'\\';
    text[directory + 1..].copy_from_slice(user.id.as_bytes());
    serializer.serialize_str(str::from_utf8(text).map_err(S::Error::custom)?)
}

fn write_address<S: Serializer>(address: IpAddr, serializer: S) -> Result<S::Ok, S::Error> {
    let IpAddr::V4(address) = address else {
        return serializer.collect_str(&address);
    };
    let (text, length) = ipv4_text(address);
    serializer.serialize_str(str::from_utf8(&text[..length]).map_err(S::Error::custom)?)
}

/// An address as text, and the length of the text.
pub(crate) fn ipv4_text(address: Ipv4Addr) -> ([u8; 16], usize) {
    let mut text = [0; "255.255.255.255.".len()];
    let mut length = 0;
    let mut put = |byte| {
        text[length] = byte;
        length += 1;
    };
    for octet in address.octets() {
        if octet >= 100 {
            put(b'0' + octet / 100);
        }
        if octet >= 10 {
            put(b'0' + octet / 10 % 10);
        }
        put(b'0' + octet % 10);
        put(b'.');
    }
    (text, length - 1)
}
