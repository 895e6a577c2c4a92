//! The screen as characters.

mod list;

#[cfg(test)]
mod tests;

use qlik_sense_events::host::diagnostics::terminal::escaped;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, Clear, Paragraph, Sparkline},
};
use unicode_width::UnicodeWidthStr;

pub use self::list::column;
use self::list::{draw_list, draw_position};
use super::{
    keys::Controls,
    palette::Palette,
    screen::{MINUTES, Screen, grouped, memory},
};
use crate::cli::columns;

/// The lines above and below the list: title, totals, the curve with its name, and headings; the keys.
const LINES_AROUND: u16 = 6;

/// The share of a node's memory, in percent, from which on it is highlighted: Qlik calls the engine saturated then.
const MUCH_MEMORY: u64 = 90;

/// The least width at which the title has the date.
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

/// The number of sessions that fit on a screen of this height.
pub fn page(height: u16, screen: &Screen) -> usize {
    let around = LINES_AROUND + memory_lines(screen);
    height.saturating_sub(around).into()
}

/// The number of lines for the memory of nodes: one if any engine is queried.
fn memory_lines(screen: &Screen) -> u16 {
    (!screen.nodes.is_empty()).into()
}

/// Draws a screen that has been sorted and filtered.
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

/// The last line. The status comes first, because the keys are soon familiar.
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

/// Text in at most this many columns of the terminal; empty if there is none.
fn cut(text: &str, width: usize, palette: &Palette) -> String {
    if width == 0 {
        return String::new();
    }
    columns::cut(text, width, palette.ellipsis)
}
