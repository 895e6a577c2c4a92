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
/// Under `UdpFramed` every datagram is decoded by itself; a datagram without a single byte gives no
/// item there, because the framing cannot show it. Under `FramedRead` an event ends where a newline
/// and the next known type token follow, or at the end of the stream.
///
/// What cannot be decoded is an item ([`Body::Undecoded`](crate::event::Body)), never an error: the only errors are
/// those of the transport. Memory is bounded by the deserializer's `max_datagram_bytes`; a longer
/// stretch without a new event becomes one `too_large` item, and the rest of it is skipped.
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
    /// How much of the buffer holds no boundary, so that no byte is looked at twice.
    searched: usize,
    /// The rest of an event that was too large is skipped.
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

    /// Takes `length` bytes out of the buffer and decodes them, unless they are to be skipped.
    fn take(&mut self, buffer: &mut BytesMut, length: usize) {
        self.searched = 0;
        let bytes = buffer.split_to(length);
        if !std::mem::take(&mut self.skipping) {
            self.deserializer
                .decode(&bytes, |event| self.decoded.push_back(event));
        }
    }

    fn next_boundary(&mut self, buffer: &BytesMut) -> Option<usize> {
        // What precedes the first event is no event of its own; the rest of a skipped one may be blank.
        let start = match self.searched {
            0 if !self.skipping => buffer.len() - leading_trimmed_bytes(buffer).len(),
            searched => searched,
        };
        let found = boundary_after(buffer, start);
        // While nothing but what precedes an event has come, or half a mark, the start may move.
        if found.is_none() && !BYTE_ORDER_MARK.starts_with(&buffer[start..]) {
            // A token may have begun at the end of what there is.
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
                // What is kept may be the beginning of the next event.
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
