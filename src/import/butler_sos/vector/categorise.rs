//! Rules that assign categories to log events or drop them.

use std::fmt::Write;

use super::{vrl_comment, vrl_text};
use crate::import::butler_sos::{
    Note,
    config::{Categorise, MessageFilter, Rule, Tag},
};

/// The name of the transform of [`categories`].
pub(super) const CATEGORIES: &str = "qlik_sense_categories";

const HEAD: &str = r#"
  # Butler SOS's rules. A rule applies if the level is in its list, regardless of case, and the message matches one
  # of its filters, including case. All rules are tried, and the categories of those that apply add up.
  qlik_sense_categories:
    type: remap
    inputs: [@INPUT@]
    # Events that a rule drops end here.
    drop_on_abort: true
    source: |
      level = downcase(string(.level) ?? "")
      message = string(.message) ?? ""
      # Performance events have no message.
      is_log = .event == "log"
      hit = false
      categories = []
"#;

const TAIL: &str = r"
      .category = unique(categories)
";

/// The transform that applies the rules, if they are enabled.
pub(super) fn categories(from: &Categorise, input: &str, notes: &mut Vec<Note>) -> Option<String> {
    if !from.enable {
        return None;
    }
    let mut text = HEAD.replace("@INPUT@", input);
    for (place, from) in from.rules.iter().enumerate() {
        let key = format!("logEvents.categorise.rules[{place}]");
        rule(from, &key, &mut text, notes);
    }
    if from.rule_default.enable {
        let key = "logEvents.categorise.ruleDefault.category";
        let categories = list(&from.rule_default.category, key, notes);
        let _ = write!(
            text,
            "\n      # If no rule applies.\n      if !hit {{ categories = {categories} }}\n"
        );
    }
    text.push_str(TAIL);
    Some(text)
}

fn rule(rule: &Rule, key: &str, text: &mut String, notes: &mut Vec<Note>) {
    let levels: Vec<String> = rule
        .log_level
        .iter()
        .map(|level| vrl_text(&level.0.trim().to_lowercase()))
        .collect();
    let filters: Vec<String> = rule
        .filter
        .iter()
        .enumerate()
        .filter_map(|(place, filter)| condition(filter, &format!("{key}.filter[{place}]"), notes))
        .collect();
    if levels.is_empty() || filters.is_empty() {
        notes.push(Note::new(
            key,
            "left out: without a level and a filter it never applies",
        ));
        return;
    }
    let _ = write!(
        text,
        "\n      # {}\n      fits = {}\n      if is_log && fits && includes([{}], level) {{\n",
        vrl_comment(&rule.description.0),
        filters.join(" ||\n        "),
        levels.join(", ")
    );
    if rule.action.0.trim().eq_ignore_ascii_case("drop") {
        text.push_str("        abort\n");
        notes.push(Note::new(
            &format!("{key}.action"),
            "events are dropped, as Butler SOS's documentation says; Butler SOS itself sends them, without categories",
        ));
    } else {
        let categories = list(&rule.category, &format!("{key}.category"), notes);
        let _ = write!(
            text,
            "        hit = true\n        categories = append(categories, {categories})\n"
        );
    }
    text.push_str("      }\n");
}

/// The condition that a filter sets for a message.
fn condition(filter: &MessageFilter, key: &str, notes: &mut Vec<Note>) -> Option<String> {
    let function = match &*filter.filter_type.0.trim().to_lowercase() {
        "sw" => "starts_with",
        "ew" => "ends_with",
        "so" => "contains",
        other => {
            let message =
                format!("left out: `{other}` is not a type of filter; expected sw, ew or so");
            notes.push(Note::new(&format!("{key}.type"), &message));
            return None;
        }
    };
    let Some(value) = &filter.value else {
        notes.push(Note::new(
            &format!("{key}.value"),
            "left out: it has no value",
        ));
        return None;
    };
    Some(format!("{function}(message, {})", vrl_text(&value.0)))
}

/// The categories in VRL.
fn list(categories: &[Tag], key: &str, notes: &mut Vec<Note>) -> String {
    let mut list = Vec::new();
    for (place, category) in categories.iter().enumerate() {
        match &category.value {
            Some(value) if !category.name.0.is_empty() => list.push(format!(
                r#"{{ "name": {}, "value": {} }}"#,
                vrl_text(&category.name.0),
                vrl_text(&value.0)
            )),
            _ => notes.push(Note::new(
                &format!("{key}[{place}]"),
                "left out: it has no name or no value",
            )),
        }
    }
    format!("[{}]", list.join(", "))
}
