//! Sessions and connections as a whole. ECS has a start, an end and a duration for every event.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Fields, Timestamp, Visitor};
use crate::{
    event::{Derived, DerivedKind, Ended, Pairing, Subject, UserAgent},
    schema::values::{AppIds, AppNames, Guid},
};

pub(super) const fn dataset(event: &Derived) -> &'static str {
    match &event.kind {
        DerivedKind::SessionSummary(..) => "qlik_sense.session_summary",
        DerivedKind::ConnectionSummary(..) => "qlik_sense.connection_summary",
        DerivedKind::SessionSnapshot(_) => "qlik_sense.session_snapshot",
    }
}

/// The fields of `event` but for the module and the dataset.
pub(super) fn visit_categories<V: Visitor>(
    event: &Derived,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let (kind, category, types): (_, _, &[&str]) = match &event.kind {
        DerivedKind::SessionSummary(..) => ("event", "session", &["end"]),
        DerivedKind::ConnectionSummary(..) => ("event", "network", &["connection", "end"]),
        DerivedKind::SessionSnapshot(_) => ("state", "session", &["info"]),
    };
    visitor.field("kind", Some(kind))?;
    visitor.field("category", Some(&[category]))?;
    visitor.field("type", Some(types))?;
    visitor.field("action", Some(event.kind.event()))?;
    let (start, ended) = times(event);
    visitor.field("start", Some(&Timestamp(start)))?;
    visitor.field("end", ended.map(|ended| Timestamp(ended.end)).as_ref())?;
    let duration = ended.map_or(event.timestamp - start, |ended| ended.duration_since(start));
    visitor.field("duration", Some(&nanoseconds(duration)))
}

pub(super) fn visit<V: Visitor>(event: &Derived, visitor: &mut V) -> Result<(), V::Error> {
    let client = match &event.kind {
        DerivedKind::SessionSummary(session, _) | DerivedKind::SessionSnapshot(session) => {
            &session.client
        }
        DerivedKind::ConnectionSummary(connection, _) => &connection.client,
    };
    visitor.group("user", &User(&event.subject))?;
    visitor.group("user_agent", &Agent(client.as_deref()))?;
    visitor.group("qlik_sense", &Rest(event))
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

struct User<'a>(&'a Subject);

impl Fields for User<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.display("id", self.0.user())?;
        visitor.field("domain", self.0.user_directory.as_deref())?;
        visitor.field("name", Some(&*self.0.user_id))
    }
}

struct Agent<'a>(Option<&'a UserAgent>);

impl Fields for Agent<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let client = self.0;
        visitor.field("name", client.and_then(|c| c.browser_name))?;
        visitor.field("version", client.and_then(|c| c.browser_version.as_deref()))?;
        visitor.group("os", &System(client))
    }
}

struct System<'a>(Option<&'a UserAgent>);

impl Fields for System<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.field("name", self.0.and_then(|c| c.os_name))?;
        visitor.field("version", self.0.and_then(|c| c.os_version.as_deref()))
    }
}

/// `qlik_sense`: what ECS has no field for.
struct Rest<'a>(&'a Derived);

impl Fields for Rest<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let (_, ended) = times(self.0);
        match &self.0.kind {
            DerivedKind::SessionSummary(session, _) | DerivedKind::SessionSnapshot(session) => {
                visitor.field("session_id", session.session_id.as_deref())?;
                visitor.field("virtual_proxy", session.virtual_proxy.as_deref())?;
                visitor.field("start_seen", Some(&session.start_seen))?;
                visitor.field("connections", Some(&session.connections))?;
                visitor.field("open_connections", Some(&session.open_connections))?;
                visitor.field("apps", AppIds::of(&session.apps).as_ref())?;
                visitor.field("app_names", AppNames::of(&session.apps).as_ref())?;
                if ended.is_none() {
                    let open = &session.open_apps;
                    visitor.field("open_apps", AppIds::of(open).as_ref())?;
                    visitor.field("open_app_names", AppNames::of(open).as_ref())?;
                }
            }
            DerivedKind::ConnectionSummary(connection, _) => {
                visitor.field("session_id", connection.session_id.as_deref())?;
                visitor.field("virtual_proxy", connection.virtual_proxy.as_deref())?;
                let app = connection.app.as_ref();
                visitor.field("app_id", app.map(|app| Guid(app.id)).as_ref())?;
                visitor.field("app_name", app.and_then(|app| app.name.as_deref()))?;
                visitor.field("start_seen", Some(&connection.start_seen))?;
            }
        }
        visitor.field("end_seen", ended.map(Ended::end_seen).as_ref())?;
        visitor.field("end_reason", ended.map(|ended| ended.reason.as_str()))?;
        let pairing = ended.and_then(|ended| ended.pairing);
        visitor.field("pairing", pairing.map(Pairing::as_str))
    }
}
