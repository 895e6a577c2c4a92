//! The blacklist for events that are values already: a transform of its own in the host's topology.

use std::{
    sync::{Arc, RwLock, Weak},
    thread,
};

use serde::{Deserialize, Serialize};
use vrl::value::Value;

use crate::{
    config::reference,
    host::{
        diagnostics::{Level, Report},
        runtime::{start::StartError, supervisor::TICK, threads, watched::Watched},
    },
    pipeline::PipelineError,
    schema::{Role, Schema},
    transform::{Blacklist, BlacklistConfig, blacklist::UserPattern},
};

/// The options of the transform `exclude_qlik_users`: those of the blacklist, and how the events name
/// their user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExcludeUsersConfig {
    /// Users whose events are left out. Default: none.
    pub users: Vec<UserPattern>,
    /// Files with more of them, read again when they change. Default: none.
    pub files: Vec<std::path::PathBuf>,
    /// Whether `Goran` and `goran` are two users. Default: no.
    pub case_sensitive: bool,
    /// The names of the events' fields. Default: `default`.
    pub schema: Schema,
}

/// Says which events are those of excluded users. Clones share their rules.
#[derive(Debug, Clone)]
pub struct ExcludeUsers {
    blacklist: Arc<RwLock<Blacklist>>,
    schema: Schema,
}

impl ExcludeUsersConfig {
    /// The JSON Schema of the options, with explanations and defaults.
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        reference::json_schema(|key| match key {
            "output.schema" => Some("schema".to_owned()),
            _ => key.strip_prefix("transform.blacklist.").map(str::to_owned),
        })
    }

    /// Builds the transform. While it lives, files are read again when they change; `diagnostics` is
    /// told, also when a file has become bad and the old rules stay.
    ///
    /// # Errors
    ///
    /// [`StartError`] when a file cannot be read or holds a bad entry.
    pub fn build(
        &self,
        mut diagnostics: impl Report + Send + 'static,
    ) -> Result<ExcludeUsers, StartError> {
        let config = BlacklistConfig {
            users: self.users.clone(),
            files: self.files.clone(),
            case_sensitive: self.case_sensitive,
        };
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
        Ok(ExcludeUsers {
            blacklist,
            schema: self.schema,
        })
    }
}

fn reload(
    config: &BlacklistConfig,
    shared: &Weak<RwLock<Blacklist>>,
    diagnostics: &mut impl Report,
) {
    match config.build() {
        Ok(blacklist) => {
            if let Some(shared) = shared.upgrade() {
                threads::write(&shared, blacklist);
                diagnostics.report(Level::Info, "the blacklist was read again");
            }
        }
        Err(error) => diagnostics.report(
            Level::Error,
            &format!("the blacklist was not read again, the old rules stay: {error}"),
        ),
    }
}

impl ExcludeUsers {
    /// Whether an event is one of an excluded user. One that names no user is none.
    #[must_use]
    pub fn excludes(&self, event: &Value) -> bool {
        let text = |role| text(event, self.schema.field_of(role)?);
        let (user_directory, user_id) = (text(Role::UserDirectory), text(Role::UserId));
        (user_directory.is_some() || user_id.is_some())
            && threads::read(&self.blacklist).contains(user_directory, user_id)
    }
}

/// The text of a field, whose name has a dot before each part within another field.
fn text<'v>(event: &'v Value, field: &str) -> Option<&'v str> {
    let value = field
        .split('.')
        .try_fold(event, |value, name| value.as_object()?.get(name))?;
    std::str::from_utf8(value.as_bytes()?).ok()
}
