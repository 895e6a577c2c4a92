//! The screen as a plain list, for a pipe or a terminal without escape sequences.

use qlik_sense_events::host::diagnostics::terminal::escaped;
use unicode_width::UnicodeWidthStr;

use super::{
    screen::{Screen, Sort},
    view::column,
};

/// The columns, as the screen has them where it is wide.
const COLUMNS: [Sort; 6] = [
    Sort::User,
    Sort::Since,
    Sort::Connections,
    Sort::App,
    Sort::Browser,
    Sort::Node,
];

/// Who is in: a heading with the time and the totals, and a line for each session, whole.
pub fn list(screen: &Screen) -> String {
    let now = screen.now.map_or_else(
        || "no event yet".to_owned(),
        |now| now.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    );
    let mut list = format!(
        "{}  {now}\nusers {}   sessions {}   connections {}   events {}\n",
        escaped(&screen.source),
        screen.users,
        screen.sessions_in_all,
        screen.connections,
        screen.events,
    );
    let heading = COLUMNS.map(|sort| match sort {
        // As its numbers.
        Sort::Connections => format!("{:>6}", sort.heading()),
        _ => sort.heading().to_owned(),
    });
    let rows = screen
        .sessions
        .iter()
        .map(|session| COLUMNS.map(|sort| escaped(&column(session, sort, screen.now)).to_owned()));
    let rows: Vec<[String; COLUMNS.len()]> = [heading].into_iter().chain(rows).collect();
    let width = |place: usize| rows.iter().map(|row| row[place].width()).max().unwrap_or(0);
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(width);
    for row in &rows {
        let mut line = String::new();
        for (text, width) in row.iter().zip(widths) {
            line.push_str(text);
            line.extend(std::iter::repeat_n(' ', width + 2 - text.width()));
        }
        list.push_str(line.trim_end());
        list.push('\n');
    }
    list
}
