//! The message: opaque text that may end with the client's user agent.

use std::sync::LazyLock;

use memchr::{memchr2, memmem::Finder};
use nom::{IResult, Parser, bytes::complete::tag, sequence::preceded};

const MARKER: &str = "UserAgent:";

/// Prepared once, because preparing the search takes longer than searching a message.
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARKER));

/// The user agent in a message: everything after the first `UserAgent:`, without its outer quotes.
///
/// What follows the marker is the client's own text, so a later marker is part of it, and so are
/// quotes inside. It ends with the line: a client cannot send a line break in it (RFC 9110, 5.5), but
/// the appender puts an exception on the lines behind. An empty agent and `(null)` are absent.
///
/// ```
/// use qlik_sense_events::wire::message::user_agent;
///
/// assert_eq!(user_agent("Opened; UserAgent: 'it's; me'"), Some("it's; me"));
/// assert_eq!(user_agent("Closed"), None);
/// ```
#[must_use]
pub fn user_agent(message: &str) -> Option<&str> {
    let (_, text) = preceded((until_marker, tag(MARKER)), line.and_then(quoted))
        .parse(message)
        .ok()?;
    (!text.is_empty() && text != "(null)").then_some(text)
}

type Parsed<'a> = IResult<&'a str, &'a str, nom::error::Error<&'a str>>;

fn until_marker(input: &str) -> Parsed<'_> {
    let end = FINDER.find(input.as_bytes()).unwrap_or(input.len());
    Ok((&input[end..], &input[..end]))
}

fn line(input: &str) -> Parsed<'_> {
    let end = memchr2(b'\r', b'\n', input.as_bytes()).unwrap_or(input.len());
    Ok((&input[end..], &input[..end]))
}

/// The rest, without the white space around it and one pair of quotes. A payload that was cut on
/// its way has only the first of the pair.
fn quoted(input: &str) -> Parsed<'_> {
    let text = input.trim_ascii();
    let inner = ['\'', '"'].into_iter().find_map(|quote| {
        let opened = text.strip_prefix(quote)?;
        Some(opened.strip_suffix(quote).unwrap_or(opened))
    });
    Ok((&input[input.len()..], inner.unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
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
        ];
        for (message, expected) in rows {
            assert_eq!(user_agent(message), expected, "{message:?}");
        }
        assert_eq!(rows.len(), 21);
    }
}
