//! The program's output in any codec, as JSON values.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{DEADLINE, native};

/// The format of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Json,
    NativeJson,
    Native,
}

pub const CODECS: [Codec; 3] = [Codec::Json, Codec::NativeJson, Codec::Native];

impl Codec {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NativeJson => "native_json",
            Self::Native => "native",
        }
    }

    /// The bytes of the next line or frame; `None` at the end of the stream.
    fn read(self, reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
        if reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut frame = Vec::new();
        if self == Self::Native {
            let mut length = [0; 4];
            reader.read_exact(&mut length)?;
            frame.resize(u32::from_be_bytes(length) as usize, 0);
            reader.read_exact(&mut frame)?;
        } else {
            reader.read_until(b'\n', &mut frame)?;
        }
        Ok(Some(frame))
    }

    /// The logs in a frame, and the metrics.
    fn decode(self, frame: &[u8]) -> (Vec<Value>, Vec<Value>) {
        match self {
            Self::Json => (vec![record(frame)], vec![]),
            Self::NativeJson => {
                let event = record(frame);
                let event = event.as_object().expect("an event is an object");
                assert_eq!(
                    event.len(),
                    1,
                    "an event is a log or a metric and nothing else"
                );
                assert!(event.contains_key("log") || event.contains_key("metric"));
                let of = |name| event.get(name).cloned().into_iter().collect();
                (of("log"), of("metric"))
            }
            Self::Native => native::decode(frame),
        }
    }
}

/// A line of JSON.
pub fn record(line: &[u8]) -> Value {
    assert_eq!(line.last(), Some(&b'\n'), "a line is whole");
    serde_json::from_slice(line)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)))
}

/// The records of a stream in order. A thread reads them, so that waiting has a deadline.
pub struct Records {
    codec: Codec,
    frames: Receiver<io::Result<Vec<u8>>>,
    pending: VecDeque<Value>,
    /// The metrics in the frames so far, as in `native_json`.
    pub metrics: Vec<Value>,
}

impl Records {
    pub fn new(stream: impl Read + Send + 'static, codec: Codec) -> Self {
        let (sender, frames) = mpsc::channel();
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            while let Some(frame) = codec.read(&mut reader).transpose() {
                let failed = frame.is_err();
                if sender.send(frame).is_err() || failed {
                    break;
                }
            }
        });
        Self {
            codec,
            frames,
            pending: VecDeque::new(),
            metrics: Vec::new(),
        }
    }

    /// The records of the next frame (or line); `None` at the end of the stream.
    pub fn frame(&mut self) -> Option<Vec<Value>> {
        match self.frames.recv_timeout(DEADLINE) {
            Ok(frame) => {
                let (logs, metrics) = self.codec.decode(&frame.expect("a frame is whole"));
                self.metrics.extend(metrics);
                Some(logs)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the program has written nothing more"),
        }
    }

    /// The next record, if it has already arrived.
    pub fn waiting(&mut self) -> Option<Value> {
        while self.pending.is_empty() {
            let (logs, metrics) = self
                .codec
                .decode(&self.frames.try_recv().ok()?.expect("whole"));
            self.metrics.extend(metrics);
            self.pending.extend(logs);
        }
        self.pending.pop_front()
    }

    /// The next `count` records.
    pub fn several(&mut self, count: usize) -> Vec<Value> {
        let records: Vec<Value> = self.take(count).collect();
        assert_eq!(records.len(), count, "the stream has ended early");
        records
    }

    /// The next record, which must be there.
    pub fn one(&mut self) -> Value {
        self.next().expect("a record before the end of the stream")
    }
}

impl Iterator for Records {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        while self.pending.is_empty() {
            let frame = self.frame()?;
            self.pending.extend(frame);
        }
        self.pending.pop_front()
    }
}

/// The value of a record's `timestamp`: text in the JSON codecs, a timestamp in `native`.
pub fn time(record: &Value, codec: Codec) -> DateTime<Utc> {
    let timestamp = &record["timestamp"];
    if codec == Codec::Native {
        let seconds = timestamp["$seconds"].as_i64().expect("a timestamp");
        let nanos = timestamp["$nanos"].as_u64().expect("a timestamp");
        let nanos = u32::try_from(nanos).expect("less than a second");
        DateTime::from_timestamp(seconds, nanos).expect("a time")
    } else {
        let text = timestamp.as_str().expect("a text");
        assert!(text.ends_with('Z'), "{text} is in UTC");
        DateTime::parse_from_rfc3339(text)
            .expect("RFC 3339")
            .to_utc()
    }
}

/// A record without its `timestamp`, which must be there.
pub fn unstamped(mut record: Value) -> Value {
    let fields = record.as_object_mut().expect("a record is a map");
    fields.remove("timestamp").expect("a timestamp");
    record
}
