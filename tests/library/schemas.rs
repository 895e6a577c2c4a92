//! Properties of every schema: its list of fields, tags and dropped fields, in every codec.

use std::collections::{BTreeMap, BTreeSet};

use qlik_sense_events::{
    encoding::{Codec, Encoder, HostValues, OwnedValue},
    event::Event,
    schema::{Layout, Role, Schema, Tags, TagsByHost},
};
use serde_json::Value;

use crate::support::{
    every_event,
    golden::golden,
    native_log::{json_of_log, logs},
    pipeline::events,
};

/// The names of all fields in a record; nested fields have the outer name and a dot before theirs.
fn names(record: &Value, within: &str, seen: &mut BTreeSet<String>) {
    for (name, value) in record.as_object().expect("a map") {
        let path = format!("{within}{name}");
        // Tags have names of their own.
        if value.is_object()
            && !matches!(
                &*path,
                "tags" | "labels" | "unreadable" | "qlik_sense.unreadable"
            )
        {
            names(value, &format!("{path}."), seen);
        }
        seen.insert(path);
    }
}

#[test]
fn lists_of_fields_are_complete() {
    let tags = BTreeMap::from([("site".to_owned(), "Lund".to_owned())]);
    for &schema in Schema::ALL {
        let tags = Tags::try_from(tags.clone()).expect("tags");
        let layout = Layout::new(schema, tags);
        let mut seen = BTreeSet::new();
        for event in &every_event() {
            let record = serde_json::to_value(layout.view(event)).expect("JSON");
            names(&record, "", &mut seen);
        }
        let listed: BTreeSet<String> = schema.fields().iter().map(ToString::to_string).collect();
        assert_eq!(listed, seen, "{schema}");
        assert_eq!(listed.len(), schema.fields().len(), "{schema}");
    }
}

/// The value of a field; `error.code` for a nested field.
fn at<'a>(record: &'a Value, field: &str) -> Option<&'a Value> {
    field
        .split('.')
        .try_fold(record, |value, name| value.get(name))
}

/// Removes a field, and objects that become empty.
fn remove(record: &mut Value, field: &str) {
    let map = record.as_object_mut().expect("a map");
    match field.split_once('.') {
        None => {
            map.remove(field);
        }
        Some((name, rest)) => {
            if let Some(group) = map.get_mut(name) {
                remove(group, rest);
                if group.as_object().is_some_and(serde_json::Map::is_empty) {
                    map.remove(name);
                }
            }
        }
    }
}

#[test]
fn every_field_can_be_dropped_and_nothing_else_is() {
    let events = every_event();
    let mut left_out = 0;
    for &schema in Schema::ALL {
        let whole = events
            .iter()
            .map(|event| serde_json::to_value(schema.view(event)).expect("JSON"));
        let whole: Vec<Value> = whole.collect();
        for field in schema.fields() {
            let layout = Layout::new(schema, Tags::default())
                .without(&[field])
                .expect("a field");
            for (event, whole) in events.iter().zip(&whole) {
                let mut expected = whole.clone();
                left_out += usize::from(at(&expected, field).is_some());
                remove(&mut expected, field);
                let seen = serde_json::to_value(layout.view(event)).expect("JSON");
                assert_eq!(seen, expected, "{schema} without {field}");
            }
        }
    }
    assert!(left_out > 4_000, "{left_out} fields were left out");
}

/// Every codec writes what the `serde` view of an event shows, in the same order.
#[test]
fn codecs_write_what_the_view_shows() {
    let tags = tags(&[("site", "Lund"), ("event", "a tag, not the field")]);
    let mut all = every_event();
    // Around the lengths at which headers of values grow.
    let lengths = (0..300).chain(16_000..16_500).step_by(3);
    for length in lengths.clone().chain([30_000, 65_000]) {
        let (id, start) = ("x".repeat(length), "/proxy-connection/;n1;Open connection");
        all.extend(events(format!("{start};LAB;{id};;/app;{id}").as_bytes()));
        all.extend(events(
            format!("{start};{id};é;;/app;UserAgent: {id}").as_bytes(),
        ));
    }
    let mut compared = 0;
    for &schema in Schema::ALL {
        let whole = Layout::new(schema, tags.clone());
        let without = whole.clone().without(&["host"]).expect("a field");
        for layout in [&whole, &without] {
            let mut json = Encoder::new(Codec::Json, layout);
            let mut native_json = Encoder::new(Codec::NativeJson, layout);
            let mut native = Encoder::new(Codec::Native, layout);
            let mut message_pack = Encoder::message_pack(layout);
            for event in &all {
                let view = layout.view(event);
                let expected = serde_json::to_string(&view).expect("JSON");
                for encoder in [&mut json, &mut native_json, &mut native, &mut message_pack] {
                    encoder.clear();
                    encoder.push(event).expect("an event");
                }
                assert!(
                    json.frame() == format!("{expected}\n").as_bytes(),
                    "{expected}"
                );
                let line = format!("{{\"log\":{expected}}}\n");
                assert!(native_json.frame() == line.as_bytes(), "{expected}");
                let expected = serde_json::to_value(&view).expect("JSON");
                let logs = logs(native.frame());
                assert_eq!(logs.len(), 1);
                assert_eq!(json_of_log(&logs[0]), expected);
                let time = schema.field_of(Role::Timestamp);
                assert_eq!(record(message_pack.frame()), without_field(expected, time));
                compared += 1;
            }
        }
    }
    assert!(compared > 2_500, "{compared}");
}

/// The fields of a record of Fluent Bit, as another library reads it.
fn record(mut bytes: &[u8]) -> Value {
    let record = rmpv::decode::read_value(&mut bytes).expect("MessagePack");
    assert!(bytes.is_empty());
    let [_, fields] = &record.as_array().expect("a pair")[..] else {
        panic!("{record}");
    };
    json_of(fields)
}

fn json_of(value: &rmpv::Value) -> Value {
    match value {
        rmpv::Value::Boolean(value) => Value::from(*value),
        rmpv::Value::Integer(value) => Value::from(value.as_i64().expect("64 bits")),
        rmpv::Value::F64(value) => Value::from(*value),
        rmpv::Value::String(text) => Value::from(text.as_str().expect("UTF-8")),
        rmpv::Value::Array(values) => values.iter().map(json_of).collect(),
        rmpv::Value::Map(entries) => entries
            .iter()
            .map(|(name, value)| (name.as_str().expect("a name").to_owned(), json_of(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => panic!("{other}"),
    }
}

/// A record without its own time, which Fluent Bit keeps next to the fields.
fn without_field(mut record: Value, field: Option<&str>) -> Value {
    if let Some(field) = field {
        remove(&mut record, field);
    }
    record
}

#[test]
fn all_fields_can_be_dropped() {
    for &schema in Schema::ALL {
        let layout = Layout::new(schema, Tags::default())
            .without(schema.fields())
            .expect("fields");
        for &codec in Codec::ALL {
            let mut encoder = Encoder::new(codec, &layout);
            for event in &every_event() {
                assert_eq!(
                    serde_json::to_value(layout.view(event)).expect("JSON"),
                    serde_json::json!({})
                );
                encoder.push(event).expect("an event");
            }
        }
    }
}

#[test]
fn a_field_of_another_schema_is_refused_with_the_right_ones() {
    let error = Layout::new(Schema::Ecs, Tags::default())
        .without(&["user.name", "user_id"])
        .expect_err("no field of ecs");
    let text = error.to_string();
    assert!(
        text.starts_with("`user_id` is not a field of the schema `ecs`; "),
        "{text}"
    );
    assert!(text.contains(" user.name, "), "{text}");
}

/// They are in a map of their own, so that their names may be those of fields.
#[test]
fn tags_are_on_every_event_and_change_no_field() {
    let mut map = BTreeMap::from([
        ("environment".to_owned(), "production".to_owned()),
        ("site".to_owned(), "Göteborg \"1\"".to_owned()),
    ]);
    let fields = Schema::ALL.iter().flat_map(|schema| schema.fields());
    let names = fields.filter_map(|field| field.split('.').next());
    map.extend(names.map(|name| (name.to_owned(), "a tag".to_owned())));
    assert!(map.contains_key("event") && map.contains_key("tags"));
    let expected = serde_json::to_value(&map).expect("JSON");
    let tags = Tags::try_from(map).expect("tags");
    for (schema, name) in [
        (Schema::Default, "tags"),
        (Schema::Ecs, "labels"),
        (Schema::ButlerSos, "tags"),
    ] {
        let layout = Layout::new(schema, tags.clone());
        for event in &every_event() {
            let mut record = serde_json::to_value(layout.view(event)).expect("JSON");
            assert_eq!(record[name], expected, "{schema}");
            let mut without = serde_json::to_value(schema.view(event)).expect("JSON");
            for record in [&mut record, &mut without] {
                remove(record, name);
            }
            assert_eq!(record, without, "{schema}");
        }
    }
}

fn tags(tags: &[(&str, &str)]) -> Tags {
    let tags = tags
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Tags::try_from(tags.collect::<BTreeMap<_, _>>()).expect("tags")
}

/// Events in every codec, with `serde`, and in linked hosts.
fn in_every_form<'e>(layout: &Layout, events: impl Iterator<Item = &'e Event>) -> Vec<Vec<u8>> {
    let mut encoders: Vec<Encoder> = Codec::ALL
        .iter()
        .map(|&codec| Encoder::new(codec, layout))
        .collect();
    let values = HostValues::<OwnedValue>::new(layout);
    let mut forms = Vec::new();
    for event in events {
        for encoder in &mut encoders {
            encoder.push(event).expect("an event");
            forms.push(encoder.frame().to_vec());
            encoder.clear();
        }
        forms.push(serde_json::to_vec(&layout.view(event)).expect("JSON"));
        forms.push(format!("{:?}", values.value_of(event)).into_bytes());
    }
    forms
}

/// An event of a node is as if all nodes had its tags.
#[test]
fn tags_of_a_node_are_on_its_events() {
    let is_there = |event: &&Event| {
        let host = event.host();
        host.is_some_and(|host| host.eq_ignore_ascii_case("pro2-WIN1"))
    };
    let (there, elsewhere): (Vec<_>, Vec<_>) = every_event()
        .into_iter()
        .partition(|event| is_there(&event));
    let kinds = there.iter().map(|event| event.kind().event());
    let kinds: BTreeSet<&str> = kinds.collect();
    assert!(kinds.len() >= 4 && !elsewhere.is_empty(), "{kinds:?}");
    let by_host = BTreeMap::from([
        (
            "PRO2-win1".to_owned(),
            tags(&[("region", "north"), ("rack", "7")]),
        ),
        ("n1".to_owned(), tags(&[])),
        ("none".to_owned(), tags(&[("never", "seen")])),
    ]);
    let by_host = TagsByHost::try_from(by_host).expect("nodes");
    let common = [("region", "all"), ("site", "Lund")];
    let merged = [("region", "north"), ("site", "Lund"), ("rack", "7")];
    let rows: [[&[(&str, &str)]; 2]; 2] = [[&[], &[merged[0], merged[2]]], [&common, &merged]];
    for &schema in Schema::ALL {
        for [common, merged] in rows {
            let layout = |of: &[(&str, &str)], by_host: &TagsByHost| {
                let layout = Layout::new(schema, tags(of)).with_tags_by_host(by_host.clone());
                layout.without(&[schema.fields()[1]]).expect("a field")
            };
            let layouts = |expected| {
                let none = TagsByHost::default();
                [layout(common, &by_host), layout(expected, &none)]
            };
            for (events, expected) in [(&there, merged), (&elsewhere, common)] {
                let [seen, expected] =
                    layouts(expected).map(|layout| in_every_form(&layout, events.iter()));
                assert!(seen == expected, "{schema}");
            }
        }
    }
}

/// Golden datagrams in the other schemas: `schemas/NAME.json`, by the datagrams' names.
#[test]
fn golden_datagrams_give_their_events_in_the_other_schemas() {
    let datagrams: BTreeMap<String, Vec<u8>> = golden()
        .into_iter()
        .map(|golden| (golden.name, golden.datagram))
        .collect();
    for (schema, expected) in [
        (Schema::Ecs, include_str!("../schemas/ecs.json")),
        (
            Schema::ButlerSos,
            include_str!("../schemas/butler_sos.json"),
        ),
    ] {
        let expected: BTreeMap<String, Vec<Value>> = serde_json::from_str(expected).expect("JSON");
        for (name, expected) in &expected {
            let seen: Vec<Value> = events(&datagrams[name])
                .iter()
                .map(|event| serde_json::to_value(schema.view(event)).expect("JSON"))
                .collect();
            assert_eq!(&seen, expected, "{name}: {schema}");
        }
        assert!(!expected.is_empty(), "{schema}");
    }
}
