//! Task runs that were reported, so that a run reported by two appenders counts once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::event::{Event, TaskAction};

/// For how long a run is remembered.
const REMEMBERED_FOR: TimeDelta = TimeDelta::minutes(10);

/// How many runs are remembered. Made-up runs must not take more memory than this.
const MAX_RUNS: usize = 4_096;

/// The actions reported for each run, at all sockets: appenders of one node may send to several.
#[derive(Debug, Clone, Default)]
pub(super) struct TaskRuns(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    told: HashSet<Told>,
    /// The same, oldest first.
    order: VecDeque<(DateTime<Utc>, Told)>,
}

/// A run and an action. That a run is being stopped hides no later action.
type Told = (Uuid, TaskAction);

impl TaskRuns {
    /// Takes the action of a run. True if it is the first event to report it, or if it names no run.
    pub(super) fn is_first(&self, action: TaskAction, event: &Event, now: DateTime<Utc>) -> bool {
        let Some(run) = event.execution_id().and_then(run) else {
            return true;
        };
        // It is always consistent, whatever happened to another thread.
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.is_first((run, action), now)
    }
}

impl Memory {
    fn is_first(&mut self, told: Told, now: DateTime<Utc>) -> bool {
        let is_old = |(time, _): &(DateTime<Utc>, Told)| now - time >= REMEMBERED_FOR;
        while self.order.front().is_some_and(is_old) {
            self.forget_oldest();
        }
        if !self.told.insert(told) {
            return false;
        }
        if self.order.len() == MAX_RUNS {
            self.forget_oldest();
        }
        self.order.push_back((now, told));
        true
    }

    fn forget_oldest(&mut self) {
        if let Some((_, oldest)) = self.order.pop_front() {
            self.told.remove(&oldest);
        }
    }
}

/// The guid of a run. All zeros stand for none.
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
    fn a_run_that_two_appenders_tell_of_counts_once() {
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
        // A run reported at two sockets counts once as well.
        let mut other = pipeline.clone_for_socket();
        send(&mut other, "/scheduler-task-failed/", RUN, 599);
        assert_eq!(counts(&other), [0; 4]);
        send(&mut other, "/scheduler-task-failed/", RUN, 600);
        assert_eq!(counts(&other), [1, 0, 0, 0]);
    }

    #[test]
    fn no_outcome_is_hidden_by_an_earlier_event() {
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
    fn what_names_no_run_counts_each_time() {
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
    fn the_oldest_run_makes_room() {
        let mut memory = Memory::default();
        let now = DateTime::UNIX_EPOCH;
        let told = |number| (Uuid::from_u128(number), TaskAction::Failed);
        for number in 0..=MAX_RUNS as u128 {
            assert!(memory.is_first(told(number), now));
        }
        assert_eq!(memory.told.len(), MAX_RUNS);
        assert!(!memory.is_first(told(MAX_RUNS as u128), now));
        assert!(memory.is_first(told(0), now));
        // A clock that goes back forgets nothing, and the limit holds.
        assert!(!memory.is_first(told(0), now - TimeDelta::days(1)));
        assert!(memory.is_first(told(0), now + REMEMBERED_FOR));
        assert_eq!((memory.told.len(), memory.order.len()), (1, 1));
    }
}
