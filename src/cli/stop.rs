//! SIGINT, SIGTERM and the console events of Windows.

use std::{
    io,
    sync::mpsc::{self, Receiver, Sender},
};

use qlik_sense_events::host::exec::Signal;

/// The status of a program that SIGINT ends, by convention of shells.
const INTERRUPTED: i32 = 130;

/// A channel that says when the program should end. A second request ends it at once.
///
/// # Errors
///
/// When the system refuses the handler.
pub fn signals() -> io::Result<(Sender<Signal>, Receiver<Signal>)> {
    let (sender, receiver) = mpsc::channel();
    on_stop({
        let sender = sender.clone();
        move || {
            // The receiver is gone when the program is about to end anyway.
            let _ = sender.send(Signal::Stop);
        }
    })?;
    Ok((sender, receiver))
}

/// Calls `stop` when the program should end. A second request ends it at once.
///
/// # Errors
///
/// When the system refuses the handler.
pub fn on_stop(mut stop: impl FnMut() + Send + 'static) -> io::Result<()> {
    let mut asked = false;
    ctrlc::set_handler(move || {
        if std::mem::replace(&mut asked, true) {
            std::process::exit(INTERRUPTED);
        }
        stop();
    })
    .map_err(io::Error::other)
}
