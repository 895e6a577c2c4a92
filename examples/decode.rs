//! Decodes datagrams and matches on their content. `cargo run --example decode`

use std::fmt::Write;

use qlik_sense_events::{
    decoding::{Error, LogNamespace, QlikSenseDeserializerConfig},
    event::{Body, ConnectionAction, Event, EventKind, SessionAction, TaskAction},
};

const DATAGRAMS: [&str; 5] = [
    "/qseow-proxy-session/;pro2-win1;Start session;LAB;goran;Not available;/hub;Start session for user",
    "/qseow-proxy-connection/;pro2-win1;Open connection;LAB;goran;AppAccess;/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69;Websocket connection Opened for session; UserAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'",
    "/qseow-proxy-session/;pro2-win1;Stop session;LAB;goran;Not available;/hub;Stop session for user",
    r"/scheduler-task-failed/;pro2-win1;Nightly Sales;Sales;INTERNAL\sa_scheduler;d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610;0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740;2026-01-31 06:00:12,345;INFO;b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b;Max retries reached",
    "/qseow-proxy-session/;pro2-win1;Start session",
];

fn main() -> Result<(), Error> {
    print!("{}", report()?);
    Ok(())
}

/// One line per event.
pub fn report() -> Result<String, Error> {
    let deserializer = QlikSenseDeserializerConfig::default().build();
    let mut lines = String::new();
    for datagram in DATAGRAMS {
        // A datagram is one event, unless a relay has combined several.
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
        EventKind::Task(TaskAction::Failed) => {
            format!("the task {} failed", event.task_name().unwrap_or("?"))
        }
        // The body contains what is specific to a kind of event.
        kind => match event.body() {
            Body::Performance(event) => format!(
                "{user} in {app}: {} took {} ms",
                event.method().unwrap_or("?"),
                event.process_nanoseconds().unwrap_or(0) / 1_000_000
            ),
            // The error says what is wrong and where; `raw()` returns the text.
            Body::Undecoded(event) => format!("undecoded: {}", event.error()),
            _ => format!("{user}: {}", event.qlik_command().unwrap_or(kind.event())),
        },
    }
}
