//! Finds the fields of a row even if names, users and messages contain `;`.
//!
//! Between names and message are ids, a time and a level, a sequence that no text contains by accident. Everything
//! before it is names and a user, everything after it an execution id and a message. If the sequence occurs several
//! times or not at all, the row is forged or of an unknown form, and no field is taken from it.

use memchr::{memchr_iter, memrchr};
use nom::{
    Parser,
    bytes::complete::take_while_m_n,
    character::complete::{char, one_of},
    combinator::{all_consuming, opt},
    sequence::preceded,
};
use uuid::Uuid;

use crate::payload::{
    level::Level,
    split::{MissingField, Parsed, SEPARATOR, field, present, short_field},
};

/// The positions in a row where the fields of known form occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a, T> {
    /// They do not occur.
    None,
    /// They occur once: the text before them, the fields themselves, and the text after them.
    One(&'a str, T, &'a str),
    /// They occur several times.
    Several,
}

/// Characters of the shortest local time, `2026-01-31 06:00:12`.
const SHORTEST_TIME: usize = 19;

/// Finds the position of `fields`, which have at least `others` fields before them, and `ids` fields before their local
/// time.
pub(super) fn find<'a, T>(
    row: &'a str,
    others: usize,
    ids: usize,
    mut fields: impl Parser<&'a str, Output = T, Error = MissingField<'a>>,
) -> Place<'a, T> {
    let bytes = row.as_bytes();
    let mut before = 0;
    let mut places = memchr_iter(SEPARATOR, bytes)
        .enumerate()
        .filter_map(|(count, end)| {
            let time = std::mem::replace(&mut before, end);
            // The length rules out most parts, which matters if a datagram consists of nothing but `;`.
            if end - time <= SHORTEST_TIME || count <= others + ids {
                return None;
            }
            let start = (0..ids).try_fold(time, |end, _| memrchr(SEPARATOR, &bytes[..end]))?;
            let (behind, fields) = fields.parse(&row[start..]).ok()?;
            Some((&row[..start], fields, behind))
        });
    match (places.next(), places.next()) {
        (None, _) => Place::None,
        (Some((before, fields, behind)), None) => Place::One(before, fields, behind),
        (Some(_), Some(_)) => Place::Several,
    }
}

/// Task id, app id, local time and level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids<'a> {
    pub(super) task_id: &'a str,
    pub(super) app_id: &'a str,
    pub(super) time: Time<'a>,
}

/// Local time and level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time<'a> {
    pub(super) local_time: &'a str,
    pub(super) level: &'a str,
}

/// Ids that are guids or absent, then a time and a level.
pub(super) fn ids(input: &str) -> Parsed<'_, Ids<'_>> {
    let guid = |name| nom::combinator::verify(field(name), is_guid_or_absent);
    (guid("task_id"), guid("app_id"), time)
        .map(|(task_id, app_id, time)| Ids {
            task_id,
            app_id,
            time,
        })
        .parse(input)
}

/// A time and a level.
pub(super) fn time(input: &str) -> Parsed<'_, Time<'_>> {
    let local_time = nom::combinator::verify(field("local_time"), is_local_time);
    let level = nom::combinator::verify(short_field("level"), |text: &str| {
        Level::read(text).is_some()
    });
    (local_time, level)
        .map(|(local_time, level)| Time { local_time, level })
        .parse(input)
}

fn is_guid_or_absent(text: &str) -> bool {
    present(text).is_none_or(|text| Uuid::try_parse(text.trim()).is_ok())
}

/// Whether this is a time as log4net's `%date` writes it, `2026-01-31 06:00:12,345`.
fn is_local_time(text: &str) -> bool {
    fn digits<'a>(
        count: usize,
    ) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
        take_while_m_n(count, count, |c: char| c.is_ascii_digit())
    }
    let fraction = take_while_m_n(1, 9, |c: char| c.is_ascii_digit());
    let date = (digits(4), char('-'), digits(2), char('-'), digits(2));
    let time = (digits(2), char(':'), digits(2), char(':'), digits(2));
    let fraction = opt(preceded(one_of(",."), fraction));
    all_consuming((date, one_of(" T"), time, fraction))
        .parse(text.trim())
        .is_ok()
}

/// Names and user, each of which may contain `;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names<'a> {
    /// Followed by the app's name if the two cannot be told apart.
    pub(super) task_name: &'a str,
    pub(super) app_name: &'a str,
    pub(super) user: &'a str,
    /// Whether names and user are certain.
    pub(super) is_certain: bool,
}

/// Task name, app name and user in a text with at least two `;`. `has_app` says whether the row has an app id.
pub(super) fn names(text: &str, has_app: bool) -> Names<'_> {
    let (names, user) = split_user(text);
    let cut = match memchr_iter(SEPARATOR, names.as_bytes()).count() {
        1 => names.split_once(';'),
        _ => split_names(names, has_app),
    };
    let (task_name, app_name) = cut.unwrap_or((names, ""));
    Names {
        task_name,
        app_name,
        user,
        is_certain: cut.is_some(),
    }
}

/// Splits off the user: `DIRECTORY\id`, where only the id may contain `;`, or absent.
fn split_user(text: &str) -> (&str, &str) {
    // The first `;` ends the task's name.
    let user_from = |place: usize| {
        let end = memrchr(SEPARATOR, &text.as_bytes()[..place])?;
        text[..end]
            .contains(';')
            .then(|| (&text[..end], &text[end + 1..]))
    };
    let last = user_from(text.len()).unwrap_or((text, ""));
    if present(last.1).is_none() {
        return last;
    }
    let named = memrchr(b'\\', text.as_bytes()).and_then(user_from);
    named.unwrap_or(last)
}

/// Splits the names of task and app if there is more than one `;`, which is possible in two cases: a row without an app
/// ends with an absent app name, and Qlik Sense names the task of a manual reload after its app.
fn split_names(names: &str, has_app: bool) -> Option<(&str, &str)> {
    const BY_HAND: &str = "Manually triggered reload of ";
    if let Some((task_name, app_name)) = names.rsplit_once(';')
        && !has_app
        && present(app_name).is_none()
    {
        return Some((task_name, app_name));
    }
    let twice = names.strip_prefix(BY_HAND)?;
    let app_name = twice.get(twice.len() / 2 + 1..)?;
    let task_name = names.strip_suffix(app_name)?.strip_suffix(';')?;
    (task_name.strip_prefix(BY_HAND) == Some(app_name)).then_some((task_name, app_name))
}
