//! The text of a configuration: its tree, and every mistake with its line, in order.

mod refused;
mod syntax;

use std::{ops::Range, path::Path};

use toml::de::DeTable;

use super::{
    Config, Problem, Written,
    problem::shown,
    read::read,
    tree::{Node, Step, Value, is_secret, key},
};

/// A text, as far as it is valid TOML.
pub(super) struct Document<'a> {
    text: &'a str,
    /// Without the values that are not valid TOML.
    tree: Node,
    mistakes: Vec<Mistake>,
    /// Where keys may belong to another table than it seems.
    unclear: Vec<Range<usize>>,
}

/// What a text says, as far as it can be read.
pub(super) struct Content {
    pub config: Config,
    /// In the order of the text.
    pub written: Vec<Written>,
    /// The values of lists among them.
    pub listed: Vec<Written>,
}

/// A problem and its position, in bytes.
struct Mistake {
    place: usize,
    problem: Problem,
}

impl<'a> Document<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut document = Self {
            text,
            tree: Node::of_toml(table.get_ref()),
            mistakes: Vec::new(),
            unclear: Vec::new(),
        };
        let is_markup = text.trim_start().starts_with(['{', '<']);
        let is_foreign = is_markup || errors.len() >= FOREIGN;
        if is_foreign && !document.tree.has_any(SECTIONS) {
            document.take_foreign(&errors);
        } else {
            document.take_syntax(errors);
        }
        document
    }

    /// The content, as far as it is valid TOML.
    pub(super) const fn tree(&self) -> &Node {
        &self.tree
    }

    /// The options of a file in this folder, with defaults in place of invalid values, and every separate mistake, in
    /// the order of the text.
    pub(super) fn content(mut self, folder: &Path) -> (Content, Vec<Problem>) {
        let (config, refused) = read::<Config>(self.tree.clone());
        let is_schema_known = !refused
            .iter()
            .any(|refused| key(&refused.path) == "output.schema");
        for refused in &refused {
            self.refused(refused);
        }
        let mut config = config.unwrap_or_default();
        let (written, listed) = self.options(&config);
        config.place_files(folder);
        let mut wrong = config.wrong_values();
        wrong.retain(|wrong| !wrong.follows_from(&refused));
        // Which fields there are depends on the schema.
        wrong.retain(|wrong| is_schema_known || wrong.key != "output.drop_fields");
        for wrong in wrong {
            self.wrong(wrong);
        }
        self.mistakes.sort_by_key(|mistake| mistake.place);
        let mistakes = self.mistakes.into_iter();
        (
            Content {
                config,
                written,
                listed,
            },
            mistakes.map(|mistake| mistake.problem).collect(),
        )
    }

    /// Every option in the text that the configuration has, and the values of lists among them.
    fn options(&self, config: &Config) -> (Vec<Written>, Vec<Written>) {
        let table = |config: &Config| toml::Table::try_from(config).unwrap_or_default();
        let mut written = (Vec::new(), Vec::new());
        let (given, defaults) = (table(config), table(&Config::default()));
        self.options_in(&self.tree, &mut Vec::new(), &given, &defaults, &mut written);
        written.0.sort_by_key(|option| option.line);
        written
    }

    fn options_in(
        &self,
        node: &Node,
        path: &mut Vec<Step>,
        given: &toml::Table,
        defaults: &toml::Table,
        written: &mut (Vec<Written>, Vec<Written>),
    ) {
        let Value::Table(entries) = &node.value else {
            return;
        };
        for entry in entries {
            path.push(Step::Key(entry.key.clone()));
            let [value, default] = [given, defaults].map(|table| table.get(&entry.key));
            let tables = value
                .and_then(toml::Value::as_table)
                .zip(default.and_then(toml::Value::as_table));
            match tables {
                // A table without options of its own has names of the user's.
                Some((given, defaults)) if !defaults.is_empty() => {
                    self.options_in(&entry.node, path, given, defaults, written);
                }
                _ => {
                    let is_changed = value != default;
                    let option = self.option(&entry.node, path, entry.span.clone(), is_changed);
                    written.0.push(option);
                    let list = match &entry.node.value {
                        Value::List(list) => &**list,
                        _ => &[],
                    };
                    for (index, node) in list {
                        path.push(Step::Index(*index));
                        let value = self.option(node, path, node.span.clone(), is_changed);
                        written.1.push(value);
                        path.pop();
                    }
                }
            }
            path.pop();
        }
    }

    fn option(
        &self,
        node: &Node,
        path: &[Step],
        place: Option<Range<usize>>,
        is_changed: bool,
    ) -> Written {
        let value = self.written(node).filter(|_| !is_secret(path));
        Written {
            key: key(path),
            line: self.line(start(place)),
            value: value.map(shown),
            is_changed,
        }
    }

    /// The line of a byte, from 1.
    fn line(&self, place: usize) -> usize {
        let before = &self.text.as_bytes()[..place.min(self.text.len())];
        1 + memchr::memchr_iter(b'\n', before).count()
    }

    fn push(&mut self, place: usize, key: String, value: Option<String>, message: String) {
        let problem = Problem {
            line: self.line(place),
            key,
            value,
            message,
        };
        // For example many unclosed brackets.
        let is_said = |mistake: &Mistake| mistake.problem == problem;
        if !self.mistakes.iter().any(is_said) {
            self.mistakes.push(Mistake { place, problem });
        }
    }

    /// A value as written in the text; of a table, only its name.
    fn written(&self, node: &Node) -> Option<&'a str> {
        if matches!(node.value, Value::Table(_)) {
            return None;
        }
        self.text.get(node.span.clone()?)
    }
}

/// A text with many mistakes of syntax, or one that begins as JSON or XML, and with none of the [`SECTIONS`] is not
/// TOML at all.
const FOREIGN: usize = 3;

/// The tables of a configuration.
const SECTIONS: [&str; 7] = [
    "plugin",
    "source",
    "transform",
    "engine_health",
    "queue",
    "output",
    "telemetry",
];

/// Ends a list of mistakes that is long enough.
const MORE: &str = "too many problems; the rest are not listed";

fn start(span: Option<Range<usize>>) -> usize {
    span.map_or(0, |span| span.start)
}

/// The advice if a backslash in double quotes was meant literally.
fn escape_hint(written: &str) -> Option<String> {
    let inner = written.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return None;
    }
    let why = "in double quotes, a backslash starts an escape sequence";
    // Single quotes cannot contain one, and two backslashes remain two.
    Some(
        if inner.contains('\'') || inner.contains(r"\\") || inner.contains('"') {
            format!("{why}; write each backslash twice")
        } else {
            format!("{why}; use single quotes: '{}'", shown(inner))
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIECES: [&str; 36] = [
        "[source]\n",
        "[transform.blacklist]\n",
        "[output]\n",
        "[[output]]\n",
        "address",
        "workers",
        "users",
        "files",
        "codec",
        "tags",
        " = ",
        "=",
        ".",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "\"",
        "'",
        "\\",
        "\"\"\"",
        "'''",
        "9997",
        "-1",
        "1.5",
        "true",
        "1979-05-27",
        "#",
        "ö",
        "\u{FEFF}",
        "\0",
        "json",
        "codec = \"json\"\n",
        "workers = 2\n",
    ];

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_by_lines_in_order(
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..24)
        ) {
            let text = pieces.concat();
            match Config::parse(&text) {
                Err(problems) => {
                    prop_assert!(!problems.is_empty());
                    prop_assert!(problems.is_sorted_by_key(|problem| problem.line));
                    let lines = 1 + text.matches('\n').count();
                    for problem in problems {
                        prop_assert!((1..=lines).contains(&problem.line), "{}", problem);
                        prop_assert!(!problem.message.is_empty());
                    }
                }
                Ok(config) => {
                    let written = toml::to_string(&config).expect("a configuration has a form");
                    prop_assert_eq!(Config::parse(&written), Ok(config), "{}", written);
                }
            }
        }
    }
}
