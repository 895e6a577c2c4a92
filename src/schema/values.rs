//! Values that several schemas write, made on the stack.

use std::net::IpAddr;

use chrono::TimeDelta;
use serde::{Serialize, Serializer, ser::Error as _};
use uuid::Uuid;

use crate::event::FollowedApp;

/// A guid in its usual form.
pub(super) struct Guid(pub(super) Uuid);

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Uuid::encode_buffer();
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut text))
    }
}

/// An address as text. IPv4 is nearly every event's, and `Display` takes longer for it than
/// all other fields together.
pub(super) struct Address(pub(super) IpAddr);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let IpAddr::V4(address) = self.0 else {
            return serializer.collect_str(&self.0);
        };
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
        let text = str::from_utf8(&text[..length - 1]).map_err(S::Error::custom)?;
        serializer.serialize_str(text)
    }
}

/// Apps as the list of their ids.
pub(super) struct AppIds<'a>(&'a [FollowedApp]);

impl<'a> AppIds<'a> {
    /// None where there are none: no field is an empty list.
    pub(super) fn of(apps: &'a [FollowedApp]) -> Option<Self> {
        (!apps.is_empty()).then_some(Self(apps))
    }
}

impl Serialize for AppIds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|app| Guid(app.id)))
    }
}

/// Apps as the list of the names that are known.
pub(super) struct AppNames<'a>(&'a [FollowedApp]);

impl<'a> AppNames<'a> {
    /// None where there are none: no field is an empty list.
    pub(super) fn of(apps: &'a [FollowedApp]) -> Option<Self> {
        apps.iter()
            .any(|app| app.name.is_some())
            .then_some(Self(apps))
    }
}

impl Serialize for AppNames<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter_map(|app| app.name.as_deref()))
    }
}

/// Seconds to the millisecond, never negative.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 2^53 milliseconds, some 285,000 years"
)]
pub(super) fn seconds(duration: TimeDelta) -> f64 {
    duration.num_milliseconds().max(0) as f64 / 1_000.0
}
