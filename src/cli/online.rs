//! `check --online`: queries every service of Qlik Sense in the configuration once.

use qlik_sense_events::{
    config::{Config, EngineConfig},
    host::{
        diagnostics::counted,
        engine_health::{self, EngineHealthError},
        metrics::EngineHealth,
        qps::{self, Answer, QpsError},
        qrs::{self, QrsError},
    },
    transform::sessions::ProxyConfig,
};

use super::{
    FAILURE, SUCCESS,
    print::{print, say},
    top::memory,
};

/// Whether there is a service to query.
pub fn has_services(config: &Config) -> bool {
    config.transform.app_names.qrs.is_enabled()
        || config.transform.sessions.qps.enabled
        || !config.engine_health.nodes.is_empty()
}

/// Queries each service, and reports the result or the error.
pub fn ask(config: &Config) -> u8 {
    let mut status = SUCCESS;
    if config.transform.app_names.qrs.is_enabled() {
        status = status.max(ask_for_apps(config));
    }
    if config.transform.sessions.qps.enabled {
        match proxies(config) {
            Ok(proxies) => {
                for proxy in proxies {
                    status = status.max(ask_for_sessions(config, &proxy));
                }
            }
            Err(error) => {
                say(error);
                status = FAILURE;
            }
        }
    }
    for engine in &config.engine_health.nodes {
        status = status.max(ask_for_health(config, engine));
    }
    status
}

fn ask_for_apps(config: &Config) -> u8 {
    let qrs = &config.transform.app_names.qrs;
    let client = qrs::Client::new(qrs).map_err(QrsError::from);
    match client.and_then(|client| client.apps()) {
        Ok(apps) => print(format!(
            "{}: ok; names of {}\n",
            qrs.address(),
            counted(apps.len() as u64, "app", "apps")
        )),
        Err(error) => {
            say(error);
            FAILURE
        }
    }
}

/// Those of the configuration, or those that the repository service knows.
fn proxies(config: &Config) -> Result<Vec<ProxyConfig>, QrsError> {
    let named = &config.transform.sessions.qps.proxies;
    if !named.is_empty() {
        return Ok(named.clone());
    }
    qrs::Client::new(&config.transform.app_names.qrs)?.proxies()
}

fn ask_for_sessions(config: &Config, proxy: &ProxyConfig) -> u8 {
    let (qps, qrs) = (
        &config.transform.sessions.qps,
        &config.transform.app_names.qrs,
    );
    let client = qps::Client::new(qps, qrs, proxy).map_err(QpsError::from);
    let answered = client.and_then(|client| Ok((client.sessions()?, client.address())));
    match answered {
        Ok((answer, address)) => {
            let status = print(found(&answer, &address));
            for warning in warnings(&answer, &address) {
                say(warning);
            }
            status
        }
        Err(error) => {
            say(format_args!("the proxy of {}: {error}", proxy.node()));
            FAILURE
        }
    }
}

fn found(answer: &Answer, address: &str) -> String {
    let by_proxy = answer.virtual_proxies.iter();
    let by_proxy = by_proxy.map(|(prefix, sessions)| format!("{prefix:?} {sessions}"));
    format!(
        "{address}: ok; sessions of {} on {}, by virtual proxy: {}\n",
        counted(answer.list.users.len() as u64, "user", "users"),
        answer.list.host,
        by_proxy.collect::<Vec<_>>().join(", ")
    )
}

/// An unknown prefix may be answered with an empty list.
fn warnings(answer: &Answer, address: &str) -> Vec<String> {
    let virtual_proxies = answer.virtual_proxies.iter();
    let empty = virtual_proxies.filter(|(_, sessions)| *sessions == 0);
    empty
        .map(|(prefix, _)| {
            format!(
                "{address}: the virtual proxy {prefix:?} has no sessions; if you know of one, the prefix is wrong"
            )
        })
        .collect()
}

fn ask_for_health(config: &Config, engine: &EngineConfig) -> u8 {
    let qrs = &config.transform.app_names.qrs;
    let client = engine_health::Client::new(&config.engine_health, qrs, engine);
    let answered = client
        .map_err(EngineHealthError::from)
        .and_then(|client| Ok((client.health()?, client.address())));
    match answered {
        Ok((health, address)) => print(format!(
            "{address}: ok; the engine of {}{}\n",
            engine.node(),
            of_memory(&health)
        )),
        Err(error) => {
            say(format_args!("the engine of {}: {error}", engine.node()));
            FAILURE
        }
    }
}

/// What an engine says about memory.
fn of_memory(health: &EngineHealth) -> String {
    let mut said = health
        .ram_committed_bytes
        .map_or_else(String::new, |bytes| {
            format!(" has committed {} of memory", memory(bytes))
        });
    match (health.ram_free_bytes, health.ram_total_bytes) {
        (Some(free), Some(total)) => {
            said.push_str(&format!("; {} of {} are free", memory(free), memory(total)));
        }
        (Some(free), None) => said.push_str(&format!("; {} are free", memory(free))),
        (None, _) => {}
    }
    said
}
