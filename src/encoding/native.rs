//! The codec `native`: a length, then Vector's protobuf `event.EventArray` with many logs.

use std::ops::Range;

use super::{
    EncodeError,
    protobuf::{Buffer, Cursor, Fields, FieldsWriter, varint_bytes},
};
use crate::schema::{Layout, Planned, Plans};

/// The largest frame that Vector's length-delimited framing reads, in bytes.
const MAX_FRAME_BYTES: usize = 8 << 20;

/// Space before the logs for values that are known only at the end: the frame's length (4 bytes), the key of
/// `EventArray.logs` and the length of the array (a varint of at most 10 bytes).
const HEADROOM: usize = 15;

/// Key of the field `EventArray.logs`, number 1, length-delimited.
const LOGS: u8 = 0x0A;

#[derive(Debug)]
pub(super) struct Native {
    /// `HEADROOM` bytes, then the contents of a `LogArray`.
    buffer: Buffer,
    plans: Plans<Fields>,
}

impl Native {
    pub(super) fn new(layout: &Layout) -> Self {
        let mut buffer = Buffer::default();
        buffer.extend(HEADROOM);
        Self {
            buffer,
            plans: layout.plans(),
        }
    }

    pub(super) fn push(&mut self, event: &impl Planned) -> Result<(), EncodeError> {
        let (start, plans) = (self.buffer.len(), &self.plans);
        let written =
            FieldsWriter::write_log(&mut self.buffer, |fields| plans.write(event, fields));
        let bytes = self.buffer.len() - start;
        let checked = match written {
            Ok(()) if bytes > MAX_FRAME_BYTES - HEADROOM => Err(EncodeError::TooLarge { bytes }),
            other => other,
        };
        if checked.is_err() {
            self.buffer.truncate(start);
        }
        checked
    }

    pub(super) fn len(&self) -> usize {
        self.buffer.len() - HEADROOM
    }

    pub(super) fn frame(&mut self) -> &[u8] {
        let frame = self.finish();
        &self.buffer.bytes_mut()[frame]
    }

    pub(super) fn exchange(&mut self, memory: &mut Vec<u8>) -> Range<usize> {
        let frame = self.finish();
        self.buffer.exchange(memory);
        self.buffer.extend(HEADROOM);
        frame
    }

    /// Writes the part before the logs, and returns the range of the frame.
    fn finish(&mut self) -> Range<usize> {
        let (logs, end) = (self.len(), self.buffer.len());
        if logs == 0 {
            return end..end;
        }
        let message = 1 + varint_bytes(logs as u64) + logs;
        let start = end - message - 4;
        // No frame reaches 4 GiB: its owner writes it at `Encoder::FULL_BYTES`.
        let length = u32::try_from(message).unwrap_or(u32::MAX);
        let frame = &mut self.buffer.bytes_mut()[start..];
        let mut cursor = Cursor::new(frame);
        cursor.put(length.to_be_bytes());
        cursor.put([LOGS]);
        cursor.put_varint(logs as u64);
        start..end
    }

    pub(super) fn clear(&mut self) {
        self.buffer.truncate(HEADROOM);
    }
}
