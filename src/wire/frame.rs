//! One event's text as its fields.
//!
//! The standard appender sends eight: `type;host;command;user directory;user id;origin;context;message`.
//! The extended appender sends four more after the host: `time;row number;session id;result`. They
//! stand before everything that a user can influence, such as the context, so that no `;` in there
//! can move them. The message comes last in both: it is the rest, whole, and may hold `;`, quotes and
//! line breaks of its own.

use memchr::memchr;
use nom::{
    IResult, Parser,
    combinator::{cond, map_opt},
    error::ParseError,
    sequence::preceded,
};

use super::{
    datagram::{leading_trimmed, trailing_trimmed},
    error::{DecodeError, ErrorCode, Field},
    syslog::{LONGEST_HEADER, after_header},
};

const SEPARATOR: u8 = b';';

/// Which kind of payload a type token announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `/qseow-proxy-session/`, `/proxy-session/` of appenders from 2021, or `/qlik-sense-session/2/` of
    /// the extended appender.
    Session,
    /// `/qseow-proxy-connection/`, `/proxy-connection/` of appenders from 2021, or
    /// `/qlik-sense-connection/2/` of the extended appender.
    Connection,
}

/// Which fields a payload has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Eight.
    Standard,
    /// Twelve: time, row number, session id and result besides.
    Extended,
}

/// The type tokens: the only place that knows them. They match without regard to case.
const TOKENS: [(&str, Family, Layout); 6] = [
    ("/qseow-proxy-session/", Family::Session, Layout::Standard),
    (
        "/qseow-proxy-connection/",
        Family::Connection,
        Layout::Standard,
    ),
    ("/proxy-session/", Family::Session, Layout::Standard),
    ("/proxy-connection/", Family::Connection, Layout::Standard),
    ("/qlik-sense-session/2/", Family::Session, Layout::Extended),
    (
        "/qlik-sense-connection/2/",
        Family::Connection,
        Layout::Extended,
    ),
];

fn known(token: &[u8]) -> Option<(Family, Layout)> {
    TOKENS
        .iter()
        .find(|(known, ..)| {
            let known = known.as_bytes();
            known == token || known.eq_ignore_ascii_case(token)
        })
        .map(|&(_, family, layout)| (family, layout))
}

/// The fields of one event, borrowed from its text. `(null)` and empty fields are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the type token announces.
    pub family: Family,
    /// The Qlik node, usually its lower-case short machine name.
    pub host: Option<&'a str>,
    /// When it happened, as sent; see [`parse_time`](super::parse_time). Extended appender only, like
    /// the next three.
    pub timestamp: Option<&'a str>,
    /// The row number, as sent.
    pub sequence: Option<&'a str>,
    /// The proxy session that the event belongs to.
    pub session_id: Option<&'a str>,
    /// What came of it, as Qlik writes it.
    pub result: Option<&'a str>,
    /// What happened, in Qlik's words, for example `Start session`.
    pub command: Option<&'a str>,
    /// The user's directory, for example `LAB`.
    pub user_directory: Option<&'a str>,
    /// The user's id in the directory.
    pub user_id: Option<&'a str>,
    /// Where the access came from. `Not available` is a value, not an absence.
    pub origin: Option<&'a str>,
    /// The path that was asked for; see [`Context`](super::Context).
    pub context: Option<&'a str>,
    /// The rest; see [`message`](super::message).
    pub message: Option<&'a str>,
}

impl<'a> Frame<'a> {
    /// Splits one event's text, as [`pieces`](super::pieces) gives it, into its fields.
    ///
    /// Leading white space and byte order marks, and trailing CR, LF and NUL, are no part of it. Neither is a
    /// syslog header (RFC 5424 or 3164) in front of a known type.
    ///
    /// ```
    /// use qlik_sense_events::wire::{Family, Frame};
    ///
    /// let frame = Frame::parse("/qseow-proxy-session/;pro2-win1;Stop session;LAB;goran;(null);;Bye; all\n")?;
    /// assert_eq!(frame.family, Family::Session);
    /// assert_eq!(frame.user_id, Some("goran"));
    /// assert_eq!((frame.origin, frame.context), (None, None));
    /// assert_eq!(frame.message, Some("Bye; all"));
    /// # Ok::<(), qlik_sense_events::wire::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Empty`], [`ErrorCode::UnknownType`] or [`ErrorCode::MissingField`].
    pub fn parse(text: &'a str) -> Result<Self, DecodeError> {
        let event = trailing_trimmed(leading_trimmed(text));
        if event.is_empty() {
            return Err(DecodeError::new(ErrorCode::Empty, None, 0));
        }
        match frame(without_header(event)) {
            Ok((_, frame)) => Ok(frame),
            Err(nom::Err::Error(error) | nom::Err::Failure(error)) => Err(error.at(text)),
            Err(nom::Err::Incomplete(_)) => {
                Err(DecodeError::new(ErrorCode::MissingField, None, text.len()))
            }
        }
    }
}

/// Whether an event begins here: a known type token and its `;`, perhaps behind a syslog header.
pub(crate) fn starts_frame(bytes: &[u8]) -> bool {
    starts_with_type(after_header(bytes).unwrap_or(bytes))
}

fn starts_with_type(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(LONGEST_TYPE)];
    memchr(SEPARATOR, head).is_some_and(|end| known(&head[..end]).is_some())
}

/// What is no payload of ours keeps its header, so that it is shown and counted whole.
fn without_header(text: &str) -> &str {
    // Sooner known here than by a call.
    if !text.as_bytes().starts_with(b"<") {
        return text;
    }
    match after_header(text.as_bytes()) {
        Some(rest) if starts_with_type(rest) => &text[text.len() - rest.len()..],
        _ => text,
    }
}

/// The bytes of the longest beginning of an event that [`starts_frame`] recognises.
pub(crate) const LONGEST_START: usize = LONGEST_HEADER + LONGEST_TYPE;

/// The bytes of the longest type token and its `;`.
const LONGEST_TYPE: usize = {
    let (mut longest, mut token) = (0, 0);
    while token < TOKENS.len() {
        if TOKENS[token].0.len() > longest {
            longest = TOKENS[token].0.len();
        }
        token += 1;
    }
    longest + 1
};

/// nom's error for this grammar: which field failed, and the input that was left when it did.
struct FieldError<'a> {
    input: &'a str,
    code: ErrorCode,
    field: Field,
}

impl FieldError<'_> {
    fn at(&self, text: &str) -> DecodeError {
        // The input is a part of `text`, so the distance of their beginnings is the offset.
        let offset = self.input.as_ptr() as usize - text.as_ptr() as usize;
        let offset = match self.code {
            ErrorCode::MissingField => offset + self.input.len(),
            _ => offset,
        };
        DecodeError::new(self.code, Some(self.field), offset)
    }
}

impl<'a> ParseError<&'a str> for FieldError<'a> {
    fn from_error_kind(input: &'a str, _: nom::error::ErrorKind) -> Self {
        Self {
            input,
            code: ErrorCode::UnknownType,
            field: Field::Type,
        }
    }

    fn append(_: &'a str, _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'a, T> = IResult<&'a str, T, FieldError<'a>>;

fn frame(input: &str) -> Parsed<'_, Frame<'_>> {
    let (rest, (family, layout)) =
        map_opt(until_separator, |token: &str| known(token.as_bytes())).parse(input)?;
    let extension = (
        next(Field::Timestamp),
        next(Field::Sequence),
        next(Field::SessionId),
        next(Field::Result),
    );
    let (message, (host, extension, command, user_directory, user_id, origin, context)) = (
        next_short(Field::Host),
        cond(layout == Layout::Extended, extension),
        next_short(Field::Command),
        next_short(Field::UserDirectory),
        next_short(Field::UserId),
        next_short(Field::Origin),
        next(Field::Context),
    )
        .parse(rest)?;
    let (rest, message) = preceded(separator(Field::Message), whole).parse(message)?;
    let (timestamp, sequence, session_id, result) = extension.unwrap_or_default();
    let frame = Frame {
        family,
        host: present(host),
        timestamp: present(timestamp),
        sequence: present(sequence),
        session_id: present(session_id),
        result: present(result),
        command: present(command),
        user_directory: present(user_directory),
        user_id: present(user_id),
        origin: present(origin),
        context: present(context),
        message: present(message),
    };
    Ok((rest, frame))
}

/// The `;` before `field`, then the field's text.
fn next<'a>(field: Field) -> impl Parser<&'a str, Output = &'a str, Error = FieldError<'a>> {
    preceded(separator(field), until_separator)
}

/// As [`next`], for a field of a few letters.
fn next_short<'a>(field: Field) -> impl Parser<&'a str, Output = &'a str, Error = FieldError<'a>> {
    preceded(separator(field), until_near_separator)
}

fn separator<'a>(field: Field) -> impl Parser<&'a str, Output = (), Error = FieldError<'a>> {
    move |input: &'a str| match input.strip_prefix(char::from(SEPARATOR)) {
        Some(rest) => Ok((rest, ())),
        None => Err(nom::Err::Error(FieldError {
            input,
            code: ErrorCode::MissingField,
            field,
        })),
    }
}

fn until_separator(input: &str) -> Parsed<'_, &str> {
    let end = memchr(SEPARATOR, input.as_bytes()).unwrap_or(input.len());
    Ok((&input[end..], &input[..end]))
}

/// As [`until_separator`], for a separator that is likely to be near: a look at one wide word takes less time than
/// the call of a search through long text.
#[inline]
fn until_near_separator(input: &str) -> Parsed<'_, &str> {
    match input.as_bytes().first_chunk().and_then(first_separator) {
        Some(end) => Ok((&input[end..], &input[..end])),
        None => until_separator(input),
    }
}

/// Where the first separator is among sixteen bytes.
#[inline]
fn first_separator(bytes: &[u8; 16]) -> Option<usize> {
    const LOW: u128 = u128::MAX / 0xFF;
    // A byte is zero where the separator is. Borrows make only what is above the first zero look like one.
    let differences = u128::from_le_bytes(*bytes) ^ (LOW * SEPARATOR as u128);
    let zeros = differences.wrapping_sub(LOW) & !differences & (LOW << 7);
    (zeros != 0).then(|| (zeros.trailing_zeros() / 8) as usize)
}

fn whole(input: &str) -> Parsed<'_, &str> {
    Ok((&input[input.len()..], input))
}

/// log4net prints `(null)` for a property that was never set, and nothing for an empty one.
fn present(field: &str) -> Option<&str> {
    (!field.is_empty() && field != "(null)").then_some(field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_near_separator_is_the_first(input in "[:;<x\u{3b}é\u{203b}]{0,24}") {
            let near = until_near_separator(&input).map_err(|_| ());
            prop_assert_eq!(near, until_separator(&input).map_err(|_| ()));
        }

        #[test]
        fn a_separator_is_found_among_any_bytes(bytes: [u8; 16]) {
            let expected = bytes.iter().position(|byte| *byte == SEPARATOR);
            prop_assert_eq!(first_separator(&bytes), expected);
        }
    }

    const STANDARD: &str = "/qseow-proxy-session/;h;c;d;u;o;x;m";
    const EXTENDED: &str = "/qlik-sense-session/2/;h;t;n;s;r;c;d;u;o;x;m";

    fn error(text: &str) -> (ErrorCode, Option<Field>, usize) {
        let error = Frame::parse(text).expect_err(text);
        (error.code, error.field, error.offset)
    }

    #[test]
    fn type_tokens() {
        let rows = [
            ("/qseow-proxy-session/", Family::Session),
            ("/QSEOW-Proxy-Session/", Family::Session),
            ("/proxy-session/", Family::Session),
            ("/qseow-proxy-connection/", Family::Connection),
            ("/proxy-connection/", Family::Connection),
            ("/PROXY-CONNECTION/", Family::Connection),
            ("/qlik-sense-session/2/", Family::Session),
            ("/qlik-sense-connection/2/", Family::Connection),
            ("/Qlik-Sense-Connection/2/", Family::Connection),
        ];
        for (token, family) in rows {
            let text = format!("{token};h;t;n;s;r;c;d;u;o;x;m");
            assert_eq!(Frame::parse(&text).map(|f| f.family), Ok(family), "{token}");
            assert!(starts_frame(text.as_bytes()), "{token}");
        }
        for token in [
            "",
            "x",
            "/qseow-proxy/",
            "/qseow-engine/",
            "qseow-proxy-session",
            "/qseow-proxy-session/ ",
            "/qlik-sense-session/",
            "/qlik-sense-session/1/",
            "/qlik-sense-session/2",
        ] {
            let text = format!("{token};h;c;d;u;o;x;m");
            assert_eq!(
                error(&text),
                (ErrorCode::UnknownType, Some(Field::Type), 0),
                "{token}"
            );
            assert!(!starts_frame(text.as_bytes()), "{token}");
        }
    }

    #[test]
    fn every_missing_field_has_its_name_and_place() {
        let standard: Vec<Field> = Field::ALL[..2]
            .iter()
            .chain(&Field::ALL[6..])
            .copied()
            .collect();
        let mut covered = 0;
        for (whole, fields) in [(STANDARD, &*standard), (EXTENDED, &Field::ALL)] {
            for (index, &field) in fields.iter().enumerate().skip(1) {
                let fields: Vec<&str> = whole.split(';').take(index).collect();
                let text = format!(" {}\r\n", fields.join(";"));
                assert_eq!(
                    error(&text),
                    (ErrorCode::MissingField, Some(field), text.len() - 2),
                    "{text:?}"
                );
                covered += 1;
            }
        }
        assert_eq!(covered, 7 + 11);
    }

    #[test]
    fn the_extended_fields_stand_after_the_host() {
        let text = format!("{EXTENDED};n");
        let frame = Frame::parse(&text).expect("twelve fields");
        let fields = [
            frame.host,
            frame.timestamp,
            frame.sequence,
            frame.session_id,
            frame.result,
            frame.command,
            frame.user_directory,
            frame.user_id,
            frame.origin,
            frame.context,
            frame.message,
        ];
        let expected = ["h", "t", "n", "s", "r", "c", "d", "u", "o", "x", "m;n"];
        assert_eq!(fields, expected.map(Some));
        let frame = Frame::parse(STANDARD).expect("eight fields");
        let extension = [
            frame.timestamp,
            frame.sequence,
            frame.session_id,
            frame.result,
        ];
        assert_eq!(extension, [None; 4]);
    }

    #[test]
    fn the_longest_type_is_that_of_a_token() {
        assert_eq!(LONGEST_TYPE, "/qlik-sense-connection/2/;".len());
    }

    #[test]
    fn nothing_is_an_error_of_its_own() {
        for text in ["", "\r\n", "\0\0", " \u{FEFF}\n", "\n\0"] {
            assert_eq!(error(text), (ErrorCode::Empty, None, 0), "{text:?}");
        }
    }

    #[test]
    fn a_syslog_header_is_passed_over() {
        let headers = [
            // log4net's RemoteSyslogAppender.
            "<14>Proxy.exe: ",
            "<134>Qlik Sense Proxy: ",
            "<0>x:",
            // RFC 3164, and what relays make of it.
            "<13>Nov 27 09:26:05 relay qlik[4711]: ",
            "<13>Nov  7 09:26:05 192.0.2.1 ",
            "<13>Nov 7 09:26:05.123 relay qlik:  ",
            "<191>2026-11-27T09:26:05.123456+01:00 relay qlik: ",
            "<13>2026-11-27T09:26:05Z relay ",
            "<13>",
            // RFC 5424.
            "<165>1 2026-11-27T09:26:05.000003-07:00 192.0.2.1 proxy 8710 - - ",
            "<165>1 - - - - - - ",
            "<165>1 - relay proxy - ID47 [origin ip=\"192.0.2.1\"][x@32473 a=\"\\\"b\\]\\c; d\" e=\"\"] \u{FEFF}",
        ];
        for header in headers {
            let text = format!("{header}{STANDARD}");
            let frame = Frame::parse(&text).expect(header);
            assert_eq!(
                (frame.host, frame.message),
                (Some("h"), Some("m")),
                "{header}"
            );
            assert!(starts_frame(text.as_bytes()), "{header}");
            // Places count from where the text begins.
            let text = format!("{header}/proxy-session/;h;c");
            let expected = (
                ErrorCode::MissingField,
                Some(Field::UserDirectory),
                text.len(),
            );
            assert_eq!(error(&text), expected, "{header}");
            let text = format!(" {header}/qseow-engine/;h;c;d;u;o;x;m");
            assert_eq!(
                error(&text),
                (ErrorCode::UnknownType, Some(Field::Type), 1),
                "{header}"
            );
        }
        let others = [
            "<192>Proxy.exe: ",
            "<1400>Proxy.exe: ",
            "<>Proxy.exe: ",
            "14>Proxy.exe: ",
            "<14>Proxy.exe ",
            "<14>a: b: ",
            "<14>a;b: ",
            "<14>a\nb: ",
            "<13>Nov 27 09:26 relay qlik: ",
            "<13>Foo 27 09:26:05 relay ",
            "<13>2026-11-27T09:26:05 relay ",
            "Nov 27 09:26:05 relay qlik: ",
            "<165>1 - - - - - ",
            "<165>1 - - - - - [x a=\"b] ",
            "<165>2 - - - - - - ",
        ];
        for header in others {
            let text = format!("{header}{STANDARD}");
            assert_eq!(
                error(&text),
                (ErrorCode::UnknownType, Some(Field::Type), 0),
                "{header}"
            );
            assert!(!starts_frame(text.as_bytes()), "{header}");
        }
        let long = |length: usize| format!("<14>{}: {STANDARD}", "x".repeat(length - 6));
        assert!(Frame::parse(&long(LONGEST_HEADER)).is_ok());
        assert!(Frame::parse(&long(LONGEST_HEADER + 1)).is_err());
    }

    #[test]
    fn absent_and_present_fields() {
        let rows = [
            ("", None),
            ("(null)", None),
            ("Not available", Some("Not available")),
            (" ", Some(" ")),
            ("(NULL)", Some("(NULL)")),
        ];
        for (written, expected) in rows {
            let text = format!("/qlik-sense-session/2/{}", format!(";{written}").repeat(11));
            let frame = Frame::parse(&text).expect("twelve fields");
            let fields = [
                frame.host,
                frame.timestamp,
                frame.sequence,
                frame.session_id,
                frame.result,
                frame.command,
                frame.user_directory,
                frame.user_id,
                frame.origin,
                frame.context,
                frame.message,
            ];
            assert_eq!(fields, [expected; 11], "{written:?}");
        }
    }

    #[test]
    fn the_message_is_the_rest_whole() {
        for message in [
            "a;b;;c",
            "it's 'quoted'",
            "line\r\n  at System.X()\nend",
            ";",
            "tab\tä",
        ] {
            let text = format!("/proxy-session/;h;c;d;u;o;x;{message}\r\n\0");
            assert_eq!(Frame::parse(&text).map(|f| f.message), Ok(Some(message)));
        }
    }
}
