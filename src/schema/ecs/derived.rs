//! Sessions and connections as a whole. ECS has a start, an end and a duration for every event.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Fill, NETWORK, SESSION, Timestamp, add_agent};
use crate::{
    event::{Derived, DerivedKind, Ended, Pairing, Subject},
    schema::Value,
};

pub(super) const fn dataset(event: &Derived) -> &'static str {
    match &event.kind {
        DerivedKind::SessionSummary(..) => "qlik_sense.session_summary",
        DerivedKind::ConnectionSummary(..) => "qlik_sense.connection_summary",
        DerivedKind::SessionSnapshot(_) => "qlik_sense.session_snapshot",
    }
}

/// The fields of `event` but for the module and the dataset.
pub(super) fn add_categories<'a>(event: &'a Derived, record: &mut impl Fill<'a>) {
    let (kind, category, types): (_, _, &'static [&'static str]) = match &event.kind {
        DerivedKind::SessionSummary(..) => ("event", SESSION, &["end"]),
        DerivedKind::ConnectionSummary(..) => ("event", NETWORK, &["connection", "end"]),
        DerivedKind::SessionSnapshot(_) => ("state", SESSION, &["info"]),
    };
    record.field("kind", kind);
    record.field("category", category);
    record.field("type", types);
    record.field("action", event.kind.event());
    let (start, ended) = times(event);
    record.field("start", Timestamp(start));
    record.field("end", ended.map(|ended| Timestamp(ended.end)));
    let duration = ended.map_or(event.timestamp - start, |ended| ended.duration_since(start));
    record.field("duration", nanoseconds(duration));
}

pub(super) fn fill<'a>(event: &'a Derived, record: &mut impl Fill<'a>) {
    let client = match &event.kind {
        DerivedKind::SessionSummary(session, _) | DerivedKind::SessionSnapshot(session) => {
            &session.client
        }
        DerivedKind::ConnectionSummary(connection, _) => &connection.client,
    };
    record.group("user", |record| add_user(&event.subject, record));
    record.group("user_agent", |record| {
        add_agent((None, client.as_deref()), record)
    });
    record.group("qlik_sense", |record| add_rest(event, record));
}

fn times(event: &Derived) -> (DateTime<Utc>, Option<&Ended>) {
    match &event.kind {
        DerivedKind::SessionSummary(session, ended) => (session.start, Some(ended)),
        DerivedKind::ConnectionSummary(connection, ended) => (connection.start, Some(ended)),
        DerivedKind::SessionSnapshot(session) => (session.start, None),
    }
}

/// ECS measures durations in nanoseconds; whole milliseconds, never negative.
fn nanoseconds(duration: TimeDelta) -> i64 {
    duration.num_milliseconds().max(0).saturating_mul(1_000_000)
}

fn add_user<'a>(subject: &'a Subject, record: &mut impl Fill<'a>) {
    record.field("id", subject.user());
    record.field("domain", subject.user_directory.as_deref());
    record.field("name", &*subject.user_id);
}

/// `qlik_sense`: what ECS has no field for.
fn add_rest<'a>(event: &'a Derived, record: &mut impl Fill<'a>) {
    let (_, ended) = times(event);
    match &event.kind {
        DerivedKind::SessionSummary(session, _) | DerivedKind::SessionSnapshot(session) => {
            record.field("session_id", session.session_id.as_deref());
            record.field("virtual_proxy", session.virtual_proxy.as_deref());
            record.field("start_seen", session.start_seen);
            record.field("connections", session.connections);
            record.field("open_connections", session.open_connections);
            record.field("apps", Value::ids_of(&session.apps));
            record.field("app_names", Value::names_of(&session.apps));
            if ended.is_none() {
                record.field("open_apps", Value::ids_of(&session.open_apps));
                record.field("open_app_names", Value::names_of(&session.open_apps));
            }
        }
        DerivedKind::ConnectionSummary(connection, _) => {
            record.field("session_id", connection.session_id.as_deref());
            record.field("virtual_proxy", connection.virtual_proxy.as_deref());
            let app = connection.app.as_ref();
            record.field("app_id", app.map(|app| app.id));
            record.field("app_name", app.and_then(|app| app.name.as_deref()));
            record.field("start_seen", connection.start_seen);
        }
    }
    record.field("end_seen", ended.map(Ended::end_seen));
    record.field("end_reason", ended.map(|ended| ended.reason.as_str()));
    let pairing = ended.and_then(|ended| ended.pairing);
    record.field("pairing", pairing.map(Pairing::as_str));
}
