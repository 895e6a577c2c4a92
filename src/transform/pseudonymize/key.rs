//! The key, and the pseudonyms that it makes.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::transform::case;

/// The shortest key, in bytes: as long as the hash, because a shorter key would be the weakest part ([RFC 2104,
/// section 3](https://www.rfc-editor.org/rfc/rfc2104#section-3)).
pub const MIN_KEY_BYTES: usize = 32;

/// The length of a pseudonym: 128 bits of the hash, in hexadecimal. With a million users, the chance that any two share
/// one is below 10⁻²⁶.
pub const TOKEN_CHARACTERS: usize = 32;

/// The kind of name that a pseudonym replaces. A directory and a user with the same name must not have the same
/// pseudonym.
#[derive(Clone, Copy)]
enum Purpose {
    Directory = 1,
    User = 2,
}

/// The secret for making pseudonyms with HMAC-SHA-256. Never displayed.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// A key of these bytes; `None` if there are fewer than [`MIN_KEY_BYTES`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < MIN_KEY_BYTES {
            return None;
        }
        // HMAC accepts keys of any length.
        Hmac::new_from_slice(bytes).ok().map(Self)
    }

    /// The pseudonym of a user directory, ignoring case.
    #[must_use]
    pub fn user_directory(&self, directory: &str) -> String {
        self.token(Purpose::Directory, directory, "")
    }

    /// The pseudonym of a user id in its directory, ignoring case.
    #[must_use]
    pub fn user_id(&self, directory: Option<&str>, id: &str) -> String {
        self.token(Purpose::User, directory.unwrap_or_default(), id)
    }

    fn token(&self, purpose: Purpose, first: &str, second: &str) -> String {
        let mut text = case::Key::new();
        text.push(purpose as u8);
        case::fold_into(&mut text, first);
        // No text contains this byte, so different pairs never result in the same text.
        text.push(0xFF);
        case::fold_into(&mut text, second);
        let hash = self.0.clone().chain_update(&text).finalize().into_bytes();
        let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
        digits
            .take(TOKEN_CHARACTERS)
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::new(&[byte; MIN_KEY_BYTES]).expect("a key")
    }

    #[test]
    fn short_keys_are_rejected() {
        assert!(Key::new(&[1; MIN_KEY_BYTES - 1]).is_none());
        assert!(Key::new(&[]).is_none());
        assert!(Key::new(&[1; 200]).is_some());
    }

    /// Computed with `openssl dgst -sha256 -mac HMAC`.
    #[test]
    fn tokens_are_hmac_sha_256() {
        let key = key(b'k');
        assert_eq!(
            key.user_directory("LAB"),
            "0432ca904e5f52203727ff47b335eea8"
        );
        assert_eq!(
            key.user_id(Some("LAB"), "Goran"),
            "a0b3453461232bda818b8ca607e62079"
        );
    }

    #[test]
    fn every_user_has_a_token_of_their_own() {
        let (one, other) = (key(1), key(2));
        let same = [("LAB", "Jörgen"), ("lab", "JÖRGEN"), ("Lab", "jörgen")];
        let token = one.user_id(Some("LAB"), "Jörgen");
        assert_eq!(token.len(), TOKEN_CHARACTERS);
        for (directory, id) in same {
            assert_eq!(one.user_id(Some(directory), id), token, "{directory} {id}");
        }
        let different = [
            one.user_id(Some("LAB"), "Jorgen"),
            one.user_id(Some("LABJ"), "örgen"),
            one.user_id(None, "Jörgen"),
            one.user_id(None, "LABJörgen"),
            one.user_directory("LABJörgen"),
            other.user_id(Some("LAB"), "Jörgen"),
        ];
        for different in different {
            assert_ne!(different, token);
        }
    }
}
