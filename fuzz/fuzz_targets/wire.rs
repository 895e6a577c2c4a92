//! Bytes to fields: nothing panics, nothing is lost between the pieces, every offset is in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qlik_sense_events::wire::{
    Context, ErrorCode, FallbackEncoding, Frame, Utf16, count_events, message, parse_time, pieces,
    text,
};

fuzz_target!(|datagram: &[u8]| {
    let parts: Vec<&[u8]> = pieces(datagram).collect();
    assert_eq!(count_events(datagram) as usize, parts.len());
    nothing_is_lost(datagram, &parts);
    for label in ["windows-1252", "utf-8", "shift_jis", "gb18030"] {
        let fallback: FallbackEncoding = label.parse().expect("a label");
        for part in &parts {
            match text::decode(part, fallback) {
                Err((error, shown)) => {
                    assert_eq!(error.code, ErrorCode::InvalidEncoding);
                    assert!(error.offset <= shown.len());
                }
                Ok(text) => event(part, &text),
            }
        }
        let beginning = &datagram[..datagram.len() / 2];
        let _ = text::decode_beginning(beginning, fallback);
    }
});

/// Between the parts there is a newline each, of one byte or of two.
fn nothing_is_lost(datagram: &[u8], parts: &[&[u8]]) {
    let mut rest = datagram;
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            rest = [&b"\n\0"[..], b"\0\n", b"\n"]
                .iter()
                .filter_map(|newline| rest.strip_prefix(*newline))
                .find(|rest| rest.starts_with(part))
                .expect("a newline");
        }
        rest = rest.strip_prefix(*part).expect("the next part");
    }
    assert!(rest.is_empty());
}

fn event(bytes: &[u8], text: &str) {
    if let Ok(same) = std::str::from_utf8(bytes)
        && Utf16::recognise(bytes).is_none()
    {
        assert_eq!(same, text);
    }
    match Frame::parse(text) {
        Ok(frame) => fields(text, &frame),
        Err(error) => assert!(error.offset <= text.len()),
    }
}

/// Fields are parts of the text, in their order; there are separators between them.
fn fields(text: &str, frame: &Frame<'_>) {
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
    let mut place = text.as_ptr() as usize;
    for field in fields.into_iter().flatten() {
        let start = field.as_ptr() as usize;
        assert!(start > place && start + field.len() <= text.as_ptr() as usize + text.len());
        place = start + field.len();
    }
    if let Some(time) = frame.timestamp.and_then(parse_time) {
        // A year of four digits, and a day for the distance from UTC.
        assert!((-62_167_305_600..=253_402_387_200).contains(&time.timestamp()));
    }
    if let Some(context) = frame.context {
        let _ = Context::parse(context);
    }
    if let Some(message) = frame.message
        && let Some(agent) = message::user_agent(message)
    {
        assert!(message.contains(agent) && !agent.is_empty());
    }
}
