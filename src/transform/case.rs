//! Users as they are compared: Active Directory ignores case.

use smallvec::SmallVec;
use unicase::UniCase;

/// The bytes of a key that is put together on the stack.
const SHORT: usize = 64;

/// Names as they are compared, on the stack at their usual length. Bytes, because nothing that
/// compares them asks for text.
pub(super) type Key = SmallVec<[u8; SHORT]>;

/// Adds text without its case, by Unicode's full case folding (`Jörgen`, `JÖRGEN`; `ß`, `SS`).
///
/// Every character is folded by itself, so ASCII, which is nearly all, needs no table.
pub(super) fn fold_into(key: &mut Key, text: &str) {
    let start = key.len();
    if text.is_ascii() {
        key.extend_from_slice(text.as_bytes());
    } else {
        for run in text.split_inclusive(|c: char| !c.is_ascii()) {
            let (ascii, rest) = run.split_at(run.bytes().take_while(u8::is_ascii).count());
            key.extend_from_slice(ascii.as_bytes());
            key.extend_from_slice(UniCase::unicode(rest).to_folded_case().as_bytes());
        }
    }
    key[start..].make_ascii_lowercase();
}
