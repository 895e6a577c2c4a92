//! Leaves out the events of some users and writes the others as JSON. `cargo run --example blacklist`

use qlik_sense_events::{
    decoding::{Error, QlikSenseDeserializer},
    encoding::{Codec, Encoder},
    schema::Layout,
    transform::{BlacklistConfig, FunctionTransform, OutputBuffer},
};

const DATAGRAMS: [&str; 3] = [
    "/qseow-proxy-session/;pro2-win1;Start session;LAB;goran;Not available;/hub;Start session for user",
    "/qseow-proxy-session/;pro2-win1;Start session;INTERNAL;sa_engine;Not available;/hub;Start session for user",
    "/qseow-proxy-session/;pro2-win1;Start session;lab;Monitoring;Not available;/hub;Start session for user",
];

/// Entries in a file have the same effect as those in the configuration. Case is ignored.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/blacklist.txt");

fn main() -> Result<(), Error> {
    let (json, excluded) = report()?;
    print!("{json}");
    println!("{excluded} events of users on the blacklist were left out");
    Ok(())
}

/// The remaining events as JSON lines, and how many were left out.
pub fn report() -> Result<(String, u64), Error> {
    let mut blacklist = BlacklistConfig {
        users: vec![r"INTERNAL\sa_*".parse()?],
        files: vec![FILE.into()],
        ..BlacklistConfig::default()
    }
    .build()?;

    let deserializer = QlikSenseDeserializer::default();
    let mut output = OutputBuffer::default();
    for datagram in DATAGRAMS {
        deserializer.decode(datagram.as_bytes(), |event| {
            blacklist.transform(&mut output, event);
        });
    }

    let mut encoder = Encoder::new(Codec::Json, &Layout::default());
    for event in &output {
        encoder.push(event)?;
    }
    let json = String::from_utf8(encoder.frame().to_vec())?;
    Ok((json, blacklist.excluded()))
}
