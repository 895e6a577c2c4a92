//! `completions` and `man`: from the same definitions as `--help`.

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::{
    Cli, FAILURE,
    print::{print, say},
};

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
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
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let mut rendered = clap_mangen::Man::new(command.clone()).render(&mut page);
    // One page for all: the subcommands follow as pages of their own in the same file.
    for subcommand in command.get_subcommands().filter(|c| c.get_name() != "help") {
        rendered =
            rendered.and_then(|()| clap_mangen::Man::new(subcommand.clone()).render(&mut page));
    }
    match rendered {
        Ok(()) => print(page),
        Err(error) => {
            say(format_args!("the manual page cannot be written: {error}"));
            FAILURE
        }
    }
}
