//! A list of apps as JSON, such as the answer of the Qlik Repository Service to `GET /qrs/app`.

use std::{
    fmt,
    io::{self, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::error::Category;

use super::{
    AppListError, AppListProblem, AppTable,
    list::{Column, List, MAX_SHOWN, is_word, parse_id, shown},
};
use crate::wrong_type;

/// Reads a list of apps: an array of objects with an `id` and a `name`, such an array in the `value` of an object, one
/// such object, or an object with ids as keys and names as values. Only the resulting table is kept in memory.
///
/// # Errors
///
/// [`io::Error`] if `reader` fails, with an [`AppListError`] in it if the list cannot be used.
pub fn read(reader: impl Read) -> io::Result<AppTable> {
    let mut list = List::default();
    let mut problem = None;
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::new(reader));
    let apps = Apps {
        list: &mut list,
        problem: &mut problem,
    };
    let read = json.deserialize_any(apps).and_then(|()| {
        json.end()
            .inspect_err(|_| problem = Some(AppListProblem::MoreFollows))
    });
    let error = match read {
        Ok(()) => {
            return list
                .finish()
                .map_err(|problem| AppListError { line: 1, problem }.into());
        }
        Err(error) if error.classify() == Category::Io => return Err(error.into()),
        Err(error) => error,
    };
    let problem = problem.unwrap_or_else(|| AppListProblem::Json {
        column: error.column(),
        message: message(&error),
    });
    let line = error.line().max(1);
    Err(AppListError { line, problem }.into())
}

impl From<AppListError> for io::Error {
    fn from(error: AppListError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// What is wrong, in plain words. It quotes nothing, because an answer may contain text that must not be logged.
fn message(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Eof => return "the JSON ends early".to_owned(),
        Category::Syntax | Category::Io => {
            return "this is not valid JSON from here on".to_owned();
        }
        Category::Data => {}
    }
    let said = error.to_string();
    let (said, _) = said.rsplit_once(" at line ").unwrap_or((&said, ""));
    wrong_type::in_plain_words(said).unwrap_or_else(|| "this is not a list of apps".to_owned())
}

/// Reads into a list, and keeps errors in a typed form, which serde would turn into text.
///
/// Each app is added while it is being read, so that serde still knows its position.
struct Apps<'a> {
    list: &'a mut List,
    problem: &'a mut Option<AppListProblem>,
}

impl Apps<'_> {
    fn push<E: Error>(&mut self, id: &str, name: &str) -> Result<(), E> {
        let pushed = self.list.push(id, name);
        pushed.map_err(|problem| self.refuse(problem))
    }

    fn refuse<E: Error>(&mut self, problem: AppListProblem) -> E {
        let error = E::custom(&problem);
        *self.problem = Some(problem);
        error
    }
}

impl<'de> Visitor<'de> for Apps<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an array of apps with `id` and `name`, one such app, or an object from ids to names",
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut apps: A) -> Result<(), A::Error> {
        while apps.next_element_seed(App(&mut self))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let (mut app, mut keys, mut has_list) = (Properties::default(), Vec::new(), false);
        while let Some(key) = entries.next_key::<String>()? {
            if keys.is_empty() && parse_id(&key).is_some() {
                return self.names(key, entries);
            }
            if is_word(&key, "value") {
                entries.next_value_seed(Value(&mut self))?;
                has_list = true;
            } else {
                app.read(Column::named(&key), &mut entries)?;
            }
            if keys.len() <= MAX_SHOWN {
                keys.push(key);
            }
        }
        if has_list {
            return Ok(());
        }
        match app.whole() {
            Some((id, name)) => self.push(id, name),
            None if keys.is_empty() => Ok(()),
            None => Err(self.refuse(AppListProblem::Object {
                found: shown(keys.iter().map(String::as_str)),
            })),
        }
    }
}

impl Apps<'_> {
    /// An object from ids to names whose first id has been read.
    fn names<'de, A: MapAccess<'de>>(
        mut self,
        mut id: String,
        mut names: A,
    ) -> Result<(), A::Error> {
        loop {
            let apps = &mut self;
            names.next_value_seed(Name { apps, id })?;
            match names.next_key()? {
                Some(next) => id = next,
                None => return Ok(()),
            }
        }
    }
}

/// The list in an object, as PowerShell wraps it: `{"value": […], "Count": 2}`.
struct Value<'a, 'b>(&'a mut Apps<'b>);

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of apps with `id` and `name`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut apps: A) -> Result<(), A::Error> {
        while apps.next_element_seed(App(self.0))?.is_some() {}
        Ok(())
    }
}

/// The properties of an app.
#[derive(Default)]
struct Properties {
    id: Option<String>,
    app_id: Option<String>,
    name: Option<String>,
    app_name: Option<String>,
}

impl Properties {
    /// Reads the value of a property according to its key.
    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        column: Option<Column>,
        properties: &mut A,
    ) -> Result<(), A::Error> {
        match column {
            Some(Column::Id) => self.id = Some(properties.next_value()?),
            Some(Column::AppId) => self.app_id = properties.next_value()?,
            Some(Column::Name) => self.name = Some(properties.next_value()?),
            Some(Column::AppName) => self.app_name = properties.next_value()?,
            None => drop(properties.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }

    fn id(&self) -> Option<&str> {
        self.id.as_deref().or(self.app_id.as_deref())
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref().or(self.app_name.as_deref())
    }

    fn whole(&self) -> Option<(&str, &str)> {
        self.id().zip(self.name())
    }
}

/// The meaning of a property's key; the key itself is not kept.
struct Key(Option<Column>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a property")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
        Ok(Key(Column::named(name)))
    }
}

/// An app, with properties that are ignored.
struct App<'a, 'b>(&'a mut Apps<'b>);

impl<'de> DeserializeSeed<'de> for App<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for App<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an app with `id` and `name`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut properties: A) -> Result<(), A::Error> {
        let mut app = Properties::default();
        while let Some(Key(column)) = properties.next_key()? {
            app.read(column, &mut properties)?;
        }
        let missing = |key| AppListProblem::Missing { key };
        let Some(id) = app.id() else {
            return Err(self.0.refuse(missing("id")));
        };
        let Some(name) = app.name() else {
            return Err(self.0.refuse(missing("name")));
        };
        self.0.push(id, name)
    }
}

/// The name of an app whose id is the key.
struct Name<'a, 'b> {
    apps: &'a mut Apps<'b>,
    id: String,
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an app")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        self.apps.push(&self.id, name)
    }
}
