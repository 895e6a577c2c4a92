//! The texts of help and manual besides the flags: examples, exit statuses, variables, files.

/// What every command has, which the manual does not list for each.
pub const HELP: &str = "Every command explains itself: in short with `-h`, in full with `--help`. `--version` also lists \
                        the features that the program was built with.";

/// Statuses with which the program ends.
pub const EXIT_STATUS: [(&str, &str); 4] = [
    ("0", "Success."),
    (
        "1",
        "Failure at run time, such as a port in use, a broken output, datagrams that were refused, a shutdown without the \
         time for all that was received, or a session state that was not saved.",
    ),
    ("2", "The command line or the configuration is invalid."),
    (
        "130, 143",
        "A second SIGINT or SIGTERM, more than a second after the first, ended the program.",
    ),
];

/// Variables that the program reads.
pub const ENVIRONMENT: [(&str, &str); 4] = [
    ("NO_COLOR", "Turns colours off if it is set and not empty."),
    (
        "TERM",
        "If `dumb`, no escape sequences are written to the terminal.",
    ),
    (
        "LC_ALL, LC_CTYPE, LANG",
        "If they do not name UTF-8, `top` and `demo` draw with ASCII characters.",
    ),
    (
        "LISTEN_FDS, LISTEN_PID",
        "Sockets opened by systemd, which `run` uses instead of opening its own.",
    ),
];

/// Files that the program or its hosts read.
pub const FILES: [(&str, &str); 2] = [
    (
        "plugin.toml",
        "Every option with its default and an explanation. A configuration file of your own, given with \
         `--config`, only needs the options that differ.",
    ),
    (
        "/etc/qlik-sense-events/plugin.toml",
        "Where packages install it. The program reads it only if you name it.",
    ),
];

pub const SEE_ALSO: &str = "vector(1), fluent-bit(1), systemd.socket(5)";

/// Examples of the program, and below of each command.
pub const PROGRAM: &str = "  # What Vector's exec source starts
  qlik-sense-events run --codec native --config plugin.toml
  # See it work, without Qlik Sense
  qlik-sense-events demo
  # Is the configuration right?
  qlik-sense-events check plugin.toml";

/// What stands below the flags of the program itself.
pub fn below_flags() -> String {
    let statuses = EXIT_STATUS.map(|(status, meaning)| format!("\n  {status:<8}  {meaning}"));
    format!("Examples:\n{PROGRAM}\n\nExit status:{}", statuses.concat())
}

pub const RUN: &str = "\
Examples:
  qlik-sense-events run --codec native --config plugin.toml
  qlik-sense-events run --address 0.0.0.0:9997 --address '[::]:9997' | jq .user";

#[cfg(feature = "top")]
pub const TOP: &str = "\
Keys: q quits, / filters, s sorts, f freezes the screen, ? shows all keys.

Examples:
  # Receive and show
  qlik-sense-events top
  # Watch a program that Vector has started, through its output.local_socket
  qlik-sense-events top --socket /var/lib/vector/qlik-sense-events.sock";

pub const DEMO: &str = "\
Examples:
  qlik-sense-events demo
  # All families of events, as JSON
  qlik-sense-events demo --families all --codec json";

pub const DECODE: &str = "\
Examples:
  qlik-sense-events decode datagrams.txt
  # Only who, and when
  qlik-sense-events decode datagrams.txt | jq -r '.timestamp + \" \" + .user'";

pub const SIMULATE: &str = "\
Examples:
  # A hundred events to a receiver on this machine
  qlik-sense-events simulate --count 100
  # A site with all families of events, as fast as possible
  qlik-sense-events simulate --to 192.0.2.10:9997 --families all --rate 0 --count 1000000";

pub const CHECK: &str = "\
Examples:
  qlik-sense-events check plugin.toml
  qlik-sense-events check --online plugin.toml";

pub const IMPORT_BUTLER_SOS: &str = "\
Examples:
  qlik-sense-events import-butler-sos production.yaml
  qlik-sense-events import-butler-sos --output-dir /etc/vector/qlik production.yaml";

pub const COMPLETIONS: &str = "\
Examples:
  source <(qlik-sense-events completions bash)
  qlik-sense-events completions powershell >> $PROFILE";

pub const MAN: &str = "\
Examples:
  qlik-sense-events man | man -l -
  qlik-sense-events man > qlik-sense-events.1";
