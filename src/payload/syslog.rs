//! The syslog header before a payload.
//!
//! Relays write headers of RFC 5424 or RFC 3164. log4net's `RemoteSyslogAppender` writes only the priority and the name
//! of the latter: `<14>Proxy.exe: /qseow-proxy-session/;…`. Time and host in a header are the relay's, not Qlik's, so
//! the header is skipped.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n, take_while1},
    character::complete::{char, digit1, one_of, space0},
    combinator::{opt, recognize, value, verify},
    multi::{many0_count, many1_count},
    sequence::{delimited, preceded, terminated},
};

/// The longest header that is recognised, in bytes. RFC 3164 allows 1,024 for the whole packet; headers of RFC 5424 are
/// longer only with unusual structured data.
pub(crate) const LONGEST_HEADER: usize = 1_024;

type Parsed<'a, T> = IResult<&'a [u8], T, nom::error::Error<&'a [u8]>>;

/// The text after a header; `None` if the text does not start with one.
pub(super) fn after_header(text: &[u8]) -> Option<&[u8]> {
    let beginning = &text[..text.len().min(LONGEST_HEADER)];
    let (rest, ()) = header(beginning).ok()?;
    Some(&text[beginning.len() - rest.len()..])
}

fn header(input: &[u8]) -> Parsed<'_, ()> {
    preceded(priority, alt((rfc_5424, rfc_3164))).parse(input)
}

/// The priority, `<14>`: facility and severity in one number.
fn priority(input: &[u8]) -> Parsed<'_, ()> {
    let number = verify(digits(1, 3), |digits: &[u8]| {
        digits.len() < 3 || digits <= b"191".as_slice()
    });
    value((), delimited(char('<'), number, char('>'))).parse(input)
}

/// `1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA `, then a byte order mark if the message is UTF-8.
fn rfc_5424(input: &[u8]) -> Parsed<'_, ()> {
    let fields = (word, word, word, word, word);
    let structured_data = alt((value((), char('-')), value((), many1_count(element))));
    let parts = (tag("1 "), fields, structured_data, char(' '));
    value((), (parts, opt(tag("\u{FEFF}")))).parse(input)
}

/// `[exampleSDID@32473 iut="3" eventSource="A \"quoted\" name"]`
fn element(input: &[u8]) -> Parsed<'_, ()> {
    let name = || take_while1(|byte: u8| byte.is_ascii_graphic() && !b"=]\"".contains(&byte));
    let parameter = (char(' '), name(), tag("=\""), parameter_value, char('"'));
    value((), (char('['), name(), many0_count(parameter), char(']'))).parse(input)
}

fn parameter_value(input: &[u8]) -> Parsed<'_, ()> {
    let plain = take_while1(|byte: u8| byte >= b' ' && !b"\"\\]".contains(&byte));
    // A backslash before any other character is literal.
    let escaped = (char('\\'), opt(one_of("\"\\]")));
    value((), many0_count(alt((recognize(plain), recognize(escaped))))).parse(input)
}

/// `Nov 27 09:26:05 host name[1]: `; many senders omit some of it.
fn rfc_3164(input: &[u8]) -> Parsed<'_, ()> {
    let origin = (alt((month_day_and_time, date_and_time)), char(' '), word);
    // Payloads have a `;` before their first `:`.
    let name = take_while1(|byte: u8| matches!(byte, b' '..=b'~') && !b":;".contains(&byte));
    value(
        (),
        (
            opt(origin),
            opt((name, char(':'))),
            space0,
            opt(tag("\u{FEFF}")),
        ),
    )
    .parse(input)
}

/// `Nov  7 09:26:05`, with a fraction if the relay adds one.
fn month_day_and_time(input: &[u8]) -> Parsed<'_, ()> {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let month = verify(
        take_while_m_n(3, 3, |byte: u8| byte.is_ascii_alphabetic()),
        |month: &[u8]| MONTHS.contains(&month),
    );
    let day = alt((preceded(char(' '), digits(1, 1)), digits(1, 2)));
    value((), (month, char(' '), day, char(' '), time)).parse(input)
}

fn time(input: &[u8]) -> Parsed<'_, ()> {
    let two = || digits(2, 2);
    let fraction = opt((char('.'), digit1));
    value((), (two(), char(':'), two(), char(':'), two(), fraction)).parse(input)
}

/// `2026-11-27T09:26:05.123+01:00`, as rsyslog forwards it.
fn date_and_time(input: &[u8]) -> Parsed<'_, ()> {
    let date = (
        digits(4, 4),
        char('-'),
        digits(2, 2),
        char('-'),
        digits(2, 2),
        char('T'),
    );
    let offset = alt((
        recognize(char('Z')),
        recognize((one_of("+-"), digits(2, 2), char(':'), digits(2, 2))),
    ));
    value((), (date, time, offset)).parse(input)
}

/// Letters without a blank, and the blank after them.
fn word(input: &[u8]) -> Parsed<'_, &[u8]> {
    terminated(take_while1(|byte: u8| byte.is_ascii_graphic()), char(' ')).parse(input)
}

fn digits<'a>(
    least: usize,
    most: usize,
) -> impl Parser<&'a [u8], Output = &'a [u8], Error = nom::error::Error<&'a [u8]>> {
    take_while_m_n(least, most, |byte: u8| byte.is_ascii_digit())
}
