//! A datagram's text as the events that it holds: one, unless a relay has put several into it.

use memchr::memchr_iter;

use super::frame::starts_frame;

/// The parts of a datagram's text, one an event, in order. There is always at least one.
///
/// A new part begins where a known type token (and its `;`) follows a newline; any other newline
/// belongs to the event around it, such as the lines of an exception after the message. Together
/// the parts are the whole text but for the newlines between them.
///
/// ```
/// use qlik_sense_events::wire::pieces;
///
/// let text = "/qseow-proxy-session/;a;…\nat Line()\n/qseow-proxy-session/;b;…";
/// let pieces: Vec<&str> = pieces(text).collect();
/// assert_eq!(pieces, ["/qseow-proxy-session/;a;…\nat Line()", "/qseow-proxy-session/;b;…"]);
/// ```
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        match boundary(text.as_bytes()) {
            None => Some(text),
            Some(newline) => {
                rest = Some(&text[newline + 1..]);
                Some(&text[..newline])
            }
        }
    })
}

/// Where the first event ends: at a newline that is followed by the beginning of another. Works on
/// bytes, so that a stream can be divided before its encoding is known.
fn boundary(bytes: &[u8]) -> Option<usize> {
    // What stands before the first token (line ends, spaces, a mark) is no event of its own.
    let start = bytes.len() - leading_trimmed_bytes(bytes).len();
    boundary_after(bytes, start)
}

/// As [`boundary`], for bytes whose first `start` are known to hold no boundary.
pub(crate) fn boundary_after(bytes: &[u8], start: usize) -> Option<usize> {
    memchr_iter(b'\n', &bytes[start..])
        .map(|position| start + position)
        .find(|newline| starts_frame(&bytes[newline + 1..]))
}

/// How many events a datagram seems to hold, at least one, without decoding it: exact for UTF-8, one
/// for UTF-16.
#[must_use]
pub fn count_events(datagram: &[u8]) -> u32 {
    let mut start = datagram.len() - leading_trimmed_bytes(datagram).len();
    let mut events = 1;
    while let Some(newline) = boundary_after(datagram, start) {
        start = newline + 1;
        events += 1;
    }
    events
}

/// As [`leading_trimmed`], for bytes.
pub(crate) fn leading_trimmed_bytes(mut bytes: &[u8]) -> &[u8] {
    loop {
        bytes = bytes.trim_ascii_start();
        match bytes.strip_prefix("\u{FEFF}".as_bytes()) {
            Some(rest) => bytes = rest,
            None => return bytes,
        }
    }
}

/// Without what may precede an event: white space, byte order marks.
pub(crate) fn leading_trimmed(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{FEFF}')
}

/// Without what may follow an event: line ends and NULs.
pub(crate) fn trailing_trimmed(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "/qseow-proxy-session/;a;b";
    const C: &str = "/Proxy-Connection/;c";

    #[test]
    fn table() {
        let rows: &[(String, Vec<String>)] = &[
            (String::new(), vec!["".into()]),
            ("\n".into(), vec!["\n".into()]),
            (S.into(), vec![S.into()]),
            (format!("{S}\n"), vec![format!("{S}\n")]),
            (format!("\r\n{S}"), vec![format!("\r\n{S}")]),
            (format!("{S}\n{C}"), vec![S.into(), C.into()]),
            (format!("{S}\r\n{C}"), vec![format!("{S}\r"), C.into()]),
            (format!("{S}\n\n{C}"), vec![format!("{S}\n"), C.into()]),
            (
                format!("{S}\nx\n{C}\ny"),
                vec![format!("{S}\nx"), format!("{C}\ny")],
            ),
            (format!("noise\n{S}"), vec!["noise".into(), S.into()]),
            // A token without its `;`, or not at the beginning of the line, is text.
            (
                format!("{S}\n/proxy-session/ x"),
                vec![format!("{S}\n/proxy-session/ x")],
            ),
            (format!("{S}\n {C}"), vec![format!("{S}\n {C}")]),
            (
                format!("{S}\n/qseow-engine/;1"),
                vec![format!("{S}\n/qseow-engine/;1")],
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(&pieces(text).collect::<Vec<_>>(), expected, "{text:?}");
            assert_eq!(
                count_events(text.as_bytes()) as usize,
                expected.len(),
                "{text:?}"
            );
        }
        assert_eq!(rows.len(), 13);
    }

    #[test]
    fn trimming() {
        assert_eq!(leading_trimmed("\u{FEFF} \r\n\u{FEFF}x "), "x ");
        assert_eq!(trailing_trimmed(" x \r\n\0\n\0"), " x ");
    }
}
