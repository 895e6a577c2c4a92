//! Sessions and connections as a whole, which Butler SOS does not know.

use chrono::{DateTime, Utc};

use super::{Fill, Tags, add_client};
use crate::{
    event::{Derived, DerivedKind, Ended, FollowedSession, Pairing},
    schema::{Timestamp, Value},
};

pub(super) fn fill<'a>(event: &'a Derived, tags: &'a Tags, record: &mut impl Fill<'a>) {
    let subject = &event.subject;
    record.field("messageType", event.kind.event());
    record.field("host", subject.host.as_deref().unwrap_or_default());
    let directory = subject.user_directory.as_deref();
    record.field("userDir", directory.unwrap_or_default());
    record.field("userId", &*subject.user_id);
    record.field("tags", tags);
    match &event.kind {
        DerivedKind::SessionSummary(session, ended) => {
            add_session(session, record);
            add_end(session.start, ended, record);
        }
        DerivedKind::ConnectionSummary(connection, ended) => {
            let app = connection.app.as_ref();
            record.field("appId", app.map(|app| app.id));
            record.field("appName", app.and_then(|app| app.name.as_deref()));
            add_client(connection.client.as_deref(), record);
            record.field("sessionId", connection.session_id.as_deref());
            record.field("start", Timestamp(connection.start));
            record.field("startSeen", connection.start_seen);
            add_end(connection.start, ended, record);
        }
        DerivedKind::SessionSnapshot(session) => {
            add_session(session, record);
            record.field("openApps", Value::ids_of(&session.open_apps));
            record.field("openAppNames", Value::names_of(&session.open_apps));
            let duration = event.timestamp - session.start;
            record.field("durationSecs", Value::seconds(duration));
        }
    }
}

fn add_session<'a>(session: &'a FollowedSession, record: &mut impl Fill<'a>) {
    add_client(session.client.as_deref(), record);
    record.field("sessionId", session.session_id.as_deref());
    record.field("start", Timestamp(session.start));
    record.field("startSeen", session.start_seen);
    record.field("connections", session.connections);
    record.field("openConnections", session.open_connections);
    record.field("apps", Value::ids_of(&session.apps));
    record.field("appNames", Value::names_of(&session.apps));
}

fn add_end<'a>(start: DateTime<Utc>, ended: &Ended, record: &mut impl Fill<'a>) {
    record.field("end", Timestamp(ended.end));
    record.field("endSeen", ended.end_seen());
    record.field("endReason", ended.reason.as_str());
    record.field("pairing", ended.pairing.map(Pairing::as_str));
    let duration = ended.duration_since(start);
    record.field("durationSecs", Value::seconds(duration));
}
