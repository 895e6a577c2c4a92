//! Files and standard input, line by line.

use std::{
    io::{self, BufRead, BufReader},
    path::Path,
};

use memchr::memchr;
use qlik_sense_events::payload::Utf16;

use super::files;

/// Reads lines of bytes, and lines of UTF-16, as PowerShell writes them with `>`, as lines of UTF-8.
pub struct LineReader<R> {
    reader: R,
    /// How all lines are encoded; none until the first one has come.
    encoding: Option<Encoding>,
    /// The last two bytes that were read.
    last: [u8; 2],
}

#[derive(Clone, Copy)]
enum Encoding {
    /// Any in which a line end is the byte `\n`.
    Bytes,
    Utf16(Utf16),
}

impl<R: BufRead> LineReader<R> {
    pub const fn new(reader: R) -> Self {
        Self {
            reader,
            encoding: None,
            last: [0; 2],
        }
    }

    /// The number of bytes that can be read at once; waits for the first. `None` at the end.
    pub fn available(&mut self) -> io::Result<usize> {
        loop {
            match self.reader.fill_buf() {
                Ok(buffer) => return Ok(buffer.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a line without its end, and returns its length in bytes; `None` at the end. Of a line beyond the limit,
    /// one byte more than the limit is kept, so that it shows, and the rest is skipped.
    pub fn read_line(&mut self, line: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        line.clear();
        // A character has two bytes in UTF-16 where it has one in UTF-8.
        let most = 2 * (limit + 2);
        let mut read = 0;
        let line_end = loop {
            let is_end = self.until_newline(line, most, &mut read)?;
            let encoding = *self.encoding.get_or_insert_with(|| {
                Utf16::recognise(line).map_or(Encoding::Bytes, Encoding::Utf16)
            });
            match encoding {
                _ if is_end => break 0,
                Encoding::Bytes => break 1,
                // The byte is the lower half of a character, of which the other half must be zero.
                Encoding::Utf16(Utf16::LittleEndian) if !read.is_multiple_of(2) => {
                    if self.takes_zero(line, most)? {
                        read += 1;
                        break 2;
                    }
                }
                Encoding::Utf16(Utf16::BigEndian) if read.is_multiple_of(2) => {
                    if self.last[0] == 0 {
                        break 2;
                    }
                }
                Encoding::Utf16(_) => {}
            }
        };
        if line.len() == read {
            line.truncate(read - line_end);
        }
        if let Some(Encoding::Utf16(order)) = self.encoding {
            match order.decode(line) {
                Some(text) => *line = text.into_bytes(),
                // Told to be UTF-16 by its mark, it is found to be malformed by who reads it.
                None => drop(line.splice(..0, order.byte_order_mark())),
            }
        }
        line.truncate(limit + 1);
        Ok(read)
    }

    /// Reads up to the next byte `\n` and keeps at most the given number of bytes. True at the end.
    fn until_newline(
        &mut self,
        line: &mut Vec<u8>,
        most: usize,
        read: &mut usize,
    ) -> io::Result<bool> {
        loop {
            if self.available()? == 0 {
                return Ok(true);
            }
            let buffer = self.reader.fill_buf()?;
            let newline = memchr(b'\n', buffer);
            let part = &buffer[..newline.map_or(buffer.len(), |place| place + 1)];
            self.last = match *part {
                [.., before, last] => [before, last],
                [last] => [self.last[1], last],
                [] => self.last,
            };
            line.extend_from_slice(&part[..part.len().min(most - line.len())]);
            let length = part.len();
            *read += length;
            self.reader.consume(length);
            if newline.is_some() {
                return Ok(false);
            }
        }
    }

    /// Whether the next byte is zero; if it is, it is read.
    fn takes_zero(&mut self, line: &mut Vec<u8>, most: usize) -> io::Result<bool> {
        let is_zero = self.available()? > 0 && self.reader.fill_buf()?.first() == Some(&0);
        if is_zero {
            self.reader.consume(1);
            if line.len() < most {
                line.push(0);
            }
        }
        Ok(is_zero)
    }
}

/// A file; `-` for standard input.
pub fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        Ok(Box::new(io::stdin().lock()))
    } else {
        Ok(Box::new(BufReader::with_capacity(
            1 << 16,
            files::open(file)?,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{FEFF}one\r\n日本 \u{A0A}\u{10A}\u{A00}\n\n\u{D0A}😀\nlast";

    /// The lines of a file that is read in pieces of the given size, and their lengths.
    fn lines(file: &[u8], at_once: usize, limit: usize) -> (Vec<String>, usize) {
        let mut reader = LineReader::new(BufReader::with_capacity(at_once, file));
        let (mut lines, mut line, mut total) = (Vec::new(), Vec::new(), 0);
        loop {
            match reader.read_line(&mut line, limit).expect("a line") {
                0 => return (lines, total),
                read => total += read,
            }
            lines.push(String::from_utf8(line.clone()).expect("UTF-8"));
        }
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn lines_of_utf_16_are_those_of_utf_8() {
        for text in [TEXT, TEXT.trim_start_matches('\u{FEFF}'), "one\n"] {
            let expected: Vec<&str> = text
                .trim_start_matches('\u{FEFF}')
                .split_terminator('\n')
                .collect();
            for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                let file = utf_16(text, bytes);
                for at_once in 1..=file.len() {
                    let (seen, total) = lines(&file, at_once, 100);
                    assert_eq!(
                        (seen, total),
                        (
                            expected.iter().map(|line| (*line).to_owned()).collect(),
                            file.len()
                        )
                    );
                }
            }
        }
    }

    #[test]
    fn a_long_line_keeps_its_beginning_in_every_encoding() {
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let text = format!(
                "one\n{}\u{A0A}\u{10A}x\n{}\n",
                "x".repeat(50),
                "日".repeat(4)
            );
            for file in [utf_16(&text, bytes), text.into_bytes()] {
                for at_once in 1..=file.len() {
                    let (seen, total) = lines(&file, at_once, 14);
                    let beginning = "x".repeat(15);
                    assert_eq!(seen, ["one", &*beginning, "日日日日"], "{at_once}");
                    assert_eq!(total, file.len());
                }
            }
        }
    }

    #[test]
    fn what_is_no_utf_16_stays_as_it_is() {
        let mut file = utf_16("\u{FEFF}a\nb", u16::to_le_bytes);
        file.extend([0, 0xD8, b'c', 0, b'\n', 0, b'd', 0]);
        let mut reader = LineReader::new(&*file);
        let mut line = Vec::new();
        let mut seen = Vec::new();
        while reader.read_line(&mut line, 100).expect("a line") > 0 {
            seen.push(line.clone());
        }
        assert_eq!(seen, [&b"a"[..], b"\xFF\xFEb\0\0\xD8c\0", b"d"]);
        // Nor is what a line end of a single byte makes of the last line.
        for (bytes, expected) in [
            (
                u16::to_le_bytes as fn(u16) -> [u8; 2],
                b"\xFF\xFEt\0w\0o\0\n",
            ),
            (u16::to_be_bytes, b"\xFE\xFF\0t\0w\0o\n"),
        ] {
            let mut file = utf_16("one\ntwo", bytes);
            file.push(b'\n');
            let mut reader = LineReader::new(&*file);
            assert_eq!(reader.read_line(&mut line, 100).expect("a line"), 8);
            assert_eq!(line, b"one");
            assert_eq!(reader.read_line(&mut line, 100).expect("a line"), 7);
            assert_eq!(line, expected);
        }
    }
}
