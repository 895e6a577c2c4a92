//! Why something cannot be decoded: a stable code, the field, the place. Never the payload.

use std::fmt;

use serde::{Serialize, Serializer};

/// Stable codes of what can be wrong with a payload; the value of `error.code` in the output.
///
/// New codes may be added, existing ones keep their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Nothing is left once white space, line ends, NULs and a byte order mark are removed.
    Empty,
    /// The datagram is longer than the configured limit; only its beginning was kept.
    TooLarge,
    /// The first field is not a known type token.
    UnknownType,
    /// The payload ends before its last field.
    MissingField,
    /// The bytes are no text in the encoding that was recognised or configured.
    InvalidEncoding,
}

impl ErrorCode {
    /// Every code, in the order of declaration.
    pub const ALL: [Self; 5] = [
        Self::Empty,
        Self::TooLarge,
        Self::UnknownType,
        Self::MissingField,
        Self::InvalidEncoding,
    ];

    /// The code as it appears in the output, for example `missing_field`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::UnknownType => "unknown_type",
            Self::MissingField => "missing_field",
            Self::InvalidEncoding => "invalid_encoding",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The fields of a payload, in their order. The standard appender sends eight of them; the extended one
/// sends all twelve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The type token, such as `/qseow-proxy-session/`.
    Type,
    /// The Qlik node.
    Host,
    /// When it happened; extended appender only.
    Timestamp,
    /// The row number; extended appender only.
    Sequence,
    /// The proxy session; extended appender only.
    SessionId,
    /// What came of it; extended appender only.
    Result,
    /// What happened, in Qlik's words.
    Command,
    /// The user's directory.
    UserDirectory,
    /// The user's id in the directory.
    UserId,
    /// Where the access came from, for example `AppAccess`.
    Origin,
    /// The path that was asked for.
    Context,
    /// The rest of the payload.
    Message,
}

impl Field {
    /// Every field, in the order of the payload.
    pub const ALL: [Self; 12] = [
        Self::Type,
        Self::Host,
        Self::Timestamp,
        Self::Sequence,
        Self::SessionId,
        Self::Result,
        Self::Command,
        Self::UserDirectory,
        Self::UserId,
        Self::Origin,
        Self::Context,
        Self::Message,
    ];

    /// The field's name as it appears in `error.field`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Host => "host",
            Self::Timestamp => "timestamp",
            Self::Sequence => "sequence",
            Self::SessionId => "session_id",
            Self::Result => "result",
            Self::Command => "command",
            Self::UserDirectory => "user_directory",
            Self::UserId => "user_id",
            Self::Origin => "origin",
            Self::Context => "context",
            Self::Message => "message",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why a payload, or one event of it, could not be decoded.
///
/// The message says what was expected and where; it never quotes the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub code: ErrorCode,
    /// The field that is wrong or missing, where one can be named.
    pub field: Option<Field>,
    /// Where, in bytes from the beginning of the payload as text (UTF-8). For a UTF-8 sender these
    /// are the bytes of the datagram, or of its part where one datagram holds several events.
    pub offset: usize,
}

impl DecodeError {
    pub(crate) const fn new(code: ErrorCode, field: Option<Field>, offset: usize) -> Self {
        Self {
            code,
            field,
            offset,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match (self.code, self.field) {
            (ErrorCode::Empty, _) => write!(f, "the datagram holds no text"),
            (ErrorCode::TooLarge, _) => write!(
                f,
                "the datagram is longer than the limit of {offset} bytes (max_datagram_bytes)"
            ),
            (ErrorCode::UnknownType, _) => write!(
                f,
                "expected a known type, such as /qseow-proxy-session/, followed by `;` at byte {offset}"
            ),
            (ErrorCode::MissingField, Some(field)) => write!(
                f,
                "the payload ends at byte {offset}, before its field `{field}`; expected every field up to `message`, separated by `;`"
            ),
            (ErrorCode::MissingField, None) => write!(
                f,
                "the payload ends at byte {offset}; expected every field up to `message`, separated by `;`"
            ),
            (ErrorCode::InvalidEncoding, _) => write!(
                f,
                "the bytes after byte {offset} of the text are not valid in the sender's encoding; set encoding=utf-8 in the appender"
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_and_where() {
        let error = DecodeError::new(ErrorCode::MissingField, Some(Field::Origin), 57);
        assert_eq!(
            error.to_string(),
            "the payload ends at byte 57, before its field `origin`; expected every field up to `message`, separated by `;`"
        );
        for code in ErrorCode::ALL {
            let text = DecodeError::new(code, None, 12).to_string();
            assert!(!text.is_empty(), "{code}");
        }
    }
}
