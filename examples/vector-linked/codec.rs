//! The decoder by itself, as one of Vector's codecs.

use bytes::Bytes;
use qlik_sense_events::{decoding, host::linked::ValueDeserializer};
use smallvec::SmallVec;
use vector::event::{Event, LogEvent};
use vector_lib::{
    codecs::{
        BytesDecoder, Decoder,
        decoding::{Deserializer, Framer, format},
    },
    config::LogNamespace,
};

use super::VectorValue;

/// The decoder as one of Vector's codecs, for a source of your own: [`QlikSenseCodec::decoder`].
#[derive(Clone, Debug, Default)]
pub struct QlikSenseCodec(ValueDeserializer<VectorValue>);

impl QlikSenseCodec {
    /// Vector's decoder for datagrams, with one datagram per frame.
    pub fn decoder(self, namespace: LogNamespace) -> Decoder {
        let framer = Framer::Bytes(BytesDecoder::new());
        Decoder::new(framer, Deserializer::Boxed(Box::new(self))).with_log_namespace(namespace)
    }
}

impl format::Deserializer for QlikSenseCodec {
    fn parse(
        &self,
        bytes: Bytes,
        namespace: LogNamespace,
    ) -> vector_lib::Result<SmallVec<[Event; 1]>> {
        let namespace = match namespace {
            LogNamespace::Legacy => decoding::LogNamespace::Legacy,
            LogNamespace::Vector => decoding::LogNamespace::Vector,
        };
        let events = self.0.parse(bytes, namespace)?.into_iter();
        Ok(events.map(|event| LogEvent::from(event.0).into()).collect())
    }
}
