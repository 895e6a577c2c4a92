//! How several mistakes are listed, and in which codec.

use std::fs;

use super::{check, folder, messages, run};
use crate::support::record;

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
        "transform.blacklist.files[1] = 'absent.txt': cannot read ",
        "transform.app_names.files[0] = 'none.csv': cannot read ",
        "users.txt:1: `goran`: ",
        "users.txt:4: `LAB\\`: ",
        "users.txt:6: `\\maria`: ",
    ];
    for own in ["", "[source]\nworkers = 0\n"] {
        fs::write(folder.path().join("config.toml"), format!("{own}{config}")).expect("a file");
        let checked = check(&folder);
        let ran = run(&folder);
        assert_eq!((checked.status, ran.status), (2, 2));
        let lines: Vec<&str> = checked.stderr.lines().collect();
        let files = lines.iter().filter(|line| !line.contains("workers"));
        for (line, expected) in files.clone().zip(expected) {
            assert!(line.contains(expected), "{expected}\n{line}");
        }
        assert_eq!(files.count(), expected.len(), "{}", checked.stderr);
        assert_eq!(lines.len(), expected.len() + usize::from(!own.is_empty()));
        assert_eq!(messages(&ran), lines);
    }
}

#[test]
fn of_a_file_with_many_mistakes_the_rest_is_counted() {
    let folder = folder("[transform.blacklist]\nfiles = ['users.txt']\n");
    fs::write(folder.path().join("users.txt"), "goran\n".repeat(1_000)).expect("a file");
    let checked = check(&folder);
    assert_eq!(checked.stderr.lines().count(), 101);
    let last = checked.stderr.lines().last().unwrap_or_default();
    assert!(
        last.ends_with("users.txt: 900 more lines are not entries"),
        "{last}"
    );
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
