//! The tools that make a payload odd.

use fastrand::Rng;

use super::datagram::UserKind;
use super::payload::Payload;

/// Replaces at least one of the fields that Qlik can leave unset with `nothing`. Returns whether that leaves the user
/// unnamed.
pub(super) fn blank<'a>(
    payload: &mut Payload<'a>,
    nothing: &'a str,
    rng: &mut Rng,
) -> Option<UserKind> {
    let chosen = rng.u32(1..16);
    let fields = [
        &mut payload.directory,
        &mut payload.user_id,
        &mut payload.origin,
        &mut payload.context,
    ];
    for (place, field) in fields.into_iter().enumerate() {
        if chosen & (1 << place) != 0 {
            *field = nothing;
        }
    }
    (chosen & 0b11 != 0).then_some(UserKind::Unnamed)
}

/// Converts the text in `datagram` to another encoding.
pub(super) fn recode(datagram: &mut Vec<u8>, encode: impl FnOnce(&str, &mut Vec<u8>)) {
    let text = String::from_utf8_lossy(datagram).into_owned();
    datagram.clear();
    encode(&text, datagram);
}

/// A letter in windows-1252 as .NET Framework encodes it; `?` if it is not in there.
pub(super) fn windows_1252(letter: char) -> u8 {
    match letter {
        '\0'..='\x7F' | '\u{A0}'..='\u{FF}' => letter as u8,
        _ => b'?',
    }
}

/// Cuts a datagram with `of` fields after some of them: at least one and never all.
pub(super) fn cut(datagram: &mut Vec<u8>, of: u32, rng: &mut Rng) {
    let fields = rng.u32(1..of) as usize;
    let end = datagram
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b';')
        .nth(fields - 1)
        .map(|(place, _)| place);
    if let Some(end) = end {
        datagram.truncate(end);
    }
}

/// Up to 512 bytes. The first one can begin neither UTF-8 nor a byte order mark, and without a NUL the rest does not
/// look like UTF-16, so every receiver recognises it as garbage.
pub(super) fn fill_with_garbage(datagram: &mut Vec<u8>, rng: &mut Rng) {
    datagram.clear();
    datagram.push(rng.u8(0x80..0xC0));
    for _ in 0..rng.u32(0..512) {
        datagram.push(rng.u8(1..));
    }
}
