//! Bytes to typed fields: the grammar of the payloads that Qlik Sense sends, one folder per family.
//!
//! This module knows the format of datagrams and nothing else: no time, no address, no configuration. It works in
//! four steps:
//!
//! 1. [`datagram`]: the bytes are split into events, usually one.
//! 2. [`text`]: each of them becomes UTF-8 text, whatever encoding its sender used.
//! 3. `family`: the type token selects the family that reads the rest, from one list.
//! 4. `user`, `log`, `performance`, `task`: the family's grammar splits the text into fields, and its types say
//!    what they mean.
//!
//! The families share these modules: `split`, the fields between `;`; `header`, the fields that several families
//! begin with; `time`, `number`, `level` and `context`, which read fields; `exception`, what log4net appends to the
//! last field; `span` and `fields`, how an event keeps them.

mod context;
pub mod datagram;
mod error;
mod exception;
pub(crate) mod family;
mod fields;
mod header;
pub(crate) mod kind;
pub(crate) mod level;
pub(crate) mod log;
mod number;
mod parts;
pub(crate) mod performance;
mod span;
mod split;
mod syslog;
pub(crate) mod task;
#[cfg(test)]
mod tests;
pub mod text;
mod time;
mod unreadable;
pub(crate) mod user;
mod utf_16;

pub use self::{
    context::Context,
    datagram::{count_events, pieces},
    error::{DecodeError, ErrorCode},
    text::FallbackEncoding,
    time::parse_time,
    user::message,
    utf_16::Utf16,
};
use self::{
    datagram::{leading_trimmed, trailing_trimmed},
    family::{Token, without_header},
    split::until_separator,
};
pub(crate) use self::{
    family::Family,
    kind::EventKind,
    level::{Level, Service},
    user::{UserAgent, UserAgentCache},
};
pub(crate) use self::{
    family::LONGEST_START,
    fields::{Fields, Payload, Personal, Rewriter},
    span::Span,
};

/// Reads one event's text, as [`pieces`] and [`text::decode`] give it.
///
/// Leading white space and byte order marks, and trailing CR, LF and NUL, are ignored, and so is a syslog header (RFC
/// 5424 or 3164) before a known type.
pub(crate) fn read(text: &str, user_agents: &UserAgentCache) -> Result<Payload, DecodeError> {
    let event = trailing_trimmed(leading_trimmed(text));
    if event.is_empty() {
        return Err(DecodeError::new(ErrorCode::Empty, None, 0));
    }
    let event = without_header(event);
    let (rest, token) = until_separator(event);
    match Token::find(token.as_bytes()) {
        Some(token) => (token.read)(text, rest, user_agents),
        None => {
            let offset = event.as_ptr() as usize - text.as_ptr() as usize;
            Err(DecodeError::new(
                ErrorCode::UnknownType,
                Some("type"),
                offset,
            ))
        }
    }
}
