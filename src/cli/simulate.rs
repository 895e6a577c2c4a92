//! `simulate`: sends the datagrams of a lifelike site.

use std::{
    io::{self, IsTerminal},
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::{Args, ValueEnum};
use qlik_sense_events::simulate::{Families, Pace, Played, Sender, Site, SiteOptions};

use super::{
    FAILURE, USAGE,
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
    /// Datagrams a second; 0 for as fast as possible
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Datagrams to send in all; without it, the site goes on until it is interrupted
    #[arg(long)]
    count: Option<u64>,
    #[command(flatten)]
    site: SiteArgs,
}

/// What the simulated site looks like.
#[derive(Debug, Args)]
#[command(next_help_heading = "Simulated site")]
pub struct SiteArgs {
    /// Users, besides service accounts, 1 to 1000000
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    users: u32,
    /// Qlik Sense nodes, 1 to 1000
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    nodes: u16,
    /// Odd payloads in a thousand, 0 to 1000
    ///
    /// Other encodings, missing fields, garbage: what a receiver has to cope with.
    #[arg(
        long,
        value_name = "PER_MILLE",
        default_value_t = SiteOptions::default().odd_per_mille,
        value_parser = clap::value_parser!(u16).range(0..=1_000)
    )]
    odd: u16,
    /// Seed of the random numbers; the same seed gives the same site
    #[arg(long, default_value_t = SiteOptions::default().seed)]
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

/// A family of events, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Family {
    /// Sessions and connections
    User,
    /// Log events of engine, proxy, repository and scheduler
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
    let played = match play(args, address) {
        Ok(played) => played,
        Err(error) => {
            say(format_args!("cannot send to {address}: {error}"));
            return FAILURE;
        }
    };
    let status = report(&played);
    if played.refused > 0 {
        say(format_args!(
            "nobody listens on {address}, or did not at times: its system refused {} datagrams or more. Start a \
             receiver there first, such as `qlik-sense-events run`",
            played.refused
        ));
        return FAILURE;
    }
    status
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
    match to.to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err((FAILURE, format!("the name {host} has no address"))),
        Err(error) => Err((
            FAILURE,
            format!("the name {host} cannot be looked up: {error}"),
        )),
    }
}

fn play(args: &SimulateArgs, address: SocketAddr) -> io::Result<Played> {
    let stopped = Arc::new(AtomicBool::new(false));
    stop::on_stop({
        let stopped = Arc::clone(&stopped);
        move || stopped.store(true, Ordering::Relaxed)
    })?;
    let mut site = Site::new(args.site.options());
    let pace = Pace {
        rate: args.rate,
        count: args.count,
    };
    let mut progress = Progress::new();
    let mut is_refused = false;
    let played = Sender::connect(address)?.play(&mut site, pace, |played| {
        if played.refused > 0 && !std::mem::replace(&mut is_refused, true) {
            progress.message(format_args!("nobody listens on {address}; sending goes on"));
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
    });
    progress.end();
    played
}

/// The truth that a receiver can be checked against: lines on a terminal, JSON into a pipe.
fn report(played: &Played) -> u8 {
    let sent = Sent::new(played);
    print(if io::stdout().is_terminal() {
        sent.lines()
    } else {
        sent.json() + "\n"
    })
}
