//! SIGINT, SIGTERM, SIGHUP and the console events of Windows.

use std::{
    io,
    sync::mpsc::{self, Receiver, Sender},
    time::{Duration, Instant},
};

use qlik_sense_events::host::exec::Signal;

/// How long after the first request to end further ones are taken for the same. A terminal and systemd signal a whole
/// process group, that is Vector and this program, and Vector then signals this program too: within milliseconds, while
/// a person who is tired of waiting takes longer.
const SAME_REQUEST: Duration = Duration::from_secs(1);

/// A channel that signals when the program should end, and, on SIGHUP without a terminal, when it should reload
/// files. A second request to end, more than [`SAME_REQUEST`] after the first, ends it at once, with the status of that
/// signal.
///
/// # Errors
///
/// When the system refuses the handler.
pub fn signals() -> io::Result<(Sender<Signal>, Receiver<Signal>)> {
    let (sender, receiver) = mpsc::channel();
    on_signals(!has_terminal(), {
        let sender = sender.clone();
        move |signal| {
            // The receiver is gone when the program is about to end anyway.
            let _ = sender.send(signal);
        }
    })?;
    Ok((sender, receiver))
}

/// Calls `stop` when the program should end. A second request ends it at once, as with [`signals`].
///
/// # Errors
///
/// When the system refuses the handler.
pub fn on_stop(mut stop: impl FnMut() + Send + 'static) -> io::Result<()> {
    on_signals(false, move |_| stop())
}

/// The requests to end so far.
#[derive(Debug, Default)]
struct Requests {
    first: Option<Instant>,
}

/// What a request to end means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// The program should end.
    Stop,
    /// The first request, once more.
    Same,
    /// The program should end at once.
    AtOnce,
}

impl Requests {
    fn next(&mut self) -> Request {
        match self.first {
            None => {
                self.first = Some(Instant::now());
                Request::Stop
            }
            Some(first) if first.elapsed() < SAME_REQUEST => Request::Same,
            Some(_) => Request::AtOnce,
        }
    }
}

/// Whether a person may be there, whose terminal ends with SIGHUP.
fn has_terminal() -> bool {
    use std::io::IsTerminal as _;

    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

#[cfg(unix)]
fn on_signals(
    hangup_reads_again: bool,
    mut act: impl FnMut(Signal) + Send + 'static,
) -> io::Result<()> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };

    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let wait = move || {
        let mut requests = Requests::default();
        for signal in signals.forever() {
            if signal == SIGHUP && hangup_reads_again {
                act(Signal::Reload);
                continue;
            }
            match requests.next() {
                Request::Stop => act(Signal::Stop),
                Request::Same => {}
                // The shell's status for a program that a signal has ended.
                Request::AtOnce => std::process::exit(128 + signal),
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(wait)?;
    Ok(())
}

/// Ctrl+C, Ctrl+Break, a console that is closed, and the end of the system. The system ends a program by itself when
/// a handler of the last two returns, or when that takes longer than some seconds; these handlers do not return, and
/// the program ends meanwhile. Logging off is not one of them, because services receive that event too.
#[cfg(windows)]
fn on_signals(_: bool, mut act: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    use std::{future::poll_fn, task::Poll};

    use tokio::{
        runtime,
        signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown},
    };

    /// The shell's status for a program that Ctrl+C has ended.
    const INTERRUPTED: i32 = 130;

    let waiting = runtime::Builder::new_current_thread().build()?;
    let (mut c, mut key, mut close, mut end) =
        (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_shutdown()?);
    let wait = move || {
        let mut requests = Requests::default();
        loop {
            waiting.block_on(poll_fn(|cx| {
                // Each is asked, so that each wakes this thread.
                let asked = [
                    c.poll_recv(cx),
                    key.poll_recv(cx),
                    close.poll_recv(cx),
                    end.poll_recv(cx),
                ];
                if asked.iter().any(Poll::is_ready) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }));
            match requests.next() {
                Request::Stop => act(Signal::Stop),
                Request::Same => {}
                Request::AtOnce => std::process::exit(INTERRUPTED),
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(wait)?;
    Ok(())
}
