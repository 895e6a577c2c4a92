//! Properties of task events, checked by an oracle that splits a row at every `;`, and by rows with known fields.

use proptest::prelude::*;
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    schema::Layout,
};
use serde_json::{Map, Value, json};

use super::oracle::{is_guid, shown_all};
use crate::support::pipeline::{ARRIVAL, events};

const FIELDS: [&str; 10] = [
    "host",
    "task_name",
    "app_name",
    "user",
    "task_id",
    "app_id",
    "local_time",
    "level",
    "execution_id",
    "message",
];

const BY_HAND: &str = "Manually triggered reload of ";

fn token() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("/scheduler-task-failed/", "failed"),
        ("/scheduler-reload-failed/", "failed"),
        ("/Scheduler-Task-Aborted/", "aborting"),
        ("/scheduler-task-success//", "succeeded"),
        ("/scheduler-task-success/", "succeeded"),
        ("/scheduler-distribute/", "distributed"),
    ])
}

fn any_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

const ABSENT: [&str; 2] = ["", "(null)"];
const GUIDS: [&str; 3] = [
    "d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610",
    "0F3D9C1E-7B64-4A58-8D2F-2C5E91AB7740",
    "{d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e618}",
];
const TIMES: [&str; 3] = [
    "2026-01-31 06:00:12,345",
    "2026-10-25 02:30:00.000",
    "2026-10-25 02:30:00",
];
const LEVELS: [&str; 3] = ["INFO", "WARN", "error"];
const USERS: [&str; 5] = [r"LAB\eva", r"\sa_api", r"LAB\a\b", "(null)", ""];

/// A part between two `;`, which may look like any field.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => any_of(&ABSENT),
        2 => any_of(&GUIDS),
        2 => any_of(&TIMES),
        2 => any_of(&LEVELS),
        2 => any_of(&USERS),
        2 => any_of(&["Sales", "a", "é 🚚", " ", "2026", "INFORMATION", "2026-1-1 06:00:12", "C:\\x"]),
        1 => any_of(&["Manually triggered reload of Sales", "Manually triggered reload of a"]),
    ]
}

/// Parts that look like a row.
fn regular_row() -> impl Strategy<Value = Vec<String>> {
    let ids = (any_of(&GUIDS), prop_oneof![any_of(&GUIDS), any_of(&ABSENT)]);
    let names = prop::collection::vec(part(), 2..6);
    let behind = prop::collection::vec(part(), 0..4);
    let time = (any_of(&TIMES), any_of(&LEVELS));
    (names, any_of(&USERS), ids, time, behind).prop_map(
        |(names, user, (task_id, app_id), (time, level), behind)| {
            let fixed = [user, task_id, app_id, time, level];
            [names, fixed.into(), behind].concat()
        },
    )
}

/// The same, but also for a manual reload, for two rows in one, and with parts in any order.
fn row() -> impl Strategy<Value = Vec<String>> {
    let app = prop::collection::vec(part(), 1..4);
    let by_hand = (app, regular_row()).prop_map(|(app, row)| {
        let app = app.join(";");
        let names = format!("{BY_HAND}{app};{app}");
        let names: Vec<String> = names.split(';').map(str::to_owned).collect();
        [names, row[2..].to_vec()].concat()
    });
    prop_oneof![
        4 => regular_row(),
        2 => by_hand,
        1 => (regular_row(), regular_row()).prop_map(|(one, other)| [one, other].concat()),
        2 => prop::collection::vec(part(), 0..14),
    ]
}

fn is_absent(text: &str) -> bool {
    ABSENT.contains(&text)
}

fn present(text: &str) -> Option<&str> {
    (!is_absent(text)).then_some(text)
}

fn is_id(text: &str) -> bool {
    is_absent(text) || is_guid(text.trim_start_matches('{').trim_end_matches('}'))
}

fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { 'd' } else { c })
        .collect();
    let (seconds, fraction) = shape.split_at(shape.len().min(19));
    let fraction = fraction.strip_prefix([',', '.']).unwrap_or("-");
    seconds == "dddd-dd-dd dd:dd:dd"
        && (shape.len() == 19 || !fraction.is_empty() && fraction.chars().all(|c| c == 'd'))
}

fn is_level(text: &str) -> bool {
    LEVELS.contains(&text)
}

/// The expected event of a scheduler's row, written as simply as possible.
fn naive(token: &str, action: &str, host: &str, row: &[&str]) -> Value {
    let text = [&[token, host], row].concat().join(";");
    let missing = |field: usize| {
        json!({
            "timestamp": ARRIVAL,
            "event": "undecoded",
            "error": { "code": "missing_field", "field": FIELDS[field], "offset": text.len() },
            "raw": text,
        })
    };
    let places: Vec<usize> = (3..row.len().saturating_sub(3))
        .filter(|at| {
            is_id(row[*at]) && is_id(row[at + 1]) && is_time(row[at + 2]) && is_level(row[at + 3])
        })
        .collect();
    let mut event = Map::new();
    let mut set = |name: &str, text: &str| {
        if !is_absent(text) {
            event.insert(name.to_owned(), text.into());
        }
    };
    set("timestamp", ARRIVAL);
    set("event", "task");
    set("action", action);
    set("service", "scheduler");
    set("host", host);
    let at = match places[..] {
        [at] => at,
        [] if row.len() < 9 => return missing(row.len() + 1),
        [] if row.len() == 9 => 3,
        _ => {
            set("task_name", &row.join(";"));
            event.insert("ambiguous".to_owned(), json!(["task_name"]));
            return event.into();
        }
    };
    if row.len() < at + 6 {
        return missing(8 + row.len() - (at + 4));
    }
    set("task_id", row[at]);
    set("local_time", row[at + 2]);
    set("execution_id", row[at + 4]);
    set("message", &row[at + 5..].join(";"));
    // The user.
    let before = &row[..at];
    let last = before.len() - 1;
    let mut start = last;
    if !is_absent(before[last]) {
        let mut named = (2..before.len()).filter(|at| before[*at].contains('\\'));
        start = named.next_back().unwrap_or(last);
    }
    let user = before[start..].join(";");
    if let Some((directory, id)) = user.split_once('\\') {
        set("user_directory", directory);
        set("user_id", id);
        if !is_absent(directory) && !is_absent(id) {
            set("user", &user);
        }
    } else {
        set("user_id", &user);
    }
    // Task and app.
    let names = &before[..start];
    let cut = if names.len() == 2 {
        Some(1)
    } else if is_absent(row[at + 1]) && is_absent(names[names.len() - 1]) {
        Some(names.len() - 1)
    } else {
        (1..names.len())
            .find(|cut| names[..*cut].join(";") == format!("{BY_HAND}{}", names[*cut..].join(";")))
    };
    set("task_name", &names[..cut.unwrap_or(names.len())].join(";"));
    if let Some(cut) = cut {
        set("app_name", &names[cut..].join(";"));
    }
    // Values that are not text.
    let mut unreadable = Map::new();
    let (app_id, level) = (row[at + 1], row[at + 3]);
    if !is_absent(app_id) && is_id(app_id) {
        let app_id = app_id.trim_start_matches('{').trim_end_matches('}');
        event.insert("app_id".to_owned(), app_id.to_lowercase().into());
    } else if !is_absent(app_id) {
        unreadable.insert("app_id".to_owned(), app_id.into());
    }
    if is_level(level) {
        event.insert("level".to_owned(), level.to_lowercase().into());
    } else if !is_absent(level) {
        unreadable.insert("level".to_owned(), level.into());
    }
    if !unreadable.is_empty() {
        event.insert("unreadable".to_owned(), unreadable.into());
    }
    if cut.is_none() {
        event.insert("ambiguous".to_owned(), json!(["task_name"]));
    }
    event.into()
}

/// Text with more `;` and backslashes than people write, but without the sequence that a row has between names and
/// message.
fn free_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-cé;\\\\ \"'(]{0,12}",
        1 => any_of(&["Nightly", "(null)", "", ";", ";;", "a;b", "a;b\r\nc;"]),
        1 => "[^\0\r\n]{0,20}",
    ]
}

proptest! {
    #[test]
    fn the_naive_oracle_of_tasks_agrees((token, action) in token(), host in any_of(&["n1", "", "(null)"]), row in row()) {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        let text = [&[token, &host], &row[..]].concat().join(";");
        prop_assert_eq!(shown_all(text.as_bytes()), [naive(token, action, &host, &row)], "{}", text);
    }

    #[test]
    fn a_separator_in_a_name_or_message_moves_no_other_field(
        task_name in free_text(),
        app_name in free_text(),
        has_app: bool,
        user in any_of(&USERS),
        task_id in any_of(&GUIDS),
        message in free_text(),
    ) {
        let (app_id, app_name) = if has_app { (GUIDS[1], &*app_name) } else { ("", "") };
        let head = format!("/scheduler-task-failed/;n1;{task_name};{app_name};{user};{task_id};{app_id}");
        let text = format!("{head};{};INFO;{};{message}", TIMES[0], GUIDS[0]);
        let events = events(text.as_bytes());
        let [event] = &events[..] else { panic!("{text}") };
        let (directory, id) = user.split_once('\\').unwrap_or(("", &user));
        prop_assert_eq!(event.user_directory(), present(directory));
        prop_assert_eq!(event.user_id(), present(id));
        prop_assert_eq!(event.task_id(), Some(&*task_id));
        prop_assert_eq!(event.app_id().is_some(), has_app);
        prop_assert_eq!(event.local_time(), Some(TIMES[0]));
        prop_assert_eq!(event.execution_id(), Some(GUIDS[0]));
        let message = message.trim_end_matches(['\r', '\n']);
        prop_assert_eq!(event.message(), present(message));
        if event.ambiguous().is_empty() {
            prop_assert_eq!((event.task_name(), event.app_name()), (present(&task_name), present(app_name)));
        } else {
            prop_assert_eq!(event.ambiguous(), ["task_name"]);
            prop_assert!(task_name.contains(';') || app_name.contains(';'));
            let both = format!("{task_name};{app_name}");
            prop_assert_eq!((event.task_name(), event.app_name()), (Some(&*both), None));
        }
    }

    #[test]
    fn a_separator_in_a_users_id_or_message_of_the_engine_moves_no_other_field(
        id in "[a-c;\\\\ ]{0,8}",
        message in free_text(),
    ) {
        let text = format!("/engine-reload-failed/;n1;{};s;LAB;{id};{};ERROR;{message}", GUIDS[0], TIMES[0]);
        let events = events(text.as_bytes());
        let [event] = &events[..] else { panic!("{text}") };
        prop_assert_eq!(event.user_directory(), Some("LAB"));
        prop_assert_eq!(event.user_id(), present(&id));
        prop_assert_eq!(event.app_id().map(|id| id.to_string()), Some(GUIDS[0].to_owned()));
        prop_assert_eq!(event.local_time(), Some(TIMES[0]));
        prop_assert_eq!(event.message(), present(message.trim_end_matches(['\r', '\n'])));
        prop_assert!(event.ambiguous().is_empty());
    }

    #[test]
    fn any_bytes_behind_a_task_token_give_events_in_every_codec(
        (token, _) in prop_oneof![token(), Just(("/engine-reload-failed/", ""))],
        bytes in prop::collection::vec(prop_oneof![2 => any::<u8>(), 1 => Just(b';')], 0..200),
    ) {
        let events = events(&[token.as_bytes(), b";", &bytes].concat());
        prop_assert!(!events.is_empty());
        for &codec in Codec::ALL {
            let mut encoder = Encoder::new(codec, &Layout::default());
            for event in &events {
                encoder.push(event).expect("every event can be written");
            }
        }
    }
}

#[test]
fn tens_of_thousands_of_separators_move_no_other_field() {
    let many = ";".repeat(30_000);
    let text = format!(
        "/scheduler-task-failed/;n1;a{many};LAB\\eva;{};{};{};INFO;{};b{many}",
        GUIDS[0], GUIDS[1], TIMES[0], GUIDS[0]
    );
    let events = events(text.as_bytes());
    let [event] = &events[..] else { panic!() };
    assert_eq!(event.task_name(), Some(&*format!("a{many}")));
    assert_eq!(event.user_id(), Some("eva"));
    assert_eq!(event.task_id(), Some(GUIDS[0]));
    assert_eq!(event.local_time(), Some(TIMES[0]));
    assert_eq!(event.message(), Some(&*format!("b{many}")));
    assert_eq!(event.ambiguous(), ["task_name"]);
}
