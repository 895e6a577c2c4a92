//! Options that are valid but have no effect, or one that cannot be intended: those of the program besides those of
//! every host.

use qlik_sense_events::{config::Loaded, host::ineffective};

use super::queue_room;

/// A warning for each, with file and line.
pub fn warnings(loaded: &Loaded) -> Vec<String> {
    let mut warnings = ineffective::warnings(loaded);
    let config = &loaded.config;
    let performance = &config.transform.performance;
    // It takes a moment to find out.
    let room = performance.enabled.then(|| queue_room::events(config));
    if let Some(room) = room.filter(|&room| performance.max_groups as u64 > room) {
        let message = format!(
            "the queue holds at most {room} events and drops summaries beyond that; raise queue.max_events and \
             queue.max_bytes, or lower max_groups"
        );
        warnings.push(loaded.about("transform.performance.max_groups", message));
    }
    let output = &config.output;
    if output.unix_stream_connections > 1 && output.unix_stream().is_none() {
        let message =
            "has no effect, because output.unix_stream is empty; set it, or remove this option";
        warnings.push(loaded.about("output.unix_stream_connections", message));
    }
    warnings
}

/// A warning of a port that is another at each start. `run` says at which one it listens.
pub fn of_ports(loaded: &Loaded) -> Option<String> {
    let mut addresses = loaded.config.source.address.iter();
    addresses.any(|address| address.port() == 0).then(|| {
        let message = "port 0 is another free port at each start, to which Qlik Sense cannot be set up to send; choose \
                       one, such as 9997";
        loaded.about("source.address", message)
    })
}
