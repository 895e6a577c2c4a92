//! The program as users run it: started as a process, fed over UDP, and read from its standard output and standard
//! error.
//!
//! Every program listens on a port that the system chooses and that it reports, so all tests can run at the same time.
//! No test sleeps until something has happened: tests wait for output, and only a failure takes as long as the
//! deadline.
//!
//! On Windows everything runs that does not need the signals, terminals, shells or `/proc` of other systems. Unless it
//! says otherwise, that is why a module or test is left out there.

#[cfg(unix)]
#[path = "../support/picture.rs"]
mod picture;
mod support;

#[cfg(unix)]
mod abandoned;
mod app_names;
#[cfg(feature = "qrs")]
mod app_names_qrs;
#[cfg(feature = "qrs")]
mod asked_proxies;
mod bind;
#[cfg(target_os = "linux")]
mod chaos;
mod cli;
mod codecs;
#[cfg(unix)]
mod completions;
mod config;
mod decode;
mod demo;
mod dependencies;
mod diagnostics;
#[cfg(feature = "qrs")]
mod engine_health;
mod import_butler_sos;
mod manifest;
mod parent;
mod performance;
mod pseudonymize;
mod reader;
mod receiving;
mod reload;
mod run;
mod schemas;
#[cfg(feature = "serve")]
mod serve;
mod sessions;
mod simulate;
#[cfg(target_os = "linux")]
mod soak;
mod state_file;
mod stop;
#[cfg(unix)]
mod unix;
