use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, style::Color};

use super::{
    super::screen::{Cost, Node, Session, Sort},
    *,
};

fn now() -> DateTime<Utc> {
    "2026-01-31T10:42:07Z".parse().expect("a time")
}

fn session(user: &str, minutes: i64, connections: u32, apps: &str) -> Session {
    Session {
        user: user.into(),
        node: "pro2-win1".into(),
        since: now() - TimeDelta::minutes(minutes),
        start_seen: true,
        event_seen: true,
        connections,
        apps: apps.into(),
        browser: "Chrome 126, Windows".into(),
        cost: None,
    }
}

fn screen() -> Screen {
    let sessions = vec![
        session(r"LAB\goran", 3, 2, "Sales overview"),
        Session {
            start_seen: false,
            event_seen: true,
            ..session(r"CORP\anna.lindqvist-of-the-north", 75, 0, "")
        },
        session(
            r"LAB\Jörgen",
            3 * 1_440,
            1,
            "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
        ),
    ];
    Screen {
        source: "udp 0.0.0.0:9997".into(),
        now: Some(now()),
        users: 3,
        connections: 3,
        events: 1_234_567,
        events_a_second: 4.25,
        minutes: (0..60).map(|minute| minute % 9).collect(),
        lost: None,
        errors: None,
        failed_tasks: None,
        nodes: vec![],
        has_costs: false,
        notices: vec![],
        sessions_in_all: sessions.len(),
        sessions,
    }
}

fn drawn(
    width: u16,
    height: u16,
    screen: &Screen,
    controls: &Controls,
    palette: &Palette,
) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal
        .draw(|frame| draw(frame, screen, controls, palette))
        .expect("drawn");
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width);
    let cells: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
    cells
        .chunks(width)
        .map(|line| line.concat().trim_end().to_owned())
        .collect()
}

fn text(width: u16, height: u16, screen: &Screen, controls: &Controls) -> Vec<String> {
    let palette = Palette::new(false, true);
    lines(&drawn(width, height, screen, controls, &palette))
}

#[test]
fn eighty_columns_and_twenty_four_lines() {
    let seen = text(80, 24, &screen(), &Controls::default());
    assert_eq!(seen.len(), 24);
    let expected = [
        "qlik-sense-events  udp 0.0.0.0:9997                      2026-01-31 10:42:07 UTC",
        "users 3   sessions 3   connections 3   events 1,234,567   4.2/s",
        "events per minute, last hour, peak 8",
        " ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅",
        "USER                   SINCE v           CONN APP               BROWSER",
        r"LAB\goran               10:39  3m 00s       2 Sales overview    Chrome 126, Win…",
        r"CORP\anna.lindqvist-o… <09:27  1h 15m       0                   Chrome 126, Win…",
        r"LAB\Jörgen              28 Jan 3d 0h        1 a421f4a2-c311-4e… Chrome 126, Win…",
    ];
    assert_eq!(seen[..expected.len()], expected);
    assert_eq!(seen[8..23], [""; 15]);
    assert_eq!(
        seen[23],
        "q quit  ? help  / filter  s sort  r reverse  f freeze"
    );
}

#[test]
fn a_wide_terminal_shows_more_of_everything() {
    let seen = text(150, 40, &screen(), &Controls::default());
    let whole = [
        r"CORP\anna.lindqvist-of-the-north",
        "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69",
        "Chrome 126, Windows",
        "NODE",
        "pro2-win1",
    ];
    for part in whole {
        assert!(seen.iter().any(|line| line.contains(part)), "{part}");
    }
    // Two characters for each minute.
    assert_eq!(seen[3].chars().count(), 120);
}

#[test]
fn a_narrow_terminal_shows_what_matters_whole() {
    let mut controls = Controls::default();
    let seen = text(40, 10, &screen(), &controls);
    let expected = [
        "qlik-sense-events  udp 0.0… 10:42:07 UTC",
        "users 3  sessions 3  connections 3  even",
        "events per minute, last 40 minutes, peak",
        "▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅",
        "USER                     SINCE v",
        r"LAB\goran                 10:39  3m 00s",
        r"CORP\anna.lindqvist-of-… <09:27  1h 15m",
        r"LAB\Jörgen                28 Jan 3d 0h",
        "",
        "q quit  ? help  / filter  s sort  r reve",
    ];
    assert_eq!(seen, expected);
    let seen = text(63, 10, &screen(), &controls);
    assert_eq!(
        seen[5],
        r"LAB\goran               10:39  3m 00s       2 Sales overview"
    );
    controls.sort = Sort::Connections;
    let heading = &text(50, 10, &screen(), &controls)[4];
    assert!(heading.ends_with(" CONN v"), "{heading}");
    controls.is_typing = true;
    controls.filter = "goran".into();
    let seen = text(20, 10, &screen(), &controls);
    assert_eq!(seen[9], "Filter: goran_  Ente");
    controls.filter = "a-long-name-of-an-app".into();
    assert_eq!(
        text(20, 10, &screen(), &controls)[9],
        "Filter: e-of-an-app_"
    );
}

fn screen_with_nodes() -> Screen {
    let node = |name: &str, committed: u64, used_percent, total: Option<u64>| Node {
        name: name.into(),
        committed: Some(committed << 30),
        used_percent,
        total: total.map(|total| total << 30),
    };
    Screen {
        nodes: vec![
            node("pro2-win1", 460, Some(93), Some(512)),
            node("pro2-win2", 12, None, None),
            Node {
                name: "pro2-\u{1b}win3".into(),
                ..Node::default()
            },
        ],
        ..screen()
    }
}

#[test]
fn the_memory_of_nodes_has_a_line_of_its_own() {
    let controls = Controls::default();
    let palette = Palette::new(true, true);
    let seen = drawn(80, 24, &screen_with_nodes(), &controls, &palette);
    let shown = lines(&seen);
    let expected = [
        "users 3   sessions 3   connections 3   events 1,234,567   4.2/s",
        r"RAM in use  pro2-win1 93% of 512 GiB  pro2-win2 12 GiB  pro2-\u{1b}win3 ?",
        "events per minute, last hour, peak 8",
    ];
    assert_eq!(shown[1..4], expected);
    assert_eq!(shown[23], text(80, 24, &screen(), &controls)[23]);
    // High memory use is highlighted, and so is an engine that does not answer.
    let style = |text: &str| {
        let column = shown[2].rfind(text).expect("shown");
        seen[(column as u16, 2)].style().fg
    };
    assert_eq!(style("93%"), palette.notice.fg);
    assert_eq!(style("12 GiB"), palette.number.fg);
    assert_eq!(style("?"), palette.notice.fg);
    // If there is no room for more, only the use is shown.
    let narrow = text(68, 24, &screen_with_nodes(), &controls);
    let expected = r"RAM in use  pro2-win1 93%  pro2-win2 12 GiB  pro2-\u{1b}win3 ?";
    assert_eq!(narrow[2], expected);
}

/// What is shown if services report something.
fn screen_with_costs() -> Screen {
    let mut screen = screen();
    let cost = |requests, milliseconds, peak_ram| {
        Some(Cost {
            requests,
            process: Duration::from_millis(milliseconds),
            peak_ram,
        })
    };
    screen.sessions[0].cost = cost(214, 48_211, 1_288_490_189);
    screen.sessions[2].cost = cost(1_234_567, 3_723_000, 250 << 30);
    screen.has_costs = true;
    screen.errors = Some(12);
    screen.failed_tasks = Some(0);
    screen
}

#[test]
fn a_row_shows_what_its_requests_cost() {
    let controls = Controls {
        sort: Sort::PeakRam,
        ..Controls::default()
    };
    let seen = text(80, 24, &screen_with_costs(), &controls);
    let expected = [
        "qlik-sense-events  udp 0.0.0.0:9997                      2026-01-31 10:42:07 UTC",
        "users 3  sessions 3  connections 3  4.2/s  errors 12  failed tasks 0",
        "events per minute, last hour, peak 8",
        " ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅",
        "USER                 SINCE             CONN   REQ   TIME   RAM v APP",
        r"LAB\goran             10:39  3m 00s       2   214  48.2s 1.2 GiB Sales overview",
        r"CORP\anna.lindqvist… <09:27  1h 15m       0",
        r"LAB\Jörgen            28 Jan 3d 0h        1 1234k 1h 02m 250 GiB a421f4a2-c311-…",
    ];
    assert_eq!(seen[..expected.len()], expected);
    assert_eq!(
        seen[23],
        "q quit  ? help  / filter  s sort  c cost  r reverse  f freeze"
    );
}

#[test]
fn memory_is_the_last_of_the_costs_to_go_where_it_is_narrow() {
    let screen = screen_with_costs();
    let heading = |width| text(width, 10, &screen, &Controls::default())[4].clone();
    for (width, expected) in [
        (44, "USER SINCE v"),
        (45, "USER SINCE v RAM"),
        (52, "USER SINCE v TIME RAM"),
        (58, "USER SINCE v REQ TIME RAM"),
        (65, "USER SINCE v CONN REQ TIME RAM"),
        (80, "USER SINCE v CONN REQ TIME RAM APP"),
        (97, "USER SINCE v CONN REQ TIME RAM APP BROWSER"),
        (112, "USER SINCE v CONN REQ TIME RAM APP BROWSER NODE"),
    ] {
        let words: Vec<_> = heading(width)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(words.join(" "), expected, "{width}");
    }
    // The number of events is shown if there is room.
    let totals = &text(100, 10, &screen, &Controls::default())[1];
    assert!(
        totals.contains("events 1,234,567   4.2/s   errors 12"),
        "{totals}"
    );
}

#[test]
fn no_size_is_too_small() {
    let mut controls = Controls::default();
    for shows_help in [false, true] {
        controls.shows_help = shows_help;
        for width in [1, 2, 7, 20, 41, 79] {
            for height in [1, 2, 5, 6, 7, 9] {
                text(width, height, &screen(), &controls);
                text(width, height, &screen_with_costs(), &controls);
            }
        }
    }
}

#[test]
fn colour_appears_only_when_enabled() {
    let controls = Controls {
        shows_help: true,
        ..Controls::default()
    };
    let mut screen = screen();
    screen.notices = vec!["the input has ended".into()];
    for (with_colour, expected) in [(false, false), (true, true)] {
        let palette = Palette::new(with_colour, true);
        let buffer = drawn(100, 24, &screen, &controls, &palette);
        let coloured =
            |cell: &ratatui::buffer::Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
        assert_eq!(buffer.content.iter().any(coloured), expected);
    }
    // The heading is still highlighted.
    let buffer = drawn(
        80,
        24,
        &screen,
        &Controls::default(),
        &Palette::new(false, true),
    );
    let heading = buffer.cell((0, 4)).expect("a cell");
    assert!(
        heading
            .modifier
            .contains(ratatui::style::Modifier::REVERSED)
    );
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    let controls = Controls {
        shows_help: true,
        ..Controls::default()
    };
    let palette = Palette::new(true, false);
    let mut screen = screen();
    screen.sessions.retain(|session| session.user.is_ascii());
    for line in lines(&drawn(80, 24, &screen, &controls, &palette)) {
        assert!(line.is_ascii(), "{line}");
    }
}

#[test]
fn hostile_text_cannot_steer_the_terminal() {
    let mut screen = screen();
    screen.sessions = vec![Session {
        user: "LAB\\\u{1b}[2Jx\u{202e}".into(),
        apps: "a\u{9b}31mb\nc".into(),
        ..session("", 1, 1, "")
    }];
    screen.source = "x\u{1b}]0;title\u{7}".into();
    let controls = Controls {
        filter: "\u{1b}[31m".into(),
        ..Controls::default()
    };
    let seen = text(200, 24, &screen, &controls);
    for line in &seen {
        assert!(
            !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{line:?}"
        );
    }
    assert!(seen[5].contains(r"LAB\\u{1b}[2Jx\u{202e}"), "{}", seen[5]);
}

#[test]
fn wide_letters_do_not_move_columns() {
    let palette = Palette::new(false, true);
    let mut screen = screen();
    screen.sessions = vec![
        session("LAB\\李娜李娜李娜李娜李娜李娜", 1, 7, "売上"),
        session(r"LAB\goran", 1, 7, "Sales"),
    ];
    let buffer = drawn(80, 24, &screen, &Controls::default(), &palette);
    let symbol = |x, y| buffer.cell((x, y)).expect("a cell").symbol();
    for line in [5, 6] {
        let browser = (0..80).find(|&x| symbol(x, line) == "C" && symbol(x + 1, line) == "h");
        assert_eq!(browser, Some(64), "line {line}");
    }
    assert_eq!(symbol(46, 5), "売");
    // Twenty-two columns hold eight wide letters, the directory and the mark.
    assert_eq!(symbol(20, 5), "…");
}

#[test]
fn the_last_line_says_what_is_going_on() {
    let mut screen = screen();
    let last = |screen: &Screen, controls: &Controls| text(120, 24, screen, controls)[23].clone();
    let mut controls = Controls {
        is_frozen: true,
        filter: "LAB".into(),
        ..Controls::default()
    };
    let said = "FROZEN  3 with \"LAB\"  ";
    assert_eq!(last(&screen, &controls), format!("{said}{KEYS}"));
    screen.notices = vec!["the input has ended".into()];
    let said = format!("{said}the input has ended  ");
    assert!(last(&screen, &controls).starts_with(&format!("{said}q quit  ? help")));
    controls.is_typing = true;
    assert_eq!(
        last(&screen, &controls),
        "Filter: LAB_  Enter keeps it, Esc clears it"
    );
}

#[test]
fn lost_datagrams_are_shown_without_sessions() {
    let mut screen = screen();
    screen.lost = Some(1_500);
    screen.sessions.clear();
    let seen = text(80, 24, &screen, &Controls::default());
    assert!(seen[1].ends_with("4.2/s   lost 1,500"), "{}", seen[1]);
    assert!(seen[5].starts_with("No sessions yet."));
    let controls = Controls {
        filter: "x".into(),
        ..Controls::default()
    };
    assert!(text(80, 24, &screen, &controls)[5].starts_with("No session matches"));
    screen.now = None;
    assert!(text(80, 24, &screen, &controls)[0].ends_with("no event yet"));
}

#[test]
fn help_covers_the_middle_and_names_every_key() {
    let controls = Controls {
        shows_help: true,
        ..Controls::default()
    };
    let seen = text(80, 24, &screen(), &controls).join("\n");
    for (keys, what) in HELP {
        assert!(seen.contains(keys) && seen.contains(what), "{keys}");
    }
}

#[test]
fn the_list_begins_where_it_was_moved_to() {
    let mut screen = screen();
    screen.sessions = (0..50)
        .map(|number| session(&format!("LAB\\user{number}"), number, 1, ""))
        .collect();
    let controls = Controls {
        first: 30,
        ..Controls::default()
    };
    let seen = text(80, 24, &screen, &controls);
    assert!(seen[5].starts_with(r"LAB\user30"));
    assert!(seen[22].starts_with(r"LAB\user47"));
    assert_eq!(page(24, &screen), 18);
    assert_eq!(page(24, &screen_with_nodes()), 17);
    assert!(seen[2].ends_with("  31 to 48 of 50"), "{}", seen[2]);
    // If sessions have ended in the meantime, the last page is full.
    screen.sessions.truncate(20);
    let seen = text(80, 24, &screen, &controls);
    assert!(seen[5].starts_with(r"LAB\user2"));
    assert!(seen[2].ends_with("  3 to 20 of 20"), "{}", seen[2]);
    screen.sessions.truncate(18);
    assert!(!text(80, 24, &screen, &controls)[2].contains(" to "));
}
