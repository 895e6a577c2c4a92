//! An event as a line for people.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use qlik_sense_events::{event::Event, host::terminal::escaped};

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
    match event {
        Event::User(event) => {
            let kind = event.kind();
            let action = format!("{} {}", kind.event(), kind.action());
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
                (client.and_then(|c| c.browser_name).unwrap_or(""), 0),
                (client.and_then(|c| c.os_name).unwrap_or(""), 0),
            ];
            for (text, width) in parts {
                let _ = write!(line, "  {:<width$}", escaped(text));
            }
        }
        Event::Undecoded(event) => {
            let _ = write!(line, "  undecoded: {}", event.error());
        }
        _ => line.push_str(event.name()),
    }
    line.truncate(line.trim_end().len());
    line
}
