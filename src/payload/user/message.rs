//! The message: opaque text that may end with the client's user agent.

use std::sync::LazyLock;

use memchr::{memchr2, memchr3_iter, memmem::Finder};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while1},
    combinator::verify,
    sequence::terminated,
};

const MARKER: &str = "UserAgent:";

/// Prepared once, because preparing the search takes longer than searching a message.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARKER));

/// The user agent in a message: everything after the first `UserAgent:`, without its outer quotes.
///
/// What follows the marker is the client's own text, so a later marker is part of it, and so are quotes inside. It ends
/// with the line, because a client cannot send a line break in it (RFC 9110, 5.5). An empty agent and `(null)` are
/// absent.
///
/// More text may follow the closing quote on the same line, usually an exception: log4net appends it without a line
/// break (`AppenderSkeleton.RenderLoggingEvent`). So a quote closes the agent
///
/// 1. where the name of a .NET type follows as an exception writes it: `Name.Space.Type: `,
///    `Name.Space.Type ---> `, `Name.Space.Type (0x…` or the name alone on its line with more lines below;
/// 2. otherwise where it is the last one of its line that no letter or digit follows.
///
/// An agent without a closing quote was cut off in transit and extends to the end of its line.
///
/// ```
/// use qlik_sense_events::payload::message::user_agent;
///
/// assert_eq!(user_agent("Opened; UserAgent: 'it's; me'"), Some("it's; me"));
/// assert_eq!(user_agent("UserAgent: 'it's me'System.IO.IOException: gone"), Some("it's me"));
/// assert_eq!(user_agent("Closed"), None);
/// ```
#[must_use]
pub fn user_agent(message: &str) -> Option<&str> {
    let marker = FINDER.find(message.as_bytes())?;
    let text = without_blanks(&message[marker + MARKER.len()..]);
    let agent = match text.as_bytes() {
        [quote @ (b'\'' | b'"'), ..] => quoted(&text[1..], *quote),
        _ => line(text).trim_ascii(),
    };
    (!agent.is_empty() && agent != "(null)").then_some(agent)
}

/// Without leading blanks of the line.
fn without_blanks(text: &str) -> &str {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\x0C');
    let blanks = text.bytes().take_while(|byte| is_blank(byte)).count();
    &text[blanks..]
}

fn line(text: &str) -> &str {
    &text[..memchr2(b'\r', b'\n', text.as_bytes()).unwrap_or(text.len())]
}

/// The text before the closing quote; `text` starts after the opening one.
fn quoted(text: &str, quote: u8) -> &str {
    let bytes = text.as_bytes();
    let mut closing = None;
    for place in memchr3_iter(quote, b'\r', b'\n', bytes) {
        if bytes[place] != quote {
            return closing.map_or(text[..place].trim_ascii_end(), |place| &text[..place]);
        }
        let behind = &text[place + 1..];
        if begins_exception(behind) {
            return &text[..place];
        }
        if !behind.starts_with(char::is_alphanumeric) {
            closing = Some(place);
        }
    }
    closing.map_or(text.trim_ascii_end(), |place| &text[..place])
}

/// Whether an exception starts here: `System.IO.IOException: …`. As `Type.ToString` writes them, a nested type has a
/// `+` before its name, and a generic one looks like ``System.ServiceModel.FaultException`1[Qlik.Fault]``.
fn begins_exception(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.+`[],".contains(c);
    let name = verify(take_while1(is_part), |name: &str| {
        name.contains('.') && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    });
    let end = alt((
        tag(": "),
        tag(" ---> "),
        tag(" (0x"),
        tag("\r\n"),
        tag("\n"),
    ));
    let parsed: IResult<_, _, nom::error::Error<_>> = terminated(name, end).parse(text);
    parsed.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_give_their_user_agent() {
        let rows = [
            ("", None),
            ("Start session", None),
            ("UserAgent:", None),
            ("UserAgent: ''", None),
            ("UserAgent: '(null)'", None),
            ("UserAgent: '", None),
            ("UserAgent: Mozilla/5.0", Some("Mozilla/5.0")),
            ("UserAgent: 'Mozilla/5.0'", Some("Mozilla/5.0")),
            ("UserAgent:'Mozilla/5.0'  ", Some("Mozilla/5.0")),
            ("UserAgent: \"Mozilla/5.0\"", Some("Mozilla/5.0")),
            ("x; UserAgent: 'a; b'", Some("a; b")),
            ("UserAgent: 'it's'", Some("it's")),
            ("UserAgent: ''quoted''", Some("'quoted'")),
            ("UserAgent: 'cut", Some("cut")),
            ("UserAgent: rock'n'roll'", Some("rock'n'roll'")),
            ("UserAgent: 'a UserAgent: 'b''", Some("a UserAgent: 'b'")),
            ("UserAgent: 'Not available'", Some("Not available")),
            ("useragent: 'Mozilla/5.0'", None),
            ("a\r\nUserAgent: 'b'\r\nSystem.Exception: c", Some("b")),
            ("UserAgent: 'b\nc'", Some("b")),
            ("UserAgent:\n'b'", None),
            ("UserAgent: 'b'System.IO.IOException: gone", Some("b")),
            ("UserAgent: \"b\"System.IO.IOException: gone", Some("b")),
            (
                "UserAgent: 'b'System.IO.IOException: no 'x'\r\n  at 'y'",
                Some("b"),
            ),
            ("UserAgent: 'b'System.IO.IOException: no 'x'", Some("b")),
            (
                "UserAgent: 'b'System.AggregateException: a ---> System.Exception: 'b'",
                Some("b"),
            ),
            ("UserAgent: 'b'Qlik.Gone ---> Qlik.Other: x", Some("b")),
            (
                "UserAgent: 'b'System.Net.Sockets.SocketException (0x80004005): refused",
                Some("b"),
            ),
            ("UserAgent: 'b'Qlik.Proxy+Gone`1[Qlik.X]: y", Some("b")),
            ("UserAgent: 'b'Qlik.Proxy.Gone\r\n   at Qlik.X()", Some("b")),
            ("UserAgent: ''Qlik.Proxy.Gone: x", None),
            ("UserAgent: '(null)'Qlik.Proxy.Gone: x", None),
            (
                "UserAgent: 'O'Neil Browser'Qlik.Gone: x",
                Some("O'Neil Browser"),
            ),
            ("UserAgent: 'O'Neil Browser'", Some("O'Neil Browser")),
            ("UserAgent: 'O'Neil Bro", Some("O'Neil Bro")),
            ("UserAgent: 'O'Neil.Browser'", Some("O'Neil.Browser")),
            ("UserAgent: 'a 'b: c' d'", Some("a 'b: c' d")),
            ("UserAgent: 'a 'b.c' (x: y)'", Some("a 'b.c' (x: y)")),
            ("UserAgent: 'b'; Result: 0", Some("b")),
            ("UserAgent: 'b' \r\nSystem.Exception: 'c'", Some("b")),
            ("UserAgent: 'cut \t\nx", Some("cut")),
            ("UserAgent: 'a'É", Some("a'É")),
        ];
        for (message, expected) in rows {
            assert_eq!(user_agent(message), expected, "{message:?}");
        }
    }
}
