//! Files that a configuration names: everything that is wrong with them.

use qlik_sense_events::{
    config::Config,
    host::runtime::start::StartError,
    transform::{AppNamesConfig, BlacklistConfig},
};

/// Why nothing can be received: the error, or everything that is wrong with the files where that is it.
pub fn reasons(config: &Config, error: &StartError) -> Vec<String> {
    let mut reasons = Vec::new();
    if error.is_configuration() {
        reasons = mistakes(config);
    }
    if reasons.is_empty() {
        reasons.push(error.to_string());
    }
    reasons
}

/// What is wrong with the files of the transforms, each file by itself, a line a mistake.
pub fn mistakes(config: &Config) -> Vec<String> {
    let pipeline = config.pipeline();
    let mut mistakes = Vec::new();
    for file in &pipeline.blacklist.files {
        let one = BlacklistConfig {
            users: Vec::new(),
            files: vec![file.clone()],
            ..pipeline.blacklist
        };
        mistakes.extend(one.build().err().map(|error| error.to_string()));
    }
    if mistakes.is_empty() {
        // Together they may be too large.
        let all = pipeline.blacklist.build();
        mistakes.extend(all.err().map(|error| error.to_string()));
    }
    for file in &pipeline.app_names.files {
        let one = AppNamesConfig {
            files: vec![file.clone()],
        };
        mistakes.extend(one.build().err().map(|error| error.to_string()));
    }
    let pseudonymize = pipeline.pseudonymize.build();
    mistakes.extend(pseudonymize.err().map(|error| error.to_string()));
    #[cfg(feature = "qrs")]
    if config.transform.app_names.qrs.is_enabled() {
        let client = qlik_sense_events::host::qrs::Client::new(&config.transform.app_names.qrs);
        mistakes.extend(client.err().map(|error| error.to_string()));
    }
    mistakes
}
