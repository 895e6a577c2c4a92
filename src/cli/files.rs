//! Reports everything that is wrong with the files that a configuration names.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

#[cfg(feature = "qrs")]
use qlik_sense_events::host::https::HttpsError;
use qlik_sense_events::{
    config::{Config, Loaded},
    host::runtime::start::StartError,
    pipeline::PipelineError,
    transform::{
        app_names::AppNamesError, blacklist::BlacklistError, pseudonymize::PseudonymizeError,
        sessions::begins_as_state,
    },
};

/// Opens a file for reading. Systems open a folder too, and fail only when it is read.
pub fn open(file: &Path) -> io::Result<File> {
    if file.is_dir() {
        let message = "this is a folder; expected a file";
        return Err(io::Error::new(io::ErrorKind::IsADirectory, message));
    }
    File::open(file)
}

/// Why receiving cannot start: the error, or everything that is wrong with the files if they are the cause.
pub fn reasons(loaded: &Loaded, error: &StartError) -> Vec<String> {
    if error.is_configuration() {
        let mistakes = mistakes(loaded);
        if !mistakes.is_empty() {
            return mistakes;
        }
    }
    vec![match error {
        StartError::State { file, source } => {
            let message = format!("cannot read {}: {source}", file.display());
            loaded.about(STATE_FILE, message)
        }
        error => error.to_string(),
    }]
}

/// Everything that is wrong with the files of the transforms and the certificates for services of Qlik Sense.
pub fn mistakes(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let unreadable = loaded.unreadable();
    let is_said = |file: &Path| unreadable.iter().any(|it| it.file == file);
    let mut mistakes: Vec<String> = unreadable.iter().map(|it| it.message.clone()).collect();
    for error in config.pipeline().mistakes() {
        if !unread(&error).is_some_and(is_said) {
            mistakes.push(match error {
                PipelineError::Pseudonymize(PseudonymizeError::NotSet { .. }) => loaded.about(
                    "transform.pseudonymize.key_env",
                    "the environment variable of this name is not set, or is not Unicode",
                ),
                error => error.to_string(),
            });
        }
    }
    #[cfg(feature = "qrs")]
    for error in of_services(config) {
        let is_said = matches!(&error, HttpsError::Read { file, .. } if is_said(file));
        let message = error.to_string();
        if !is_said && !mistakes.contains(&message) {
            mistakes.push(message);
        }
    }
    mistakes
}

/// The file of a transform that cannot be read, if that is the mistake.
fn unread(error: &PipelineError) -> Option<&Path> {
    match error {
        PipelineError::Blacklist(BlacklistError::Read { file, .. })
        | PipelineError::AppNames(AppNamesError::Read { file, .. })
        | PipelineError::Pseudonymize(PseudonymizeError::Read { file, .. }) => Some(file),
        _ => None,
    }
}

/// What is wrong with the certificates and keys for services, the first mistake for each service.
#[cfg(feature = "qrs")]
fn of_services(config: &Config) -> Vec<HttpsError> {
    use qlik_sense_events::host::{engine_health::Engines, qps::Proxies, qrs::Client};

    let (qrs, qps) = (
        &config.transform.app_names.qrs,
        &config.transform.sessions.qps,
    );
    let repository = qrs.is_enabled().then(|| Client::new(qrs).err()).flatten();
    // Without any, that is the mistake, and the certificates are not needed yet.
    let has_proxies = !qps.proxies.is_empty() || qrs.is_enabled();
    let proxies = has_proxies.then(|| Proxies::new(config).err()).flatten();
    let engines = Engines::new(config).err();
    [repository, proxies, engines]
        .into_iter()
        .flatten()
        .collect()
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

const STATE_FILE: &str = "transform.sessions.state_file";

/// The files and sockets that are in use, by their options.
fn places(config: &Config) -> Vec<(&'static str, &Path)> {
    let state = config.transform.sessions.state_file();
    let mut places: Vec<_> = state.map(|file| (STATE_FILE, file)).into_iter().collect();
    places.extend(sockets(config));
    places
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
