//! Finds the names in a dashboard's query. It is not a parser: it knows just enough of each language to tell names from
//! functions, keywords and values, and takes anything unknown for a name.

use std::collections::BTreeSet;

/// Words of LogQL and PromQL that are not names.
const KEYWORDS: [&str; 16] = [
    "and",
    "bool",
    "by",
    "drop",
    "group_left",
    "group_right",
    "ignoring",
    "inf",
    "keep",
    "label_format",
    "offset",
    "on",
    "or",
    "unless",
    "unwrap",
    "without",
];

/// The names in a query of LogQL or PromQL.
#[derive(Debug, Default)]
pub struct Names {
    /// Names in braces and in lists such as `by (…)`.
    pub labels: BTreeSet<String>,
    /// Other names: metrics in PromQL, fields in a pipeline in LogQL.
    pub others: BTreeSet<String>,
}

impl Names {
    pub fn all(self) -> BTreeSet<String> {
        let (mut all, others) = (self.labels, self.others);
        all.extend(others);
        all
    }
}

/// Reads LogQL or PromQL.
pub fn names(query: &str) -> Names {
    let mut names = Names::default();
    let (mut defined, mut templates) = (BTreeSet::new(), BTreeSet::new());
    let (mut braces, mut lists) = (0, Vec::new());
    let mut last = String::new();
    let mut rest = query;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '"' => 2 + quoted(&rest[1..], '"'),
            '`' => {
                let length = quoted(&rest[1..], '`');
                if defined.contains(&last) {
                    templates.extend(of_template(&rest[1..=length]));
                }
                length + 2
            }
            '[' => 1 + quoted(&rest[1..], ']'),
            '$' if rest.starts_with("${") => 1 + quoted(&rest[1..], '}'),
            '$' => 1 + word(&rest[1..]),
            '0'..='9' => word(rest),
            '{' | '}' => {
                braces = i32::from(next == '{');
                1
            }
            '(' => {
                lists.push(["by", "without", "on", "ignoring"].contains(&&*last));
                1
            }
            ')' => {
                lists.pop();
                1
            }
            _ if word(rest) > 0 => {
                let length = word(rest);
                let name = &rest[..length];
                let after = rest[length..].trim_start();
                let before = std::mem::replace(&mut last, name.to_owned());
                let is_function = after.starts_with('(') || after.starts_with("by (");
                if before == "label_format" {
                    defined.insert(name.to_owned());
                } else if !KEYWORDS.contains(&name) && !is_function {
                    let in_list = braces > 0 || lists.last() == Some(&true);
                    let names = if in_list {
                        &mut names.labels
                    } else {
                        &mut names.others
                    };
                    names.insert(name.to_owned());
                }
                length
            }
            _ => next.len_utf8(),
        };
        rest = &rest[length.min(rest.len())..];
    }
    names.labels.retain(|name| !defined.contains(name));
    names.others.retain(|name| !defined.contains(name));
    names.others.extend(templates);
    names
}

/// The length up to a closing character.
fn quoted(text: &str, end: char) -> usize {
    text.find(end).expect("a closing sign")
}

/// The length of the word at the beginning.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// The fields in a LogQL template: `{{ if .app_name }}`.
fn of_template(template: &str) -> BTreeSet<String> {
    template
        .split(" .")
        .skip(1)
        .map(|rest| rest[..word(rest)].to_owned())
        .collect()
}

/// The names in the legend of a series: `{{event}}`, `{{term event.action}}`.
pub fn of_legend(legend: &str) -> BTreeSet<String> {
    legend
        .split("{{")
        .skip(1)
        .map(|rest| {
            let inner = &rest[..quoted(rest, '}')];
            inner.trim_start_matches("term ").trim().to_owned()
        })
        .collect()
}

/// The fields in a query in Lucene's syntax: `event.action:(a OR b) AND _exists_:error.code`.
pub fn of_lucene(query: &str) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    let mut text = query.to_owned();
    while let Some(start) = text.find('"') {
        let end = start + 2 + quoted(&text[start + 1..], '"');
        text.replace_range(start..end, "");
    }
    for part in text.split([' ', '(', ')']) {
        if let Some((field, value)) = part.split_once(':') {
            fields.insert(match field {
                "_exists_" => value.to_owned(),
                _ => field.to_owned(),
            });
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_in_promql_are_found() {
        let found = names(
            r#"topk(3, sum by (host) (rate(up_total{job="a by b", x=~"$host"}[$__range]))) * 60 or vector(0)"#,
        );
        assert_eq!(found.others, set(&["up_total"]));
        assert_eq!(found.labels, set(&["host", "job", "x"]));
    }

    #[test]
    fn names_in_logql_are_found() {
        let found = names(
            "count by (app) (max_over_time({a=\"b\"} | u!=\"\" | u=~`${user:regex}` | label_format \
             app=`{{ if .n }}{{ .n }}{{ else }}{{ .i }}{{ end }}` | keep k, v | unwrap v [5m] offset 1h) by (c))",
        );
        assert_eq!(found.all(), set(&["a", "c", "i", "k", "n", "u", "v"]));
    }

    #[test]
    fn names_in_lucene_queries_are_found() {
        let query =
            r#"a.b:(x OR y) AND NOT _exists_:c.d AND @t:["${__to:date:iso}" TO "now||-5m"]"#;
        assert_eq!(of_lucene(query), set(&["a.b", "c.d", "@t"]));
    }

    #[test]
    fn names_in_legends_are_found() {
        assert_eq!(
            of_legend("{{event}} of {{term a.b}}"),
            set(&["a.b", "event"])
        );
    }
}
