//! The fields of a task event, borrowed from its text.

use nom::Parser;

use super::split::{self, Ids, Names, Place, Time};
use crate::payload::{
    exception::split_text,
    split::{Parsed, field, last_field, present, short_field},
};

/// The fields. `(null)` and empty ones are absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) task_name: Option<&'a str>,
    pub(super) app_name: Option<&'a str>,
    pub(super) user_directory: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) task_id: Option<&'a str>,
    pub(super) app_id: Option<&'a str>,
    pub(super) engine_session_id: Option<&'a str>,
    pub(super) local_time: Option<&'a str>,
    pub(super) level: Option<&'a str>,
    pub(super) execution_id: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    /// From the name of the exception's type to the end of its last line.
    pub(super) exception: Option<&'a str>,
    /// Fields made ambiguous by a `;`.
    pub(super) ambiguous: &'static [&'static str],
}

/// The fields that the scheduler sends.
pub(super) fn scheduler(input: &str) -> Parsed<'_, Fields<'_>> {
    let (row, host) = short_field("host").parse(input)?;
    let fields = match split::find(row, 3, 2, split::ids) {
        Place::One(names, ids, behind) => {
            let (_, run) = run(behind)?;
            let names = split::names(&names[1..], present(ids.app_id).is_some());
            of_scheduler(names, ids, run)
        }
        Place::None => {
            let (_, (names, ids, run)) = (names, ids, run).parse(row)?;
            if run.1.contains(';') {
                doubtful(row)
            } else {
                of_scheduler(names, ids, run)
            }
        }
        Place::Several => doubtful(row),
    };
    let host = present(host);
    Ok(("", Fields { host, ..fields }))
}

/// Keeps all of a row whole after its first field, because its fields cannot be told apart.
fn doubtful(row: &str) -> Fields<'_> {
    Fields {
        task_name: present(&row[1..]),
        ambiguous: &["task_name"],
        ..Fields::default()
    }
}

fn of_scheduler<'a>(
    names: Names<'a>,
    ids: Ids<'a>,
    (execution_id, message): (&'a str, &'a str),
) -> Fields<'a> {
    let (user_directory, user_id) = match names.user.split_once('\\') {
        Some((directory, id)) => (present(directory), present(id)),
        None => (None, present(names.user)),
    };
    let (message, exception) = split_text(message);
    Fields {
        task_name: present(names.task_name),
        app_name: present(names.app_name),
        user_directory,
        user_id,
        task_id: present(ids.task_id),
        app_id: present(ids.app_id),
        local_time: present(ids.time.local_time),
        level: present(ids.time.level),
        execution_id: present(execution_id),
        message: present(message),
        exception,
        ambiguous: if names.is_certain {
            &[]
        } else {
            &["task_name"]
        },
        ..Fields::default()
    }
}

fn names(input: &str) -> Parsed<'_, Names<'_>> {
    (field("task_name"), field("app_name"), short_field("user"))
        .map(|(task_name, app_name, user)| Names {
            task_name,
            app_name,
            user,
            is_certain: true,
        })
        .parse(input)
}

fn ids(input: &str) -> Parsed<'_, Ids<'_>> {
    (field("task_id"), field("app_id"), time)
        .map(|(task_id, app_id, time)| Ids {
            task_id,
            app_id,
            time,
        })
        .parse(input)
}

fn time(input: &str) -> Parsed<'_, Time<'_>> {
    (field("local_time"), short_field("level"))
        .map(|(local_time, level)| Time { local_time, level })
        .parse(input)
}

/// The execution id and the message.
fn run(input: &str) -> Parsed<'_, (&str, &str)> {
    (field("execution_id"), last_field("message")).parse(input)
}

/// The fields that the engine sends.
pub(super) fn engine(input: &str) -> Parsed<'_, Fields<'_>> {
    let (row, (host, app_id, engine_session_id, user_directory)) = (
        short_field("host"),
        field("app_id"),
        field("engine_session_id"),
        short_field("user_directory"),
    )
        .parse(input)?;
    let end = match split::find(row, 1, 0, split::time) {
        Place::One(user_id, time, behind) => {
            let (_, message) = last_field("message").parse(behind)?;
            Some((&user_id[1..], time, message))
        }
        Place::None => {
            let (_, end) = (short_field("user_id"), time, last_field("message")).parse(row)?;
            Some(end).filter(|(.., message)| !message.contains(';'))
        }
        Place::Several => None,
    };
    let fields = match end {
        Some((user_id, time, message)) => {
            let (message, exception) = split_text(message);
            Fields {
                user_id: present(user_id),
                local_time: present(time.local_time),
                level: present(time.level),
                message: present(message),
                exception,
                ..Fields::default()
            }
        }
        None => Fields {
            user_id: present(&row[1..]),
            ambiguous: &["user_id"],
            ..Fields::default()
        },
    };
    let fields = Fields {
        host: present(host),
        app_id: present(app_id),
        engine_session_id: present(engine_session_id),
        user_directory: present(user_directory),
        ..fields
    };
    Ok(("", fields))
}
