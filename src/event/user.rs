//! A user as Qlik Sense names one.

use std::fmt;

/// A user's directory and id; displayed as `DIR\id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User<'a> {
    /// The user directory.
    pub directory: &'a str,
    /// The id in the directory.
    pub id: &'a str,
}

impl fmt::Display for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.directory)?;
        f.write_str("\\")?;
        f.write_str(self.id)
    }
}
