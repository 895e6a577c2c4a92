//! A pipeline with a fixed arrival.

use std::{
    cell::RefCell,
    net::{IpAddr, Ipv4Addr},
};

use chrono::{DateTime, Utc};
use qlik_sense_events::{
    event::{Arrival, Event},
    pipeline::{Pipeline, PipelineConfig},
    transform::OutputBuffer,
};

pub const ARRIVAL: &str = "2026-01-31T09:00:00.123456789Z";
const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 17));

fn arrival() -> Arrival {
    let timestamp: DateTime<Utc> = ARRIVAL.parse().expect("a time");
    Arrival::new(timestamp, SENDER)
}

thread_local! {
    /// Properties decode thousands of datagrams, and building a pipeline takes longer than any of them.
    static PIPELINE: RefCell<Pipeline> =
        RefCell::new(PipelineConfig::default().build().expect("a pipeline"));
}

/// The events of a datagram, as every host gets them.
pub fn events(datagram: &[u8]) -> Vec<Event> {
    let mut output = OutputBuffer::default();
    PIPELINE.with_borrow_mut(|pipeline| pipeline.datagram(datagram, arrival(), &mut output));
    output.into_events()
}
