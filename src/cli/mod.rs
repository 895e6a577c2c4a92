//! The command line: what the program understands, and which file does it.

mod check;
mod decode;
mod demo;
mod files;
mod generate;
mod import_butler_sos;
mod ineffective;
mod input;
mod line;
mod options;
mod print;
mod progress;
mod refusal;
mod run;
mod simulate;
mod stop;
mod summary;
#[cfg(feature = "top")]
mod top;

use std::{env, ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

/// The run ended as it should.
const SUCCESS: u8 = 0;
/// Something failed while running: the port is taken, the output is broken.
const FAILURE: u8 = 1;
/// The command line or the configuration is wrong.
const USAGE: u8 = 2;

/// Qlik Sense sessions and connections, as they happen, for the log pipeline you already run.
///
/// Receives the UDP log payloads of Qlik Sense Enterprise on Windows, decodes them into session and
/// connection events, leaves out the users on a blacklist, and writes the rest to standard output
/// for Vector's `exec` source. Without a subcommand it does what `run` does.
#[derive(Debug, Parser)]
#[command(
    name = "qlik-sense-events",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Exit status: 0 when it ended as asked, 1 when something failed while running, \
                  2 when the command line or the configuration is wrong."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Receive datagrams and write their events to standard output
    Run(run::RunArgs),
    /// Watch who is in Qlik Sense, live
    #[cfg(feature = "top")]
    Top(top::TopArgs),
    /// See it work: play a simulated site into a receiver on this machine
    Demo(demo::DemoArgs),
    /// Decode recorded datagrams, one a line, from files or standard input
    Decode(decode::DecodeArgs),
    /// Send the datagrams of a lifelike Qlik Sense site
    Simulate(simulate::SimulateArgs),
    /// Read a configuration file and say what is wrong with it
    Check(check::CheckArgs),
    /// Turn a configuration of Butler SOS into a plugin.toml and a configuration of Vector
    ImportButlerSos(import_butler_sos::ImportButlerSosArgs),
    /// Print the completion script of a shell
    Completions(generate::CompletionsArgs),
    /// Print the manual page, in roff
    Man,
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return refusal::report(&error, &args).into(),
    };
    let status = match cli.command {
        None => run::run(&cli.run),
        Some(Command::Run(args)) => run::run(&args),
        #[cfg(feature = "top")]
        Some(Command::Top(args)) => top::top(&args),
        Some(Command::Demo(args)) => demo::demo(&args),
        Some(Command::Decode(args)) => decode::decode(&args),
        Some(Command::Simulate(args)) => simulate::simulate(&args),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::ImportButlerSos(args)) => import_butler_sos::import_butler_sos(&args),
        Some(Command::Completions(args)) => generate::completions(&args),
        Some(Command::Man) => generate::man(),
    };
    ExitCode::from(status)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
