//! Keys and values that a configuration cannot have: the wording of their mistakes.

use super::{
    super::{
        Config,
        check::WrongValue,
        problem::shown,
        read::{Reason, Refused},
        suggest::{instead, listed, nearest},
        tree::{Node, Step, Value, is_secret, key},
    },
    Document, MORE, escape_hint, start,
};

impl Document<'_> {
    pub(super) fn refused(&mut self, refused: &Refused) {
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
    pub(super) fn wrong(&mut self, wrong: WrongValue) {
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
}

impl Reason {
    /// What was expected of the value of a key.
    pub(in super::super) fn message(&self, name: &str, node: Option<&Node>) -> String {
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
