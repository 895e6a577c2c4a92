//! Reports everything that is wrong with the files that a configuration names.

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

use qlik_sense_events::{
    config::{Config, Loaded},
    host::runtime::start::StartError,
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

/// Why receiving cannot start: the error, or everything that is wrong with the files if they are the cause.
pub fn reasons(config: &Config, error: &StartError) -> Vec<String> {
    let mut reasons = Vec::new();
    if error.is_configuration() {
        reasons = mistakes(config);
    }
    if reasons.is_empty() {
        reasons.push(error.to_string());
    }
    reasons
}

/// Everything that is wrong with the files of the transforms and the certificates for services of Qlik Sense.
pub fn mistakes(config: &Config) -> Vec<String> {
    let of_transforms = config.pipeline().mistakes();
    #[allow(unused_mut, reason = "without the feature `qrs` there are no others")]
    let mut mistakes: Vec<String> = of_transforms.iter().map(ToString::to_string).collect();
    #[cfg(feature = "qrs")]
    if config.transform.app_names.qrs.is_enabled() {
        let client = qlik_sense_events::host::qrs::Client::new(&config.transform.app_names.qrs);
        mistakes.extend(client.err().map(|error| error.to_string()));
    }
    #[cfg(feature = "qrs")]
    {
        // Without any, that is the mistake, and the certificates are not needed yet.
        let has_proxies = !config.transform.sessions.qps.proxies.is_empty()
            || config.transform.app_names.qrs.is_enabled();
        if has_proxies {
            let proxies = qlik_sense_events::host::qps::Proxies::new(config);
            let mistake = proxies.err().map(|error| error.to_string());
            mistakes.extend(mistake.filter(|mistake| !mistakes.contains(mistake)));
        }
        let engines = qlik_sense_events::host::engine_health::Engines::new(config);
        let mistake = engines.err().map(|error| error.to_string());
        mistakes.extend(mistake.filter(|mistake| !mistakes.contains(mistake)));
    }
    mistakes
}

/// What is in the place of a file or socket that the program creates, or of the socket to which it connects, and is
/// something else.
pub fn occupied(loaded: &Loaded) -> Vec<String> {
    let problems = places(&loaded.config).into_iter().filter_map(|(key, path)| {
        let found = fs::metadata(path).ok()?;
        let is_file = key == STATE_FILE;
        let is_expected = if is_file { found.is_file() } else { is_socket(found.file_type()) };
        let expected = if is_file { "file" } else { "socket" };
        (!is_expected).then(|| {
            let message = format!(
                "expected a {expected} there or nothing; remove what is in its place, or choose another path"
            );
            loaded.about(key, message)
        })
    });
    problems.collect()
}

/// Why the file of the session state is none: it is something else, even the configuration itself, and would be
/// replaced.
pub fn other_than_state(loaded: &Loaded, config_file: &Path) -> Option<String> {
    let file = loaded.config.transform.sessions.state_file()?;
    // Opening anything else may block forever.
    if !fs::metadata(file).is_ok_and(|found| found.is_file()) {
        return None;
    }
    let is_state = begins_as_state(&mut BufReader::new(File::open(file).ok()?));
    if is_state.ok()? {
        return None;
    }
    let canonical = |path| fs::canonicalize(path).ok();
    let expected = if canonical(file) == canonical(config_file) {
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
    let output = &config.output;
    let mut places = Vec::new();
    places.extend(
        config
            .transform
            .sessions
            .state_file()
            .map(|file| (STATE_FILE, file)),
    );
    // On Windows they are no files.
    if cfg!(unix) {
        let sockets = [
            ("output.unix_stream", &*output.unix_stream),
            ("output.local_socket", &output.local_socket),
        ];
        places.extend(
            sockets
                .into_iter()
                .filter(|(_, path)| !path.as_os_str().is_empty()),
        );
    }
    places
}

#[cfg(unix)]
fn is_socket(found: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&found)
}

#[cfg(not(unix))]
const fn is_socket(_: fs::FileType) -> bool {
    true
}
