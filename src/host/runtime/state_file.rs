//! The file that keeps the sessions from one run to the next.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::transform::{Sessions, sessions::StateError};

/// What became of a state file at the start.
#[derive(Debug)]
pub enum Loaded {
    /// There is none yet.
    Absent,
    /// So many users are followed from where they were.
    Users(u64),
    /// It was damaged, stands under another name now, and nobody is followed yet.
    SetAside {
        /// What is wrong with it.
        error: StateError,
        /// Its other name; what the system said where it could not be renamed.
        to: Result<PathBuf, io::Error>,
    },
}

/// Takes the sessions from a file, as they were when it was written, and older by the time since.
///
/// # Errors
///
/// When there is a file and the system does not let it be read.
pub fn load(file: &Path, sessions: &Sessions) -> io::Result<Loaded> {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Loaded::Absent),
        Err(error) => return Err(error),
    };
    match sessions.restore(&mut BufReader::new(opened), SystemTime::now().into()) {
        Ok(users) => Ok(Loaded::Users(users)),
        Err(StateError::Read(error)) => Err(error),
        Err(error) => {
            let other = with_suffix(file, ".damaged");
            let to = fs::rename(file, &other).map(|()| other);
            Ok(Loaded::SetAside { error, to })
        }
    }
}

/// Writes the sessions to a file. Whoever reads it, after a crash at any point too, finds the old
/// state or the new one whole. Only its owner may read it, where the system knows owners.
///
/// # Errors
///
/// When the system does not let it be written; the old state is as it was.
pub fn save(file: &Path, sessions: &Sessions) -> io::Result<()> {
    let new = with_suffix(file, ".new");
    // Left by a run that was killed; another's file would have another's permissions.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let saved = write(&new, sessions).and_then(|()| fs::rename(&new, file));
    if saved.is_err() {
        // Half a state only takes room on a disk that may be full.
        let _ = fs::remove_file(&new);
    }
    saved?;
    sync_folder(file)
}

/// Writes the sessions to a file that is not there yet, and waits until they are on the disk.
fn write(new: &Path, sessions: &Sessions) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut writer = BufWriter::new(options.open(new)?);
    for part in sessions.state() {
        writer.write_all(&part)?;
    }
    writer.into_inner()?.sync_all()
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

/// The new name is only safe once the folder is.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere folders cannot be opened; the system takes care of the name.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
