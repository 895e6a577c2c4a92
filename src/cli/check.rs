//! `check`: reports what is wrong with a configuration file.

use std::path::PathBuf;

use clap::Args;
use qlik_sense_events::{
    config::{Config, Loaded},
    host::{
        diagnostics::counted,
        runtime::{refresh::without_entries, secrets},
    },
};

#[cfg(feature = "qrs")]
use super::online;
use super::{
    USAGE, files, ineffective,
    print::{print, say},
    queue_room, texts,
};

#[derive(Debug, Args)]
#[command(after_long_help = texts::CHECK)]
pub struct CheckArgs {
    /// Configuration file [default: plugin.toml]
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// Configuration file, as for the other commands
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Also query the Qlik Repository Service, the proxies and the engines once, and report their answers
    #[cfg(feature = "qrs")]
    #[arg(long)]
    online: bool,
}

pub fn check(args: &CheckArgs) -> u8 {
    let named = args.file.as_ref().or(args.config.as_ref());
    let file = named.cloned().unwrap_or_else(|| "plugin.toml".into());
    let loaded = Loaded::read(&file);
    let config = &loaded.config;
    let mut mistakes: Vec<String> = loaded.error.iter().map(ToString::to_string).collect();
    mistakes.extend(files::mistakes(&loaded));
    mistakes.extend(files::occupied(&loaded));
    mistakes.extend(files::other_than_state(&loaded));
    #[cfg(feature = "qrs")]
    if args.online && !online::has_services(config) && loaded.error.is_none() {
        let message = "--online has no service to ask: set transform.app_names.qrs.host, \
                       transform.sessions.qps.enabled, or engine_health.nodes";
        mistakes.push(message.to_owned());
    }
    for message in mistakes
        .iter()
        .chain(&secrets::warnings(config))
        .chain(&files::missing_folders(&loaded))
    {
        say(message);
    }
    if !mistakes.is_empty() {
        return USAGE;
    }
    let (entries, apps) = match config.pipeline().build() {
        Ok(pipeline) => {
            without_entries(pipeline.blacklist()).for_each(say);
            (pipeline.blacklist().entries(), pipeline.app_names().len())
        }
        // A file has changed since.
        Err(error) => {
            say(error);
            return USAGE;
        }
    };
    let on_ports = ineffective::of_ports(&loaded);
    for warning in ineffective::warnings(&loaded).iter().chain(&on_ports) {
        say(warning);
    }
    let addresses = config.source.address.iter().map(ToString::to_string);
    let status = print(format!(
        "{}: ok; listens on {}, {}, {}{}, codec {}\n{}",
        file.display(),
        addresses.collect::<Vec<_>>().join(" and "),
        blacklist(config, entries),
        counted(apps as u64, "app name", "app names"),
        repository(config),
        config.output.codec,
        queue_room::limit(config),
    ));
    #[cfg(feature = "qrs")]
    if status == super::SUCCESS && args.online {
        return online::ask(config);
    }
    status
}

/// The number of entries on the blacklist, and how many of them come from files.
fn blacklist(config: &Config, entries: usize) -> String {
    let blacklist = &config.transform.blacklist;
    let all = counted(entries as u64, "entry", "entries");
    if blacklist.files.is_empty() {
        return format!("{all} in the blacklist");
    }
    let files = counted(blacklist.files.len() as u64, "file", "files");
    let in_files = entries.saturating_sub(blacklist.users.len());
    format!("{all} in the blacklist ({in_files} from {files})")
}

fn repository(config: &Config) -> String {
    let qrs = &config.transform.app_names.qrs;
    if !qrs.is_enabled() {
        return String::new();
    }
    format!(", more from {}", qrs.address())
}
