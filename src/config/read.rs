//! Reads options from a tree of values, with every separate mistake.
//!
//! A `serde` deserializer with its own error messages: it knows what an option expects, so that no error names a Rust
//! type. A rejected value is removed, so that its default applies, and the rest is read again.

use serde::{
    de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};

use super::{
    suggest::listed,
    tree::{Entry, Node, Step, Value},
};

/// More mistakes than this in one file would only repeat the same few kinds.
pub(super) const MAX_REFUSED: usize = 100;

/// What is wrong at one place.
#[derive(Debug)]
pub(super) struct Refused {
    /// The path; from the inside out while the error propagates.
    pub path: Vec<Step>,
    pub reason: Reason,
}

/// Why a value is rejected.
#[derive(Debug)]
pub(super) enum Reason {
    /// There is no such key.
    UnknownKey { known: &'static [&'static str] },
    /// A key is missing.
    MissingKey(&'static str),
    /// The value is not one of the possible ones.
    UnknownName { known: &'static [&'static str] },
    /// A text contains a control character, most likely from a backslash that started an escape sequence.
    ControlCharacter,
    /// Something else, in words.
    Value(String),
    /// Too many mistakes to list them all.
    More,
}

/// The options, with defaults in place of invalid values, and the mistakes. No options if nothing can be read or too
/// much is wrong.
pub(super) fn read<T: DeserializeOwned>(mut tree: Node) -> (Option<T>, Vec<Refused>) {
    let mut all: Vec<Refused> = Vec::new();
    loop {
        let mut refused = match T::deserialize(NodeDeserializer::new(&tree)) {
            Ok(options) => return (Some(options), all),
            Err(refused) => refused,
        };
        refused.path.reverse();
        let is_removed = tree.remove(&refused.path);
        // A table may lack a key only because a wrong one was removed.
        let is_consequence = matches!(refused.reason, Reason::MissingKey(_))
            && all
                .iter()
                .any(|known| known.path.starts_with(&refused.path));
        if !is_consequence {
            all.push(refused);
        }
        if !is_removed {
            return (None, all);
        }
        if all.len() == MAX_REFUSED {
            let (path, reason) = (Vec::new(), Reason::More);
            all.push(Refused { path, reason });
            return (None, all);
        }
    }
}

impl Refused {
    fn value(message: impl Into<String>) -> Self {
        Self::new(Reason::Value(message.into()))
    }

    const fn new(reason: Reason) -> Self {
        let path = Vec::new();
        Self { path, reason }
    }

    fn within(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It is never shown: its parts are.
        write!(f, "{:?}", self.reason)
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::value(message.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::value(format!("expected {expected}"))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::value(format!("expected {expected}"))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::new(Reason::UnknownKey { known })
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::new(Reason::UnknownName { known })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Reason::MissingKey(key))
    }
}

#[derive(Clone, Copy)]
struct NodeDeserializer<'n> {
    node: &'n Node,
    /// The text is free, such as that of tags, and may have several lines.
    is_free: bool,
}

impl<'n> NodeDeserializer<'n> {
    const fn new(node: &'n Node) -> Self {
        let is_free = false;
        Self { node, is_free }
    }

    fn text(self, expected: &str) -> Result<&'n str, Refused> {
        let Value::Text(text) = &self.node.value else {
            return Err(Refused::value(format!("expected {expected}")));
        };
        if !self.is_free && text.contains(char::is_control) {
            return Err(Refused::new(Reason::ControlCharacter));
        }
        Ok(text)
    }

    fn whole_number<'de, N, V>(
        self,
        visitor: V,
        bounds: &str,
        visit: impl FnOnce(V, N) -> Result<V::Value, Refused>,
    ) -> Result<V::Value, Refused>
    where
        N: TryFrom<i128>,
        V: Visitor<'de>,
    {
        match self.node.value {
            Value::Integer(integer) => N::try_from(integer).ok(),
            _ => None,
        }
        .map_or_else(
            || {
                Err(Refused::value(format!(
                    "expected a whole number{bounds}{}",
                    self.quoted()
                )))
            },
            |number| visit(visitor, number),
        )
    }

    /// A hint for a text where another type is expected.
    fn quoted(self) -> &'static str {
        let is_other =
            |text: &str| text.parse::<i128>().is_ok() || matches!(text, "true" | "false");
        match &self.node.value {
            Value::Text(text) if is_other(text) => ", without quotes",
            // `1GB`
            Value::Text(text) if text.starts_with(|first: char| first.is_ascii_digit()) => {
                ", without quotes and without a unit, such as 1000000000"
            }
            // `1e9`
            Value::Number(number) if number.fract() == 0.0 => {
                ", written out in digits, such as 1000000000"
            }
            _ => "",
        }
    }
}

impl<'de> de::Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Boolean(boolean) => visitor.visit_bool(*boolean),
            Value::Integer(integer) => visitor.visit_i128(*integer),
            Value::Number(number) => visitor.visit_f64(*number),
            Value::Text(_) => visitor.visit_str(self.text("text")?),
            Value::Other => Err(de::Error::invalid_type(
                de::Unexpected::Other("no option"),
                &visitor,
            )),
            Value::List(list) => visitor.visit_seq(List(list.iter())),
            Value::Table(entries) => visitor.visit_map(Table::new(entries)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.node.value {
            Value::Boolean(boolean) => visitor.visit_bool(boolean),
            _ => Err(Refused::value(format!(
                "expected true or false{}",
                self.quoted()
            ))),
        }
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.whole_number(visitor, " from 0 to 65535", V::visit_u16)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.whole_number(visitor, " from 0 to 4294967295", V::visit_u32)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.whole_number(visitor, " of 0 or more", V::visit_u64)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_str(self.text("text in quotes")?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::List(list) => visitor.visit_seq(List(list.iter())),
            _ => Err(Refused::value("expected a list, in brackets: [ … ]")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Table(entries) => visitor.visit_map(Table {
                is_free: true,
                ..Table::new(entries)
            }),
            _ => Err(Refused::value(
                "expected a table of names and values: { name = \"value\" }",
            )),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Table(entries) => visitor.visit_map(Table::new(entries)),
            _ => {
                let keys = listed(known, "and");
                Err(Refused::value(format!(
                    "expected a table with the keys {keys}"
                )))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match &self.node.value {
            Value::Text(text) if known.contains(&&**text) => {
                visitor.visit_enum(text.as_str().into_deserializer())
            }
            _ => Err(Refused::new(Reason::UnknownName { known })),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}

struct List<'n>(std::slice::Iter<'n, (usize, Node)>);

impl<'de> de::SeqAccess<'de> for List<'_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refused> {
        let Some((index, node)) = self.0.next() else {
            return Ok(None);
        };
        seed.deserialize(NodeDeserializer::new(node))
            .map(Some)
            .map_err(|refused| refused.within(Step::Index(*index)))
    }
}

struct Table<'n> {
    entries: std::slice::Iter<'n, Entry>,
    current: Option<&'n Entry>,
    is_free: bool,
}

impl<'n> Table<'n> {
    fn new(entries: &'n [Entry]) -> Self {
        Self {
            entries: entries.iter(),
            current: None,
            is_free: false,
        }
    }
}

impl<'de> de::MapAccess<'de> for Table<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        self.current = self.entries.next();
        let Some(entry) = self.current else {
            return Ok(None);
        };
        let key: de::value::StrDeserializer<'_, Refused> = entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|refused| refused.within(Step::Key(entry.key.clone())))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refused> {
        let Some(entry) = self.current else {
            return Err(Refused::value("a value without a key"));
        };
        let deserializer = NodeDeserializer {
            node: &entry.node,
            is_free: self.is_free,
        };
        seed.deserialize(deserializer)
            .map_err(|refused| refused.within(Step::Key(entry.key.clone())))
    }
}
