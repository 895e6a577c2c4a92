//! The command line: the subcommands, and which file implements each.

mod check;
mod columns;
mod decode;
mod demo;
mod files;
mod generate;
mod import_butler_sos;
mod ineffective;
mod input;
mod line;
mod manual;
mod number;
#[cfg(feature = "qrs")]
mod online;
mod options;
mod print;
mod progress;
mod queue_room;
mod refusal;
mod run;
mod simulate;
mod stop;
mod summary;
mod texts;
#[cfg(feature = "top")]
mod top;

use std::{env, ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

/// Success.
const SUCCESS: u8 = 0;
/// Something failed while running: the port is taken, the output is broken.
const FAILURE: u8 = 1;
/// The command line or the configuration is invalid.
const USAGE: u8 = 2;

/// Log events of Qlik Sense for your log pipeline: who uses it, what goes wrong, and who caused it
///
/// Receives the log events that Qlik Sense Enterprise on Windows sends over UDP, decodes them into
/// events with named fields, drops those of users on a blacklist, and writes the rest to standard
/// output, where Vector's `exec` source reads them. Without a command it does what `run` does.
#[derive(Debug, Parser)]
#[command(
    name = "qlik-sense-events",
    version = env!("QLIK_SENSE_EVENTS_VERSION"),
    long_version = concat!(env!("QLIK_SENSE_EVENTS_VERSION"), "\nfeatures: ", env!("QLIK_SENSE_EVENTS_FEATURES")),
    args_conflicts_with_subcommands = true,
    after_long_help = texts::below_flags()
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
    ///
    /// This is what Vector's `exec` source starts. Diagnostics go to standard error, as plain lines on a terminal and
    /// otherwise in the codec of the events.
    Run(run::RunArgs),
    /// Watch live who is using Qlik Sense
    ///
    /// It receives datagrams itself, reads the local socket of a running program, or reads a file of events.
    #[cfg(feature = "top")]
    Top(top::TopArgs),
    /// See it work: a simulated site sends events to a receiver on this machine
    ///
    /// It needs neither Qlik Sense nor a configuration. On a terminal it shows one line for each event; into a pipe or
    /// a file it writes events in the codec. At the end it reports what became of the datagrams. The exit status is 1 if
    /// `source.allowed_senders` or `source.rate_limit` of a configuration kept some out.
    Demo(demo::DemoArgs),
    /// Decode recorded datagrams from files or standard input
    ///
    /// Writes their events as `run` does, and the counts to standard error. A file that cannot be read is reported, the
    /// others are still decoded, and the exit status is 1.
    Decode(decode::DecodeArgs),
    /// Send the datagrams of a simulated Qlik Sense site
    ///
    /// At the end it prints how many of each kind it sent, to compare with what arrived. The exit status is 1 if
    /// datagrams were refused because nothing listened there.
    Simulate(simulate::SimulateArgs),
    /// Check a configuration file
    ///
    /// Reads it as `run` does, together with the files that it names, and reports every mistake and every option
    /// without effect by line, and how many events the queue holds.
    Check(check::CheckArgs),
    /// Convert a Butler SOS configuration into a plugin.toml and a configuration of Vector
    ///
    /// Reads the configuration of Butler SOS 9 to 15 and writes files that treat user, log and performance events the
    /// same way. What cannot be carried over is reported on standard error and in the files. Passwords, tokens and
    /// keys are never written; the files name environment variables instead.
    ImportButlerSos(import_butler_sos::ImportButlerSosArgs),
    /// Print the completion script for a shell
    Completions(generate::CompletionsArgs),
    /// Print the manual page, in the format of `man`
    #[command(after_long_help = texts::MAN)]
    Man,
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(mut error) => return refusal::report(&mut error, &args).into(),
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
