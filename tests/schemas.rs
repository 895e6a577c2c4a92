//! What holds for every schema: its list of fields, tags, and fields that are left out, in every codec.

#[path = "support/events.rs"]
mod all;
#[path = "support/pipeline.rs"]
mod pipeline;
#[path = "support/golden.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use all::every_event;
use pipeline::events;
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    schema::{Fields, Layout, Schema, Tags, Visitor},
};
use serde::Serialize;
use serde_json::Value;
use support::golden;

/// The names of all fields that are shown, present or not.
#[derive(Default)]
struct Names {
    within: String,
    seen: BTreeSet<String>,
}

impl Visitor for Names {
    type Error = std::convert::Infallible;

    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        _: Option<&T>,
    ) -> Result<(), Self::Error> {
        self.seen.insert(format!("{}{name}", self.within));
        Ok(())
    }

    fn group<F: Fields>(&mut self, name: &'static str, fields: &F) -> Result<(), Self::Error> {
        let mut within = Self {
            within: format!("{}{name}.", self.within),
            seen: BTreeSet::from([format!("{}{name}", self.within)]),
        };
        fields.visit(&mut within)?;
        self.seen.append(&mut within.seen);
        Ok(())
    }
}

#[test]
fn lists_of_fields_are_complete() {
    for schema in Schema::ALL {
        let mut names = Names::default();
        for event in &every_event() {
            match schema.view(event).visit(&mut names) {
                Ok(()) => {}
            }
        }
        let listed: BTreeSet<String> = schema.fields().iter().map(ToString::to_string).collect();
        assert_eq!(listed, names.seen, "{schema}");
        assert_eq!(listed.len(), schema.fields().len(), "{schema}");
    }
}

/// The value of a field, `error.code` for a field within a field.
fn at<'a>(record: &'a Value, field: &str) -> Option<&'a Value> {
    field
        .split('.')
        .try_fold(record, |value, name| value.get(name))
}

/// Takes a field out, and what is empty without it.
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
fn every_field_can_be_left_out_and_nothing_else_goes() {
    let events = every_event();
    let mut left_out = 0;
    for schema in Schema::ALL {
        for field in schema.fields() {
            let layout = Layout::new(schema, Tags::default())
                .without(&[field])
                .expect("a field");
            for event in &events {
                let mut expected = serde_json::to_value(schema.view(event)).expect("JSON");
                left_out += usize::from(at(&expected, field).is_some());
                remove(&mut expected, field);
                let seen = serde_json::to_value(layout.view(event)).expect("JSON");
                assert_eq!(seen, expected, "{schema} without {field}");
            }
        }
    }
    assert!(left_out > 4_000, "{left_out} fields were left out");
}

#[test]
fn all_fields_can_be_left_out() {
    for schema in Schema::ALL {
        let layout = Layout::new(schema, Tags::default())
            .without(schema.fields())
            .expect("fields");
        for codec in Codec::ALL {
            let mut encoder = Encoder::new(codec);
            for event in &every_event() {
                assert_eq!(
                    serde_json::to_value(layout.view(event)).expect("JSON"),
                    serde_json::json!({})
                );
                encoder.push(&layout.view(event)).expect("a record");
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
        text.starts_with("expected fields of the schema `ecs`, and `user_id` is none; "),
        "{text}"
    );
    assert!(text.contains(" user.name, "), "{text}");
}

#[test]
fn tags_are_on_every_event() {
    let map = BTreeMap::from([
        ("environment".to_owned(), "production".to_owned()),
        ("site".to_owned(), "Göteborg \"1\"".to_owned()),
    ]);
    let expected = serde_json::to_value(&map).expect("JSON");
    let tags = Tags::try_from(map).expect("tags");
    for (schema, name) in [
        (Schema::Default, "tags"),
        (Schema::Ecs, "labels"),
        (Schema::ButlerSos, "tags"),
    ] {
        let layout = Layout::new(schema, tags.clone());
        for event in &every_event() {
            let record = serde_json::to_value(layout.view(event)).expect("JSON");
            assert_eq!(record[name], expected, "{schema}");
        }
    }
}

/// What golden datagrams become in the other schemas: `schemas/NAME.json`, by the datagrams' names.
#[test]
fn golden_datagrams_in_the_other_schemas() {
    let datagrams: BTreeMap<String, Vec<u8>> = golden()
        .into_iter()
        .map(|golden| (golden.name, golden.datagram))
        .collect();
    for (schema, expected) in [
        (Schema::Ecs, include_str!("schemas/ecs.json")),
        (Schema::ButlerSos, include_str!("schemas/butler_sos.json")),
    ] {
        let expected: BTreeMap<String, Vec<Value>> = serde_json::from_str(expected).expect("JSON");
        for (name, expected) in &expected {
            let seen: Vec<Value> = events(&datagrams[name])
                .iter()
                .map(|event| serde_json::to_value(schema.view(event)).expect("JSON"))
                .collect();
            assert_eq!(&seen, expected, "{name}: {schema}");
        }
        assert!(expected.len() >= 95, "{schema}: {}", expected.len());
    }
}
