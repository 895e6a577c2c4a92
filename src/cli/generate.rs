//! `completions` and `man`: from the same definitions as `--help`.

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::{Cli, manual, print::print, texts};

#[derive(Debug, Args)]
#[command(after_long_help = texts::COMPLETIONS)]
pub struct CompletionsArgs {
    /// Shell to print the script for
    shell: Shell,
}

pub fn completions(args: &CompletionsArgs) -> u8 {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    if args.shell == Shell::Bash {
        return print(bash(command, &name));
    }
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(script)
}

/// The script for a name without `-`, given to the name that has some: clap_complete spells such a name in two
/// ways, of which one never matches the other (clap-rs/clap#6421).
fn bash(mut command: Command, name: &str) -> String {
    let spelled = name.replace('-', "_");
    let mut script = Vec::new();
    clap_complete::generate(Shell::Bash, &mut command, &spelled, &mut script);
    let script = String::from_utf8_lossy(&script);
    let mut of_name = String::new();
    for line in script.lines() {
        match line.trim_start().strip_prefix("complete ") {
            Some(_) => of_name.push_str(&line.replace(&format!(" {spelled}"), &format!(" {name}"))),
            None => of_name.push_str(line),
        }
        of_name.push('\n');
    }
    of_name
}

pub fn man() -> u8 {
    print(manual::page(Cli::command()))
}
