//! Turns datagrams into events, and counts everything that was received, sent on or left out.
//!
//! Every host runs the same [`Pipeline`], so that no two hosts can differ.

mod counters;
mod method_class;
mod node_clock;
mod nodes;
mod row_gaps;
mod rows;
mod statistics;
mod task_runs;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::{
    counters::Counters,
    method_class::MethodClass,
    row_gaps::RowGaps,
    statistics::{
        Distribution, NodeStatistics, PEAK_RAM_LIMITS_BYTES, PROCESS_LIMITS_NANOSECONDS,
        RequestCosts, Statistics,
    },
};
use self::{nodes::Nodes, task_runs::TaskRuns};
use crate::{
    decoding::{QlikSenseDeserializer, QlikSenseDeserializerConfig},
    event::{Arrival, Body, EventKind, EventName},
    transform::{
        AppNames, AppNamesConfig, AppTable, Blacklist, BlacklistConfig, OutputBuffer, Performance,
        PerformanceConfig, Pseudonymize, PseudonymizeConfig, Sessions, SessionsConfig,
        app_names::AppNamesError, blacklist::BlacklistError, performance::PerformanceError,
        pseudonymize::PseudonymizeError, sessions::SessionList,
    },
};

/// What to do with payloads that cannot be decoded. They are counted either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndecodedPolicy {
    /// Forward them as events of their own, `event: "undecoded"`.
    #[default]
    Forward,
    /// Drop them.
    Drop,
}

/// The options of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelineConfig {
    /// How datagrams are decoded.
    pub decoding: QlikSenseDeserializerConfig,
    /// What to do with payloads that cannot be decoded.
    pub undecoded: UndecodedPolicy,
    /// The users whose events are dropped.
    pub blacklist: BlacklistConfig,
    /// Where app names come from.
    pub app_names: AppNamesConfig,
    /// Which performance events go through, and how the others are summarized.
    pub performance: PerformanceConfig,
    /// Whether and how sessions are followed.
    pub sessions: SessionsConfig,
    /// Whether users are replaced by tokens, as the last step.
    pub pseudonymize: PseudonymizeConfig,
}

/// Why a pipeline cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The blacklist cannot be built.
    #[error(transparent)]
    Blacklist(#[from] BlacklistError),
    /// The app names cannot be read.
    #[error(transparent)]
    AppNames(#[from] AppNamesError),
    /// The filters of performance events cannot be built.
    #[error(transparent)]
    Performance(#[from] PerformanceError),
    /// The key for pseudonyms cannot be used.
    #[error(transparent)]
    Pseudonymize(#[from] PseudonymizeError),
}

impl PipelineConfig {
    /// Builds a pipeline. For further sockets use [`Pipeline::clone_for_socket`].
    ///
    /// # Errors
    ///
    /// [`PipelineError`] when a file that a transform needs cannot be read or contains an invalid entry.
    pub fn build(&self) -> Result<Pipeline, PipelineError> {
        let sessions = &self.sessions;
        Ok(Pipeline {
            deserializer: self.decoding.build(),
            undecoded: self.undecoded,
            blacklist: self.blacklist.build()?,
            app_names: self.app_names.build()?,
            performance: self.performance.build()?,
            sessions: sessions.enabled.then(|| Sessions::new(sessions)),
            pseudonymize: self.pseudonymize.build()?,
            counters: Counters::default(),
            nodes: Nodes::default(),
            task_runs: TaskRuns::default(),
        })
    }

    /// All errors with which [`build`](Self::build) could fail, by transform and file, in order.
    #[must_use]
    pub fn mistakes(&self) -> Vec<PipelineError> {
        let blacklist = self.blacklist.mistakes().into_iter();
        let app_names = self.app_names.mistakes().into_iter();
        blacklist
            .map(PipelineError::from)
            .chain(app_names.map(PipelineError::from))
            .chain(self.performance.build().err().map(PipelineError::from))
            .chain(self.pseudonymize.build().err().map(PipelineError::from))
            .collect()
    }
}

/// Decodes datagrams and transforms their events.
///
/// ```
/// use chrono::DateTime;
/// use qlik_sense_events::{event::Arrival, pipeline::PipelineConfig, transform::OutputBuffer};
///
/// let mut pipeline = PipelineConfig::default().build()?;
/// let arrival = Arrival::new(DateTime::UNIX_EPOCH, [192, 0, 2, 1].into());
/// let mut output = OutputBuffer::default();
/// pipeline.datagram(b"/proxy-session/;n1;Stop session;LAB;goran;;;", arrival, &mut output);
/// assert_eq!(output.len(), 1);
/// assert_eq!(pipeline.counters().datagrams, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pipeline {
    deserializer: QlikSenseDeserializer,
    undecoded: UndecodedPolicy,
    blacklist: Blacklist,
    app_names: AppNames,
    performance: Option<Performance>,
    sessions: Option<Sessions>,
    pseudonymize: Option<Pseudonymize>,
    counters: Counters,
    nodes: Nodes,
    task_runs: TaskRuns,
}

impl Pipeline {
    /// A pipeline for another socket. It reads no files. Both have the same rules, app names and key, and follow the
    /// same sessions and task runs, because events of one user or run may arrive through several sockets. The new one
    /// counts from zero, and summarizes only the performance events of its own socket.
    #[must_use]
    pub fn clone_for_socket(&self) -> Self {
        let mut blacklist = Blacklist::default();
        blacklist.replace_rules(self.blacklist.clone());
        Self {
            deserializer: self.deserializer.clone_for_thread(),
            undecoded: self.undecoded,
            blacklist,
            app_names: self.app_names.clone(),
            performance: self.performance.clone(),
            sessions: self.sessions.clone(),
            pseudonymize: self.pseudonymize.clone(),
            counters: Counters::default(),
            nodes: Nodes::default(),
            task_runs: self.task_runs.clone(),
        }
    }

    /// Decodes a datagram and appends the resulting events to `output`.
    pub fn datagram(&mut self, datagram: &[u8], arrival: Arrival, output: &mut OutputBuffer) {
        let start = output.len();
        self.counters.datagrams += 1;
        self.counters.bytes += datagram.len() as u64;
        let Self {
            counters,
            nodes,
            task_runs,
            blacklist,
            app_names,
            performance,
            sessions,
            undecoded,
            ..
        } = self;
        self.deserializer.decode(datagram, |mut event| {
            event.set_arrival(arrival);
            let kind = event.kind();
            if kind == EventKind::Undecoded
                && let Body::Undecoded(payload) = event.body()
            {
                counters.undecoded(payload.error().code);
                if *undecoded == UndecodedPolicy::Forward {
                    output.push(event);
                }
                return;
            }
            // This comes before the blacklist: excluded events have arrived too.
            let node = nodes.arrived(&event, kind, arrival.timestamp);
            if blacklist.excludes(&event) {
                return;
            }
            // This comes before summarizing: summarized requests cost as much as others.
            if let Some(node) = node {
                nodes.count(node, &event, kind);
            }
            app_names.name(&mut event);
            let before = output.len();
            if let Some(performance) = performance
                && performance.takes(&event, output)
            {
                counters.derived(output, before);
                return;
            }
            counters.event(kind);
            if let EventKind::Task(action) = kind
                && task_runs.is_first(action, &event, arrival.timestamp)
            {
                counters.task(action);
            }
            output.push(event);
            if let Some(sessions) = sessions {
                sessions.follow(output, before);
                counters.derived(output, before + 1);
            }
        });
        self.replace_users(output, start);
    }

    /// The transform that follows sessions, if enabled.
    #[must_use]
    pub const fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
    }

    /// Takes a proxy's list of sessions, if sessions are followed. The list is compared with the events as [time
    /// passes](Self::tick). Users on the blacklist are left out,
    /// unless it does not apply to sessions.
    pub fn take_list(&self, mut list: SessionList) {
        let Some(sessions) = &self.sessions else {
            return;
        };
        if self.blacklist.names(EventName::Session) {
            list.users.retain(|user| {
                let directory = user.user_directory.as_deref();
                !self.blacklist.contains(directory, Some(&user.user_id))
            });
        }
        sessions.take_list(list);
    }

    /// Tells the pipeline the time. Performance summaries are sent when their interval has ended; sessions without
    /// activity end, proxies' lists are compared, and snapshots of open sessions are taken, if these transforms are
    /// enabled. A host calls this several times a second.
    pub fn tick(&mut self, now: DateTime<Utc>, output: &mut OutputBuffer) {
        let before = output.len();
        if let Some(performance) = &mut self.performance {
            performance.tick(now, output);
        }
        if let Some(sessions) = &mut self.sessions {
            sessions.tick(now, output);
        }
        self.derived(output, before);
    }

    /// Counts and completes the derived events, starting at an index.
    fn derived(&mut self, output: &mut OutputBuffer, before: usize) {
        self.counters.derived(output, before);
        self.replace_users(output, before);
    }

    /// The last step, because all the others need to know the real user.
    fn replace_users(&self, output: &mut OutputBuffer, start: usize) {
        if let Some(pseudonymize) = &self.pseudonymize {
            for event in output.after(start) {
                pseudonymize.replace(event);
            }
        }
    }

    /// Replaces the rules of the blacklist from now on; its counts stay.
    pub fn replace_blacklist(&mut self, blacklist: Blacklist) {
        self.blacklist.replace_rules(blacklist);
    }

    /// The blacklist, with its counts.
    #[must_use]
    pub const fn blacklist(&self) -> &Blacklist {
        &self.blacklist
    }

    /// Replaces the app names from now on.
    pub fn replace_app_names(&mut self, table: AppTable) {
        self.app_names = AppNames::new(table);
    }

    /// The current app names.
    #[must_use]
    pub const fn app_names(&self) -> &AppTable {
        self.app_names.table()
    }

    /// The counts since the pipeline was built.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        counters.excluded = self.blacklist.excluded();
        counters.summarized = self.performance.as_ref().map(Performance::summarized);
        counters.row_gaps = self.nodes.row_gaps_total();
        counters
    }

    /// Missing rows by Qlik node and appender, for payloads that have row numbers.
    #[must_use]
    pub fn row_gaps(&self) -> RowGaps {
        self.nodes.row_gaps()
    }

    /// The same, if it has changed since the last call.
    pub fn changed_row_gaps(&mut self) -> Option<RowGaps> {
        self.nodes.changed_row_gaps()
    }

    /// Statistics of what Qlik nodes have sent besides user events, without excluded events, and the distance of their
    /// clocks from this machine's.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.nodes.statistics()
    }

    /// The same, if it has changed since the last call.
    pub fn changed_statistics(&mut self) -> Option<Statistics> {
        self.nodes.changed_statistics()
    }

    /// Ends the input: missing row numbers now count as gaps, and all performance summaries are sent.
    pub fn finish(&mut self, output: &mut OutputBuffer) {
        self.nodes.give_up();
        let before = output.len();
        if let Some(performance) = &mut self.performance {
            performance.finish(output);
        }
        self.derived(output, before);
    }
}
