//! Text that is not valid TOML: its mistakes are reported and their values removed.

use super::{
    super::{
        problem::shown,
        read::MAX_REFUSED,
        tree::{Node, Step, Value, is_secret, key},
    },
    Document, MORE, Mistake, escape_hint, start,
};

impl Document<'_> {
    /// Reports a text in another language by its first mistake.
    pub(super) fn take_foreign(&mut self, errors: &[toml::de::Error]) {
        let places = errors.iter().filter_map(toml::de::Error::span);
        if let Some(place) = places.map(|span| span.start).min() {
            let message = "this is not a configuration in TOML, such as plugin.toml; is it the configuration of \
                           another program, such as Vector?";
            self.push(place, String::new(), None, message.to_owned());
        }
        self.tree.value = Value::Table(Vec::new());
    }

    /// Reports and removes values that are not valid TOML.
    pub(super) fn take_syntax(&mut self, mut errors: Vec<toml::de::Error>) {
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
            // The value itself is whole.
            if place(&error) == span.end && is_whole(written) {
                self.no_value(&error);
                continue;
            }
            let message = if is_secret(&path) {
                error.message().to_owned()
            } else if written.is_empty() {
                "missing value".to_owned()
            } else if let Some(hint) = escape_hint(written) {
                hint
            } else if is_like_a_number(written) {
                "expected a number in digits alone, without a unit, or text in quotes".to_owned()
            } else if written.starts_with(|first: char| first.is_alphanumeric()) {
                format!("text needs quotes: \"{}\"", shown(written))
            } else {
                in_plain_words(error.message()).to_owned()
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
        let said = in_plain_words(error.message());
        let message = match self.text.get(span.clone()) {
            Some(":") => WITH_COLON.to_owned(),
            None | Some("") => said.to_owned(),
            Some(found) => format!("{said}: `{}`", shown(found)),
        };
        // After a colon instead of `=`, the key has no value either.
        let line = self.line(span.start);
        let is_colon = |mistake: &Mistake| {
            mistake.problem.line == line && mistake.problem.message == WITH_COLON
        };
        if !self.mistakes.iter().any(is_colon) {
            self.push(span.start, String::new(), None, message);
        }
        let rest = self.text.get(span.start..).unwrap_or_default();
        let next_table = rest.find("\n[").unwrap_or(rest.len());
        self.unclear.push(span.start..span.start + next_table);
    }
}

const WITH_COLON: &str = "expected `=` between a key and its value, instead of `:`";

/// What the parser says, in words for readers who do not know the grammar of TOML.
fn in_plain_words(message: &str) -> &str {
    match message {
        "unexpected key or value, expected newline, `#`" => {
            "more follows than a value; each option has a line of its own, without a comma at its end"
        }
        "key with no value, expected `=`" => "expected `=` and a value after the key",
        "invalid unquoted key, expected letters, numbers, `-`, `_`" => {
            "expected a key of letters, digits, `_` and `-`"
        }
        "unquoted keys cannot be empty, expected letters, numbers, `-`, `_`" => {
            "expected a key before `=`"
        }
        "invalid basic string, expected `\"`" => "the text has no closing double quote on its line",
        "invalid literal string, expected `'`" => {
            "the text has no closing single quote on its line"
        }
        "unclosed table, expected `]`" => "expected `]` after the name of the table",
        message => message,
    }
}

fn is_whole(written: &str) -> bool {
    matches!(written, "true" | "false")
        || !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number with a unit, `16MB`, or with zeros before it, `007`.
fn is_like_a_number(written: &str) -> bool {
    let rest = written.trim_start_matches(|letter: char| letter.is_ascii_digit());
    rest.len() < written.len() && rest.bytes().all(|byte| byte.is_ascii_alphabetic())
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
