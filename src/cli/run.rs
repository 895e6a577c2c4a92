//! `run`: from the network to standard output.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    panic,
};

use clap::Args;
use qlik_sense_events::{
    config::{self, Config},
    host::{
        diagnostics::{Level, Report},
        exec::{self, Diagnostics, ExecError, Orphan},
        runtime::start::StartError,
    },
};

use super::{
    FAILURE, SUCCESS, USAGE, files,
    options::{CommonArgs, addresses},
    stop,
};

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Address to listen on, such as 0.0.0.0:9997 or [::]:9997; may be given several times
    #[arg(long, value_name = "IP:PORT", value_parser = config::address)]
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
    let mut diagnostics = Diagnostics::new(&config.output);
    let refused = match addresses(&args.address) {
        Ok(addresses) => {
            config.source.address = addresses.unwrap_or(config.source.address);
            args.common.refuse_terminal(&config).map(str::to_owned)
        }
        Err(message) => Some(message),
    };
    if let Some(message) = refused {
        diagnostics.report(Level::Error, &message);
        return USAGE;
    }
    report_panics(&config);
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
        Err(ExecError::Start(error)) => {
            for reason in files::reasons(&config, &error) {
                diagnostics.report(Level::Error, &reason);
            }
            if error.is_configuration() {
                USAGE
            } else {
                FAILURE
            }
        }
        Err(error) => {
            diagnostics.report(Level::Error, &error.to_string());
            FAILURE
        }
    }
}

/// A host that reads standard error in the codec cannot read what a panic says by itself.
fn report_panics(config: &Config) {
    if io::stderr().is_terminal() {
        return;
    }
    let output = config.output.clone();
    panic::set_hook(Box::new(move |info| {
        Diagnostics::new(&output).report(Level::Error, &info.to_string());
    }));
}
