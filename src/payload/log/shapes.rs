//! The possible values of the fields of a log event. They show which field a `;` belongs to.
//!
//! A shape may allow too much, which leaves ambiguity. It must not reject what Qlik Sense sends, because another
//! split may then seem to be the only one.

use crate::payload::{
    Service,
    exception::{has_frame, starts_exception},
    split::present,
};

/// The possible content of a field.
pub(super) struct Shape {
    /// Whether a part may start the field.
    pub(super) first: Test,
    /// Whether a part may continue the field; `None` if the field contains no `;`.
    pub(super) further: Option<Test>,
    /// Whether a part that continues the field may be its last.
    pub(super) last: Test,
}

pub(super) type Test = fn(&str) -> bool;

/// A field that contains no `;`.
const fn one(first: Test) -> Shape {
    Shape {
        first,
        further: None,
        last: any,
    }
}

/// A field that may contain `;`.
const fn several(first: Test, further: Test, last: Test) -> Shape {
    Shape {
        first,
        further: Some(further),
        last,
    }
}

/// The readings of a layout: each of the heads combined with each of the tails.
pub(super) struct Shapes {
    pub(super) heads: &'static [&'static [Shape]],
    pub(super) tails: &'static [&'static [Shape]],
}

impl Shapes {
    pub(super) const fn of(service: Service) -> Self {
        match service {
            Service::Engine => Self {
                heads: ENGINE_HEADS,
                tails: &[ENGINE_TAIL],
            },
            Service::Proxy | Service::Repository => Self {
                heads: HEADS,
                tails: WEB_TAILS,
            },
            Service::Scheduler => Self {
                heads: HEADS,
                tails: TASK_TAILS,
            },
        }
    }
}

/// Message, proxy session, user directory and user id.
const ENGINE_HEADS: &[&[Shape]] = &[
    &[MESSAGE, one(is_session), one(is_directory), one(begins)],
    &[MESSAGE, one(is_session), one(is_directory), SEVERAL_IN_ID],
];

/// From the engine's time to the app id.
const ENGINE_TAIL: &[Shape] = &[
    one(may_be_time),
    one(is_process),
    one(is_word),
    one(may_be_time),
    one(is_word),
    one(is_guid),
    one(is_app),
];

/// Message, exception, user directory and user id.
const HEADS: &[&[Shape]] = &[
    // Nearly always there is no exception, and its field is empty.
    &[MESSAGE, one(str::is_empty), one(is_directory), one(begins)],
    &[
        MESSAGE,
        one(str::is_empty),
        one(is_directory),
        SEVERAL_IN_ID,
    ],
    &[BEFORE_TYPE, WITH_TYPE, one(is_directory), one(begins)],
    &[BEFORE_TYPE, WITH_TYPE, one(names_directory), SEVERAL_IN_ID],
    &[BEFORE_TEXT, WITHOUT_TYPE, one(is_directory), one(begins)],
    &[
        BEFORE_TEXT,
        WITHOUT_TYPE,
        one(names_directory),
        SEVERAL_IN_ID,
    ],
];

/// Command, result, origin and context.
const WEB_TAILS: &[&[Shape]] = &[
    &[
        one(is_command),
        one(is_result),
        one(is_origin),
        one(is_context),
    ],
    &[
        one(is_command),
        one(is_result),
        one(is_origin),
        several(is_path, is_not_null, any),
    ],
];

/// User, names of task and app, ids of task, app and run.
const TASK_TAILS: &[&[Shape]] = &[
    &[
        one(is_user),
        one(is_name),
        APP_NAME,
        one(is_guid),
        one(is_full_guid),
        one(is_guid),
    ],
    &[
        one(is_user),
        TASK_NAME,
        APP_NAME,
        one(is_guid),
        one(is_full_guid),
        one(is_guid),
    ],
    // A row about no app has no app name that a `;` could belong to.
    &[
        one(is_user),
        one(is_name),
        one(begins),
        one(is_guid),
        one(is_absent),
        one(is_guid),
    ],
    &[
        one(is_user),
        TASK_NAME,
        one(begins),
        one(is_guid),
        one(is_absent),
        one(is_guid),
    ],
];

const MESSAGE: Shape = several(any, any, any);
/// An exception that starts with the name of its type. [`BEFORE_TYPE`] is the message before it.
const WITH_TYPE: Shape = several(starts_exception, any, any);
const BEFORE_TYPE: Shape = several(any, is_prose, any);
/// An exception that starts in any other way, at any part where a sentence may start.
const WITHOUT_TYPE: Shape = several(begins_exception, is_no_exception, is_there);
const BEFORE_TEXT: Shape = several(any, is_prose, any);
const SEVERAL_IN_ID: Shape = several(begins_id, continues_id, any);
const TASK_NAME: Shape = several(begins_name, is_not_null, any);
const APP_NAME: Shape = several(begins, is_not_null, any);

const fn any(_: &str) -> bool {
    true
}

fn is_absent(part: &str) -> bool {
    present(part).is_none()
}

fn is_there(part: &str) -> bool {
    !is_absent(part)
}

fn is_not_null(part: &str) -> bool {
    part != "(null)"
}

/// In a sentence, a space follows the `;`. No field starts with one.
fn begins(part: &str) -> bool {
    !part.starts_with(char::is_whitespace)
}

/// A part of a message that is not part of an exception.
fn is_prose(part: &str) -> bool {
    is_no_exception(part) && !has_frame(part)
}

fn is_no_exception(part: &str) -> bool {
    !starts_exception(part)
}

/// Neither a line of a stack trace nor one of the `Result=500` that the messages of the `Service` loggers consist of.
fn begins_exception(part: &str) -> bool {
    let name = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    is_there(part) && begins(part) && !part.starts_with(['↵', '→']) && !name.starts_with('=')
}

fn is_full_guid(part: &str) -> bool {
    uuid::Uuid::try_parse(part).is_ok()
}

fn is_guid(part: &str) -> bool {
    is_absent(part) || is_full_guid(part)
}

fn is_session(part: &str) -> bool {
    part == "0" || is_guid(part)
}

fn has_none_of(part: &str, characters: &str) -> bool {
    !part.chars().any(|c| characters.contains(c))
}

fn is_directory(part: &str) -> bool {
    is_absent(part)
        || part.len() <= 128
            && part.trim() == part
            && has_none_of(part, "\"'=:/\\()[]{}<>,")
            && !is_full_guid(part)
}

fn names_directory(part: &str) -> bool {
    is_there(part) && is_directory(part)
}

fn begins_id(part: &str) -> bool {
    begins(part) && is_there(part) && continues_id(part)
}

fn continues_id(part: &str) -> bool {
    part.is_empty() || !is_session(part)
}

/// A time in any of the forms that .NET writes.
fn may_be_time(part: &str) -> bool {
    let may_be = |c: char| c.is_ascii_digit() || "TZAPM:.,+-/ ".contains(c);
    is_absent(part)
        || part.len() >= 8
            && part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(may_be)
}

fn is_process(part: &str) -> bool {
    is_guid(part) || part.bytes().all(|byte| byte.is_ascii_digit())
}

/// One word that is not a piece of a guid.
fn is_word(part: &str) -> bool {
    is_absent(part)
        || part.len() <= 64
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || "._+-".contains(c))
            && (part.len() < 4
                || !part
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
}

/// A guid, or the name of an app without one, such as `SessionApp_…`.
fn is_app(part: &str) -> bool {
    is_guid(part) || is_word(part)
}

fn is_command(part: &str) -> bool {
    is_absent(part)
        || part.len() <= 128
            && part.trim() == part
            && part.starts_with(char::is_alphanumeric)
            && has_none_of(part, "\"'=/\\()[]{}<>")
}

fn is_result(part: &str) -> bool {
    is_absent(part)
        || part.len() <= 32 && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is_origin(part: &str) -> bool {
    is_absent(part)
        || part.len() <= 64 && part.trim() == part && has_none_of(part, "\"'=:/\\?%()[]{}<>,")
}

fn is_context(part: &str) -> bool {
    is_absent(part) || part == "Not available" || begins(part) && is_path(part)
}

/// A path or URL, or the beginning of one.
fn is_path(part: &str) -> bool {
    (part.contains('/') || part.contains("%2F") || part.contains("%2f"))
        && !part.contains(char::is_whitespace)
}

/// `DIR\id`.
fn is_user(part: &str) -> bool {
    is_absent(part)
        || part
            .split_once('\\')
            .is_some_and(|(directory, id)| names_directory(directory) && is_there(id))
}

/// The name of a task, or the beginning of one. A name that looks like a user counts as a user.
fn is_name(part: &str) -> bool {
    begins(part) && (is_absent(part) || !is_user(part))
}

fn begins_name(part: &str) -> bool {
    is_name(part) && is_not_null(part)
}
