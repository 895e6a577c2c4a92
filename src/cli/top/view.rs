//! The screen as characters.

use chrono::{DateTime, Utc};
use qlik_sense_events::host::diagnostics::terminal::escaped;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, Cell, Clear, Paragraph, Row, Sparkline, Table},
};
use unicode_width::UnicodeWidthStr;

use super::{
    keys::Controls,
    palette::Palette,
    screen::{Cost, MINUTES, Screen, Session, Sort, duration, grouped, memory, short, time_taken},
};
use crate::cli::columns;

/// Lines above and below the list: title, totals, the curve with its name, headings; the keys.
const LINES_AROUND: u16 = 6;

/// From this share of a node's memory on, in percent, it stands out, as Qlik calls an engine saturated from it on.
const MUCH_MEMORY: u64 = 90;

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

/// The columns if it is known; on narrow screens memory is the last of the three to be omitted.
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

/// From this width on, the title has the date.
const WIDTH_WITH_DATE: u16 = 60;

const KEYS: &str = "q quit  ? help  / filter  s sort  r reverse  f freeze";

const KEYS_WITH_COSTS: &str = "q quit  ? help  / filter  s sort  c cost  r reverse  f freeze";

const HELP: [(&str, &str); 10] = [
    ("q, Ctrl-C", "quit"),
    ("/", "show only sessions with a given text in any column"),
    ("Esc", "clear the filter"),
    ("s, S", "sort by the next or the previous column"),
    ("c", "sort by the cost of requests: memory, time, number"),
    ("r", "reverse the order"),
    ("f, Space", "freeze the screen, or resume"),
    ("Up, Down, j, k", "scroll by one session"),
    (
        "PgUp, PgDn, Home, End",
        "scroll by a page, or to the first or last session",
    ),
    ("?, h, F1", "this help; any key closes it"),
];

/// How many sessions fit on a screen of this height.
pub fn page(height: u16, screen: &Screen) -> usize {
    let around = LINES_AROUND + memory_lines(screen);
    height.saturating_sub(around).into()
}

/// The memory of nodes has a line of its own if any engine is queried.
fn memory_lines(screen: &Screen) -> u16 {
    (!screen.nodes.is_empty()).into()
}

/// Draws the screen, which is arranged already.
pub fn draw(frame: &mut Frame<'_>, screen: &Screen, controls: &Controls, palette: &Palette) {
    let area = frame.area();
    let [title, totals, memory, curve_name, curve, list, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(memory_lines(screen)),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_title(frame, title, screen, palette);
    frame.render_widget(totals_line(screen, palette, totals.width), totals);
    frame.render_widget(memory_line(screen, palette, memory.width), memory);
    draw_curve_name(frame, curve_name, screen, palette);
    draw_position(frame, curve_name, list.height, screen, controls);
    draw_curve(frame, curve, screen, palette);
    draw_list(frame, list, screen, controls, palette);
    frame.render_widget(keys_line(screen, controls, palette, keys.width), keys);
    if controls.shows_help {
        draw_help(frame, area, palette);
    }
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, screen: &Screen, palette: &Palette) {
    let format = if area.width < WIDTH_WITH_DATE {
        " %H:%M:%S UTC"
    } else {
        " %Y-%m-%d %H:%M:%S UTC"
    };
    let time = screen.now.map_or_else(
        || " no event yet".to_owned(),
        |now| now.format(format).to_string(),
    );
    let width = u16::try_from(time.len()).unwrap_or(0);
    let [left, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(width)]).areas(area);
    let room = usize::from(left.width).saturating_sub("qlik-sense-events  ".len());
    let title = Line::from(vec![
        Span::styled("qlik-sense-events", palette.title),
        Span::raw("  "),
        Span::raw(cut(&escaped(&screen.source), room, palette)),
    ]);
    frame.render_widget(title, left);
    frame.render_widget(Line::raw(time), right);
}

/// The totals; closer together if there is no room, and then without the number of events.
fn totals_line(screen: &Screen, palette: &Palette, width: u16) -> Line<'static> {
    let line = |gap: &'static str, has_events: bool| {
        let mut spans = Vec::new();
        let mut add = |name: &'static str, number: String, style: Style| {
            if !spans.is_empty() {
                spans.push(Span::raw(gap));
            }
            spans.push(Span::raw(name));
            spans.push(Span::styled(number, style));
        };
        let number = |number: u64| grouped(number).into_owned();
        add("users ", number(screen.users as u64), palette.number);
        let sessions = number(screen.sessions_in_all as u64);
        add("sessions ", sessions, palette.number);
        add("connections ", number(screen.connections), palette.number);
        if has_events {
            add("events ", number(screen.events), palette.number);
        }
        let rate = format!("{:.1}/s", screen.events_a_second);
        add("", rate, palette.number);
        for (name, count) in [
            ("errors ", screen.errors),
            ("failed tasks ", screen.failed_tasks),
            ("lost ", screen.lost),
        ] {
            match count {
                Some(0) => add(name, number(0), palette.number),
                Some(count) => add(name, number(count), palette.notice),
                None => {}
            }
        }
        Line::from(spans)
    };
    let fits = |line: &Line<'_>| line.width() <= width.into();
    let [wide, narrow] = ["   ", "  "].map(|gap| line(gap, true));
    if fits(&wide) {
        wide
    } else if fits(&narrow) || (screen.errors, screen.failed_tasks) == (None, None) {
        narrow
    } else {
        line("  ", false)
    }
}

/// The memory in use at each node; without its total if there is no room.
fn memory_line(screen: &Screen, palette: &Palette, width: u16) -> Line<'static> {
    let line = |with_total: bool| {
        let mut spans = vec![Span::raw("RAM in use")];
        for node in &screen.nodes {
            spans.push(Span::raw(format!("  {} ", escaped(&node.name))));
            let (text, style) = match (node.used_percent, node.committed) {
                (Some(percent), _) if percent >= MUCH_MEMORY => {
                    (format!("{percent}%"), palette.notice)
                }
                (Some(percent), _) => (format!("{percent}%"), palette.number),
                (None, Some(committed)) => (memory(committed), palette.number),
                (None, None) => ("?".to_owned(), palette.notice),
            };
            spans.push(Span::styled(text, style));
            if let (true, Some(total)) = (with_total, node.total) {
                spans.push(Span::raw(format!(" of {}", memory(total))));
            }
        }
        Line::from(spans)
    };
    let wide = line(true);
    if wide.width() <= width.into() {
        wide
    } else {
        line(false)
    }
}

/// The part of the list that is shown, if the list is too long for the screen.
fn draw_position(
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

fn draw_curve_name(frame: &mut Frame<'_>, area: Rect, screen: &Screen, palette: &Palette) {
    let shown = shown_minutes(screen, area.width);
    let most = grouped(shown.iter().max().copied().unwrap_or(0));
    let text = if shown.len() < MINUTES {
        format!(
            "events per minute, last {} minutes, peak {most}",
            shown.len()
        )
    } else {
        format!("events per minute, last hour, peak {most}")
    };
    frame.render_widget(Line::styled(text, palette.faint), area);
}

/// As many of the last minutes as there is room for.
fn shown_minutes(screen: &Screen, width: u16) -> &[u64] {
    let shown = screen.minutes.len().min(width.into());
    &screen.minutes[screen.minutes.len() - shown..]
}

/// One character per minute, or several if there is room.
fn draw_curve(frame: &mut Frame<'_>, area: Rect, screen: &Screen, palette: &Palette) {
    let repeat = (usize::from(area.width) / MINUTES).max(1);
    let minutes = shown_minutes(screen, area.width).iter();
    let data = minutes.flat_map(|minute| vec![*minute; repeat]);
    let curve = Sparkline::default()
        .data(data.collect::<Vec<_>>())
        .style(palette.curve)
        .bar_set(palette.bars.clone());
    frame.render_widget(curve, area);
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
    // The columns that are most often cut share the rest.
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

fn draw_list(
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
            // Aligned with its numbers.
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

/// What a session's requests cost; nothing where none are known.
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

/// The status first: the keys are soon familiar.
fn keys_line(screen: &Screen, controls: &Controls, palette: &Palette, width: u16) -> Line<'static> {
    let width = usize::from(width);
    if controls.is_typing {
        let filter = escaped(&controls.filter);
        let skipped = filter
            .width()
            .saturating_sub(width.saturating_sub("Filter: _".len()));
        let filter: String = filter.chars().skip(skipped).collect();
        return Line::from(vec![
            Span::styled(format!("Filter: {filter}_"), palette.title),
            Span::styled("  Enter keeps it, Esc clears it", palette.faint),
        ]);
    }
    let mut said = Vec::new();
    if controls.is_frozen {
        said.push("FROZEN".to_owned());
    }
    if !controls.filter.is_empty() {
        let shown = grouped(screen.sessions.len() as u64);
        said.push(format!("{shown} with \"{}\"", escaped(&controls.filter)));
    }
    said.extend(screen.notices.iter().map(|notice| escaped(notice)));
    let mut said = said.join("  ");
    if !said.is_empty() {
        said.push_str("  ");
    }
    let keys = if screen.has_costs {
        KEYS_WITH_COSTS
    } else {
        KEYS
    };
    Line::from(vec![
        Span::styled(cut(&said, width, palette), palette.notice),
        Span::styled(keys, palette.faint),
    ])
}

fn draw_help(frame: &mut Frame<'_>, area: Rect, palette: &Palette) {
    let lines: Vec<Line<'_>> = HELP
        .iter()
        .map(|(keys, what)| {
            Line::from(vec![
                Span::styled(format!(" {keys:<23}"), palette.title),
                Span::raw(format!("{what} ")),
            ])
        })
        .collect();
    let width = lines.iter().map(Line::width).max().unwrap_or(0) as u16 + 2;
    let height = lines.len() as u16 + 2;
    let [middle] = Layout::horizontal([Constraint::Length(width)])
        .flex(ratatui::layout::Flex::Center)
        .areas(area);
    let [middle] = Layout::vertical([Constraint::Length(height)])
        .flex(ratatui::layout::Flex::Center)
        .areas(middle);
    frame.render_widget(Clear, middle);
    let block = Block::bordered().border_set(palette.border).title(" Keys ");
    frame.render_widget(Paragraph::new(lines).block(block), middle);
}

/// Text in at most this many columns of the terminal; nothing where there is none.
fn cut(text: &str, width: usize, palette: &Palette) -> String {
    if width == 0 {
        return String::new();
    }
    columns::cut(text, width, palette.ellipsis)
}

#[cfg(test)]
mod tests;
