//! Reports mistakes on the command line, with clap's text and in the form that the caller reads.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    path::Path,
};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use qlik_sense_events::{
    config::{Config, OutputConfig},
    host::{
        diagnostics::{Level, Report},
        exec::Diagnostics,
    },
};

use super::{USAGE, print::written_or_said};

/// Subcommands that always write text for people.
const FOR_PEOPLE: [&str; 7] = [
    "check",
    "completions",
    "help",
    "import-butler-sos",
    "man",
    "simulate",
    "top",
];

/// Reports why the command line is invalid, or prints the requested help. Returns the exit status.
///
/// Vector reads standard error in the codec that its configuration passes with `--codec`, so mistakes are reported in
/// that codec.
pub fn report(error: &mut clap::Error, args: &[OsString]) -> u8 {
    if !error.use_stderr() {
        return written_or_said(error.print());
    }
    let subcommand = args.get(1).and_then(|arg| arg.to_str());
    if let Some(tip) = tip(error, subcommand) {
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    let is_for_people = subcommand.is_some_and(|name| FOR_PEOPLE.contains(&name));
    if is_for_people || io::stderr().is_terminal() {
        // It cannot be reported anywhere else.
        let _ = error.print();
    } else {
        Diagnostics::new(&output(args)).report(Level::Error, &message(error));
    }
    USAGE
}

/// Advice where a configuration is named without its flag.
fn tip(error: &clap::Error, subcommand: Option<&str>) -> Option<String> {
    let kind = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument if matches!(subcommand, Some("run" | "demo")) => {
            ContextKind::InvalidArg
        }
        _ => return None,
    };
    let ContextValue::String(file) = error.get(kind)? else {
        return None;
    };
    let is_file = Path::new(file).is_file();
    is_file.then(|| format!("to name a configuration file, use '--config {file}'"))
}

/// The output options on the command line, as far as they can be read.
fn output(args: &[OsString]) -> OutputConfig {
    let configured = value(args, "--config").map(|file| Config::output_in(Path::new(file)));
    let mut output = configured.unwrap_or_default();
    if let Some(codec) = value(args, "--codec").and_then(|name| name.parse().ok()) {
        output.codec = codec;
    }
    if let Some(schema) = value(args, "--schema").and_then(|name| name.parse().ok()) {
        output.schema = schema;
    }
    output
}

/// The value of a flag, as `--flag value` or `--flag=value`.
fn value<'a>(args: &'a [OsString], flag: &str) -> Option<&'a str> {
    let mut args = args.iter().map(|arg| arg.to_str().unwrap_or_default());
    while let Some(arg) = args.next() {
        match arg.strip_prefix(flag) {
            Some("") => return args.next(),
            Some(rest) if rest.starts_with('=') => return Some(&rest[1..]),
            _ if arg == "--" => return None,
            _ => {}
        }
    }
    None
}

/// The error and its hints in one line, without the usage, which is for people.
fn message(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|paragraph| !paragraph.is_empty())
        .take_while(|paragraph| !paragraph.starts_with("Usage: "))
        .collect::<Vec<_>>()
        .join("; ");
    let message = paragraphs.strip_prefix("error: ").unwrap_or(&paragraphs);
    let message = message.split("; For more information").next();
    message.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use qlik_sense_events::encoding::Codec;

    use super::*;

    #[test]
    fn the_codec_is_read_in_either_form() {
        for (line, codec) in [
            ("run --adress x --codec native", Codec::Native),
            ("--codec=native_json --adress x", Codec::NativeJson),
            ("run --codec xml", Codec::Json),
            ("run --codec", Codec::Json),
            ("run -- --codec native", Codec::Json),
            ("run --codecs=native", Codec::Json),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(output(&args).codec, codec, "{line}");
        }
    }
}
