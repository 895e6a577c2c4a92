//! The rules for a list of apps, in any format.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use foldhash::fast::RandomState;
use uuid::Uuid;

use super::AppTable;

/// The most apps in a list. Their table takes some 20 MiB.
pub const MAX_APPS: usize = 200_000;

/// The longest name of an app, in bytes.
pub const MAX_NAME_BYTES: usize = 4_096;

/// A list of apps cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct AppListError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: AppListProblem,
}

/// The problem with a list of apps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppListProblem {
    /// It is neither UTF-8 nor UTF-16 with a byte order mark.
    #[error("this is not UTF-8 text; save the list as UTF-8")]
    Encoding,
    /// It is a workbook of a spreadsheet program.
    #[error("this is an Excel workbook; save it as CSV")]
    Workbook,
    /// The first line is neither a header nor an app.
    #[error(
        "expected a header with the columns `id` and `name`, or an app's id and name without a header; found {found}"
    )]
    Header {
        /// The columns that were found, shortened if there are many or long ones.
        found: String,
    },
    /// A line has more or fewer fields than it should.
    #[error(
        "expected {expected} fields and found {found}; put a field that contains the separator in double quotes, with \
         no space before them"
    )]
    Fields {
        /// The number in the header, or 2 without a header.
        expected: usize,
        /// The number in this line.
        found: usize,
    },
    /// An id is not a guid.
    #[error("expected an app's id such as a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69, found {found}")]
    Id {
        /// The text that was found, shortened if it is long.
        found: String,
    },
    /// An app in JSON lacks a property.
    #[error("an app has no `{key}`; expected `id` and `name` in each")]
    Missing {
        /// The property: `id` or `name`.
        key: &'static str,
    },
    /// A name is empty.
    #[error("the app's name is empty")]
    NoName,
    /// A name is longer than [`MAX_NAME_BYTES`].
    #[error("the app's name is longer than {MAX_NAME_BYTES} bytes")]
    LongName,
    /// An app has two names.
    #[error("the app {id} is listed above with another name")]
    TwoNames {
        /// The app.
        id: Uuid,
    },
    /// There are more than [`MAX_APPS`].
    #[error("the list has more than {MAX_APPS} apps")]
    TooManyApps,
    /// The list is empty.
    #[error("the list has no apps")]
    NoApps,
    /// It is an object of an unknown form.
    #[error(
        "expected an array of apps with `id` and `name`, alone or in `value`, or one such app, or an object from ids to \
         names; found an object with the keys {found}"
    )]
    Object {
        /// Its keys, shortened if there are many or long ones.
        found: String,
    },
    /// More text follows the list.
    #[error("text follows the list; put all apps into one array: [{{…}}, {{…}}]")]
    MoreFollows,
    /// It is not JSON, or has an unexpected form.
    #[error("{message} (column {column})")]
    Json {
        /// The position in the line, in bytes, from 1.
        column: usize,
        /// What was expected.
        message: String,
    },
}

/// The part of a list that has been read.
#[derive(Debug, Default)]
pub(super) struct List {
    names: HashMap<Uuid, Arc<str>, RandomState>,
}

impl List {
    /// Adds an app.
    pub(super) fn push(&mut self, id: &str, name: &str) -> Result<(), AppListProblem> {
        let known = parse_id(id).ok_or_else(|| AppListProblem::Id { found: shown([id]) });
        let (id, name) = (known?, name.trim());
        if name.is_empty() {
            return Err(AppListProblem::NoName);
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(AppListProblem::LongName);
        }
        let apps = self.names.len();
        match self.names.entry(id) {
            Entry::Occupied(known) if **known.get() == *name => {}
            Entry::Occupied(_) => return Err(AppListProblem::TwoNames { id }),
            Entry::Vacant(_) if apps == MAX_APPS => return Err(AppListProblem::TooManyApps),
            Entry::Vacant(vacant) => {
                vacant.insert(name.into());
            }
        }
        Ok(())
    }

    /// The table of all apps, of which there must be at least one: an empty list is probably a mistake and would remove
    /// every name.
    pub(super) fn finish(self) -> Result<AppTable, AppListProblem> {
        if self.names.is_empty() {
            return Err(AppListProblem::NoApps);
        }
        Ok(self.names.into())
    }
}

/// The meaning of a column, or of a property of an app, from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// `id`.
    Id,
    /// `app_id`, used if there is no `id`: the repository's apps have both.
    AppId,
    /// `name`.
    Name,
    /// `app_name`, used if there is no `name`.
    AppName,
}

impl Column {
    /// The column with this name, in any case and with any characters between its words: `App ID`, `AppName`, `app-id`.
    pub(super) fn named(text: &str) -> Option<Self> {
        [
            ("id", Self::Id),
            ("appid", Self::AppId),
            ("name", Self::Name),
            ("appname", Self::AppName),
        ]
        .into_iter()
        .find(|(name, _)| is_word(text, name))
        .map(|(_, column)| column)
    }
}

/// Whether a name is this word, ignoring case and the characters between words. The word is in lower case.
pub(super) fn is_word(name: &str, word: &str) -> bool {
    let letters = name.trim().chars().filter(|c| !" _-".contains(*c));
    letters.map(|c| c.to_ascii_lowercase()).eq(word.chars())
}

/// The most names that an error shows.
pub(super) const MAX_SHOWN: usize = 4;

/// Names for an error message: only a few, and long ones shortened.
pub(super) fn shown<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const CHARACTERS: usize = 40;
    let mut names = names.into_iter();
    let first: Vec<String> = names
        .by_ref()
        .take(MAX_SHOWN)
        .map(|name| {
            let cut: String = name.chars().take(CHARACTERS).collect();
            let more = if cut.len() < name.len() { "…" } else { "" };
            format!("`{}{more}`", cut.replace(char::is_control, " "))
        })
        .collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    first.join(", ") + more
}

/// An id in its usual form, 8-4-4-4-12, in either case.
pub(super) fn parse_id(text: &str) -> Option<Uuid> {
    let text = text.trim();
    (text.len() == 36)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
}
