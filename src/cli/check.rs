//! `check`: what is wrong with a configuration file.

use std::path::PathBuf;

use clap::Args;
use qlik_sense_events::config::Config;

use super::{SUCCESS, USAGE};

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Configuration file
    #[arg(value_name = "FILE", default_value = "plugin.toml")]
    file: PathBuf,
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
    let blacklist = &config.transform.blacklist;
    anstream::println!(
        "{file}: ok; listens on {}, {} users and {} files in the blacklist, {} app names, codec {}",
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
        config.output.codec,
    );
    SUCCESS
}
