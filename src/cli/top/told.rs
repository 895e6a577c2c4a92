//! What an event reports of a service: the cost of a user's requests, an error, or a failed task.

use std::time::Duration;

use chrono::{DateTime, Utc};
use qlik_sense_events::event::{Body, Event, Level, Measure, TaskAction};

use super::screen::Cost;

/// Something that a service reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told<'a> {
    /// When it arrived.
    pub arrival: DateTime<Utc>,
    /// What the service reported.
    pub news: News<'a>,
}

/// The content of a report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum News<'a> {
    /// The cost of a user's requests.
    Requests(Requester<'a>, Cost),
    /// A row of a log, and whether its level is error or worse.
    Log { is_error: bool },
    /// A row about a run of a task, and whether the run has failed.
    Task {
        has_failed: bool,
        execution_id: Option<&'a str>,
    },
}

/// The user and the session of requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Requester<'a> {
    pub session_id: Option<&'a str>,
    pub user_directory: Option<&'a str>,
    pub user_id: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// `None` if the event is not from a service, or has no arrival.
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
            // Only the kinds of log events name a service.
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
