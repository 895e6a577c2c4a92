//! Reloads the blacklist, app names, the lists of open sessions and the health of engines while a host runs. A separate
//! thread does it, so that a network share that does not respond blocks nothing else.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError},
    },
};

#[cfg(not(feature = "qrs"))]
use super::without_qrs::{Engines, Proxies, Repository};
use super::{
    control::Control,
    start::StartError,
    supervisor::{News, TICK},
    threads::{Failure, guarded, lock, spawn},
    watched::Watched,
};
#[cfg(feature = "qrs")]
use crate::host::{engine_health::Engines, qps::Proxies, qrs::Repository};
use crate::{
    config::Config,
    host::{
        diagnostics::{Level, Report, counted},
        metrics::{AppNamesCounts, EngineCounts, ProxyCounts},
    },
    transform::{
        AppNamesConfig, AppTable, Blacklist, BlacklistConfig, app_names::AppNamesError,
        blacklist::BlacklistError,
    },
};

const NOTHING_TO_READ: &str =
    "nothing to reload: transform.blacklist.files and transform.app_names.files name no file";

const ASKED_AGAIN: &str = "asked the services of Qlik Sense again";

const FAULT: &str = "cannot reload the files of transforms, because a thread panicked; their previous content stays \
in use";

/// Watches the files from which transforms are built, and passes changes to the workers.
///
/// An invalid file is reported and changes nothing.
#[derive(Debug)]
pub struct Refresh {
    blacklist: BlacklistConfig,
    blacklist_files: Watched,
    /// The message of the last attempt, while attempts are repeated.
    blacklist_failure: Option<String>,
    app_names: AppNamesConfig,
    app_names_files: Watched,
    app_names_failure: Option<String>,
    /// The names in the files.
    names: AppTable,
    /// The names that the workers have.
    all_names: AppTable,
    failures: u64,
    repository: Option<Repository>,
    proxies: Option<Proxies>,
    engines: Option<Engines>,
    config_file: Option<ConfigFile>,
}

/// The configuration file, with its content at start.
#[derive(Debug)]
struct ConfigFile {
    file: PathBuf,
    config: Config,
}

/// The thread that reloads. It ends when this is dropped. Nothing waits for that, because it may be blocked by a file.
#[derive(Debug)]
pub(super) struct Refreshing {
    requests: mpsc::Sender<()>,
    counts: Arc<Mutex<Counts>>,
}

/// The state of the services that are queried.
#[derive(Debug, Default)]
struct Counts {
    app_names: Option<AppNamesCounts>,
    proxies: Vec<ProxyCounts>,
    engines: Vec<EngineCounts>,
}

impl Refreshing {
    /// A sender that requests a reload of every file, whether or not it has changed, and queries the services now.
    pub(super) fn requests(&self) -> mpsc::Sender<()> {
        self.requests.clone()
    }

    /// The counts of app names; `None` if they are not configured.
    pub(super) fn app_names(&self) -> Option<AppNamesCounts> {
        lock(&self.counts).app_names
    }

    /// The state of the proxies that are queried for sessions.
    pub(super) fn proxies(&self) -> Vec<ProxyCounts> {
        lock(&self.counts).proxies.clone()
    }

    /// The state of the engines that are queried for their health.
    pub(super) fn engines(&self) -> Vec<EngineCounts> {
        lock(&self.counts).engines.clone()
    }
}

impl Refresh {
    /// Notes the current state of the files. Create it before they are first read, so that no change is missed.
    ///
    /// # Errors
    ///
    /// [`StartError::Service`] when a certificate or the key cannot be used.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        let (blacklist, app_names) = (&config.transform.blacklist, &config.transform.app_names);
        Ok(Self {
            blacklist: blacklist.clone(),
            blacklist_files: Watched::new(blacklist.files.iter().cloned()),
            blacklist_failure: None,
            app_names: app_names.transform(),
            app_names_files: Watched::new(app_names.files.iter().cloned()),
            app_names_failure: None,
            names: AppTable::default(),
            all_names: AppTable::default(),
            failures: 0,
            repository: Repository::new(&app_names.qrs)?,
            proxies: Proxies::new(config)?,
            engines: Engines::new(config)?,
            config_file: None,
        })
    }

    /// Keeps the content of the configuration file, without the overrides by flags, so that a reload can report whether
    /// it has changed.
    #[must_use]
    pub fn with_config_file(mut self, file: PathBuf, config: Config) -> Self {
        self.config_file = Some(ConfigFile { file, config });
        self
    }

    /// Starts the thread, and the requests to the repository, the proxies and the engines if they are configured. `names`
    /// are the names from the files, with which the workers started.
    pub(super) fn start<D: Report + Send + 'static>(
        mut self,
        names: AppTable,
        controls: Vec<Arc<Control>>,
        news: mpsc::Sender<News>,
        mut diagnostics: D,
    ) -> io::Result<Refreshing> {
        self.all_names = names.clone();
        self.names = names;
        if let Some(repository) = &mut self.repository {
            repository.start()?;
        }
        if let Some(proxies) = &mut self.proxies {
            proxies.start()?;
        }
        if let Some(engines) = &mut self.engines {
            engines.start()?;
        }
        let (requests, requested) = mpsc::channel();
        let counts = Arc::new(Mutex::new(self.counts()));
        let known = Arc::clone(&counts);
        let work = move || {
            loop {
                let is_asked = match requested.recv_timeout(TICK) {
                    Ok(()) => true,
                    Err(RecvTimeoutError::Timeout) => false,
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                };
                let controls = controls.iter().map(|control| &**control);
                let looked = guarded(|| {
                    self.poll(is_asked, controls, &mut diagnostics);
                    Ok(())
                });
                *lock(&known) = self.counts();
                if looked.is_err() {
                    diagnostics.report(Level::Error, FAULT);
                    // The supervisor outlives this thread, unless it has ended by itself.
                    let _ = news.send(News::Fault);
                }
            }
        };
        spawn("refresh", |_: Failure| {}, work)?;
        Ok(Refreshing { requests, counts })
    }

    /// Reloads what has changed, and takes what the services have answered. If `is_asked`, reloads everything, and
    /// queries the services now.
    fn poll<'c>(
        &mut self,
        is_asked: bool,
        mut controls: impl Iterator<Item = &'c Control> + Clone,
        diagnostics: &mut impl Report,
    ) {
        let is_asked_for = |files: &[PathBuf]| is_asked && !files.is_empty();
        let (blacklist, app_names) = (&self.blacklist.files, &self.app_names.files);
        let mut wants_blacklist = is_asked_for(blacklist);
        let mut wants_app_names = is_asked_for(app_names);
        if is_asked {
            self.check_config(diagnostics);
            if self.ask_services() {
                diagnostics.report(Level::Info, ASKED_AGAIN);
            } else if !wants_blacklist && !wants_app_names {
                diagnostics.report(Level::Info, NOTHING_TO_READ);
            }
        }
        wants_blacklist |= self.blacklist_files.changed();
        wants_app_names |= self.app_names_files.changed();
        if is_asked {
            self.blacklist_failure = None;
            self.app_names_failure = None;
        }
        if wants_blacklist {
            self.reload_blacklist(controls.clone(), diagnostics);
        }
        // Names are reported only once the workers have them.
        let mut messages = Vec::new();
        let mut has_names = wants_app_names && self.reload_app_names(&mut messages);
        if let Some(repository) = &mut self.repository {
            has_names |= repository.poll(&mut messages);
        }
        if has_names {
            self.all_names = self.merged();
            for control in controls.clone() {
                control.replace_app_names(self.all_names.clone());
            }
        }
        if let Some(proxies) = &mut self.proxies {
            // Sessions are shared by all workers, so it is enough to tell one of them.
            if let Some(control) = controls.next() {
                proxies
                    .poll(&mut messages)
                    .into_iter()
                    .for_each(|list| control.take_list(list));
            }
        }
        if let Some(engines) = &mut self.engines {
            engines.poll(&mut messages);
        }
        for (level, message) in messages {
            diagnostics.report(level, &message);
        }
    }

    /// Queries every service now. Returns whether there is one.
    fn ask_services(&self) -> bool {
        let Self {
            repository,
            proxies,
            engines,
            ..
        } = self;
        repository.iter().for_each(Repository::ask_now);
        proxies.iter().for_each(Proxies::ask_now);
        engines.iter().for_each(Engines::ask_now);
        repository.is_some() || proxies.is_some() || engines.is_some()
    }

    /// Reports whether the configuration file has changed since the start.
    fn check_config(&self, diagnostics: &mut impl Report) {
        let Some(ConfigFile { file, config }) = &self.config_file else {
            return;
        };
        let name = file.display();
        match Config::load(file) {
            Ok(read) if read == *config => {}
            Ok(_) => {
                let message = format!("{name} has changed; restart to apply it");
                diagnostics.report(Level::Warn, &message);
            }
            Err(error) => {
                let message = format!(
                    "{name} has changed and is now invalid; the configuration read at start stays in effect: {error}"
                );
                diagnostics.report(Level::Error, &message);
            }
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            app_names: self.app_names_counts(),
            proxies: self.proxies.as_ref().map_or_else(Vec::new, Proxies::counts),
            engines: self.engines.as_ref().map_or_else(Vec::new, Engines::counts),
        }
    }

    /// Counts of app names; `None` if they are not configured.
    fn app_names_counts(&self) -> Option<AppNamesCounts> {
        let is_wanted = !self.app_names.files.is_empty() || self.repository.is_some();
        is_wanted.then(|| AppNamesCounts {
            apps: self.all_names.len() as u64,
            file_failures: self.failures,
            qrs_failures: self.repository.as_ref().map_or(0, Repository::failures),
        })
    }

    /// Names from the files take precedence over those from the repository.
    fn merged(&self) -> AppTable {
        match &self.repository {
            Some(repository) => self.names.or(repository.names()),
            None => self.names.clone(),
        }
    }

    fn reload_blacklist<'c>(
        &mut self,
        controls: impl Iterator<Item = &'c Control>,
        diagnostics: &mut impl Report,
    ) {
        match self.blacklist.rebuild() {
            Ok(blacklist) => {
                let (level, message) = reloaded(&blacklist);
                for control in controls {
                    control.replace_blacklist(blacklist.clone());
                }
                self.blacklist_failure = None;
                diagnostics.report(level, &message);
            }
            Err(error) => {
                let message = format!(
                    "cannot reload the blacklist; the previous entries stay in effect: {error}"
                );
                let passes =
                    matches!(&error, BlacklistError::Read { source, .. } if may_pass(source));
                let (files, last) = (&mut self.blacklist_files, &mut self.blacklist_failure);
                if is_news(files, last, passes, &message) {
                    diagnostics.report(Level::Error, &message);
                }
            }
        }
    }

    /// Returns whether there are new names.
    fn reload_app_names(&mut self, messages: &mut Vec<(Level, String)>) -> bool {
        match self.app_names.build() {
            Ok(names) => {
                self.names = names.table().clone();
                let apps = counted(self.names.len() as u64, "app", "apps");
                let message = format!("reloaded the files of app names: {apps}");
                self.app_names_failure = None;
                messages.push((Level::Info, message));
                true
            }
            Err(error) => {
                let message = format!(
                    "cannot reload the files of app names; the previous names stay in use: {error}"
                );
                let passes =
                    matches!(&error, AppNamesError::Read { source, .. } if may_pass(source));
                let (files, last) = (&mut self.app_names_files, &mut self.app_names_failure);
                if is_news(files, last, passes, &message) {
                    self.failures += 1;
                    messages.push((Level::Error, message));
                }
                false
            }
        }
    }
}

/// A warning of each file of the blacklist without entries.
pub fn without_entries(blacklist: &Blacklist) -> impl Iterator<Item = String> {
    let files = blacklist.files_without_entries().iter();
    files.map(|file| {
        format!(
            "{}: the file in `transform.blacklist.files` has no entries, so it excludes nobody",
            file.display()
        )
    })
}

/// What is reported about a blacklist that was reloaded.
pub(crate) fn reloaded(blacklist: &Blacklist) -> (Level, String) {
    match blacklist.entries() {
        0 => {
            let message = "reloaded the blacklist: no entries, so no events are excluded any more";
            (Level::Warn, message.to_owned())
        }
        entries => {
            let entries = counted(entries as u64, "entry", "entries");
            (Level::Info, format!("reloaded the blacklist: {entries}"))
        }
    }
}

/// Whether a failure may pass without any change to the file: on Windows, a program that has a file open can lock
/// others out. A missing file, in contrast, is noticed when it appears.
fn may_pass(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::NotFound
}

/// Whether a failure should be reported. If it may pass, the files are tried again, and only a message that differs
/// from that of the last attempt is news.
fn is_news(files: &mut Watched, last: &mut Option<String>, passes: bool, message: &str) -> bool {
    if passes {
        files.try_again();
    }
    let is_news = !passes || last.as_deref() != Some(message);
    *last = passes.then(|| message.to_owned());
    is_news
}
