//! All proxies of a site: their last answers, and the messages about them.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{Answer, Client, QpsError, discovery::AskForProxies};
use crate::{
    config::{Config, QrsConfig},
    host::{
        diagnostics::{Level, counted, health::Health},
        https::{Ask, HttpsError, MayAsk, Poll},
        metrics::ProxyCounts,
    },
    transform::sessions::{ProxyConfig, QpsConfig, SessionList},
};

/// The most proxies that are queried.
const MAX_PROXIES: usize = 256;

/// Requests the sessions of a proxy.
#[derive(Debug)]
struct AskForSessions {
    config: QpsConfig,
    qrs: QrsConfig,
    proxy: ProxyConfig,
}

impl Ask for AskForSessions {
    type Answer = Answer;
    type Error = QpsError;

    fn ask(&self, may_ask: MayAsk<'_>) -> Option<Result<Answer, QpsError>> {
        match Client::new(&self.config, &self.qrs, &self.proxy) {
            Ok(client) => client.sessions_while(may_ask),
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// The proxies that are queried for sessions.
#[derive(Debug)]
pub struct Proxies {
    config: QpsConfig,
    qrs: QrsConfig,
    discovery: Option<Discovery>,
    asked: Vec<Asked>,
}

/// The Qlik Repository Service, which knows the proxies.
#[derive(Debug)]
struct Discovery {
    poll: Poll<AskForProxies>,
    health: Health,
}

/// A proxy to query.
#[derive(Debug)]
struct Asked {
    proxy: ProxyConfig,
    poll: Poll<AskForSessions>,
    health: Health,
    is_up: bool,
    answered: Option<Instant>,
    sessions: u64,
}

impl Proxies {
    /// Checks the certificates and the key, but makes no request yet. `None` if the configuration does not enable it.
    ///
    /// # Errors
    ///
    /// [`HttpsError`] when a file cannot be used.
    pub fn new(config: &Config) -> Result<Option<Self>, HttpsError> {
        let (sessions, qrs) = (&config.transform.sessions, &config.transform.app_names.qrs);
        if !sessions.enabled || !sessions.qps.enabled {
            return Ok(None);
        }
        let any = ProxyConfig::default();
        Client::new(
            &sessions.qps,
            qrs,
            sessions.qps.proxies.first().unwrap_or(&any),
        )?;
        Ok(Some(Self {
            config: sessions.qps.clone(),
            qrs: qrs.clone(),
            discovery: None,
            asked: Vec::new(),
        }))
    }

    /// Starts the requests.
    ///
    /// # Errors
    ///
    /// When the system cannot start a thread.
    pub fn start(&mut self) -> io::Result<()> {
        if self.config.proxies.is_empty() {
            let interval = Duration::from_secs(self.qrs.interval_secs);
            self.discovery = Some(Discovery {
                poll: Poll::start("proxies", AskForProxies(self.qrs.clone()), interval)?,
                health: Health::default(),
            });
        }
        for proxy in self.config.proxies.clone() {
            self.begin(proxy)?;
        }
        Ok(())
    }

    fn begin(&mut self, proxy: ProxyConfig) -> io::Result<()> {
        let interval = Duration::from_secs(self.config.interval_secs);
        let ask = AskForSessions {
            config: self.config.clone(),
            qrs: self.qrs.clone(),
            proxy: proxy.clone(),
        };
        self.asked.push(Asked {
            proxy,
            poll: Poll::start("sessions", ask, interval)?,
            health: Health::default(),
            is_up: false,
            answered: None,
            sessions: 0,
        });
        Ok(())
    }

    /// Makes the next request to each proxy now, and to the Qlik Repository Service.
    pub fn ask_now(&self) {
        self.discovery.iter().for_each(|it| it.poll.ask_now());
        self.asked.iter().for_each(|it| it.poll.ask_now());
    }

    /// Takes the answers that have arrived, and adds messages worth reporting to `messages`.
    pub fn poll(&mut self, messages: &mut Vec<(Level, String)>) -> Vec<SessionList> {
        self.discover(messages);
        let asked = self.asked.iter_mut();
        asked.filter_map(|asked| asked.poll(messages)).collect()
    }

    /// The state of each proxy.
    #[must_use]
    pub fn counts(&self) -> Vec<ProxyCounts> {
        self.asked.iter().map(Asked::counts).collect()
    }

    /// Takes the proxies that were found. Those that have not changed keep their threads.
    fn discover(&mut self, messages: &mut Vec<(Level, String)>) {
        let Some(discovery) = &mut self.discovery else {
            return;
        };
        let mut found = None;
        let address = self.qrs.address();
        while let Some(outcome) = discovery.poll.news() {
            match outcome {
                Ok(proxies) => {
                    discovery.health.succeeded();
                    found = Some(proxies);
                }
                Err(error) => {
                    let failed = discovery.health.failed(&error.to_string(), Instant::now());
                    messages.extend(failed.map(|_| {
                        let message = format!("cannot find proxies through {address}: {error}");
                        (Level::Warn, message)
                    }));
                }
            }
        }
        let Some(mut found) = found else {
            return;
        };
        found.truncate(MAX_PROXIES);
        let before = self.asked.len();
        self.asked.retain(|asked| found.contains(&asked.proxy));
        let is_asked = |proxy: &ProxyConfig| self.asked.iter().any(|asked| asked.proxy == *proxy);
        let new: Vec<_> = found.into_iter().filter(|proxy| !is_asked(proxy)).collect();
        if new.is_empty() && before == self.asked.len() {
            return;
        }
        for proxy in new {
            if let Err(error) = self.begin(proxy) {
                messages.push((Level::Error, format!("cannot start a thread: {error}")));
            }
        }
        let proxies = counted(self.asked.len() as u64, "proxy", "proxies");
        let message = format!("found {proxies} through {address}");
        messages.push((Level::Info, message));
    }
}

impl Asked {
    fn poll(&mut self, messages: &mut Vec<(Level, String)>) -> Option<SessionList> {
        let mut last = None;
        while let Some(outcome) = self.poll.news() {
            match outcome {
                Ok(answer) => {
                    messages.extend(self.succeeded(&answer));
                    last = Some(answer.list);
                }
                Err(error) => messages.extend(self.failed(&error.to_string())),
            }
        }
        last
    }

    fn succeeded(&mut self, answer: &Answer) -> Option<(Level, String)> {
        let listed = answer.list.users.iter();
        self.sessions = listed.map(|user| u64::from(user.sessions)).sum();
        self.is_up = true;
        self.answered = Some(Instant::now());
        let succeeded = self.health.succeeded()?;
        let (sessions, node) = (
            counted(self.sessions, "session", "sessions"),
            self.proxy.node(),
        );
        let message = format!("read {sessions} from the proxy of {node}{succeeded}");
        Some((Level::Info, message))
    }

    fn failed(&mut self, reason: &str) -> Option<(Level, String)> {
        self.is_up = false;
        let failed = self.health.failed(reason, Instant::now())?;
        let node = self.proxy.node();
        let message = format!(
            "cannot read sessions from the proxy of {node}{failed}; until it answers, its sessions are followed by \
             events alone: {reason}"
        );
        Some((Level::Warn, message))
    }

    fn counts(&self) -> ProxyCounts {
        ProxyCounts {
            node: self.proxy.node().to_owned(),
            is_up: self.is_up,
            answer_age: self.answered.map(|answered| answered.elapsed()),
            sessions: self.sessions,
            failures: self.health.failures(),
        }
    }
}
