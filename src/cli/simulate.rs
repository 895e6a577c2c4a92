//! `simulate`: sends the datagrams of a lifelike site.

use std::{
    io::{self, IsTerminal, Write},
    net::{SocketAddr, ToSocketAddrs},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use clap::Args;
use qlik_sense_events::simulate::{Pace, Played, Sender, Site, SiteOptions};

use super::{FAILURE, SUCCESS, USAGE, stop, summary};

#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Where to send to
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9997")]
    to: String,
    /// Datagrams a second; 0 for as fast as possible
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Datagrams in all; without it the site lives until it is interrupted
    #[arg(long)]
    count: Option<u64>,
    #[command(flatten)]
    site: SiteArgs,
}

/// What the simulated site looks like.
#[derive(Debug, Args)]
pub struct SiteArgs {
    /// Users of the site, beside its service accounts
    #[arg(long, default_value_t = SiteOptions::default().users)]
    users: usize,
    /// Qlik Sense nodes
    #[arg(long, default_value_t = SiteOptions::default().nodes)]
    nodes: usize,
    /// Odd payloads in a thousand: other encodings, missing fields, garbage
    #[arg(long, value_name = "PER_MILLE", default_value_t = SiteOptions::default().odd_per_mille)]
    odd: u16,
    /// The same seed gives the same site
    #[arg(long, default_value_t = SiteOptions::default().seed)]
    seed: u64,
    /// Send what the extended appender sends: time, row number, session id and result as well
    #[arg(long)]
    extended: bool,
}

impl SiteArgs {
    pub const fn options(&self) -> SiteOptions {
        SiteOptions {
            seed: self.seed,
            users: self.users,
            nodes: self.nodes,
            odd_per_mille: self.odd,
            extended: self.extended,
        }
    }
}

pub fn simulate(args: &SimulateArgs) -> u8 {
    let Some(address) = resolve(&args.to) else {
        anstream::eprintln!("--to: expected HOST:PORT such as 127.0.0.1:9997");
        return USAGE;
    };
    match play(args, address) {
        Ok(played) => {
            report(&played);
            SUCCESS
        }
        Err(error) => {
            anstream::eprintln!("cannot send to {address}: {error}");
            FAILURE
        }
    }
}

fn resolve(to: &str) -> Option<SocketAddr> {
    to.to_socket_addrs().ok()?.next()
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
    let show_progress = io::stderr().is_terminal();
    let played = Sender::connect(address)?.play(&mut site, pace, |played| {
        if show_progress {
            let seconds = played.elapsed.as_secs_f64();
            eprint!(
                "\rsent {} datagrams to {address} in {seconds:.1} s",
                played.datagrams
            );
        }
        if stopped.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    if show_progress {
        eprintln!();
    }
    played
}

/// The truth that a receiver can be checked against: lines on a terminal, JSON into a pipe.
fn report(played: &Played) {
    let numbers = summary::sent(played);
    let text = if io::stdout().is_terminal() {
        numbers
            .iter()
            .map(|(name, number)| format!("{name:<18} {number:>9}"))
            .collect::<Vec<_>>()
            .join("\n")
    } else {
        summary::json(&numbers)
    };
    // A reader that has gone does not need it.
    let _ = writeln!(io::stdout(), "{text}");
}
