//! Queries use what the examples send to each store.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{assert_known, dashboard, list, produced::Produced, queries, text};

/// The queries of a dashboard's panels, with the panels' titles.
fn targets(dashboard: &Value) -> impl Iterator<Item = (&str, &Value)> {
    list(&dashboard["panels"]).iter().flat_map(|panel| {
        let title = text(&panel["title"]);
        list(&panel["targets"]).iter().map(move |t| (title, t))
    })
}

/// Checks that the columns that a panel selects or renames are among `known`.
fn check_columns(dashboard: &Value, known: &BTreeSet<String>) -> usize {
    let mut seen = 0;
    for panel in list(&dashboard["panels"]) {
        for step in list(&panel["transformations"]) {
            for column in list(&step["options"]["include"]["names"]) {
                let column = text(column).to_owned();
                assert_known(text(&panel["title"]), &[column].into(), known);
                seen += 1;
            }
        }
    }
    seen
}

pub fn check_loki(title: &str, target: &Value) {
    let (labels, metadata) = Produced::real().loki();
    let known: BTreeSet<String> = labels.union(&metadata).cloned().collect();
    let query = text(&target["expr"]);
    check_logql(title, query);
    let legend = target["legendFormat"].as_str().unwrap_or_default();
    let mut shown = queries::of_legend(legend);
    shown.remove("app");
    assert_known(title, &shown, &known);
}

/// A query uses labels in its selectors, and labels and metadata after them.
pub fn check_logql(title: &str, query: &str) {
    let (labels, metadata) = Produced::real().loki();
    let known: BTreeSet<String> = labels.union(&metadata).cloned().collect();
    let streams = &query[query.find('{').expect("a selector")..];
    let selector = &streams[..=streams.find('}').expect("its end")];
    assert_known(title, &queries::names(selector).labels, &labels);
    let names = queries::names(query).all();
    assert_known(title, &names, &known);
    // A request that was summarized is a peak as well.
    assert_eq!(
        query.contains("unwrap peak_ram_bytes "),
        names.contains("peak_ram_bytes_max"),
        "{title}: peaks of requests and of summaries"
    );
}

pub fn check_elasticsearch(title: &str, target: &Value) {
    let known = Produced::real().elasticsearch();
    let mut names = queries::of_lucene(text(&target["query"]));
    names.extend(queries::of_legend(
        target["alias"].as_str().unwrap_or_default(),
    ));
    let pipelines = list(&target["metrics"])
        .iter()
        .filter(|metric| metric.get("pipelineAgg").is_none());
    for part in pipelines.chain(list(&target["bucketAggs"])) {
        names.extend(part["field"].as_str().map(String::from));
    }
    assert_known(title, &names, &known);
}

pub fn check_prometheus(title: &str, target: &Value) {
    let labels = check_promql(title, text(&target["expr"]));
    let legend = target["legendFormat"].as_str().unwrap_or_default();
    assert_known(title, &queries::of_legend(legend), &labels);
}

/// Checks the metrics in a query and their labels, and returns the metrics.
pub fn check_promql(title: &str, query: &str) -> BTreeSet<String> {
    let metrics = Produced::real().prometheus();
    let names = queries::names(query);
    let asked: BTreeSet<String> = metrics.keys().cloned().collect();
    assert_known(title, &names.others, &asked);
    let labels: BTreeSet<String> = names
        .others
        .iter()
        .flat_map(|metric| metrics[metric].iter().cloned())
        // Prometheus adds where a metric comes from.
        .chain(["instance", "job"].map(String::from))
        .collect();
    assert_known(title, &names.labels, &labels);
    labels
}

/// The fields of the index whose values the variables of a dashboard list.
pub fn check_variables(dashboard: &Value) {
    let known = Produced::real().elasticsearch();
    let variables = list(&dashboard["templating"]["list"]).iter();
    for variable in variables.filter(|variable| variable["type"] == "query") {
        let query: Value = serde_json::from_str(text(&variable["query"])).expect("JSON");
        let field = text(&query["field"]).to_owned();
        assert_known("a variable", &[field].into(), &known);
    }
}

#[test]
fn queries_to_loki_use_what_is_sent_to_loki() {
    let dashboard = dashboard("loki");
    let mut seen = 0;
    for (title, target) in targets(&dashboard) {
        check_loki(title, target);
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
    let (labels, metadata) = Produced::real().loki();
    let mut columns: BTreeSet<String> = labels.union(&metadata).cloned().collect();
    columns.extend(["Time", "Line"].map(String::from));
    assert!(check_columns(&dashboard, &columns) >= 10);
}

#[test]
fn queries_to_elasticsearch_use_fields_of_ecs() {
    let dashboard = dashboard("elasticsearch");
    let mut seen = 0;
    for (title, target) in targets(&dashboard) {
        check_elasticsearch(title, target);
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
    check_variables(&dashboard);
    assert!(check_columns(&dashboard, &Produced::real().elasticsearch()) >= 10);
}

#[test]
fn queries_to_prometheus_use_existing_metrics_and_labels() {
    let dashboard = dashboard("prometheus");
    let mut seen = 0;
    for (title, target) in targets(&dashboard) {
        check_prometheus(title, target);
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}
