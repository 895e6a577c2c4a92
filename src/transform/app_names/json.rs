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

use super::{AppListError, AppListProblem, AppTable, list::List};

/// Reads a list of apps: an array of objects that have an `id` and a `name` among others, or an object
/// that has ids as keys and names as values. It is not held in memory beside its table.
///
/// # Errors
///
/// [`io::Error`] when `reader` fails; [`AppListError`] within it when the list cannot be used.
pub fn read(reader: impl Read) -> io::Result<AppTable> {
    let mut list = List::default();
    let mut problem = None;
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::new(reader));
    let apps = Apps {
        list: &mut list,
        problem: &mut problem,
    };
    let read = json.deserialize_any(apps).and_then(|()| json.end());
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

/// What serde says, without the place, which is beside it, and without a text that was found instead: an
/// answer may hold what is not for a log.
fn message(error: &serde_json::Error) -> String {
    if error.classify() == Category::Eof {
        return "the JSON ends early".into();
    }
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line ")
        .map_or(&*said, |(said, _)| said);
    let said = match said.rsplit_once(", expected ") {
        Some((found, expected)) if found.contains("string") => {
            format!("found a text, expected {expected}")
        }
        _ => said.to_owned(),
    };
    format!("this is no list of apps in JSON: {said}")
}

/// Reads into a list, and keeps what is wrong as more than the text that serde would make of it.
///
/// An app is added while it is read, and not after it: serde says where it is.
struct Apps<'a> {
    list: &'a mut List,
    problem: &'a mut Option<AppListProblem>,
}

impl Apps<'_> {
    fn push<E: Error>(&mut self, id: &str, name: &str) -> Result<(), E> {
        self.list.push(id, name).map_err(|problem| {
            let error = E::custom(&problem);
            *self.problem = Some(problem);
            error
        })
    }
}

impl<'de> Visitor<'de> for Apps<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of apps with `id` and `name`, or an object from ids to names")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut apps: A) -> Result<(), A::Error> {
        while apps.next_element_seed(App(&mut self))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut apps: A) -> Result<(), A::Error> {
        while let Some(id) = apps.next_key::<String>()? {
            let name = Name {
                apps: &mut self,
                id,
            };
            apps.next_value_seed(name)?;
        }
        Ok(())
    }
}

/// An app among its other properties.
struct App<'a, 'b>(&'a mut Apps<'b>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Property {
    #[serde(alias = "app_id")]
    Id,
    #[serde(alias = "app_name")]
    Name,
    #[serde(other)]
    Other,
}

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
        let (mut id, mut name) = (None, None);
        while let Some(property) = properties.next_key()? {
            match property {
                Property::Id => id = Some(properties.next_value::<String>()?),
                Property::Name => name = Some(properties.next_value::<String>()?),
                Property::Other => {
                    properties.next_value::<IgnoredAny>()?;
                }
            }
        }
        let id = id.ok_or_else(|| A::Error::missing_field("id"))?;
        let name = name.ok_or_else(|| A::Error::missing_field("name"))?;
        self.0.push(&id, &name)
    }
}

/// The name of an app whose id was its key.
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
