//! The screen as a plain list, for a pipe or a terminal without escape sequences.

use qlik_sense_events::host::diagnostics::terminal::escaped;
use unicode_width::UnicodeWidthStr;

use super::{
    screen::{Screen, Sort},
    view::column,
};

/// The columns of a wide screen; those of costs are omitted if no costs are known.
const COLUMNS: [Sort; 9] = [
    Sort::User,
    Sort::Since,
    Sort::Connections,
    Sort::Requests,
    Sort::Process,
    Sort::PeakRam,
    Sort::App,
    Sort::Browser,
    Sort::Node,
];

/// The open sessions: a heading with the time and the totals, and a full line for each session.
pub fn list(screen: &Screen) -> String {
    let now = screen.now.map_or_else(
        || "no event yet".to_owned(),
        |now| now.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    );
    let mut list = format!(
        "{}  {now}\nusers {}   sessions {}   connections {}   events {}",
        escaped(&screen.source),
        screen.users,
        screen.sessions_in_all,
        screen.connections,
        screen.events,
    );
    for (name, count) in [
        ("errors", screen.errors),
        ("failed tasks", screen.failed_tasks),
    ] {
        list.extend(count.map(|count| format!("   {name} {count}")));
    }
    list.push('\n');
    let columns: Vec<Sort> = COLUMNS
        .into_iter()
        .filter(|sort| screen.has_costs || !sort.is_cost())
        .collect();
    let heading = columns.iter().map(|sort| match sort {
        // Headings are aligned with their numbers.
        Sort::Connections | Sort::Process => format!("{:>6}", sort.heading()),
        Sort::Requests => format!("{:>5}", sort.heading()),
        Sort::PeakRam => format!("{:>7}", sort.heading()),
        _ => sort.heading().to_owned(),
    });
    let heading: Vec<String> = heading.collect();
    let rows = screen.sessions.iter().map(|session| {
        let columns = columns.iter();
        columns
            .map(|sort| escaped(&column(session, *sort, screen.now)).to_owned())
            .collect()
    });
    let rows: Vec<Vec<String>> = [heading].into_iter().chain(rows).collect();
    let width = |place: usize| rows.iter().map(|row| row[place].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for row in &rows {
        let mut line = String::new();
        for (text, width) in row.iter().zip(&widths) {
            line.push_str(text);
            line.extend(std::iter::repeat_n(' ', width + 2 - text.width()));
        }
        list.push_str(line.trim_end());
        list.push('\n');
    }
    list
}
