//! Completions as the shells make them.

use std::{fs, path::Path, process::Command};

use crate::support::finish;

/// Command lines, what has to be offered for each, and what must not be.
const ROWS: [(&str, &[&str], &[&str]); 6] = [
    ("", &["run", "import-butler-sos", "--codec"], &["native"]),
    (
        "run --",
        &["--codec", "--outlive-parent", "--address"],
        &["--odd"],
    ),
    ("run --codec ", &["json", "native", "native_json"], &["run"]),
    ("decode --schema e", &["ecs"], &["default"]),
    ("import-butler-sos --out", &["--output-dir"], &["--codec"]),
    ("completions ", &["bash", "zsh", "fish"], &["--codec"]),
];

/// A shell's script, in a folder without other files.
fn script(shell: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let script = finish(&["completions", shell]);
    assert_eq!((script.status, &*script.stderr), (0, ""), "{shell}");
    fs::write(folder.path().join("script"), script.stdout).expect("a file");
    folder
}

/// The output of a command in a shell, with `arguments`.
fn shell(shell: &str, flags: &[&str], command: &str, arguments: &[&str], folder: &Path) -> String {
    let mut process = Command::new(shell);
    process.args(flags).args(["-c", command]).args(arguments);
    let output = process.current_dir(folder).output().expect(shell);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shell}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// The completions that bash offers, with the line split into words like readline does.
fn of_bash(line: &str, folder: &Path) -> Vec<String> {
    const COMPLETE: &str = r#"
        source ./script
        completed=$(complete -p qlik-sense-events) || exit
        [[ $completed =~ -F\ ([^ ]+) ]] || exit
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        "${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let words = line.split(' ');
    let arguments: Vec<&str> = ["bash", "qlik-sense-events"]
        .into_iter()
        .chain(words)
        .collect();
    let printed = shell(
        "bash",
        &["--norc", "--noprofile"],
        COMPLETE,
        &arguments,
        folder,
    );
    printed.lines().map(str::to_owned).collect()
}

fn assert_offered(
    shell: &str,
    line: &str,
    offered: &[String],
    (wanted, others): (&[&str], &[&str]),
) {
    for word in wanted {
        assert!(
            offered.iter().any(|it| it == word),
            "{shell}: {line:?}: {word} of {offered:?}"
        );
    }
    for word in others {
        assert!(
            offered.iter().all(|it| it != word),
            "{shell}: {line:?}: {word} of {offered:?}"
        );
    }
}

#[test]
fn bash_offers_what_can_follow() {
    let folder = script("bash");
    for (line, wanted, others) in ROWS {
        let offered = of_bash(line, folder.path());
        assert_offered("bash", line, &offered, (wanted, others));
    }
}

/// `/bin/sh` reads it like this on systems where it is bash.
#[test]
fn bash_accepts_the_script_in_posix_mode() {
    let folder = script("bash");
    shell("bash", &["--posix"], ". ./script", &[], folder.path());
}

mod fish {
    use super::*;

    #[test]
    #[ignore = "needs fish"]
    fn fish_offers_what_can_follow() {
        let folder = script("fish");
        // The script for fish knows the values of flags, but not those of arguments.
        for (line, wanted, others) in ROWS.into_iter().filter(|row| row.0 != "completions ") {
            let command = format!("source ./script; complete -C 'qlik-sense-events {line}'");
            let printed = shell("fish", &["--no-config"], &command, &[], folder.path());
            let offered: Vec<String> = printed
                .lines()
                .filter_map(|line| line.split('\t').next().map(str::to_owned))
                .collect();
            // Flags are offered once a dash has been typed.
            let wanted: Vec<&str> = wanted
                .iter()
                .copied()
                .filter(|word| !word.starts_with('-') || line.contains('-'))
                .collect();
            assert_offered("fish", line, &offered, (&wanted, others));
        }
    }
}

mod zsh {
    use super::*;

    /// zsh only completes what is typed on a terminal.
    const COMPLETE: &str = r#"
        zmodload zsh/zpty
        zpty shell 'zsh -f -i'
        zpty -w shell 'PS1= PS2= ZLE_RPROMPT_INDENT=0
            autoload -Uz compinit && compinit -u -D
            source ./script
            shown() { print -r -- "(($BUFFER))" > shown }
            zle -N shown
            bindkey "^X" shown
            bindkey "^I" complete-word
            print > ready'
        await() { repeat 6000 { [[ -s $1 ]] && return; zpty -rt shell said; sleep 0.01 } }
        await ready
        zpty -wn shell $'qlik-sense-events '$1$'\t\x18'
        await shown
        zpty -d shell
        <shown
    "#;

    #[test]
    #[ignore = "needs zsh"]
    fn zsh_completes_what_was_typed() {
        for (line, completed) in [
            ("imp", "import-butler-sos"),
            ("run --outl", "run --outlive-parent"),
            ("run --codec native_", "run --codec native_json"),
            ("decode --schema e", "decode --schema ecs"),
            ("completions z", "completions zsh"),
        ] {
            let folder = script("zsh");
            let printed = shell("zsh", &["-f"], COMPLETE, &["zsh", line], folder.path());
            let expected = format!("((qlik-sense-events {completed}");
            assert!(printed.starts_with(&expected), "{line:?}: {printed}");
        }
    }
}
