//! Values of Butler SOS's configuration whose form YAML does not tell.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// Text, or a number or truth value that somebody wrote without quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
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

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }
}

/// A password, token or key. It is read and forgotten, so that it cannot be printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Secret {
    /// Whether there was any.
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
                    "{number} is no port; expected 1 to 65535"
                ))),
            })
    }
}

/// A number that is at least 1, such as a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(WholeNumber("a whole number from 1"))? {
            0 => Err(de::Error::custom("0 is too few; expected at least 1")),
            number => Ok(Self(number)),
        }
    }
}

/// The generation of InfluxDB, whose way of writing differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum InfluxVersion {
    /// 1.x; the only one that Butler SOS 9 knows, which therefore does not ask.
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
                "{other} is no version of InfluxDB that Butler SOS knows; expected 1, 2 or 3"
            ))),
        }
    }
}

/// A whole number, or one that is written as a fraction without one, as JavaScript reads it.
struct WholeNumber(&'static str);

impl de::Visitor<'_> for WholeNumber {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<u64, E> {
        // Beyond 2^53 the type has no fractions, so nothing could be told.
        if number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number) {
            Ok(number as u64)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(number), &self))
        }
    }
}
