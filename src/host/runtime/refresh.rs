//! What is reloaded while a host runs: the blacklist, app names, and the lists of open sessions. A separate thread
//! does it, so that a network share that does not answer blocks nothing else.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError},
    },
};

use super::{
    start::StartError,
    supervisor::{News, TICK},
    threads::{Failure, guarded, lock, spawn},
    watched::Watched,
    worker::Control,
};
#[cfg(feature = "qrs")]
use crate::host::{qps::Proxies, qrs::Repository};
use crate::{
    config::Config,
    host::{
        diagnostics::{Level, Report},
        metrics::{AppNamesCounts, ProxyCounts},
    },
    transform::{
        AppNamesConfig, AppTable, BlacklistConfig, app_names::AppNamesError,
        blacklist::BlacklistError,
    },
};
#[cfg(not(feature = "qrs"))]
use crate::{config::QrsConfig, transform::sessions::SessionList};

const NOTHING_TO_READ: &str = "nothing to reload: the configuration names no files for a transform";

const FAULT: &str = "cannot reload the files of transforms, because a thread panicked; their previous content stays \
in use";

/// Watches the files that transforms are built from, and passes changes on to the workers.
///
/// An invalid file changes nothing, and is reported.
#[derive(Debug)]
pub struct Refresh {
    blacklist: BlacklistConfig,
    blacklist_files: Watched,
    /// The health of attempts that are repeated.
    blacklist_failure: Option<String>,
    app_names: AppNamesConfig,
    app_names_files: Watched,
    app_names_failure: Option<String>,
    /// The content of the files.
    names: AppTable,
    /// What workers know.
    all_names: AppTable,
    failures: u64,
    repository: Option<Repository>,
    proxies: Option<Proxies>,
    config_file: Option<ConfigFile>,
}

/// The configuration file, and its content at start.
#[derive(Debug)]
struct ConfigFile {
    file: PathBuf,
    config: Config,
}

/// The thread that reloads. It ends when this is dropped, and nothing waits for it, because it may be waiting for a
/// file.
#[derive(Debug)]
pub(super) struct Refreshing {
    requests: mpsc::Sender<()>,
    counts: Arc<Mutex<Counts>>,
}

/// What is known of what is asked.
#[derive(Debug, Default)]
struct Counts {
    app_names: Option<AppNamesCounts>,
    proxies: Vec<ProxyCounts>,
}

impl Refreshing {
    /// Requests that everything be reloaded, whether or not it has changed.
    pub(super) fn requests(&self) -> mpsc::Sender<()> {
        self.requests.clone()
    }

    /// Counts of app names; `None` if they are not configured.
    pub(super) fn app_names(&self) -> Option<AppNamesCounts> {
        lock(&self.counts).app_names
    }

    /// The state of the proxies that are asked for sessions.
    pub(super) fn proxies(&self) -> Vec<ProxyCounts> {
        lock(&self.counts).proxies.clone()
    }
}

impl Refresh {
    /// Remembers the files as they are now. Create it before they are first read, so that no change is missed.
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
            config_file: None,
        })
    }

    /// Remembers the content of the configuration file, without the overrides by flags, to report on a reload whether
    /// it has changed.
    #[must_use]
    pub fn with_config_file(mut self, file: PathBuf, config: Config) -> Self {
        self.config_file = Some(ConfigFile { file, config });
        self
    }

    /// Starts the thread, and the requests to the repository and the proxies, if they are configured. `names` are
    /// those from the files, with which the workers started.
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
                    // The supervisor lives for as long as this thread is needed.
                    let _ = news.send(News::Fault);
                }
            }
        };
        spawn("refresh", |_: Failure| {}, work)?;
        Ok(Refreshing { requests, counts })
    }

    /// Reloads what has changed, or everything if `is_asked`, and takes what has arrived.
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
            if !wants_blacklist && !wants_app_names {
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
        // Report names only once the workers have them.
        let mut said = Vec::new();
        let mut has_names = wants_app_names && self.reload_app_names(&mut said);
        if let Some(repository) = &mut self.repository {
            has_names |= repository.poll(&mut said);
        }
        if has_names {
            self.all_names = self.merged();
            for control in controls.clone() {
                control.replace_app_names(self.all_names.clone());
            }
        }
        if let Some(proxies) = &mut self.proxies {
            // Sessions are the same for all workers, so one of them is enough.
            if let Some(control) = controls.next() {
                proxies
                    .poll(&mut said)
                    .into_iter()
                    .for_each(|list| control.take_list(list));
            }
        }
        for (level, message) in said {
            diagnostics.report(level, &message);
        }
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

    /// A name from a file takes precedence over that of the repository.
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
        match self.blacklist.build() {
            Ok(blacklist) => {
                for control in controls {
                    control.replace_blacklist(blacklist.clone());
                }
                self.blacklist_failure = None;
                diagnostics.report(Level::Info, "reloaded the blacklist");
            }
            Err(error) => {
                let message = format!(
                    "cannot reload the blacklist; the previous rules stay in effect: {error}"
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

    /// Whether there are new names.
    fn reload_app_names(&mut self, said: &mut Vec<(Level, String)>) -> bool {
        match self.app_names.build() {
            Ok(names) => {
                self.names = names.table().clone();
                let apps = self.names.len();
                let message = format!("reloaded the files of app names: {apps} apps");
                self.app_names_failure = None;
                said.push((Level::Info, message));
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
                    said.push((Level::Error, message));
                }
                false
            }
        }
    }
}

/// Whether a file may be read soon although nothing of it changes: on Windows a program can keep others out while it has
/// a file open. One that is not there shows when it comes.
fn may_pass(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::NotFound
}

/// Whether a failure is another one than that of the last attempt, of those that are made again and again: the files
/// are tried again where it may pass.
fn is_news(files: &mut Watched, last: &mut Option<String>, passes: bool, message: &str) -> bool {
    if passes {
        files.try_again();
    }
    let is_news = !passes || last.as_deref() != Some(message);
    *last = passes.then(|| message.to_owned());
    is_news
}

/// Without its feature there is no repository, and nobody who asks.
#[cfg(not(feature = "qrs"))]
#[derive(Debug)]
enum Repository {}

#[cfg(not(feature = "qrs"))]
impl Repository {
    const fn new(_: &QrsConfig) -> Result<Option<Self>, StartError> {
        Ok(None)
    }

    const fn start(&self) -> io::Result<()> {
        match *self {}
    }

    const fn poll(&self, _: &mut Vec<(Level, String)>) -> bool {
        match *self {}
    }

    const fn names(&self) -> &AppTable {
        match *self {}
    }

    const fn failures(&self) -> u64 {
        match *self {}
    }
}

/// Without its feature there are no proxies to ask either.
#[cfg(not(feature = "qrs"))]
#[derive(Debug)]
enum Proxies {}

#[cfg(not(feature = "qrs"))]
impl Proxies {
    const fn new(_: &Config) -> Result<Option<Self>, StartError> {
        Ok(None)
    }

    const fn start(&self) -> io::Result<()> {
        match *self {}
    }

    const fn poll(&self, _: &mut Vec<(Level, String)>) -> Vec<SessionList> {
        match *self {}
    }

    const fn counts(&self) -> Vec<ProxyCounts> {
        match *self {}
    }
}
