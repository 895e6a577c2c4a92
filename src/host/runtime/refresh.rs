//! What is read anew while a host runs: the blacklist, and names of apps.

#[cfg(not(feature = "qrs"))]
use std::io;

use super::{start::StartError, watched::Watched, worker::Control};
#[cfg(not(feature = "qrs"))]
use crate::config::QrsConfig;
#[cfg(feature = "qrs")]
use crate::host::qrs::Repository;
use crate::{
    config::Config,
    host::{
        diagnostics::{Level, Report},
        metrics::AppNamesCounts,
    },
    transform::{AppNamesConfig, AppTable, BlacklistConfig},
};

/// Looks at the files that transforms are built from, and gives workers what has become of them.
///
/// What is bad changes nothing, and is reported.
#[derive(Debug)]
pub struct Refresh {
    blacklist: BlacklistConfig,
    blacklist_files: Watched,
    app_names: AppNamesConfig,
    app_names_files: Watched,
    /// What the files say.
    names: AppTable,
    /// What workers know.
    all_names: AppTable,
    failures: u64,
    repository: Option<Repository>,
}

impl Refresh {
    /// Remembers the files as they are now: made before they are first read, it misses no change.
    ///
    /// # Errors
    ///
    /// [`StartError::Repository`] when a certificate or the key cannot be used.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        let (blacklist, app_names) = (&config.transform.blacklist, &config.transform.app_names);
        Ok(Self {
            blacklist: blacklist.clone(),
            blacklist_files: Watched::new(blacklist.files.iter().cloned()),
            app_names: app_names.transform(),
            app_names_files: Watched::new(app_names.files.iter().cloned()),
            names: AppTable::default(),
            all_names: AppTable::default(),
            failures: 0,
            repository: Repository::new(&app_names.qrs)?,
        })
    }

    /// Begins to ask the repository, where one is configured. `names` are those of the files, with which
    /// the workers began.
    ///
    /// # Errors
    ///
    /// [`StartError::Thread`] when the system gives none.
    pub fn start(&mut self, names: AppTable) -> Result<(), StartError> {
        self.all_names = names.clone();
        self.names = names;
        if let Some(repository) = &mut self.repository {
            repository.start().map_err(StartError::Thread)?;
        }
        Ok(())
    }

    /// Reads anew what has changed, and takes what has come.
    pub fn look_around<'c>(
        &mut self,
        controls: impl Iterator<Item = &'c Control> + Clone,
        diagnostics: &mut impl Report,
    ) {
        if self.blacklist_files.changed() {
            self.reload_blacklist(controls.clone(), diagnostics);
        }
        // What is said of names is true when it is said: workers have them.
        let mut said = Vec::new();
        let mut has_names = self.app_names_files.changed() && self.reload_app_names(&mut said);
        if let Some(repository) = &mut self.repository {
            has_names |= repository.has_news(&mut said);
        }
        if has_names {
            self.all_names = self.merged();
            for control in controls {
                control.replace_app_names(self.all_names.clone());
            }
        }
        for (level, message) in said {
            diagnostics.report(level, &message);
        }
    }

    /// What is known of names of apps; none where nobody asked for them.
    #[must_use]
    pub fn app_names_counts(&self) -> Option<AppNamesCounts> {
        let is_wanted = !self.app_names.files.is_empty() || self.repository.is_some();
        is_wanted.then(|| AppNamesCounts {
            apps: self.all_names.len() as u64,
            file_failures: self.failures,
            qrs_failures: self.repository.as_ref().map_or(0, Repository::failures),
        })
    }

    /// A name that was given by hand goes before that of the repository.
    fn merged(&self) -> AppTable {
        match &self.repository {
            Some(repository) => self.names.or(repository.names()),
            None => self.names.clone(),
        }
    }

    fn reload_blacklist<'c>(
        &self,
        controls: impl Iterator<Item = &'c Control>,
        diagnostics: &mut impl Report,
    ) {
        match self.blacklist.build() {
            Ok(blacklist) => {
                for control in controls {
                    control.replace_blacklist(blacklist.clone());
                }
                diagnostics.report(Level::Info, "the blacklist was read again");
            }
            Err(error) => diagnostics.report(
                Level::Error,
                &format!("the blacklist was not read again, the old rules stay: {error}"),
            ),
        }
    }

    /// Whether there are new names.
    fn reload_app_names(&mut self, said: &mut Vec<(Level, String)>) -> bool {
        match self.app_names.build() {
            Ok(names) => {
                self.names = names.table().clone();
                let apps = self.names.len();
                let message = format!("the files of app names were read again: {apps} apps");
                said.push((Level::Info, message));
                true
            }
            Err(error) => {
                self.failures += 1;
                let message = format!(
                    "the files of app names were not read again, the old names stay: {error}"
                );
                said.push((Level::Error, message));
                false
            }
        }
    }
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

    const fn has_news(&self, _: &mut Vec<(Level, String)>) -> bool {
        match *self {}
    }

    const fn names(&self) -> &AppTable {
        match *self {}
    }

    const fn failures(&self) -> u64 {
        match *self {}
    }
}
