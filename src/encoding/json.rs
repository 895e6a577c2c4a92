//! The codec `json`: a JSON object a line.

use serde::Serialize;

use super::EncodeError;

#[derive(Debug, Default)]
pub(super) struct Json {
    lines: Vec<u8>,
}

impl Json {
    pub(super) fn push<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), EncodeError> {
        let start = self.lines.len();
        if let Err(error) = serde_json::to_writer(&mut self.lines, record) {
            self.lines.truncate(start);
            return Err(error.into());
        }
        self.lines.push(b'\n');
        Ok(())
    }

    pub(super) const fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn frame(&self) -> &[u8] {
        &self.lines
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
    }
}
