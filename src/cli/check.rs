//! `check`: what is wrong with a configuration file.

use std::path::PathBuf;

use clap::Args;
use qlik_sense_events::{config::Config, host::runtime::secrets};

use super::{SUCCESS, USAGE};

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Configuration file
    #[arg(value_name = "FILE", default_value = "plugin.toml")]
    file: PathBuf,
    /// Also ask the Qlik Repository Service once for names of apps, and say how many there are
    #[cfg(feature = "qrs")]
    #[arg(long)]
    online: bool,
}

pub fn check(args: &CheckArgs) -> u8 {
    let file = args.file.display();
    let config = match Config::load(&args.file) {
        Ok(config) => config,
        Err(error) => {
            anstream::eprintln!("{error}");
            return USAGE;
        }
    };
    let pipeline = match config.pipeline().build() {
        Ok(pipeline) => pipeline,
        Err(error) => {
            anstream::eprintln!("{error}");
            return USAGE;
        }
    };
    #[cfg(feature = "qrs")]
    let client = match service::client(&config, args.online) {
        Ok(client) => client,
        Err(message) => {
            anstream::eprintln!("{message}");
            return USAGE;
        }
    };
    for warning in secrets::warnings(&config) {
        anstream::eprintln!("{warning}");
    }
    let blacklist = &config.transform.blacklist;
    anstream::println!(
        "{file}: ok; listens on {}, {} users and {} files in the blacklist, {} app names{}, codec {}",
        config
            .source
            .address
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" and "),
        blacklist.users.len(),
        blacklist.files.len(),
        pipeline.app_names().len(),
        repository(&config),
        config.output.codec,
    );
    #[cfg(feature = "qrs")]
    if args.online
        && let Some(client) = client
    {
        return service::ask(&client, &config);
    }
    SUCCESS
}

fn repository(config: &Config) -> String {
    let qrs = &config.transform.app_names.qrs;
    if !qrs.is_enabled() {
        return String::new();
    }
    format!(" and those of {}", qrs.address())
}

/// The Qlik Repository Service.
#[cfg(feature = "qrs")]
mod service {
    use qlik_sense_events::{config::Config, host::qrs::Client};

    use super::super::{FAILURE, SUCCESS};

    /// A client with certificates that can be used; none where no service is configured.
    pub fn client(config: &Config, is_wanted: bool) -> Result<Option<Client>, String> {
        let qrs = &config.transform.app_names.qrs;
        if qrs.is_enabled() {
            let client = Client::new(qrs).map_err(|error| error.to_string())?;
            return Ok(Some(client));
        }
        if is_wanted {
            return Err("there is nobody to ask: transform.app_names.qrs.host is empty".into());
        }
        Ok(None)
    }

    pub fn ask(client: &Client, config: &Config) -> u8 {
        match client.apps() {
            Ok(apps) => {
                let address = config.transform.app_names.qrs.address();
                anstream::println!("{address}: ok; names of {} apps", apps.len());
                SUCCESS
            }
            Err(error) => {
                anstream::eprintln!("{error}");
                FAILURE
            }
        }
    }
}
