//! `run`: from the network to standard output.

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use qlik_sense_events::host::{
    diagnostics::{Level, Report},
    exec::{self, Diagnostics, ExecError, Orphan},
    runtime::start::StartError,
};

use super::{
    FAILURE, SUCCESS, USAGE, files, ineffective,
    options::{CommonArgs, addresses, listen_address},
    stop, texts,
};

#[derive(Debug, Args)]
#[command(after_long_help = texts::RUN)]
pub struct RunArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Address to listen on, instead of `source.address`; may be given several times
    ///
    /// An IP address and a port, such as 0.0.0.0:9997 or [::]:9997.
    #[arg(long, value_name = "IP:PORT", value_parser = listen_address)]
    address: Vec<SocketAddr>,
    /// Keep running when the parent process has ended
    ///
    /// Without it, a program that writes to a pipe ends when its parent does, so that a killed Vector leaves no
    /// process behind that holds the port.
    #[arg(long)]
    outlive_parent: bool,
}

/// How long the last diagnostics may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub fn run(args: &RunArgs) -> u8 {
    let mut loaded = match args.common.load_or_report() {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    let config_file = args.common.config_file();
    let mut diagnostics = Diagnostics::new(&loaded.config.output);
    let refused = match addresses(&args.address) {
        Ok(addresses) => {
            if let Some(addresses) = addresses {
                loaded.config.source.address = addresses;
            }
            let refused = args.common.refuse_terminal(&loaded.config);
            let refused = refused.map(str::to_owned);
            refused.or_else(|| files::other_than_state(&loaded))
        }
        Err(message) => Some(message),
    };
    if let Some(message) = refused {
        diagnostics.report(Level::Error, &message);
        return USAGE;
    }
    diagnostics = match diagnostics.clone().aside() {
        Ok(aside) => aside,
        Err(error) => {
            let error = StartError::Thread(error);
            diagnostics.report(Level::Error, &error.to_string());
            return FAILURE;
        }
    };
    for warning in ineffective::warnings(&loaded) {
        diagnostics.report(Level::Warn, &warning);
    }
    let orphan = if args.outlive_parent {
        Orphan::Lives
    } else {
        Orphan::Ends
    };
    let ended = exec::run(
        &loaded.config,
        config_file,
        orphan,
        &diagnostics,
        stop::signals,
    );
    let status = match ended {
        Ok(()) => SUCCESS,
        Err(ExecError::Start(error)) => {
            for reason in files::reasons(&loaded, &error) {
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
    };
    diagnostics.flush(LAST_WORDS);
    status
}
