//! The dashboards that show Prometheus and a second store together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    ONE_SCREEN, dashboard, list, number,
    stores::{check_elasticsearch, check_loki, check_prometheus, check_variables},
    structure::{check_panel, take_place},
    text,
};

#[test]
fn one_screen_shows_the_memory_of_the_nodes_and_the_user_who_took_it() {
    for (name, store) in ONE_SCREEN {
        let dashboard = dashboard(name);
        let sources: Vec<(&str, &str)> = list(&dashboard["templating"]["list"])[..2]
            .iter()
            .map(|variable| (text(&variable["name"]), text(&variable["query"])))
            .collect();
        assert_eq!(sources, [("metrics", "prometheus"), ("events", store)]);
        // All panels share the cursor and the time range.
        assert_eq!(dashboard["graphTooltip"], 2);
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeMap::new());
        let mut titles = Vec::new();
        for panel in list(&dashboard["panels"]) {
            assert!(ids.insert(number(&panel["id"])), "{name}");
            take_place(&mut taken, panel);
            if panel["type"] == "row" {
                continue;
            }
            let title = text(&panel["title"]);
            titles.push(title);
            let is_metrics = panel["datasource"]["type"] == "prometheus";
            let (kind, variable) = match is_metrics {
                true => ("prometheus", "metrics"),
                false => (store, "events"),
            };
            check_panel(panel, kind, variable);
            for target in list(&panel["targets"]) {
                match kind {
                    "prometheus" => check_prometheus(title, target),
                    "loki" => check_loki(title, target),
                    _ => check_elasticsearch(title, target),
                }
            }
        }
        assert_eq!(
            titles,
            [
                "Free memory by node",
                "CPU of the engine by node",
                "Sessions open by user",
                "Apps opened",
                "Peak RAM by user",
                "Peak RAM by app",
                "Who used the most memory",
                "Slowest objects",
                "What the engines logged",
            ]
        );
        check_links(&dashboard);
        if store == "elasticsearch" {
            check_variables(&dashboard);
        }
    }
}

/// The user of the request with the highest peak links to the dashboard filtered by that user, and the object links to
/// the chart.
fn check_links(dashboard: &Value) {
    let panels = list(&dashboard["panels"]).iter();
    let mut tables = panels.filter(|panel| panel["title"] == "Who used the most memory");
    let table = tables.next().expect("the table");
    let link = |column: &str| {
        let mut overrides = list(&table["fieldConfig"]["overrides"])
            .iter()
            .filter(|one| {
                one["matcher"]["options"] == column && one["properties"][0]["id"] == "links"
            });
        let link = overrides.next().expect("a link");
        text(&link["properties"][0]["value"][0]["url"]).to_owned()
    };
    let user = link("User");
    assert!(
        user.starts_with(&format!("/d/{}?", text(&dashboard["uid"]))),
        "{user}"
    );
    for variable in list(&dashboard["templating"]["list"]) {
        // Another user may have used an object with the same id in another app.
        let name = text(&variable["name"]);
        let is_kept = user.contains(&format!("${{{name}:queryparam}}"));
        assert_eq!(is_kept, name != "user" && name != "app", "{name}");
    }
    assert!(user.contains("var-user=${__value.text"), "{user}");
    let object = link("Object");
    assert!(object.starts_with("${sense}/single/?appid=${__data.fields[\"App id\"]}&obj="));
    let named = table["transformations"].to_string();
    for column in ["User", "App id", "Object"] {
        assert!(named.contains(&format!("\"{column}\"")), "{column}");
    }
}
