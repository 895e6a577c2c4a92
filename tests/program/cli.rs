//! Help, completions, the manual page, and mistakes on the command line.

use crate::support::finish;

const SUBCOMMANDS: [&str; 9] = [
    "run",
    "top",
    "demo",
    "decode",
    "simulate",
    "check",
    "import-butler-sos",
    "completions",
    "man",
];

#[test]
fn help_of_the_program_names_every_subcommand() {
    let help = finish(&["--help"]);
    assert_eq!((help.status, &*help.stderr), (0, ""));
    for subcommand in SUBCOMMANDS {
        let entry = format!("\n  {subcommand} ");
        assert!(help.stdout.contains(&entry), "{subcommand}");
    }
    assert!(help.stdout.contains("\nExit status:\n  0 "));
    // `-h` is short, without paragraphs and examples.
    let short = finish(&["-h"]);
    assert!(short.stdout.lines().count() * 2 <= help.stdout.lines().count() + 10);
    assert!(!short.stdout.contains("Examples:"));
}

#[test]
fn every_subcommand_has_help() {
    for subcommand in SUBCOMMANDS {
        let help = finish(&[subcommand, "--help"]);
        assert_eq!((help.status, &*help.stderr), (0, ""), "{subcommand}");
        let program = format!("qlik-sense-events{}", std::env::consts::EXE_SUFFIX);
        let usage = format!("Usage: {program} {subcommand}");
        assert!(help.stdout.contains(&usage), "{}", help.stdout);
        let (_, examples) = help.stdout.split_once("\nExamples:\n").expect(subcommand);
        assert!(
            examples.contains(&format!("qlik-sense-events {subcommand}")),
            "{examples}"
        );
    }
}

#[test]
fn help_into_a_pipe_has_no_colours() {
    assert!(!finish(&["--help"]).stdout.contains('\x1b'));
}

#[test]
fn mistakes_end_with_status_2_and_a_message_about_what_was_expected() {
    for (args, expected) in [
        (&["--adress", "127.0.0.1:0"][..], "'--address'"),
        (&["run", "--adress", "127.0.0.1:0"], "'--address'"),
        (
            &["--address", "localhost:9997"],
            "host names are not accepted; write the IP address of `localhost`",
        ),
        (
            &["--address", "255.255.255.255:9997"],
            "this is one for many machines",
        ),
        (
            &["--address", "127.0.0.1:99970"],
            "with a port of at most 65535",
        ),
        (&["--address", "9997"], "did you mean \"0.0.0.0:9997\"?"),
        (
            &["--address", "127.0.0.1"],
            "did you mean \"127.0.0.1:9997\"?",
        ),
        (
            &["top", "--address", "9997"],
            "did you mean \"0.0.0.0:9997\"?",
        ),
        (
            &["--address", "127.0.0.1:9", "--address", "127.0.0.1:9"],
            "--address: 127.0.0.1:9 is given twice",
        ),
        (
            &[
                "top",
                "--address",
                "127.0.0.1:9",
                "--address",
                "127.0.0.1:9",
            ],
            "--address: 127.0.0.1:9 is given twice",
        ),
        (&["--codec", "xml"], "json, native_json, native"),
        (&["--schema", "xml"], "default"),
        (&["decoed"], "'decode'"),
        (&["completions", "cmd"], "bash"),
        (&["demo", "--rate", "0"], "--rate"),
        (&["demo", "--nodes", "0"], "a whole number from 1 to 1000"),
        (
            &["check", "a.toml", "--config", "b.toml"],
            "cannot be used with",
        ),
    ] {
        let ended = finish(args);
        assert_eq!((ended.status, &*ended.stdout), (2, ""), "{args:?}");
        // The message is JSON if a host reads it.
        let said = ended.stderr.replace("\\\"", "\"");
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}

/// Not even of a number do the words of Rust's parsers say what was expected.
#[test]
fn every_number_on_the_command_line_is_refused_with_its_bounds() {
    for (flags, least, most) in [
        (&["simulate", "--users"][..], 1, 1_000_000),
        (&["simulate", "--nodes"], 1, 1_000),
        (&["simulate", "--odd"], 0, 1_000),
        (&["simulate", "--seed"], 0, u64::MAX),
        (&["simulate", "--count"], 1, u64::MAX),
        (&["simulate", "--rate"], 0, u32::MAX.into()),
        (&["simulate", "--day", "--logins"], 1, 20_000),
        (&["simulate", "--day", "--hours"], 1, 24),
        (&["simulate", "--day", "--skip"], 0, u32::MAX.into()),
        (&["simulate", "--day", "--lost"], 0, 1_000),
        (&["simulate", "--day", "--memory-drop"], 0, u32::MAX.into()),
        (&["demo", "--seconds"], 1, u32::MAX.into()),
        (&["demo", "--rate"], 1, u32::MAX.into()),
    ] {
        let above = u128::from(most) + 1;
        for value in ["x", "", "1.5", "-1", "1k", &above.to_string()] {
            let ended = finish(&[flags, &[value]].concat());
            assert_eq!((ended.status, &*ended.stdout), (2, ""), "{flags:?} {value}");
            let expected = format!("expected a whole number from {least} to {most}");
            assert!(
                ended.stderr.contains(&expected),
                "{value}: {}",
                ended.stderr
            );
        }
    }
}

/// A configuration without its flag, as `check` accepts it.
#[test]
fn a_file_without_the_flag_for_it_is_answered_with_the_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "").expect("a file");
    let file = file.to_str().expect("text");
    for (args, expected) in [
        (&["run", file][..], "use '--config "),
        (&["demo", file], "use '--config "),
        (&[file], "use '--config "),
        (
            &["run", "--address", file],
            "this is a file: name a configuration with --config",
        ),
        (
            &["top", "--address", file],
            "this is a file: name a configuration with --config",
        ),
    ] {
        let ended = finish(args);
        assert_eq!((ended.status, &*ended.stdout), (2, ""), "{args:?}");
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = finish(&["completions", shell]);
        assert_eq!((script.status, &*script.stderr), (0, ""), "{shell}");
        for word in SUBCOMMANDS.into_iter().chain(["outlive-parent"]) {
            assert!(script.stdout.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn the_manual_has_a_section_for_every_command_and_all_that_a_manual_has() {
    let manual = finish(&["man"]);
    assert_eq!((manual.status, &*manual.stderr), (0, ""));
    assert!(manual.stdout.contains(".TH QLIK-SENSE-EVENTS 1 "));
    for subcommand in SUBCOMMANDS {
        let section = format!("\n.SS {subcommand}\n");
        assert!(manual.stdout.contains(&section), "{subcommand}");
    }
    for section in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "\"EXIT STATUS\"",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "\"SEE ALSO\"",
    ] {
        let line = format!("\n.SH {section}\n");
        assert!(manual.stdout.contains(&line), "{section}");
    }
    // The statuses are those in the help.
    let help = finish(&["--help"]).stdout;
    let (_, statuses) = help.split_once("\nExit status:\n").expect("statuses");
    let number = |line: &str| {
        line.trim_start()
            .split_once("  ")
            .map(|(number, _)| number.to_owned())
    };
    let numbers: Vec<String> = statuses.lines().filter_map(number).collect();
    assert_eq!(numbers, ["0", "1", "2", "130, 143"]);
    for number in numbers {
        let row = format!("\n.TP\n\\fB{number}\\fR\n");
        assert!(manual.stdout.contains(&row), "{number}");
    }
    assert!(manual.stdout.contains("\\fB\\-\\-version\\fR"));
    // Every flag is listed with its value.
    assert!(manual.stdout.contains("\\-\\-rate\\fR \\fIRATE\\fR"));
}

#[test]
fn a_folder_in_place_of_a_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().display().to_string();
    for subcommand in ["check", "decode", "top", "import-butler-sos"] {
        let ended = finish(&[subcommand, &folder]);
        let expected = "this is a folder; expected a file";
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
        assert_ne!(ended.status, 0, "{subcommand}");
    }
}
