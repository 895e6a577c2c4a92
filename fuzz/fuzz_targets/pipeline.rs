//! Datagrams to every codec: each event is one record, a record of JSON is one line and equals the view, another
//! implementation can read the protobuf, and the counters add up. Sessions are followed.
#![no_main]

use std::cell::RefCell;

use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use prost::Message;
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    event::Arrival,
    host::diagnostics::terminal::escaped,
    pipeline::{Pipeline, PipelineConfig},
    schema::{Layout, Schema, Tags},
    transform::OutputBuffer,
};
use serde_json::Value;

/// A frame of the codec `native`, reduced to its logs.
#[derive(Clone, PartialEq, Message)]
struct EventArray {
    #[prost(message, optional, tag = "1")]
    logs: Option<LogArray>,
}

#[derive(Clone, PartialEq, Message)]
struct LogArray {
    #[prost(message, repeated, tag = "1")]
    logs: Vec<Log>,
}

#[derive(Clone, PartialEq, Message)]
struct Log {
    #[prost(bytes = "vec", repeated, tag = "1")]
    fields: Vec<Vec<u8>>,
}

thread_local! {
    static PIPELINE: RefCell<Pipeline> = RefCell::new(pipeline());
    /// Made once, as in a host: what a layout prepares takes longer than most datagrams.
    static ENCODERS: RefCell<Vec<(Schema, Codec, Encoder)>> = RefCell::new(encoders());
}

fn pipeline() -> Pipeline {
    let mut config = PipelineConfig::default();
    config.blacklist.users = vec![
        r"INTERNAL\sa_*".parse().expect("a pattern"),
        r"*\*bot?".parse().expect("a pattern"),
        r"LAB\goran".parse().expect("a pattern"),
    ];
    config.sessions.enabled = true;
    config.sessions.max_users = 100;
    config.build().expect("a pipeline")
}

fn encoders() -> Vec<(Schema, Codec, Encoder)> {
    let of_schema = |&schema: &Schema| {
        let layout = Layout::new(schema, Tags::default());
        Codec::ALL.iter().map(move |&codec| (schema, codec, Encoder::new(codec, &layout)))
    };
    Schema::ALL.iter().flat_map(of_schema).collect()
}

fuzz_target!(|datagram: &[u8]| {
    let mut output = OutputBuffer::default();
    let arrival = Arrival::new(DateTime::UNIX_EPOCH, [192, 0, 2, 1].into());
    PIPELINE.with_borrow_mut(|pipeline| {
        let before = pipeline.counters();
        pipeline.datagram(datagram, arrival, &mut output);
        let after = pipeline.counters();
        assert_eq!(after.datagrams, before.datagrams + 1);
        let out = after.events() + after.undecoded_events()
            - before.events()
            - before.undecoded_events();
        let derived = after.derived_events() - before.derived_events();
        assert_eq!((out + derived) as usize, output.len());
        assert!(out + after.excluded > before.excluded, "no datagram is without a trace");
    });
    let events: Vec<_> = output.drain().collect();
    ENCODERS.with_borrow_mut(|encoders| {
        for (schema, codec, encoder) in encoders {
            for event in &events {
                encoder.push(event).expect("every event has a form");
            }
            check(*codec, encoder.frame(), events.len());
            if *codec == Codec::Json {
                let views = events.iter().map(|event| serde_json::to_string(&schema.view(event)));
                let lines: Vec<_> = views.map(|line| line.expect("JSON") + "\n").collect();
                assert!(encoder.frame() == lines.concat().as_bytes());
            }
            encoder.clear();
        }
    });
});

fn check(codec: Codec, frame: &[u8], events: usize) {
    if events == 0 {
        assert!(frame.is_empty());
    } else if codec == Codec::Native {
        let (length, message) = frame.split_at(4);
        assert_eq!(u32::from_be_bytes(length.try_into().expect("four bytes")) as usize, message.len());
        let array = EventArray::decode(message).expect("an EventArray");
        assert_eq!(array.logs.expect("logs").logs.len(), events);
    } else {
        let text = std::str::from_utf8(frame).expect("UTF-8");
        assert!(text.ends_with('\n'));
        assert_eq!(text.lines().count(), events);
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).expect("JSON");
            assert!(record.is_object());
            let shown = escaped(line);
            assert!(!shown.chars().any(char::is_control), "{shown}");
        }
    }
}
