//! Where the fields of a row are although names, users and messages may hold `;`.
//!
//! Between names and message stand ids, a time and a level, which no text is by accident. All before them is names and
//! a user, all behind them an execution id and the message. Where there are several such places, or none, somebody made
//! them up or the row is none that is known, and nothing is taken for a field.

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

/// The places of a row where fields that cannot be text stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a, T> {
    /// There is none.
    None,
    /// There is one: the fields, each behind its `;`, that stand before it, its own, and all that stands behind.
    One(&'a str, T, &'a str),
    /// There are several.
    Several,
}

/// Characters of the shortest local time, `2026-01-31 06:00:12`.
const SHORTEST_TIME: usize = 19;

/// Looks for a place where `fields` stand, with at least `others` fields before them, of which `ids` stand before the
/// local time.
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
            // Most parts are told by their length alone, which counts where a datagram is nothing but `;`.
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

/// Ids that are guids or absent, a time and a level.
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

/// As log4net's `%date` has it, `2026-01-31 06:00:12,345`.
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

/// Names and user, of which each may hold `;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Names<'a> {
    /// With the app's name behind it where the two cannot be told apart.
    pub(super) task_name: &'a str,
    pub(super) app_name: &'a str,
    pub(super) user: &'a str,
    /// Whether names and user are certain.
    pub(super) is_certain: bool,
}

/// Task name, app name and user of a text that has at least two `;`. `has_app` says whether the row has an app's id.
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

/// A user is `DIRECTORY\id`, and of its two parts only the id may hold `;`; or is absent.
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

/// Where several `;` stand between the names of task and app, only some can be told apart: a row without an app ends
/// with the absent name of one, and the task that Qlik Sense makes for a reload by hand is called as its app is.
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
