//! Values in Butler SOS's configuration whose types YAML does not determine.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// Text exactly as in the file, even if YAML would read it as a number or a boolean: `12e4`, `1.10`, `007`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // If asked for text, the parser does not try other types.
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl de::Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }
}

impl Text {
    /// The machine and the port, if there is one: `host`, `host:port`, `[::1]:port`, also within a URL. Any other text
    /// is returned unchanged.
    pub(super) fn host_and_port(&self) -> (&str, Option<u16>) {
        let text = self.0.trim();
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let text = text.split('/').next().unwrap_or_default();
        let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        match port.map(str::parse) {
            None => (host, None),
            Some(Ok(port @ 1..)) => (host, Some(port)),
            Some(_) => (text, None),
        }
    }
}

/// A password, token or key. Its value is not kept, so it cannot be printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Secret {
    /// Whether it is present.
    pub(super) is_set: bool,
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        Ok(Self {
            is_set: !text.0.is_empty(),
        })
    }
}

/// A port, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Port(pub(super) u16);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(WholeNumber("a port, 1 to 65535"))
            .and_then(|number| match u16::try_from(number) {
                Ok(port @ 1..) => Ok(Self(port)),
                _ => Err(de::Error::custom(format_args!(
                    "{number} is not a port; expected 1 to 65535"
                ))),
            })
    }
}

/// A number of at least 1, such as a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

impl Count {
    /// Milliseconds in seconds, rounded up.
    pub(super) const fn seconds_of_milliseconds(self) -> u64 {
        self.0.div_ceil(1_000)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(WholeNumber("a whole number from 1"))? {
            0 => Err(de::Error::custom("0 is too few; expected at least 1")),
            number => Ok(Self(number)),
        }
    }
}

/// The version of InfluxDB. They differ in how points are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum InfluxVersion {
    /// 1.x, the only one that Butler SOS 9 supports; it does not ask for the version.
    #[default]
    V1,
    /// 2.x.
    V2,
    /// 3.x.
    V3,
}

impl<'de> Deserialize<'de> for InfluxVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(WholeNumber("1, 2 or 3"))? {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            3 => Ok(Self::V3),
            other => Err(de::Error::custom(format_args!(
                "{other} is not a version of InfluxDB that Butler SOS supports; expected 1, 2 or 3"
            ))),
        }
    }
}

/// A whole number, which may be written with a zero fraction, as in JavaScript.
struct WholeNumber(&'static str);

impl de::Visitor<'_> for WholeNumber {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        let number = text.trim().parse();
        number.map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<u64, E> {
        // From 2^53 on, the type has no fractions, so this check would be meaningless.
        if number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number) {
            Ok(number as u64)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(number), &self))
        }
    }
}

/// Reads a key without a value like a missing key: all entries of a list may be commented out.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Like [`or_default`], for a list whose entries may also lack values. They keep their positions.
pub(super) fn list<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    or_default(deserializer).map(with_defaults)
}

pub(super) fn with_defaults<T: Default>(entries: Vec<Option<T>>) -> Vec<T> {
    entries.into_iter().map(Option::unwrap_or_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_split() {
        let rows = [
            ("sense1.example.com", "sense1.example.com", None),
            ("sense1.example.com:4242", "sense1.example.com", Some(4242)),
            (" sense1:4242 ", "sense1", Some(4242)),
            ("10.0.0.30:443", "10.0.0.30", Some(443)),
            ("::1", "::1", None),
            ("[fd00::7]:4242", "fd00::7", Some(4242)),
            ("[fd00::7]", "fd00::7", None),
            (
                "https://sense1.example.com:4242/qrs",
                "sense1.example.com",
                Some(4242),
            ),
            ("https://sense1.example.com/", "sense1.example.com", None),
            ("sense1:0", "sense1:0", None),
            ("sense1:65536", "sense1:65536", None),
            ("sense1:", "sense1:", None),
            ("", "", None),
        ];
        for (text, host, port) in rows {
            assert_eq!(Text(text.into()).host_and_port(), (host, port), "{text}");
        }
    }
}
