//! The deserializer as a `tokio-util` codec.

use std::{collections::VecDeque, io};

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;

use super::QlikSenseDeserializer;
use crate::{
    event::Event,
    payload::{
        LONGEST_START,
        datagram::{boundary_after, leading_trimmed_bytes},
    },
};

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// A `tokio_util::codec::Decoder` of events, for datagrams and for streams.
///
/// Under `UdpFramed`, every datagram is decoded separately; an empty datagram yields no item, because the framing
/// cannot represent it. Under `FramedRead`, an event ends where a newline and the next known type token follow, or at
/// the end of the stream.
///
/// A payload that cannot be decoded is an item ([`Body::Undecoded`](crate::event::Body)) and never an error: only the
/// transport has errors. Memory is limited by the deserializer's `max_datagram_bytes`; if more bytes arrive without a
/// new event, they become one `too_large` item and the rest of them is skipped.
///
/// ```
/// use bytes::BytesMut;
/// use qlik_sense_events::decoding::QlikSenseDecoder;
/// use tokio_util::codec::Decoder;
///
/// let mut decoder = QlikSenseDecoder::default();
/// let mut stream = BytesMut::from(
///     "/proxy-session/;a;Start session;D;u;;;\n/proxy-session/;a;Stop session;D;u;;;\n",
/// );
/// assert_eq!(decoder.decode(&mut stream)?.unwrap().kind().event(), "session");
/// assert_eq!(decoder.decode(&mut stream)?, None); // the second may still go on
/// assert_eq!(decoder.decode_eof(&mut stream)?.unwrap().kind().event(), "session");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct QlikSenseDecoder {
    deserializer: QlikSenseDeserializer,
    decoded: VecDeque<Event>,
    /// How much of the buffer is known to contain no boundary, so that no byte is searched twice.
    searched: usize,
    /// Whether the rest of an event that was too large is being skipped.
    skipping: bool,
}

impl QlikSenseDecoder {
    /// A decoder around a deserializer.
    #[must_use]
    pub fn new(deserializer: QlikSenseDeserializer) -> Self {
        Self {
            deserializer,
            ..Self::default()
        }
    }

    /// Takes `length` bytes out of the buffer and decodes them, unless they are being skipped.
    fn take(&mut self, buffer: &mut BytesMut, length: usize) {
        self.searched = 0;
        let bytes = buffer.split_to(length);
        if !std::mem::take(&mut self.skipping) {
            self.deserializer
                .decode(&bytes, |event| self.decoded.push_back(event));
        }
    }

    fn next_boundary(&mut self, buffer: &BytesMut) -> Option<usize> {
        // Text before the first event is not an event of its own; the rest of a skipped event may be blank.
        let start = match self.searched {
            0 if !self.skipping => buffer.len() - leading_trimmed_bytes(buffer).len(),
            searched => searched,
        };
        let found = boundary_after(buffer, start);
        // As long as only blank text or a part of a byte order mark has arrived, the start may still move.
        if found.is_none() && !BYTE_ORDER_MARK.starts_with(&buffer[start..]) {
            // A type token may have begun at the end of the buffer.
            self.searched = start.max(buffer.len().saturating_sub(LONGEST_START));
        }
        found
    }
}

impl Decoder for QlikSenseDecoder {
    type Item = Event;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Event>> {
        let limit = self.deserializer.max_datagram_bytes();
        loop {
            if let Some(event) = self.decoded.pop_front() {
                return Ok(Some(event));
            }
            if let Some(newline) = self.next_boundary(buffer) {
                self.take(buffer, newline);
                buffer.advance(1);
            } else if buffer.len() > limit + LONGEST_START {
                // The kept bytes may be the beginning of the next event.
                self.take(buffer, buffer.len() - LONGEST_START);
                self.skipping = true;
            } else {
                return Ok(None);
            }
        }
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Event>> {
        loop {
            if let Some(event) = self.decode(buffer)? {
                return Ok(Some(event));
            }
            if buffer.is_empty() {
                self.skipping = false;
                return Ok(None);
            }
            self.take(buffer, buffer.len());
        }
    }
}
