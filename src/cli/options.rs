//! Flags that several subcommands share.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use qlik_sense_events::{
    config::{self, Addresses, Config, Loaded},
    encoding::Codec,
    host::{
        diagnostics::{Level, Report},
        exec::Diagnostics,
    },
    schema::Schema,
};

use super::{USAGE, files};

/// The heading of flags about the output.
const OUTPUT: &str = "Output options";

/// Flags of `run`, `decode` and `demo`. They take precedence over the configuration file.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Configuration file; without one, every option has its default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Format of the output [default: json]
    #[arg(long, value_parser = codecs(), help_heading = OUTPUT)]
    pub codec: Option<Codec>,
    /// Names of the fields in the output [default: default]
    #[arg(long, value_parser = schemas(), help_heading = OUTPUT)]
    pub schema: Option<Schema>,
    /// Write the binary codec `native` even to a terminal
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
}

fn codecs() -> impl TypedValueParser<Value = Codec> {
    PossibleValuesParser::new(Codec::ALL.iter().map(|it| it.as_str()))
        .try_map(|name| name.parse::<Codec>())
}

fn schemas() -> impl TypedValueParser<Value = Schema> {
    PossibleValuesParser::new(Schema::ALL.iter().map(|it| it.as_str()))
        .try_map(|name| name.parse::<Schema>())
}

impl CommonArgs {
    /// The configuration: the file, if one is named, overridden by the flags; or the exit status after reporting
    /// everything that is wrong.
    pub fn load_or_report(&self) -> Result<Loaded, u8> {
        let mut loaded = match &self.config {
            Some(file) => Loaded::read(file),
            None => Loaded::defaults(),
        };
        let output = &mut loaded.config.output;
        output.codec = self.codec.unwrap_or(output.codec);
        output.schema = self.schema.unwrap_or(output.schema);
        let Some(error) = &loaded.error else {
            return Ok(loaded);
        };
        // A host that reads one codec cannot read the report in another.
        let mut diagnostics = Diagnostics::new(&loaded.config.output);
        let error = error.to_string();
        let mistakes = files::mistakes(&loaded);
        for line in error.lines().chain(mistakes.iter().map(String::as_str)) {
            diagnostics.report(Level::Error, line);
        }
        Err(USAGE)
    }

    /// The file, if one is named, and its content without the flags.
    pub fn config_file(&self) -> Option<(PathBuf, Config)> {
        let file = self.config.clone()?;
        let config = Config::load(&file).ok()?;
        Some((file, config))
    }

    /// Why events are not written to standard output, if it is a terminal and they are binary.
    pub fn refuse_terminal(&self, config: &Config) -> Option<&'static str> {
        let is_binary = match config.output.codec {
            Codec::Native => true,
            Codec::Json | Codec::NativeJson => false,
            // One that is new is not known to be text.
            _ => true,
        };
        let is_seen = config.output.unix_stream().is_none() && io::stdout().is_terminal();
        (is_binary && is_seen && !self.force).then_some(
            "the codec native is binary, and standard output is a terminal; use --codec json, redirect the output to \
             a file or a pipe, or pass --force",
        )
    }
}

/// An address of the flag `--address`, or what was expected.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    config::address(text).map_err(|error| {
        if Path::new(text).is_file() {
            return "expected an address such as \"0.0.0.0:9997\"; this is a file: name a configuration with --config"
                .to_owned();
        }
        error.to_string()
    })
}

/// The addresses of flags, where there are any.
///
/// # Errors
///
/// The message if two receive the same datagrams.
pub fn addresses(given: &[SocketAddr]) -> Result<Option<Addresses>, String> {
    let addresses = Addresses::new(given.to_vec());
    match addresses.overlap() {
        Some(overlap) => Err(format!("--address: {overlap}")),
        None => Ok((!given.is_empty()).then_some(addresses)),
    }
}
