//! Drops the events of irrelevant users, such as service accounts.

mod config;
mod entry;
mod mistake;
mod rules;

use std::path::PathBuf;

use self::rules::Rules;
pub use self::{
    config::{BlacklistConfig, BlacklistError, MAX_FILE_BYTES},
    entry::UserPattern,
    mistake::{UserPatternError, UserPatternProblem},
};
use super::{FunctionTransform, OutputBuffer};
use crate::event::{Event, EventName};

/// The blacklist transform: drops events of listed users, of the kinds in [`BlacklistConfig::events`].
///
/// An event costs one hash look-up, whatever the number of exact entries; all patterns together are one automaton.
/// Excluded events only count in [`Blacklist::excluded`]. Undecoded payloads name no user and always pass, as do
/// derived events.
///
/// ```
/// use qlik_sense_events::transform::BlacklistConfig;
///
/// let config = BlacklistConfig {
///     users: vec![r"INTERNAL\sa_*".parse()?, r"LAB\goran".parse()?],
///     ..BlacklistConfig::default()
/// };
/// let blacklist = config.build()?;
/// assert!(blacklist.contains(Some("internal"), Some("SA_engine")));
/// assert!(!blacklist.contains(Some("LAB"), Some("maria")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Blacklist {
    rules: Rules,
    events: EventNames,
    entries: usize,
    files_without_entries: Vec<PathBuf>,
    excluded: u64,
}

impl Blacklist {
    /// The number of events excluded since this blacklist was built.
    #[must_use]
    pub const fn excluded(&self) -> u64 {
        self.excluded
    }

    /// The number of entries, from the configuration and from files.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.entries
    }

    /// The files without an entry, which may be files that were being written.
    #[must_use]
    pub fn files_without_entries(&self) -> &[PathBuf] {
        &self.files_without_entries
    }

    /// Whether a user is listed. An absent part is empty text, which only a pattern such as `*` matches.
    #[must_use]
    pub fn contains(&self, user_directory: Option<&str>, user_id: Option<&str>) -> bool {
        self.rules.contain(
            user_directory.unwrap_or_default(),
            user_id.unwrap_or_default(),
        )
    }

    /// Whether events of this name are dropped if their user is listed.
    #[must_use]
    #[inline]
    pub const fn names(&self, event: EventName) -> bool {
        self.events.contain(event)
    }

    fn is_about(&self, event: &Event) -> bool {
        event
            .family()
            .is_some_and(|family| self.names(family.event_name()))
    }

    /// Adopts the rules of another blacklist and keeps the count.
    pub fn replace_rules(&mut self, other: Self) {
        self.rules = other.rules;
        self.events = other.events;
        self.entries = other.entries;
        self.files_without_entries = other.files_without_entries;
    }

    /// Whether an event is excluded. Counts it if so.
    pub(crate) fn excludes(&mut self, event: &Event) -> bool {
        let excludes = !self.rules.is_empty()
            && self.is_about(event)
            && self.contains(event.user_directory(), event.user_id());
        self.excluded += u64::from(excludes);
        excludes
    }
}

/// A set of event names, one bit each.
#[derive(Debug, Clone, Copy, Default)]
struct EventNames(u8);

const _: () = assert!(EventName::ALL.len() <= u8::BITS as usize);

impl EventNames {
    fn of(names: &[EventName]) -> Self {
        Self(names.iter().fold(0, |set, name| set | Self::bit(*name)))
    }

    const fn contain(self, name: EventName) -> bool {
        self.0 & Self::bit(name) != 0
    }

    const fn bit(name: EventName) -> u8 {
        1 << name as u8
    }
}

impl FunctionTransform for Blacklist {
    fn transform(&mut self, output: &mut OutputBuffer, event: Event) {
        if !self.excludes(&event) {
            output.push(event);
        }
    }
}
