//! How a host's values are made.

use std::fmt::Debug;

use bytes::Bytes;
use chrono::{DateTime, Utc};

/// A host's type for values, with a constructor for each kind of value.
///
/// There are no other kinds. [`OwnedValue`](super::OwnedValue) implements it for no host in particular.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use qlik_sense_events::{encoding::{HostValue, Text, HostValues}, event::Event, schema::Layout};
/// use serde_json::Value;
///
/// /// serde_json's values, which have no times.
/// #[derive(Debug, Clone)]
/// struct Json(Value);
///
/// impl HostValue for Json {
///     type Name = String;
///
///     fn text(text: Text<'_>) -> Self {
///         Self(text.into_string().into())
///     }
///     fn integer(number: i64) -> Self {
///         Self(number.into())
///     }
///     fn float(number: f64) -> Self {
///         Self(number.into())
///     }
///     fn boolean(value: bool) -> Self {
///         Self(value.into())
///     }
///     fn timestamp(time: DateTime<Utc>) -> Self {
///         Self(time.to_rfc3339().into())
///     }
///     fn array(values: Vec<Self>) -> Self {
///         Self(values.into_iter().map(|value| value.0).collect())
///     }
///     fn object(fields: Vec<(String, Self)>) -> Self {
///         Self(Value::Object(fields.into_iter().map(|(name, value)| (name, value.0)).collect()))
///     }
/// }
///
/// # fn events() -> Vec<Event> { vec![] }
/// let values = HostValues::<Json>::new(&Layout::default());
/// for event in events() {
///     println!("{}", values.value_of(&event)?.0);
/// }
/// # Ok::<(), qlik_sense_events::encoding::EncodeError>(())
/// ```
pub trait HostValue: Debug + Clone + Send + Sync + 'static {
    /// The host's type for the name of a field.
    type Name: Debug + Clone + Send + Sync + for<'n> From<&'n str>;

    /// Text.
    fn text(text: Text<'_>) -> Self;

    /// A number without decimals.
    fn integer(number: i64) -> Self;

    /// A number with decimals, never NaN.
    fn float(number: f64) -> Self;

    /// True or false.
    fn boolean(value: bool) -> Self;

    /// A time, from 1677-09-21 to 2262-04-11.
    fn timestamp(time: DateTime<Utc>) -> Self;

    /// Several values, in order.
    fn array(values: Vec<Self>) -> Self;

    /// Fields, each name once and sorted by name, so that a host with a sorted map need not sort them.
    fn object(fields: Vec<(Self::Name, Self)>) -> Self;
}

/// Text for a host, which can borrow it or take it in the form that it needs.
#[derive(Debug)]
pub struct Text<'w>(Content<'w>);

#[derive(Debug)]
enum Content<'w> {
    Found(&'w str, Payload<'w>),
    Made(String),
}

/// The payload of an event, which contains most of its texts.
#[derive(Debug)]
pub(super) struct Payload<'w> {
    pub(super) text: &'w str,
    /// A copy that all parts share, made for the first of them.
    pub(super) shared: &'w mut Option<Bytes>,
}

impl<'w> Text<'w> {
    /// Text that may be part of the payload.
    pub(super) const fn found(text: &'w str, payload: Payload<'w>) -> Self {
        Self(Content::Found(text, payload))
    }

    pub(super) const fn made(text: String) -> Self {
        Self(Content::Made(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Content::Found(text, _) => text,
            Content::Made(text) => text,
        }
    }

    /// A copy, or the text itself if it was made for this value.
    #[must_use]
    pub fn into_string(self) -> String {
        match self.0 {
            Content::Found(text, _) => text.to_owned(),
            Content::Made(text) => text,
        }
    }

    /// The text as bytes in UTF-8. All parts of a payload share one copy of it, which lives as long as any of them.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Content::Found(text, payload) => payload.bytes_of(text),
            Content::Made(text) => text.into(),
        }
    }
}

impl Payload<'_> {
    fn bytes_of(self, text: &str) -> Bytes {
        let whole = self.text.as_bytes();
        let begin = text.as_ptr().addr().checked_sub(whole.as_ptr().addr());
        let part = begin.map(|begin| begin..begin + text.len());
        let Some(part) = part.filter(|part| part.end <= whole.len()) else {
            return Bytes::copy_from_slice(text.as_bytes());
        };
        let copy = || Bytes::copy_from_slice(whole);
        self.shared.get_or_insert_with(copy).slice(part)
    }
}
