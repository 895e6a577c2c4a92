//! Flags that several subcommands share.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use qlik_sense_events::{
    config::{Config, ConfigError},
    encoding::Codec,
    host::{
        diagnostics::{Level, Report},
        exec::Diagnostics,
    },
    schema::Schema,
};

use super::USAGE;

/// Flags of `run`, `decode` and `demo`. They go before the configuration file.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Configuration file; every option has a default, see plugin.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Format of the output [default: json]
    #[arg(long, value_parser = codecs())]
    pub codec: Option<Codec>,
    /// Names of the output's fields [default: default]
    #[arg(long, value_parser = schemas())]
    pub schema: Option<Schema>,
}

fn codecs() -> impl TypedValueParser<Value = Codec> {
    PossibleValuesParser::new(Codec::ALL.map(Codec::as_str)).try_map(|name| name.parse::<Codec>())
}

fn schemas() -> impl TypedValueParser<Value = Schema> {
    PossibleValuesParser::new(Schema::ALL.map(Schema::as_str))
        .try_map(|name| name.parse::<Schema>())
}

impl CommonArgs {
    /// The configuration: the file, if one is named, with the flags over it.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn load(&self) -> Result<Config, ConfigError> {
        let mut config = match &self.config {
            Some(file) => Config::load(file)?,
            None => Config::default(),
        };
        config.output.codec = self.codec.unwrap_or(config.output.codec);
        config.output.schema = self.schema.unwrap_or(config.output.schema);
        Ok(config)
    }

    /// The configuration, or the exit status after saying what is wrong with it.
    pub fn load_or_report(&self) -> Result<Config, u8> {
        self.load().map_err(|error| {
            // A host that reads one codec cannot read the report in another.
            let configured = self.config.as_deref().map(Config::output_in);
            let mut output = configured.unwrap_or_default();
            output.codec = self.codec.unwrap_or(output.codec);
            output.schema = self.schema.unwrap_or(output.schema);
            for line in error.to_string().lines() {
                Diagnostics::new(&output).report(Level::Error, line);
            }
            USAGE
        })
    }
}
