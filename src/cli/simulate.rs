//! `simulate`: sends the datagrams of a lifelike site.

#[cfg(feature = "serve")]
use std::path::PathBuf;
use std::{
    io::{self, IsTerminal},
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
#[cfg(feature = "serve")]
use qlik_sense_events::{
    config,
    simulate::{ServeError, Server},
};
use qlik_sense_events::{
    config::{interface_hint, is_for_many, unresolved},
    host::diagnostics::counted,
    simulate::{
        Day, DayOptions, Families, MemoryDrop, Network, Pace, Played, Sender, Site, SiteOptions,
    },
};

use super::{
    FAILURE, USAGE,
    number::within,
    print::{print, say},
    progress::Progress,
    stop,
    summary::Sent,
    texts,
};

#[derive(Debug, Args)]
#[command(after_long_help = texts::SIMULATE)]
pub struct SimulateArgs {
    /// Receiver to send to
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9997")]
    to: String,
    /// Datagrams per second; 0 for as fast as possible
    #[arg(
        long,
        allow_negative_numbers = true,
        default_value_t = 20,
        conflicts_with = "day",
        value_parser = within(0..=u32::MAX)
    )]
    rate: u32,
    /// Number of datagrams to send; without it, the site sends until it is interrupted
    #[arg(
        long,
        allow_negative_numbers = true,
        conflicts_with = "day",
        value_parser = within(1..=u64::MAX)
    )]
    count: Option<u64>,
    #[command(flatten)]
    site: SiteArgs,
    /// Play a day in real time, from the first login to the end of the last session
    #[arg(long, help_heading = DAY)]
    day: bool,
    #[command(flatten)]
    of_day: DayArgs,
}

/// The heading of the options of a day.
const DAY: &str = "Simulated day";

/// What the simulated site looks like.
#[derive(Debug, Args)]
#[command(next_help_heading = "Simulated site")]
pub struct SiteArgs {
    /// Number of users, besides service accounts, 1 to 1000000
    #[arg(
        long,
        allow_negative_numbers = true,
        default_value_t = 200,
        value_parser = within(1..=1_000_000_u32)
    )]
    users: u32,
    /// Number of Qlik Sense nodes, 1 to 1000
    #[arg(
        long,
        allow_negative_numbers = true,
        default_value_t = 3,
        value_parser = within(1..=1_000_u16)
    )]
    nodes: u16,
    /// Odd payloads per thousand, 0 to 1000
    ///
    /// Other encodings, missing fields, garbage: whatever a receiver has to cope with.
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "PER_MILLE",
        default_value_t = SiteOptions::default().odd_per_mille,
        value_parser = within(0..=1_000_u16)
    )]
    odd: u16,
    /// Seed of the random numbers; the same seed gives the same site
    #[arg(
        long,
        allow_negative_numbers = true,
        default_value_t = SiteOptions::default().seed,
        value_parser = within(0..=u64::MAX)
    )]
    seed: u64,
    /// Send user events as the extended appender does
    ///
    /// It adds the time, the row number, the session id and the result.
    #[arg(long)]
    extended: bool,
    /// Families of events that the site sends, separated by commas
    ///
    /// With `all` they are mixed as in a busy site, where most are performance events.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "user")]
    families: Vec<Family>,
}

/// Options that only a day has.
// Without the conflict, clap would take the presence of `--rate` or `--count` as an excuse for the absence of `--day`.
#[derive(Debug, Args)]
#[command(next_help_heading = DAY)]
#[group(conflicts_with_all = ["rate", "count"])]
struct DayArgs {
    /// Number of logins on that day, 1 to 20000
    #[arg(
        long,
        requires = "day",
        default_value_t = DayOptions::default().logins,
        allow_negative_numbers = true,
        value_parser = within(1..=20_000_usize)
    )]
    logins: usize,
    /// Hours over which the logins are spread, 1 to 24
    #[arg(
        long,
        requires = "day",
        default_value_t = DayOptions::default().hours,
        allow_negative_numbers = true,
        value_parser = within(1..=24_u64)
    )]
    hours: u64,
    /// Start this many minutes into the day, without the events of users who are already logged in
    #[arg(
        long,
        requires = "day",
        allow_negative_numbers = true,
        value_name = "MINUTES",
        default_value_t = 0,
        value_parser = within(0..=u32::MAX)
    )]
    skip: u32,
    /// Datagrams per thousand that are lost on the way, 0 to 1000
    #[arg(
        long,
        requires = "day",
        value_name = "PER_MILLE",
        default_value_t = 0,
        allow_negative_numbers = true,
        value_parser = within(0..=1_000_u32)
    )]
    lost: u32,
    /// Minutes until a user's request takes half of a node's memory; needs performance events
    #[arg(
        long,
        requires = "day",
        allow_negative_numbers = true,
        value_name = "MINUTES",
        value_parser = within(0..=u32::MAX)
    )]
    memory_drop: Option<u32>,
    /// Let the nodes answer over HTTPS: repository, proxies and engine health
    ///
    /// The certificates are read from this folder, and created if the folder has none.
    #[cfg(feature = "serve")]
    #[arg(long, requires = "day", value_name = "FOLDER")]
    serve: Option<PathBuf>,
    /// In a program that cannot, an explanation.
    #[cfg(not(feature = "serve"))]
    #[arg(long = "serve", hide = true, value_name = "FOLDER", value_parser = without_serve)]
    _serve: Option<String>,
    /// Address of the first node; the others use the following ports
    #[cfg(feature = "serve")]
    #[arg(
        long,
        requires = "serve",
        value_name = "IP:PORT",
        default_value = "127.0.0.1:14242",
        value_parser = config::address
    )]
    serve_at: SocketAddr,
}

#[cfg(not(feature = "serve"))]
fn without_serve(_: &str) -> Result<String, &'static str> {
    Err(
        "this program was built without the feature `serve`; in the source folder, build it with `cargo build --release \
         --features serve`",
    )
}

/// A family of events, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Family {
    /// Sessions and connections
    User,
    /// Log events of the engine, proxy, repository and scheduler
    Log,
    /// QIX performance events
    Performance,
    /// Task events
    Task,
    /// All of these
    All,
}

impl SiteArgs {
    pub fn options(&self) -> SiteOptions {
        let has = |family| self.families.contains(&family) || self.families.contains(&Family::All);
        SiteOptions {
            seed: self.seed,
            users: self.users as usize,
            nodes: self.nodes as usize,
            odd_per_mille: self.odd,
            extended: self.extended,
            families: Families {
                user: has(Family::User),
                log: has(Family::Log),
                performance: has(Family::Performance),
                task: has(Family::Task),
            },
        }
    }
}

pub fn simulate(args: &SimulateArgs) -> u8 {
    let address = match resolve(&args.to) {
        Ok(address) => address,
        Err((status, message)) => {
            say(format_args!("--to {:?}: {message}", args.to));
            return status;
        }
    };
    // A day takes a while to compute.
    #[cfg(feature = "serve")]
    if let Some(folder) = &args.of_day.serve
        && let Err(error) = Server::prepare_folder(folder)
    {
        say(format_args!("--serve: {error}"));
        return FAILURE;
    }
    let day = match args.day.then(|| args.of_day.make(&args.site)).transpose() {
        Ok(day) => day,
        Err(message) => {
            say(message);
            return USAGE;
        }
    };
    #[cfg(feature = "serve")]
    let _server = match day.as_ref().map(|day| args.of_day.serve(day)).transpose() {
        Ok(server) => server,
        Err(error) => {
            say(format_args!("--serve: {error}"));
            return FAILURE;
        }
    };
    if let Some(day) = &day
        && day.end <= args.of_day.skipped()
    {
        let minutes = day.end.as_secs() / 60;
        say(format_args!(
            "--skip {}: the last session ends after {minutes} minutes, so there is nothing to send; skip less",
            args.of_day.skip
        ));
        return USAGE;
    }
    let played = match play(args, day.as_deref(), address) {
        Ok(played) => played,
        Err(error) => {
            say(format_args!("cannot send to {address}: {error}"));
            return FAILURE;
        }
    };
    let memory_drop = day.as_ref().and_then(|day| day.memory_drop.as_ref());
    let status = report(&played, memory_drop);
    if played.refused > 0 {
        say(format_args!(
            "nothing listened on {address}: at least {} of {} {} refused; start a receiver there first, such as \
             `qlik-sense-events run`",
            played.refused,
            counted(played.datagrams, "datagram", "datagrams"),
            if played.refused == 1 { "was" } else { "were" },
        ));
        return FAILURE;
    }
    status
}

impl DayArgs {
    /// How far into the day it begins.
    fn skipped(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.skip))
    }

    /// The day, or what is wrong with the flags.
    fn make(&self, site: &SiteArgs) -> Result<Arc<Day>, String> {
        let site = site.options();
        let skipped = self.skipped();
        let memory_drop = self
            .memory_drop
            .map(|minutes| skipped + Duration::from_secs(60 * u64::from(minutes)));
        let day = Day::new(&DayOptions {
            seed: site.seed,
            begin: (SystemTime::now() - skipped).into(),
            users: site.users,
            nodes: site.nodes,
            logins: self.logins,
            hours: self.hours,
            extended: site.extended,
            families: site.families,
            network: Network {
                lost: self.lost * 1_000,
                ..Network::default()
            },
            memory_drop,
        });
        if memory_drop.is_some() && day.memory_drop.is_none() {
            return Err(if site.families.performance {
                "--memory-drop: no user has an app open for long enough after that; use --skip, or more --logins"
                    .to_owned()
            } else {
                "--memory-drop: needs performance events; use --families all".to_owned()
            });
        }
        Ok(Arc::new(day))
    }

    /// Lets the nodes answer, if they should, and says where.
    #[cfg(feature = "serve")]
    fn serve(&self, day: &Arc<Day>) -> Result<Option<Server>, ServeError> {
        let Some(folder) = &self.serve else {
            return Ok(None);
        };
        let server = Server::start(day, now(day), self.serve_at, folder)?;
        for (host, address) in day.nodes.hosts().iter().zip(server.addresses()) {
            say(format_args!(
                "{host} answers on https://{address}: /qrs, /qps, /engine/healthcheck"
            ));
        }
        Ok(Some(server))
    }
}

/// The address to send to, or the status of the program and what was expected.
fn resolve(to: &str) -> Result<SocketAddr, (u8, String)> {
    const EXPECTED: &str = "expected HOST:PORT such as 127.0.0.1:9997";
    let wrong = |hint: String| Err((USAGE, format!("{EXPECTED}{hint}")));
    if to.parse::<u16>().is_ok() {
        return wrong(format!("; did you mean 127.0.0.1:{to}?"));
    }
    if let Ok(address) = to.parse::<IpAddr>() {
        let address = SocketAddr::new(address, 9997);
        return wrong(format!("; did you mean {address}?"));
    }
    let Some((host, port)) = to.rsplit_once(':') else {
        return wrong(format!("; did you mean {to}:9997?"));
    };
    match port.parse::<u16>() {
        Ok(1..) if !host.is_empty() => {}
        Ok(1..) => return wrong(format!("; did you mean 127.0.0.1:{port}?")),
        _ => return wrong(", with a port from 1 to 65535".to_owned()),
    }
    if let Some(hint) = interface_hint(to) {
        return Err((USAGE, hint));
    }
    match to.to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(address)) if is_for_many(address.ip()) => {
            wrong("; this is an address for many machines".to_owned())
        }
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err((FAILURE, format!("{host} has no address"))),
        Err(error) => {
            let reason = unresolved(&error);
            let message =
                format!("cannot resolve {host}: {reason}; correct the name, or use the IP address");
            Err((FAILURE, message))
        }
    }
}

/// The time of the day that is now. To make up a day takes a while.
fn now(day: &Day) -> Duration {
    (DateTime::<Utc>::from(SystemTime::now()) - day.begin)
        .to_std()
        .unwrap_or_default()
}

fn play(args: &SimulateArgs, day: Option<&Day>, address: SocketAddr) -> io::Result<Played> {
    let stopped = Arc::new(AtomicBool::new(false));
    stop::on_stop({
        let stopped = Arc::clone(&stopped);
        move || stopped.store(true, Ordering::Relaxed)
    })?;
    let mut progress = Progress::new();
    let mut refusals = Refusals::default();
    let follow = |played: &Played| {
        if let Some(change) = refusals.change(played) {
            progress.message(match change {
                Change::Refused => format!("nothing listens on {address}; still sending"),
                Change::Accepted => format!("{address} no longer refuses datagrams"),
            });
        }
        let seconds = played.elapsed.as_secs_f64();
        progress.show(format!(
            "sent {} datagrams to {address} in {seconds:.1} s",
            played.datagrams
        ));
        if stopped.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let sender = Sender::connect(address)?;
    let played = match day {
        Some(day) => sender.play_day(day, now(day), follow),
        None => {
            let mut site = Site::new(args.site.options());
            let pace = Pace {
                rate: args.rate,
                count: args.count,
            };
            sender.play(&mut site, pace, follow)
        }
    };
    progress.end();
    played
}

/// Whether datagrams are refused at present, as far as a sender can know: a receiver does not answer.
#[derive(Default)]
struct Refusals {
    is_refused: bool,
    /// The number of refusals, and what had been sent when the last one came.
    last: Played,
}

enum Change {
    Refused,
    Accepted,
}

impl Refusals {
    /// Systems send few refusals a second; after this time without one there is a receiver.
    const SILENCE: Duration = Duration::from_secs(3);

    fn change(&mut self, played: &Played) -> Option<Change> {
        if played.refused > self.last.refused {
            self.last = *played;
            return (!std::mem::replace(&mut self.is_refused, true)).then_some(Change::Refused);
        }
        let is_accepted = self.is_refused
            && played.datagrams >= self.last.datagrams + 3
            && played.elapsed >= self.last.elapsed + Self::SILENCE;
        is_accepted.then(|| {
            self.is_refused = false;
            Change::Accepted
        })
    }
}

/// The summary that a receiver can be compared with: lines on a terminal, JSON to a pipe.
fn report(played: &Played, memory_drop: Option<&MemoryDrop>) -> u8 {
    let sent = Sent::new(played, memory_drop);
    print(if io::stdout().is_terminal() {
        sent.lines()
    } else {
        sent.json() + "\n"
    })
}
