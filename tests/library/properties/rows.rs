//! Properties of log and performance rows, checked by an oracle that splits a row at every `;`, and by an additional
//! `;` in every field that may contain one.

use proptest::{prelude::*, sample::Index};
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    schema::Layout,
};
use serde_json::{Map, Value, json};

use super::oracle::{naive_context, naive_time, shown_all};
use crate::support::pipeline::{ARRIVAL, events};

/// A type token, its service, and the names of the fields after the header.
type Family = (&'static str, &'static str, &'static [&'static str]);

const HEADER: [&str; 7] = [
    "sequence",
    "timestamp",
    "local_time",
    "level",
    "host",
    "logger",
    "service_account",
];

const WEB: &[&str] = &[
    "message",
    "exception",
    "user_directory",
    "user_id",
    "qlik_command",
    "result",
    "origin",
    "context",
];

const FAMILIES: [Family; 5] = [
    (
        "/qseow-engine/",
        "engine",
        &[
            "message",
            "session_id",
            "user_directory",
            "user_id",
            "engine_timestamp",
            "process_id",
            "engine_version",
            "server_started",
            "entry_type",
            "engine_session_id",
            "app_id",
        ],
    ),
    ("/qseow-proxy/", "proxy", WEB),
    ("/qseow-repository/", "repository", WEB),
    (
        "/qseow-scheduler/",
        "scheduler",
        &[
            "message",
            "exception",
            "user_directory",
            "user_id",
            "user",
            "task_name",
            "app_name",
            "task_id",
            "app_id",
            "execution_id",
        ],
    ),
    (
        "/qseow-qix-perf/",
        "engine",
        &[
            "session_id",
            "user_directory",
            "user_id",
            "engine_timestamp",
            "engine_session_id",
            "app_id",
            "request_id",
            "method",
            "process_ms",
            "work_ms",
            "lock_ms",
            "validate_ms",
            "traverse_ms",
            "handle",
            "object_id",
            "net_ram_bytes",
            "peak_ram_bytes",
            "object_type",
        ],
    ),
];

fn is_performance(family: &Family) -> bool {
    family.0.contains("perf")
}

fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !["", "(null)"].contains(text))
}

/// The expected event of a row with known fields.
fn naive(family: &Family, header: &[String], fields: &[String], glued: &str) -> Value {
    let (_, service, names) = *family;
    let mut event = Map::new();
    let mut unreadable = Map::new();
    let mut texts = Map::new();
    let all = HEADER.iter().zip(header).chain(names.iter().zip(fields));
    for (name, sent) in all.filter_map(|(name, sent)| Some((*name, present(sent)?))) {
        let value = match name {
            "timestamp" | "engine_timestamp" | "server_started" => {
                naive_time(sent).map(Value::from)
            }
            "sequence" => sent.parse::<u32>().ok().map(Value::from),
            "level" => {
                let known = ["debug", "info", "warn", "error", "fatal"];
                let level = sent.to_lowercase();
                known.contains(&&*level).then(|| level.into())
            }
            "app_id" => uuid::Uuid::try_parse(sent)
                .ok()
                .map(|id| id.to_string().into()),
            "request_id" | "handle" | "net_ram_bytes" => sent.parse::<i64>().ok().map(Value::from),
            "peak_ram_bytes" => {
                let number = sent.parse::<i64>().ok();
                number.filter(|number| *number >= 0).map(Value::from)
            }
            _ if name.ends_with("_ms") => {
                let number = sent.replace(',', ".").parse::<f64>().ok();
                let amount = number.filter(|number| number.is_finite() && *number >= 0.0);
                amount.map(Value::from)
            }
            _ => Some(sent.into()),
        };
        match value {
            Some(value) => texts.insert(name.to_owned(), value),
            None => unreadable.insert(name.to_owned(), sent.into()),
        };
    }
    event.insert(
        "event".to_owned(),
        if is_performance(family) {
            "performance"
        } else {
            "log"
        }
        .into(),
    );
    // `0` means no session.
    if texts.get("session_id") == Some(&json!("0")) {
        texts.remove("session_id");
    }
    // The node's local time is the same as the other time.
    texts.remove("local_time");
    match texts.get("timestamp") {
        Some(_) => drop(texts.insert("ingest_timestamp".to_owned(), ARRIVAL.into())),
        None => drop(texts.insert("timestamp".to_owned(), ARRIVAL.into())),
    }
    let logger = texts
        .get("logger")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let by_logger = logger.split('.').nth(1).map(str::to_lowercase);
    let known = ["engine", "proxy", "repository", "scheduler"];
    let by_logger = by_logger.filter(|name| known.contains(&&**name));
    texts.insert(
        "service".to_owned(),
        by_logger.unwrap_or_else(|| service.to_owned()).into(),
    );
    // A user in one field.
    if let Some(Value::String(user)) = texts.remove("user") {
        let (directory, id) = user.split_once('\\').unwrap_or(("", &user));
        for (name, told) in [("user_directory", directory), ("user_id", id)] {
            if let Some(told) = present(told) {
                texts.entry(name).or_insert_with(|| told.into());
            }
        }
    }
    if let (Some(Value::String(directory)), Some(Value::String(id))) =
        (texts.get("user_directory"), texts.get("user_id"))
    {
        let user = format!("{directory}\\{id}");
        texts.insert("user".to_owned(), user.into());
    }
    if let Some(Value::String(context)) = texts.get("context").cloned() {
        let (app_id, virtual_proxy) = naive_context(&context);
        for (name, value) in [("app_id", app_id), ("virtual_proxy", virtual_proxy)] {
            if let Some(value) = value {
                texts.insert(name.to_owned(), value.into());
            }
        }
    }
    if !glued.is_empty() {
        let exception = match texts.get("exception").and_then(Value::as_str) {
            Some(field) if !glued.contains(field) => format!("{field}\n{glued}"),
            _ => glued.to_owned(),
        };
        texts.insert("exception".to_owned(), exception.into());
    }
    if !unreadable.is_empty() {
        texts.insert("unreadable".to_owned(), unreadable.into());
    }
    event.extend(texts);
    event.into()
}

fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(texts).prop_map(str::to_owned).boxed()
}

const GUIDS: &[&str] = &[
    "c0de71aa-40b2-4d0e-8f31-0c9b8f2d6a10",
    "0F3D9C1E-7B64-4A58-8D2F-2C5E91AB7740",
    "d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610",
];
const TIMES: &[&str] = &[
    "20260131T095959.987+0100",
    "20260131T095959.987-0330",
    "2026-01-31T09:59:59,987+01:00",
    "20260131T085959Z",
];

/// The values that Qlik Sense writes to a field. `row` handles neighbours that are absent together.
fn lifelike(name: &'static str) -> BoxedStrategy<String> {
    match name {
        "sequence" => (0..=9_999_u32).prop_map(|row| row.to_string()).boxed(),
        "timestamp" | "engine_timestamp" | "server_started" => one_of(TIMES),
        "local_time" => one_of(&["2026-01-31 09:59:59,987"]),
        "level" => one_of(&["INFO", "WARN", "ERROR", "FATAL"]),
        "host" => one_of(&["pro2-win1", "n1"]),
        "logger" => one_of(&[
            "System.Engine.Engine",
            "System.Proxy.Proxy.Core.Pool`1[[Acme.Node, Acme, Version=31.1.0.0]]",
            "Service.Repository.Repository.Core",
            "Audit",
        ]),
        "service_account" => one_of(&[r"LAB\qlikservice"]),
        "message" => prop_oneof![
            one_of(&[
                "Reload failed: field not found",
                "Login refused",
                "a",
                "0",
                "x=1 y=2",
                "it's \"odd\" (null)"
            ]),
            "[A-Za-z0-9é .,:'\"=()/\\\\-]{1,30}",
        ]
        .boxed(),
        "exception" => one_of(&[
            "",
            "",
            "refused",
            "Socket closed by the other side",
            "System.Net.WebException: refused, port 4747",
            "Socket closed\u{21b5}\u{2193}   at Acme.Send(Byte[] b)\u{21b5}\u{2193}   at Acme.Run()",
        ]),
        "session_id" | "task_id" | "app_id" | "execution_id" | "engine_session_id" => one_of(GUIDS),
        "user_directory" => one_of(&["LAB", "INTERNAL", "lab.local"]),
        "user_id" => one_of(&["goran", "anders.\u{c5}berg@lab", "sa engine", r"a\b"]),
        "user" => one_of(&[r"LAB\goran", r"INTERNAL\sa_scheduler", r"LAB\a\b"]),
        "process_id" => one_of(&["6120", "5b1f0a52-93c7-4d1b-a8ce-77d0c1e45f90"]),
        "engine_version" => one_of(&["14.173.4.0"]),
        "entry_type" => one_of(&["1", "Start"]),
        "qlik_command" => one_of(&["Login:TryLogin", "Open connection", "Check access"]),
        "result" => one_of(&["403", "500", "0"]),
        "origin" => one_of(&["AppAccess", "Not available"]),
        "context" => one_of(&[
            "/hub",
            "/sales/app/0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740?x=1&y=2",
            "/qrs/user/full",
            "Not available",
        ]),
        "task_name" => one_of(&[
            "Nightly load of Sales",
            "Load",
            "F\u{f6}rs\u{e4}ljning (ny)",
        ]),
        "app_name" => one_of(&["Sales overview", "Budget", "2026"]),
        "request_id" | "handle" => (-1..999_i64).prop_map(|number| number.to_string()).boxed(),
        "net_ram_bytes" | "peak_ram_bytes" => (0..1_i64 << 40)
            .prop_map(|number| number.to_string())
            .boxed(),
        "method" => one_of(&[
            "GenericObject::GetLayout",
            "Doc::DoReloadEx",
            "Global::OpenApp",
        ]),
        "object_id" => one_of(&["TgFKZs", "SheetList", "<Unknown>"]),
        "object_type" => one_of(&["barchart", "my \"kpi\"", "<Unknown>"]),
        _ => one_of(&["18.734", "0,148", "0", "61234.5"]),
    }
}

/// Possible values of a field in a row with the right number of fields.
fn any_text(name: &'static str) -> BoxedStrategy<String> {
    prop_oneof![
        6 => lifelike(name),
        2 => one_of(&["", "(null)"]),
        1 => one_of(&["soon", "NaN", "-7", "%property", "Not available", " ", "SessionApp_7f3e"]),
    ]
    .boxed()
}

fn families() -> impl Strategy<Value = Family> {
    prop::sample::select(&FAMILIES[..])
}

fn fields(
    names: &'static [&'static str],
    text: fn(&'static str) -> BoxedStrategy<String>,
) -> Vec<BoxedStrategy<String>> {
    names.iter().map(|name| text(name)).collect()
}

const EXCEPTION: &str =
    "System.Exception: gone\r\n ---> System.Exception: inner; code 7\r\n   at Acme.Run();";

/// A row with the right number of fields, possibly with an exception after the last one.
fn exact_row() -> impl Strategy<Value = (Family, Vec<String>, Vec<String>, &'static str)> {
    families().prop_flat_map(|family| {
        let header = fields(&HEADER, any_text);
        let own = fields(family.2, any_text);
        let glued = prop::sample::select(vec!["", "", EXCEPTION]);
        (Just(family), header, own, glued)
    })
}

/// A row as Qlik Sense writes it, in which related fields are present or absent together.
fn lifelike_row() -> impl Strategy<Value = (Family, Vec<String>, Vec<String>, &'static str)> {
    let nothing = prop::sample::select(vec!["", "(null)"]);
    (families(), any::<[bool; 4]>(), nothing).prop_flat_map(|(family, absent, nothing)| {
        let header = fields(&HEADER, lifelike);
        let own = fields(family.2, lifelike);
        let glued = prop::sample::select(vec!["", "", EXCEPTION]);
        (Just(family), header, own, glued).prop_map(move |(family, header, mut own, glued)| {
            for (name, text) in family.2.iter().zip(&mut own) {
                let is_absent = match *name {
                    // The scheduler has the user in one field.
                    "user_directory" | "user_id" => absent[0] || family.1 == "scheduler",
                    "qlik_command" | "result" | "origin" | "context" => absent[1],
                    "process_id" | "engine_version" | "server_started" | "entry_type"
                    | "engine_session_id"
                        if !is_performance(&family) =>
                    {
                        absent[2]
                    }
                    "app_name" | "app_id" => absent[3],
                    _ => false,
                };
                if is_absent {
                    nothing.clone_into(text);
                }
                if *name == "session_id" && absent[0] {
                    "0".clone_into(text);
                }
            }
            (family, header, own, glued)
        })
    })
}

fn text_of(family: &Family, header: &[String], fields: &[String], glued: &str) -> String {
    let token = [family.0.to_owned()];
    [&token, header, fields].concat().join(";") + glued
}

/// A `;` in names, free texts and paths, within them or at the end of a message; a context still starts like a path.
fn with_separator(name: &str, text: &str, place: Index) -> Option<String> {
    let may_hold = match name {
        "message" | "task_name" | "app_name" | "object_id" | "object_type" => true,
        "exception" | "user_id" => text.chars().count() > 1,
        "context" => text.starts_with('/'),
        _ => false,
    };
    if !may_hold || present(text).is_none() {
        return None;
    }
    let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
    let (from, to) = match name {
        "message" => (0, places.len() + 1),
        // Not in the name of its type.
        "exception" if text.starts_with("System.") => (text.find(": ")?, places.len()),
        _ => (1, places.len()),
    };
    let places: Vec<usize> = places.into_iter().chain([text.len()]).collect();
    let place = *places.get(from + place.index(to.saturating_sub(from).max(1)))?;
    Some(format!("{};{}", &text[..place], &text[place..]))
}

proptest! {
    #[test]
    fn the_naive_oracle_of_rows_agrees((family, header, fields, glued) in exact_row()) {
        // Another rule covers two users that differ.
        let is_known = |name: &str| {
            let place = family.2.iter().position(|field| *field == name);
            place.is_some_and(|place| present(&fields[place]).is_some())
        };
        prop_assume!(!is_known("user") || !is_known("user_id") && !is_known("user_directory"));
        let text = text_of(&family, &header, &fields, glued);
        let glued = glued.trim_end_matches(['\r', '\n']);
        prop_assert_eq!(shown_all(text.as_bytes()), [naive(&family, &header, &fields, glued)], "{}", text);
    }

    #[test]
    fn a_row_that_is_cut_says_which_field_is_missing((family, header, fields, _) in exact_row(), length in any::<Index>()) {
        let names = [&HEADER[..], family.2].concat();
        let all = [&header[..], &fields[..]].concat();
        let length = length.index(all.len());
        let text = [&[family.0.to_owned()], &all[..length]].concat().join(";");
        let field = match names[length] {
            "qlik_command" => "command",
            name => name,
        };
        let expected = json!({
            "timestamp": ARRIVAL,
            "event": "undecoded",
            "error": { "code": "missing_field", "field": field, "offset": text.len() },
            "raw": text,
        });
        prop_assert_eq!(shown_all(text.as_bytes()), [expected]);
    }

    #[test]
    fn a_separator_moves_no_other_field(
        (family, header, mut fields, glued) in lifelike_row(),
        more in prop::collection::vec((any::<Index>(), any::<Index>()), 1..3),
    ) {
        for (field, place) in more {
            let field = field.index(fields.len());
            if let Some(text) = with_separator(family.2[field], &fields[field], place) {
                fields[field] = text;
            }
        }
        let text = text_of(&family, &header, &fields, glued);
        let sent = naive(&family, &header, &fields, glued);
        let shown = shown_all(text.as_bytes());
        let [shown] = &shown[..] else { panic!("{text}") };
        let Some(doubts) = shown.get("ambiguous").and_then(Value::as_array) else {
            prop_assert_eq!(shown, &sent, "{}", text);
            return Ok(());
        };
        // Ambiguous text is whole in the field that is named, and nowhere else.
        for (name, value) in shown.as_object().expect("a map") {
            if doubts.contains(&name.as_str().into()) {
                let place = family.2.iter().position(|field| field == name).expect("a field");
                let whole = value.as_str().expect("text");
                let whole = whole.split_once("\nSystem.Exception: gone").map_or(whole, |it| it.0);
                prop_assert!(whole.starts_with(&fields[place]), "{name} {whole} {text}");
                prop_assert!(text.contains(whole), "{name} {whole} {text}");
            } else if name == "exception" && !glued.is_empty() {
                // The exception of the field may be part of the ambiguous text.
                let all = sent["exception"].as_str().expect("text");
                prop_assert!(all.ends_with(value.as_str().expect("text")), "{text}");
            } else if name != "ambiguous" {
                prop_assert_eq!(Some(value), sent.get(name), "{} {}", name, text);
            }
        }
    }

    #[test]
    fn any_bytes_behind_the_token_of_a_row_give_events_in_every_codec(
        family in families(),
        bytes in prop::collection::vec(prop_oneof![2 => any::<u8>(), 1 => Just(b';'), 1 => Just(b'\n')], 0..200),
    ) {
        let events = events(&[family.0.as_bytes(), b";", &bytes].concat());
        prop_assert!(!events.is_empty());
        for codec in Codec::ALL {
            let mut encoder = Encoder::new(*codec, &Layout::default());
            for event in &events {
                encoder.push(event).expect("every event can be written");
            }
        }
    }
}
