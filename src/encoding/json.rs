//! The codec `json`: a JSON object a line.

mod fields;

use serde::Serialize;

use self::fields::FieldsWriter;
use super::EncodeError;
use crate::schema::View;

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

    /// As [`Self::push`], for an event, with something before and behind its fields.
    pub(super) fn push_view(
        &mut self,
        [before, behind]: [&'static str; 2],
        view: &View<'_>,
    ) -> Result<(), EncodeError> {
        let start = self.lines.len();
        self.lines.extend_from_slice(before.as_bytes());
        if let Err(error) = FieldsWriter::write_object(&mut self.lines, |fields| view.fill(fields))
        {
            self.lines.truncate(start);
            return Err(error.into());
        }
        self.lines.extend_from_slice(behind.as_bytes());
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
