//! A JSON line of the output, in the schema `default`, back as an event.
//!
//! The line's fields are put together as a payload and decoded by the decoder that all events come
//! from, so that there is one way only to read an event.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use qlik_sense_events::{
    decoding::{LogNamespace, QlikSenseDeserializer},
    event::{Arrival, Event},
    schema::SOURCE_TYPE,
};
use serde_json::{Map, Value};

/// What a line says.
#[derive(Debug, PartialEq)]
pub enum Record {
    /// Something happened to a session or a connection, or a payload could not be decoded.
    Event(Event),
    /// So many events did not come, because this reader was too slow for them.
    Dropped(u64),
    /// Something else that the program writes: summaries, snapshots, diagnostics.
    Other,
}

/// Reads a line; none where it is no record of the program in the schema `default`.
pub fn read(line: &[u8], deserializer: &QlikSenseDeserializer) -> Option<Record> {
    let fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
    if text(&fields, "source_type") != Some(SOURCE_TYPE) {
        return None;
    }
    match text(&fields, "event")? {
        "session" | "connection" => event(&fields, deserializer).map(Record::Event),
        "plugin" => Some(match fields.get("dropped").and_then(Value::as_u64) {
            // With an address it is a count of the output's queue.
            Some(dropped) if !fields.contains_key("address") => Record::Dropped(dropped),
            _ => Record::Other,
        }),
        _ => Some(Record::Other),
    }
}

fn event(fields: &Map<String, Value>, deserializer: &QlikSenseDeserializer) -> Option<Event> {
    let timestamp = time(fields, "timestamp")?;
    let ingested = time(fields, "ingest_timestamp");
    let payload = payload(fields, ingested.map(|_| timestamp))?;
    let mut events = deserializer
        .parse(Bytes::from(payload), LogNamespace::Legacy)
        .ok()?;
    let mut event = events.drain(..).next()?;
    let Event::User(user_event) = &mut event else {
        return None;
    };
    if let Some(name) = text(fields, "app_name") {
        user_event.set_app_name(Arc::from(name));
    }
    let arrival = ingested.unwrap_or(timestamp);
    let sender = text(fields, "sender").and_then(|sender| sender.parse().ok());
    event.set_arrival(match sender {
        Some(sender) => Arrival::new(arrival, sender),
        None => Arrival::local(arrival),
    });
    Some(event)
}

/// The payload that the fields came from, of the extended appender where one of its fields is there.
fn payload(fields: &Map<String, Value>, qlik_time: Option<DateTime<Utc>>) -> Option<String> {
    let kind = text(fields, "event")?;
    let extension = ["sequence", "session_id", "result"];
    let is_extended =
        qlik_time.is_some() || extension.iter().any(|name| fields.contains_key(*name));
    let mut payload = if is_extended {
        format!("/qlik-sense-{kind}/2/")
    } else {
        format!("/qseow-proxy-{kind}/")
    };
    let mut add = |field: &str| {
        payload.push(';');
        payload.push_str(field);
    };
    add(field(fields, "host")?);
    if is_extended {
        let time = qlik_time.map(|time| time.to_rfc3339_opts(SecondsFormat::Nanos, true));
        add(&time.unwrap_or_default());
        let row = fields.get("sequence").and_then(Value::as_u64);
        add(&row.map_or_else(String::new, |row| row.to_string()));
        add(field(fields, "session_id")?);
        add(field(fields, "result")?);
    }
    add(match field(fields, "qlik_command")? {
        "" => command(kind, text(fields, "action")?),
        command => command,
    });
    // Either may have been left out of the output.
    let user = field(fields, "user")?.split_once('\\');
    let (directory, id) = user.unwrap_or_default();
    let either = |name, part| match field(fields, name)? {
        "" => Some(part),
        own => Some(own),
    };
    add(either("user_directory", directory)?);
    add(either("user_id", id)?);
    add(field(fields, "origin")?);
    let path;
    add(
        match (field(fields, "context")?, field(fields, "app_id")?) {
            ("", app) if !app.is_empty() => {
                path = format!("{}/app/{app}", field(fields, "virtual_proxy")?);
                &path
            }
            (context, _) => context,
        },
    );
    // All that is read from the message.
    let agent = text(fields, "user_agent").map(|agent| format!("UserAgent: '{agent}'"));
    add(agent.as_deref().unwrap_or_default());
    Some(payload)
}

/// A field that is not the last one of a payload; none where it would not stay in its place.
fn field<'f>(fields: &'f Map<String, Value>, name: &str) -> Option<&'f str> {
    Some(text(fields, name).unwrap_or_default()).filter(|text| !text.contains(';'))
}

fn text<'f>(fields: &'f Map<String, Value>, name: &str) -> Option<&'f str> {
    fields.get(name)?.as_str()
}

fn time(fields: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    Some(
        DateTime::parse_from_rfc3339(text(fields, name)?)
            .ok()?
            .to_utc(),
    )
}

/// Qlik's word for an action, where the output leaves it out.
fn command(event: &str, action: &str) -> &'static str {
    match (event, action) {
        ("session", "start") => "Start session",
        ("session", "stop") => "Stop session",
        ("connection", "open") => "Open connection",
        ("connection", "close") => "Close connection",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use qlik_sense_events::{
        event::EventKind,
        pipeline::PipelineConfig,
        schema::{Layout, Schema, Tags},
        simulate::{Site, SiteOptions},
        transform::OutputBuffer,
    };

    use super::*;

    fn arrival() -> Arrival {
        let time = "2026-01-31T09:00:00.123456789Z".parse().expect("a time");
        Arrival::new(time, [192, 0, 2, 17].into())
    }

    /// Events of a site, and what is read from their lines.
    fn round_trip(options: SiteOptions, drop_fields: &[&str]) -> Vec<(Event, Event)> {
        let layout = Layout::new(Schema::Default, Tags::default());
        let layout = layout.without(drop_fields).expect("fields");
        let mut site = Site::new(options);
        site.set_time("2026-01-31T08:59:59.987Z".parse().expect("a time"));
        let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
        let deserializer = QlikSenseDeserializer::default();
        let (mut output, mut datagram) = (OutputBuffer::default(), Vec::new());
        let mut pairs = Vec::new();
        for _ in 0..500 {
            site.next_datagram(&mut datagram);
            pipeline.datagram(&datagram, arrival(), &mut output);
            for event in output.drain() {
                let line = serde_json::to_vec(&layout.view(&event)).expect("JSON");
                match read(&line, &deserializer) {
                    Some(Record::Event(read)) => pairs.push((event, read)),
                    other => {
                        assert_eq!(other, Some(Record::Other));
                        assert_eq!(event.kind(), EventKind::Undecoded);
                    }
                }
            }
        }
        assert!(pairs.len() > 400);
        pairs
    }

    #[test]
    fn a_line_break_in_a_field_stays_there() {
        let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
        let mut output = OutputBuffer::default();
        let datagram = b"/proxy-session/;n\n1;Start session;LAB;gor\nan;Not avail\nble;/hu\nb;";
        pipeline.datagram(datagram, arrival(), &mut output);
        let event = output.drain().next().expect("an event");
        let line = serde_json::to_vec(&Schema::Default.view(&event)).expect("JSON");
        let Some(Record::Event(read)) = read(&line, &QlikSenseDeserializer::default()) else {
            panic!("no event");
        };
        assert_eq!(fields(&read), fields(&event));
        assert_eq!(fields(&read)["origin"], "Not avail\nble");
    }

    fn fields(event: &Event) -> Value {
        let mut fields = serde_json::to_value(Schema::Default.view(event)).expect("JSON");
        // The message has the user agent only.
        fields.as_object_mut().expect("a map").remove("message");
        fields
    }

    #[test]
    fn events_read_back_as_they_were() {
        for extended in [false, true] {
            let options = SiteOptions {
                extended,
                odd_per_mille: 100,
                ..SiteOptions::default()
            };
            for (event, read) in round_trip(options, &[]) {
                assert_eq!(fields(&event), fields(&read));
            }
        }
    }

    #[test]
    fn fields_that_were_left_out_are_made_up_for() {
        let options = SiteOptions {
            odd_per_mille: 0,
            ..SiteOptions::default()
        };
        let dropped = [
            "qlik_command",
            "user_directory",
            "user_id",
            "context",
            "message",
        ];
        for (event, read) in round_trip(options, &dropped) {
            let (Event::User(event), Event::User(read)) = (event, read) else {
                panic!("user events");
            };
            assert_eq!(event.kind(), read.kind());
            assert_eq!(event.user(), read.user());
            assert_eq!(event.app_id(), read.app_id());
            assert_eq!(
                event.virtual_proxy().filter(|_| event.app_id().is_some()),
                read.virtual_proxy()
            );
            assert_eq!(event.client(), read.client());
        }
    }

    #[test]
    fn other_lines_are_told_apart() {
        let deserializer = QlikSenseDeserializer::default();
        let read = |line: &str| read(line.as_bytes(), &deserializer);
        for line in [
            "",
            "{}",
            "[1]",
            "nonsense",
            r#"{"event":"session"}"#,
            r#"{"source_type":"qlik_sense","event":"session"}"#,
            r#"{"source_type":"qlik_sense","event":"session","timestamp":"yesterday","action":"stop"}"#,
            r#"{"source_type":"qlik_sense","event":"session","timestamp":"2026-01-31T09:00:00Z","action":"stop","host":"a;b"}"#,
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        for (line, expected) in [
            (
                r#"{"source_type":"qlik_sense","event":"undecoded"}"#,
                Record::Other,
            ),
            (
                r#"{"source_type":"qlik_sense","event":"session_summary"}"#,
                Record::Other,
            ),
            (
                r#"{"source_type":"qlik_sense","event":"plugin","dropped":7}"#,
                Record::Dropped(7),
            ),
            (
                r#"{"source_type":"qlik_sense","event":"plugin","dropped":7,"address":"x"}"#,
                Record::Other,
            ),
        ] {
            assert_eq!(read(line), Some(expected), "{line}");
        }
    }
}
