//! The fields of one event, in order, before any format writes them.

use serde::{Serialize, Serializer, ser::SerializeStruct};
use smallvec::SmallVec;

use super::{Value, dropped::Dropped};

/// So many fields are kept on the stack. No user event of a schema has more.
const USUAL_FIELDS: usize = 32;

/// What takes the fields of an event: a [`Record`], which every format can read, or a format that writes them as
/// they come.
pub trait Fill<'a>: Sized {
    /// Adds a field, unless its value is absent.
    fn field(&mut self, name: &'static str, value: impl Into<Value<'a>>);

    /// Adds a field that has the fields which `fill` adds. It is absent where `fill` adds none.
    fn group(&mut self, name: &'static str, fill: impl FnOnce(&mut Self));
}

/// Something with named fields.
pub trait Fields {
    /// Adds every field that is present to `record`, in order.
    fn add_to<'a>(&'a self, record: &mut Record<'a>);
}

impl<F: Fields> Fields for &F {
    fn add_to<'a>(&'a self, record: &mut Record<'a>) {
        (**self).add_to(record);
    }
}

/// Fields with their values, some of which have fields of their own: a `serde` struct of exactly those
/// that are present.
///
/// A schema fills it once, and every format reads it. Formats such as MessagePack put the number of fields
/// before the first one, and here it is known.
///
/// ```
/// use qlik_sense_events::schema::{Fill, Record};
///
/// let mut record = Record::default();
/// record.field("host", "pro2-win1");
/// record.field("origin", None::<&str>);
/// record.group("user", |record| record.field("name", "goran"));
/// let json = serde_json::to_string(&record)?;
/// assert_eq!(json, r#"{"host":"pro2-win1","user":{"name":"goran"}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Record<'a> {
    fields: SmallVec<[Field<'a>; USUAL_FIELDS]>,
    /// How many of them are within others of the level that is being filled.
    within: usize,
    dropped: Option<&'a Dropped>,
}

#[derive(Debug, Clone, Copy)]
struct Field<'a> {
    name: &'static str,
    content: Content<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    Value(Value<'a>),
    /// The fields that follow: how many belong to it, and how many there are with those within them.
    Group {
        present: usize,
        all: usize,
    },
}

impl<'a> Record<'a> {
    /// A record that takes no fields of these names.
    #[inline]
    pub(super) fn without(dropped: Option<&'a Dropped>) -> Self {
        Self {
            fields: SmallVec::new(),
            within: 0,
            dropped,
        }
    }

    #[inline(always)]
    fn drops(&self, name: &'static str) -> bool {
        self.dropped.is_some_and(|dropped| dropped.contains(name))
    }

    /// Every field with its name. One that has fields of its own is a struct.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, impl Serialize)> {
        Level(&self.fields)
    }
}

impl<'a> Fill<'a> for Record<'a> {
    #[inline(always)]
    fn field(&mut self, name: &'static str, value: impl Into<Value<'a>>) {
        let value = value.into();
        if matches!(value, Value::Absent) || self.drops(name) {
            return;
        }
        let content = Content::Value(value);
        self.fields.push(Field { name, content });
    }

    fn group(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) {
        if self.drops(name) {
            return;
        }
        let place = self.fields.len();
        let content = Content::Group { present: 0, all: 0 };
        self.fields.push(Field { name, content });
        let dropped = self.dropped.and_then(|dropped| dropped.within(name));
        let outer = (self.within, self.dropped);
        (self.within, self.dropped) = (0, dropped);
        fill(self);
        let all = self.fields.len() - place - 1;
        let present = all - self.within;
        (self.within, self.dropped) = outer;
        if all == 0 {
            self.fields.truncate(place);
            return;
        }
        self.within += all;
        self.fields[place].content = Content::Group { present, all };
    }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.fields, self.fields.len() - self.within, serializer)
    }
}

fn write<S: Serializer>(
    fields: &[Field<'_>],
    present: usize,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut writer = serializer.serialize_struct("", present)?;
    for (name, shown) in Level(fields) {
        match shown {
            // Most are text, and a loop over text alone is short.
            Shown::Value(Value::Text(text)) => writer.serialize_field(name, *text)?,
            other => writer.serialize_field(name, &other)?,
        }
    }
    writer.end()
}

/// The fields of one level, those within them left out.
struct Level<'r, 'a>(&'r [Field<'a>]);

impl<'r, 'a> Iterator for Level<'r, 'a> {
    type Item = (&'static str, Shown<'r, 'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (field, mut rest) = self.0.split_first()?;
        let shown = match &field.content {
            Content::Value(value) => Shown::Value(value),
            Content::Group { present, all } => {
                let (fields, others) = rest.split_at(*all);
                rest = others;
                Shown::Group(fields, *present)
            }
        };
        self.0 = rest;
        Some((field.name, shown))
    }
}

/// The value of a field, to be written.
enum Shown<'r, 'a> {
    Value(&'r Value<'a>),
    Group(&'r [Field<'a>], usize),
}

impl Serialize for Shown<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Group(fields, present) => write(fields, *present, serializer),
        }
    }
}
