//! Reports everything that is wrong with the files that a configuration names.

use qlik_sense_events::{config::Config, host::runtime::start::StartError};

/// Why receiving cannot start: the error, or everything that is wrong with the files if they are the cause.
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

/// Everything that is wrong with the files of the transforms and the certificates for services of Qlik Sense.
pub fn mistakes(config: &Config) -> Vec<String> {
    let of_transforms = config.pipeline().mistakes();
    #[allow(unused_mut, reason = "without the feature `qrs` there are no others")]
    let mut mistakes: Vec<String> = of_transforms.iter().map(ToString::to_string).collect();
    #[cfg(feature = "qrs")]
    if config.transform.app_names.qrs.is_enabled() {
        let client = qlik_sense_events::host::qrs::Client::new(&config.transform.app_names.qrs);
        mistakes.extend(client.err().map(|error| error.to_string()));
    }
    #[cfg(feature = "qrs")]
    {
        let proxies = qlik_sense_events::host::qps::Proxies::new(config);
        let mistake = proxies.err().map(|error| error.to_string());
        mistakes.extend(mistake.filter(|mistake| !mistakes.contains(mistake)));
    }
    mistakes
}
