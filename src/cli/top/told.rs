//! What an event tells about the services: the cost of a user's requests, an error, or a failed task.

use std::time::Duration;

use chrono::{DateTime, Utc};
use qlik_sense_events::event::{Body, Event, Level, Measure, TaskAction};

use super::screen::Cost;

/// Something that a service reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told<'a> {
    /// When it arrived.
    pub arrival: DateTime<Utc>,
    /// What it is.
    pub news: News<'a>,
}

/// What it is that was told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum News<'a> {
    /// What requests of a user cost.
    Requests(Requester<'a>, Cost),
    /// A row of a log, of level error or worse or not.
    Log { is_error: bool },
    /// Something of a run of a task, that it failed or something else.
    Task {
        has_failed: bool,
        execution_id: Option<&'a str>,
    },
}

/// Whose requests they were.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Requester<'a> {
    pub session_id: Option<&'a str>,
    pub user_directory: Option<&'a str>,
    pub user_id: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// None of what no service tells, or what has not arrived.
    pub fn of(event: &'a Event) -> Option<Self> {
        let requester = Requester {
            session_id: event.session_id(),
            user_directory: event.user_directory(),
            user_id: event.user_id(),
        };
        let news = match event.body() {
            Body::Performance(request) => {
                let cost = Cost {
                    requests: 1,
                    process: nanoseconds(request.process_nanoseconds()),
                    peak_ram: not_negative(request.peak_ram_bytes()),
                };
                News::Requests(requester, cost)
            }
            Body::PerformanceSummary(summary) => {
                let process = summary.total(Measure::Process);
                let cost = Cost {
                    requests: summary.requests(),
                    process: nanoseconds(process.map(|total| total.sum)),
                    peak_ram: not_negative(summary.peak_ram_bytes()),
                };
                News::Requests(requester, cost)
            }
            Body::Task(task) => News::Task {
                has_failed: task.action() == TaskAction::Failed,
                execution_id: event.execution_id(),
            },
            // Only rows of a log say in their kind which service it was.
            _ if event.kind().service().is_some() => News::Log {
                is_error: event.level() >= Some(Level::Error),
            },
            _ => return None,
        };
        let arrival = event.arrival()?.timestamp;
        Some(Self { arrival, news })
    }
}

fn nanoseconds(time: Option<i64>) -> Duration {
    Duration::from_nanos(not_negative(time))
}

fn not_negative(number: Option<i64>) -> u64 {
    number.map_or(0, |number| u64::try_from(number).unwrap_or(0))
}
