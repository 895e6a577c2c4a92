//! `demo`: a receiver and a simulated site on this machine, to show the output.

use std::{
    env,
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use qlik_sense_events::{
    config::{Addresses, Config},
    encoding::Encoder,
    host::{
        diagnostics::{Level, Report, counted},
        exec::{Diagnostics, ExecError, Output},
        runtime::{
            PATIENCE,
            control::Control,
            frames::Frames,
            listener::Listener,
            start::{self, Opened, StartError},
            threads::{Failure, lock},
            worker::Sink,
        },
    },
    schema::Schema,
    simulate::{Pace, Played, Sender, Site},
    transform::OutputBuffer,
};

use super::{
    FAILURE, SUCCESS, USAGE, columns::knows_unicode, files, line::Lines, number::within,
    options::CommonArgs, progress::Progress, simulate::SiteArgs, stop, summary, texts,
};

/// How long the last datagrams may take from the sender to the pipeline.
const ARRIVAL: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(after_long_help = texts::DEMO)]
pub struct DemoArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Duration in seconds
    #[arg(
        long,
        allow_negative_numbers = true,
        default_value_t = 5,
        value_parser = within(1..=u32::MAX)
    )]
    seconds: u32,
    /// Datagrams per second
    #[arg(
        long,
        allow_negative_numbers = true,
        default_value_t = 40,
        value_parser = within(1..=u32::MAX)
    )]
    rate: u32,
    #[command(flatten)]
    site: SiteArgs,
}

pub fn demo(args: &DemoArgs) -> u8 {
    let mut loaded = match args.common.load_or_report() {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    let config = &mut loaded.config;
    config.source.workers = 1;
    config.source.address = Addresses::new(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    if args.common.config.is_none() {
        // What an administrator would leave out first: Qlik Sense's own accounts.
        config.transform.blacklist.users = SERVICE_ACCOUNTS.parse().into_iter().collect();
    }
    let mut diagnostics = Diagnostics::new(&config.output);
    let output = &config.output;
    // Lines for people have fields of their own; somebody who asks for others wants to see those.
    let for_people = io::stdout().is_terminal()
        && args.common.codec.is_none()
        && output.schema == Schema::Default
        && output.drop_fields.is_empty();
    if !for_people && let Some(message) = args.common.refuse_terminal(config) {
        diagnostics.report(Level::Error, message);
        return USAGE;
    }
    match play(args, config, for_people) {
        Ok(status) => status,
        Err(ExecError::Start(error)) if error.is_configuration() => {
            for reason in files::reasons(&loaded, &error) {
                diagnostics.report(Level::Error, &reason);
            }
            USAGE
        }
        Err(error) => {
            diagnostics.report(Level::Error, &error.to_string());
            FAILURE
        }
    }
}

const SERVICE_ACCOUNTS: &str = r"INTERNAL\sa_*";

fn play(args: &DemoArgs, config: &Config, for_people: bool) -> Result<u8, ExecError> {
    let screen = Arc::new(Mutex::new(Progress::new()));
    let layout = config.output.layout().map_err(StartError::Fields)?;
    let output = Output::stdout().map_err(ExecError::Output)?;
    let Opened { bound, pipeline } = start::open(config)?;
    let sink = DemoSink {
        screen: Arc::clone(&screen),
        lines: None,
        frames: (!for_people)
            .then(|| Frames::new(output.clone(), Encoder::new(config.output.codec, &layout))),
    };
    // One address was configured, so there is one worker.
    let listeners = Listener::all(bound);
    let handle = listeners.first().and_then(|it| it.workers.first());
    let Some(worker) = handle.and_then(|it| it.worker(&config.source, pipeline, sink)) else {
        return Ok(FAILURE);
    };
    let address = worker.address().map_err(StartError::Socket)?;
    let control = worker.control();
    drop(listeners);
    let stopped = stop_request(output).map_err(StartError::Thread)?;
    let thread = thread::spawn(move || worker.run());
    say(
        &screen,
        &format!(
            "A simulated Qlik Sense site sends {} a second to a receiver on {address}, for {} s.{}",
            counted(args.rate.into(), "datagram", "datagrams"),
            args.seconds,
            if args.common.config.is_none() {
                format!(
                    "\nSessions of Qlik Sense's own accounts, {SERVICE_ACCOUNTS}, are left out."
                )
            } else {
                String::new()
            }
        ),
    );
    let has_ended = || thread.is_finished();
    let played = send(args, address, &screen, &control, &stopped, has_ended);
    let played = played.map_err(ExecError::Output)?;
    if !thread.is_finished() {
        await_arrival(&control, played.datagrams);
        control.stop();
    }
    let ended = thread.join().unwrap_or(Err(Failure::Panicked));
    if !was_seen(ended)? {
        return Ok(SUCCESS);
    }
    let counters = control.counters();
    let mut said = format!("sent       {:>9} datagrams\n", played.datagrams);
    let not_accepted = [
        ("refused", counters.refused, "source.allowed_senders"),
        ("over rate", counters.over_rate, "source.rate_limit"),
    ];
    for (name, datagrams, option) in not_accepted {
        if datagrams > 0 {
            said.push_str(&format!(
                "{name:<10} {datagrams:>9} datagrams, by {option}\n"
            ));
        }
    }
    said.push_str(&summary::received(&counters.pipeline));
    say(&screen, &said);
    let is_all_accepted = not_accepted.iter().all(|(_, datagrams, _)| *datagrams == 0);
    Ok(if is_all_accepted { SUCCESS } else { FAILURE })
}

/// Whether the events were read to their end. A reader that stops has seen enough.
fn was_seen(ended: Result<(), Failure>) -> Result<bool, ExecError> {
    match ended {
        Ok(()) => Ok(true),
        Err(Failure::Failed(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(Failure::Failed(error)) if error.kind() == io::ErrorKind::TimedOut => {
            Err(ExecError::Unread)
        }
        Err(Failure::Failed(error)) => Err(ExecError::Output(error)),
        Err(Failure::Panicked) => Err(ExecError::Panicked),
    }
}

/// Whether somebody has asked the program to end. A reader that does not read then keeps it waiting no longer than
/// `run`.
fn stop_request(output: Output) -> io::Result<Arc<AtomicBool>> {
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopped);
    stop::on_stop(move || {
        asked.store(true, Ordering::Relaxed);
        let output = output.clone();
        thread::spawn(move || {
            thread::sleep(PATIENCE);
            output.give_up();
        });
    })?;
    Ok(stopped)
}

fn send(
    args: &DemoArgs,
    address: SocketAddr,
    screen: &Mutex<Progress>,
    control: &Control,
    stopped: &AtomicBool,
    has_ended: impl Fn() -> bool,
) -> io::Result<Played> {
    let pace = Pace {
        rate: args.rate,
        count: Some(u64::from(args.rate) * u64::from(args.seconds)),
    };
    Sender::connect(address)?.play(&mut Site::new(args.site.options()), pace, |played| {
        let counters = control.counters().pipeline;
        lock(screen).show(format!(
            "{:4.1} s  sent {}  received {}  events {}  excluded {}  undecoded {}",
            played.elapsed.as_secs_f64(),
            played.datagrams,
            counters.datagrams,
            counters.events(),
            counters.excluded,
            counters.undecoded_events(),
        ));
        if stopped.load(Ordering::Relaxed) || has_ended() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

fn await_arrival(control: &Control, datagrams: u64) {
    let end = Instant::now() + ARRIVAL;
    let taken = || {
        let counters = control.counters();
        counters.pipeline.datagrams + counters.refused + counters.over_rate
    };
    while taken() < datagrams && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
}

fn say(screen: &Mutex<Progress>, text: &str) {
    lock(screen).message(text);
}

/// The width of the terminal; 80 columns if unknown.
fn columns() -> usize {
    terminal_size::terminal_size().map_or(80, |(columns, _)| columns.0.into())
}

/// Events as lines on a terminal, in the codec into a pipe.
struct DemoSink {
    screen: Arc<Mutex<Progress>>,
    /// What lines look like; none before the heading is there.
    lines: Option<Lines>,
    frames: Option<Frames<Output>>,
}

impl Sink for DemoSink {
    fn take(&mut self, events: &mut OutputBuffer) -> io::Result<()> {
        let screen = lock(&self.screen);
        match &mut self.frames {
            Some(frames) => screen.around(|| frames.take(events)),
            None => {
                let heading = self.lines.is_none();
                let lines = *self.lines.get_or_insert_with(|| {
                    let variable = |name: &str| env::var(name).ok();
                    Lines::new(columns(), knows_unicode(variable))
                });
                screen.around(|| {
                    let mut stdout = anstream::stdout().lock();
                    if heading {
                        writeln!(stdout, "{}", lines.heading())?;
                    }
                    for event in events.drain() {
                        writeln!(stdout, "{}", lines.line(&event))?;
                    }
                    stdout.flush()
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use qlik_sense_events::host::runtime::threads::guarded;

    use super::*;

    #[test]
    fn a_receiver_that_panics_is_a_failure() {
        let ended = guarded(|| panic!("this is the test of a panic"));
        assert!(matches!(was_seen(ended), Err(ExecError::Panicked)));
        let gone = Failure::Failed(io::ErrorKind::BrokenPipe.into());
        assert!(matches!(was_seen(Err(gone)), Ok(false)));
        let full = Failure::Failed(io::ErrorKind::StorageFull.into());
        assert!(matches!(was_seen(Err(full)), Err(ExecError::Output(_))));
    }
}
