//! Sessions and connections as a whole.

use chrono::{DateTime, Utc};

use super::{Timestamp, Visitor, visit_client};
use crate::{
    event::{Derived, DerivedKind, Ended, FollowedConnection, FollowedSession, Pairing},
    schema::values::{AppIds, AppNames, Guid, seconds},
};

pub(super) fn visit<V: Visitor>(event: &Derived, visitor: &mut V) -> Result<(), V::Error> {
    let subject = &event.subject;
    visitor.field("host", subject.host.as_deref())?;
    visitor.field("user_directory", subject.user_directory.as_deref())?;
    visitor.field("user_id", Some(&*subject.user_id))?;
    visitor.display("user", subject.user())?;
    match &event.kind {
        DerivedKind::SessionSummary(session, ended) => {
            visit_session(session, visitor)?;
            visit_end(session.start, ended, visitor)
        }
        DerivedKind::ConnectionSummary(connection, ended) => {
            visit_connection(connection, visitor)?;
            visit_end(connection.start, ended, visitor)
        }
        DerivedKind::SessionSnapshot(session) => {
            visit_session(session, visitor)?;
            visitor.field("open_apps", AppIds::of(&session.open_apps).as_ref())?;
            visitor.field("open_app_names", AppNames::of(&session.open_apps).as_ref())?;
            let duration = event.timestamp - session.start;
            visitor.field("duration_secs", Some(&seconds(duration)))
        }
    }
}

fn visit_session<V: Visitor>(session: &FollowedSession, visitor: &mut V) -> Result<(), V::Error> {
    visitor.field("session_id", session.session_id.as_deref())?;
    visitor.field("virtual_proxy", session.virtual_proxy.as_deref())?;
    visit_client(session.client.as_deref(), visitor)?;
    visitor.field("start", Some(&Timestamp(session.start)))?;
    visitor.field("start_seen", Some(&session.start_seen))?;
    visitor.field("connections", Some(&session.connections))?;
    visitor.field("open_connections", Some(&session.open_connections))?;
    visitor.field("apps", AppIds::of(&session.apps).as_ref())?;
    visitor.field("app_names", AppNames::of(&session.apps).as_ref())
}

fn visit_connection<V: Visitor>(
    connection: &FollowedConnection,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.field("session_id", connection.session_id.as_deref())?;
    visitor.field("virtual_proxy", connection.virtual_proxy.as_deref())?;
    let app = connection.app.as_ref();
    visitor.field("app_id", app.map(|app| Guid(app.id)).as_ref())?;
    visitor.field("app_name", app.and_then(|app| app.name.as_deref()))?;
    visit_client(connection.client.as_deref(), visitor)?;
    visitor.field("start", Some(&Timestamp(connection.start)))?;
    visitor.field("start_seen", Some(&connection.start_seen))
}

fn visit_end<V: Visitor>(
    start: DateTime<Utc>,
    ended: &Ended,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.field("end", Some(&Timestamp(ended.end)))?;
    visitor.field("end_seen", Some(&ended.end_seen()))?;
    visitor.field("end_reason", Some(ended.reason.as_str()))?;
    visitor.field("pairing", ended.pairing.map(Pairing::as_str))?;
    let duration = ended.duration_since(start);
    visitor.field("duration_secs", Some(&seconds(duration)))
}
