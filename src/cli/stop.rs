//! SIGINT, SIGTERM, SIGHUP and the console events of Windows.

use std::{
    io,
    sync::mpsc::{self, Receiver, Sender},
};

use qlik_sense_events::host::exec::Signal;

/// A channel that says when the program should end, and, on SIGHUP without a terminal, when it should read files
/// again. A second request to end ends it at once, with the status of that signal.
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

/// Calls `stop` when the program should end. A second request ends it at once, with the status of that signal.
///
/// # Errors
///
/// When the system refuses the handler.
pub fn on_stop(mut stop: impl FnMut() + Send + 'static) -> io::Result<()> {
    on_signals(false, move |_| stop())
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
        let mut is_asked = false;
        for signal in signals.forever() {
            if signal == SIGHUP && hangup_reads_again {
                act(Signal::Reload);
            } else if std::mem::replace(&mut is_asked, true) {
                // As a shell says it of a program that a signal has ended.
                std::process::exit(128 + signal);
            } else {
                act(Signal::Stop);
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(wait)?;
    Ok(())
}

#[cfg(windows)]
fn on_signals(_: bool, mut act: impl FnMut(Signal) + Send + 'static) -> io::Result<()> {
    /// As a shell says it of a program that Ctrl-C has ended.
    const INTERRUPTED: i32 = 130;

    let mut is_asked = false;
    ctrlc::set_handler(move || {
        if std::mem::replace(&mut is_asked, true) {
            std::process::exit(INTERRUPTED);
        }
        act(Signal::Stop);
    })
    .map_err(io::Error::other)
}
