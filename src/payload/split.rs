//! The grammar that all payloads share: fields separated by `;`, without escapes or quotes.
//!
//! A family reads its fields from the left up to the free text, and those after it from the right.

use memchr::memchr;
use nom::{IResult, Parser, combinator::rest, error::ParseError, sequence::preceded};

use super::error::{DecodeError, ErrorCode};

pub(super) const SEPARATOR: u8 = b';';

/// nom's error for this grammar. The only possible error is a missing field: its name, and the input that was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MissingField<'a> {
    input: &'a str,
    field: &'static str,
}

impl<'a> MissingField<'a> {
    pub(super) const fn new(input: &'a str, field: &'static str) -> nom::Err<Self> {
        nom::Err::Error(Self { input, field })
    }

    /// The error as an offset in `text`, which contains the input.
    fn within(&self, text: &str) -> DecodeError {
        // The input is a slice of the text, so the distance of their starts is its offset. The field is missing at its
        // end.
        let offset = self.input.as_ptr() as usize - text.as_ptr() as usize;
        let end = offset + self.input.len();
        DecodeError::new(ErrorCode::MissingField, Some(self.field), end)
    }
}

impl<'a> ParseError<&'a str> for MissingField<'a> {
    fn from_error_kind(input: &'a str, _: nom::error::ErrorKind) -> Self {
        Self { input, field: "" }
    }

    fn append(_: &'a str, _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

/// Converts an error of the grammar for a payload that has fields up to `last_field`.
pub(super) fn decode_error<'a>(
    text: &'a str,
    last_field: &'static str,
) -> impl FnOnce(nom::Err<MissingField<'a>>) -> DecodeError {
    move |error| match error {
        nom::Err::Error(error) | nom::Err::Failure(error) => {
            error.within(text).of_fields_up_to(last_field)
        }
        nom::Err::Incomplete(_) => DecodeError::new(ErrorCode::MissingField, None, text.len()),
    }
}

pub(super) type Parsed<'a, T> = IResult<&'a str, T, MissingField<'a>>;

/// Reads the `;` before the field `name`, then its text.
pub(super) fn field<'a>(
    name: &'static str,
) -> impl Parser<&'a str, Output = &'a str, Error = MissingField<'a>> {
    preceded(separator(name), |input| Ok(until_separator(input)))
}

/// Like [`field`], for a field of few letters.
pub(super) fn short_field<'a>(
    name: &'static str,
) -> impl Parser<&'a str, Output = &'a str, Error = MissingField<'a>> {
    preceded(separator(name), |input| Ok(until_near_separator(input)))
}

/// Reads the `;` before the last field, then everything after it.
pub(super) fn last_field<'a>(
    name: &'static str,
) -> impl Parser<&'a str, Output = &'a str, Error = MissingField<'a>> {
    preceded(separator(name), rest)
}

fn separator<'a>(
    name: &'static str,
) -> impl Parser<&'a str, Output = (), Error = MissingField<'a>> {
    move |input: &'a str| match input.strip_prefix(char::from(SEPARATOR)) {
        Some(rest) => Ok((rest, ())),
        None => Err(MissingField::new(input, name)),
    }
}

/// Splits at the next separator: the rest, and the text before it.
#[inline]
pub(super) fn until_separator(input: &str) -> (&str, &str) {
    let end = memchr(SEPARATOR, input.as_bytes()).unwrap_or(input.len());
    (&input[end..], &input[..end])
}

/// Like [`until_separator`], for a separator that is probably near: checking one wide word takes less time than calling
/// a search for long text.
#[inline]
fn until_near_separator(input: &str) -> (&str, &str) {
    match input.as_bytes().first_chunk().and_then(first_separator) {
        Some(end) => (&input[end..], &input[..end]),
        None => until_separator(input),
    }
}

/// The position of the first separator in sixteen bytes.
#[inline]
fn first_separator(bytes: &[u8; 16]) -> Option<usize> {
    const LOW: u128 = u128::MAX / 0xFF;
    // The byte of the separator becomes zero. Because of borrows, only bytes above the first zero may be found wrongly.
    let differences = u128::from_le_bytes(*bytes) ^ (LOW * SEPARATOR as u128);
    let zeros = differences.wrapping_sub(LOW) & !differences & (LOW << 7);
    (zeros != 0).then(|| (zeros.trailing_zeros() / 8) as usize)
}

/// The text of a field; `None` if it is absent. log4net prints `(null)` for a property that was never set, and nothing
/// for an empty one.
pub(super) fn present(field: &str) -> Option<&str> {
    (!field.is_empty() && field != "(null)").then_some(field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_near_separator_is_the_first_one(input in "[:;<x\u{3b}é\u{203b}]{0,24}") {
            prop_assert_eq!(until_near_separator(&input), until_separator(&input));
        }

        #[test]
        fn a_separator_is_found_among_any_bytes(bytes: [u8; 16]) {
            let expected = bytes.iter().position(|byte| *byte == SEPARATOR);
            prop_assert_eq!(first_separator(&bytes), expected);
        }
    }
}
