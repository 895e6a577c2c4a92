//! What holds for any datagram: oracles that are slow and obvious beside the code that is fast.

#[path = "support/pipeline.rs"]
mod pipeline;

use pipeline::{ARRIVAL, events};
use proptest::{prelude::*, strategy::ValueTree};
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    event::{Event, UserAgent},
    schema::Schema,
    transform::{Blacklist, BlacklistConfig, blacklist::UserPattern},
    wire::{Context, Frame, message, pieces},
};
use serde_json::{Map, Value, json};

// --- Oracles -----------------------------------------------------------------------------------

const TOKENS: [(&str, &str); 6] = [
    ("/qseow-proxy-session/", "session"),
    ("/qseow-proxy-connection/", "connection"),
    ("/proxy-session/", "session"),
    ("/proxy-connection/", "connection"),
    ("/qlik-sense-session/2/", "session"),
    ("/qlik-sense-connection/2/", "connection"),
];

/// The fields of the extended appender; the others lack those from 2 to 5.
const FIELDS: [&str; 12] = [
    "type",
    "host",
    "timestamp",
    "sequence",
    "session_id",
    "result",
    "command",
    "user_directory",
    "user_id",
    "origin",
    "context",
    "message",
];

fn is_blank(character: char) -> bool {
    " \t\n\x0C\r\u{FEFF}".contains(character)
}

fn begins_event(line: &str) -> bool {
    let first = line.split(';').next().unwrap_or_default();
    line.contains(';') && family(first).is_some()
}

fn family(token: &str) -> Option<&'static str> {
    TOKENS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(token))
        .map(|(_, family)| *family)
}

fn is_extended(token: &str) -> bool {
    token.to_ascii_lowercase().starts_with("/qlik-sense-")
}

/// A time as RFC 3339 in UTC with nine decimals, by chrono's own reader.
fn naive_time(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = text.is_ascii() && !text.contains(|c: char| c.is_ascii_whitespace());
    let compact: String = text.chars().filter(|c| *c != ':').collect();
    let compact = compact.replace(',', ".");
    // chrono reads more than the rules allow: signs, single digits, no digit behind the point.
    let (date, rest) = compact.split_once('T')?;
    let date = match date.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] if [year.len(), month.len(), day.len()] == [4, 2, 2] => {
            format!("{year}{month}{day}")
        }
        _ => date.to_owned(),
    };
    let (clock, offset) = match rest.strip_suffix('Z') {
        Some(clock) => (clock, "+0000"),
        None => rest.split_at_checked(rest.len().checked_sub(5)?)?,
    };
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_strict = is_plain
        && date.len() == 8
        && seconds.len() == 6
        && (1..=9).contains(&fraction.len())
        && [&*date, seconds, fraction, &offset[1..]]
            .into_iter()
            .all(all_digits);
    if !is_strict || seconds.ends_with("60") {
        return None;
    }
    let whole = format!("{date}T{seconds}.{fraction}{offset}");
    let time = chrono::DateTime::parse_from_str(&whole, "%Y%m%dT%H%M%S%.f%z").ok()?;
    time.timestamp_nanos_opt()?;
    Some(time.to_utc().format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string())
}

/// The texts of a datagram's events: lines, gathered until one begins another event.
fn naive_pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut lines = text.split('\n');
    let mut piece = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        if begins_event(line) && !piece.chars().all(is_blank) {
            pieces.push(std::mem::replace(&mut piece, line.to_owned()));
        } else {
            piece = piece + "\n" + line;
        }
    }
    pieces.push(piece);
    pieces
}

/// The guid and the virtual proxy of a context.
fn naive_context(context: &str) -> (Option<String>, Option<String>) {
    let path = |text: &str| text.split(['?', '#']).next().unwrap_or_default().to_owned();
    let undone = match String::from_utf8(naive_percent_decoded(&path(context))) {
        Ok(decoded) => path(&decoded),
        Err(_) => path(context),
    };
    let segments: Vec<&str> = undone.split('/').collect();
    let apps: Vec<usize> = (0..segments.len() - 1)
        .filter(|&at| segments[at].eq_ignore_ascii_case("app"))
        .collect();
    let with_guid = apps.iter().find(|&&at| is_guid(segments[at + 1])).copied();
    let Some(at) = with_guid.or(apps.first().copied()) else {
        return (None, None);
    };
    let prefix = segments[..at].join("/").trim_matches('/').to_owned();
    (
        with_guid.map(|at| segments[at + 1].to_ascii_lowercase()),
        Some(prefix).filter(|prefix| !prefix.is_empty()),
    )
}

fn naive_percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digit = |at: usize| {
            bytes
                .get(at)
                .and_then(|digit| char::from(*digit).to_digit(16))
        };
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).expect("a byte"));
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && text
            .chars()
            .all(|character| character == '-' || character.is_ascii_hexdigit())
}

fn naive_user_agent(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("UserAgent:")?;
    let rest = rest.split(['\r', '\n']).next()?;
    let mut agent: Vec<char> = rest
        .trim_matches([' ', '\t', '\n', '\x0C', '\r'])
        .chars()
        .collect();
    for quote in ['\'', '"'] {
        if agent.first() == Some(&quote) {
            agent.remove(0);
            if agent.last() == Some(&quote) {
                agent.pop();
            }
            break;
        }
    }
    let agent: String = agent.into_iter().collect();
    (!agent.is_empty() && agent != "(null)").then_some(agent)
}

/// The output's fields for one event's text, without those that the arrival adds.
fn naive_event(piece: &str) -> Value {
    let undecoded = |code: &str, field: Option<&str>, offset: usize| {
        let mut error = json!({"code": code, "offset": offset});
        if let Some(field) = field {
            error["field"] = json!(field);
        }
        json!({"event": "undecoded", "timestamp": ARRIVAL, "error": error, "raw": piece})
    };
    let leading: usize = piece
        .chars()
        .take_while(|character| is_blank(*character))
        .map(char::len_utf8)
        .sum();
    let mut text = piece[leading..].to_owned();
    while text.ends_with(['\r', '\n', '\0']) {
        text.pop();
    }
    if text.is_empty() {
        return undecoded("empty", None, 0);
    }
    let fields: Vec<&str> = text.split(';').collect();
    let Some(family) = family(fields[0]) else {
        return undecoded("unknown_type", Some("type"), leading);
    };
    let extended = is_extended(fields[0]);
    let (names, extension): (Vec<&str>, Vec<&str>) = if extended {
        (
            FIELDS.to_vec(),
            fields.get(2..6).unwrap_or_default().to_vec(),
        )
    } else {
        ([&FIELDS[..2], &FIELDS[6..]].concat(), vec![""; 4])
    };
    if fields.len() < names.len() {
        return undecoded(
            "missing_field",
            Some(names[fields.len()]),
            leading + text.len(),
        );
    }
    let mut fields = fields;
    if extended {
        fields.drain(2..6);
    }
    let message = fields[7..].join(";");
    let mut event = Map::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            event.insert(name.to_owned(), json!(value));
        }
    };
    let present = |text| Some(text).filter(|text| !["", "(null)"].contains(text));
    let command = fields[2].trim().to_ascii_lowercase();
    let action = match (family, &*command) {
        ("session", "start session") => "start",
        ("session", "stop session") => "stop",
        ("connection", "open connection") => "open",
        ("connection", "close connection") => "close",
        _ => "other",
    };
    put("event", Some(family));
    put("action", Some(action));
    put("host", present(fields[1]));
    put("qlik_command", present(fields[2]));
    put("user_directory", present(fields[3]));
    put("user_id", present(fields[4]));
    put("origin", present(fields[5]));
    put("context", present(fields[6]));
    put("message", present(&message));
    if let (Some(directory), Some(id)) = (present(fields[3]), present(fields[4])) {
        put("user", Some(&format!("{directory}\\{id}")));
    }
    put("session_id", present(extension[2]));
    put("result", present(extension[3]));
    let (app_id, virtual_proxy) = naive_context(fields[6]);
    put("app_id", app_id.as_deref());
    put("virtual_proxy", virtual_proxy.as_deref());
    if let Some(agent) = naive_user_agent(&message) {
        // Names of browsers have a table of their own; here only that they are those of this agent.
        let client = UserAgent::parse(&agent);
        put("browser_name", client.browser_name);
        put("browser_version", client.browser_version.as_deref());
        put("os_name", client.os_name);
        put("os_version", client.os_version.as_deref());
        put("user_agent", Some(&agent));
    }
    let mut unreadable = Map::new();
    if let Some(sent) = present(extension[0]) {
        match naive_time(sent) {
            Some(time) => {
                put("timestamp", Some(&time));
                put("ingest_timestamp", Some(ARRIVAL));
            }
            None => drop(unreadable.insert("timestamp".to_owned(), json!(sent))),
        }
    }
    if let Some(sent) = present(extension[1]) {
        let digits = sent.trim();
        match digits.parse::<u32>() {
            Ok(row) if !digits.starts_with('+') => {
                drop(event.insert("sequence".to_owned(), json!(row)))
            }
            _ => drop(unreadable.insert("sequence".to_owned(), json!(sent))),
        }
    }
    if !unreadable.is_empty() {
        event.insert("unreadable".to_owned(), Value::Object(unreadable));
    }
    event.entry("timestamp").or_insert_with(|| json!(ARRIVAL));
    Value::Object(event)
}

/// An event as the schema shows it, without what every event has from its arrival.
fn shown(event: &Event) -> Value {
    let mut value = serde_json::to_value(Schema::Default.view(event)).expect("JSON");
    let fields = value.as_object_mut().expect("a map");
    let undecoded = fields["event"] == "undecoded";
    let always = [
        ("source_type", "qlik_sense"),
        ("sender", "192.0.2.17"),
        ("host", "192.0.2.17"),
    ];
    for (name, expected) in &always[..if undecoded { 3 } else { 2 }] {
        assert_eq!(fields.remove(*name), Some(json!(expected)), "{name}");
    }
    value
}

fn shown_all(datagram: &[u8]) -> Vec<Value> {
    events(datagram).iter().map(shown).collect()
}

fn naive_all(text: &str) -> Vec<Value> {
    naive_pieces(text)
        .iter()
        .map(|piece| naive_event(piece))
        .collect()
}

/// windows-1252 as the WHATWG Encoding Standard has it, from 0x80 to 0x9F.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

fn naive_windows_1252(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| match byte {
            0x80..=0x9F => WINDOWS_1252[usize::from(byte) - 0x80],
            _ => char::from(byte),
        })
        .collect()
}

fn windows_1252_bytes(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|character| {
            (0..=u8::MAX).find(|&byte| naive_windows_1252(&[byte]) == character.to_string())
        })
        .collect()
}

fn utf_16le_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

// --- Datagrams from pieces ---------------------------------------------------------------------

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

fn token() -> impl Strategy<Value = String> {
    let known = prop::sample::select(&TOKENS[..]).prop_map(|(token, _)| token.to_owned());
    let any_case = (known.clone(), any::<u32>()).prop_map(|(token, mask)| {
        let upper = |(at, character): (usize, char)| match mask >> (at % 32) & 1 {
            0 => character.to_ascii_uppercase(),
            _ => character,
        };
        token.chars().enumerate().map(upper).collect()
    });
    prop_oneof![
        10 => known,
        3 => any_case,
        2 => one_of(&[
            "/qseow-engine/", "/qseow-proxy/", "/proxy-session", "proxy-session/",
            "/proxy-session/ ", " /proxy-session/", "/qseow-proxy-session", "/", "",
            "/proxy-sess\u{131}on/", "/proxy-\u{17F}ession/",
        ]),
        1 => ".{0,12}",
    ]
}

fn command() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => one_of(&["Start session", "Stop session", "Open connection", "Close connection"]),
        3 => one_of(&[
            "START SESSION", " stop Session\t", "open connection ", "cLOSE cONNECTION",
            "\u{A0}Start session", "Startsession", "Start  session", "\u{17F}top session",
            "Renew session", "", "(null)", " ",
        ]),
        1 => "[^;]{0,12}",
    ]
}

fn plain() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => one_of(&["LAB", "goran", "pro2-win1", "AppAccess", "Not available", "NONE"]),
        3 => one_of(&["", "(null)", "(NULL)", " (null)", "Jörgen", "日本", "a\\b", " ", "\0", "\n"]),
        1 => "[^;]{0,8}",
        1 => "[\\x00-\\x20\u{FEFF}\u{85}\u{2028}]{0,4}",
    ]
}

fn context() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => one_of(&[
            "/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?reloaduri=https%3A%2F%2Fh",
            "/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
            "%2Feu%2Fapp%2FA421F4A2-C311-4EF4-BA41-FE2E6A2B0D69%3Fx",
            "Not available",
            "/hub",
        ]),
        5 => context_of_parts(),
    ]
}

fn context_of_parts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => one_of(&["/app/", "app", "/", "/APP/", "App/"]),
        6 => one_of(&[
            "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69", "A421F4A2-C311-4EF4-BA41-FE2E6A2B0D69",
            "a421f4a2%2Dc311-4ef4-ba41-fe2e6a2b0d69", "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d6",
            "a421f4a2c3114ef4ba41fe2e6a2b0d69", "{a421f4a2-c311-4ef4-ba41-fe2e6a2b0d}",
            "a421f4a2c311-4ef4-ba41-fe2e6a2b0d69-", "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d6g",
        ]),
        4 => one_of(&["sales", "eu/sales", "%2F", "%2f", "%3F", "?", "#", "%23", "%", "%2", "%FF", "%C3%BC", "%25", "ü"]),
        2 => one_of(&["engineData", "SessionApp_", "hub", "reloaduri=https%3A%2F%2Fh%2Fapp%2F"]),
        1 => "[^;]{0,3}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

fn message_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        5 => one_of(&["UserAgent:", "UserAgent: '", "useragent:", "UserAgent", " ", "'", "\"", "''", ";", "; "]),
        4 => one_of(&[
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "curl/8.4.0", "(null)", "Not available",
        ]),
        3 => one_of(&["\r\n   at Line()", "\n", "\r", "\0", "Start session for user", "\n/qseow-engine/;1", "\n /proxy-session/;"]),
        1 => one_of(&["\n/proxy-session/;", "\n/proxy-session/", "/proxy-session/;", "\u{FEFF}"]),
        2 => ".{0,8}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

/// Time, row number, session id and result as the extended appender sends them, with their `;`.
fn extension() -> impl Strategy<Value = String> {
    let time = prop_oneof![
        4 => (0_i64..9_999_999_999, 0_u32..1_000, -1_439_i32..=1_439).prop_map(|(seconds, milli, minutes)| {
            let time = chrono::DateTime::from_timestamp(seconds, milli * 1_000_000).expect("a time");
            let offset = chrono::FixedOffset::east_opt(minutes * 60).expect("an offset");
            time.with_timezone(&offset).format("%Y%m%dT%H%M%S%.3f%z").to_string()
        }),
        3 => one_of(&[
            "2021-11-09T15:37:26,028+02:00", "20211109T153726Z", " 20211109T153726.028+0200 ",
            "99991231T235959.999+0000", "20210229T000000.000+0000", "20211109T153726.028", "(null)", "",
        ]),
        2 => "[0-9]{8}T[0-9]{6}[.,]?[0-9]{0,10}[+Z-]?[0-9]{0,4}",
        1 => "[^;]{0,20}",
    ];
    let row = prop_oneof![
        4 => (0_u32..=9_999).prop_map(|row| row.to_string()),
        2 => one_of(&["", "(null)", " 7 ", "+7", "-7", "4294967295", "4294967296", "007"]),
        1 => "[^;]{0,8}",
    ];
    (time, row, plain(), plain())
        .prop_map(|(time, row, session, result)| [time, row, session, result].join(";"))
}

fn event_text() -> impl Strategy<Value = String> {
    let whole = (
        token(),
        plain(),
        extension(),
        command(),
        plain(),
        plain(),
        plain(),
        context(),
        message_text(),
    );
    let whole = whole
        .prop_map(
            |(token, host, extension, command, directory, id, origin, context, message)| {
                let host = if is_extended(&token) {
                    [host, extension].join(";")
                } else {
                    host
                };
                [
                    token, host, command, directory, id, origin, context, message,
                ]
                .join(";")
            },
        )
        .boxed();
    let cut = (whole.clone(), any::<prop::sample::Index>()).prop_map(|(text, at)| {
        let characters = text.chars().count();
        text.chars()
            .take(at.index(characters + 1))
            .collect::<String>()
    });
    prop_oneof![
        8 => whole,
        3 => cut,
        1 => token(),
        1 => prop::collection::vec(plain(), 0..10).prop_map(|fields| fields.join(";")),
        1 => ".{0,30}",
    ]
}

fn datagram_text() -> impl Strategy<Value = String> {
    let leading = one_of(&[
        "",
        "",
        "",
        "\u{FEFF}",
        " ",
        "\r\n",
        "\n\n \u{FEFF}",
        "\0",
        "\x0B\n",
        "noise\n",
    ]);
    let between = one_of(&["\n", "\r\n", "\n\n", "\r\n\r\n", "\n \n", "\r", " "]);
    let trailing = one_of(&["", "", "", "\n", "\r\n", "\0", "\r\n\0\0", " \n", "\n "]);
    let more = prop::collection::vec((between, event_text()), 0..3);
    (leading, event_text(), more, trailing).prop_map(|(leading, first, more, trailing)| {
        let more: String = more
            .into_iter()
            .map(|(between, event)| between + &event)
            .collect();
        leading + &first + &more + &trailing
    })
}

/// Whether the bytes are taken for UTF-16LE, which is told from their beginning alone.
fn looks_like_utf_16le(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE])
        || (bytes.len() >= 4 && bytes[0] != 0 && bytes[1] == 0 && bytes[2] != 0 && bytes[3] == 0)
}

// --- Properties of datagrams -------------------------------------------------------------------

#[test]
fn generated_datagrams_cover_what_can_happen() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..2_000 {
        let text = datagram_text()
            .new_tree(&mut runner)
            .expect("text")
            .current();
        let all = naive_all(&text);
        if all.len() > 1 {
            *seen.entry("several".to_owned()).or_default() += 1;
        }
        for event in all {
            for name in ["event", "action"] {
                let value = event[name].as_str().unwrap_or("-");
                *seen.entry(format!("{name} {value}")).or_default() += 1;
            }
            let error = &event["error"];
            *seen
                .entry(format!("error {} {}", error["code"], error["field"]))
                .or_default() += 1;
            for name in [
                "app_id",
                "virtual_proxy",
                "user",
                "user_agent",
                "browser_name",
                "ingest_timestamp",
                "sequence",
                "session_id",
                "result",
                "unreadable",
            ] {
                *seen.entry(name.to_owned()).or_default() += usize::from(event.get(name).is_some());
            }
        }
    }
    let expected = [
        "several",
        "event session",
        "event connection",
        "event undecoded",
        "action start",
        "action stop",
        "action open",
        "action close",
        "action other",
        "app_id",
        "virtual_proxy",
        "user",
        "user_agent",
        "browser_name",
        "ingest_timestamp",
        "sequence",
        "session_id",
        "result",
        "unreadable",
        "error \"unknown_type\" \"type\"",
        "error \"missing_field\" \"host\"",
        "error \"missing_field\" \"message\"",
    ];
    for name in expected {
        assert!(
            seen.get(name).is_some_and(|times| *times >= 10),
            "{name}: {seen:?}"
        );
    }
    assert!(seen.contains_key("error \"empty\" null"), "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_bytes_give_events_in_every_codec(datagram in prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..300),
        2 => (datagram_text(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6))
            .prop_map(|(text, changes)| {
                let mut bytes = text.into_bytes();
                for (at, byte) in changes {
                    if !bytes.is_empty() {
                        let at = at.index(bytes.len());
                        bytes[at] = byte;
                    }
                }
                bytes
            }),
        1 => datagram_text().prop_map(|text| utf_16le_bytes(&text)),
    ]) {
        let events = events(&datagram);
        prop_assert!(!events.is_empty());
        if let (Ok(text), false) = (std::str::from_utf8(&datagram), looks_like_utf_16le(&datagram)) {
            prop_assert_eq!(events.len(), naive_pieces(text).len());
        }
        for codec in Codec::ALL {
            let mut encoder = Encoder::new(codec);
            for event in &events {
                let before = encoder.len();
                encoder.push(&Schema::Default.view(event)).expect("every event can be written");
                prop_assert!(encoder.len() > before);
            }
            let frame = encoder.frame();
            if codec != Codec::Native {
                let lines = std::str::from_utf8(frame).expect("JSON is UTF-8").lines();
                let lines: Vec<Value> = lines
                    .map(|line| serde_json::from_str(line).expect("JSON"))
                    .collect();
                prop_assert_eq!(lines.len(), events.len());
            }
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_windows_1252(bytes in prop::collection::vec(
        prop_oneof![3 => any::<u8>(), 2 => Just(b';'), 1 => Just(b'\n')], 1..80
    )) {
        let datagram = [b"/proxy-session/;", &bytes[..]].concat();
        if std::str::from_utf8(&datagram).is_err() {
            prop_assert_eq!(shown_all(&datagram), naive_all(&naive_windows_1252(&datagram)));
        }
    }

    #[test]
    fn the_naive_oracle_agrees(text in datagram_text()) {
        prop_assume!(!looks_like_utf_16le(text.as_bytes()));
        prop_assert_eq!(shown_all(text.as_bytes()), naive_all(&text));
        prop_assert_eq!(pieces(&text).collect::<Vec<_>>(), naive_pieces(&text));
    }

    #[test]
    fn the_encoding_makes_no_difference(text in datagram_text(), mark in any::<bool>()) {
        // The first two characters of a payload are ASCII, which is how UTF-16LE is recognised.
        let text = format!("/proxy-session/;{text}");
        let expected = naive_all(&text);
        let mut wide = if mark { vec![0xFF, 0xFE] } else { vec![] };
        wide.extend(utf_16le_bytes(&text));
        prop_assert_eq!(&shown_all(&wide), &expected);
        // A relay's single-byte line end belongs to no character and is left out.
        wide.push(b'\n');
        prop_assert_eq!(&shown_all(&wide), &expected);
        if let Some(narrow) = windows_1252_bytes(&text)
            && std::str::from_utf8(&narrow).is_err()
        {
            prop_assert_eq!(&shown_all(&narrow), &expected);
        }
    }

    #[test]
    fn every_byte_is_accounted_for(text in datagram_text()) {
        prop_assume!(!looks_like_utf_16le(text.as_bytes()));
        let parts: Vec<&str> = pieces(&text).collect();
        prop_assert_eq!(parts.join("\n"), text.clone());
        for (part, event) in parts.iter().zip(events(text.as_bytes())) {
            match (Frame::parse(part), &event) {
                (Ok(frame), Event::User(event)) => {
                    let mut fields = vec![
                        (frame.host, event.host()),
                        (frame.command, event.qlik_command()),
                        (frame.user_directory, event.user_directory()),
                        (frame.user_id, event.user_id()),
                        (frame.origin, event.origin()),
                        (frame.context, event.context()),
                        (frame.message, event.message()),
                    ];
                    if is_extended(part.trim_start_matches(is_blank)) {
                        let unreadable = event.unreadable();
                        prop_assert!(event.qlik_timestamp().is_none() || unreadable.timestamp.is_none());
                        prop_assert!(event.sequence().is_none() || unreadable.sequence.is_none());
                        let extension = [
                            (frame.timestamp, unreadable.timestamp.or(frame.timestamp)),
                            (frame.sequence, unreadable.sequence.or(frame.sequence)),
                            (frame.session_id, event.session_id()),
                            (frame.result, event.result()),
                        ];
                        fields.splice(1..1, extension);
                    }
                    let trimmed = part.trim_start_matches(is_blank).trim_end_matches(['\r', '\n', '\0']);
                    let token = trimmed.find(';').expect("a token");
                    let mut rest = &trimmed[token..];
                    for (of_frame, of_event) in fields {
                        prop_assert_eq!(of_frame, of_event);
                        rest = rest.strip_prefix(';').expect("the `;` before a field");
                        rest = match of_event {
                            Some(field) => rest.strip_prefix(field).expect("the field, whole"),
                            None => rest.strip_prefix("(null)").unwrap_or(rest),
                        };
                    }
                    prop_assert_eq!(rest, "");
                }
                (Err(error), Event::Undecoded(undecoded)) => {
                    prop_assert_eq!(undecoded.raw(), Some(*part));
                    prop_assert_eq!(undecoded.error(), error);
                    prop_assert!(part.is_char_boundary(error.offset));
                    // An error is shown to people who must not see the payload.
                    if part.len() > 40 {
                        prop_assert!(!error.to_string().contains(part));
                    }
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn contexts_agree(context in prop_oneof![3 => context(), 1 => ".*"]) {
        let parsed = Context::parse(&context);
        let (app_id, virtual_proxy) = naive_context(&context);
        prop_assert_eq!(parsed.app_id.map(|id| id.to_string()), app_id);
        prop_assert_eq!(parsed.virtual_proxy.as_deref(), virtual_proxy.as_deref());
    }

    #[test]
    fn user_agents_agree(message in prop_oneof![3 => message_text(), 1 => "(UserAgent:|.|['\" ]){0,12}"]) {
        let expected = naive_user_agent(&message);
        prop_assert_eq!(message::user_agent(&message), expected.as_deref());
    }
}

// --- The blacklist -----------------------------------------------------------------------------

/// Whether a pattern matches, character by character, trying every length for `*`.
fn naive_match(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|taken| naive_match(rest, &text[taken..])),
        ['?', rest @ ..] => !text.is_empty() && naive_match(rest, &text[1..]),
        [first, rest @ ..] => text.first() == Some(first) && naive_match(rest, &text[1..]),
    }
}

fn naive_listed(entries: &[UserPattern], directory: &str, id: &str, case_sensitive: bool) -> bool {
    let characters = |text: &str| -> Vec<char> {
        if case_sensitive {
            text.chars().collect()
        } else {
            text.chars().flat_map(char::to_lowercase).collect()
        }
    };
    entries.iter().any(|entry| {
        naive_match(&characters(entry.user_directory()), &characters(directory))
            && naive_match(&characters(entry.user_id()), &characters(id))
    })
}

/// Letters whose lower case is their case folding, and what means something to a regex engine.
const USER: &str = "[aAbBöÖéÉжЖ\\\\_.+|()\\[\\]{}^$\n 0-9-]{0,4}";
const PATTERN: &str = "[aAbBöÖéÉжЖ_.+|()\\[\\]{}^$ 0-9*?*?*?-]{1,4}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_blacklist_agrees_with_a_naive_one(
        entries in prop::collection::vec((PATTERN, PATTERN), 0..6),
        exact in prop::collection::vec(("[aAbBöÖ]{1,2}", "[aAbBöÖ]{1,2}"), 0..6),
        users in prop::collection::vec((USER, USER), 1..8),
        short in prop::collection::vec(("[aAbBöÖ\n]{0,2}", "[aAbBöÖ\n]{0,2}"), 1..8),
        case_sensitive in any::<bool>(),
    ) {
        let entries: Vec<UserPattern> = entries
            .iter()
            .chain(&exact)
            .map(|(directory, id)| UserPattern::new(&**directory, &**id).expect("an entry"))
            .collect();
        let config = BlacklistConfig {
            users: entries.clone(),
            case_sensitive,
            ..BlacklistConfig::default()
        };
        let blacklist = config.build().expect("a blacklist");
        for (directory, id) in users.iter().chain(&short) {
            prop_assert_eq!(
                blacklist.contains(Some(directory), Some(id)),
                naive_listed(&entries, directory, id, case_sensitive),
                "{:?} {:?} {:?}", entries, directory, id
            );
        }
    }

    #[test]
    fn any_entry_can_be_asked_for_any_user(
        entries in prop::collection::vec((".{0,8}", ".{0,8}"), 0..5),
        user in (".*", ".*"),
        case_sensitive in any::<bool>(),
    ) {
        let entries: Vec<UserPattern> = entries
            .iter()
            .filter_map(|(directory, id)| UserPattern::new(&**directory, &**id).ok())
            .collect();
        let config = BlacklistConfig { users: entries.clone(), case_sensitive, ..Default::default() };
        let blacklist = config.build().expect("a blacklist");
        let _ = blacklist.contains(Some(&user.0), Some(&user.1));
        for entry in &entries {
            // `*` and `?` stand for themselves too.
            prop_assert!(blacklist.contains(Some(entry.user_directory()), Some(entry.user_id())), "{}", entry);
            if !entry.user_directory().contains('\\') {
                let parsed: UserPattern = entry.to_string().parse().expect("an entry");
                prop_assert_eq!(&parsed, entry);
            }
        }
    }

    #[test]
    fn any_text_is_an_entry_or_an_error(text in ".*") {
        match text.parse::<UserPattern>() {
            Ok(entry) => prop_assert_eq!(entry.to_string(), text),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_question_mark_is_one_character(character in any::<char>(), case_sensitive in any::<bool>()) {
        prop_assume!(!";\r\n\0".contains(character));
        prop_assume!(case_sensitive || folds_to_one(character));
        let blacklist = question_mark(case_sensitive);
        let one = character.to_string();
        prop_assert!(blacklist.contains(Some("LAB"), Some(&one)), "{:?}", one);
        prop_assert!(!blacklist.contains(Some("LAB"), Some(&one.repeat(2))), "{:?}", one);
        prop_assert!(!blacklist.contains(Some("LAB"), Some("")));
    }
}

/// Whether case folding leaves a single character a single one; `ß` becomes `ss`.
fn folds_to_one(character: char) -> bool {
    character
        .to_lowercase()
        .flat_map(char::to_uppercase)
        .count()
        == 1
}

fn question_mark(case_sensitive: bool) -> Blacklist {
    let config = BlacklistConfig {
        users: vec![r"LAB\?".parse().expect("an entry")],
        case_sensitive,
        ..BlacklistConfig::default()
    };
    config.build().expect("a blacklist")
}

#[test]
fn a_question_mark_is_one_character_that_folds_to_several() {
    let blacklist = question_mark(false);
    let several: Vec<char> = ('\0'..=char::MAX).filter(|c| !folds_to_one(*c)).collect();
    assert!(several.len() > 100);
    for character in several {
        let one = character.to_string();
        assert!(blacklist.contains(Some("LAB"), Some(&one)), "{one:?}");
    }
}
