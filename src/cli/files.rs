//! Reports everything that is wrong with the files and sockets that a configuration names.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

pub use qlik_sense_events::host::named_files::{mistakes, reasons};
use qlik_sense_events::{
    config::{Config, Loaded},
    host::{named_files::STATE_FILE, runtime::link_target},
    transform::sessions::begins_as_state,
};

/// Opens a file for reading. Systems open a folder too, and fail only when it is read.
pub fn open(file: &Path) -> io::Result<File> {
    if file.is_dir() {
        let message = "this is a folder; expected a file";
        return Err(io::Error::new(io::ErrorKind::IsADirectory, message));
    }
    File::open(file)
}

/// What is in the place of a socket that the program creates or to which it connects, and is something else.
pub fn occupied(loaded: &Loaded) -> Vec<String> {
    let sockets = sockets(&loaded.config).into_iter();
    let occupied = sockets
        .filter(|(_, path)| fs::metadata(path).is_ok_and(|found| !is_socket(found.file_type())));
    let problems = occupied.map(|(key, _)| loaded.about(key, in_its_place("socket")));
    problems.collect()
}

fn in_its_place(expected: &str) -> String {
    format!(
        "expected a {expected} there or nothing; remove what is in its place, or choose another path"
    )
}

/// Why the file of the session state is none: it is something else, even the configuration itself, and would be
/// replaced.
pub fn other_than_state(loaded: &Loaded) -> Option<String> {
    let file = loaded.config.transform.sessions.state_file()?;
    if let Err(error) = link_target(file) {
        return Some(loaded.about(STATE_FILE, error.to_string()));
    }
    // Opening anything else may block forever.
    if !fs::metadata(file).ok()?.is_file() {
        return Some(loaded.about(STATE_FILE, in_its_place("file")));
    }
    let is_state = begins_as_state(&mut BufReader::new(File::open(file).ok()?));
    if is_state.ok()? {
        return None;
    }
    let canonical = |path| fs::canonicalize(path).ok();
    let expected = if canonical(file) == canonical(loaded.file()) {
        "expected a path of its own; this is the configuration itself"
    } else {
        "expected a session state or no file; this is another file, and would be replaced: move it, or choose another \
         path"
    };
    Some(loaded.about(STATE_FILE, expected))
}

/// Folders that do not exist, for a file or a socket. A service manager or the reader may create them at the start.
pub fn missing_folders(loaded: &Loaded) -> Vec<String> {
    let places = places(&loaded.config).into_iter();
    let missing = places.filter_map(|(key, path)| {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty())?;
        (!folder.is_dir()).then(|| {
            let message = format!(
                "the folder {} does not exist; create it, or choose another path",
                folder.display()
            );
            loaded.about(key, message)
        })
    });
    missing.collect()
}

/// The files and sockets that are in use, by their options.
fn places(config: &Config) -> Vec<(&'static str, Cow<'_, Path>)> {
    // Links are followed when it is written. A loop of links is reported elsewhere.
    let state = config.transform.sessions.state_file();
    let state = state.and_then(|file| link_target(file).ok());
    let state = state.map(|file| (STATE_FILE, Cow::Owned(file)));
    let sockets = sockets(config).into_iter();
    let sockets = sockets.map(|(key, path)| (key, Cow::Borrowed(path)));
    state.into_iter().chain(sockets).collect()
}

/// The sockets that are in use, by their options.
fn sockets(config: &Config) -> Vec<(&'static str, &Path)> {
    // On Windows they are no files.
    if cfg!(not(unix)) {
        return Vec::new();
    }
    let output = &config.output;
    let sockets = [
        ("output.unix_stream", &*output.unix_stream),
        ("output.local_socket", &output.local_socket),
    ];
    let used = sockets
        .into_iter()
        .filter(|(_, path)| !path.as_os_str().is_empty());
    used.collect()
}

/// Whether something that is not a socket has this path.
#[cfg(feature = "top")]
pub fn is_other_than_socket(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !is_socket(found.file_type()))
}

#[cfg(unix)]
fn is_socket(found: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&found)
}

#[cfg(not(unix))]
const fn is_socket(_: fs::FileType) -> bool {
    true
}
