//! A row in a node's logs that an appender sends, before it is written.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    datagram::Datagram,
    families::Families,
    layout::Style,
    log, performance, task,
    truth::{LogRow, Request, TaskRow},
};
use crate::payload::Service;

/// The last row number before an appender's counter wraps, as in `%rownum{9999}`.
const LAST_ROW: u16 = 9_999;

/// A row on the node with this index.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) node: usize,
    pub(super) event: EntryEvent,
}

#[derive(Debug, Clone)]
pub(super) enum EntryEvent {
    Log(Box<LogRow>),
    Performance(Box<Request>),
    Task(Box<TaskRow>),
}

/// The user of a session on a node, or something else that makes requests to the engine.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) node: usize,
    pub(super) host: Arc<str>,
    /// `None` if no user's session is the cause.
    pub(super) session_id: Option<Arc<str>>,
    pub(super) directory: Arc<str>,
    pub(super) user_id: Arc<str>,
}

impl Entry {
    pub(super) fn log(node: usize, event: LogRow) -> Self {
        let event = EntryEvent::Log(Box::new(event));
        Self { node, event }
    }

    pub(super) fn performance(node: usize, request: Request) -> Self {
        let event = EntryEvent::Performance(Box::new(request));
        Self { node, event }
    }

    pub(super) fn task(node: usize, event: TaskRow) -> Self {
        let event = EntryEvent::Task(Box::new(event));
        Self { node, event }
    }

    pub(super) const fn is_of(&self, families: Families) -> bool {
        match self.event {
            EntryEvent::Log(_) => families.log,
            EntryEvent::Performance(_) => families.performance,
            EntryEvent::Task(_) => families.task,
        }
    }

    pub(super) fn time(&self) -> DateTime<Utc> {
        match &self.event {
            EntryEvent::Log(event) => event.time,
            EntryEvent::Performance(request) => request.time,
            EntryEvent::Task(event) => event.time,
        }
    }

    pub(super) fn set_time(&mut self, time: DateTime<Utc>) {
        match &mut self.event {
            EntryEvent::Log(event) => event.time = time,
            EntryEvent::Performance(request) => request.time = time,
            EntryEvent::Task(event) => event.time = time,
        }
    }

    /// Assigns a row number, if the row's appender numbers its rows.
    pub(super) fn take_row(&mut self, rows: &mut EntryRows) {
        match &mut self.event {
            EntryEvent::Log(event) => event.row = rows.take(self.node, event.appender as usize),
            EntryEvent::Performance(request) => {
                request.row = rows.take(self.node, Service::ALL.len());
            }
            EntryEvent::Task(_) => {}
        }
    }
}

impl EntryEvent {
    pub(super) fn type_token(&self) -> &'static str {
        match self {
            Self::Log(event) => log::type_token(event.appender),
            Self::Performance(_) => performance::TYPE_TOKEN,
            Self::Task(event) => event.type_token,
        }
    }

    /// Appends the event to `datagram`.
    pub(super) fn write(&self, type_token: &str, style: Style, datagram: &mut Vec<u8>) {
        match self {
            Self::Log(event) => log::write(event, type_token, style, datagram),
            Self::Performance(request) => performance::write(request, type_token, style, datagram),
            Self::Task(event) => task::write(event, type_token, style, datagram),
        }
    }
}

impl From<EntryEvent> for Datagram {
    fn from(event: EntryEvent) -> Self {
        match event {
            EntryEvent::Log(event) => Self::Log(event),
            EntryEvent::Performance(request) => Self::Performance(request),
            EntryEvent::Task(event) => Self::Task(event),
        }
    }
}

/// The next row number of each appender on each node: those of the four services, then the performance appender.
#[derive(Debug)]
pub(super) struct EntryRows(Vec<[u16; Service::ALL.len() + 1]>);

impl EntryRows {
    pub(super) fn new(nodes: usize) -> Self {
        Self(vec![[1; Service::ALL.len() + 1]; nodes])
    }

    fn take(&mut self, node: usize, appender: usize) -> u16 {
        let next = &mut self.0[node][appender];
        let row = *next;
        *next = if row == LAST_ROW { 1 } else { row + 1 };
        row
    }
}
