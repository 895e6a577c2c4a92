//! `docs/options.md` is `plugin.toml`, formatted to be read in a browser.

use std::{env, fmt::Write as _, fs};

use qlik_sense_events::config::reference;

use crate::{read, root};

const DOCUMENT: &str = "docs/options.md";

const INTRODUCTION: &str = "\
# Options

The program runs without a configuration file. A file of your own holds only what differs from these defaults, for
example to leave out Qlik Sense's own accounts:

```toml
[transform.blacklist]
users = ['INTERNAL\\sa_*']
```

```sh
qlik-sense-events check my.toml
qlik-sense-events run --codec native --config my.toml
```

`check` reads the file as `run` does and says what is wrong with it and with the files that it names, by line. A key
that the program does not know is an error. An option that has no effect, for example because its table is not enabled,
is a warning, which `run` repeats at the start. Command-line flags take precedence over the file, and relative paths in
it start from its folder.
[plugin.toml](../plugin.toml) holds the same options with the same explanations, as a file to copy from.
";

/// The page changes with `plugin.toml`. With `UPDATE_DOCUMENTS=1` this test writes it.
#[test]
fn the_page_of_options_is_generated_from_the_manifest() {
    let expected = page();
    let file = root().join(DOCUMENT);
    if env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(&file, &expected).expect("the page is written");
    }
    assert!(
        read(&file) == expected,
        "{DOCUMENT} is not what plugin.toml says: UPDATE_DOCUMENTS=1 cargo test \
         the_page_of_options writes it"
    );
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut is_table_begun = false;
    // Readers first look for what the program does, so the manifest's own keys come last.
    let (manifest, options): (Vec<_>, Vec<_>) = reference::entries()
        .into_iter()
        .partition(|entry| entry.key.split('.').next() == Some("plugin"));
    for entry in options.into_iter().chain(manifest) {
        let explanation = marked_up(&entry.explanation);
        let Some(default) = entry.default else {
            let _ = write!(page, "\n## `[{}]`\n", entry.key);
            if !explanation.is_empty() {
                let _ = write!(page, "\n{explanation}\n");
            }
            is_table_begun = false;
            continue;
        };
        if !is_table_begun {
            page += "\n| option | default | what it is |\n|---|---|---|\n";
            is_table_begun = true;
        }
        let name = entry.key.rsplit('.').next().unwrap_or(&entry.key);
        let _ = writeln!(
            page,
            "| `{name}` | `{}` | {} |",
            toml_of(&default),
            explanation
        );
    }
    page
}

/// A value in TOML as people write it: in single quotes, so that a backslash needs no escape.
fn toml_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) if text.contains('\\') => format!("'{text}'"),
        serde_json::Value::Array(values) => {
            let values: Vec<String> = values.iter().map(toml_of).collect();
            format!("[{}]", values.join(", "))
        }
        value => value.to_string(),
    }
}

/// An explanation in Markdown: names of documents become links, and what is outside of code is escaped.
fn marked_up(explanation: &str) -> String {
    let mut is_code = false;
    let mut words = Vec::new();
    for word in explanation.split(' ') {
        let name = word.trim_end_matches(['.', ',', ';', ':']);
        words.push(match name.strip_prefix("docs/") {
            Some(file) => format!("[{name}]({file}){}", &word[name.len()..]),
            None if is_code || word.contains('`') => word.to_owned(),
            None => escaped(word),
        });
        is_code ^= word.matches('`').count() % 2 == 1;
    }
    words.join(" ").replace('|', "\\|")
}

/// A word as Markdown shows it: a backslash before punctuation would vanish, as in the name of a pipe.
fn escaped(word: &str) -> String {
    let mut escaped = String::new();
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        let is_before_punctuation = characters.peek().is_some_and(char::is_ascii_punctuation);
        match character {
            '\\' if is_before_punctuation => escaped += "\\\\",
            '*' => escaped += "\\*",
            '<' => escaped += "&lt;",
            character => escaped.push(character),
        }
    }
    escaped
}

#[test]
fn paths_outside_of_code_keep_their_backslashes() {
    assert_eq!(
        marked_up(r"a pipe: '\\.\pipe\qlik', or `\\.\pipe\qlik`; ['INTERNAL\sa_*']"),
        r"a pipe: '\\\\.\pipe\qlik', or `\\.\pipe\qlik`; ['INTERNAL\sa_\*']"
    );
}
