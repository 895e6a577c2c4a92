//! Events as lines of a table, for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use qlik_sense_events::{event::Event, host::diagnostics::terminal::escaped, schema::Schema};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::columns::{cut, ellipsis};

/// The columns before the details: their headings and widths.
const COLUMNS: [(&str, usize); 4] = [("TIME", 8), ("NODE", 10), ("EVENT", 16), ("USER", 18)];

/// The table: a heading, and lines that are no longer than a terminal is wide.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    width: usize,
    /// Stands where text was cut.
    ellipsis: &'static str,
}

impl Lines {
    /// Lines of at most this many columns.
    pub const fn new(width: usize, with_unicode: bool) -> Self {
        Self {
            width,
            ellipsis: ellipsis(with_unicode),
        }
    }

    /// The names of the columns.
    pub fn heading(self) -> String {
        let cells = COLUMNS.map(|(name, _)| name.to_owned());
        let line = self.fitted(&cells, "WHAT");
        let style = Style::new().bold();
        format!("{style}{line}{style:#}")
    }

    /// Time, node, what happened, who, and with what. Control characters and changes of direction in the payload's
    /// text are escaped, so that it cannot control the terminal.
    pub fn line(self, event: &Event) -> String {
        let fields = Fields::new(event);
        let time = event.timestamp();
        let cells = [
            time.map(|time| time.format("%H:%M:%S").to_string())
                .unwrap_or_default(),
            fields.text("host").unwrap_or("-").to_owned(),
            event.kind().name().replace('_', " "),
            fields.user(),
        ];
        let style = fields.style();
        let line = self.fitted(
            &cells.map(|cell| escaped(&cell)),
            &escaped(&fields.details()),
        );
        format!("{style}{line}{style:#}")
    }

    fn fitted(self, cells: &[String; COLUMNS.len()], details: &str) -> String {
        let mut line = String::new();
        for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
            let cell = cut(cell, width, self.ellipsis);
            let missing = width.saturating_sub(cell.width());
            let _ = write!(line, "{cell}{:missing$}  ", "");
        }
        line.push_str(details);
        cut(line.trim_end(), self.width, self.ellipsis)
    }
}

/// The fields of an event by their names in the schema `default`, whatever its family.
struct Fields(Value);

impl Fields {
    fn new(event: &Event) -> Self {
        Self(serde_json::to_value(Schema::Default.view(event)).unwrap_or_default())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    fn number(&self, name: &str, unit: f64, digits: usize, word: &str) -> Option<String> {
        let number = self.0[name].as_f64()? / unit;
        Some(format!("{number:.digits$} {word}"))
    }

    fn user(&self) -> String {
        let user = self.text("user").or_else(|| self.text("user_id"));
        user.unwrap_or_default().to_owned()
    }

    /// Colours for what matters: what starts, what ends, what went wrong.
    fn style(&self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        let action = self.text("action").or_else(|| self.text("level"));
        match action.or_else(|| self.text("event")) {
            Some("start" | "open") => colour(AnsiColor::Green),
            Some("stop" | "close") => Style::new().dimmed(),
            Some("failed" | "error" | "fatal") => colour(AnsiColor::Red),
            Some("aborting" | "warn" | "undecoded") => colour(AnsiColor::Yellow),
            _ => Style::new(),
        }
    }

    /// The details besides who and when.
    fn details(&self) -> String {
        if let Some(code) = self.0["error"]["code"].as_str() {
            let field = self.0["error"]["field"].as_str().unwrap_or_default();
            return format!("{code} {field}");
        }
        let says_it_all = ["action", "method"].map(|name| self.text(name));
        if let (Some(level), [None, None]) = (self.text("level"), says_it_all) {
            return format!("{level}: {}", self.text("message").unwrap_or_default());
        }
        let what = ["method", "task_name", "app_name", "app_id", "context"];
        let parts = [
            self.number("process_ms", 1.0, 1, "ms"),
            self.number("peak_ram_bytes", 1e6, 1, "MB"),
            self.number("duration_secs", 1.0, 1, "s"),
            what.into_iter()
                .find_map(|name| self.text(name))
                .map(str::to_owned),
            self.text("end_reason").map(str::to_owned),
            self.text("browser_name").map(str::to_owned),
            self.text("os_name").map(str::to_owned),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
    }
}
