//! Records of Fluent Bit: MessagePack, each with its time beside its fields.
//!
//! A record is `[[time, {}], {fields}]`, one after the other without anything between them; the time
//! is Fluent Bit's [event time](https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.5#eventtime-ext-format),
//! to the nanosecond. The empty map is the record's metadata.

mod compound;
mod value;
mod write;

use std::fmt::Display;

use serde::{Serialize, ser};

use self::value::ValueSerializer;
use super::EncodeError;
use crate::schema::Timestamp;

/// `[[`, the time's extension type: 8 bytes of type 0.
const BEFORE_TIME: [u8; 4] = [0x92, 0x92, 0xD7, 0x00];

/// The record's metadata: none.
const NO_METADATA: u8 = 0x80;

#[derive(Debug, Default)]
pub(super) struct MessagePack {
    records: Vec<u8>,
}

impl MessagePack {
    pub(super) fn push<T: Serialize + ?Sized>(
        &mut self,
        time: Timestamp,
        record: &T,
    ) -> Result<(), EncodeError> {
        let start = self.records.len();
        let (seconds, below_second) = event_time(time);
        self.records.extend_from_slice(&BEFORE_TIME);
        self.records.extend_from_slice(&seconds.to_be_bytes());
        self.records.extend_from_slice(&below_second.to_be_bytes());
        self.records.push(NO_METADATA);
        let nanoseconds = i64::from(seconds) * 1_000_000_000 + i64::from(below_second);
        match record.serialize(ValueSerializer::record(&mut self.records, nanoseconds)) {
            Ok(_) => Ok(()),
            Err(error) => {
                self.records.truncate(start);
                Err(EncodeError::MessagePack(error.0))
            }
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn frame(&self) -> &[u8] {
        &self.records
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
    }
}

/// Seconds and nanoseconds since 1970. A time that Fluent Bit cannot have becomes the nearest that it can;
/// it is not the record's then, and stays among the fields.
fn event_time(time: Timestamp) -> (u32, u32) {
    let seconds = time.0.timestamp();
    match u32::try_from(seconds) {
        Ok(seconds) => (seconds, time.0.timestamp_subsec_nanos().min(999_999_999)),
        Err(_) if seconds < 0 => (0, 0),
        Err(_) => (u32::MAX, 999_999_999),
    }
}

/// Why a value has no form in MessagePack.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Error(String);

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rmpv::Value;
    use serde_json::json;

    use super::*;
    use crate::{
        event::User,
        schema::{Fill, Record},
    };

    fn time() -> Timestamp {
        Timestamp("2026-01-31T09:00:00.123456789Z".parse().expect("a time"))
    }

    fn fields<T: Serialize + ?Sized>(record: &T) -> Value {
        let mut records = MessagePack::default();
        records.push(time(), record).expect("a record");
        let mut bytes = records.frame();
        let record = rmpv::decode::read_value(&mut bytes).expect("MessagePack");
        assert!(bytes.is_empty(), "{record} and {bytes:?}");
        let [head, fields] = &record.as_array().expect("a pair")[..] else {
            panic!("{record}");
        };
        let event_time = Value::Ext(0, b"\x69\x7D\xC4\x90\x07\x5B\xCD\x15".to_vec());
        assert_eq!(head, &Value::Array(vec![event_time, Value::Map(vec![])]));
        fields.clone()
    }

    /// A value as another library reads it.
    fn as_json(value: &Value) -> serde_json::Value {
        match value {
            Value::Nil => serde_json::Value::Null,
            Value::Boolean(value) => json!(value),
            Value::Integer(value) => match (value.as_i64(), value.as_u64()) {
                (Some(value), _) => json!(value),
                (_, value) => json!(value),
            },
            Value::F64(value) => json!(value),
            Value::String(text) => json!(text.as_str().expect("UTF-8")),
            Value::Array(values) => values.iter().map(as_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|(name, value)| (name.as_str().expect("a name").to_owned(), as_json(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => panic!("{other}"),
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(|value| json!(value)),
            any::<i64>().prop_map(|value| json!(value)),
            any::<u64>().prop_map(|value| json!(value)),
            (-200_i64..70_000).prop_map(|value| json!(value)),
            any::<f64>().prop_map(|value| json!(value)),
            ".{0,40}".prop_map(|value| json!(value)),
            (0..300_usize).prop_map(|length| json!("x".repeat(length))),
        ];
        leaf.prop_recursive(3, 40, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(|values| json!(values)),
                prop::collection::btree_map(".{0,8}", inner, 0..20).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn another_library_reads_what_is_written(
            record in prop::collection::btree_map(".{0,8}", any_json(), 0..20)
        ) {
            prop_assert_eq!(as_json(&fields(&record)), json!(record));
        }
    }

    #[test]
    fn the_time_of_a_record_is_beside_its_fields_and_others_are_text() {
        let (directory, id) = (&*"é".repeat(100), "x");
        let other = Timestamp("2026-01-31T08:00:00Z".parse().expect("a time"));
        let mut record = Record::default();
        record.field("timestamp", time());
        record.field("start", other);
        record.field("end", time());
        record.field("displayed", User { directory, id });
        let expected = json!({
            "start": "2026-01-31T08:00:00.000000000Z",
            "end": "2026-01-31T09:00:00.123456789Z",
            "displayed": format!("{directory}\\x"),
        });
        assert_eq!(as_json(&fields(&record)), expected);
    }

    #[test]
    fn large_maps_and_texts_have_their_length() {
        let text = "é".repeat(70_000);
        assert_eq!(as_json(&fields(&json!({"text": text})))["text"], text);
        let map: BTreeMap<String, u32> = (0..70_000).map(|n| (n.to_string(), n)).collect();
        assert_eq!(fields(&map).as_map().expect("a map").len(), 70_000);
    }

    #[test]
    fn a_time_that_fluent_bit_cannot_have_stays_among_the_fields() {
        for (time, expected) in [
            ("1700-01-01T00:00:00Z", [0; 8]),
            ("2106-02-07T06:28:16Z", *b"\xFF\xFF\xFF\xFF\x3B\x9A\xC9\xFF"),
        ] {
            let time = Timestamp(time.parse().expect("a time"));
            let mut records = MessagePack::default();
            records
                .push(time, &Happened { happened: time })
                .expect("a record");
            assert_eq!(records.frame()[4..12], expected);
            let Ok(Value::Array(record)) = rmpv::decode::read_value(&mut records.frame()) else {
                panic!("{time:?}");
            };
            assert!(record[1]["happened"].is_str(), "{}", record[1]);
        }
    }

    #[derive(Serialize)]
    struct Happened {
        happened: Timestamp,
    }
}
