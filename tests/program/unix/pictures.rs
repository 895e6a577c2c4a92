//! The pictures of `top` and `demo` in the documentation are screens of the program.
//!
//! They change with the program: `UPDATE_DOCUMENTS=1 cargo test --test program pictures` rewrites them.

use std::{fmt::Write as _, fs, num::NonZeroU16, process::Stdio};

use nix::pty::{Winsize, openpty};
use qlik_sense_events::simulate::{Day, DayOptions, Families};

use super::top::Top;
use crate::{
    picture,
    support::{command, finish},
};

/// The size of a cell, in points.
const CELL: (f32, f32) = (8.4, 18.0);

/// The margin around the screen, in points.
const MARGIN: f32 = 12.0;

/// The 16 colours of a terminal, on its dark background.
const COLOURS: [&str; 16] = [
    "#1b1f27", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
    "#7f848e", "#ef7b85", "#a9d18c", "#f0cf8c", "#78bdf8", "#d68fea", "#6cc7d2", "#ffffff",
];

fn colour(colour: vt100::Color, default: &'static str) -> String {
    match colour {
        vt100::Color::Default => default.to_owned(),
        vt100::Color::Idx(number) => COLOURS
            .get(usize::from(number))
            .copied()
            .unwrap_or(default)
            .to_owned(),
        vt100::Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

/// Draws the screen cell by cell; neighbours with the same style are one text.
fn svg(screen: &vt100::Screen, what: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let x = |column: u16| MARGIN + f32::from(column) * CELL.0;
    let y = |row: u16| MARGIN + f32::from(row) * CELL.1;
    let (width, height) = (x(columns) + MARGIN, y(rows) + MARGIN);
    let mut svg = picture::head(width.ceil() as u32, height.ceil() as u32, what);
    svg += &format!(
        "<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>\n",
        COLOURS[0]
    );
    svg += "<g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n";
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let look = look(screen, row, column);
            let start = column;
            let mut text = String::new();
            while column < columns && self::look(screen, row, column) == look {
                let cell = screen.cell(row, column).expect("a cell");
                if !cell.is_wide_continuation() {
                    text += if cell.has_contents() {
                        cell.contents()
                    } else {
                        " "
                    };
                }
                column += 1;
            }
            let (text_colour, ground, weight) = look;
            let length = f32::from(column - start) * CELL.0;
            if ground != COLOURS[0] {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{ground}\"/>",
                    x(start),
                    y(row),
                    CELL.1
                );
            }
            if !text.trim().is_empty() {
                let indent = text.len() - text.trim_start().len();
                let shown = text.trim();
                let first = start + u16::try_from(indent).expect("spaces are a byte each");
                let shown_columns =
                    f32::from(column - first) - (text.len() - text.trim_end().len()) as f32;
                let _ = writeln!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{text_colour}\" font-weight=\"{weight}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
                    x(first),
                    y(row) + 13.5,
                    shown_columns * CELL.0,
                    picture::escaped(shown).replace(' ', "\u{a0}")
                );
            }
        }
    }
    svg + "</g>\n</svg>\n"
}

fn look(screen: &vt100::Screen, row: u16, column: u16) -> (String, String, &'static str) {
    let cell = screen.cell(row, column).expect("a cell");
    let mut text = colour(cell.fgcolor(), COLOURS[7]);
    let mut ground = colour(cell.bgcolor(), COLOURS[0]);
    if cell.inverse() {
        std::mem::swap(&mut text, &mut ground);
    }
    if cell.dim() {
        COLOURS[8].clone_into(&mut text);
    }
    (text, ground, if cell.bold() { "bold" } else { "normal" })
}

/// The events of a busy quarter of an hour, as the program decodes them, all with times of their own.
fn recorded(folder: &std::path::Path) -> std::path::PathBuf {
    let day = Day::new(&DayOptions {
        logins: 300,
        hours: 4,
        users: 120,
        extended: true,
        // The times of task events are not reliable.
        families: Families {
            task: false,
            ..Families::ALL
        },
        memory_drop: Some(std::time::Duration::from_secs(3_600 + 45 * 60)),
        begin: "2026-01-31T08:57:00Z".parse().expect("a time"),
        ..DayOptions::default()
    });
    let until = day.memory_drop.as_ref().expect("somebody is there").end;
    let until = (until - day.begin).to_std().expect("later");
    let lines: Vec<&[u8]> = day
        .deliveries
        .iter()
        .take_while(|one| one.arrival <= until + std::time::Duration::from_secs(20))
        .map(|one| one.datagram.as_slice())
        .filter(|datagram| {
            !datagram.contains(&b'\n') && !datagram.windows(3).any(|word| word == b"sa_")
        })
        .collect();
    let datagrams = folder.join("datagrams.txt");
    fs::write(&datagrams, lines.join(&b'\n')).expect("a file");
    let names: Vec<serde_json::Value> = day
        .nodes
        .apps()
        .iter()
        .map(|app| serde_json::json!({"id": *app.id, "name": *app.name}))
        .collect();
    fs::write(
        folder.join("apps.json"),
        serde_json::json!(names).to_string(),
    )
    .expect("a file");
    let config = folder.join("plugin.toml");
    fs::write(&config, "[transform.app_names]\nfiles = ['apps.json']\n[output]\ndrop_fields = ['ingest_timestamp']\n").expect("a file");
    let ended = finish(&[
        "decode".as_ref(),
        "--config".as_ref(),
        config.as_os_str(),
        datagrams.as_os_str(),
    ]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let events = folder.join("site.json");
    fs::write(&events, ended.stdout).expect("a file");
    events
}

#[test]
fn top_looks_as_documented() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = recorded(folder.path());
    let mut command = command();
    command
        .arg("top")
        .arg("site.json")
        .current_dir(events.parent().expect("a folder"));
    command.env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
    let mut top = Top::of_size(command, folder, (24, 112));
    top.await_text("the input has ended");
    top.press(b"c");
    top.await_text("c cost");
    top.await_text("RAM v");
    picture::compare(
        "top.svg",
        &svg(
            &top.last_screen(),
            "qlik-sense-events top: who is in Qlik Sense, and what it costs",
        ),
    );
}

#[test]
fn demo_looks_as_documented() {
    let size = Winsize {
        ws_row: 26,
        ws_col: 112,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(Some(&size), None).expect("a terminal");
    let end = || Stdio::from(pty.slave.try_clone().expect("an end"));
    let mut command = command();
    command
        .args(["demo", "--seconds", "1", "--rate", "18"])
        .env("TERM", "xterm-256color")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("NO_COLOR")
        .stdin(end())
        .stdout(end())
        .stderr(end());
    let mut child = crate::support::Process(command.spawn().expect("started"));
    drop((command, pty.slave));
    let mut written = Vec::new();
    let mut master = fs::File::from(pty.master);
    // The end of a terminal is an error (EIO).
    let _ = std::io::Read::read_to_end(&mut master, &mut written);
    assert!(child.0.wait().expect("a status").success());
    // The time is replaced by that of the picture, and the port by a fixed one.
    let mut written = String::from_utf8(written).expect("text");
    let today = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    written = masked(&written);
    for day in [today, today - chrono::TimeDelta::days(1)] {
        written = written.replace(&day.format("%Y-%m-%d").to_string(), "2026-01-31");
    }
    let length = |length| NonZeroU16::new(length).expect("a size");
    let mut terminal = vt100::Parser::new(length(size.ws_row), length(size.ws_col), 0);
    terminal.process(written.as_bytes());
    picture::compare(
        "demo.svg",
        &svg(
            terminal.screen(),
            "qlik-sense-events demo: a simulated site, and what comes of it",
        ),
    );
}

/// Times of day and ports, masked with the same length.
fn masked(text: &str) -> String {
    let digits = |pattern: &str, at: usize, text: &[u8]| {
        let part = text.get(at..at + pattern.len());
        part.is_some_and(|part| {
            part.iter()
                .zip(pattern.bytes())
                .all(|(byte, wanted)| match wanted {
                    b'0' => byte.is_ascii_digit(),
                    _ => *byte == wanted,
                })
        })
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if digits("00:00:00", at, bytes) {
            out.extend_from_slice(b"10:42:07");
            at += 8;
            if digits(".000", at, bytes) {
                out.extend_from_slice(b".000");
                at += 4;
            }
        } else if bytes[at..].starts_with(b"127.0.0.1:") {
            out.extend_from_slice(b"127.0.0.1:9997");
            at += 10;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).expect("text")
}
