//! `top`: shows live on a terminal who is logged in.
//!
//! | file | what it does |
//! |---|---|
//! | `input.rs` | events from a UDP port, JSON lines or a local socket |
//! | `record.rs` | what a JSON line says |
//! | `proxies.rs` | who is logged in, by the proxies that are queried |
//! | `engines.rs` | the memory of nodes, by the engines that are queried |
//! | `model.rs` | who is logged in, and how many events came |
//! | `services.rs` | what their requests cost, errors, tasks that failed |
//! | `recent.rs` | counts of the last seconds or minutes |
//! | `screen.rs` | what is shown, as data; sorting and filtering |
//! | `keys.rs` | what keys do |
//! | `list.rs` | the screen as a plain list |
//! | `view.rs` | the screen as characters |
//! | `palette.rs` | colours, or none |
//! | `terminal.rs` | the terminal, taken over and given back |

#[cfg(feature = "qrs")]
mod engines;
mod input;
mod keys;
mod list;
mod model;
mod palette;
#[cfg(feature = "qrs")]
mod proxies;
mod recent;
mod record;
mod screen;
mod services;
mod terminal;
mod told;
mod view;

use std::{
    env,
    io::{self, IsTerminal},
    net::SocketAddr,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use qlik_sense_events::{
    config::{self, AddressError, Config, Loaded},
    host::runtime::start::StartError,
};
use ratatui::crossterm::event::{self, Event};

#[cfg(feature = "qrs")]
pub use self::screen::memory;
use self::{
    input::{ENDED, Input, LineSource},
    keys::{Controls, Next},
    palette::Palette,
    screen::Screen,
    terminal::Screened,
};
use super::{
    FAILURE, SUCCESS, USAGE, files,
    options::{addresses, listen_address},
    print::{print, say},
    progress::knows_escapes,
    stop, texts,
};

/// How often the screen is drawn without a key.
const REFRESH: Duration = Duration::from_millis(500);

/// How long a key may take to be noticed after a signal.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the screen has to end by itself after a signal.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_long_help = texts::TOP)]
pub struct TopArgs {
    /// File of events that `run` has written in the codec `json`; `-` for standard input
    #[arg(value_name = "FILE", conflicts_with_all = ["socket", "address"])]
    file: Option<PathBuf>,
    /// Local socket of a running program, its option `output.local_socket`
    #[arg(long, value_name = "FILE", conflicts_with = "address")]
    socket: Option<PathBuf>,
    /// Address to listen on, instead of `source.address`; may be given several times
    ///
    /// An IP address and a port, such as 0.0.0.0:9997 or [::]:9997.
    #[arg(long, value_name = "IP:PORT", value_parser = listen_address)]
    address: Vec<SocketAddr>,
    /// Configuration file, whose tables `source`, `transform` and `engine_health` apply here too
    ///
    /// With --socket, its `transform.sessions.state_file` provides the users who were logged in before `top` started.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn top(args: &TopArgs) -> u8 {
    let mut loaded = match &args.config {
        Some(file) => Loaded::read(file),
        None => Loaded::defaults(),
    };
    if let Some(error) = &loaded.error {
        say(error);
        return USAGE;
    }
    match addresses(&args.address) {
        Ok(Some(addresses)) => loaded.config.source.address = addresses,
        Ok(None) => {}
        Err(message) => {
            say(message);
            return USAGE;
        }
    }
    if let Some(file) = &args.file
        && !(io::stdout().is_terminal() && knows_escapes())
    {
        return print_list(file, &loaded.config);
    }
    // This comes first: without a terminal, an open port would be of no use.
    let watched = take_front()
        .map_err(no_terminal)
        .and_then(|()| input(args, &loaded))
        .and_then(|input| watch(&input).map_err(no_terminal));
    match watched {
        Ok(status) => status,
        Err((status, message)) => {
            say(message);
            status
        }
    }
}

fn no_terminal(error: io::Error) -> (u8, String) {
    (FAILURE, format!("cannot use the terminal: {error}"))
}

/// Refuses to show a screen in the background.
fn take_front() -> io::Result<()> {
    if terminal::is_in_background() {
        return Err(io::Error::other(IN_BACKGROUND));
    }
    terminal::refuse_to_be_stopped()
}

const IN_BACKGROUND: &str = "`top` cannot show its screen in the background; run it without `&`, or use `run` to \
                             receive without a screen";

/// Prints who was logged in at the end of a file.
fn print_list(file: &Path, config: &Config) -> u8 {
    match Input::whole(file, config) {
        Ok(input) => {
            if let Some(reason) = input.nothing_read() {
                let is_toml = file.extension().is_some_and(|name| name == "toml");
                let tip = if is_toml {
                    "; to name a configuration, use --config"
                } else {
                    ""
                };
                say(format_args!("{}: {reason}{tip}", file.display()));
                return FAILURE;
            }
            let screen = arranged(&input.screen(), &Controls::default());
            let status = print(list::list(&screen));
            for notice in screen.notices.iter().filter(|&notice| notice != ENDED) {
                say(notice);
            }
            status
        }
        Err(error) => {
            say(unreadable(file, &error));
            FAILURE
        }
    }
}

fn unreadable(file: &Path, error: &io::Error) -> String {
    let name = file.display().to_string();
    let tip = match config::address(&name) {
        _ if error.kind() != io::ErrorKind::NotFound => String::new(),
        Ok(address) => to_receive(address),
        Err(AddressError::Port(port)) => to_receive(SocketAddr::from(([0, 0, 0, 0], port))),
        Err(AddressError::Ip(ip)) => to_receive(SocketAddr::new(ip, 9997)),
        Err(_) => String::new(),
    };
    format!("{name}: cannot read the file: {error}{tip}")
}

fn to_receive(address: SocketAddr) -> String {
    format!("; to receive datagrams, use --address {address}")
}

fn input(args: &TopArgs, loaded: &Loaded) -> Result<Input, (u8, String)> {
    let config = &loaded.config;
    let lines = match (&args.socket, &args.file) {
        (Some(path), _) => LineSource::Socket(path.clone()),
        (None, Some(file)) => LineSource::File(file.clone()),
        (None, None) => return Input::udp(config).map_err(|error| cannot_receive(loaded, &error)),
    };
    Input::lines(&lines, config).map_err(|error| {
        let message = match &lines {
            LineSource::File(file) => unreadable(file, &error),
            LineSource::Socket(path) if files::is_other_than_socket(path) => format!(
                "{}: this is not a socket; expected the output.local_socket of a running program, or, for a file of \
                 events, its path without --socket",
                path.display()
            ),
            LineSource::Socket(path) => format!(
                "{}: cannot connect to a running program: {error}; set output.local_socket to this path in its \
                 configuration, and run `top` as the same user",
                path.display()
            ),
        };
        (FAILURE, message)
    })
}

fn cannot_receive(loaded: &Loaded, error: &StartError) -> (u8, String) {
    match error {
        StartError::Bind(bind) => {
            let hint = match bind.source.kind() {
                io::ErrorKind::AddrInUse => {
                    "\nif it is a receiver, set output.local_socket in its configuration and use top --socket FILE"
                }
                io::ErrorKind::AddrNotAvailable => {
                    "\n`top` receives at an address of this machine, to which Qlik Sense sends; to watch a program on \
                     another machine, run `top` there"
                }
                _ => "",
            };
            (FAILURE, format!("{error}{hint}"))
        }
        StartError::Socket(_) | StartError::Thread(_) => (FAILURE, error.to_string()),
        _ => (USAGE, files::reasons(loaded, error).join("\n")),
    }
}

/// Shows the screen until the user quits.
fn watch(input: &Input) -> io::Result<u8> {
    let stopped = Arc::new(AtomicBool::new(false));
    stop::on_stop({
        let stopped = Arc::clone(&stopped);
        move || {
            stopped.store(true, Ordering::Relaxed);
            // Most such signals mean that the terminal has gone, and then crossterm would read from it for ever.
            thread::sleep(GRACE);
            terminal::restore();
            process::exit(SUCCESS.into());
        }
    })?;
    let palette = Palette::of(|name| env::var(name).ok());
    let mut terminal = Screened::open()?;
    terminal::end_with_terminal(SUCCESS)?;
    let mut controls = Controls::default();
    let mut latest = input.screen();
    let mut drawn: Option<Instant> = None;
    loop {
        if terminal.has_panicked() {
            return Ok(FAILURE);
        }
        if stopped.load(Ordering::Relaxed) {
            return Ok(SUCCESS);
        }
        if terminal::is_in_background() {
            return Err(io::Error::other(IN_BACKGROUND));
        }
        if drawn.is_none_or(|drawn| drawn.elapsed() >= REFRESH) {
            if !controls.is_frozen {
                latest = input.screen();
            }
            let shown = arranged(&latest, &controls);
            terminal.draw(|frame| view::draw(frame, &shown, &controls, &palette))?;
            drawn = Some(Instant::now());
        }
        if !event::poll(PATIENCE)? {
            continue;
        }
        match event::read()? {
            Event::Key(key) => {
                let shown = arranged(&latest, &controls);
                let page = view::page(terminal.height()?, &shown);
                if controls.key(key, page, &shown) == Next::Quit {
                    return Ok(SUCCESS);
                }
                drawn = None;
            }
            Event::Resize(..) => drawn = None,
            _ => {}
        }
    }
}

fn arranged(latest: &Screen, controls: &Controls) -> Screen {
    let mut screen = latest.clone();
    screen.arrange(controls.sort, controls.is_reversed, &controls.filter);
    screen
}
