//! Users as tokens: nobody is named in what goes out, whatever the schema, and everything else stays.
#![cfg(feature = "host")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use qlik_sense_events::{
    event::Arrival,
    pipeline::{Pipeline, PipelineConfig},
    schema::{Layout, Schema, Tags},
    simulate::{Site, SiteOptions},
    transform::{
        BlacklistConfig, OutputBuffer, PseudonymizeConfig, SessionsConfig,
        pseudonymize::{KeySource, Secret},
    },
};
use serde_json::Value;

const DATAGRAMS: usize = 3_000;

fn config(key: Option<&str>) -> PipelineConfig {
    PipelineConfig {
        blacklist: BlacklistConfig {
            users: vec![r"INTERNAL\sa_*".parse().expect("a pattern")],
            ..BlacklistConfig::default()
        },
        sessions: SessionsConfig {
            enabled: true,
            ..SessionsConfig::default()
        },
        pseudonymize: PseudonymizeConfig {
            key: key.map(|key| KeySource::Variable {
                name: "KEY".into(),
                value: Some(Secret(key.into())),
            }),
        },
        ..PipelineConfig::default()
    }
}

/// What a site's day gives in each schema.
fn day(pipeline: &mut Pipeline) -> BTreeMap<&'static str, Vec<Value>> {
    let layouts = Schema::ALL.map(|schema| (schema.as_str(), Layout::new(schema, Tags::default())));
    let mut site = Site::new(SiteOptions::default());
    let (mut datagram, mut output) = (Vec::new(), OutputBuffer::default());
    let mut shown = BTreeMap::<_, Vec<_>>::new();
    let mut now: DateTime<Utc> = DateTime::UNIX_EPOCH;
    for _ in 0..DATAGRAMS {
        now += TimeDelta::seconds(1);
        site.next_datagram(&mut datagram);
        pipeline.datagram(
            &datagram,
            Arrival::new(now, [192, 0, 2, 1].into()),
            &mut output,
        );
        pipeline.tick(now, &mut output);
        for (name, layout) in &layouts {
            let events = output
                .iter()
                .map(|event| serde_json::to_value(layout.view(event)));
            shown
                .entry(*name)
                .or_default()
                .extend(events.map(|event| event.expect("JSON")));
        }
        output.drain();
    }
    shown
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn nobody_is_named_and_the_rest_stays() {
    let plain = day(&mut config(None).build().expect("a pipeline"));
    let hidden = day(&mut config(Some(KEY)).build().expect("a pipeline"));
    // Ids that are no part of other words: what a site's nodes and apps are called is no secret.
    let names: BTreeSet<String> = plain["default"]
        .iter()
        .filter_map(|event| event["user_id"].as_str())
        .filter(|id| id.chars().count() >= 5)
        .map(str::to_lowercase)
        .collect();
    assert!(names.len() > 50, "{} users", names.len());
    for (schema, events) in &hidden {
        for event in events {
            let text = event.to_string().to_lowercase();
            let named = names.iter().find(|name| text.contains(*name));
            assert_eq!(named, None, "{schema}: {text}");
        }
    }

    let mut tokens = BTreeMap::new();
    let mut compared = BTreeMap::<_, usize>::new();
    assert_eq!(plain["default"].len(), hidden["default"].len());
    for (plain, hidden) in plain["default"].iter().zip(&hidden["default"]) {
        let [plain, hidden] = [plain, hidden].map(|event| event.as_object().expect("a map"));
        *compared.entry(plain["event"].to_string()).or_default() += 1;
        for (name, value) in plain {
            let now = hidden.get(name);
            match name.as_str() {
                "message" | "raw" | "unreadable" => assert_eq!(now, None),
                "user_directory" | "user_id" | "user" => {
                    let token = now.expect("a token").as_str().expect("text").to_owned();
                    let name = (name, value.as_str().expect("text").to_lowercase());
                    assert_eq!(
                        tokens.entry((name, user(plain))).or_insert(token.clone()),
                        &token
                    );
                }
                "context" => {
                    let whole = value.as_str().expect("text");
                    let Some(now) = now.and_then(Value::as_str) else {
                        let names = ["user_directory", "user_id"].map(|name| part(plain, name));
                        let whole = whole.to_lowercase();
                        let named = |name: &String| !name.is_empty() && whole.contains(name);
                        assert!(names.iter().any(named), "{plain:?}");
                        continue;
                    };
                    assert!(whole.starts_with(now) && !now.contains('?'), "{now}");
                }
                _ => assert_eq!(now, Some(value), "{name}"),
            }
        }
        assert!(hidden.keys().all(|name| plain.contains_key(name)));
    }
    // Different users are different tokens.
    let ids: Vec<_> = tokens
        .iter()
        .filter(|(((name, _), _), _)| *name == "user")
        .collect();
    let distinct: BTreeSet<_> = ids.iter().map(|(_, token)| *token).collect();
    assert_eq!(distinct.len(), ids.len());
    assert!(compared.len() >= 5, "kinds of events: {compared:?}");
}

/// The first event of a datagram, in the schema `default`.
fn first_event(pipeline: &mut Pipeline, datagram: &[u8]) -> Value {
    let mut output = OutputBuffer::default();
    pipeline.datagram(datagram, Arrival::local(DateTime::UNIX_EPOCH), &mut output);
    let event = &output.into_events()[0];
    serde_json::to_value(Schema::Default.view(event)).expect("JSON")
}

/// Who an event is about, as it is compared.
fn user(event: &serde_json::Map<String, Value>) -> String {
    format!(
        "{}\\{}",
        part(event, "user_directory"),
        part(event, "user_id")
    )
}

fn part(event: &serde_json::Map<String, Value>, name: &str) -> String {
    let text = event.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_lowercase()
}

#[test]
fn another_key_makes_other_tokens() {
    let datagram = b"/qseow-proxy-session/;n1;Start session;LAB;goran;;/hub;goran started";
    let tokens = [KEY, "another key, which is long enough"].map(|key| {
        let mut pipeline = config(Some(key)).build().expect("a pipeline");
        first_event(&mut pipeline, datagram)["user"].clone()
    });
    assert_ne!(tokens[0], tokens[1]);
}

/// A name in a place where it is not expected.
#[test]
fn places_where_a_name_may_be() {
    let id = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";
    let rows = [
        (format!("/app/{id}?user=goran"), format!("/app/{id}")),
        (
            format!("/app/{id}/identity/goran/ttl/60"),
            format!("/app/{id}"),
        ),
        (format!("/app/{id}/IDENTITY/goran"), format!("/app/{id}")),
        ("/app/%3Fuser%3Dgoran".into(), "/app/".into()),
        ("/hub#goran".into(), "/hub".into()),
        ("/hub/my/work".into(), "/hub/my/work".into()),
        ("Not available".into(), "Not available".into()),
    ];
    let mut pipeline = config(Some(KEY)).build().expect("a pipeline");
    for (context, expected) in &rows {
        let datagram = format!(
            "/qseow-proxy-connection/;n1;Open connection;LAB;goran;AppAccess;{context};goran;x"
        );
        let shown = first_event(&mut pipeline, datagram.as_bytes());
        assert_eq!(shown["context"], *expected);
        assert!(!shown.to_string().contains("goran"), "{shown}");
    }
    assert_eq!(rows.len(), 7);
}

/// What remains of a context, and the user agent, is the sender's own text.
#[test]
fn text_that_names_the_user_as_a_word_goes() {
    let rows = [
        ("/users/Goran/x", "curl/8", None, Some("curl/8")),
        ("/x/lab", "me (LAB)", None, None),
        (
            "/hub",
            "Mozilla/5.0' opened by lab\\goran",
            Some("/hub"),
            None,
        ),
        ("/hub", "agent of g%6Fran", Some("/hub"), None),
        ("/labels", "goran2/1", Some("/labels"), Some("goran2/1")),
    ];
    let mut pipeline = config(Some(KEY)).build().expect("a pipeline");
    for (context, agent, kept_context, kept_agent) in rows {
        let datagram = format!(
            "/qseow-proxy-connection/;n1;Open connection;LAB;goran;AppAccess;{context};UserAgent: {agent}"
        );
        let shown = first_event(&mut pipeline, datagram.as_bytes());
        assert_eq!(
            shown.get("context").and_then(Value::as_str),
            kept_context,
            "{context}"
        );
        assert_eq!(
            shown.get("user_agent").and_then(Value::as_str),
            kept_agent,
            "{agent}"
        );
    }
    assert_eq!(rows.len(), 5);
}

/// What stands before `/app/` in a path is taken for the prefix of a virtual proxy.
#[test]
fn a_prefix_that_names_the_user_goes_from_every_event() {
    let mut pipeline = config(Some(KEY)).build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    let app = "app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";
    for (prefix, kept) in [("users/goran", false), ("lab", true)] {
        for command in ["Open connection", "Close connection"] {
            let datagram = format!(
                "/qseow-proxy-connection/;n1;{command};LAB;goran;AppAccess;/{prefix}/{app};\
                 UserAgent: 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0'"
            );
            let arrival = Arrival::local(DateTime::UNIX_EPOCH);
            pipeline.datagram(datagram.as_bytes(), arrival, &mut output);
        }
        let events: Vec<Value> = output
            .drain()
            .map(|event| serde_json::to_value(Schema::Default.view(&event)).expect("JSON"))
            .collect();
        let names: Vec<&Value> = events.iter().map(|event| &event["event"]).collect();
        assert_eq!(names, ["connection", "connection", "connection_summary"]);
        for event in &events {
            assert!(!event.to_string().contains("goran"), "{event}");
            assert_eq!(event.get("virtual_proxy").is_some(), kept, "{event}");
        }
    }
}
