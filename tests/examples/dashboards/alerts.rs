//! Alerts and searches only query what the examples produce, and engine health is documented like its example.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::{
    assert_known, fields, list,
    produced::{self, Produced},
    root,
    stores::{check_logql, check_promql},
    text,
};

fn yaml(file: &str) -> Value {
    let text =
        fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn alerts_for_prometheus_use_existing_metrics_and_labels() {
    let file = yaml("examples/prometheus/alerts.yaml");
    let tests = fs::read_to_string(root().join("examples/prometheus/alerts_test.yaml"));
    let tests = tests.expect("the tests of promtool");
    let mut seen = 0;
    for rule in list(&file["groups"])
        .iter()
        .flat_map(|group| list(&group["rules"]))
    {
        let name = text(&rule["alert"]);
        let labels = check_promql(name, text(&rule["expr"]));
        let told = rule["annotations"].to_string();
        for label in told.split("$labels.").skip(1) {
            let end = label.find(|c: char| !c.is_alphanumeric() && c != '_');
            let label = &label[..end.expect("behind a label")];
            assert!(labels.contains(label), "{name}: {label}");
        }
        // promtool tests whether a rule fires; this checks that promtool tests every rule.
        let family = name
            .trim_end_matches("InQueue")
            .trim_end_matches("ByKernel");
        assert!(tests.contains(family), "{name} is in no test");
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn alerts_for_loki_use_what_is_sent_to_loki() {
    let file = yaml("examples/loki/alerts.yaml");
    let rules = list(&file["groups"][0]["rules"]);
    for rule in rules {
        check_logql(text(&rule["alert"]), text(&rule["expr"]));
    }
    assert!(rules.len() >= 8);
}

#[test]
fn searches_for_alerts_in_elasticsearch_use_fields_of_ecs() {
    let file = fs::read_to_string(root().join("examples/elasticsearch/alerts.json"));
    let file: Value = serde_json::from_str(&file.expect("the searches")).expect("JSON");
    let known = Produced::real().elasticsearch();
    let alerts = list(&file["alerts"]);
    for alert in alerts {
        let name = text(&alert["name"]);
        let mut names = BTreeSet::new();
        fields(&alert["request"], &mut names);
        assert!(names.contains("@timestamp"), "{name}");
        assert_known(name, &names, &known);
        let condition = text(&alert["alert_when"]);
        if let Some(rest) = condition.strip_prefix("aggregations.") {
            let buckets = rest.split('.').next().expect("a name");
            assert!(alert["request"]["aggs"][buckets].is_object(), "{name}");
        } else {
            assert!(condition.starts_with("hits.total.value "), "{name}");
        }
    }
    assert!(alerts.len() >= 8);
}

/// The document on engine health has every field and metric of the example, and no others.
#[test]
fn engine_health_is_documented_like_its_example() {
    let text = fs::read_to_string(root().join("docs/engine-health.md")).expect("the document");
    let documented = |heading: &str| -> BTreeSet<String> {
        let table = text.split(heading).nth(1).expect("the section");
        let lines = table.lines().skip_while(|line| !line.starts_with("| `"));
        lines
            .take_while(|line| line.starts_with('|'))
            .flat_map(|line| line.split('|').nth(1).expect("a cell").split(','))
            .map(|name| name.trim().trim_matches('`').to_owned())
            .collect()
    };
    let names = produced::engine_health();
    assert_eq!(documented("\n## Events\n"), names.fields);
    assert_eq!(documented("\n## Metrics\n"), names.metrics);
}
