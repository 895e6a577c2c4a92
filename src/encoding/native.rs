//! The codec `native`: a length, then Vector's protobuf `event.EventArray` with many logs in it.

use serde::Serialize;

use super::{
    EncodeError,
    protobuf::{Buffer, Slot, ValueSerializer, put_varint},
};

/// What Vector's length-delimited framing reads at most, in bytes.
const MAX_FRAME_BYTES: usize = 8 << 20;

/// Room before the logs for what is only known at the end: the frame's length (4 bytes), the key of
/// `EventArray.logs` and the length of the array (a varint of at most 10 bytes).
const HEADROOM: usize = 15;

/// Key of the field `EventArray.logs`, number 1, length-delimited.
const LOGS: u8 = 0x0A;

#[derive(Debug)]
pub(super) struct Native {
    /// `HEADROOM` bytes, then the contents of a `LogArray`.
    buffer: Buffer,
}

impl Default for Native {
    fn default() -> Self {
        Self {
            buffer: Buffer::new(vec![0; HEADROOM]),
        }
    }
}

impl Native {
    pub(super) fn push<T: Serialize + ?Sized>(&mut self, record: &T) -> Result<(), EncodeError> {
        let start = self.buffer.bytes.len();
        let written = record
            .serialize(ValueSerializer::new(&mut self.buffer, Slot::Log))
            .map_err(|error| EncodeError::Native(error.to_string()));
        let bytes = self.buffer.bytes.len() - start;
        let checked = match written {
            Ok(()) if bytes > MAX_FRAME_BYTES - HEADROOM => Err(EncodeError::TooLarge { bytes }),
            other => other,
        };
        if checked.is_err() {
            self.buffer.bytes.truncate(start);
        }
        checked
    }

    pub(super) fn len(&self) -> usize {
        self.buffer.bytes.len() - HEADROOM
    }

    pub(super) fn frame(&mut self) -> &[u8] {
        let logs = self.len();
        if logs == 0 {
            return &[];
        }
        let mut header = Vec::with_capacity(HEADROOM);
        header.push(LOGS);
        put_varint(&mut header, logs as u64);
        let message = header.len() + logs;
        let start = HEADROOM - 4 - header.len();
        // A frame beyond 4 GiB cannot arise: its owner writes it at `Encoder::FULL_BYTES`.
        let length = u32::try_from(message).unwrap_or(u32::MAX);
        let bytes = &mut self.buffer.bytes;
        bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
        bytes[start + 4..HEADROOM].copy_from_slice(&header);
        &bytes[start..]
    }

    pub(super) fn clear(&mut self) {
        self.buffer.bytes.truncate(HEADROOM);
    }
}
