//! Events in the schema `ecs` conform to Elastic Common Schema 8.17.
//!
//! Types of fields, and which of them have several values, are from `generated/csv/fields.csv` in [Elastic's
//! repository](https://github.com/elastic/ecs) at the tag v8.17.0; allowed values, and the types allowed for each
//! category, are from `schemas/event.yml` there.
//! types go with which category, are those of `schemas/event.yml` there.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use chrono::{DateTime, Utc};
use qlik_sense_events::schema::{Details, Layout, PluginEvent, Schema, Tags, Timestamp};
use serde_json::Value;

use crate::support::every_event;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Date,
    /// `keyword`.
    Keyword,
    /// `match_only_text`.
    Text,
    Ip,
    Long,
    /// An object of keywords.
    Labels,
}

/// Field, type, whether it has several values.
const FIELDS: [(&str, Type, bool); 34] = [
    ("@timestamp", Type::Date, false),
    ("labels", Type::Labels, false),
    ("message", Type::Text, false),
    ("ecs.version", Type::Keyword, false),
    ("error.code", Type::Keyword, false),
    ("error.message", Type::Text, false),
    ("event.kind", Type::Keyword, false),
    ("event.category", Type::Keyword, true),
    ("event.type", Type::Keyword, true),
    ("event.action", Type::Keyword, false),
    ("event.module", Type::Keyword, false),
    ("event.created", Type::Date, false),
    ("event.sequence", Type::Long, false),
    ("event.start", Type::Date, false),
    ("event.end", Type::Date, false),
    ("event.duration", Type::Long, false),
    ("event.dataset", Type::Keyword, false),
    ("event.id", Type::Keyword, false),
    ("event.outcome", Type::Keyword, false),
    ("event.original", Type::Keyword, false),
    ("host.name", Type::Keyword, false),
    ("log.level", Type::Keyword, false),
    ("log.logger", Type::Keyword, false),
    ("service.name", Type::Keyword, false),
    ("error.stack_trace", Type::Text, false),
    ("observer.ip", Type::Ip, true),
    ("user.id", Type::Keyword, false),
    ("user.domain", Type::Keyword, false),
    ("user.name", Type::Keyword, false),
    ("user_agent.original", Type::Keyword, false),
    ("user_agent.name", Type::Keyword, false),
    ("user_agent.version", Type::Keyword, false),
    ("user_agent.os.name", Type::Keyword, false),
    ("user_agent.os.version", Type::Keyword, false),
];

/// `event.kind`.
const KINDS: [&str; 8] = [
    "alert",
    "asset",
    "enrichment",
    "event",
    "metric",
    "pipeline_error",
    "signal",
    "state",
];

/// `event.outcome`.
const OUTCOMES: [&str; 3] = ["failure", "success", "unknown"];

/// The values of `event.category` that are used, each with the allowed values of `event.type`.
const CATEGORIES: [(&str, &[&str]); 5] = [
    ("authentication", &["start", "end", "info"]),
    (
        "api",
        &[
            "access", "admin", "allowed", "change", "creation", "deletion", "denied", "end",
            "info", "start", "user",
        ],
    ),
    (
        "network",
        &[
            "access",
            "allowed",
            "connection",
            "denied",
            "end",
            "info",
            "protocol",
            "start",
        ],
    ),
    ("process", &["access", "change", "end", "info", "start"]),
    ("session", &["start", "end", "info"]),
];

fn is_of(type_: Type, value: &Value) -> bool {
    let text = value.as_str();
    match type_ {
        Type::Date => text.is_some_and(|text| DateTime::parse_from_rfc3339(text).is_ok()),
        Type::Long => value.is_i64(),
        Type::Ip => text.is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        Type::Keyword | Type::Text => text.is_some(),
        Type::Labels => value
            .as_object()
            .is_some_and(|labels| !labels.is_empty() && labels.values().all(Value::is_string)),
    }
}

/// Checks the fields of a record that are not under `qlik_sense`, and collects their names.
fn check_fields(record: &Value, within: &str, seen: &mut BTreeSet<String>) {
    for (name, value) in record.as_object().expect("a map") {
        let name = format!("{within}{name}");
        if name == "qlik_sense" {
            continue;
        }
        match FIELDS.iter().find(|(known, ..)| *known == name) {
            Some((_, type_, true)) => {
                let values = value
                    .as_array()
                    .unwrap_or_else(|| panic!("{name}: {value}"));
                assert!(!values.is_empty(), "{name}");
                for value in values {
                    assert!(is_of(*type_, value), "{name}: {value}");
                }
                seen.insert(name);
            }
            Some((_, type_, false)) => {
                assert!(is_of(*type_, value), "{name}: {value}");
                seen.insert(name);
            }
            None => {
                assert!(value.is_object(), "{name} is no field of ECS");
                check_fields(value, &format!("{name}."), seen);
            }
        }
    }
}

fn texts(value: &Value) -> Vec<&str> {
    let values = value.as_array().into_iter().flatten();
    values.filter_map(Value::as_str).collect()
}

fn check_values(record: &Value) {
    let event = &record["event"];
    let kind = event["kind"].as_str().expect("a kind");
    assert!(KINDS.contains(&kind), "{kind}");
    if let Some(outcome) = event["outcome"].as_str() {
        assert!(OUTCOMES.contains(&outcome), "{outcome}");
    }
    assert_eq!(record["ecs"]["version"], "8.17.0");
    let module = event["module"].as_str().expect("a module");
    let dataset = event["dataset"].as_str().expect("a dataset");
    assert!(dataset.starts_with(&format!("{module}.")), "{dataset}");
    let (categories, types) = (texts(&event["category"]), texts(&event["type"]));
    for category in &categories {
        let (_, allowed) = CATEGORIES
            .iter()
            .find(|(known, _)| known == category)
            .unwrap_or_else(|| panic!("{category} is no category"));
        for type_ in &types {
            assert!(allowed.contains(type_), "{category} has no type {type_}");
        }
    }
    assert_eq!(categories.is_empty(), types.is_empty());
}

fn layout() -> Layout {
    let tags = BTreeMap::from([("environment".to_owned(), "test".to_owned())]);
    Layout::new(Schema::Ecs, Tags::try_from(tags).expect("a tag"))
}

#[test]
fn every_event_keeps_to_the_schema() {
    let layout = layout();
    let mut fields = BTreeSet::new();
    let mut actions = BTreeSet::new();
    for event in &every_event() {
        let record = serde_json::to_value(layout.view(event)).expect("JSON");
        check_fields(&record, "", &mut fields);
        check_values(&record);
        if let Some(action) = record["event"]["action"].as_str() {
            actions.insert(action.to_owned());
        }
    }
    assert_eq!(actions.len(), 18, "{actions:?}");
    let shown: BTreeSet<String> = Schema::Ecs
        .fields()
        .iter()
        .filter(|name| FIELDS.iter().any(|(known, ..)| known == *name))
        .map(ToString::to_string)
        .collect();
    assert_eq!(fields, shown, "every field is among the events");
}

#[test]
fn diagnostics_keep_to_the_schema() {
    let mut details = Details::default();
    details.add("datagrams", 7_u64);
    let event = PluginEvent {
        timestamp: Timestamp(DateTime::<Utc>::UNIX_EPOCH),
        level: "info",
        message: "running".to_owned(),
        details,
    };
    let layout = layout();
    let record = serde_json::to_value(layout.view(&event)).expect("JSON");
    let mut fields = BTreeSet::new();
    check_fields(&record, "", &mut fields);
    check_values(&record);
    assert!(fields.contains("log.level"));
    assert_eq!(record["qlik_sense"]["plugin"]["datagrams"], 7);
}
