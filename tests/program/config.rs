//! Slips in the configuration: refused before anything is received, by file, line and key.

use std::fs;

use tempfile::TempDir;

use crate::support::{Finished, finish, record};

/// A folder with a configuration and a blacklist that has a slip in its second line.
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

/// `run` and `check` both refuse the configuration, with the same one message.
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
fn an_unknown_key() {
    refused(
        "[source]\nadress = \"127.0.0.1:0\"\n",
        "config.toml:2: source.adress: unknown field `adress`, expected one of `address`, ",
    );
    refused(
        "\n[transform.blacklst]\nusers = []\n",
        "config.toml:2: transform.blacklst: unknown field `blacklst`, expected ",
    );
}

#[test]
fn a_wrong_type() {
    refused(
        "[source]\n\nreceive_buffer_bytes = \"big\"\n",
        "config.toml:3: source.receive_buffer_bytes: invalid type: string \"big\", \
         expected a whole number that is not negative",
    );
    refused(
        "[transform.blacklist]\ncase_sensitive = 1\n",
        "config.toml:2: transform.blacklist.case_sensitive: invalid type: integer `1`",
    );
}

#[test]
fn an_impossible_value() {
    refused(
        "[source]\nmax_datagram_bytes = 0\n",
        "config.toml:2: source.max_datagram_bytes: expected 1 to 65507 bytes",
    );
    refused(
        "[source]\naddress = \"localhost:9997\"\n",
        "config.toml:2: source.address: invalid value: string \"localhost:9997\", expected an address",
    );
    refused(
        "[source]\nfallback_encoding = \"klingon\"\n",
        "config.toml:2: source.fallback_encoding: expected the label of",
    );
    refused(
        "[output]\ncodec = \"xml\"\n",
        "config.toml:2: output.codec: unknown variant `xml`, expected one of `json`, ",
    );
    refused(
        "[plugin]\nname = \"another\"\n",
        "config.toml:2: plugin.name: expected `qlik_sense`",
    );
}

#[test]
fn a_bad_pattern() {
    refused(
        "[transform.blacklist]\nusers = [\n  'LAB\\goran',\n  'maria',\n]\n",
        "config.toml:4: transform.blacklist.users[1]: `maria`: expected DIRECTORY\\user_id",
    );
}

#[test]
fn no_toml() {
    refused("[source]\naddress = \n", "config.toml:2: ");
}

#[test]
fn a_bad_blacklist_file() {
    refused(
        "[transform.blacklist]\nfiles = [\"users.txt\"]\n",
        "users.txt:2: `LAB\\`: the user id is empty",
    );
    refused(
        "[transform.blacklist]\nfiles = [\"absent.txt\"]\n",
        "absent.txt: the file in `transform.blacklist.files` cannot be read: ",
    );
}

#[test]
fn every_impossible_value_is_named_at_once() {
    let folder = folder("[source]\nmax_datagram_bytes = 0\nreceive_buffer_bytes = 1\n");
    let ran = run(&folder);
    let messages: Vec<String> = ran
        .stderr
        .split_inclusive('\n')
        .map(|line| record(line.as_bytes())["message"].to_string())
        .collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    for key in ["source.max_datagram_bytes", "source.receive_buffer_bytes"] {
        assert!(
            messages.iter().any(|message| message.contains(key)),
            "{key}"
        );
    }
    assert_eq!(check(&folder).stderr.lines().count(), 2);
}

#[test]
fn an_absent_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = run(&folder);
    assert_eq!(ran.status, 2);
    let message = record(ran.stderr.as_bytes())["message"].to_string();
    assert!(message.contains("config.toml: the configuration file cannot be read: "));
    assert_eq!(check(&folder).status, 2);
}

#[test]
fn a_good_file_is_ok() {
    let folder = folder("[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n");
    let checked = check(&folder);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    let expected = ": ok; listens on 0.0.0.0:9997, 1 users and 0 files in the blacklist, 0 app names, \
         codec json";
    assert!(
        checked.stdout.trim_end().ends_with(expected),
        "{}",
        checked.stdout
    );
}

/// A host that reads the codec of the file must be able to read what is wrong with the rest of it.
#[test]
fn a_slip_is_reported_in_the_codec_of_the_file() {
    let folder = folder("[output]\ncodec = \"native_json\"\n[source]\nworkers = 0\n");
    let ran = run(&folder);
    assert_eq!(ran.status, 2);
    let diagnostic = record(ran.stderr.as_bytes());
    let message = diagnostic["log"]["message"].as_str().expect("text");
    assert!(
        message.ends_with("4: source.workers: expected 1 to 64 workers"),
        "{message}"
    );
}

#[test]
fn tags_and_fields_that_are_none() {
    refused(
        "[output]\ntags = { \"a.b\" = \"c\" }\n",
        "config.toml:2: output.tags: expected names without a dot, which would make a field within a \
         field; write `a_b` for `a.b`",
    );
    refused(
        "[output]\ntags = { \"\" = \"c\" }\n",
        "config.toml:2: output.tags: expected names that are not empty",
    );
    refused(
        "[output]\n\ndrop_fields = [\"user_id\", \"user.name\"]\n",
        "config.toml:3: output.drop_fields: expected fields of the schema `default`, and `user.name` is \
         none; its fields are timestamp, ",
    );
}
