//! Splits a datagram into its events: one, unless a relay has combined several.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::{
    family::{LONGEST_START, starts_event},
    utf_16::Utf16,
};

/// The parts of a datagram, one per event, in order. There is always at least one.
///
/// A new part starts where a newline is followed by a known type token and its `;`, optionally after a syslog header;
/// any other newline belongs to its event, such as those in an exception. Together the parts are the whole datagram
/// except the newlines between them.
///
/// The bytes are split before they become text, so that each part may have its own encoding.
///
/// ```
/// use qlik_sense_events::payload::pieces;
///
/// let datagram = b"/qseow-proxy-session/;a;...\nat Line()\n/qseow-proxy-session/;J\xF6rgen;...";
/// let pieces: Vec<&[u8]> = pieces(datagram).collect();
/// assert_eq!(pieces[0], b"/qseow-proxy-session/;a;...\nat Line()");
/// assert_eq!(pieces[1], b"/qseow-proxy-session/;J\xF6rgen;...");
/// ```
pub fn pieces(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(datagram);
    std::iter::from_fn(move || {
        let bytes = rest.take()?;
        match boundary(bytes) {
            None => Some(bytes),
            Some(newline) => {
                rest = Some(&bytes[newline.end..]);
                Some(&bytes[..newline.start])
            }
        }
    })
}

/// The apparent number of events in a datagram, at least one, without decoding it.
#[must_use]
pub fn count_events(datagram: &[u8]) -> u32 {
    u32::try_from(pieces(datagram).count()).unwrap_or(u32::MAX)
}

/// The newline after the first event: one that is followed by the start of another. What comes before the first token
/// (line ends, spaces, a byte order mark) is not an event of its own.
fn boundary(bytes: &[u8]) -> Option<Range<usize>> {
    // Nearly all datagrams have no newline, in whatever encoding.
    memchr(b'\n', bytes).and_then(|_| boundary_among_lines(bytes))
}

fn boundary_among_lines(bytes: &[u8]) -> Option<Range<usize>> {
    let utf_16 = Utf16::recognise(bytes);
    let start = match utf_16 {
        None => bytes.len() - leading_trimmed_bytes(bytes).len(),
        Some(order) => order.leading_blank_bytes(bytes),
    };
    memchr_iter(b'\n', &bytes[start..]).find_map(|position| {
        let place = start + position;
        let newlines = match utf_16 {
            None => [Some(place..place + 1), None],
            Some(order) => order.newlines(bytes, place),
        };
        let mut newlines = newlines.into_iter().flatten();
        newlines.find(|newline| starts_piece(&bytes[newline.end..]))
    })
}

/// Whether an event begins here, in any encoding.
fn starts_piece(bytes: &[u8]) -> bool {
    match Utf16::recognise(bytes) {
        Some(utf_16) => starts_event(&utf_16.beginning(bytes, LONGEST_START)),
        None => starts_event(bytes),
    }
}

/// The newline after the first event of a stream whose first `start` bytes are known to contain none. UTF-16 is not
/// considered, because a stream shows only at its start that it is UTF-16.
pub(crate) fn boundary_after(bytes: &[u8], start: usize) -> Option<usize> {
    memchr_iter(b'\n', &bytes[start..])
        .map(|position| start + position)
        .find(|newline| starts_event(&bytes[newline + 1..]))
}

/// Like [`leading_trimmed`], for bytes.
pub(crate) fn leading_trimmed_bytes(mut bytes: &[u8]) -> &[u8] {
    loop {
        bytes = bytes.trim_ascii_start();
        match bytes.strip_prefix("\u{FEFF}".as_bytes()) {
            Some(rest) => bytes = rest,
            None => return bytes,
        }
    }
}

/// Trims what may precede an event: white space, byte order marks.
pub(crate) fn leading_trimmed(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{FEFF}')
}

/// Trims what may follow an event: line ends and NULs.
pub(crate) fn trailing_trimmed(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: &str = "/qseow-proxy-session/;a;b";
    const C: &str = "/Proxy-Connection/;c";

    #[test]
    fn datagrams_are_split_where_a_line_starts_an_event() {
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
            // A token without its `;`, or not at the start of a line, is text.
            (
                format!("{S}\n/proxy-session/ x"),
                vec![format!("{S}\n/proxy-session/ x")],
            ),
            (format!("{S}\n {C}"), vec![format!("{S}\n {C}")]),
            (
                format!("{S}\n/qseow-printing/;1"),
                vec![format!("{S}\n/qseow-printing/;1")],
            ),
            (
                format!("<14>x: {S}\n<14>x: {C}\n<14>x: at Line()"),
                vec![
                    format!("<14>x: {S}"),
                    format!("<14>x: {C}\n<14>x: at Line()"),
                ],
            ),
        ];
        for (text, expected) in rows {
            let seen: Vec<&str> = pieces(text.as_bytes())
                .map(|piece| str::from_utf8(piece).expect("a part of a text"))
                .collect();
            assert_eq!(&seen, expected, "{text:?}");
            assert_eq!(
                count_events(text.as_bytes()) as usize,
                expected.len(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn events_of_a_datagram_may_have_different_encodings() {
        let le =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let be =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
        let marked = |text: &str| format!("\u{FEFF}{text}");
        let windows_1252 = b"/proxy-session/;J\xF6rgen".to_vec();
        let utf_8 = "/proxy-session/;Jörgen".as_bytes().to_vec();
        let (wide, many) = ("/proxy-session/;日本 \u{A0A}", "/proxy-session/;a\n\nb");
        let events = [
            windows_1252,
            utf_8,
            le(wide),
            be(wide),
            le(&marked(wide)),
            be(&marked(wide)),
            le(many),
            be(many),
            le(&format!("<14>1 - - - - - - \u{FEFF}{wide}")),
        ];
        let mut covered = 0;
        for first in &events {
            for second in &events {
                let orders = [first, second].map(|event| Utf16::recognise(event));
                let newlines: &[&[u8]] = match orders {
                    [Some(Utf16::LittleEndian), Some(Utf16::LittleEndian)] => &[b"\n\0", b"\n"],
                    [Some(Utf16::BigEndian), Some(Utf16::BigEndian)] => &[b"\0\n", b"\n"],
                    _ => &[b"\n"],
                };
                for newline in newlines {
                    let datagram = [first, *newline, second, *newline, first].concat();
                    // In little endian, `\n\0/\0` starts with a newline.
                    let is_little = |order| order == Some(Utf16::LittleEndian);
                    if orders.iter().any(|order| is_little(*order))
                        && [first, second].iter().any(|event| event[0] == 0)
                    {
                        continue;
                    }
                    let seen: Vec<&[u8]> = pieces(&datagram).collect();
                    assert_eq!(seen, [first, second, first], "{}", datagram.escape_ascii());
                    covered += 1;
                }
            }
        }
        assert!(covered > 80, "{covered}");
        // The CR of a relay stays with the text before it.
        let datagram = [le(wide), b"\r\n".to_vec(), be(wide)].concat();
        let seen: Vec<&[u8]> = pieces(&datagram).collect();
        assert_eq!(seen, [&[le(wide), b"\r".to_vec()].concat(), &be(wide)]);
        // In UTF-16 a newline is two bytes at an even position.
        let datagram = le("/proxy-session/;\u{A2F}\u{2F0A}/proxy-session/;");
        assert_eq!(pieces(&datagram).count(), 1);
        let blank = le("\u{FEFF} \r\n\n/proxy-session/;x");
        assert_eq!(pieces(&blank).count(), 1);
    }

    #[test]
    fn white_space_marks_line_ends_and_nuls_are_trimmed() {
        assert_eq!(leading_trimmed("\u{FEFF} \r\n\u{FEFF}x "), "x ");
        assert_eq!(trailing_trimmed(" x \r\n\0\n\0"), " x ");
    }
}
