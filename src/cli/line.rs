//! Events as lines of a table, for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Utc};
use qlik_sense_events::{
    event::{
        Body, ConnectionAction, Derived, DerivedKind, Event, EventKind, Level, SessionAction,
        TaskAction,
    },
    host::diagnostics::terminal::escaped,
};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns in front of the details: their headings and widths.
const COLUMNS: [(&str, usize); 4] = [("TIME", 8), ("NODE", 10), ("EVENT", 16), ("USER", 18)];

/// Where text was cut.
const ELLIPSIS: char = '…';

/// The table: a heading, and lines that are no longer than a terminal is wide.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    width: usize,
}

impl Lines {
    /// Lines of at most so many columns.
    pub const fn new(width: usize) -> Self {
        Self { width }
    }

    /// The names of the columns.
    pub fn heading(self) -> String {
        let cells = COLUMNS.map(|(name, _)| name.to_owned());
        let line = self.fitted(&cells, "WHAT");
        let style = Style::new().bold();
        format!("{style}{line}{style:#}")
    }

    /// Time, node, what happened, who, and with what. Text of the payload is shown with control characters and
    /// changes of direction escaped, so that it cannot steer the terminal.
    pub fn line(self, event: &Event) -> String {
        let cells = [
            event.timestamp().map(time).unwrap_or_default(),
            event.host().unwrap_or("-").to_owned(),
            event.kind().name().replace('_', " "),
            event
                .user()
                .map(|user| user.to_string())
                .unwrap_or_default(),
        ];
        let style = style(event);
        let line = self.fitted(&cells.map(|cell| escaped(&cell)), &escaped(&details(event)));
        format!("{style}{line}{style:#}")
    }

    fn fitted(self, cells: &[String; COLUMNS.len()], details: &str) -> String {
        let mut line = String::new();
        for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
            let cell = cut(cell, width);
            let missing = width.saturating_sub(cell.width());
            let _ = write!(line, "{cell}{:missing$}  ", "");
        }
        line.push_str(details);
        cut(line.trim_end(), self.width)
    }
}

/// A text of at most so many columns.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let kept = text.chars().take_while(|character| {
        let width = character.width().unwrap_or(0);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    });
    kept.chain([ELLIPSIS]).collect()
}

fn time(timestamp: DateTime<Utc>) -> String {
    timestamp.format("%H:%M:%S").to_string()
}

/// What is worth a look stands out: what begins, what ends, what went wrong.
fn style(event: &Event) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match (event.kind(), event.level()) {
        (
            EventKind::Session(SessionAction::Start)
            | EventKind::Connection(ConnectionAction::Open),
            _,
        ) => colour(AnsiColor::Green),
        (
            EventKind::Session(SessionAction::Stop)
            | EventKind::Connection(ConnectionAction::Close),
            _,
        ) => Style::new().dimmed(),
        (EventKind::Task(TaskAction::Failed), _) | (_, Some(Level::Error | Level::Fatal)) => {
            colour(AnsiColor::Red)
        }
        (EventKind::Undecoded | EventKind::Task(TaskAction::Aborting), _)
        | (_, Some(Level::Warn)) => colour(AnsiColor::Yellow),
        _ => Style::new(),
    }
}

fn details(event: &Event) -> String {
    match event.body() {
        Body::Undecoded(event) => event.error().to_string(),
        Body::Derived(derived) => lasted(derived),
        Body::Log(_) => {
            let level = event.level().map_or("", Level::as_str);
            format!("{level}: {}", event.message().unwrap_or_default())
        }
        Body::Performance(request) => {
            let milliseconds = request
                .process_nanoseconds()
                .map(|nanoseconds| format!("{:.1} ms", nanoseconds as f64 / 1e6));
            let memory = request
                .peak_ram_bytes()
                .map(|bytes| format!("{:.1} MB", bytes as f64 / 1e6));
            joined([request.method().map(str::to_owned), milliseconds, memory])
        }
        Body::Task(_) => event.task_name().unwrap_or_default().to_owned(),
        _ => {
            let app = event.app_name().map(str::to_owned);
            let place = app
                .or_else(|| event.app_id().map(|id| id.to_string()))
                .or_else(|| event.context().map(str::to_owned));
            let client = event.client();
            let browser = client.and_then(|client| client.browser_name.clone());
            let system = client.and_then(|client| client.os_name);
            joined([
                place,
                browser.map(|it| it.to_string()),
                system.map(str::to_owned),
            ])
        }
    }
}

fn joined(parts: [Option<String>; 3]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("  ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns_and_not_by_letters() {
        assert_eq!(cut("Łukasz", 6), "Łukasz");
        assert_eq!(cut("Łukasz", 5), "Łuka…");
        assert_eq!(cut("田中さん", 6), "田中…");
        assert_eq!(cut("田中", 0), "…");
    }
}
