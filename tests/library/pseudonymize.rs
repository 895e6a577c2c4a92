//! Pseudonyms: the output names no user in any schema, and everything else stays.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
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
use regex_automata::meta::Regex;
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

/// The output for a site's day in each schema.
fn day(pipeline: &mut Pipeline) -> BTreeMap<&'static str, Vec<Value>> {
    let layouts: Vec<(&str, Layout)> = Schema::ALL
        .iter()
        .map(|schema| (schema.as_str(), Layout::new(*schema, Tags::default())))
        .collect();
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
fn no_user_is_named_and_the_rest_stays() {
    let plain = day(&mut config(None).build().expect("a pipeline"));
    let hidden = day(&mut config(Some(KEY)).build().expect("a pipeline"));
    // Ids that are not part of other words, because the names of nodes and apps are not secret.
    let names: BTreeSet<String> = plain["default"]
        .iter()
        .filter_map(|event| event["user_id"].as_str())
        .filter(|id| id.chars().count() >= 5)
        .map(str::to_lowercase)
        .collect();
    assert!(names.len() > 50, "{} users", names.len());
    // One search for all of them.
    let patterns: Vec<String> = names
        .iter()
        .map(|name| regex_syntax::escape(name))
        .collect();
    let any_name = Regex::new(&patterns.join("|")).expect("a pattern");
    for (schema, events) in &hidden {
        for event in events {
            let text = event.to_string().to_lowercase();
            let named = any_name.find(&text).map(|found| &text[found.range()]);
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
    // Different users have different tokens.
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

/// The user of an event, in the form used for comparison.
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

/// A name in unexpected places.
#[test]
fn a_name_is_hidden_wherever_it_may_be() {
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

/// Nothing in a user event marks where a field ends; docs/privacy.md says so.
#[test]
fn what_follows_a_separator_in_a_user_id_is_not_recognised_as_a_name() {
    let datagram = b"/qseow-proxy-session/;n1;Start session;LAB;a;goran;Not available;/hub;x";
    let mut pipeline = config(Some(KEY)).build().expect("a pipeline");
    let shown = first_event(&mut pipeline, datagram);
    assert_eq!(shown["origin"], "goran");
    assert_eq!(shown["context"], "Not available");
    assert_eq!(shown.get("message"), None);
}

/// The rest of a context, and the user agent, are the sender's own text.
#[test]
fn text_that_contains_the_user_as_a_word_is_removed() {
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

#[test]
fn a_path_with_an_escaped_name_is_removed() {
    let rows = [
        (
            "jane.doe@acme.example",
            "/users/jane.doe%40acme.example/home",
        ),
        (
            "jane.doe@acme.example",
            "/users/jane.doe%2540acme.example/home",
        ),
        ("jane.doe@acme.example", "/users/jane.doe/home"),
        (
            "jane.doe@acme.example",
            "/users/JANE.DOE%40ACME.EXAMPLE/app/{a}",
        ),
        ("jane doe", "/users/jane%20doe"),
        ("jane doe", "/users/jane+doe"),
        ("jörgen", "/users/j%C3%B6rgen"),
        ("jörgen", "/users/j%c3%b6rgen"),
        ("jörgen", "/users/j%F6rgen"),
        ("jörgen", "/j%u00F6rgen/hub"),
        (r"acme\jane", "/users/acme%5Cjane"),
        ("jane?x", "/users/jane%3Fx/home"),
    ];
    let mut pipeline = config(Some(KEY)).build().expect("a pipeline");
    for (id, context) in rows {
        let context = context.replace("{a}", "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69");
        let datagram = format!(
            "/qseow-proxy-connection/;n1;Open connection;LAB;{id};AppAccess;{context};said"
        );
        let shown = first_event(&mut pipeline, datagram.as_bytes());
        assert_eq!(shown.get("context"), None, "{id} {context}");
        assert_eq!(shown.get("virtual_proxy"), None, "{id} {context}");
    }
}

/// Developers choose the names of apps.
#[test]
fn an_app_named_after_the_user_is_shown_by_its_id() {
    let mut config = config(Some(KEY));
    let folder = tempfile::tempdir().expect("a folder");
    let apps = folder.path().join("apps.csv");
    let app = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";
    std::fs::write(&apps, format!("id,name\n{app},Sales (Goran)\n")).expect("a file");
    config.app_names.files = vec![apps];
    let mut pipeline = config.build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    let arrival = Arrival::local(DateTime::UNIX_EPOCH);
    for (user, kept) in [("goran", false), ("anna", true)] {
        for command in ["Open connection", "Close connection"] {
            let datagram = format!(
                "/qseow-proxy-connection/;n1;{command};LAB;{user};AppAccess;/app/{app};said"
            );
            pipeline.datagram(datagram.as_bytes(), arrival, &mut output);
        }
        let events: Vec<_> = output.drain().collect();
        assert_eq!(events.len(), 3);
        for event in events {
            let shown = serde_json::to_value(Schema::Default.view(&event)).expect("JSON");
            assert_eq!(shown["app_id"], app);
            assert_eq!(shown.get("app_name").is_some(), kept, "{shown}");
        }
    }
}

/// The part of a path before `/app/` counts as the prefix of a virtual proxy.
#[test]
fn a_prefix_that_names_the_user_is_removed_from_every_event() {
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

/// A name in the forms in which browsers, proxies and mashups write it into a path or a text.
fn encodings(name: &str) -> Vec<(&'static str, String)> {
    let escaped = |bytes: &[u8], must: &dyn Fn(u8) -> bool| -> String {
        let escape = |byte: &u8| match must(*byte) {
            true => format!("%{byte:02X}"),
            false => char::from(*byte).to_string(),
        };
        bytes.iter().map(escape).collect()
    };
    let is_reserved = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte);
    let usual = escaped(name.as_bytes(), &is_reserved);
    let whole = escaped(name.as_bytes(), &|_| true);
    let again = |text: &str| text.replace('%', "%25");
    let (windows_1252, ..) = encoding_rs::WINDOWS_1252.encode(name);
    let by_character = |write: &dyn Fn(char) -> String| name.chars().map(write).collect::<String>();
    let mixed_hex = usual
        .char_indices()
        .map(|(place, character)| match place % 2 {
            0 => character.to_ascii_lowercase(),
            _ => character.to_ascii_uppercase(),
        });
    vec![
        ("as it is", name.to_owned()),
        ("upper case", name.to_uppercase()),
        ("quoted", format!("\"{name}\"")),
        ("percent", usual.clone()),
        ("percent, lower case", usual.to_lowercase()),
        ("percent, mixed case", mixed_hex.collect()),
        ("percent, every byte", whole.clone()),
        ("percent, twice", again(&usual)),
        ("percent, every byte twice", again(&whole)),
        ("percent, three times", again(&again(&usual))),
        (
            "percent, windows-1252",
            escaped(&windows_1252, &is_reserved),
        ),
        (
            "percent, UTF-16",
            by_character(&|c| match c.is_ascii_alphanumeric() {
                true => c.to_string(),
                false => format!("%u{:04X}", u32::from(c)),
            }),
        ),
        ("form", usual.replace("%20", "+")),
        (
            "HTML, decimal",
            by_character(&|c| match c.is_ascii_alphanumeric() {
                true => c.to_string(),
                false => format!("&#{};", u32::from(c)),
            }),
        ),
        (
            "HTML, hexadecimal, in percent",
            escaped(
                by_character(&|c| format!("&#x{:x};", u32::from(c))).as_bytes(),
                &is_reserved,
            ),
        ),
    ]
}

/// Payloads with a text in one field each, at `{}`. All of them have the fields of the extended appender, so that every
/// field is covered.
const PLACES: [&str; 16] = [
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/{};said",
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/users/{}/home;said",
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/users/{};said",
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/users/x-{}-y/home?q=1;said",
    PREFIXES[0],
    PREFIXES[1],
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/app/{a}/identity/{}/ttl/60;said",
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/app/{a}?user={};said",
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/hub#{};said",
    "n1;{t};1;s;r;Open connection;{u};{};/hub;said",
    "n1;{t};1;s;r;Open of {};{u};AppAccess;/hub;said",
    "n1;{t};1;s;{};Open connection;{u};AppAccess;/hub;said",
    "n1;{t};1;{};r;Open connection;{u};AppAccess;/hub;said",
    "n1;{};{};s;r;Open connection;{u};AppAccess;/hub;said",
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/hub;{} said; UserAgent: '{} of {}/1.0'",
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/hub;said; UserAgent: '{}/1.0 (Windows NT 10.0)'",
];

/// Places where the text is the prefix of a virtual proxy, which may have the same name as the directory.
const PREFIXES: [&str; 2] = [
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/{}/app/{a}?q=1;said",
    "n1;{t};1;s;r;Open connection;{u};AppAccess;/x/{}/hub;said",
];

/// All output for a payload and for the end of its session, in every schema.
fn shown(payload: &str) -> String {
    let mut pipeline = config(Some(KEY)).build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    let datagram = format!("/qlik-sense-connection/2/;{payload}");
    let arrival = Arrival::local(DateTime::UNIX_EPOCH);
    pipeline.datagram(datagram.as_bytes(), arrival, &mut output);
    for hours in [48, 96] {
        pipeline.tick(DateTime::UNIX_EPOCH + TimeDelta::hours(hours), &mut output);
    }
    let mut shown = String::new();
    for &schema in Schema::ALL {
        for event in output.iter() {
            shown += &serde_json::to_string(&schema.view(event)).expect("JSON");
            shown.push('\n');
        }
    }
    assert!(
        shown.matches("session_summary").count() >= 2 || payload.contains("Open of"),
        "{shown}"
    );
    shown.to_lowercase()
}

/// The parts of a name that are enough to recognise it: three or more ASCII letters.
fn telling_parts(name: &str) -> impl Iterator<Item = String> {
    let parts = name.split(|c: char| !c.is_ascii_alphabetic());
    parts.filter(|part| part.len() >= 3).map(str::to_lowercase)
}

/// Names of letters that occur together in no other word of a payload.
fn name() -> impl Strategy<Value = String> {
    let word = "[zqxjk]{3}[zqxjköÄéßñ]{0,3}";
    let separator = prop::sample::select(vec![
        ".", "@", " ", "_", "-", "/", "\\", "+", "%", "&", "#", "?", "'", "%4", " @ ",
    ]);
    let more = prop::collection::vec((separator, word), 0..3);
    (word, more).prop_map(|(first, more)| {
        let more = more
            .into_iter()
            .map(|(separator, word)| format!("{separator}{word}"));
        first + &more.collect::<String>()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_field_has_the_name_in_any_encoding(
        name in name(),
        place in prop::sample::select(&PLACES[..]),
        is_directory: bool,
    ) {
        let is_directory = is_directory && !PREFIXES.contains(&place);
        let user = if is_directory { format!("{name};goran") } else { format!("LAB;{name}") };
        for (encoding, text) in encodings(&name) {
            if text.contains(';') && !place.contains("UserAgent") {
                // It would end the field.
                continue;
            }
            let payload = place
                .replace("{u}", &user)
                .replace("{t}", "20260131T090000.000+0000")
                .replace("{a}", "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69")
                .replace("{}", &text);
            let shown = shown(&payload);
            for part in telling_parts(&name) {
                prop_assert!(!shown.contains(&part), "{}: {}\n{}\n{}", encoding, name, payload, shown);
            }
        }
    }
}
