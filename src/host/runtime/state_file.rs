//! The file that keeps sessions across restarts.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{every::Every, state_lock::StateLock};
use crate::{
    host::diagnostics::{Level, Report, counted},
    transform::{
        Sessions,
        sessions::{StateError, begins_as_state},
    },
};

/// How often the sessions are saved.
const SAVE: Duration = Duration::from_mins(1);

/// The file, and when it is to be written next.
#[derive(Debug)]
pub(super) struct StateFile {
    /// Never a symbolic link, which a new file would replace.
    file: PathBuf,
    due: Every,
    /// The last attempt failed and was reported.
    is_failing: bool,
    /// Held until this is dropped; `None` if the system has no locks for this file.
    _lock: Option<StateLock>,
}

/// The content of the file.
#[derive(Debug)]
enum Loaded {
    /// There is no file yet.
    Absent,
    /// This many users were restored.
    Users(u64),
    /// There is no usable state. The file has been renamed, and there are no sessions.
    SetAside {
        /// What is wrong with it.
        error: StateError,
        /// Its new name, or why it could not be renamed.
        to: io::Result<PathBuf>,
    },
}

impl StateFile {
    /// Restores the sessions, and writes the file at once, so that a file that cannot be written is reported now rather
    /// than in a minute. `None` if another program uses the file, which is reported: its sessions are not ours, and
    /// events matter more than their state.
    ///
    /// # Errors
    ///
    /// When the file exists and cannot be read, or is something else than a session state.
    pub(super) fn open(
        file: &Path,
        sessions: &Sessions,
        diagnostics: &mut impl Report,
    ) -> io::Result<Option<Self>> {
        // Nothing is left beside a file that is refused. The system itself follows links here, which it refuses for
        // those of other users in folders like /tmp.
        open(file)?;
        let file = link_target(file)?;
        let lock = match StateLock::take(&with_suffix(&file, ".lock")) {
            Ok(lock) => Some(lock),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let message = format!("{}: {IN_USE}", file.display());
                diagnostics.report(Level::Error, &message);
                return Ok(None);
            }
            // A folder that cannot be written is reported with the state; some network shares have no locks.
            Err(_) => None,
        };
        let mut state = Self {
            file,
            due: Every::new(SAVE),
            is_failing: false,
            _lock: lock,
        };
        state.load(sessions, diagnostics)?;
        state.save(sessions, diagnostics);
        Ok(Some(state))
    }

    /// Restores the last saved state, after a panic left the sessions half changed.
    pub(super) fn restore(&self, sessions: &Sessions, diagnostics: &mut impl Report) {
        if let Err(error) = self.load(sessions, diagnostics) {
            sessions.reset();
            let message = format!(
                "{}: cannot read the session state, starting without sessions: {error}",
                self.file.display()
            );
            diagnostics.report(Level::Error, &message);
        }
    }

    fn load(&self, sessions: &Sessions, diagnostics: &mut impl Report) -> io::Result<()> {
        let name = self.file.display();
        match load(&self.file, sessions)? {
            Loaded::Absent => sessions.reset(),
            Loaded::Users(users) => {
                let users = counted(users, "user", "users");
                let message = format!("{name}: resumed the sessions of {users}");
                diagnostics.report(Level::Info, &message);
            }
            Loaded::SetAside { error, to } => {
                let what = match &error {
                    StateError::Version { .. } => "was written by another version of this program",
                    _ => "is damaged",
                };
                let to = match to {
                    Ok(to) => format!("kept as {}", to.display()),
                    Err(error) => format!("cannot rename it: {error}"),
                };
                let message = format!(
                    "{name}: the session state {what}: {error}; {to}; starting without sessions"
                );
                diagnostics.report(Level::Warn, &message);
            }
        }
        Ok(())
    }

    pub(super) fn is_due(&mut self) -> bool {
        self.due.is_due()
    }

    /// Saves the sessions, and returns whether that succeeded. A file that cannot be written is reported once, until
    /// writing succeeds again.
    pub(super) fn save(&mut self, sessions: &Sessions, diagnostics: &mut impl Report) -> bool {
        match save(&self.file, sessions) {
            Ok(()) => self.is_failing = false,
            Err(error) if !std::mem::replace(&mut self.is_failing, true) => diagnostics.report(
                Level::Error,
                &format!(
                    "{}: cannot write the session state: {error}{}",
                    self.file.display(),
                    match error.kind() {
                        io::ErrorKind::NotFound => "; its folder does not exist: create it",
                        io::ErrorKind::PermissionDenied => {
                            "; the user of this program needs permission to write to its folder"
                        }
                        _ => "",
                    }
                ),
            ),
            Err(_) => {}
        }
        !self.is_failing
    }
}

const IN_USE: &str = "another program uses this session state; this one neither resumes nor saves sessions: give it a \
transform.sessions.state_file of its own, or end the other program and restart this one";

/// The file that a path stands for, perhaps through symbolic links. It need not exist.
///
/// # Errors
///
/// When there are too many links, as in a loop.
pub fn link_target(file: &Path) -> io::Result<PathBuf> {
    /// As in Linux.
    const MOST: usize = 40;

    let mut file = file.to_owned();
    for _ in 0..MOST {
        match fs::read_link(&file) {
            // A relative target begins at the folder of the link.
            Ok(target) => file = file.with_file_name("").join(target),
            // It is no link, does not exist, or cannot be used, which shows when it is.
            Err(_) => return Ok(file),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "too many levels of symbolic links",
    ))
}

/// Opens a file that may contain a state; `None` if there is no file.
fn open(file: &Path) -> io::Result<Option<BufReader<File>>> {
    let refused = |expected| Err(io::Error::new(io::ErrorKind::InvalidInput, expected));
    match fs::metadata(file) {
        Ok(found) if found.is_file() => {}
        // Opening it may block forever, and it must not be renamed or replaced.
        Ok(_) => return refused("expected a file; this is a folder, a device or a pipe"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut text = BufReader::new(File::open(file)?);
    if !begins_as_state(&mut text)? {
        return refused(
            "expected a session state or no file; this is another file, and would be replaced: move it, or choose \
             another path",
        );
    }
    Ok(Some(text))
}

/// Restores the sessions from a file, as they were when it was written, aged by the time that has passed since.
fn load(file: &Path, sessions: &Sessions) -> io::Result<Loaded> {
    let Some(mut text) = open(file)? else {
        return Ok(Loaded::Absent);
    };
    let restored = sessions.restore(&mut text, SystemTime::now().into());
    // On Windows an open file cannot be renamed.
    drop(text);
    match restored {
        Ok(users) => Ok(Loaded::Users(users)),
        Err(StateError::Read(error)) => Err(error),
        Err(error) => {
            let to = match error {
                StateError::Version { found } => set_aside(file, &format!(".version-{found}")),
                _ => set_aside(file, ".damaged"),
            };
            Ok(Loaded::SetAside { error, to })
        }
    }
}

/// Renames a file to an unused name, and returns that name.
fn set_aside(file: &Path, suffix: &str) -> io::Result<PathBuf> {
    let numbered = (2..).map(|number| format!("{suffix}-{number}"));
    for suffix in [suffix.to_owned()].into_iter().chain(numbered) {
        let other = with_suffix(file, &suffix);
        match fs::symlink_metadata(&other) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return fs::rename(file, &other).map(|()| other);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Writes the sessions to a file. After a crash at any point, a reader finds either the old or the new state,
/// complete. Only its owner may read it, where the system has owners. On an error the old state is unchanged.
fn save(file: &Path, sessions: &Sessions) -> io::Result<()> {
    let new = with_suffix(file, ".new");
    // A run that was killed may have left this file; writing to it would keep its permissions.
    match patiently(|| fs::remove_file(&new)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let saved = write(&new, sessions).and_then(|()| patiently(|| fs::rename(&new, file)));
    if saved.is_err() {
        // A partial file only wastes space on a disk that may be full.
        let _ = fs::remove_file(&new);
    }
    saved?;
    sync_folder(file)
}

/// Writes the sessions to a new file, and waits until they are on the disk.
fn write(new: &Path, sessions: &Sessions) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut writer = BufWriter::new(patiently(|| options.open(new))?);
    for part in sessions.state() {
        writer.write_all(&part)?;
    }
    if !sessions.is_whole() {
        return Err(io::Error::other("a panic left the sessions half changed"));
    }
    writer.into_inner()?.sync_all()
}

#[cfg(not(windows))]
fn patiently<T>(act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    act()
}

/// On Windows an open file cannot be replaced or removed, but programs that inspect every new file, such as virus
/// scanners, soon close it.
#[cfg(windows)]
fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    /// `ERROR_SHARING_VIOLATION`.
    const IS_OPEN: i32 = 32;
    const PAUSE: Duration = Duration::from_millis(20);

    for _ in 0..50 {
        match act() {
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied
                    || error.raw_os_error() == Some(IS_OPEN) =>
            {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
    act()
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

/// The new name is only durable once the folder is synced.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Other systems cannot open folders; they make the name durable themselves.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
