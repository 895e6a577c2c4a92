//! Datagram to events, with a count of everything that came in, went out or was left out.
//!
//! Every host runs the same [`Pipeline`], so two hosts cannot drift apart.

mod counters;

use serde::{Deserialize, Serialize};

pub use self::counters::Counters;
use crate::{
    decoding::{QlikSenseDeserializer, QlikSenseDeserializerConfig},
    event::{Arrival, Event},
    transform::{
        Blacklist, BlacklistConfig, FunctionTransform, OutputBuffer, blacklist::BlacklistError,
    },
};

/// What becomes of payloads that cannot be decoded. They are counted either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndecodedPolicy {
    /// They go on as events of their own, `event: "undecoded"`.
    #[default]
    Forward,
    /// They go no further.
    Drop,
}

/// The options of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelineConfig {
    /// How datagrams are decoded.
    pub decoding: QlikSenseDeserializerConfig,
    /// What becomes of those that cannot be.
    pub undecoded: UndecodedPolicy,
    /// Whose events are left out.
    pub blacklist: BlacklistConfig,
}

impl PipelineConfig {
    /// Builds the pipeline.
    ///
    /// # Errors
    ///
    /// [`BlacklistError`] when a file of the blacklist cannot be read or holds a bad entry.
    pub fn build(&self) -> Result<Pipeline, BlacklistError> {
        Ok(Pipeline {
            deserializer: self.decoding.build(),
            undecoded: self.undecoded,
            blacklist: self.blacklist.build()?,
            counters: Counters::default(),
        })
    }
}

/// Decodes datagrams and transforms their events.
///
/// ```
/// use chrono::DateTime;
/// use qlik_sense_events::{event::Arrival, pipeline::PipelineConfig, transform::OutputBuffer};
///
/// let mut pipeline = PipelineConfig::default().build()?;
/// let arrival = Arrival::new(DateTime::UNIX_EPOCH, [192, 0, 2, 1].into());
/// let mut output = OutputBuffer::default();
/// pipeline.datagram(b"/proxy-session/;n1;Stop session;LAB;goran;;;", arrival, &mut output);
/// assert_eq!(output.len(), 1);
/// assert_eq!(pipeline.counters().datagrams, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pipeline {
    deserializer: QlikSenseDeserializer,
    undecoded: UndecodedPolicy,
    blacklist: Blacklist,
    counters: Counters,
}

impl Pipeline {
    /// Decodes a datagram and adds what becomes of its events to `output`.
    pub fn datagram(&mut self, datagram: &[u8], arrival: Arrival, output: &mut OutputBuffer) {
        self.counters.datagrams += 1;
        self.counters.bytes += datagram.len() as u64;
        let (counters, blacklist, undecoded) =
            (&mut self.counters, &mut self.blacklist, self.undecoded);
        self.deserializer.decode(datagram, |mut event| {
            event.set_arrival(arrival);
            match &event {
                Event::Undecoded(reason) => {
                    counters.undecoded(reason.error().code);
                    if undecoded == UndecodedPolicy::Forward {
                        output.push(event);
                    }
                }
                Event::User(user_event) => {
                    let (kind, before) = (user_event.kind(), output.len());
                    blacklist.transform(output, event);
                    if output.len() > before {
                        counters.event(kind);
                    }
                }
            }
        });
    }

    /// Replaces the rules of the blacklist from here on; what it has counted stays.
    pub fn replace_blacklist(&mut self, blacklist: Blacklist) {
        self.blacklist.replace_rules(blacklist);
    }

    /// What came in and went out since the pipeline was built.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        let mut counters = self.counters;
        counters.excluded = self.blacklist.excluded();
        counters
    }
}
