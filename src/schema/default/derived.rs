//! Sessions and connections as a whole.

use chrono::{DateTime, Utc};

use super::{Fill, Timestamp, add_client};
use crate::{
    event::{Derived, DerivedKind, Ended, FollowedConnection, FollowedSession, Pairing},
    schema::Value,
};

pub(super) fn fill<'a>(event: &'a Derived, record: &mut impl Fill<'a>) {
    let subject = &event.subject;
    record.field("host", subject.host.as_deref());
    record.field("user_directory", subject.user_directory.as_deref());
    record.field("user_id", &*subject.user_id);
    record.field("user", subject.user());
    match &event.kind {
        DerivedKind::SessionSummary(session, ended) => {
            add_session(session, record);
            add_end(session.start, ended, record);
        }
        DerivedKind::ConnectionSummary(connection, ended) => {
            add_connection(connection, record);
            add_end(connection.start, ended, record);
        }
        DerivedKind::SessionSnapshot(session) => {
            add_session(session, record);
            record.field("open_apps", Value::ids_of(&session.open_apps));
            record.field("open_app_names", Value::names_of(&session.open_apps));
            let duration = event.timestamp - session.start;
            record.field("duration_secs", Value::seconds(duration));
        }
    }
}

fn add_session<'a>(session: &'a FollowedSession, record: &mut impl Fill<'a>) {
    record.field("session_id", session.session_id.as_deref());
    record.field("virtual_proxy", session.virtual_proxy.as_deref());
    add_client(session.client.as_deref(), record);
    record.field("start", Timestamp(session.start));
    record.field("start_seen", session.start_seen);
    record.field("connections", session.connections);
    record.field("open_connections", session.open_connections);
    record.field("apps", Value::ids_of(&session.apps));
    record.field("app_names", Value::names_of(&session.apps));
}

fn add_connection<'a>(connection: &'a FollowedConnection, record: &mut impl Fill<'a>) {
    record.field("session_id", connection.session_id.as_deref());
    record.field("virtual_proxy", connection.virtual_proxy.as_deref());
    let app = connection.app.as_ref();
    record.field("app_id", app.map(|app| app.id));
    record.field("app_name", app.and_then(|app| app.name.as_deref()));
    add_client(connection.client.as_deref(), record);
    record.field("start", Timestamp(connection.start));
    record.field("start_seen", connection.start_seen);
}

fn add_end<'a>(start: DateTime<Utc>, ended: &Ended, record: &mut impl Fill<'a>) {
    record.field("end", Timestamp(ended.end));
    record.field("end_seen", ended.end_seen());
    record.field("end_reason", ended.reason.as_str());
    record.field("pairing", ended.pairing.map(Pairing::as_str));
    let duration = ended.duration_since(start);
    record.field("duration_secs", Value::seconds(duration));
}
