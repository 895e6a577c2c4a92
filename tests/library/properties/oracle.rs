//! The expected events, computed in a slow and obvious way, independently of the fast code.

use std::sync::LazyLock;

use qlik_sense_events::{
    event::{Event, UserAgent},
    schema::Schema,
};
use regex_automata::meta::Regex;
use serde_json::{Map, Value, json};

use crate::support::pipeline::{ARRIVAL, events};

pub const TOKENS: [(&str, &str); 6] = [
    ("/qseow-proxy-session/", "session"),
    ("/qseow-proxy-connection/", "connection"),
    ("/proxy-session/", "session"),
    ("/proxy-connection/", "connection"),
    ("/qlik-sense-session/2/", "session"),
    ("/qlik-sense-connection/2/", "connection"),
];

/// The fields of the extended appender; the standard appenders lack those from 2 to 5.
pub const FIELDS: [&str; 12] = [
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

pub fn is_blank(character: char) -> bool {
    " \t\n\x0C\r\u{FEFF}".contains(character)
}

pub fn begins_event(line: &str) -> bool {
    let line = &line[header_length(line)..];
    let first = line.split(';').next().unwrap_or_default();
    line.contains(';') && family(first).is_some()
}

/// Headers of RFC 5424, and of RFC 3164 with the parts that relays omit and add. The generators make none of 1,024
/// bytes.
const SYSLOG: &str = r#"(?x) ^ < (?: [0-9]{1,2} | 1[0-8][0-9] | 19[01] | 0[0-9]{2} ) > (?:
    1\x20 (?: [!-~]+ \x20 ){5}
        (?: - | (?: \[ [!-~&&[^=\]"]]+ (?: \x20 [!-~&&[^=\]"]]+ =" (?: [^"\\\]\x00-\x1F] | \\["\\\]]? )* " )* \] )+ )
        \x20 \u{FEFF}?
    | (?:
        (?: (?: Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec ) \x20 (?: \x20[0-9] | [0-9]{1,2} ) \x20
            [0-9]{2}:[0-9]{2}:[0-9]{2} (?: \.[0-9]+ )?
        | [0-9]{4}-[0-9]{2}-[0-9]{2}T [0-9]{2}:[0-9]{2}:[0-9]{2} (?: \.[0-9]+ )? (?: Z | [+-][0-9]{2}:[0-9]{2} ) )
        \x20 [!-~]+ \x20 )?
        (?: [\x20-~&&[^:;]]+ : )? [\x20\t]* \u{FEFF}?
)"#;

/// The length of the syslog header that a text begins with, if it does.
fn header_length(text: &str) -> usize {
    static HEADER: LazyLock<Regex> = LazyLock::new(|| Regex::new(SYSLOG).expect("a regex"));
    // The search takes longer than this check.
    let text = Some(text).filter(|text| text.starts_with('<'));
    text.and_then(|text| HEADER.find(text))
        .map_or(0, |header| header.end())
}

pub fn family(token: &str) -> Option<&'static str> {
    TOKENS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(token))
        .map(|(_, family)| *family)
}

pub fn is_extended(token: &str) -> bool {
    token.to_ascii_lowercase().starts_with("/qlik-sense-")
}

/// A payload without the syslog header in front of its type.
pub fn without_header(text: &str) -> &str {
    match header_length(text) {
        length if begins_event(text) => &text[length..],
        _ => text,
    }
}

/// A time as RFC 3339 in UTC with nine decimals, by chrono's own reader.
pub fn naive_time(text: &str) -> Option<String> {
    let text = text.trim_ascii();
    let is_plain = text.is_ascii() && !text.contains(|c: char| c.is_ascii_whitespace());
    let compact: String = text.chars().filter(|c| *c != ':').collect();
    let compact = compact.replace(',', ".");
    // chrono also accepts forms that the rules exclude: signs, single digits, no digit after the point.
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

/// The texts of a datagram's events: lines, collected until one starts another event.
pub fn naive_pieces(text: &str) -> Vec<String> {
    naive_pieces_by(text, str::to_owned)
}

/// `shown` is how a text is to be read.
fn naive_pieces_by(text: &str, shown: impl Fn(&str) -> String) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut lines = text.split('\n');
    let mut piece = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        if begins_event(&shown(line)) && !shown(&piece).chars().all(is_blank) {
            pieces.push(std::mem::replace(&mut piece, line.to_owned()));
        } else {
            piece = piece + "\n" + line;
        }
    }
    pieces.push(piece);
    pieces
}

/// The guid and the virtual proxy of a context.
pub fn naive_context(context: &str) -> (Option<String>, Option<String>) {
    let path = |text: &str| text.split(['?', '#']).next().unwrap_or_default().to_owned();
    let undone = match String::from_utf8(naive_percent_decoded(&path(context))) {
        Ok(decoded) => path(&decoded),
        Err(_) => path(context),
    };
    let undone = match undone.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            let host = rest.split('/').next().unwrap_or_default();
            rest[host.len()..].to_owned()
        }
        _ => undone,
    };
    let segments: Vec<&str> = undone.split('/').collect();
    let app_id = segments
        .windows(2)
        .find(|two| two[0].eq_ignore_ascii_case("app") && is_guid(two[1]))
        .map(|two| two[1].to_ascii_lowercase());
    let prefix = segments
        .iter()
        .position(|segment| QLIKS_OWN.contains(&&*segment.to_ascii_lowercase()))
        .map(|at| segments[..at].join("/").trim_matches('/').to_owned());
    (app_id, prefix.filter(|prefix| !prefix.is_empty()))
}

fn is_scheme(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && characters
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}

/// The first segments of Qlik Sense's own paths.
pub const QLIKS_OWN: [&str; 28] = [
    "api",
    "app",
    "appcontent",
    "assets",
    "client",
    "console",
    "content",
    "customdata",
    "datamanager",
    "dataloadeditor",
    "datamodelviewer",
    "dev-hub",
    "devhub",
    "extensions",
    "hub",
    "insightadvisor",
    "internal_forms_authentication",
    "internal_windows_authentication",
    "oidcauthn",
    "printing",
    "qmc",
    "qps",
    "qrs",
    "resources",
    "samlauthn",
    "sense",
    "single",
    "tempcontent",
];

pub fn naive_percent_decoded(text: &str) -> Vec<u8> {
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

pub fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && text
            .chars()
            .all(|character| character == '-' || character.is_ascii_hexdigit())
}

pub fn naive_user_agent(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("UserAgent:")?;
    let rest: Vec<char> = rest.chars().collect();
    let end = rest
        .iter()
        .position(|character| "\r\n".contains(*character))
        .unwrap_or(rest.len());
    let line: String = rest[..end].iter().collect();
    let line = line.trim_matches([' ', '\t', '\x0C']);
    let is_quoted = line.starts_with(['\'', '"']);
    let agent = if is_quoted {
        let quote = line.chars().next()?;
        let start = rest.iter().position(|character| *character == quote)? + 1;
        let quotes: Vec<usize> = (start..end).filter(|&at| rest[at] == quote).collect();
        let behind = |at: usize| rest[at + 1..].iter().collect::<String>();
        let closing = quotes
            .iter()
            .find(|&&at| is_exception(&behind(at)))
            .or(quotes
                .iter()
                .rfind(|&&at| !behind(at).starts_with(char::is_alphanumeric)));
        match closing {
            Some(&at) => rest[start..at].iter().collect(),
            None => line[1..].to_owned(),
        }
    } else {
        line.to_owned()
    };
    (!agent.is_empty() && agent != "(null)").then_some(agent)
}

/// Whether a text starts like an exception in .NET.
fn is_exception(text: &str) -> bool {
    let ends = [": ", " ---> ", " (0x", "\r\n", "\n"];
    ends.iter().any(|end| {
        text.split_once(end).is_some_and(|(name, _)| {
            let mut characters = name.chars();
            let first = characters.next().unwrap_or('-');
            (first == '_' || first.is_ascii_alphabetic())
                && name.contains('.')
                && characters.all(|c| c == '_' || c.is_ascii_alphanumeric() || ".+`[],".contains(c))
        })
    })
}

/// The output's fields for one event's text, without those that the arrival adds.
pub fn naive_event(piece: &str) -> Value {
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
    let whole = text.len();
    text = without_header(&text).to_owned();
    let leading = leading + whole - text.len();
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
    let (event_name, action) = match &*command {
        "start session" => ("session", "start"),
        "stop session" => ("session", "stop"),
        "open connection" => ("connection", "open"),
        "close connection" => ("connection", "close"),
        _ => (family, "other"),
    };
    put("event", Some(event_name));
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
        // Names of browsers have a table of their own; this only checks that they belong to this agent.
        let client = UserAgent::parse(&agent);
        put("browser_name", client.browser_name.as_deref());
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
        let digits = sent.trim_ascii();
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

/// An event in the schema, without the fields from its arrival.
pub fn shown(event: &Event) -> Value {
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

pub fn shown_all(datagram: &[u8]) -> Vec<Value> {
    events(datagram).iter().map(shown).collect()
}

pub fn naive_all(text: &str) -> Vec<Value> {
    naive_pieces(text)
        .iter()
        .map(|piece| naive_event(piece))
        .collect()
}

/// The texts of a datagram's events if some are not UTF-8. Lines end at the same bytes in windows-1252 and in UTF-8.
pub fn naive_texts(datagram: &[u8]) -> Vec<String> {
    let lines = naive_windows_1252(datagram);
    // The byte order mark of UTF-8, read as windows-1252.
    naive_pieces_by(&lines, |text| text.replace("ï»¿", "\u{FEFF}"))
        .iter()
        .map(|piece| {
            let bytes = windows_1252_bytes(piece).expect("every byte is a character there");
            naive_text(&bytes)
        })
        .collect()
}

/// UTF-8, UTF-8 with a truncated last character, or windows-1252.
fn naive_text(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let end = bytes.len()
        - bytes
            .iter()
            .rev()
            .take_while(|byte| b"\r\n\0".contains(byte))
            .count();
    for missing in [
        &[0x80_u8][..],
        &[0x80, 0x80],
        &[0x80, 0x80, 0x80],
        &[0xA0],
        &[0xA0, 0x80],
        &[0x90, 0x80, 0x80],
    ] {
        let whole = [&bytes[..end], missing].concat();
        if let Ok(text) = std::str::from_utf8(&whole) {
            let mut text = text.to_owned();
            text.pop();
            let line_end = std::str::from_utf8(&bytes[end..]).expect("ASCII");
            return text + "\u{FFFD}" + line_end;
        }
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    naive_windows_1252(bytes)
}

/// windows-1252 from 0x80 to 0x9F, as the WHATWG Encoding Standard defines it.
pub const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

pub fn naive_windows_1252(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| match byte {
            0x80..=0x9F => WINDOWS_1252[usize::from(byte) - 0x80],
            _ => char::from(byte),
        })
        .collect()
}

pub fn windows_1252_bytes(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|character| {
            (0..=u8::MAX).find(|&byte| naive_windows_1252(&[byte]) == character.to_string())
        })
        .collect()
}

/// The events of a datagram of any bytes except UTF-16.
pub fn naive_all_of_bytes(datagram: &[u8]) -> Vec<Value> {
    naive_texts(datagram)
        .iter()
        .map(|text| naive_event(text))
        .collect()
}

pub fn utf_16be_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

pub fn utf_16le_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
