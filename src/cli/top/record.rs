//! A JSON line of the output, in the schema `default`.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use qlik_sense_events::{
    event::{EventKind, Family, TaskAction, UserAgent, UserAgentCache},
    schema::SOURCE_TYPE,
    transform::sessions::Activity,
};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    screen::Cost,
    told::{News, Requester, Told},
};

/// The content of a line.
#[derive(Debug, PartialEq)]
pub enum Record {
    /// Something happened to a session or a connection.
    User(Box<UserRecord>),
    /// A service reported something.
    Service(Box<ServiceRecord>),
    /// The number of events that were dropped because this reader was too slow.
    Dropped(u64),
    /// Something else that the program writes: undecoded payloads, sessions as a whole, diagnostics.
    Other,
}

/// Reads a line; `None` if it is not a record of the program in the schema `default`.
pub fn read(line: &[u8], user_agents: &UserAgentCache) -> Option<Record> {
    let head: Head = serde_json::from_slice(line).ok()?;
    if head.source_type != SOURCE_TYPE {
        return None;
    }
    match &*head.event {
        "session" => user_record(line, Family::Session, user_agents),
        "connection" => user_record(line, Family::Connection, user_agents),
        "performance" => service_record(line, Teller::Requests),
        "performance_summary" => service_record(line, Teller::Summary),
        "log" => service_record(line, Teller::Log),
        "task" => service_record(line, Teller::Task),
        "plugin" => {
            let plugin: Plugin = serde_json::from_slice(line).ok()?;
            Some(match plugin.dropped {
                // With an address, it is the count of the output's queue.
                Some(dropped) if plugin.address.is_none() => Record::Dropped(dropped),
                _ => Record::Other,
            })
        }
        _ => Some(Record::Other),
    }
}

fn user_record(line: &[u8], family: Family, user_agents: &UserAgentCache) -> Option<Record> {
    let fields: UserFields = serde_json::from_slice(line).ok()?;
    Some(Record::User(Box::new(UserRecord {
        kind: fields.kind(family)?,
        client: fields.user_agent.as_deref().map(|it| user_agents.get(it)),
        app_name: fields.app_name.as_deref().map(Arc::from),
        fields,
    })))
}

fn service_record(line: &[u8], teller: Teller) -> Option<Record> {
    let fields = serde_json::from_slice(line).ok()?;
    Some(Record::Service(Box::new(ServiceRecord { teller, fields })))
}

/// The fields of every record.
#[derive(Deserialize)]
struct Head {
    source_type: String,
    event: String,
}

/// The fields of an event about the program that are used.
#[derive(Deserialize)]
struct Plugin {
    dropped: Option<u64>,
    address: Option<IgnoredAny>,
}

/// A session or connection event of a user.
#[derive(Debug, PartialEq)]
pub struct UserRecord {
    kind: EventKind,
    client: Option<Arc<UserAgent>>,
    app_name: Option<Arc<str>>,
    fields: UserFields,
}

/// The fields of such an event that are used. All but the time may be absent, or dropped from the output.
#[derive(Debug, PartialEq, Deserialize)]
struct UserFields {
    timestamp: Time,
    /// The arrival, if `timestamp` is Qlik's own time.
    ingest_timestamp: Option<Time>,
    action: Option<String>,
    qlik_command: Option<String>,
    host: Option<String>,
    user_directory: Option<String>,
    user_id: Option<String>,
    user: Option<String>,
    origin: Option<String>,
    context: Option<String>,
    message: Option<String>,
    virtual_proxy: Option<String>,
    app_id: Option<String>,
    app_name: Option<String>,
    user_agent: Option<String>,
    sequence: Option<u64>,
    session_id: Option<String>,
    result: Option<String>,
}

/// A log, performance or task event, or a summary of performance events.
#[derive(Debug, PartialEq)]
pub struct ServiceRecord {
    teller: Teller,
    fields: ServiceFields,
}

/// The event's kind.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Teller {
    Requests,
    Summary,
    Log,
    Task,
}

/// The fields of such an event that are used. All but the time may be absent.
#[derive(Debug, PartialEq, Deserialize)]
struct ServiceFields {
    timestamp: Time,
    ingest_timestamp: Option<Time>,
    level: Option<String>,
    action: Option<String>,
    execution_id: Option<String>,
    session_id: Option<String>,
    user_directory: Option<String>,
    user_id: Option<String>,
    user: Option<String>,
    requests: Option<u64>,
    #[serde(alias = "process_ms_sum")]
    process_ms: Option<f64>,
    #[serde(alias = "peak_ram_bytes_max")]
    peak_ram_bytes: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Time(DateTime<Utc>);

impl TryFrom<String> for Time {
    type Error = chrono::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        DateTime::parse_from_rfc3339(&text).map(|time| Self(time.to_utc()))
    }
}

impl UserRecord {
    /// What the user did.
    pub fn activity(&self) -> Activity<'_> {
        let fields = &self.fields;
        // The configuration may drop either of them.
        let user = fields.user.as_deref().and_then(|it| it.split_once('\\'));
        let (directory, id) = user.unzip();
        Activity {
            arrival: fields.ingest_timestamp.unwrap_or(fields.timestamp).0,
            timestamp: fields.timestamp.0,
            kind: self.kind,
            host: fields.host.as_deref(),
            user_directory: fields.user_directory.as_deref().or(directory),
            user_id: fields.user_id.as_deref().or(id),
            session_id: fields.session_id.as_deref(),
            user_agent: fields.user_agent.as_deref(),
            client: self.client.as_ref(),
            virtual_proxy: fields.virtual_proxy.as_deref(),
            app_id: fields.app_id.as_deref().and_then(|id| id.parse().ok()),
            app_name: self.app_name.as_ref(),
            path: fields.context.as_deref().unwrap_or_default(),
            has_sequence: fields.sequence.is_some(),
            fingerprint: fields.fingerprint(),
        }
    }
}

impl ServiceRecord {
    /// What the service reported.
    pub fn told(&self) -> Told<'_> {
        let fields = &self.fields;
        let news = match self.teller {
            Teller::Requests => News::Requests(fields.requester(), fields.cost(1)),
            Teller::Summary => {
                let requests = fields.requests.unwrap_or(0);
                News::Requests(fields.requester(), fields.cost(requests))
            }
            Teller::Log => News::Log {
                is_error: matches!(fields.level.as_deref(), Some("error" | "fatal")),
            },
            Teller::Task => News::Task {
                has_failed: fields.action.as_deref() == Some(TaskAction::Failed.as_str()),
                execution_id: fields.execution_id.as_deref(),
            },
        };
        Told {
            arrival: fields.ingest_timestamp.unwrap_or(fields.timestamp).0,
            news,
        }
    }
}

impl ServiceFields {
    fn requester(&self) -> Requester<'_> {
        let user = self.user.as_deref().and_then(|it| it.split_once('\\'));
        let (directory, id) = user.unzip();
        Requester {
            session_id: self.session_id.as_deref(),
            user_directory: self.user_directory.as_deref().or(directory),
            user_id: self.user_id.as_deref().or(id),
        }
    }

    fn cost(&self, requests: u64) -> Cost {
        let milliseconds = self.process_ms.unwrap_or(0.0);
        let peak_ram = self.peak_ram_bytes.unwrap_or(0);
        Cost {
            requests,
            process: Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or_default(),
            peak_ram: u64::try_from(peak_ram).unwrap_or(0),
        }
    }
}

impl UserFields {
    /// `None` if no field says it.
    fn kind(&self, family: Family) -> Option<EventKind> {
        let Some(action) = &self.action else {
            return Some(EventKind::of_command(
                family,
                Some(self.qlik_command.as_deref()?),
            ));
        };
        let other = EventKind::of_command(family, None);
        let mut kinds = EventKind::ALL.iter().copied();
        kinds.find(|kind| kind.event() == other.event() && kind.action() == Some(action))
    }

    /// A hash of everything that comes from the payload, and so not of the arrival.
    fn fingerprint(&self) -> u32 {
        let mut hasher = DefaultHasher::new();
        let qlik_time = self.ingest_timestamp.map(|_| self.timestamp.0);
        (qlik_time, self.sequence).hash(&mut hasher);
        let texts = [
            &self.action,
            &self.qlik_command,
            &self.host,
            &self.user_directory,
            &self.user_id,
            &self.user,
            &self.origin,
            &self.context,
            &self.message,
            &self.virtual_proxy,
            &self.app_id,
            &self.user_agent,
            &self.session_id,
            &self.result,
        ];
        texts.hash(&mut hasher);
        hasher.finish() as u32
    }
}

#[cfg(test)]
mod tests {
    use qlik_sense_events::{
        event::{Arrival, Event, EventKind},
        pipeline::PipelineConfig,
        schema::{Layout, Schema, Tags},
        simulate::{Families, Site, SiteOptions},
        transform::{OutputBuffer, performance::Milliseconds},
    };

    use super::*;

    fn arrival() -> Arrival {
        let time = "2026-01-31T09:00:00.123456789Z".parse().expect("a time");
        Arrival::new(time, [192, 0, 2, 17].into())
    }

    /// Events of a site, each with what its line says.
    fn round_trip(options: SiteOptions, drop_fields: &[&str]) -> Vec<(Event, Box<UserRecord>)> {
        let layout = Layout::new(Schema::Default, Tags::default());
        let layout = layout.without(drop_fields).expect("fields");
        let mut site = Site::new(options);
        site.set_time("2026-01-31T08:59:59.987Z".parse().expect("a time"));
        let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
        let user_agents = UserAgentCache::default();
        let (mut output, mut datagram) = (OutputBuffer::default(), Vec::new());
        let mut pairs = Vec::new();
        for _ in 0..500 {
            site.next_datagram(&mut datagram);
            pipeline.datagram(&datagram, arrival(), &mut output);
            for event in output.drain() {
                let line = serde_json::to_vec(&layout.view(&event)).expect("JSON");
                match read(&line, &user_agents) {
                    Some(Record::User(record)) => pairs.push((event, record)),
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

    /// Everything but the fingerprint, which is computed from the payload in one case and from the line in the other.
    fn fields(activity: Activity<'_>) -> Activity<'_> {
        Activity {
            fingerprint: 0,
            ..activity
        }
    }

    fn of(event: &Event) -> Activity<'_> {
        fields(Activity::of(event).expect("a user event"))
    }

    #[test]
    fn a_line_says_what_the_event_said() {
        for extended in [false, true] {
            let options = SiteOptions {
                extended,
                odd_per_mille: 100,
                ..SiteOptions::default()
            };
            for (event, record) in round_trip(options, &[]) {
                assert_eq!(of(&event), fields(record.activity()));
            }
        }
    }

    #[test]
    fn what_services_tell_is_what_the_events_say() {
        let mut site = Site::new(SiteOptions {
            odd_per_mille: 200,
            families: Families::ALL,
            ..SiteOptions::default()
        });
        site.set_time("2026-01-31T08:59:59.987Z".parse().expect("a time"));
        // Most requests are only part of a summary.
        let mut config = PipelineConfig::default();
        config.performance.enabled = true;
        config.performance.min_process_ms = Milliseconds::new(500.0).expect("a time");
        let mut pipeline = config.build().expect("a pipeline");
        let (mut output, mut datagram) = (OutputBuffer::default(), Vec::new());
        let (layout, user_agents) = (Layout::default(), UserAgentCache::default());
        let mut told = [0; 4];
        for number in 0..=5_000 {
            if number < 5_000 {
                site.next_datagram(&mut datagram);
                pipeline.datagram(&datagram, arrival(), &mut output);
            } else {
                pipeline.finish(&mut output);
            }
            for event in output.drain() {
                let line = serde_json::to_vec(&layout.view(&event)).expect("JSON");
                let Some(Record::Service(record)) = read(&line, &user_agents) else {
                    assert_eq!(Told::of(&event), None);
                    continue;
                };
                assert_eq!(Some(record.told()), Told::of(&event), "{event:?}");
                told[record.teller as usize] += 1;
            }
        }
        assert!(told.iter().all(|count| *count > 0), "{told:?}");
    }

    #[test]
    fn fields_that_were_left_out_are_made_up_for() {
        let rows: [&[&str]; 2] = [
            &["qlik_command", "user_directory", "user_id", "message"],
            &["action", "user"],
        ];
        for dropped in rows {
            let options = SiteOptions {
                odd_per_mille: 0,
                ..SiteOptions::default()
            };
            for (event, record) in round_trip(options, dropped) {
                assert_eq!(of(&event), fields(record.activity()));
            }
        }
    }

    #[test]
    fn other_lines_are_told_apart() {
        let read = |line: &str| read(line.as_bytes(), &UserAgentCache::default());
        for line in [
            "",
            "{}",
            "[1]",
            "nonsense",
            r#"{"event":"session"}"#,
            r#"{"source_type":"qlik_sense","event":"session"}"#,
            r#"{"source_type":"qlik_sense","event":"session","timestamp":"yesterday","action":"stop"}"#,
            r#"{"source_type":"qlik_sense","event":"session","timestamp":"2026-01-31T09:00:00Z"}"#,
            r#"{"source_type":"qlik_sense","event":"session","timestamp":"2026-01-31T09:00:00Z","action":"open"}"#,
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
