//! What goes wrong on the way with log, performance and task events.

use std::sync::Arc;

use fastrand::Rng;

use super::{
    chance::choose,
    damage::{cut, recode, windows_1252},
    datagram::Datagram,
    entry::{Entry, EntryEvent, EntryRows},
    layout::{Style, Zone},
    truth::{About, LogRow, Request, TaskRow},
};
use crate::payload::Service;

/// A way in which such a datagram can be odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OddEntry {
    /// Fields without a value in log4net: `(null)`.
    NullFields,
    /// Empty fields.
    EmptyFields,
    /// `;` and quotes in free text or in a name.
    Punctuation,
    /// An exception after the last field, with line breaks and `;`.
    Exception,
    /// Several events, one per line.
    Relay,
    /// A newline, a CRLF or a NUL at the end.
    TrailingLf,
    TrailingCrLf,
    TrailingNul,
    /// A byte order mark of UTF-8 at the beginning.
    ByteOrderMark,
    /// The ANSI code page of western Europe, with letters that are not valid UTF-8.
    Windows1252,
    /// The appender's encoding set to `unicode`.
    Utf16,
    /// The type token in capitals.
    Capitals,
    /// Other offsets from UTC, and other ways to write them.
    OtherZone,
    /// Decimal commas, invalid numbers and huge ones; rows of another service; a misspelt type token.
    Peculiar,
    /// Fewer fields than there should be.
    MissingFields,
}

impl OddEntry {
    pub(super) const ALL: [Self; 15] = [
        Self::NullFields,
        Self::EmptyFields,
        Self::Punctuation,
        Self::Exception,
        Self::Relay,
        Self::TrailingLf,
        Self::TrailingCrLf,
        Self::TrailingNul,
        Self::ByteOrderMark,
        Self::Windows1252,
        Self::Utf16,
        Self::Capitals,
        Self::OtherZone,
        Self::Peculiar,
        Self::MissingFields,
    ];

    pub(super) fn draw(rng: &mut Rng) -> Self {
        Self::ALL[rng.u32(0..Self::ALL.len() as u32) as usize]
    }

    /// Whether such a datagram has a row number. A cut one may have none.
    fn has_row(self) -> bool {
        self != Self::MissingFields
    }

    /// Appends an odd version of `entry` to `datagram` and returns its content. Its row number is the next one of its
    /// appender.
    pub(super) fn write(
        self,
        mut entry: Entry,
        rows: &mut EntryRows,
        rng: &mut Rng,
        datagram: &mut Vec<u8>,
    ) -> Datagram {
        let mut style = Style::USUAL;
        let mut type_token = entry.event.type_token().to_owned();
        match self {
            Self::NullFields => blank(&mut entry.event, "(null)", &mut style, rng),
            Self::EmptyFields => blank(&mut entry.event, "", &mut style, rng),
            Self::Punctuation => punctuate(&mut entry.event, rng),
            Self::Exception => throw(&mut entry.event, rng),
            Self::ByteOrderMark => datagram.extend_from_slice(b"\xEF\xBB\xBF"),
            Self::Windows1252 => europeanize(&mut entry.event, rng),
            Self::Capitals => type_token.make_ascii_uppercase(),
            Self::OtherZone => style.zone = [Zone::West, Zone::Colon, Zone::Utc][rng.usize(0..3)],
            Self::Peculiar => peculiar(&mut entry.event, &mut style, &mut type_token, rng),
            _ => {}
        }

        if self.has_row() {
            entry.take_row(rows);
        }
        entry.event.write(&type_token, style, datagram);

        match self {
            Self::TrailingLf => datagram.push(b'\n'),
            Self::TrailingCrLf => datagram.extend_from_slice(b"\r\n"),
            Self::TrailingNul => datagram.push(0),
            Self::Windows1252 => recode(datagram, |text, bytes| {
                bytes.extend(text.chars().map(windows_1252));
            }),
            Self::Utf16 => recode(datagram, |text, bytes| {
                bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            }),
            Self::MissingFields => {
                let most = match &entry.event {
                    EntryEvent::Log(event) => fields(event.appender),
                    EntryEvent::Performance(_) => 26,
                    // This leaves the names, after which the ids would make clear what is what.
                    EntryEvent::Task(_) => 5,
                };
                cut(datagram, most, rng);
                return Datagram::Undecoded {
                    code: "missing_field",
                };
            }
            _ => {}
        }
        entry.event.into()
    }
}

/// The number of fields of a service's log events.
const fn fields(appender: Service) -> u32 {
    match appender {
        Service::Engine => 19,
        Service::Proxy | Service::Repository => 16,
        Service::Scheduler => 18,
    }
}

/// Removes values that Qlik can leave unset.
fn blank(event: &mut EntryEvent, nothing: &'static str, style: &mut Style, rng: &mut Rng) {
    (style.absent, style.no_session) = (nothing, nothing);
    let mut chosen = || rng.bool();
    match event {
        EntryEvent::Log(event) => {
            event.directory = None;
            event.user_id = event.user_id.take().filter(|_| chosen());
            event.session_id = event.session_id.take().filter(|_| chosen());
            event.app_id = event.app_id.take().filter(|_| chosen());
            event.context = event.context.take().filter(|_| chosen());
            event.result = event.result.filter(|_| chosen());
        }
        EntryEvent::Performance(request) => {
            request.directory = None;
            request.user_id = request.user_id.take().filter(|_| chosen());
            request.session_id = request.session_id.take().filter(|_| chosen());
            request.app_id = request.app_id.take().filter(|_| chosen());
            if chosen() {
                style.no_number = nothing;
                request.process = None;
            }
        }
        EntryEvent::Task(event) => match &mut event.about {
            About::Run(run) => {
                run.app_name = None;
                run.app_id = None;
                style.no_app = nothing;
            }
            About::Reload(_) => {}
        },
    }
}

fn punctuate(event: &mut EntryEvent, rng: &mut Rng) {
    let note = choose(rng, &NOTES);
    match event {
        EntryEvent::Log(event) => punctuate_log(event, note, rng),
        EntryEvent::Performance(request) => {
            // The numbers between them make clear which is which.
            request.user_id = Some("o'neil \"x\"; y".into());
            request.object_id = "my-ext;a".into();
            request.object_type = "my \"kpi\";tile";
        }
        EntryEvent::Task(event) => punctuate_task(event, note, rng),
    }
}

fn punctuate_log(event: &mut LogRow, note: &str, rng: &mut Rng) {
    event.message.push_str(note);
    if let Some(run) = &mut event.task
        && rng.bool()
    {
        run.task_name = "Load \"A;B\"".into();
    }
    if let Some(context) = &mut event.context
        && rng.bool()
    {
        context.push_str("?x=1;y=2");
    }
}

fn punctuate_task(event: &mut TaskRow, note: &str, rng: &mut Rng) {
    event.message.push_str(note);
    if let About::Run(run) = &mut event.about
        && rng.bool()
    {
        run.task_name = "Load \"A;B\" 🚚".into();
    }
}

/// Adds an exception of log4net.
fn throw(event: &mut EntryEvent, rng: &mut Rng) {
    let exception = choose(rng, &EXCEPTIONS);
    match event {
        EntryEvent::Log(event) => {
            event.exception = Some(exception);
            event.is_glued = true;
        }
        EntryEvent::Performance(request) => request.exception = Some(exception),
        EntryEvent::Task(event) => event.exception = Some(exception),
    }
}

/// Puts non-ASCII letters into the event, but only those of western Europe.
fn europeanize(event: &mut EntryEvent, rng: &mut Rng) {
    let user_id: Arc<str> = choose(rng, &["Jörgen", "José", "Zoë Müller", "D'Arcy Núñez"]).into();
    match event {
        EntryEvent::Log(event) => {
            event.message = "Försäljning saknas".to_owned();
            event.user_id = Some(user_id);
            event.exception = None;
            if let Some(run) = &mut event.task {
                run.user = r"LAB\Jörgen".into();
            }
        }
        EntryEvent::Performance(request) => request.user_id = Some(user_id),
        EntryEvent::Task(event) => match &mut event.about {
            About::Run(run) => {
                run.task_name = "Försäljning 2026".into();
                run.user = r"LAB\Jörgen".into();
            }
            About::Reload(reload) => reload.user_id = user_id,
        },
    }
}

/// Makes changes that only apply to one family.
fn peculiar(event: &mut EntryEvent, style: &mut Style, type_token: &mut String, rng: &mut Rng) {
    match event {
        EntryEvent::Log(event) => {
            // Appenders from before 2024 sent rows of all services.
            let others: Vec<Service> = Service::ALL
                .iter()
                .copied()
                .filter(|&service| service != event.service)
                .collect();
            event.send_by(others[rng.usize(0..others.len())]);
            *type_token = super::log::type_token(event.appender).to_owned();
        }
        EntryEvent::Performance(request) => peculiar_numbers(request, style, rng),
        EntryEvent::Task(event) => {
            if type_token == "/scheduler-task-failed/" {
                event.type_token = "/scheduler-reloadtask-failed/";
                *type_token = event.type_token.to_owned();
            }
        }
    }
}

fn peculiar_numbers(request: &mut Request, style: &mut Style, rng: &mut Rng) {
    match rng.u32(0..3) {
        0 => style.decimal_sign = ',',
        1 => request.process = None,
        _ => {
            request.app_id = Some("SessionApp_7f3e".into());
            request.net_ram_bytes = 99_999_999_999;
            request.peak_ram_bytes = Some(250 << 30);
        }
    }
}

const NOTES: [&str; 3] = [
    "; note: 'first;second'",
    ": field \"Kund;Nr\" not found; statement: LOAD 'a;b' FROM [lib://Data/x.csv]",
    "; retry=3; cookie='a;b'",
];

/// Only the lines after the first one contain `;`; in the first line it would separate fields.
const EXCEPTIONS: [&str; 2] = [
    "System.AggregateException: one or more\r\n ---> System.Exception: inner; code 7\r\n   at Example.Task.Wait()",
    "Example.Io.ReadException: disk gone\r\n   at Example.Io.Reader.Next(Int32 n) in c:\\src\\r.cs:line 40\r\n   at Example.Job.Run()",
];

#[cfg(test)]
mod tests;
