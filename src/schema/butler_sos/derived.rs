//! Sessions and connections as a whole, which Butler SOS does not know.

use chrono::{DateTime, Utc};

use super::{Tags, Visitor, or_empty, visit_client};
use crate::{
    event::{Derived, DerivedKind, Ended, FollowedSession, Pairing},
    schema::{
        Timestamp,
        values::{AppIds, AppNames, Guid, seconds},
    },
};

pub(super) fn visit<V: Visitor>(
    event: &Derived,
    tags: &Tags,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let subject = &event.subject;
    visitor.field("messageType", Some(event.kind.event()))?;
    visitor.field("host", or_empty(subject.host.as_deref()))?;
    visitor.field("userDir", or_empty(subject.user_directory.as_deref()))?;
    visitor.field("userId", Some(&*subject.user_id))?;
    visitor.field("tags", Some(tags))?;
    match &event.kind {
        DerivedKind::SessionSummary(session, ended) => {
            visit_session(session, visitor)?;
            visit_end(session.start, ended, visitor)
        }
        DerivedKind::ConnectionSummary(connection, ended) => {
            let app = connection.app.as_ref();
            visitor.field("appId", app.map(|app| Guid(app.id)).as_ref())?;
            visitor.field("appName", app.and_then(|app| app.name.as_deref()))?;
            visit_client(connection.client.as_deref(), visitor)?;
            visitor.field("sessionId", connection.session_id.as_deref())?;
            visitor.field("start", Some(&Timestamp(connection.start)))?;
            visitor.field("startSeen", Some(&connection.start_seen))?;
            visit_end(connection.start, ended, visitor)
        }
        DerivedKind::SessionSnapshot(session) => {
            visit_session(session, visitor)?;
            visitor.field("openApps", AppIds::of(&session.open_apps).as_ref())?;
            visitor.field("openAppNames", AppNames::of(&session.open_apps).as_ref())?;
            let duration = event.timestamp - session.start;
            visitor.field("durationSecs", Some(&seconds(duration)))
        }
    }
}

fn visit_session<V: Visitor>(session: &FollowedSession, visitor: &mut V) -> Result<(), V::Error> {
    visit_client(session.client.as_deref(), visitor)?;
    visitor.field("sessionId", session.session_id.as_deref())?;
    visitor.field("start", Some(&Timestamp(session.start)))?;
    visitor.field("startSeen", Some(&session.start_seen))?;
    visitor.field("connections", Some(&session.connections))?;
    visitor.field("openConnections", Some(&session.open_connections))?;
    visitor.field("apps", AppIds::of(&session.apps).as_ref())?;
    visitor.field("appNames", AppNames::of(&session.apps).as_ref())
}

fn visit_end<V: Visitor>(
    start: DateTime<Utc>,
    ended: &Ended,
    visitor: &mut V,
) -> Result<(), V::Error> {
    visitor.field("end", Some(&Timestamp(ended.end)))?;
    visitor.field("endSeen", Some(&ended.end_seen()))?;
    visitor.field("endReason", Some(ended.reason.as_str()))?;
    visitor.field("pairing", ended.pairing.map(Pairing::as_str))?;
    let duration = ended.duration_since(start);
    visitor.field("durationSecs", Some(&seconds(duration)))
}
