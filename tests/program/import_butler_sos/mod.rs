//! `import-butler-sos`: the results for configurations of Butler SOS 9 to 15.
//!
//! `data/butler_sos/NAME.yaml` is a configuration of Butler SOS that was written for these tests. Next to it are the
//! plugin.toml, the configuration of Vector and the notes that the import makes of it.

mod files;
mod in_vector;
mod log_events;
mod mistakes;
mod performance;
mod senders;
mod servers;
mod values;
mod vector;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use qlik_sense_events::import::butler_sos::{Import, Options, import};
use serde_json::Value;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_qlik-sense-events");

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/butler_sos")
}

pub fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The configurations, by name.
pub fn configurations() -> Vec<(String, PathBuf)> {
    let files = fs::read_dir(folder()).expect("a folder");
    let mut found: Vec<(String, PathBuf)> = files
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| {
            let name = path
                .file_name()?
                .to_str()?
                .strip_suffix(".yaml")?
                .to_owned();
            (!name.contains('.')).then_some((name, path))
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "not a configuration file");
    found
}

/// The default path of the plugin.toml.
pub const PLUGIN_TOML: &str = if cfg!(windows) {
    r"C:\ProgramData\qlik-sense-events\plugin.toml"
} else {
    "/etc/qlik-sense-events/plugin.toml"
};

pub fn options() -> Options {
    Options {
        plugin_toml: PLUGIN_TOML.to_owned(),
        resolve: |_| Vec::new(),
        allow_any_sender: false,
    }
}

pub fn imported(file: &Path) -> Import {
    import(&read(file), &options()).unwrap_or_else(|problem| panic!("{problem}"))
}

pub fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("import-butler-sos").args(arguments);
    command.output().expect("the program")
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// The configuration of Vector for a configuration of Butler SOS.
pub fn vector(of: &Value) -> Value {
    let import = import(&of.to_string(), &options()).expect("an import");
    yaml_serde::from_str(&import.vector_yaml).expect("YAML")
}
