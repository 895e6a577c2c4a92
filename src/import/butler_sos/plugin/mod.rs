//! The part of Butler SOS's configuration that becomes plugin.toml.

mod performance;
mod servers;
mod source;

use toml::{Table, Value};

use super::{
    ImportError, Note, Options, app_names, certificates,
    config::{ButlerSos, ExcludedUser},
    tags,
};
use crate::{config::Config, encoding::Codec, transform::blacklist::UserPattern};

/// The program's configuration that does the same, and notes on what it does differently.
///
/// # Errors
///
/// [`ImportError::NoSender`].
pub(super) fn plugin(
    from: &ButlerSos,
    options: &Options,
    notes: &mut Vec<Note>,
) -> Result<Config, ImportError> {
    let mut config = Config::default();
    let events = &from.user_events;
    if !events.enable {
        notes.push(Note::new(
            "userEvents.enable",
            if from.log_events.is_used() {
                "false, so the program does not listen on their port; the rest is carried over as if it did"
            } else {
                "false, so Butler SOS handles no user events; the rest is carried over as if it did"
            },
        ));
    }
    source::source(from, options, &mut config, notes)?;
    config.transform.blacklist.users = blacklist(&events.exclude_user, notes);
    // Butler SOS compares every character. Without entries this makes no difference.
    config.transform.blacklist.case_sensitive = !config.transform.blacklist.users.is_empty();
    if config.transform.blacklist.case_sensitive {
        notes.push(Note::new(
            "userEvents.excludeUser",
            "case-sensitive, as in Butler SOS; Active Directory ignores case, so you probably want `case_sensitive = \
             false`",
        ));
    }
    config.transform.app_names.qrs = app_names::qrs(from, notes);
    servers::servers(from, &mut config, notes);
    let is_any_queried = config.transform.app_names.qrs.is_enabled()
        || !config.engine_health.nodes.is_empty()
        || !config.transform.sessions.qps.proxies.is_empty();
    if is_any_queried {
        certificates::certificates(&from.cert, &mut config.transform.app_names.qrs, notes);
    }
    config.transform.performance = performance::performance(&from.log_events, notes);
    config.output.codec = Codec::Native;
    config.output.tags = tags::of_all(from, notes);
    Ok(config)
}

fn blacklist(users: &[ExcludedUser], notes: &mut Vec<Note>) -> Vec<UserPattern> {
    let mut patterns = Vec::new();
    for (place, user) in users.iter().enumerate() {
        let key = format!("userEvents.excludeUser[{place}]");
        match UserPattern::new(&*user.directory.0, &*user.user_id.0) {
            Ok(pattern) => {
                if pattern.is_pattern() {
                    notes.push(Note::new(
                        &key,
                        "`*` and `?` are wildcards here; in Butler SOS they are ordinary characters",
                    ));
                }
                patterns.push(pattern);
            }
            Err(error) => notes.push(Note::new(&key, &format!("left out: {error}"))),
        }
    }
    patterns
}

/// The options that differ from the defaults, in TOML.
///
/// # Errors
///
/// When something cannot be written in TOML; no option has such a value.
pub(super) fn to_toml(config: &Config) -> Result<String, toml::ser::Error> {
    let differing = differing(
        Table::try_from(config)?,
        &Table::try_from(Config::default())?,
    );
    toml::to_string_pretty(&differing)
}

fn differing(table: Table, default: &Table) -> Table {
    table
        .into_iter()
        .filter_map(|(key, value)| match (value, default.get(&key)) {
            (value, Some(default)) if value == *default => None,
            (Value::Table(table), Some(Value::Table(default))) => {
                Some((key, Value::Table(differing(table, default))))
            }
            (value, _) => Some((key, value)),
        })
        .collect()
}
