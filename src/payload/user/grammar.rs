//! The fields of a user event, borrowed from its text.

use nom::{Parser, combinator::cond};

use crate::payload::split::{Parsed, field, last_field, present, short_field};

/// The fields, in the order of the extended appender. `(null)` and empty fields are absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    /// The Qlik node, usually its lower-case short machine name.
    pub(super) host: Option<&'a str>,
    /// The fields that only the extended appender sends.
    pub(super) extension: Extension<'a>,
    /// What happened, in Qlik's words, for example `Start session`.
    pub(super) command: Option<&'a str>,
    pub(super) user_directory: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    /// Where the access came from. `Not available` is a value, not an absence.
    pub(super) origin: Option<&'a str>,
    /// The requested path; see [`Context`](crate::payload::Context).
    pub(super) context: Option<&'a str>,
    /// The rest; see [`message`](super::message).
    pub(super) message: Option<&'a str>,
}

/// Time, row number, session and result, as sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extension<'a> {
    pub(super) timestamp: Option<&'a str>,
    pub(super) sequence: Option<&'a str>,
    pub(super) session_id: Option<&'a str>,
    pub(super) result: Option<&'a str>,
}

/// Reads host, the extension if the appender is the extended one, and the other fields.
#[inline]
pub(super) fn fields<'a>(input: &'a str, is_extended: bool) -> Parsed<'a, Fields<'a>> {
    let (message, (host, extension, command, user_directory, user_id, origin, context)) = (
        short_field("host"),
        cond(is_extended, extension),
        short_field("command"),
        short_field("user_directory"),
        short_field("user_id"),
        short_field("origin"),
        field("context"),
    )
        .parse(input)?;
    let (rest, message) = last_field("message").parse(message)?;
    let fields = Fields {
        host: present(host),
        extension: extension.unwrap_or_default(),
        command: present(command),
        user_directory: present(user_directory),
        user_id: present(user_id),
        origin: present(origin),
        context: present(context),
        message: present(message),
    };
    Ok((rest, fields))
}

fn extension(input: &str) -> Parsed<'_, Extension<'_>> {
    (
        field("timestamp"),
        field("sequence"),
        field("session_id"),
        field("result"),
    )
        .map(|(timestamp, sequence, session_id, result)| Extension {
            timestamp: present(timestamp),
            sequence: present(sequence),
            session_id: present(session_id),
            result: present(result),
        })
        .parse(input)
}
