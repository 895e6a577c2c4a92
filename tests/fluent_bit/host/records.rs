//! Records as a host reads them.

use rmpv::Value;

/// A record: its time, and its fields as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub seconds: u32,
    pub nanoseconds: u32,
    pub fields: serde_json::Value,
}

pub(super) fn decode(mut bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let record = rmpv::decode::read_value(&mut bytes).expect("MessagePack");
        let Value::Array(parts) = &record else {
            panic!("{record}");
        };
        let [Value::Array(head), fields] = &parts[..] else {
            panic!("{record}");
        };
        let [Value::Ext(0, time), Value::Map(metadata)] = &head[..] else {
            panic!("{record}");
        };
        assert!(metadata.is_empty(), "{record}");
        let time: [u8; 8] = time[..].try_into().expect("8 bytes");
        let (seconds, nanoseconds) = time.split_at(4);
        records.push(Record {
            seconds: u32::from_be_bytes(seconds.try_into().expect("4 bytes")),
            nanoseconds: u32::from_be_bytes(nanoseconds.try_into().expect("4 bytes")),
            fields: json(fields),
        });
    }
    records
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Boolean(value) => (*value).into(),
        Value::Integer(value) => value.as_i64().expect("a small number").into(),
        Value::F64(number) => (*number).into(),
        Value::String(text) => text.as_str().expect("UTF-8").into(),
        Value::Array(values) => values.iter().map(json).collect(),
        Value::Map(entries) => {
            let name = |name: &Value| name.as_str().expect("a name").to_owned();
            let mut map = serde_json::Map::new();
            for (key, value) in entries {
                assert!(map.insert(name(key), json(value)).is_none(), "{key} twice");
            }
            map.into()
        }
        other => panic!("{other}"),
    }
}
