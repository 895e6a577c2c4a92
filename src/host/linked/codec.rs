//! The decoder in the shape of vector-lib's codecs, with values of vrl for events.

use std::time::SystemTime;

use bytes::Bytes;
use smallvec::SmallVec;
use vrl::value::Value;

use crate::{
    decoding::{self, LogNamespace, QlikSenseDeserializer},
    encoding::OwnedValues,
    event::Arrival,
    schema::Layout,
};

/// Decodes datagrams into events as values. For a source of one's own that has framed its bytes already;
/// what [`start`](super::start()) starts does more: it knows senders and applies the transforms.
#[derive(Debug, Clone, Default)]
pub struct Codec {
    deserializer: QlikSenseDeserializer,
    layout: Layout,
}

impl Codec {
    /// A codec that shows events as `layout` says.
    #[must_use]
    pub const fn new(deserializer: QlikSenseDeserializer, layout: Layout) -> Self {
        Self {
            deserializer,
            layout,
        }
    }

    /// Decodes one datagram into its events, which arrive now and from nowhere.
    ///
    /// # Errors
    ///
    /// When an event cannot be made a value, which only a clock outside of 1677 to 2262 does.
    pub fn parse(
        &self,
        bytes: Bytes,
        log_namespace: LogNamespace,
    ) -> decoding::Result<SmallVec<[Value; 1]>> {
        let arrival = Arrival::local(SystemTime::now().into());
        let events = self.deserializer.parse(bytes, log_namespace)?;
        let layout = OwnedValues::new(&self.layout);
        let values = events.into_iter().map(|mut event| {
            event.set_arrival(arrival);
            Ok(layout.value_of(&event)?.into())
        });
        values.collect()
    }
}
