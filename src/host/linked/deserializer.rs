//! The decoder in the form of vector-lib's codecs, with values for events.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::{
    decoding::{self, LogNamespace, QlikSenseDeserializer},
    encoding::{HostValue, HostValues, OwnedValue},
    event::Arrival,
    schema::Layout,
};

/// Decodes datagrams into events as values of a host, for a source of your own that does the framing itself.
/// [`start`](super::start()) does more: it knows senders and applies the transforms.
#[derive(Debug, Clone)]
pub struct ValueDeserializer<V: HostValue = OwnedValue> {
    deserializer: QlikSenseDeserializer,
    values: Arc<HostValues<V>>,
}

impl<V: HostValue> ValueDeserializer<V> {
    /// A deserializer for events in `layout`.
    #[must_use]
    pub fn new(deserializer: QlikSenseDeserializer, layout: &Layout) -> Self {
        Self {
            deserializer,
            values: Arc::new(HostValues::new(layout)),
        }
    }

    /// Decodes one datagram into its events, with the current time as arrival and without a sender.
    ///
    /// # Errors
    ///
    /// When an event cannot be converted to a value, which only happens if the clock is outside of the years 1677 to
    /// 2262.
    pub fn parse(
        &self,
        bytes: Bytes,
        log_namespace: LogNamespace,
    ) -> decoding::Result<SmallVec<[V; 1]>> {
        let arrival = Arrival::local(SystemTime::now().into());
        let events = self.deserializer.parse(bytes, log_namespace)?;
        let values = events.into_iter().map(|mut event| {
            event.set_arrival(arrival);
            Ok(self.values.value_of(&event)?)
        });
        values.collect()
    }
}

impl<V: HostValue> Default for ValueDeserializer<V> {
    fn default() -> Self {
        Self::new(QlikSenseDeserializer::default(), &Layout::default())
    }
}
