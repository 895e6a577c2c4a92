//! Takes the terminal for the screen, and restores it, however the program ends.

use std::{
    io::{self, IsTerminal, Stdout, Write},
    mem::ManuallyDrop,
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ratatui::{
    Frame, Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor, execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

use super::super::progress::knows_escapes;

/// A terminal in raw mode on its alternate screen. Dropping it restores the terminal.
pub struct Screened {
    /// Never dropped: Ratatui's drop shows the cursor, and panics if it cannot report that the terminal has gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
    panicked: Arc<AtomicBool>,
}

impl Screened {
    /// Takes over the terminal.
    ///
    /// # Errors
    ///
    /// When standard output is not a terminal, or the terminal cannot be set.
    pub fn open() -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            return Err(io::Error::other(
                "standard output is not a terminal; `run` writes events to a file or a pipe, and `top FILE` prints a \
                 list",
            ));
        }
        if !knows_escapes() {
            return Err(io::Error::other(
                "it does not support escape sequences (TERM=dumb); `top FILE` prints a list",
            ));
        }
        let panicked = Arc::new(AtomicBool::new(false));
        restore_on_panic(Arc::clone(&panicked));
        enable_raw_mode()?;
        let opened = execute!(io::stdout(), EnterAlternateScreen, cursor::Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        match opened {
            Ok(terminal) => Ok(Self {
                terminal: ManuallyDrop::new(terminal),
                panicked,
            }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Draws a frame.
    ///
    /// # Errors
    ///
    /// When the terminal has gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        Ok(())
    }

    /// The height of the terminal in lines.
    ///
    /// # Errors
    ///
    /// When the terminal has gone.
    pub fn height(&self) -> io::Result<u16> {
        Ok(self.terminal.size()?.height)
    }

    /// Whether a thread has panicked. The terminal has been restored then, so nothing more may be drawn.
    pub fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::Relaxed)
    }
}

impl Drop for Screened {
    fn drop(&mut self) {
        if !self.has_panicked() {
            restore();
        }
    }
}

/// Whether another program has the terminal, as with a job that a shell started with `&` or continued with `bg`.
#[cfg(unix)]
pub fn is_in_background() -> bool {
    use nix::unistd::{getpgrp, tcgetpgrp};
    use std::fs::File;

    // As crossterm does.
    let in_front = if io::stdin().is_terminal() {
        tcgetpgrp(io::stdin())
    } else {
        File::open("/dev/tty").map_or(Err(nix::errno::Errno::ENXIO), tcgetpgrp)
    };
    // Only the controlling terminal answers this, and only that one would stop the program.
    in_front.is_ok_and(|group| group != getpgrp())
}

/// Windows has no jobs.
#[cfg(not(unix))]
pub const fn is_in_background() -> bool {
    false
}

/// Makes the use of the terminal fail in the background, where the system would otherwise stop the program, and stop it
/// again when a signal should end it. Applies to this thread and those that it starts.
#[cfg(unix)]
pub fn refuse_to_be_stopped() -> io::Result<()> {
    use nix::sys::signal::{SigSet, Signal};

    let signals: SigSet = [Signal::SIGTTIN, Signal::SIGTTOU].into_iter().collect();
    signals.thread_block()?;
    Ok(())
}

#[cfg(not(unix))]
pub const fn refuse_to_be_stopped() -> io::Result<()> {
    Ok(())
}

/// Restores the terminal. One that has gone needs none of it, and one that the shell took back is as the shell set it.
pub fn restore() {
    if !is_in_background() {
        let _ = disable_raw_mode();
    }
    let _ = execute!(io::stdout(), LeaveAlternateScreen, cursor::Show);
    let _ = io::stdout().flush();
}

/// Ends the program when its terminal goes away, for which there is not always a signal. Crossterm does not help:
/// within one call, it reads from such a terminal for ever.
#[cfg(unix)]
pub fn end_with_terminal(status: u8) -> io::Result<()> {
    use nix::{
        errno::Errno,
        poll::{PollFd, PollFlags, PollTimeout, poll},
    };
    use std::{os::fd::AsFd, process, thread};

    let wait = move || {
        let stdout = io::stdout();
        // Keys do not wake it, only errors, which are always reported.
        let mut state = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
        while poll(&mut state, PollTimeout::NONE) == Err(Errno::EINTR) {}
        let told = state[0].revents().unwrap_or(PollFlags::empty());
        // Some systems cannot wait for a terminal, and report that.
        if told.intersects(PollFlags::POLLHUP | PollFlags::POLLERR)
            && !told.contains(PollFlags::POLLNVAL)
        {
            process::exit(status.into());
        }
    };
    thread::Builder::new().name("terminal".into()).spawn(wait)?;
    Ok(())
}

/// On Windows, closing a console ends its programs.
#[cfg(not(unix))]
pub fn end_with_terminal(_: u8) -> io::Result<()> {
    Ok(())
}

/// The message of a panic would be lost with the alternate screen.
fn restore_on_panic(panicked: Arc<AtomicBool>) {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !panicked.swap(true, Ordering::Relaxed) {
            restore();
        }
        report(info);
    }));
}
