//! What goes wrong with log, performance and task events on the way.

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
    /// Fields that log4net had no value for: `(null)`.
    NullFields,
    /// Fields set to nothing.
    EmptyFields,
    /// `;` and quotes in free text or in a name.
    Punctuation,
    /// An exception behind the last field, with line breaks and `;` of its own.
    Exception,
    /// Several events, one a line.
    Relay,
    /// A newline, a CRLF or a NUL at the end.
    TrailingLf,
    TrailingCrLf,
    TrailingNul,
    /// A byte order mark of UTF-8 at the start.
    ByteOrderMark,
    /// The ANSI code page of western Europe, with letters that are invalid as UTF-8.
    Windows1252,
    /// The appender's encoding set to `unicode`.
    Utf16,
    /// The type token in capitals.
    Capitals,
    /// Other ways to write the distance to UTC, and other distances.
    OtherZone,
    /// Decimal commas, numbers that are none, and huge ones; rows of another service; a type token made by hand.
    Peculiar,
    /// Less fields than there should be.
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

    /// Whether such a datagram shows a row number. One that is cut may not.
    fn has_row(self) -> bool {
        self != Self::MissingFields
    }

    /// Appends an odd version of `entry` to `datagram` and says what it holds. Its number is the next of the appender
    /// that sends it.
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
                    // As far as the names, behind which the ids would tell what is what.
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

/// The fields of a service's log events.
const fn fields(appender: Service) -> u32 {
    match appender {
        Service::Engine => 19,
        Service::Proxy | Service::Repository => 16,
        Service::Scheduler => 18,
    }
}

/// Takes values away that Qlik can leave unset.
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
            // The numbers between them tell which is which.
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

/// log4net had an exception.
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

/// Puts letters into the event that are not ASCII, and none that western Europe does not have.
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

/// What only events of this family have.
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

/// The lines behind the first hold `;`; one in the first line would stand among the fields.
const EXCEPTIONS: [&str; 2] = [
    "System.AggregateException: one or more\r\n ---> System.Exception: inner; code 7\r\n   at Example.Task.Wait()",
    "Example.Io.ReadException: disk gone\r\n   at Example.Io.Reader.Next(Int32 n) in c:\\src\\r.cs:line 40\r\n   at Example.Job.Run()",
];

#[cfg(test)]
mod tests;
