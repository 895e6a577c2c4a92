//! Task runs that have been reported, so that a run that two appenders report counts once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::event::{Event, TaskAction};

/// How long a run is remembered.
const REMEMBERED_FOR: TimeDelta = TimeDelta::minutes(10);

/// How many runs are remembered. Invented runs must not take more memory than this.
const MAX_RUNS: usize = 4_096;

/// The actions reported for each run, at all sockets: the appenders of one node may send to several.
#[derive(Debug, Clone, Default)]
pub(super) struct TaskRuns(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    reported: HashSet<RunAction>,
    /// The same reports, oldest first.
    order: VecDeque<(DateTime<Utc>, RunAction)>,
}

/// A run and an action. Each action counts, even after the run was reported as being stopped.
type RunAction = (Uuid, TaskAction);

impl TaskRuns {
    /// Takes the action of a run. Returns true if this event is the first to report it, or if it names no run.
    pub(super) fn is_first(&self, action: TaskAction, event: &Event, now: DateTime<Utc>) -> bool {
        let Some(run) = event.execution_id().and_then(run) else {
            return true;
        };
        // The content is always consistent, even if another thread has panicked.
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.is_first((run, action), now)
    }
}

impl Memory {
    fn is_first(&mut self, reported: RunAction, now: DateTime<Utc>) -> bool {
        let is_old = |(time, _): &(DateTime<Utc>, RunAction)| now - time >= REMEMBERED_FOR;
        while self.order.front().is_some_and(is_old) {
            self.forget_oldest();
        }
        if !self.reported.insert(reported) {
            return false;
        }
        if self.order.len() == MAX_RUNS {
            self.forget_oldest();
        }
        self.order.push_back((now, reported));
        true
    }

    fn forget_oldest(&mut self) {
        if let Some((_, oldest)) = self.order.pop_front() {
            self.reported.remove(&oldest);
        }
    }
}

/// The guid of a run. All zeros mean that there is none.
fn run(execution_id: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(execution_id.trim()).ok()?;
    (!id.is_nil()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::Arrival,
        pipeline::{Pipeline, PipelineConfig},
        transform::OutputBuffer,
    };

    const RUN: &str = "b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b";

    fn send(pipeline: &mut Pipeline, type_token: &str, execution_id: &str, seconds: i64) {
        let datagram = format!(
            "{type_token};n1;Nightly;Sales;LAB\\eva;;;2026-01-31 06:00:12,345;INFO;{execution_id};x"
        );
        let arrival = Arrival::local(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
        let mut output = OutputBuffer::default();
        pipeline.datagram(datagram.as_bytes(), arrival, &mut output);
        assert_eq!(output.len(), 1);
    }

    fn pipeline() -> Pipeline {
        PipelineConfig::default().build().expect("a pipeline")
    }

    fn counts(pipeline: &Pipeline) -> [u64; 4] {
        let counters = pipeline.counters();
        let counts = TaskAction::ALL.iter().map(|it| counters.tasks_of(*it));
        counts.collect::<Vec<_>>().try_into().expect("four")
    }

    #[test]
    fn a_run_that_two_appenders_report_counts_once() {
        let mut pipeline = pipeline();
        send(&mut pipeline, "/scheduler-reload-failed/", RUN, 0);
        send(&mut pipeline, "/scheduler-task-failed/", RUN, 1);
        send(
            &mut pipeline,
            "/scheduler-task-failed/",
            &format!("{{{}}}", RUN.to_uppercase()),
            599,
        );
        assert_eq!(counts(&pipeline), [1, 0, 0, 0]);
        assert_eq!(pipeline.counters().events(), 3);
        // A run that is reported at two sockets counts once as well.
        let mut other = pipeline.clone_for_socket();
        send(&mut other, "/scheduler-task-failed/", RUN, 599);
        assert_eq!(counts(&other), [0; 4]);
        send(&mut other, "/scheduler-task-failed/", RUN, 600);
        assert_eq!(counts(&other), [1, 0, 0, 0]);
    }

    #[test]
    fn every_action_of_a_run_counts() {
        let mut pipeline = pipeline();
        for type_token in [
            "/scheduler-task-aborted/",
            "/scheduler-task-failed/",
            "/scheduler-distribute/",
            "/scheduler-task-success//",
            "/scheduler-reloadtask-success/",
        ] {
            send(&mut pipeline, type_token, RUN, 0);
        }
        assert_eq!(counts(&pipeline), [1; 4]);
    }

    #[test]
    fn an_event_without_a_run_always_counts() {
        let mut pipeline = pipeline();
        let nil = Uuid::nil().to_string();
        for execution_id in ["", "(null)", "x", &nil] {
            for _ in 0..2 {
                send(&mut pipeline, "/scheduler-task-failed/", execution_id, 0);
            }
        }
        assert_eq!(counts(&pipeline), [8, 0, 0, 0]);
    }

    #[test]
    fn the_oldest_run_is_forgotten_first() {
        let mut memory = Memory::default();
        let now = DateTime::UNIX_EPOCH;
        let reported = |number| (Uuid::from_u128(number), TaskAction::Failed);
        for number in 0..=MAX_RUNS as u128 {
            assert!(memory.is_first(reported(number), now));
        }
        assert_eq!(memory.reported.len(), MAX_RUNS);
        assert!(!memory.is_first(reported(MAX_RUNS as u128), now));
        assert!(memory.is_first(reported(0), now));
        // If the clock goes back nothing is forgotten, but the limit still holds.
        assert!(!memory.is_first(reported(0), now - TimeDelta::days(1)));
        assert!(memory.is_first(reported(0), now + REMEMBERED_FOR));
        assert_eq!((memory.reported.len(), memory.order.len()), (1, 1));
    }
}
