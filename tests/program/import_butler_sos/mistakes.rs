//! Invalid configuration files.

use std::fs;

use qlik_sense_events::{
    config::Config,
    import::butler_sos::{ImportError, import},
};
use serde_json::Value;

use super::{configurations, options, read, run, text};

#[test]
fn mistakes_are_reported_with_file_line_and_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.yaml");
    let aliases = ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip('a'..);
    let aliases = aliases.map(|(name, last)| {
        let list = vec![format!("*{last}"); 9].join(",");
        format!("{name}: &{name} [{list}]\n")
    });
    let bomb = format!("a: &a [x,x,x,x,x,x,x,x,x]\n{}", aliases.collect::<String>());
    let rows = [
        (
            &*bomb,
            "1: ",
            "this is not valid YAML: repetition limit exceeded",
        ),
        (
            "a: b: c\n",
            "1: ",
            "this is not valid YAML: mapping values are not allowed",
        ),
        (
            "[output]\n",
            "1: ",
            "this is not a configuration of Butler SOS: expected all keys below `Butler-SOS`",
        ),
        (
            "Butler-SOS: []\n",
            "1: Butler-SOS: ",
            "expected keys with values, found a list",
        ),
        (
            "butler: {}\n",
            "1: ",
            "this is not a configuration of Butler SOS: expected all keys below `Butler-SOS`",
        ),
        (
            "Butler-SOS:\n  logLevel: info\n",
            "2: ",
            "missing key `userEvents`",
        ),
        (
            "Butler-SOS:\n  userEvents:\n    enable: true\n    udpServerConfig:\n      portUserActivityEvents: 99970\n",
            "5: userEvents.udpServerConfig.portUserActivityEvents: ",
            "99970 is not a port; expected 1 to 65535",
        ),
        (
            "Butler-SOS:\n  userEvents:\n    udpServerConfig:\n      portUserActivityEvents: <port>\n",
            "4: userEvents.udpServerConfig.portUserActivityEvents: ",
            "expected a port, 1 to 65535, found text",
        ),
        (
            "Butler-SOS:\n  userEvents: {}\n  influxdbConfig:\n    version: 4\n",
            "4: influxdbConfig.version: ",
            "expected 1, 2 or 3",
        ),
        (
            "Butler-SOS:\n  userEvents:\n    enable: yes\n",
            "3: userEvents.enable: ",
            "expected true or false, found text",
        ),
        (
            "Butler-SOS:\n  userEvents: {}\n  influxdbConfig:\n    v2Config:\n      token: [TOKEN-OF-INFLUXDB]\n",
            "5: influxdbConfig.v2Config.token: ",
            "expected text, found a list",
        ),
    ];
    for (yaml, place, message) in rows {
        fs::write(&file, yaml).expect("a file");
        let refused = run(&[file.to_str().expect("UTF-8")]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(refused.stdout.is_empty());
        let (_, rest) = said.split_once("config.yaml:").expect("the file's name");
        assert!(rest.starts_with(place), "{place}: {said}");
        assert!(rest.contains(message), "{message}: {said}");
        assert!(!rest.contains("TOKEN-OF-INFLUXDB"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    fs::write(&file, b"Butler-SOS:\n  # J\xF6rgen\n").expect("a file");
    let refused = run(&[file.to_str().expect("UTF-8")]);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(
        said.contains("config.yaml:2: the text is neither UTF-8 nor"),
        "{said}"
    );
    let missing = run(&["/no/such/file.yaml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).starts_with("/no/such/file.yaml: cannot read"));
}

/// PowerShell writes UTF-16 with `>` and `Out-File`.
#[test]
fn a_configuration_in_utf_16_is_imported_like_the_original() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("config.yaml");
    let (_, original) = configurations().swap_remove(0);
    let utf_16 = read(&original);
    let utf_16 = utf_16.encode_utf16().flat_map(u16::to_le_bytes);
    let bytes: Vec<u8> = [0xFF, 0xFE].into_iter().chain(utf_16).collect();
    fs::write(&copy, bytes).expect("a file");
    let [copy, original] = [copy, original].map(|file| run(&[file.to_str().expect("UTF-8")]));
    assert_eq!(copy.status.code(), original.status.code());
    assert_eq!(text(&copy.stdout), text(&original.stdout));
}

/// Values that a key does not expect, or that are written in an unusual way.
const VALUES: [&str; 16] = [
    "12e4",
    "0x1F",
    "-1",
    "1e400",
    ".inf",
    "~",
    "''",
    "host:4242",
    "https://host:1/",
    "'*'",
    "'a,b\\c'",
    "'\"LAB\\\\x\" # y'",
    "(null)",
    "10.0.0.300",
    "true",
    "[a, b]",
];

/// A damaged configuration is either refused or imported, and the result is valid: TOML that the program accepts, and
/// YAML.
#[test]
fn damaged_configurations_do_no_harm() {
    let mut random = 7_u32;
    let mut below = |limit: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % limit
    };
    let (mut imported, mut refused) = (0, 0);
    for (name, file) in configurations() {
        let whole = read(&file);
        for _ in 0..100 {
            let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
            let place = below(lines.len());
            let line = lines[place].clone();
            match below(6) {
                0 => drop(lines.remove(place)),
                1 => lines[place] = line.replace(':', ""),
                2 => lines[place] = format!("  {line}"),
                3 => lines[place] = line.replace(": ", ": \"") + "\"",
                4 => {
                    let value = VALUES[below(VALUES.len())];
                    lines[place] = format!("{}: {value}", line.split(": ").next().unwrap_or(""));
                }
                _ => lines[place] = line.split(": ").next().unwrap_or("").to_owned() + ":",
            }
            match import(&lines.join("\n"), &options()) {
                Ok(import) => {
                    Config::parse(&import.plugin_toml)
                        .unwrap_or_else(|problems| panic!("{name}, {line}: {problems:?}"));
                    yaml_serde::from_str::<Value>(&import.vector_yaml)
                        .unwrap_or_else(|error| panic!("{name}, {line}: {error}"));
                    imported += 1;
                }
                Err(ImportError::Problem(problem)) => {
                    assert!(problem.line > 0, "{name}, {line}: {problem}");
                    refused += 1;
                }
                Err(ImportError::NoSender { .. }) => refused += 1,
                Err(error) => panic!("{name}, {line}: {error}"),
            }
        }
    }
    assert!(imported > 100 && refused > 100, "{imported} {refused}");
}
