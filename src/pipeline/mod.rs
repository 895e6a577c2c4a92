//! Datagram to events, with a count of everything that came in, went out or was left out.
//!
//! Every host runs the same [`Pipeline`], so two hosts cannot drift apart.

mod counters;
mod lost;
mod rows;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::lost::LostDatagrams;
pub use self::{counters::Counters, lost::LostByHost};
use crate::{
    decoding::{QlikSenseDeserializer, QlikSenseDeserializerConfig},
    event::{Arrival, Event, EventKind},
    transform::{
        AppNames, AppNamesConfig, AppTable, Blacklist, BlacklistConfig, OutputBuffer, Pseudonymize,
        PseudonymizeConfig, Sessions, SessionsConfig, app_names::AppNamesError,
        blacklist::BlacklistError, pseudonymize::PseudonymizeError,
    },
};

/// What becomes of payloads that cannot be decoded. They are counted either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndecodedPolicy {
    /// They go on as events of their own, `event: "undecoded"`.
    #[default]
    Forward,
    /// They go no further.
    Drop,
}

/// The options of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelineConfig {
    /// How datagrams are decoded.
    pub decoding: QlikSenseDeserializerConfig,
    /// What becomes of those that cannot be.
    pub undecoded: UndecodedPolicy,
    /// Whose events are left out.
    pub blacklist: BlacklistConfig,
    /// Where names of apps come from.
    pub app_names: AppNamesConfig,
    /// Whether and how sessions are followed.
    pub sessions: SessionsConfig,
    /// Whether users are replaced by tokens, at the very end.
    pub pseudonymize: PseudonymizeConfig,
}

/// Why a pipeline cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The blacklist cannot be built.
    #[error(transparent)]
    Blacklist(#[from] BlacklistError),
    /// Names of apps cannot be read.
    #[error(transparent)]
    AppNames(#[from] AppNamesError),
    /// The key for pseudonyms cannot be used.
    #[error(transparent)]
    Pseudonymize(#[from] PseudonymizeError),
}

impl PipelineConfig {
    /// Builds a pipeline. For a further socket there is [`Pipeline::beside`].
    ///
    /// # Errors
    ///
    /// [`PipelineError`] when a file that a transform needs cannot be read or holds a bad entry.
    pub fn build(&self) -> Result<Pipeline, PipelineError> {
        let sessions = &self.sessions;
        Ok(Pipeline {
            deserializer: self.decoding.build(),
            undecoded: self.undecoded,
            blacklist: self.blacklist.build()?,
            app_names: self.app_names.build()?,
            sessions: sessions.enabled.then(|| Sessions::new(sessions)),
            pseudonymize: self.pseudonymize.build()?,
            counters: Counters::default(),
            lost: LostDatagrams::default(),
        })
    }

    /// Everything that [`build`](Self::build) could fail with and that can be told apart, by transform and
    /// file, in order.
    #[must_use]
    pub fn mistakes(&self) -> Vec<PipelineError> {
        let blacklist = self.blacklist.mistakes().into_iter();
        let app_names = self.app_names.mistakes().into_iter();
        blacklist
            .map(PipelineError::from)
            .chain(app_names.map(PipelineError::from))
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
    sessions: Option<Sessions>,
    pseudonymize: Option<Pseudonymize>,
    counters: Counters,
    lost: LostDatagrams,
}

impl Pipeline {
    /// A pipeline for one more socket. It reads no file again: both have the same rules, names of apps and
    /// key, and follow the same sessions, because the events of one user may come through several
    /// sockets. It counts from zero.
    #[must_use]
    pub fn beside(&self) -> Self {
        let mut blacklist = Blacklist::default();
        blacklist.replace_rules(self.blacklist.clone());
        Self {
            deserializer: self.deserializer.apart(),
            undecoded: self.undecoded,
            blacklist,
            app_names: self.app_names.clone(),
            sessions: self.sessions.clone(),
            pseudonymize: self.pseudonymize.clone(),
            counters: Counters::default(),
            lost: LostDatagrams::default(),
        }
    }

    /// Decodes a datagram and adds what becomes of its events to `output`.
    pub fn datagram(&mut self, datagram: &[u8], arrival: Arrival, output: &mut OutputBuffer) {
        let start = output.len();
        self.counters.datagrams += 1;
        self.counters.bytes += datagram.len() as u64;
        let (counters, lost, blacklist, undecoded) = (
            &mut self.counters,
            &mut self.lost,
            &mut self.blacklist,
            self.undecoded,
        );
        let app_names = &self.app_names;
        let sessions = &mut self.sessions;
        self.deserializer.decode(datagram, |mut event| {
            event.set_arrival(arrival);
            match &mut event {
                Event::Undecoded(reason) => {
                    counters.undecoded(reason.error().code);
                    if undecoded == UndecodedPolicy::Forward {
                        output.push(event);
                    }
                }
                Event::User(user_event) => {
                    // Before the blacklist: what is left out has arrived all the same.
                    lost.arrived(user_event, arrival.timestamp);
                    if blacklist.excludes(user_event) {
                        return;
                    }
                    counters.event(EventKind::User(user_event.kind()));
                    app_names.name(user_event);
                    let before = output.len();
                    output.push(event);
                    if let Some(sessions) = sessions {
                        sessions.follow(output, before);
                        counters.derived(output, before);
                    }
                }
                // The decoder makes none.
                Event::Derived(_) => output.push(event),
            }
        });
        self.replace_users(output, start);
    }

    /// What follows the sessions, where that is wanted.
    #[must_use]
    pub const fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
    }

    /// Lets time pass: where sessions are followed, those without a sign of life end, and snapshots
    /// of the open ones are taken. A host calls this several times a second.
    pub fn tick(&mut self, now: DateTime<Utc>, output: &mut OutputBuffer) {
        if let Some(sessions) = &mut self.sessions {
            let before = output.len();
            sessions.tick(now, output);
            self.counters.derived(output, before);
            self.replace_users(output, before);
        }
    }

    /// The last step: whatever comes before it knows who the user is.
    fn replace_users(&self, output: &mut OutputBuffer, start: usize) {
        if let Some(pseudonymize) = &self.pseudonymize {
            for event in output.after(start) {
                pseudonymize.replace(event);
            }
        }
    }

    /// Replaces the rules of the blacklist from here on; what it has counted stays.
    pub fn replace_blacklist(&mut self, blacklist: Blacklist) {
        self.blacklist.replace_rules(blacklist);
    }

    /// The blacklist, with what it has counted.
    #[must_use]
    pub const fn blacklist(&self) -> &Blacklist {
        &self.blacklist
    }

    /// Names of apps from here on.
    pub fn replace_app_names(&mut self, table: AppTable) {
        self.app_names = AppNames::new(table);
    }

    /// The names of apps that events get now.
    #[must_use]
    pub const fn app_names(&self) -> &AppTable {
        self.app_names.table()
    }

    /// What came in and went out since the pipeline was built.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters;
        counters.excluded = self.blacklist.excluded();
        counters.lost = self.lost.total();
        counters
    }

    /// Datagrams that were lost on their way, by the Qlik node that sent them: as far as the row numbers
    /// of the extended appender tell.
    #[must_use]
    pub fn lost_by_host(&self) -> LostByHost {
        self.lost.by_host()
    }

    /// The same, if anything about it is new since this was last asked.
    pub fn news_of_lost(&mut self) -> Option<LostByHost> {
        self.lost.has_news().then(|| self.lost.by_host())
    }

    /// Says that nothing more will come: row numbers that are missing count as lost.
    pub fn finish(&mut self) {
        self.lost.give_up();
    }
}
