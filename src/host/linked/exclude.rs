//! The blacklist for events that are already values, as a separate transform in the host's topology.

use std::{
    sync::{Arc, RwLock, Weak},
    thread,
};

use serde::{Deserialize, Serialize};

use crate::{
    config::reference,
    event::{EventName, Family},
    host::{
        diagnostics::{Level, Report},
        runtime::{
            refresh::reloaded, start::StartError, supervisor::TICK, threads, watched::Watched,
        },
    },
    pipeline::PipelineError,
    schema::{Role, Schema},
    transform::{Blacklist, BlacklistConfig},
};

/// The options of the transform `exclude_qlik_users`, which are those of the blacklist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExcludeUsersConfig(BlacklistConfig);

/// Decides which events belong to excluded users, in any schema. Clones share their rules.
#[derive(Debug, Clone)]
pub struct ExcludeUsers {
    blacklist: Arc<RwLock<Blacklist>>,
}

impl ExcludeUsersConfig {
    /// The JSON Schema of the options, with explanations and defaults.
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        reference::json_schema(|key| key.strip_prefix("transform.blacklist.").map(str::to_owned))
    }

    /// Builds the transform. While it exists, its files are reloaded when they change. Every reload is reported to
    /// `diagnostics`, and so is a file that has become invalid; the previous entries then stay in effect.
    ///
    /// # Errors
    ///
    /// [`StartError`] when a file cannot be read or contains an invalid entry.
    pub fn build(
        &self,
        mut diagnostics: impl Report + Send + 'static,
    ) -> Result<ExcludeUsers, StartError> {
        let config = self.0.clone();
        let mut watched = Watched::new(config.files.iter().cloned());
        let blacklist = Arc::new(RwLock::new(config.build().map_err(PipelineError::from)?));
        if !config.files.is_empty() {
            let shared = Arc::downgrade(&blacklist);
            let work = move || {
                while shared.strong_count() > 0 {
                    thread::sleep(TICK);
                    if watched.changed() {
                        reload(&config, &shared, &mut diagnostics);
                    }
                }
                Ok(())
            };
            threads::spawn("blacklist", |_| {}, work).map_err(StartError::Thread)?;
        }
        Ok(ExcludeUsers { blacklist })
    }
}

fn reload(
    config: &BlacklistConfig,
    shared: &Weak<RwLock<Blacklist>>,
    diagnostics: &mut impl Report,
) {
    match config.rebuild() {
        Ok(blacklist) => {
            let (level, message) = reloaded(&blacklist);
            if let Some(shared) = shared.upgrade() {
                threads::write(&shared, blacklist);
                diagnostics.report(level, &message);
            }
        }
        Err(error) => diagnostics.report(
            Level::Error,
            &format!("cannot reload the blacklist; the previous entries stay in effect: {error}"),
        ),
    }
}

impl ExcludeUsers {
    /// Whether an event belongs to an excluded user.
    ///
    /// `text_of` returns the text of a field; names of nested fields have dots, as in `user.name`. An event is not
    /// excluded if it names no user in the fields of any schema, or if it is of a kind that is not in the `events` of
    /// the blacklist. Derived events count as the kind that they come from: sessions or performance. An event that does
    /// not tell its kind counts as a kind that is in `events`.
    #[must_use]
    pub fn excludes<'v>(&self, text_of: impl Fn(&str) -> Option<&'v str>) -> bool {
        let blacklist = threads::read(&self.blacklist);
        let is_listed = |(user_directory, user_id): (Option<&str>, Option<&str>)| {
            (user_directory.is_some() || user_id.is_some())
                && blacklist.contains(user_directory, user_id)
        };
        let in_two_fields = Schema::ALL.iter().copied().any(|schema| {
            let text_of = |role| text_of(schema.field_of(role)?);
            is_listed((text_of(Role::UserDirectory), text_of(Role::UserId)))
        });
        // Butler SOS has both in one field.
        let in_one_field = || {
            let user = text_of("user").and_then(|user| user.split_once('\\'));
            user.is_some_and(|(directory, id)| is_listed((Some(directory), Some(id))))
        };
        (in_two_fields || in_one_field())
            && event_name(text_of).is_none_or(|name| blacklist.names(name))
    }
}

/// The kind of an event, or the kind that it is derived from.
fn event_name<'v>(text_of: impl Fn(&str) -> Option<&'v str>) -> Option<EventName> {
    let fields = Schema::ALL.iter().copied().flat_map(Schema::fields_of_kind);
    fields.filter_map(|field| text_of(field)).find_map(|text| {
        let mut families = Family::ALL.iter().filter(|family| family.as_str() == text);
        if let Some(family) = families.next() {
            return Some(family.event_name());
        }
        let word = text.rsplit('.').next()?;
        let word = word.split('_').next()?;
        let mut names = EventName::ALL.iter().copied();
        names.find(|name| name.as_str() == word)
    })
}
