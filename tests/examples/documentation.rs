//! The documentation agrees with the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use qlik_sense_events::{
    config::Config,
    decoding::{LogNamespace, QlikSenseDeserializer},
    event::{Arrival, EventKind},
    schema::{FIELDS, Schema},
};
use serde_json::Value;

use crate::{
    files, read, root,
    vector::{check_source, check_unix_stream, values, yaml},
};

fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<PathBuf> = files("", "md").into_values().collect();
    documents.extend(files("docs", "md").into_values());
    assert!(documents.len() >= 10, "{documents:?}");
    documents
}

/// The fenced code blocks in a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = line.trim().strip_prefix("```") {
            let block: Vec<&str> = lines
                .by_ref()
                .take_while(|line| line.trim() != "```")
                .collect();
            if found == language {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}

#[test]
fn configurations_in_the_documentation_are_accepted() {
    let mut seen = 0;
    for document in documents() {
        for block in blocks(&read(&document), "toml") {
            // These are paths of Unix sockets; on Windows there would be names of pipes.
            let names_a_socket = ["local_socket = \"/", "unix_stream"]
                .iter()
                .any(|it| block.contains(it));
            if cfg!(not(unix)) && names_a_socket {
                continue;
            }
            if let Err(problems) = Config::parse(&block) {
                panic!("{}: {problems:?}\n{block}", document.display());
            }
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen}");
}

#[test]
fn vector_configurations_in_the_documentation_start_the_program() {
    let (mut seen, mut seen_streams) = (0, 0);
    for document in documents() {
        for block in blocks(&read(&document), "yaml") {
            let config = yaml(&block);
            if config["sources"]["qlik_sense"]["type"] == "socket" {
                let options = blocks(&read(&document), "toml");
                let named = |options: &&String| options.contains("unix_stream");
                let options = options.iter().find(named).expect("the program's options");
                // Windows has no such sockets.
                if cfg!(unix) {
                    check_unix_stream(&config["sources"]["qlik_sense"], options);
                }
                // The program's standard error, which is then in JSON.
                let diagnostics = &config["sources"]["qlik_sense_diagnostics"];
                assert_eq!(diagnostics["decoding"]["codec"], "json");
                seen_streams += 1;
                continue;
            }
            // Vector's own metrics do not need the program.
            let sources = values(&config["sources"]).filter(|it| it["type"] != "internal_logs");
            for source in sources {
                check_source(source);
                seen += 1;
            }
        }
    }
    assert!(seen >= 2, "{seen}");
    assert_eq!(seen_streams, 1);
}

/// Datagrams in the documentation are followed by the events that they become.
#[test]
fn datagrams_in_the_documentation_become_the_events_after_them() {
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    for document in documents() {
        let text = read(&document);
        let datagrams = blocks(&text, "text");
        for block in blocks(&text, "json") {
            let event: Value = serde_json::from_str(&block)
                .unwrap_or_else(|error| panic!("{}: {error}\n{block}", document.display()));
            // `tests/library/sessions` checks events that result from several datagrams.
            let kind = event["event"].as_str().unwrap_or_default();
            let schema = match &event {
                _ if kind == "plugin" || derived().any(|name| name == kind) => continue,
                event if event["event"].is_string() => Schema::Default,
                event if event["ecs"].is_object() => Schema::Ecs,
                event if event["messageType"].is_string() => Schema::ButlerSos,
                _ => continue,
            };
            let found = datagrams
                .iter()
                .any(|datagram| decoded(datagram, schema).as_ref() == Some(&event));
            assert!(found, "{}: no datagram gives\n{block}", document.display());
            seen.insert(schema.as_str());
            count += 1;
        }
    }
    assert_eq!(seen.len(), Schema::ALL.len(), "{seen:?}");
    assert!(count >= 6, "{count}");
}

/// The event of a datagram, with the arrival that the documentation shows.
fn decoded(datagram: &str, schema: Schema) -> Option<Value> {
    let mut events = QlikSenseDeserializer::default()
        .parse(datagram.to_owned().into(), LogNamespace::Legacy)
        .ok()?;
    let timestamp = "2026-01-31T09:00:00Z".parse().expect("a time");
    let event = events.first_mut()?;
    event.set_arrival(Arrival::new(timestamp, [192, 0, 2, 20].into()));
    serde_json::to_value(schema.view(event)).ok()
}

/// The kinds of derived events.
fn derived() -> impl Iterator<Item = &'static str> {
    let kinds = EventKind::ALL.iter().filter(|kind| kind.is_derived());
    kinds.map(|kind| kind.event())
}

/// The sections about them.
const DERIVED: [&str; 2] = ["Sessions over time", "Performance summaries"];

/// Every field of a schema is in its table in `docs/fields.md`, and no other field is.
#[test]
fn every_field_is_documented() {
    let text = read(&root().join("docs/fields.md"));
    for (schema, heading) in [
        (Schema::Default, "Fields\n"),
        (Schema::Ecs, "The schema `ecs`\n"),
        (Schema::ButlerSos, "The schema `butler_sos`\n"),
    ] {
        let sections = text.split("\n## ").filter(|section| {
            let mut derived = DERIVED.into_iter().filter(|_| schema == Schema::Default);
            section.starts_with(heading) || derived.any(|heading| section.starts_with(heading))
        });
        // A row may be about several fields: | `apps`, `openApps` | …
        let documented: BTreeSet<&str> = sections
            .flat_map(str::lines)
            .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
            .flat_map(|cell| cell.split("`, `"))
            .map(|name| name.trim_end_matches('`'))
            // Tables of values start with what they are values of.
            .filter(|name| !name.is_empty())
            .collect();
        // A group is documented by its fields.
        let is_group = |field: &str| {
            let within = format!("{field}.");
            let mut fields = schema.fields().iter();
            !documented.contains(field) && fields.any(|field| field.starts_with(&within))
        };
        let fields = schema.fields().iter().copied();
        let expected: BTreeSet<&str> = fields.filter(|field| !is_group(field)).collect();
        assert_eq!(documented, expected, "{schema}");
    }
}

#[test]
fn the_test_command_of_the_readme_is_what_ci_runs() {
    let steps = read(&root().join(".ci/run"));
    let command = steps
        .lines()
        .find_map(|line| line.strip_prefix("step tests "));
    let command = command.expect("the step `tests`");
    let readme = read(&root().join("README.md"));
    assert!(readme.contains(&format!("`{command}`")), "{command}");
}

#[test]
fn the_readme_links_to_every_document() {
    let readme = read(&root().join("README.md"));
    for name in files("docs", "md").keys() {
        let link = format!("](docs/{name}.md)");
        assert!(readme.contains(&link), "{name}");
    }
}

/// Files and folders that the documents mention in code.
#[test]
fn paths_in_the_documentation_exist() {
    let ours = [
        "src/",
        "tests/",
        "examples/",
        "benches/",
        "fuzz/",
        "docs/",
        "packaging/",
        ".ci/",
    ];
    let mut seen = 0;
    for document in documents() {
        let text = read(&document);
        let paths = text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| ours.iter().any(|folder| code.starts_with(folder)))
            // These are in the reader's own project.
            .filter(|code| *code != "src/qlik" && !code.contains([' ', '\n', '*']));
        for path in paths {
            assert!(root().join(path).exists(), "{}: {path}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 0);
}

/// docs/architecture.md lists the files that have to name a new family. They are compared with the files that name the
/// family of log events. The simulator is excepted, because it creates payloads of all families.
#[test]
fn the_files_that_name_a_family_are_documented() {
    let text = read(&root().join("docs/architecture.md"));
    let (_, rest) = text.split_once("<!-- A test").expect("the list is marked");
    let listed: BTreeSet<&str> = rest
        .lines()
        .skip_while(|line| !line.starts_with("- "))
        .take_while(|line| line.starts_with("- "))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|code| code.starts_with("src/"))
        .collect();
    let names = [
        "LogEvent",
        "LogPayload",
        "Payload::Log",
        "Body::Log",
        "EventKind::Log",
        "Self::Log",
        "log::TOKENS",
        "pub(crate) mod log",
    ];
    let has = |text: &str, name: &str| {
        let mut places = text.match_indices(name);
        places.any(|(place, _)| {
            !text[place + name.len()..].starts_with(|next: char| next.is_alphanumeric())
        })
    };
    let mut naming = BTreeSet::new();
    let mut folders = vec![String::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                if path != "src/payload/log" && path != "src/simulate" {
                    folders.push(path);
                }
            } else if names.iter().any(|name| has(&read(&entry.path()), name)) {
                naming.insert(path);
            }
        }
    }
    let naming: BTreeSet<&str> = naming.iter().map(|path| &**path).collect();
    assert_eq!(naming, listed);
}

/// Types, names and explanations are those in the table of fields in `src/schema/field.rs`.
#[test]
fn fields_are_documented_like_their_table() {
    let text = read(&root().join("docs/fields.md"));
    let rows = |headings: &[&str]| -> BTreeMap<String, String> {
        text.split("\n## ")
            .filter(|section| headings.iter().any(|heading| section.starts_with(heading)))
            .flat_map(str::lines)
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .map(|(name, rest)| (name.into(), rest.split(" | ").next().unwrap_or("").into()))
            .collect()
    };
    let default = rows(&["Fields\n", DERIVED[0], DERIVED[1]]);
    let ecs = rows(&["The schema `ecs`"]);
    for field in FIELDS {
        let (name, type_) = (field.default, field.field_type.as_str());
        assert_eq!(default.get(name).map(|cell| &**cell), Some(type_), "{name}");
        let beside = ecs
            .get(field.ecs)
            .unwrap_or_else(|| panic!("{}", field.ecs));
        assert!(
            beside.contains(&format!("`{name}`")),
            "{}: {beside}",
            field.ecs
        );
        let row = format!("| `{name}` | ");
        let explained = format!("| {}", field.documentation);
        let mut rows = text.lines().filter_map(|line| line.strip_prefix(&*row));
        let is_explained = rows.any(|row| without_links(row).contains(&explained));
        assert!(is_explained, "{name}: {}", field.documentation);
    }
}

/// The text of Markdown without the targets of its links.
fn without_links(text: &str) -> String {
    let mut parts = text.split("](");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once(')').unwrap_or(("", part));
        plain.push_str(rest);
    }
    plain.replace('[', "")
}

#[test]
fn tests_named_in_the_documentation_exist() {
    let sources: String = ["src", "tests"].into_iter().map(sources).collect();
    let is_name = |code: &&str| {
        code.matches('_').count() > 2
            && code
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut seen = 0;
    for document in ["docs/reliability.md", "docs/performance.md"] {
        let text = read(&root().join(document));
        for name in text.split('`').skip(1).step_by(2).filter(is_name) {
            let definition = format!("fn {name}(");
            assert!(sources.contains(&definition), "{document}: {name}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

/// The text of all Rust files in a folder.
fn sources(folder: &str) -> String {
    let mut text = String::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&read(&path));
            }
        }
    }
    text
}

/// The anchors of a document's headings on GitHub.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    text.lines()
        .filter(|line| {
            is_code ^= line.trim_start().starts_with("```");
            !is_code && line.starts_with('#')
        })
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            heading.chars().filter(kept).collect::<String>()
        })
        .map(|heading| heading.replace(' ', "-"))
        .collect()
}

#[test]
fn links_have_targets() {
    let mut seen = 0;
    for document in documents() {
        let text = read(&document);
        for rest in text.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if file.contains("://") {
                continue;
            }
            let folder = document.parent().expect("a folder");
            let path = match file {
                "" => document.clone(),
                file => folder.join(file),
            };
            assert!(path.exists(), "{}: {target}", document.display());
            let leads = anchor.is_empty() || anchors(&read(&path)).contains(anchor);
            assert!(leads, "{}: {target}", document.display());
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}
