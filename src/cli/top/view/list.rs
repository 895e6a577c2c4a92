//! The list of sessions, and the part of it that fits.

use chrono::{DateTime, Utc};
use qlik_sense_events::host::diagnostics::terminal::escaped;
use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    text::Line,
    widgets::{Cell, Row, Table},
};

use super::{
    super::{
        keys::Controls,
        palette::Palette,
        screen::{Cost, Screen, Session, Sort, duration, grouped, memory, short, time_taken},
    },
    cut,
};

/// A column, the width of its text, and the least width of a list that shows it.
type Column = (Sort, u16, u16);

/// The columns of the list if the cost of requests is not known.
const COLUMNS: [Column; 6] = [
    (Sort::User, 22, 0),
    (Sort::Since, 15, 30),
    (Sort::Connections, 6, 45),
    (Sort::App, 17, 63),
    (Sort::Browser, 16, 80),
    (Sort::Node, 14, 100),
];

/// The columns if it is known. On narrower screens, memory is the last of the three to be omitted.
const COLUMNS_WITH_COSTS: [Column; 9] = [
    (Sort::User, 20, 0),
    (Sort::Since, 15, 30),
    (Sort::Connections, 6, 65),
    (Sort::Requests, 5, 58),
    (Sort::Process, 6, 52),
    (Sort::PeakRam, 7, 45),
    (Sort::App, 15, 80),
    (Sort::Browser, 16, 97),
    (Sort::Node, 14, 112),
];

/// The part of the list that is shown, if the list is too long for the screen.
pub(super) fn draw_position(
    frame: &mut Frame<'_>,
    area: Rect,
    list_height: u16,
    screen: &Screen,
    controls: &Controls,
) {
    let room = usize::from(list_height.saturating_sub(1));
    let all = screen.sessions.len();
    if all <= room {
        return;
    }
    let first = first_shown(screen, controls, room);
    let [from, to, all] = [first + 1, first + room, all].map(|number| grouped(number as u64));
    let text = format!(" {from} to {to} of {all}");
    let width = u16::try_from(text.len())
        .unwrap_or(u16::MAX)
        .min(area.width);
    let right = Rect::new(area.right() - width, area.y, width, 1);
    frame.render_widget(Line::raw(text), right.intersection(area));
}

/// The columns of a list of this width, each with the width of its text.
fn columns(width: u16, has_costs: bool) -> Vec<(Sort, u16)> {
    let all: &[Column] = if has_costs {
        &COLUMNS_WITH_COSTS
    } else {
        &COLUMNS
    };
    let fits = all.iter().filter(|&&(.., from)| width >= from);
    let mut columns: Vec<(Sort, u16)> = fits.map(|&(sort, text, _)| (sort, text)).collect();
    let gaps = columns.len() as u16 - 1;
    let taken = columns.iter().map(|(_, text)| text).sum::<u16>() + gaps;
    let room = width.saturating_sub(taken);
    // The columns whose text is cut most often share the rest.
    let parts = |sort| match sort {
        Sort::App => 2,
        Sort::User | Sort::Browser => 1,
        _ => 0,
    };
    let all: u16 = columns.iter().map(|&(sort, _)| parts(sort)).sum();
    let mut left = room;
    for (sort, text) in &mut columns {
        let share = room * parts(*sort) / all;
        *text += share;
        left -= share;
    }
    if let Some((_, text)) = columns.iter_mut().rfind(|(sort, _)| parts(*sort) > 0) {
        *text += left;
    }
    columns
}

pub(super) fn draw_list(
    frame: &mut Frame<'_>,
    area: Rect,
    screen: &Screen,
    controls: &Controls,
    palette: &Palette,
) {
    let columns = columns(area.width, screen.has_costs);
    let heading = |&(sort, width): &(Sort, u16)| {
        let is_sorted = sort == controls.sort;
        let arrow = match (is_sorted, controls.is_reversed) {
            (false, _) => "",
            (true, false) => " v",
            (true, true) => " ^",
        };
        let mut text = format!("{}{arrow}", sort.heading());
        if sort == Sort::Connections || sort.is_cost() {
            // The heading is aligned with its numbers.
            text = format!("{text:>0$}", usize::from(width));
        }
        let style = if is_sorted {
            palette.sorted
        } else {
            palette.heading
        };
        Cell::from(cut(&text, width.into(), palette)).style(style)
    };
    let header = Row::new(columns.iter().map(heading)).style(palette.heading);
    let room = usize::from(area.height.saturating_sub(1));
    let first = first_shown(screen, controls, room);
    let sessions = screen.sessions.iter().skip(first).take(room);
    let rows = sessions.map(|session| {
        Row::new(columns.iter().map(|&(sort, width)| {
            let text = column(session, sort, screen.now);
            Cell::from(cut(&escaped(&text), width.into(), palette))
        }))
    });
    let widths = columns.iter().map(|&(_, width)| Constraint::Length(width));
    frame.render_widget(Table::new(rows, widths).header(header), area);
    if screen.sessions.is_empty() && area.height > 1 {
        let text = if controls.filter.is_empty() {
            "No sessions yet. Users appear here when they log in or open an app."
        } else {
            "No session matches. Esc clears the filter."
        };
        let below = Rect::new(area.x, area.y + 1, area.width, 1);
        frame.render_widget(Line::styled(text, palette.faint), below);
    }
}

/// The text of a column.
pub fn column(session: &Session, sort: Sort, now: Option<DateTime<Utc>>) -> String {
    match sort {
        Sort::User => session.user.clone(),
        Sort::Since => {
            let since = session.since;
            let length = now.map_or_else(String::new, |now| duration(now - since));
            let is_today = now.is_some_and(|now| now.date_naive() == since.date_naive());
            let format = if is_today { "%H:%M" } else { "%d %b" };
            let before = match (session.event_seen, session.start_seen) {
                (false, _) => "*",
                (true, false) => "<",
                (true, true) => "",
            };
            format!("{before:1}{:6} {length}", since.format(format).to_string())
        }
        Sort::Connections => format!("{:>6}", session.connections),
        Sort::PeakRam => cost(session, 7, |cost| memory(cost.peak_ram)),
        Sort::Process => cost(session, 6, |cost| time_taken(cost.process)),
        Sort::Requests => cost(session, 5, |cost| short(cost.requests)),
        Sort::App => session.apps.clone(),
        Sort::Browser => session.browser.clone(),
        Sort::Node => session.node.clone(),
    }
}

/// The cost of a session's requests; empty if it is unknown.
fn cost(session: &Session, width: usize, text: impl Fn(&Cost) -> String) -> String {
    let text = session.cost.as_ref().map(text).unwrap_or_default();
    format!("{text:>width$}")
}

/// The index of the first session on the screen. The last page stays full when sessions end.
fn first_shown(screen: &Screen, controls: &Controls, room: usize) -> usize {
    controls
        .first
        .min(screen.sessions.len().saturating_sub(room))
}
