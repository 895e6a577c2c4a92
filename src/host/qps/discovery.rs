//! Finds the proxies of a site, from the Qlik Repository Service.

use crate::{
    config::QrsConfig,
    host::{
        https::{Ask, MayAsk},
        qrs::{self, QrsError},
    },
    transform::sessions::ProxyConfig,
};

/// Requests the list of proxies of a site.
#[derive(Debug)]
pub(super) struct AskForProxies(pub(super) QrsConfig);

impl Ask for AskForProxies {
    type Answer = Vec<ProxyConfig>;
    type Error = QrsError;

    fn ask(&self, may_ask: MayAsk<'_>) -> Option<Result<Vec<ProxyConfig>, QrsError>> {
        match qrs::Client::new(&self.0) {
            Ok(client) => may_ask(client.https()).then(|| client.proxies()),
            Err(error) => Some(Err(error.into())),
        }
    }
}
