//! An event as a line for people.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use qlik_sense_events::{
    event::{Body, Derived, DerivedKind, Event},
    host::diagnostics::terminal::escaped,
};

/// One line: time, node, what happened, who, where, with what. Text of the payload is shown with
/// control characters and changes of direction escaped, so that it cannot steer the terminal.
pub fn line(event: &Event) -> String {
    let time = event
        .arrival()
        .map(|arrival| {
            arrival
                .timestamp
                .to_rfc3339_opts(SecondsFormat::Millis, true)
        })
        .unwrap_or_default();
    let mut line = time;
    match event.body() {
        Body::Undecoded(event) => {
            let _ = write!(line, "  undecoded: {}", event.error());
        }
        Body::Derived(derived) => {
            let name = event.kind().event().replace('_', " ");
            let event = derived;
            let subject = &event.subject;
            let user = subject
                .user()
                .map_or_else(|| subject.user_id.to_string(), |user| user.to_string());
            let parts = [
                (subject.host.as_deref().unwrap_or("-"), 10),
                (&*name, 16),
                (&*user, 24),
                (&*lasted(event), 0),
            ];
            for (text, width) in parts {
                let _ = write!(line, "  {:<width$}", escaped(text));
            }
        }
        _ => {
            let action = event.kind().name().replace('_', " ");
            let user = event
                .user()
                .map(|user| user.to_string())
                .unwrap_or_default();
            let client = event.client();
            let place = event.app_id().map(|id| id.to_string());
            let parts = [
                (event.host().unwrap_or("-"), 10),
                (&*action, 16),
                (&*user, 24),
                (place.as_deref().or(event.context()).unwrap_or(""), 0),
                (
                    client.and_then(|c| c.browser_name.as_deref()).unwrap_or(""),
                    0,
                ),
                (client.and_then(|c| c.os_name).unwrap_or(""), 0),
            ];
            for (text, width) in parts {
                let _ = write!(line, "  {:<width$}", escaped(text));
            }
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// How long it lasted, and how it ended.
fn lasted(event: &Derived) -> String {
    let (start, end, ended) = match &event.kind {
        DerivedKind::SessionSummary(session, ended) => (session.start, ended.end, Some(ended)),
        DerivedKind::ConnectionSummary(connection, ended) => {
            (connection.start, ended.end, Some(ended))
        }
        DerivedKind::SessionSnapshot(session) => (session.start, event.timestamp, None),
        _ => return String::new(),
    };
    let seconds = (end - start).num_milliseconds().max(0) as f64 / 1_000.0;
    let reason = ended.map_or("", |ended| ended.reason.as_str());
    format!("{seconds:.1} s  {reason}").trim_end().to_owned()
}
