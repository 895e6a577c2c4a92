//! Decodes datagrams and matches on what they say. `cargo run --example decode`

use std::fmt::Write;

use qlik_sense_events::{
    decoding::{Error, LogNamespace, QlikSenseDeserializerConfig},
    event::{Body, ConnectionAction, Event, EventKind, SessionAction},
};

const DATAGRAMS: [&str; 4] = [
    "/qseow-proxy-session/;pro2-win1;Start session;LAB;goran;Not available;/hub;Start session for user",
    "/qseow-proxy-connection/;pro2-win1;Open connection;LAB;goran;AppAccess;/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69;Websocket connection Opened for session; UserAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'",
    "/qseow-proxy-session/;pro2-win1;Stop session;LAB;goran;Not available;/hub;Stop session for user",
    "/qseow-proxy-session/;pro2-win1;Start session",
];

fn main() -> Result<(), Error> {
    print!("{}", report()?);
    Ok(())
}

/// A line an event.
pub fn report() -> Result<String, Error> {
    let deserializer = QlikSenseDeserializerConfig::default().build();
    let mut lines = String::new();
    for datagram in DATAGRAMS {
        // One datagram is one event, unless a relay has put several into it.
        for event in deserializer.parse(datagram.into(), LogNamespace::Legacy)? {
            writeln!(lines, "{}", sentence(&event))?;
        }
    }
    Ok(lines)
}

fn sentence(event: &Event) -> String {
    let user = event
        .user()
        .map_or("someone".into(), |user| user.to_string());
    let app = event.app_id().map_or("no app".into(), |id| id.to_string());
    match event.kind() {
        EventKind::Session(SessionAction::Start) => format!("{user} logged in"),
        EventKind::Session(SessionAction::Stop) => format!("{user} is gone"),
        EventKind::Connection(ConnectionAction::Open) => {
            let browser = event
                .client()
                .and_then(|client| client.browser_name.as_deref());
            format!("{user} opened {app} with {}", browser.unwrap_or("?"))
        }
        EventKind::Connection(ConnectionAction::Close) => format!("{user} closed an app"),
        // What is particular to a kind of event is in its body.
        kind => match event.body() {
            Body::Performance(event) => format!(
                "{user} in {app}: {} took {} ms",
                event.method().unwrap_or("?"),
                event.process_nanoseconds().unwrap_or(0) / 1_000_000
            ),
            // The error says what is wrong and where; `raw()` has the text.
            Body::Undecoded(event) => format!("undecoded: {}", event.error()),
            _ => format!("{user}: {}", event.qlik_command().unwrap_or(kind.event())),
        },
    }
}
