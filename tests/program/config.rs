//! Mistakes in the configuration: they are refused before anything is received, with file, line and key.

use std::fs;

use tempfile::TempDir;

use crate::support::{Finished, Running, end, finish, payload, record};

/// A folder with a configuration, and with a blacklist that has a mistake in its second line.
fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("config.toml"), config).expect("a file");
    fs::write(folder.path().join("users.txt"), "LAB\\goran\nLAB\\\n").expect("a file");
    folder
}

fn run(folder: &TempDir) -> Finished {
    let file = folder.path().join("config.toml").display().to_string();
    finish(&["run", "--address", "127.0.0.1:0", "--config", &file])
}

fn check(folder: &TempDir) -> Finished {
    finish(&[
        "check",
        &folder.path().join("config.toml").display().to_string(),
    ])
}

/// The messages of a `run` that has ended.
fn messages(ran: &Finished) -> Vec<String> {
    let lines = ran.stderr.split_inclusive('\n');
    let records = lines.map(|line| record(line.as_bytes()));
    let message = |record: serde_json::Value| record["message"].as_str().map(str::to_owned);
    records.filter_map(message).collect()
}

/// Asserts that `run` and `check` both refuse the configuration, with the same single message.
fn refused(config: &str, expected: &str) {
    let folder = folder(config);
    let ran = run(&folder);
    assert_eq!(ran.status, 2, "{config}");
    assert_eq!(ran.stdout, "", "{config}");
    let diagnostic = record(ran.stderr.as_bytes());
    assert_eq!(diagnostic["level"], "error", "{config}");
    let message = diagnostic["message"].as_str().expect("text");
    let start = format!("{}/{expected}", folder.path().display());
    let start = start.replace('/', std::path::MAIN_SEPARATOR_STR);
    let comparable = message.replace('/', std::path::MAIN_SEPARATOR_STR);
    assert!(comparable.starts_with(&start), "{config}\n{message}");

    let checked = check(&folder);
    assert_eq!(checked.status, 2, "{config}");
    assert_eq!(checked.stdout, "", "{config}");
    assert_eq!(checked.stderr.trim_end(), message, "{config}");
}

#[test]
fn an_unknown_key_is_refused() {
    refused(
        "[source]\nadress = \"127.0.0.1:0\"\n",
        "config.toml:2: source.adress: unknown key; did you mean `address`?",
    );
    refused(
        "\n[transform.blacklst]\nusers = []\n",
        "config.toml:2: transform.blacklst: unknown key; did you mean `blacklist`?",
    );
    refused(
        "[queue]\nsize = 1\n",
        "config.toml:2: queue.size: unknown key; expected `max_events`",
    );
}

#[test]
fn a_key_in_the_wrong_table_is_refused() {
    refused(
        "[source]\ncodec = \"native\"\n",
        "config.toml:2: source.codec: unknown key; did you mean `codec` in [output]?",
    );
    refused(
        "[blacklist]\nusers = []\n",
        "config.toml:1: blacklist: unknown key; did you mean [transform.blacklist]?",
    );
    refused(
        "[transform]\nfiles = []\n",
        "config.toml:2: transform.files: unknown key; did you mean `files` in [transform.app_names] or \
         `files` in [transform.blacklist]?",
    );
}

#[test]
fn a_wrong_type_is_refused() {
    for (config, expected) in [
        (
            "[source]\n\nreceive_buffer_bytes = \"big\"\n",
            "config.toml:3: source.receive_buffer_bytes = \"big\": expected a whole number of 0 or more",
        ),
        (
            "[source]\nmax_datagram_bytes = 1.5\n",
            "config.toml:2: source.max_datagram_bytes = 1.5: expected a whole number of 0 or more",
        ),
        (
            "[telemetry]\ninterval_secs = -1\n",
            "config.toml:2: telemetry.interval_secs = -1: expected a whole number of 0 or more",
        ),
        (
            "[telemetry]\ninterval_secs = \"60\"\n",
            "config.toml:2: telemetry.interval_secs = \"60\": expected a whole number of 0 or more, \
             without quotes",
        ),
        (
            "[transform.performance]\nmin_peak_ram_bytes = 1e9\n",
            "config.toml:2: transform.performance.min_peak_ram_bytes = 1e9: expected a whole number of 0 or more, \
             written out in digits, such as 1000000000",
        ),
        (
            "[transform.performance]\nmin_peak_ram_bytes = '1GB'\n",
            "config.toml:2: transform.performance.min_peak_ram_bytes = '1GB': expected a whole number of 0 or more, \
             without quotes and without a unit, such as 1000000000",
        ),
        (
            "[transform.performance]\nmin_process_ms = 1e300\n",
            "config.toml:2: transform.performance.min_process_ms = 1e300: expected a number of milliseconds, not \
             negative, at most 320000000000, such as 500 or 0.5",
        ),
        (
            "[transform.app_names.qrs]\nport = 70000\n",
            "config.toml:2: transform.app_names.qrs.port = 70000: expected a whole number from 0 to 65535",
        ),
        (
            "[transform.blacklist]\nevents = ['session', 'sesion']\n",
            "config.toml:2: transform.blacklist.events[1] = 'sesion': expected `session`, `connection`, `log`, \
             `performance` or `task`; did you mean `session`?",
        ),
        (
            "[transform.blacklist]\nevents = ['performances']\n",
            "config.toml:2: transform.blacklist.events[0] = 'performances': expected `session`, `connection`, \
             `log`, `performance` or `task`; did you mean `performance`?",
        ),
        (
            "[transform.blacklist]\nevents = []\n",
            "config.toml:2: transform.blacklist.events = []: expected at least one kind of event",
        ),
        (
            "[transform.blacklist]\ncase_sensitive = 1\n",
            "config.toml:2: transform.blacklist.case_sensitive = 1: expected true or false",
        ),
        (
            "[source]\nrate_limit = \"many\"\n",
            "config.toml:2: source.rate_limit = \"many\": expected a table with the keys `events_per_sec` \
             and `burst`",
        ),
        (
            "source = 1\n",
            "config.toml:1: source = 1: expected a table with the keys `address`, ",
        ),
        (
            "[transform.blacklist]\nfiles = 'users.txt'\n",
            "config.toml:2: transform.blacklist.files = 'users.txt': expected a list, in brackets: [ … ]",
        ),
        (
            "[transform.blacklist]\nfiles = [1]\n",
            "config.toml:2: transform.blacklist.files[0] = 1: expected text in quotes",
        ),
        (
            "[source]\naddress = 9997\n",
            "config.toml:2: source.address = 9997: expected an address such as \"0.0.0.0:9997\"",
        ),
        (
            "[output]\nlocal_socket = 2026-01-31\n",
            "config.toml:2: output.local_socket = 2026-01-31: expected text in quotes",
        ),
        (
            "[output]\ntags = 'site'\n",
            "config.toml:2: output.tags = 'site': expected a table of names and values",
        ),
        (
            "[output]\ncodec = true\n",
            "config.toml:2: output.codec = true: expected `json`, `native_json` or `native`",
        ),
        (
            "[plugin.hosts.vector]\ncommand = []\n",
            "config.toml:1: plugin.hosts.vector: missing key `component`",
        ),
    ] {
        refused(config, expected);
    }
}

#[test]
fn an_impossible_value_is_refused() {
    refused(
        "[source]\nmax_datagram_bytes = 0\n",
        "config.toml:2: source.max_datagram_bytes = 0: expected 1 to 65507 bytes",
    );
    refused(
        "[source]\nfallback_encoding = \"klingon\"\n",
        "config.toml:2: source.fallback_encoding = \"klingon\": expected the label of",
    );
    refused(
        "[output]\ncodec = \"Nativ\"\n",
        "config.toml:2: output.codec = \"Nativ\": expected `json`, `native_json` or `native`; did you mean \
         `native`?",
    );
    refused(
        "[plugin]\nname = \"another\"\n",
        "config.toml:2: plugin.name = \"another\": expected `qlik_sense`",
    );
    refused(
        "[source]\nallowed_senders = [\n  \"10.0.0.0/8\",\n  \"10.0.0.300\",\n]\n",
        "config.toml:4: source.allowed_senders[1] = \"10.0.0.300\": expected an IP address or a range",
    );
}

#[test]
fn an_invalid_address_is_refused() {
    for (address, expected) in [
        (
            "localhost:9997",
            "host names are not accepted; write the IP address of `localhost`",
        ),
        ("9997", "did you mean \"0.0.0.0:9997\"?"),
        ("127.0.0.1", "did you mean \"127.0.0.1:9997\"?"),
    ] {
        let folder = folder(&format!("[source]\naddress = [\"{address}\"]\n"));
        let checked = check(&folder);
        assert_eq!(checked.status, 2);
        let start = format!(
            "config.toml:2: source.address[0] = \"{address}\": expected an address such as"
        );
        assert!(checked.stderr.contains(&start), "{}", checked.stderr);
        assert!(
            checked.stderr.trim_end().ends_with(expected),
            "{}",
            checked.stderr
        );
    }
    refused(
        "[source]\naddress = ['127.0.0.1:9', '127.0.0.1:9']\n",
        "config.toml:2: source.address[1] = '127.0.0.1:9': 127.0.0.1:9 is given twice; remove one of them",
    );
}

#[test]
fn addresses_that_receive_the_same_datagrams_are_refused() {
    refused(
        "[source]\naddress = [\n  '0.0.0.0:9997',\n  '127.0.0.1:9997',\n]\n",
        "config.toml:4: source.address[1] = '127.0.0.1:9997': 0.0.0.0:9997 includes 127.0.0.1:9997; remove one of them",
    );
    let ran = finish(&["run", "--address", "[::1]:9997", "--address", "[::]:9997"]);
    assert_eq!(ran.status, 2);
    let expected = "--address: [::]:9997 includes [::1]:9997; remove one of them";
    assert_eq!(messages(&ran), [expected]);
}

#[test]
fn a_path_that_two_options_have_is_refused() {
    for (config, expected) in [
        (
            "[transform.blacklist]\nfiles = ['users.txt']\n[transform.sessions]\nstate_file = 'users.txt'\n",
            "config.toml:4: transform.sessions.state_file = 'users.txt': expected a path of its own; \
             `transform.blacklist.files[0]` is the same",
        ),
        #[cfg(unix)]
        (
            "[output]\nunix_stream = 'a.sock'\nlocal_socket = 'a.sock'\n",
            "config.toml:3: output.local_socket = 'a.sock': expected a path of its own; `output.unix_stream` is the same",
        ),
    ] {
        let folder = folder(config);
        let checked = check(&folder);
        assert_eq!(checked.status, 2, "{config}");
        assert!(checked.stderr.contains(expected), "{}", checked.stderr);
        assert_eq!(run(&folder).status, 2, "{config}");
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_too_long_for_a_socket_is_refused_with_its_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = "a".repeat(150);
    for (option, most) in [("unix_stream", 107), ("local_socket", 99)] {
        let most = if cfg!(target_os = "linux") {
            most
        } else {
            most - 4
        };
        let config = format!("[output]\n{option} = '{name}'\n");
        fs::write(folder.path().join("config.toml"), config).expect("a file");
        let path = folder.path().join(&name);
        let expected = format!(
            "expected a path of at most {most} bytes, the limit of the system for sockets; {} has {}",
            path.display(),
            path.as_os_str().len()
        );
        let checked = check(&folder);
        assert_eq!(checked.status, 2);
        assert!(
            checked
                .stderr
                .contains(&format!("config.toml:2: output.{option} = "))
        );
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
        assert_eq!(run(&folder).status, 2);
    }
}

#[test]
fn a_prefix_with_slashes_around_it_is_refused() {
    for (prefix, meant) in [
        ("/sales", "sales"),
        ("hr/", "hr"),
        ("a//b", "sales"),
        ("/", ""),
    ] {
        let config = format!(
            "[transform.sessions.qps]\nproxies = [\n  {{ host = 'a', virtual_proxies = ['{prefix}'] }},\n]\n"
        );
        let checked = check(&folder(&config));
        assert_eq!(checked.status, 2, "{prefix}");
        let expected = format!(
            "`virtual_proxies`: expected prefixes as in the QMC, such as \"{meant}\", without slashes around them, and \
             \"\" for the default virtual proxy; found \"{prefix}\""
        );
        assert!(
            checked
                .stderr
                .contains(":3: transform.sessions.qps.proxies[0]: ")
        );
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
    }
}

/// A missing key has no line of its own.
#[cfg(feature = "qrs")]
#[test]
fn a_missing_key_is_reported_at_its_table() {
    let checked = check(&folder(
        "[transform.sessions]\nenabled = true\n\n[transform.sessions.qps]\nenabled = true\n",
    ));
    assert_eq!(checked.status, 2);
    let expected = "config.toml:4: transform.sessions.qps.proxies: expected at least one proxy";
    assert!(checked.stderr.contains(expected), "{}", checked.stderr);
}

#[test]
fn text_without_a_key_is_reported_without_one() {
    for garbage in ["===\n", "[[[\n", "[\"\"]\n===\n"] {
        let checked = check(&folder(garbage));
        assert_eq!(checked.status, 2, "{garbage}");
        assert!(
            !checked.stderr.contains(": '': missing"),
            "{}",
            checked.stderr
        );
        assert!(
            !checked.stderr.contains(": '': expected `,`"),
            "{}",
            checked.stderr
        );
    }
}

/// A service manager may create a missing folder at start, so this is only a warning.
#[test]
fn an_unusable_path_for_the_state_is_reported() {
    let config = "[transform.sessions]\nenabled = true\nstate_file = 'none/sessions.ndjson'\n";
    let missing = folder(config);
    let checked = check(&missing);
    assert_eq!(checked.status, 0);
    let expected = format!(
        "config.toml:3: transform.sessions.state_file = 'none/sessions.ndjson': the folder {} does not exist",
        missing.path().join("none").display()
    );
    assert!(checked.stderr.contains(&expected), "{}", checked.stderr);

    let occupied = folder("[transform.sessions]\nenabled = true\nstate_file = 'sessions'\n");
    fs::create_dir(occupied.path().join("sessions")).expect("a folder");
    let checked = check(&occupied);
    assert_eq!(checked.status, 2);
    let expected = "config.toml:3: transform.sessions.state_file = 'sessions': expected a file there or nothing";
    assert!(checked.stderr.contains(expected), "{}", checked.stderr);
}

/// The path may be that of Vector's own configuration, for example.
#[cfg(unix)]
#[test]
fn a_file_in_the_place_of_a_socket_is_reported() {
    for option in ["unix_stream", "local_socket"] {
        let folder = folder(&format!("[output]\n{option} = 'users.txt'\n"));
        let checked = check(&folder);
        assert_eq!(checked.status, 2, "{option}");
        let expected = format!(
            "config.toml:2: output.{option} = 'users.txt': expected a socket there or nothing"
        );
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
    }
    let ran = run(&folder("[output]\nunix_stream = 'users.txt'\n"));
    assert_eq!(ran.status, 1);
    let [message] = &messages(&ran)[..] else {
        panic!("{}", ran.stderr)
    };
    assert!(
        message.contains("this is not a socket; expected the `path` of Vector's source"),
        "{message}"
    );
}

#[test]
fn an_invalid_pattern_is_refused() {
    refused(
        "[transform.blacklist]\nusers = [\n  'LAB\\goran',\n  'maria',\n]\n",
        "config.toml:4: transform.blacklist.users[1]: `maria`: expected DIRECTORY\\user_id",
    );
}

#[test]
fn a_backslash_in_double_quotes_is_explained() {
    const HINT: &str =
        "in double quotes, a backslash starts an escape sequence; use single quotes: ";
    // Some of these are not escape sequences, and some are unintended ones.
    for user in [
        r"INTERNAL\sa_*",
        r"LAB\bob",
        r"LAB\tom",
        r"LAB\User",
        r"LAB\x41",
        r"LAB\eve",
    ] {
        refused(
            &format!("[transform.blacklist]\nusers = ['A\\b',\n  \"{user}\"]\n"),
            &format!("config.toml:3: transform.blacklist.users[1] = \"{user}\": {HINT}'{user}'"),
        );
    }
    refused(
        "[transform.app_names]\nfiles = [\"C:\\temp\\apps.csv\"]\n",
        &format!(
            "config.toml:2: transform.app_names.files[0] = \"C:\\temp\\apps.csv\": {HINT}'C:\\temp\\apps.csv'"
        ),
    );
    refused(
        "[transform.app_names]\nfiles = [\"C:\\\\temp\\apps.csv\"]\n",
        "config.toml:2: transform.app_names.files[0] = \"C:\\\\temp\\apps.csv\": in double quotes, a backslash starts \
         an escape sequence; write each backslash twice",
    );
}

#[test]
fn text_that_is_not_toml_is_refused() {
    refused(
        "[source]\naddress = \n",
        "config.toml:2: source.address: missing value",
    );
    refused(
        "[source]\naddress = localhost:9997\n",
        "config.toml:2: source.address = localhost:9997: text needs quotes: \"localhost:9997\"",
    );
    refused(
        "[source]\nworkers = 1\nworkers = 2\n",
        "config.toml:3: duplicate key: `workers`",
    );
    refused("[source\nworkers = 1\n", "config.toml:1: ");
}

/// What an unclosed list swallows is not reported as another mistake.
#[test]
fn an_unclosed_list_is_one_mistake() {
    let folder =
        folder("[transform.blacklist]\nusers = [ 'A\\b'\nfiles = []\n[output]\ncodec = 'json'\n");
    let checked = check(&folder);
    assert_eq!(checked.stderr.lines().count(), 1, "{}", checked.stderr);
    assert!(
        checked
            .stderr
            .contains("config.toml:3: transform.blacklist.users: expected `,` or `]` in the list that begins on line \
            2"),
        "{}",
        checked.stderr
    );
}

#[test]
fn an_invalid_blacklist_file_is_refused() {
    refused(
        "[transform.blacklist]\nfiles = [\"users.txt\"]\n",
        "users.txt:2: `LAB\\`: the user id is empty",
    );
    refused(
        "[transform.blacklist]\nfiles = [\"absent.txt\"]\n",
        "absent.txt: cannot read the file in `transform.blacklist.files`: ",
    );
}

/// Windows' editors and PowerShell save files like this.
#[test]
fn a_file_in_utf_16_is_read() {
    let text = "\u{FEFF}[transform.blacklist]\nusers = ['INTERNAL\\sa_*', 'LAB\\jörgen']\n";
    let folder = folder("");
    let file = folder.path().join("config.toml");
    let units = || text.encode_utf16();
    for bytes in [
        units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        units().flat_map(u16::to_be_bytes).collect(),
        text.as_bytes().to_vec(),
    ] {
        fs::write(&file, &bytes).expect("a file");
        let checked = check(&folder);
        assert_eq!((checked.status, &*checked.stderr), (0, ""));
        assert!(checked.stdout.contains("2 entries"), "{}", checked.stdout);
    }
    let without_mark = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut cut: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    cut.pop();
    for (bytes, expected) in [
        (
            without_mark("[output]\n"),
            "1: this is UTF-16 without a byte order mark",
        ),
        (
            without_mark("tags = 'ö'"),
            "1: the text is neither UTF-8 nor UTF-16 with a byte order mark",
        ),
        (
            cut,
            "2: the text is neither UTF-8 nor UTF-16 with a byte order mark",
        ),
        (
            b"[output]\ntags = { site = 'G\xF6teborg' }\n".to_vec(),
            "2: the text is neither UTF-8 nor UTF-16",
        ),
    ] {
        fs::write(&file, bytes).expect("a file");
        let checked = check(&folder);
        assert_eq!(checked.status, 2);
        let expected = format!("config.toml:{expected}");
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
    }
}

/// They include syntax errors, unknown keys, wrong types and impossible values, in the order of the file.
#[test]
fn all_mistakes_are_listed_at_once_and_in_order() {
    let folder = folder(
        "[source]\nworkers = 0\nadress = '127.0.0.1:0'\nundecoded = \"forwrd\"\n\
         allowed_senders = [\"10.0.0.300\", \"10.0.0.0/8\", \"lab\"]\n\n\
         [transform.blacklist]\nusers = [\"LAB\\sa\", 'maria', { user_directory = 'LAB', userid = 'a' }]\n\n\
         [output]\ncodec = xml\ndrop_fields = [\"userid\", \"message\", \"mesage\"]\n",
    );
    let expected = [
        "2: source.workers = 0: ",
        "3: source.adress: ",
        "4: source.undecoded = \"forwrd\": ",
        "5: source.allowed_senders[0] = \"10.0.0.300\": ",
        "5: source.allowed_senders[2] = \"lab\": ",
        "8: transform.blacklist.users[0] = \"LAB\\sa\": ",
        "8: transform.blacklist.users[1]: `maria`: ",
        "8: transform.blacklist.users[2].userid: ",
        "11: output.codec = xml: ",
        "12: output.drop_fields[0] = \"userid\": ",
        "12: output.drop_fields[2] = \"mesage\": ",
    ];
    let checked = check(&folder);
    let lines: Vec<&str> = checked.stderr.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{}", checked.stderr);
    for (line, expected) in lines.iter().zip(expected) {
        assert!(
            line.contains(&format!("config.toml:{expected}")),
            "{expected}\n{line}"
        );
    }
    assert_eq!(messages(&run(&folder)), lines);
}

/// Mistakes in the files that a configuration names are listed with its own.
#[test]
fn all_mistakes_in_all_files_are_listed() {
    let config = "[transform.blacklist]\nfiles = ['users.txt', 'absent.txt']\n\
                  [transform.app_names]\nfiles = ['none.csv']\n";
    let folder = folder(config);
    let users = "goran\nLAB\\goran\n\nLAB\\\n# LAB\n\\maria\n";
    fs::write(folder.path().join("users.txt"), users).expect("a file");
    let expected = [
        "users.txt:1: `goran`: ",
        "users.txt:4: `LAB\\`: ",
        "users.txt:6: `\\maria`: ",
        "absent.txt: cannot read the file in `transform.blacklist.files`: ",
        "none.csv: cannot read the file in `transform.app_names.files`: ",
    ];
    for own in ["", "[source]\nworkers = 0\n"] {
        fs::write(folder.path().join("config.toml"), format!("{own}{config}")).expect("a file");
        let checked = check(&folder);
        let ran = run(&folder);
        assert_eq!((checked.status, ran.status), (2, 2));
        let lines: Vec<&str> = checked.stderr.lines().collect();
        let files = lines.iter().filter(|line| !line.contains("config.toml"));
        for (line, expected) in files.clone().zip(expected) {
            assert!(line.contains(expected), "{expected}\n{line}");
        }
        assert_eq!(files.count(), expected.len(), "{}", checked.stderr);
        assert_eq!(lines.len(), expected.len() + usize::from(!own.is_empty()));
        assert_eq!(messages(&ran), lines);
    }
}

/// If the name of the schema is wrong, fields that it lacks are not reported as well.
#[test]
fn one_mistake_is_reported_once() {
    let folder = folder("[output]\nschema = \"ecss\"\ndrop_fields = [\"user.name\"]\n");
    let checked = check(&folder);
    assert_eq!(checked.stderr.lines().count(), 1, "{}", checked.stderr);
}

#[test]
fn a_thousand_mistakes_are_not_all_listed() {
    for entry in ["'maria',\n", "\"LAB\\sa\",\n"] {
        let entries = entry.repeat(1_000);
        let folder = folder(&format!("[transform.blacklist]\nusers = [{entries}]\n"));
        let checked = check(&folder);
        assert_eq!(checked.status, 2);
        assert_eq!(checked.stderr.lines().count(), 101);
        let last = checked.stderr.lines().last().expect("a line");
        assert!(
            last.ends_with("too many problems; the rest are not listed"),
            "{last}"
        );
    }
}

#[test]
fn a_missing_configuration_file_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run(&folder);
    assert_eq!(ran.status, 2);
    let message = record(ran.stderr.as_bytes())["message"].to_string();
    assert!(message.contains("config.toml: cannot read the configuration file: "));
    assert_eq!(check(&folder).status, 2);
}

#[test]
fn check_counts_the_entries_from_files() {
    let folder = folder(
        "[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\nfiles = [\"a.txt\", \"b.txt\"]\n",
    );
    std::fs::write(folder.path().join("a.txt"), "# accounts\nLAB\\a\nLAB\\b\n").expect("a file");
    std::fs::write(folder.path().join("b.txt"), "\n\n").expect("a file");
    let checked = check(&folder);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    let expected = "3 entries in the blacklist (2 from 2 files)";
    assert!(checked.stdout.contains(expected), "{}", checked.stdout);
}

#[test]
fn a_valid_configuration_is_summarized() {
    let folder = folder("[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n");
    let checked = check(&folder);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    let expected = ": ok; listens on 0.0.0.0:9997, 1 entry in the blacklist, 0 app names, \
         codec json";
    assert!(
        checked
            .stdout
            .lines()
            .next()
            .is_some_and(|line| line.ends_with(expected)),
        "{}",
        checked.stdout
    );
}

#[test]
fn check_says_which_limit_of_the_queue_is_reached_first() {
    for (config, expected) in [
        ("", "queue.max_bytes is the limit"),
        (
            "[queue]\nmax_bytes = 1000000000\n",
            "the queue holds 50000 events of about ",
        ),
        (
            "[queue]\nmax_events = 1000\n",
            "the queue holds 1000 events of about ",
        ),
    ] {
        let checked = check(&folder(config));
        assert_eq!(checked.status, 0);
        assert!(checked.stdout.contains(expected), "{}", checked.stdout);
    }
}

/// A host that expects the codec in the file has to be able to read what is wrong with the rest of it.
#[test]
fn mistakes_are_reported_in_the_codec_of_the_file() {
    let folder = folder("[output]\ncodec = \"native_json\"\n[source]\nworkers = 0\n");
    let ran = run(&folder);
    assert_eq!(ran.status, 2);
    let diagnostic = record(ran.stderr.as_bytes());
    let message = diagnostic["log"]["message"].as_str().expect("text");
    assert!(
        message.ends_with("4: source.workers = 0: expected 1 to 64 workers"),
        "{message}"
    );
}

#[test]
fn invalid_tags_and_unknown_fields_are_refused() {
    refused(
        "[output]\ntags = { \"a.b\" = \"c\" }\n",
        "config.toml:2: output.tags.'a.b' = \"c\": expected a name without dots, which would nest fields; write `a_b` \
         for `a.b`",
    );
    refused(
        "[output]\ntags = { \"\" = \"c\" }\n",
        "config.toml:2: output.tags.'' = \"c\": expected a name, but it is empty",
    );
    refused(
        "[output.tags_by_host.n1]\n\"a.b\" = \"c\"\n",
        "config.toml:2: output.tags_by_host.n1.'a.b' = \"c\": expected a name without dots",
    );
    refused(
        "[output.tags_by_host]\nN1 = { a = \"b\" }\nn1 = { a = \"c\" }\n",
        "config.toml:3: output.tags_by_host.n1: expected each node once, but `n1` is also listed in another case",
    );
    refused(
        "[output.tags_by_host.pro2]\na = \"b\"\n\n[output.tags_by_host.PRO2]\na = \"c\"\n",
        "config.toml:4: output.tags_by_host.PRO2: expected each node once, but `PRO2` is also listed in another case",
    );
    for name in ["pro2-*", "pro?", "pro2;", " pro2", "pro2\t"] {
        let shown = name.escape_default();
        refused(
            &format!("[output.tags_by_host.\"{shown}\"]\na = \"b\"\n"),
            &format!(
                "config.toml:1: output.tags_by_host.'{shown}': expected the name of one node, as in the field `host`"
            ),
        );
    }
    refused(
        "[output.tags_by_host.pro2.lab.example]\na = \"b\"\n",
        "config.toml:1: output.tags_by_host.pro2.lab: expected text in quotes; put a node name with dots in quotes: \
         [output.tags_by_host.'pro2.lab.example']",
    );
    refused(
        "[output]\ntags_by_host = { n1 = \"north\" }\n",
        "config.toml:2: output.tags_by_host.n1 = \"north\": expected a table of names and values",
    );
    refused(
        "[output]\n\ndrop_fields = [\"user_id\", \"user.name\"]\n",
        "config.toml:3: output.drop_fields[1] = \"user.name\": the schema `default` has no such field; \
         did you mean `user`?",
    );
    refused(
        "[output]\ndrop_fields = [\"colour\"]\n",
        "config.toml:2: output.drop_fields[0] = \"colour\": the schema `default` has no such field; \
         docs/fields.md lists its fields",
    );
}

/// Such options are not a mistake: they may be needed later.
#[test]
fn options_without_effect_are_reported() {
    for (config, expected) in [
        (
            "[transform.performance]\nmin_process_ms = 500\n",
            "config.toml:2: transform.performance.min_process_ms = 500: has no effect, because \
             transform.performance.enabled is false; set it to true, or remove this option",
        ),
        (
            "[transform.performance.apps]\ninclude = ['Sales']\n",
            "config.toml:2: transform.performance.apps.include = ['Sales']: has no effect",
        ),
        (
            "[transform.sessions]\n\nstate_file = 'sessions.ndjson'\n",
            "config.toml:3: transform.sessions.state_file = 'sessions.ndjson': has no effect, because \
             transform.sessions.enabled is false",
        ),
        (
            "[transform]\nsessions.qps.interval_secs = 20\n",
            "config.toml:2: transform.sessions.qps.interval_secs = 20: has no effect, because \
             transform.sessions.enabled is false",
        ),
        (
            "[transform.sessions]\nenabled = true\n[transform.sessions.qps]\ninterval_secs = 20\n",
            "config.toml:4: transform.sessions.qps.interval_secs = 20: has no effect, because \
             transform.sessions.qps.enabled is false",
        ),
        (
            "[transform.app_names.qrs]\nkey_file = 'a.pem'\n",
            "config.toml:2: transform.app_names.qrs.key_file = 'a.pem': has no effect, because \
             transform.app_names.qrs.host is empty",
        ),
        (
            "[source.rate_limit]\nburst = 20\n",
            "config.toml:2: source.rate_limit.burst = 20: has no effect, because source.rate_limit.events_per_sec is 0",
        ),
        (
            "[transform.blacklist]\ncase_sensitive = true\n",
            "config.toml:2: transform.blacklist.case_sensitive = true: has no effect, because `users` and `files`",
        ),
        (
            "[transform.sessions]\nenabled = true\n\nidle_timeout_secs = 900\n",
            "config.toml:4: transform.sessions.idle_timeout_secs = 900: shorter than inactivity_timeout_secs (1800)",
        ),
        (
            "[transform.performance]\nenabled = true\nmax_groups = 1001\n[queue]\nmax_events = 1000\n",
            "config.toml:3: transform.performance.max_groups = 1001: the queue holds at most 1000 events",
        ),
        (
            "[transform.performance]\nenabled = true\nmax_groups = 1000\n[queue]\nmax_bytes = 65536\n",
            "transform.performance.max_groups = 1000: the queue holds at most ",
        ),
        (
            "[transform.blacklist]\nevents = ['performance']\n",
            "config.toml:2: transform.blacklist.events = ['performance']: has no effect, because `users` and `files`",
        ),
        (
            "[output.tags_by_host.'pro2.lab.example']\n",
            "config.toml:1: output.tags_by_host: the node 'pro2.lab.example' has no tags",
        ),
    ] {
        let checked = check(&folder(config));
        assert_eq!(checked.status, 0, "{config}");
        assert!(checked.stdout.contains(": ok; "), "{config}");
        let lines: Vec<&str> = checked.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{config}\n{}", checked.stderr);
        assert!(lines[0].contains(expected), "{config}\n{}", lines[0]);
    }
    for config in [
        "[transform.performance]\nenabled = true\nmin_process_ms = 500\nmax_groups = 1000\n[queue]\nmax_events = 1000\n",
        "[transform.blacklist]\nusers = ['LAB\\goran']\nevents = ['performance']\n",
        "[output.tags_by_host.n1]\na = 'b'\n",
        // Options with their default values are not reported.
        include_str!("../../plugin.toml"),
        "[transform.sessions]\nstate_file = ''\nqps.interval_secs = 60\n",
    ] {
        let checked = check(&folder(config));
        assert_eq!((checked.status, &*checked.stderr), (0, ""), "{config}");
    }
}

/// On Windows the paths have drives and backslashes, and the configuration is in another folder.
#[test]
fn every_option_accepts_an_absolute_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    for (name, text) in [
        ("users.txt", "LAB\\maria\n"),
        (
            "apps.csv",
            "id,name\na421f4a2-c311-4ef4-ba41-fe2e6a2b0d69,Sales\n",
        ),
        ("pseudonyms.key", "0123456789abcdef0123456789abcdef"),
    ] {
        fs::write(path(name), text).expect("a file");
    }
    let config = format!(
        "[transform.blacklist]\nfiles = ['{}']\n[transform.app_names]\nfiles = ['{}']\n\
         [transform.pseudonymize]\nkey_file = '{}'\n\
         [transform.sessions]\nenabled = true\nstate_file = '{}'\n",
        path("users.txt").display(),
        path("apps.csv").display().to_string().replace('\\', "/"),
        path("pseudonyms.key").display(),
        path("sessions.ndjson").display(),
    );
    let mut program = Running::configured(&config);
    program.send(payload::start("maria"));
    let event = program.event_of(payload::OPEN);
    assert_eq!(event["app_name"], "Sales");
    assert_ne!(event["user_id"], "goran");
    assert_eq!(end(program).status, Some(0));
    assert!(path("sessions.ndjson").exists());
}
