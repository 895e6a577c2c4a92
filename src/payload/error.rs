//! Why a payload cannot be decoded: a stable code, the field and the offset, but never the payload itself.

use std::fmt;

use serde::{Serialize, Serializer};

/// Stable codes for what can be wrong with a payload; the value of `error.code` in the output.
///
/// New codes may be added; existing ones keep their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Nothing is left after removing white space, line ends, NULs and a byte order mark.
    Empty,
    /// The datagram is longer than the configured limit; only its beginning was kept.
    TooLarge,
    /// The first field is not a known type token.
    UnknownType,
    /// The payload ends before its last field.
    MissingField,
    /// The bytes are not valid text in the encoding that was recognised or configured.
    InvalidEncoding,
}

impl ErrorCode {
    /// Every code, in the order of declaration.
    pub const ALL: &'static [Self] = &[
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

/// Why a payload, or one event of it, could not be decoded.
///
/// The message says what was expected and where; it never quotes the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong.
    pub code: ErrorCode,
    /// The field that is wrong or missing, if it can be named, such as `user_id`.
    pub field: Option<&'static str>,
    /// Where, in bytes from the start of the payload as text (UTF-8). For a UTF-8 sender these are the bytes of the
    /// datagram, or of its part if one datagram contains several events.
    pub offset: usize,
    /// The last field of such a payload; `None` if its family is unknown.
    last_field: Option<&'static str>,
}

impl DecodeError {
    pub(crate) const fn new(code: ErrorCode, field: Option<&'static str>, offset: usize) -> Self {
        Self {
            code,
            field,
            offset,
            last_field: None,
        }
    }

    /// The same error for a payload whose family has fields up to this one.
    pub(super) const fn of_fields_up_to(self, last_field: &'static str) -> Self {
        Self {
            last_field: Some(last_field),
            ..self
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
            (ErrorCode::MissingField, field) => {
                write!(f, "the payload ends at byte {offset}")?;
                if let Some(field) = field {
                    write!(f, ", before its field `{field}`")?;
                }
                f.write_str("; expected every field")?;
                if let Some(last) = self.last_field {
                    write!(f, " up to `{last}`")?;
                }
                f.write_str(", separated by `;`")
            }
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
        let error = DecodeError::new(ErrorCode::MissingField, Some("origin"), 57)
            .of_fields_up_to("message");
        assert_eq!(
            error.to_string(),
            "the payload ends at byte 57, before its field `origin`; expected every field up to `message`, separated by `;`"
        );
        for &code in ErrorCode::ALL {
            let text = DecodeError::new(code, None, 12).to_string();
            assert!(!text.is_empty(), "{code}");
        }
    }
}
