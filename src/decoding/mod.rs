//! Decodes bytes into events, in the form of vector-lib's codecs.
//!
//! [`QlikSenseDeserializer`] turns one datagram into its events; [`QlikSenseDecoder`] does the same for anything that
//! `tokio-util` can frame.

mod decoder;

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

pub use self::decoder::QlikSenseDecoder;
use crate::{
    event::{Event, UserAgentCache},
    payload::{self, DecodeError, ErrorCode, FallbackEncoding, pieces, text},
};

/// The largest payload that a UDP datagram can carry over IPv4, in bytes.
pub const MAX_DATAGRAM_BYTES: usize = 65_507;

/// The error of vector-lib's deserializers.
pub type Error = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What vector-lib's deserializers return.
pub type Result<T> = std::result::Result<T, Error>;

/// Where Vector puts metadata about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogNamespace {
    /// Into metadata.
    Vector,
    /// Among the event's own fields.
    #[default]
    Legacy,
}

/// How datagrams are decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QlikSenseDeserializerConfig {
    /// The encoding of events that are neither UTF-8 nor UTF-16. Default: windows-1252.
    pub fallback_encoding: FallbackEncoding,
    /// The longest datagram to decode, in bytes, 1 to 65,507. Default: 65,507, the most that UDP can carry. A longer
    /// one becomes a `too_large` event with its beginning.
    pub max_datagram_bytes: usize,
}

impl Default for QlikSenseDeserializerConfig {
    fn default() -> Self {
        Self {
            fallback_encoding: FallbackEncoding::default(),
            max_datagram_bytes: MAX_DATAGRAM_BYTES,
        }
    }
}

impl QlikSenseDeserializerConfig {
    /// Builds the deserializer. A limit outside its range is clamped to it.
    #[must_use]
    pub fn build(&self) -> QlikSenseDeserializer {
        QlikSenseDeserializer {
            fallback_encoding: self.fallback_encoding,
            max_datagram_bytes: self.max_datagram_bytes.clamp(1, MAX_DATAGRAM_BYTES),
            user_agents: Arc::new(UserAgentCache::default()),
        }
    }
}

/// Decodes datagrams into events. Clones share their cache of user agents.
///
/// ```
/// use bytes::Bytes;
/// use qlik_sense_events::{
///     decoding::{LogNamespace, QlikSenseDeserializerConfig},
///     event::{EventKind, SessionAction},
/// };
///
/// let deserializer = QlikSenseDeserializerConfig::default().build();
/// let datagram = Bytes::from_static(
///     b"/qseow-proxy-session/;pro2-win1;Start session;LAB;goran;Not available;/hub;Start session for user",
/// );
/// let events = deserializer.parse(datagram, LogNamespace::Legacy)?;
/// assert_eq!(events[0].kind(), EventKind::Session(SessionAction::Start));
/// assert_eq!(events[0].user().unwrap().to_string(), r"LAB\goran");
/// # Ok::<(), qlik_sense_events::decoding::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct QlikSenseDeserializer {
    fallback_encoding: FallbackEncoding,
    max_datagram_bytes: usize,
    user_agents: Arc<UserAgentCache>,
}

impl QlikSenseDeserializer {
    /// Decodes one datagram into its events: at least one, and more if a relay has combined several. The events have
    /// no arrival yet; see [`Event::set_arrival`].
    ///
    /// The signature is that of vector-lib's `Deserializer::parse`. As in Vector's own `native` codecs, the namespace
    /// has no effect: the content is Qlik's, and hosts add their own fields.
    ///
    /// # Errors
    ///
    /// None at present: a payload that cannot be decoded becomes an event with the reason,
    /// [`Body::Undecoded`](crate::event::Body).
    pub fn parse(
        &self,
        bytes: Bytes,
        _log_namespace: LogNamespace,
    ) -> Result<SmallVec<[Event; 1]>> {
        let mut events = SmallVec::new();
        self.decode(&bytes, |event| events.push(event));
        Ok(events)
    }

    /// Decodes one datagram and passes each of its events to `emit`, in order.
    pub fn decode(&self, datagram: &[u8], mut emit: impl FnMut(Event)) {
        if datagram.len() > self.max_datagram_bytes {
            emit(self.too_large(datagram));
            return;
        }
        for piece in pieces(datagram) {
            let event = match text::decode(piece, self.fallback_encoding) {
                Ok(text) => match payload::read(&text, &self.user_agents) {
                    Ok(payload) => Event::payload(&text, payload),
                    Err(error) => Event::undecoded(error, &text),
                },
                Err((error, raw)) => Event::undecoded(error, &raw),
            };
            emit(event);
        }
    }

    /// A copy for another thread. It has its own cache of user agents, so that two threads never wait for each other.
    #[must_use]
    pub fn clone_for_thread(&self) -> Self {
        Self {
            user_agents: Arc::new(UserAgentCache::default()),
            ..*self
        }
    }

    /// The longest datagram that is decoded, in bytes.
    #[must_use]
    pub const fn max_datagram_bytes(&self) -> usize {
        self.max_datagram_bytes
    }

    fn too_large(&self, datagram: &[u8]) -> Event {
        let beginning = &datagram[..self.max_datagram_bytes.min(datagram.len())];
        let raw = text::decode_beginning(beginning, self.fallback_encoding);
        let error = DecodeError::new(ErrorCode::TooLarge, None, raw.len());
        Event::undecoded(error, &raw)
    }
}

impl Default for QlikSenseDeserializer {
    fn default() -> Self {
        QlikSenseDeserializerConfig::default().build()
    }
}
