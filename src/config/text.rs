//! The bytes of a configuration file as text.

use encoding_rs::{UTF_16BE, UTF_16LE};

use super::Problem;

/// The text of a file: UTF-8, or UTF-16 with a byte order mark, as Windows' editors and PowerShell write it.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, Problem> {
    let utf_16 = match bytes[..] {
        [0xFF, 0xFE, ref rest @ ..] => Some((UTF_16LE, rest)),
        [0xFE, 0xFF, ref rest @ ..] => Some((UTF_16BE, rest)),
        _ => None,
    };
    if let Some((encoding, rest)) = utf_16 {
        return encoding
            .decode_without_bom_handling_and_without_replacement(rest)
            .map(|text| text.into_owned())
            .ok_or_else(|| refused(1, "the file is damaged UTF-16; save it as UTF-8"));
    }
    // Every other byte of ASCII in UTF-16, and no character of a configuration.
    if bytes.iter().take(64).any(|&byte| byte == 0) {
        let message = "the file is UTF-16 without a byte order mark, or no text; save it as UTF-8";
        return Err(refused(1, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + memchr::memchr_iter(b'\n', valid).count();
        refused(line, "the line is not UTF-8; save the file as UTF-8")
    })
}

fn refused(line: usize, message: &str) -> Problem {
    Problem {
        line,
        key: String::new(),
        value: None,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        let text = "\u{FEFF}[output]\ntags = { site = 'Göteborg' }\n";
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf_16_with_its_mark_is_text() {
        for bytes in [utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes)] {
            let text = decode(bytes.clone()).expect("text");
            assert_eq!(text, "[output]\ntags = { site = 'Göteborg' }\n");
            let unmarked = decode(bytes[2..].to_vec()).expect_err("no mark");
            assert!(unmarked.message.contains("UTF-16"), "{unmarked}");
            let cut = decode(bytes[..bytes.len() - 1].to_vec()).expect_err("half a letter");
            assert!(cut.message.contains("UTF-16"), "{cut}");
        }
    }

    #[test]
    fn another_code_page_is_refused_by_line() {
        let refused = decode(b"[output]\n\n# G\xF6teborg\n".to_vec()).expect_err("windows-1252");
        assert_eq!(refused.line, 3);
        assert!(refused.message.contains("UTF-8"), "{refused}");
    }
}
