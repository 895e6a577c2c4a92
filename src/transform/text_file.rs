//! Files written by people, read as text up to a size limit.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use encoding_rs::Encoding;

/// The first bytes of Excel files; newer ones are archives.
const WORKBOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xD0\xCF\x11\xE0"];

/// Why a file is not read as text.
#[derive(Debug)]
pub(crate) enum TextFileError {
    Read(io::Error),
    TooLarge,
    /// It is a spreadsheet.
    Workbook,
    /// It is neither UTF-8 nor UTF-16 with a byte order mark; the line of the first other byte, from 1. UTF-16 without
    /// the mark is UTF-8 with a zero in every other byte, which no text contains.
    Encoding {
        line: usize,
    },
}

/// The text of a file of at most `max_bytes`, without its byte order mark.
pub(crate) fn read(file: &Path, max_bytes: u64) -> Result<String, TextFileError> {
    let mut bytes = Vec::new();
    open(file)
        .map_err(TextFileError::Read)?
        .take(max_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(TextFileError::Read)?;
    if bytes.len() as u64 > max_bytes {
        return Err(TextFileError::TooLarge);
    }
    decode(bytes)
}

/// The text of a file's bytes, without its byte order mark. PowerShell and Excel write UTF-16.
pub(crate) fn decode(mut bytes: Vec<u8>) -> Result<String, TextFileError> {
    if WORKBOOKS.iter().any(|start| bytes.starts_with(start)) {
        return Err(TextFileError::Workbook);
    }
    match Encoding::for_bom(&bytes) {
        Some((encoding, _)) if encoding != encoding_rs::UTF_8 => {
            let (text, _, is_broken) = encoding.decode(&bytes);
            if is_broken {
                let whole = text.split('\u{FFFD}').next().unwrap_or_default();
                let line = line_after(whole.as_bytes());
                return Err(TextFileError::Encoding { line });
            }
            Ok(text.into_owned())
        }
        mark => {
            drop(bytes.drain(..mark.map_or(0, |(_, length)| length)));
            if let Some(zero) = memchr::memchr(0, &bytes) {
                let line = line_after(&bytes[..zero]);
                return Err(TextFileError::Encoding { line });
            }
            String::from_utf8(bytes).map_err(|error| {
                let whole = error.utf8_error().valid_up_to();
                let line = line_after(&error.as_bytes()[..whole]);
                TextFileError::Encoding { line }
            })
        }
    }
}

/// Opens a regular file. A named pipe or a device, whose content may never come, is refused; what the program was
/// started with, such as a shell's `<(command)`, is not, because it has a writer.
pub(crate) fn open(file: &Path) -> io::Result<File> {
    let found = fs::metadata(file)?;
    if found.is_file() || is_handed_over(file) {
        return File::open(file);
    }
    let message = if found.is_dir() {
        "this is a folder; expected a file"
    } else {
        "this is a named pipe, a socket or a device; expected a file"
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Whether a path, or where it links to, names an open file of this program, or the empty device.
fn is_handed_over(file: &Path) -> bool {
    let is = |file: &Path| {
        ["/dev/fd", "/proc/self/fd", "/dev/stdin", "/dev/null"]
            .iter()
            .any(|start| file.starts_with(start))
    };
    is(file) || fs::read_link(file).is_ok_and(|target| is(&target))
}

fn line_after(text: &[u8]) -> usize {
    1 + memchr::memchr_iter(b'\n', text).count()
}
