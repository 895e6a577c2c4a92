//! A pipeline with a fixed arrival.

use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, Utc};
use qlik_sense_events::{
    event::{Arrival, Event},
    pipeline::PipelineConfig,
    transform::OutputBuffer,
};

pub const ARRIVAL: &str = "2026-01-31T09:00:00.123456789Z";
const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 17));

fn arrival() -> Arrival {
    let timestamp: DateTime<Utc> = ARRIVAL.parse().expect("a time");
    Arrival::new(timestamp, SENDER)
}

/// The events of a datagram, as every host gets them.
pub fn events(datagram: &[u8]) -> Vec<Event> {
    let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    pipeline.datagram(datagram, arrival(), &mut output);
    output.into_events()
}
