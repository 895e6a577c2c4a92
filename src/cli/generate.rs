//! `completions` and `man`: from the same definitions as `--help`.

use clap::{Args, CommandFactory};
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
    let mut script = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print(script)
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
