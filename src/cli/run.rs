//! `run`: from the network to standard output.

use std::net::SocketAddr;

use clap::Args;
use qlik_sense_events::{
    config::Addresses,
    host::{
        diagnostics::{Level, Report},
        exec::{self, Diagnostics, ExecError, Orphan},
        runtime::start::StartError,
    },
};

use super::{FAILURE, SUCCESS, USAGE, options::CommonArgs, stop};

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Address to listen on, such as 0.0.0.0:9997 or [::]:9997; may be given several times
    #[arg(long, value_name = "IP:PORT")]
    address: Vec<SocketAddr>,
    /// Go on when the parent process ends
    ///
    /// By default a program that writes into a pipe ends with its parent, so that a host that was
    /// killed leaves no process behind that holds the port.
    #[arg(long)]
    outlive_parent: bool,
}

pub fn run(args: &RunArgs) -> u8 {
    let mut config = match args.common.load_or_report() {
        Ok(config) => config,
        Err(status) => return status,
    };
    if !args.address.is_empty() {
        config.source.address = Addresses::new(args.address.clone());
    }
    let mut diagnostics = Diagnostics::new(&config.output);
    let orphan = if args.outlive_parent {
        Orphan::Lives
    } else {
        Orphan::Ends
    };
    let ended = stop::signals()
        .map_err(|error| StartError::Thread(error).into())
        .and_then(|signals| exec::run(&config, orphan, &mut diagnostics, signals));
    match ended {
        Ok(()) => SUCCESS,
        Err(error) => {
            diagnostics.report(Level::Error, &error.to_string());
            match error {
                ExecError::Start(error) if error.is_configuration() => USAGE,
                _ => FAILURE,
            }
        }
    }
}
