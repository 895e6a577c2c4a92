//! The panels and variables of the dashboards, and the questions that they answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DASHBOARDS, ONE_SCREEN, dashboard, list, number, text};

#[test]
fn dashboards_are_complete() {
    let mut uids = BTreeSet::new();
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        assert!(uids.insert(text(&dashboard["uid"]).to_owned()), "{name}");
        assert!(!text(&dashboard["title"]).is_empty());
        assert!(number(&dashboard["schemaVersion"]) >= 39, "{name}");
        assert!(dashboard.get("id").is_none(), "{name}: Grafana gives it");
        let source = &dashboard["templating"]["list"][0];
        assert_eq!(source["type"], "datasource", "{name}");
        assert_eq!(source["name"], "datasource", "{name}");
        assert_eq!(source["query"], name, "{name}");
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeMap::new());
        for panel in list(&dashboard["panels"]) {
            let title = text(&panel["title"]);
            assert!(ids.insert(number(&panel["id"])), "{name}: {title}");
            take_place(&mut taken, panel);
            match text(&panel["type"]) {
                "row" | "text" => assert!(list(&panel["targets"]).is_empty()),
                _ => check_panel(panel, name, "datasource"),
            }
        }
        assert!(ids.len() >= 20, "{name}: {} panels", ids.len());
    }
}

/// A panel is within the 24 columns and does not overlap another one.
pub fn take_place(taken: &mut BTreeMap<(usize, usize), String>, panel: &Value) {
    let title = text(&panel["title"]);
    let [x, y, w, h] = ["x", "y", "w", "h"].map(|name| number(&panel["gridPos"][name]));
    assert!(w > 0 && h > 0 && x + w <= 24, "{title}");
    for column in x..x + w {
        for row in y..y + h {
            let other = taken.insert((column, row), title.to_owned());
            assert_eq!(other, None, "{title} lies on another panel");
        }
    }
}

pub fn check_panel(panel: &Value, store: &str, variable: &str) {
    let title = text(&panel["title"]);
    assert!(
        text(&panel["description"]).len() > 20,
        "{title}: what it shows"
    );
    let source = serde_json::json!({ "type": store, "uid": format!("${{{variable}}}") });
    assert_eq!(panel["datasource"], source, "{title}");
    let mut references = BTreeSet::new();
    for target in list(&panel["targets"]) {
        assert!(references.insert(text(&target["refId"])), "{title}");
        assert_eq!(target["datasource"], source, "{title}");
    }
    assert!(!references.is_empty(), "{title}: no query");
}

#[test]
fn every_variable_is_defined_and_used() {
    for name in DASHBOARDS
        .into_iter()
        .chain(ONE_SCREEN.map(|(name, _)| name))
    {
        let dashboard = dashboard(name);
        let defined: BTreeSet<&str> = list(&dashboard["templating"]["list"])
            .iter()
            .map(|variable| text(&variable["name"]))
            .collect();
        let whole = dashboard["panels"].to_string();
        let used: BTreeSet<&str> = whole
            .split('$')
            .skip(1)
            .map(|rest| rest.trim_start_matches('{'))
            .map(|rest| {
                &rest[..rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(0)]
            })
            .filter(|name| !name.is_empty() && !name.starts_with("__"))
            .collect();
        assert_eq!(used, defined, "{name}");
    }
}

/// The questions that each dashboard answers, as words in the titles of its panels.
#[test]
fn every_dashboard_answers_the_same_questions() {
    let questions = [
        "Users now",
        "Users today",
        "Users, last 7 days",
        "Users, last 30 days",
        "by action",
        "by origin",
        "by browser",
        "by system",
        "by hour of the week",
        "Sessions open",
        "Connections open",
        "Warnings and errors by node and service",
        "Warnings and errors by level",
        "Tasks by outcome",
        "Tasks that failed",
        "Sessions over time",
        "Median length of a session",
        "Not decoded",
        "Dropped by the program",
        "Dropped by the system",
    ];
    for name in DASHBOARDS {
        let dashboard = dashboard(name);
        let titles: Vec<&str> = list(&dashboard["panels"])
            .iter()
            .map(|panel| text(&panel["title"]))
            .collect();
        for question in questions {
            let answered = titles.iter().any(|title| title.contains(question));
            assert!(answered, "{name}: {question}");
        }
        // Prometheus knows neither users nor apps.
        for question in [
            "Users by app",
            "Errors",
            "Apps by time",
            "Users by time",
            "Slowest objects",
            "Who used the most memory",
            "Peak RAM by app",
            "Peak RAM by user",
            "Events one by one",
        ] {
            let answered = titles.contains(&question);
            assert_eq!(answered, name != "prometheus", "{name}: {question}");
        }
    }
}
