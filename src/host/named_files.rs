//! What is wrong with the files that a configuration names, with the option and its place in the configuration.

use std::path::Path;

#[cfg(feature = "qrs")]
use super::https::HttpsError;
use super::runtime::start::StartError;
#[cfg(feature = "qrs")]
use crate::config::Config;
use crate::{
    config::Loaded,
    pipeline::PipelineError,
    transform::{
        app_names::AppNamesError, blacklist::BlacklistError, pseudonymize::PseudonymizeError,
    },
};

/// The option that names the file of the session state.
pub const STATE_FILE: &str = "transform.sessions.state_file";

/// Why receiving cannot start: the error, or everything that is wrong with the files if they are the cause.
#[must_use]
pub fn reasons(loaded: &Loaded, error: &StartError) -> Vec<String> {
    if error.is_configuration() {
        let mistakes = mistakes(loaded);
        if !mistakes.is_empty() {
            return mistakes;
        }
    }
    vec![match error {
        StartError::State { file, source } => {
            let message = format!("cannot read {}: {source}", file.display());
            loaded.about(STATE_FILE, message)
        }
        error => error.to_string(),
    }]
}

/// Everything that is wrong with the files of the transforms and the certificates for services of Qlik Sense.
#[must_use]
pub fn mistakes(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let unreadable = loaded.unreadable();
    let is_said = |file: &Path| unreadable.iter().any(|it| it.file == file);
    let mut mistakes: Vec<String> = unreadable.iter().map(|it| it.message.clone()).collect();
    for error in config.pipeline().mistakes() {
        if !unread(&error).is_some_and(is_said) {
            mistakes.push(match error {
                PipelineError::Pseudonymize(PseudonymizeError::NotSet { .. }) => loaded.about(
                    "transform.pseudonymize.key_env",
                    "the environment variable of this name is not set, or is not Unicode",
                ),
                error => error.to_string(),
            });
        }
    }
    #[cfg(feature = "qrs")]
    for error in of_services(config) {
        let is_said = matches!(&error, HttpsError::Read { file, .. } if is_said(file));
        let message = error.to_string();
        if !is_said && !mistakes.contains(&message) {
            mistakes.push(message);
        }
    }
    mistakes
}

/// The file of a transform that cannot be read, if that is the mistake.
fn unread(error: &PipelineError) -> Option<&Path> {
    match error {
        PipelineError::Blacklist(BlacklistError::Read { file, .. })
        | PipelineError::AppNames(AppNamesError::Read { file, .. })
        | PipelineError::Pseudonymize(PseudonymizeError::Read { file, .. }) => Some(file),
        _ => None,
    }
}

/// What is wrong with the certificates and keys for services, the first mistake for each service.
#[cfg(feature = "qrs")]
fn of_services(config: &Config) -> Vec<HttpsError> {
    use super::{engine_health::Engines, qps::Proxies, qrs::Client};

    let (qrs, qps) = (
        &config.transform.app_names.qrs,
        &config.transform.sessions.qps,
    );
    let repository = qrs.is_enabled().then(|| Client::new(qrs).err()).flatten();
    // Without any, that is the mistake, and the certificates are not needed yet.
    let has_proxies = !qps.proxies.is_empty() || qrs.is_enabled();
    let proxies = has_proxies.then(|| Proxies::new(config).err()).flatten();
    let engines = Engines::new(config).err();
    [repository, proxies, engines]
        .into_iter()
        .flatten()
        .collect()
}
