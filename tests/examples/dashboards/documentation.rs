//! Queries in `docs/sessions.md` use what the examples send to each store.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::{assert_known, fields, produced::Produced, queries, root};

/// The code blocks in a language in `docs/sessions.md`.
fn blocks(language: &str) -> Vec<String> {
    let path = root().join("docs/sessions.md");
    let text = fs::read_to_string(path).expect("the documentation");
    text.split(&format!("\n```{language}\n"))
        .skip(1)
        .map(|rest| rest[..rest.find("\n```").expect("its end")].to_owned())
        .collect()
}

#[test]
fn queries_in_the_documentation_use_what_is_sent() {
    let (labels, metadata) = Produced::real().loki();
    let known = labels.union(&metadata).cloned().collect();
    let queries = blocks("logql");
    for query in &queries {
        assert_known(query, &queries::names(query).all(), &known);
    }
    let known = Produced::real().elasticsearch();
    let mut requests = 0;
    for block in blocks("json") {
        let request: Value = serde_json::from_str(&block).expect("JSON");
        if request.get("query").is_none() {
            continue;
        }
        let mut names = BTreeSet::new();
        fields(&request, &mut names);
        assert!(names.contains("event.action"), "{block}");
        assert_known(&block, &names, &known);
        requests += 1;
    }
    assert!(!queries.is_empty() && requests > 0);
}
