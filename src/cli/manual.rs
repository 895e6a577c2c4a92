//! The manual page: one page, a section for each command, from the same definitions as `--help`.

use clap::{Arg, Command, builder::PossibleValue};
use roff::{Inline, Roff, bold, italic, roman};

use super::texts;

/// The page in roff, for section 1 of the manual.
pub fn page(mut command: Command) -> String {
    command.build();
    let name = command.get_name().to_owned();
    let version = command.get_version().unwrap_or_default().to_owned();
    let mut roff = Roff::new();
    roff.control(
        "TH",
        [
            &*name.to_uppercase(),
            "1",
            "",
            &*format!("{name} {version}"),
            "User Commands",
        ],
    );
    // Names of options must be found and copied whole.
    roff.control("nh", []);
    roff.control("ad", ["l"]);
    roff.control("SH", ["NAME"]);
    let about = command.get_about().map(ToString::to_string);
    roff.text([roman(format!("{name} - {}", about.unwrap_or_default()))]);

    roff.control("SH", ["SYNOPSIS"]);
    synopsis(&mut roff, &name, &command);
    let commands = || {
        command
            .get_subcommands()
            .filter(|it| it.get_name() != "help")
    };
    for subcommand in commands() {
        synopsis(
            &mut roff,
            &format!("{name} {}", subcommand.get_name()),
            subcommand,
        );
    }

    roff.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut roff, command.get_long_about());
    roff.control("PP", []);
    roff.text(inline(texts::HELP));

    roff.control("SH", ["COMMANDS"]);
    for subcommand in commands() {
        roff.control("SS", [subcommand.get_name()]);
        let about = subcommand.get_long_about().or(subcommand.get_about());
        paragraphs(&mut roff, about);
        arguments(&mut roff, subcommand);
        if let Some(text) = subcommand.get_after_long_help() {
            roff.control("PP", []);
            examples(&mut roff, &text.to_string());
        }
    }

    roff.control("SH", ["EXIT STATUS"]);
    terms(&mut roff, &texts::EXIT_STATUS);
    roff.control("SH", ["ENVIRONMENT"]);
    terms(&mut roff, &texts::ENVIRONMENT);
    roff.control("SH", ["FILES"]);
    terms(&mut roff, &texts::FILES);
    roff.control("SH", ["EXAMPLES"]);
    examples(&mut roff, texts::PROGRAM);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(texts::SEE_ALSO)]);
    roff.to_roff()
}

/// The command with its flags, the values that they take, and its arguments.
fn synopsis(roff: &mut Roff, name: &str, command: &Command) {
    let mut line = vec![bold(name)];
    let shown = command
        .get_arguments()
        .filter(|it| !matches!(it.get_id().as_str(), "help" | "version"));
    let (positionals, options): (Vec<&Arg>, Vec<&Arg>) = shown.partition(|it| it.is_positional());
    for option in options {
        line.push(roman(" ["));
        line.extend(flag(option));
        line.push(roman("]"));
    }
    for argument in positionals {
        let value = italic(value_name(argument));
        match (argument.is_required_set(), is_many(argument)) {
            (true, _) => line.extend([roman(" "), value]),
            (false, false) => line.extend([roman(" ["), value, roman("]")]),
            (false, true) => line.extend([roman(" ["), value, roman(" ...]")]),
        }
    }
    roff.text(line);
    roff.control("br", []);
}

/// The flags and arguments of a command, each with its explanation.
fn arguments(roff: &mut Roff, command: &Command) {
    for argument in command.get_arguments() {
        if argument.get_id() == "help" {
            continue;
        }
        roff.control("TP", []);
        if argument.is_positional() {
            roff.text([italic(value_name(argument))]);
        } else {
            roff.text(flag(argument));
        }
        let help = argument.get_long_help().or(argument.get_help());
        let mut text = help.map(ToString::to_string).unwrap_or_default();
        let defaults = argument.get_default_values();
        if !defaults.is_empty() && argument.get_action().takes_values() {
            let defaults: Vec<_> = defaults.iter().map(|it| it.to_string_lossy()).collect();
            text += &format!(" [default: {}]", defaults.join(","));
        }
        for (number, paragraph) in text.split("\n\n").enumerate() {
            if number > 0 {
                roff.control("IP", []);
            }
            roff.text(inline(paragraph));
        }
        let values = argument.get_possible_values();
        for value in values.iter().filter(|it| it.get_help().is_some()) {
            possible_value(roff, value);
        }
    }
}

fn possible_value(roff: &mut Roff, value: &PossibleValue) {
    roff.control("RS", []);
    roff.control("TP", []);
    roff.text([bold(value.get_name())]);
    let help = value.get_help().map(ToString::to_string);
    roff.text([roman(help.unwrap_or_default())]);
    roff.control("RE", []);
}

/// A flag with the values that it takes.
fn flag(argument: &Arg) -> Vec<Inline> {
    let mut parts = Vec::new();
    if let Some(short) = argument.get_short() {
        parts.extend([bold(format!("-{short}")), roman(", ")]);
    }
    parts.push(bold(format!(
        "--{}",
        argument.get_long().unwrap_or_default()
    )));
    if argument.get_action().takes_values() {
        parts.push(roman(" "));
        let values = argument.get_possible_values();
        if values.is_empty() {
            parts.push(italic(value_name(argument)));
        } else {
            let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
            parts.push(bold(names.join("|")));
        }
    }
    parts
}

fn value_name(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names.first().map(ToString::to_string).unwrap_or_default()
}

fn is_many(argument: &Arg) -> bool {
    argument
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1)
        || matches!(argument.get_action(), clap::ArgAction::Append)
}

fn paragraphs(roff: &mut Roff, text: Option<&clap::builder::StyledStr>) {
    let text = text.map(ToString::to_string).unwrap_or_default();
    for (number, paragraph) in text.split("\n\n").enumerate() {
        if number > 0 {
            roff.control("PP", []);
        }
        roff.text(inline(paragraph));
    }
}

/// Terms with their explanations.
fn terms(roff: &mut Roff, terms: &[(&str, &str)]) {
    for (term, explanation) in terms {
        roff.control("TP", []);
        roff.text([bold(*term)]);
        roff.text(inline(explanation));
    }
}

/// What stands below the flags in `--help`: headings, sentences, and commands indented by two spaces.
fn examples(roff: &mut Roff, text: &str) {
    let mut is_verbatim = false;
    for line in text.lines() {
        let is_command = line.starts_with("  ");
        if is_command != is_verbatim {
            if is_command {
                roff.control("PP", []);
            }
            roff.control(if is_command { "EX" } else { "EE" }, []);
            is_verbatim = is_command;
        }
        match line.trim() {
            "" => roff.control("PP", []),
            "Examples:" if !is_command => roff.control("PP", []).text([bold("Examples")]),
            line => roff.text([roman(line)]),
        };
    }
    if is_verbatim {
        roff.control("EE", []);
    }
}

/// A paragraph in one line; what stands between backticks is bold.
fn inline(paragraph: &str) -> Vec<Inline> {
    let paragraph = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    paragraph
        .split('`')
        .enumerate()
        .filter(|(_, part)| !part.is_empty())
        .map(|(number, part)| {
            if number % 2 == 1 {
                bold(part)
            } else {
                roman(part)
            }
        })
        .collect()
}
