//! The text of a configuration: its tree, and every mistake with its line, in order.

use std::{ops::Range, path::Path};

use toml::de::DeTable;

use super::{
    Config, Problem, Written,
    check::WrongValue,
    problem::shown,
    read::{MAX_REFUSED, Reason, Refused, read},
    suggest::{instead, listed, nearest},
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
        document.take_syntax(errors);
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
        let written = self.options(&config);
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
            Content { config, written },
            mistakes.map(|mistake| mistake.problem).collect(),
        )
    }

    /// Every option in the text that the configuration has.
    fn options(&self, config: &Config) -> Vec<Written> {
        let table = |config: &Config| toml::Table::try_from(config).unwrap_or_default();
        let mut written = Vec::new();
        let (given, defaults) = (table(config), table(&Config::default()));
        self.options_in(&self.tree, &mut Vec::new(), &given, &defaults, &mut written);
        written.sort_by_key(|option| option.line);
        written
    }

    fn options_in(
        &self,
        node: &Node,
        path: &mut Vec<Step>,
        given: &toml::Table,
        defaults: &toml::Table,
        written: &mut Vec<Written>,
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
                    let value_written = self.written(&entry.node).filter(|_| !is_secret(path));
                    written.push(Written {
                        key: key(path),
                        line: self.line(start(entry.span.clone())),
                        value: value_written.map(shown),
                        is_changed: value != default,
                    });
                }
            }
            path.pop();
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

    /// Reports and removes values that are not valid TOML.
    fn take_syntax(&mut self, mut errors: Vec<toml::de::Error>) {
        let place = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        errors.sort_by_key(place);
        // A text that is not a configuration at all.
        if errors.len() > MAX_REFUSED {
            errors.truncate(MAX_REFUSED);
            self.push(self.text.len(), String::new(), None, MORE.to_owned());
        }
        let mut taken_out: Vec<Vec<Step>> = Vec::new();
        let mut found: Vec<(toml::de::Error, Vec<Step>)> = Vec::new();
        for error in errors {
            let mut path = Vec::new();
            let is_found = culprit(self.text, &self.tree, place(&error), &mut path);
            // A key without a name was made up for text that is none.
            if is_found && !path.contains(&Step::Key(String::new())) {
                found.push((error, path));
            } else {
                self.no_value(&error);
            }
        }
        // After a mistake in a list, the rest of the text is read as its values.
        for (error, path) in &found {
            let list = match self.tree.at(path).map(|node| &node.value) {
                Some(Value::List(_)) => outermost_list(path),
                _ => continue,
            };
            if !taken_out.contains(&list) {
                let begins = self.tree.at(&list).and_then(|node| node.span.clone());
                let line = self.line(start(begins));
                let message = format!("expected `,` or `]` in the list that begins on line {line}");
                self.push(place(error), key(&list), None, message);
                taken_out.push(list);
            }
        }
        for (error, path) in found {
            if taken_out.iter().any(|taken| path.starts_with(taken)) {
                continue;
            }
            let span = self.tree.at(&path).and_then(|node| node.span.clone());
            let span = span.unwrap_or_default();
            let written = self.text.get(span.clone()).unwrap_or_default();
            let message = if is_secret(&path) {
                error.message().to_owned()
            } else if written.is_empty() {
                "missing value".to_owned()
            } else if let Some(hint) = escape_hint(written) {
                hint
            } else if written.starts_with(|first: char| first.is_alphanumeric()) {
                format!("text needs quotes: \"{}\"", shown(written))
            } else {
                error.message().to_owned()
            };
            let is_shown = !written.is_empty() && !is_secret(&path);
            let value = is_shown.then(|| shown(written));
            self.push(span.start, key(&path), value, message);
            taken_out.push(path);
        }
        for path in taken_out.iter().rev() {
            self.tree.remove(path);
        }
    }

    /// A mistake that is not within a value. The keys that follow may belong to another table.
    fn no_value(&mut self, error: &toml::de::Error) {
        let span = error.span().unwrap_or_default();
        let message = match self.text.get(span.clone()) {
            None | Some("") => error.message().to_owned(),
            Some(found) => format!("{}: `{}`", error.message(), shown(found)),
        };
        self.push(span.start, String::new(), None, message);
        let rest = self.text.get(span.start..).unwrap_or_default();
        let next_table = rest.find("\n[").unwrap_or(rest.len());
        self.unclear.push(span.start..span.start + next_table);
    }

    fn refused(&mut self, refused: &Refused) {
        let Refused { path, reason } = refused;
        let name = match path.last() {
            Some(Step::Key(name)) => name,
            _ => "",
        };
        let node = self.tree.at(path);
        let span = node.and_then(|node| node.span.clone());
        let written = node
            .and_then(|node| self.written(node))
            .filter(|_| !is_secret(path));
        let is_key = matches!(reason, Reason::UnknownKey { .. } | Reason::MissingKey(_));
        let message = match reason {
            Reason::Value(message) if let Some(host) = self.dotted_host(path) => {
                format!(
                    "{message}; put a node name with dots in quotes: [output.tags_by_host.'{host}']"
                )
            }
            Reason::UnknownKey { known } => unknown_key(name, known, &elsewhere(name)),
            Reason::ControlCharacter => written
                .and_then(escape_hint)
                .unwrap_or_else(|| reason.message(name, node)),
            reason => written
                .filter(|written| has_escape(written))
                .and_then(escape_hint)
                .unwrap_or_else(|| reason.message(name, node)),
        };
        let place = match reason {
            Reason::More => self.text.len(),
            _ if is_key => start(self.tree.key_span(path)),
            _ => start(span),
        };
        let is_unclear = self.unclear.iter().any(|unclear| unclear.contains(&place));
        if is_unclear && is_key {
            return;
        }
        let is_shown = !is_key && !node.is_some_and(|node| node.begins(&message));
        let value = written.filter(|_| is_shown).map(shown);
        self.push(place, key(path), value, message);
    }

    /// The intended name of a node that TOML has split at its dots, if there is a table at the end of `path` instead
    /// of a tag.
    fn dotted_host(&self, path: &[Step]) -> Option<String> {
        let mut names = Vec::new();
        let [Step::Key(output), Step::Key(by_host), within @ ..] = path else {
            return None;
        };
        for step in within {
            let Step::Key(name) = step else { return None };
            names.push(&**name);
        }
        if (&**output, &**by_host) != ("output", "tags_by_host") || names.len() < 2 {
            return None;
        }
        let mut table = self.tree.at(path)?;
        while let Value::Table(entries) = &table.value {
            match &entries[..] {
                [entry] if matches!(entry.node.value, Value::Table(_)) => {
                    names.push(&entry.key);
                    table = &entry.node;
                }
                _ => return Some(shown(&names.join("."))),
            }
        }
        None
    }

    /// A value of the right type that cannot be intended.
    fn wrong(&mut self, wrong: WrongValue) {
        let path = wrong.path();
        let node = self.tree.at(&path);
        let written = node.and_then(|node| self.written(node));
        let value = written.filter(|_| !is_secret(&path)).map(shown);
        let span = node.and_then(|node| node.span.clone());
        // What is missing is missing in a table.
        let tables = (1..path.len()).rev().map(|length| &path[..length]);
        let span = span.or_else(|| tables.filter_map(|table| self.tree.key_span(table)).next());
        self.push(start(span), key(&path), value, wrong.message);
    }

    /// A value as written in the text; of a table, only its name.
    fn written(&self, node: &Node) -> Option<&'a str> {
        if matches!(node.value, Value::Table(_)) {
            return None;
        }
        self.text.get(node.span.clone()?)
    }
}

impl Reason {
    /// What was expected of the value of a key.
    pub(super) fn message(&self, name: &str, node: Option<&Node>) -> String {
        match self {
            Self::UnknownKey { known } => unknown_key(name, known, &[]),
            Self::MissingKey(name) => format!("missing key `{name}`"),
            Self::UnknownName { known } => match node.map(|node| &node.value) {
                Some(Value::Text(text)) => instead(text, known),
                _ => format!("expected {}", listed(known, "or")),
            },
            Self::ControlCharacter => {
                "the text contains a control character; if you meant a backslash, use single quotes"
                    .to_owned()
            }
            Self::Value(message) => message.clone(),
            Self::More => MORE.to_owned(),
        }
    }
}

/// Ends a list of mistakes that is long enough.
const MORE: &str = "too many problems; the rest are not listed";

fn start(span: Option<Range<usize>>) -> usize {
    span.map_or(0, |span| span.start)
}

/// Whether a value is written at a position, with the path to the innermost one. Tables have no position of their
/// own.
fn culprit(text: &str, node: &Node, place: usize, path: &mut Vec<Step>) -> bool {
    let is_within = node.span.as_ref().is_some_and(|span| {
        // Text after the end of a value is not part of it.
        let written = text.get(span.clone()).unwrap_or_default();
        let is_closed = match node.value {
            Value::List(_) => written.ends_with(']'),
            _ => written.ends_with(['"', '\'']),
        };
        span.contains(&place) || place == span.end && !is_closed
    });
    let mut step = |step: Step, node: &Node| {
        path.push(step);
        let is_found = culprit(text, node, place, path);
        if !is_found {
            path.pop();
        }
        is_found
    };
    match &node.value {
        Value::Table(entries) => entries
            .iter()
            .any(|entry| step(Step::Key(entry.key.clone()), &entry.node)),
        Value::List(list) => {
            let mut list = list.iter();
            list.any(|(index, node)| step(Step::Index(*index), node)) || is_within
        }
        _ => is_within,
    }
}

/// The path to the outermost list on a path.
fn outermost_list(path: &[Step]) -> Vec<Step> {
    let is_index = |step: &Step| matches!(step, Step::Index(_));
    let list = path.iter().position(is_index).unwrap_or(path.len());
    path[..list].to_vec()
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

/// Whether there is an escape, other than that of the backslash itself.
fn has_escape(written: &str) -> bool {
    written.replace(r"\\", "").contains('\\')
}

/// The key that was probably meant, or its place.
fn unknown_key(name: &str, known: &[&str], elsewhere: &[String]) -> String {
    let meant = match (nearest(name, known), elsewhere) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => format!("expected {}", listed(known, "or")),
        (None, elsewhere) => format!("did you mean {}?", elsewhere.join(" or ")),
    };
    format!("unknown key; {meant}")
}

/// The options and tables of this name, as they are written.
fn elsewhere(name: &str) -> Vec<String> {
    fn find(table: &toml::Table, path: &str, name: &str, found: &mut Vec<String>) {
        for (key, value) in table {
            let within = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match value.as_table() {
                Some(_) if key == name => found.push(format!("[{within}]")),
                None if key == name => found.push(format!("`{key}` in [{path}]")),
                _ => {}
            }
            if let Some(inner) = value.as_table() {
                find(inner, &within, name, found);
            }
        }
    }
    let mut found = Vec::new();
    if let Ok(mut table) = toml::Table::try_from(Config::default()) {
        table.remove("plugin");
        find(&table, "", name, &mut found);
    }
    found
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
