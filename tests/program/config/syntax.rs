//! Text that is not TOML, and its encoding.

use std::fs;

use super::{check, folder, refused};

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
    refused(
        "[source\nworkers = 1\n",
        "config.toml:1: expected `]` after the name of the table",
    );
}

/// As one may write it who knows YAML, JSON or INI rather than TOML.
#[test]
fn what_other_formats_write_is_refused_in_plain_words() {
    for (text, expected) in [
        (
            "[source]\nworkers: 2\n",
            "2: expected `=` between a key and its value, instead of `:`",
        ),
        (
            "[source]\nworkers 2\n",
            "2: expected `=` and a value after the key",
        ),
        (
            "[source]\nworkers = 2,\n",
            "2: more follows than a value; each option has a line of its own",
        ),
        (
            "[output]\ncodec = \"json\n",
            "2: output.codec = \"json: the text has no closing double quote on its line",
        ),
        (
            "[output]\ncodec = 'json\n",
            "2: output.codec = 'json: the text has no closing single quote on its line",
        ),
        ("[source]\n= 2\n", "2: expected a key before `=`"),
        (
            "[source]\nreceive_buffer_bytes = 16MB\n",
            "2: source.receive_buffer_bytes = 16MB: expected a number in digits alone, without a unit",
        ),
        (
            "{\"source\": {\"workers\": 2}}\n",
            "1: this is not a configuration in TOML, such as plugin.toml; is it",
        ),
        (
            "[source]\nallowed_senders = ['fe80::1%eth0']\n",
            "2: source.allowed_senders[0] = 'fe80::1%eth0': expected an IP address or a range without an interface",
        ),
    ] {
        refused(text, &format!("config.toml:{expected}"));
    }
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
            "1: the text is neither UTF-8 nor UTF-16 with a byte order mark",
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

#[test]
fn a_file_in_another_language_is_one_mistake() {
    refused(
        "sources:\n  qlik:\n    type: exec\n    command: [a, b]\nsinks:\n  out:\n    type: console\n",
        "config.toml:1: this is not a configuration in TOML, such as plugin.toml; ",
    );
}
