//! The dashboards in `examples/grafana` are complete, and only query what the examples in `examples/vector` produce.
//!
//! What is produced comes from the schemas, from a real run of the program for its diagnostics and metrics, and from
//! the examples for what they add, rename and delete.

mod alerts;
#[path = "../support/picture.rs"]
mod picture;
#[path = "../support/produced.rs"]
mod produced;
#[path = "../support/queries.rs"]
mod queries;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use produced::Produced;
use qlik_sense_events::schema::{FIELDS, FieldType, Schema};
use serde_json::Value;

const DASHBOARDS: [&str; 3] = ["elasticsearch", "loki", "prometheus"];

/// The dashboards that show Prometheus and a second store together, with that store.
const ONE_SCREEN: [(&str, &str); 2] = [
    ("one_screen_elasticsearch", "elasticsearch"),
    ("one_screen_loki", "loki"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn dashboard(name: &str) -> Value {
    let path = root().join(format!("examples/grafana/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("expected text, found {value}"))
}

fn number(value: &Value) -> usize {
    value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or_else(|| panic!("expected a number, found {value}"))
}

#[test]
fn these_tests_cover_every_dashboard() {
    let found: BTreeSet<String> = fs::read_dir(root().join("examples/grafana"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().replace(".json", ""))
        .collect();
    let known = DASHBOARDS
        .into_iter()
        .chain(ONE_SCREEN.map(|(name, _)| name));
    assert_eq!(found, known.map(String::from).collect());
}

// Structure.

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
fn take_place(taken: &mut BTreeMap<(usize, usize), String>, panel: &Value) {
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

fn check_panel(panel: &Value, store: &str, variable: &str) {
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

// Pictures.

/// The places and types of the panels. The picture contains no data, and Grafana draws panels differently.
fn layout(dashboard: &Value) -> String {
    const COLUMN: usize = 40;
    const ROW: usize = 11;
    let panels = list(&dashboard["panels"]);
    let place = |panel: &Value| ["x", "y", "w", "h"].map(|name| number(&panel["gridPos"][name]));
    let bottom = panels
        .iter()
        .map(|panel| place(panel)[1] + place(panel)[3])
        .max();
    let height = bottom.expect("panels") * ROW + 8;
    let what = format!("The layout of the dashboard {}", text(&dashboard["title"]));
    let size = |points: usize| u32::try_from(points).expect("a size");
    let mut svg = picture::head(size(24 * COLUMN), size(height), &what);
    svg += "<rect width=\"100%\" height=\"100%\" fill=\"#f4f5f7\"/>\n";
    svg += "<g font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"11\">\n";
    for panel in panels {
        let [x, y, w, h] = place(panel);
        let (left, top) = (x * COLUMN, y * ROW + 4);
        let title = picture::escaped(text(&panel["title"]));
        if panel["type"] == "row" {
            svg += &format!(
                "<text x=\"{}\" y=\"{}\" font-weight=\"bold\" fill=\"#24292f\">{title}</text>\n",
                left + 6,
                top + 9
            );
            continue;
        }
        let kind = match text(&panel["type"]) {
            "timeseries" => "over time",
            "bargauge" | "barchart" => "bars",
            "stat" => "a number",
            "logs" => "lines",
            other => other,
        };
        let (fill, edge) = match text(&panel["datasource"]["type"]) {
            "prometheus" => ("#fff1e6", "#e6894e"),
            "loki" => ("#fdf6d8", "#c9a227"),
            _ => ("#e4f1fb", "#4a90c2"),
        };
        let (width, height) = (w * COLUMN - 6, h * ROW - 4);
        svg += &format!(
            "<svg x=\"{}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"><rect x=\"0.5\" y=\"0.5\" \
             width=\"{}\" height=\"{}\" rx=\"3\" fill=\"{fill}\" stroke=\"{edge}\"/>\
             <text x=\"8\" y=\"16\" fill=\"#24292f\">{title}</text>\
             <text x=\"8\" y=\"30\" fill=\"#6e7781\" font-size=\"10\">{kind}</text></svg>\n",
            left + 3,
            width - 1,
            height - 1
        );
    }
    svg + "</g>\n</svg>\n"
}

#[test]
fn layouts_match_the_pictures_in_the_documentation() {
    for name in DASHBOARDS
        .into_iter()
        .chain(ONE_SCREEN.map(|(name, _)| name))
    {
        let svg = layout(&dashboard(name));
        picture::compare(&format!("dashboard_{name}.svg"), &svg);
    }
}

// Queries.

/// The queries of a dashboard's panels, with the panels' titles.
fn targets(dashboard: &Value) -> impl Iterator<Item = (&str, &Value)> {
    list(&dashboard["panels"]).iter().flat_map(|panel| {
        let title = text(&panel["title"]);
        list(&panel["targets"]).iter().map(move |t| (title, t))
    })
}

fn assert_known(title: &str, names: &BTreeSet<String>, known: &BTreeSet<String>) {
    let unknown: Vec<&String> = names.difference(known).collect();
    assert!(unknown.is_empty(), "{title}: {unknown:?} of {known:?}");
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

fn check_loki(title: &str, target: &Value) {
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
fn check_logql(title: &str, query: &str) {
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

fn check_elasticsearch(title: &str, target: &Value) {
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

fn check_prometheus(title: &str, target: &Value) {
    let labels = check_promql(title, text(&target["expr"]));
    let legend = target["legendFormat"].as_str().unwrap_or_default();
    assert_known(title, &queries::of_legend(legend), &labels);
}

/// Checks the metrics in a query and their labels, and returns the metrics.
fn check_promql(title: &str, query: &str) -> BTreeSet<String> {
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
fn check_variables(dashboard: &Value) {
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

// One screen.

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

// The documentation.

/// The code blocks in a language in `docs/sessions.md`.
fn blocks(language: &str) -> Vec<String> {
    let path = root().join("docs/sessions.md");
    let text = fs::read_to_string(path).expect("the documentation");
    text.split(&format!("\n```{language}\n"))
        .skip(1)
        .map(|rest| rest[..rest.find("\n```").expect("its end")].to_owned())
        .collect()
}

/// The fields that a request to Elasticsearch uses.
fn fields(request: &Value, names: &mut BTreeSet<String>) {
    match request {
        Value::Object(map) => {
            for (key, value) in map {
                match key.as_str() {
                    "term" | "range" | "terms" | "prefix" | "sort"
                        if value
                            .as_object()
                            .is_some_and(|one| !one.contains_key("field")) =>
                    {
                        names.extend(value.as_object().expect("fields").keys().cloned());
                    }
                    "field" => drop(names.insert(text(value).to_owned())),
                    _ => fields(value, names),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}

fn yaml(file: &str) -> Value {
    let text =
        fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
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

// Cardinality.

/// The labels that may create streams in Loki: they have few values, however many people use the site.
#[test]
fn labels_of_loki_have_few_values() {
    let allowed = [
        "action",
        "event",
        "host",
        "level",
        "service",
        "service_name",
    ];
    let allowed = allowed.map(String::from);
    assert_eq!(Produced::real().loki().0, allowed.into());
}

/// No label in Prometheus contains a user, an app or a session.
#[test]
fn labels_of_prometheus_have_few_values() {
    let allowed: BTreeSet<String> = [
        "action",
        "address",
        "appender",
        "browser_name",
        "bucket",
        "code",
        "event",
        "host",
        "le",
        "level",
        "method_class",
        "origin",
        "os_name",
        "reason",
        "sender_range",
        "service",
    ]
    .map(String::from)
    .into();
    for (metric, labels) in Produced::real().prometheus() {
        assert_known(&metric, &labels, &allowed);
    }
    let config = produced::example("prometheus");
    let bound = &config["transforms"]["qlik_sense_bounded"];
    assert_eq!(bound["type"], "tag_cardinality_limit");
    assert!(number(&bound["value_limit"]) <= 200);
    // Every metric that is created from text in an event respects the limit. Each transform creates one metric: Vector
    // drops all metrics of an event if the field of one is absent.
    let transforms = config["transforms"].as_object().expect("transforms");
    let mut seen = 0;
    for (name, transform) in transforms {
        if transform["type"] != "log_to_metric" || name == "qlik_sense_users" {
            continue;
        }
        assert_eq!(list(&transform["metrics"]).len(), 1, "{name}");
        assert!(
            list(&bound["inputs"]).contains(&name.as_str().into()),
            "{name}"
        );
        for sink in config["sinks"].as_object().expect("sinks").values() {
            assert!(
                !list(&sink["inputs"]).contains(&name.as_str().into()),
                "{name}"
            );
        }
        seen += 1;
    }
    assert!(seen > 0);
}

// The index template.

/// Dashboards query the cost of requests, whether a request is an event of its own or part of a summary. The index
/// copies both into one field, which no event has.
#[test]
fn copied_fields_in_the_index_have_a_type() {
    let template = produced::index_template();
    let properties = &template["template"]["mappings"]["properties"];
    let targets = produced::copied(properties);
    assert_eq!(
        targets,
        [
            "qlik_sense.cost.object_id",
            "qlik_sense.cost.peak_ram_bytes",
            "qlik_sense.cost.process_ms_max",
            "qlik_sense.cost.process_ms_sum",
        ]
        .map(String::from)
        .into()
    );
    for (target, (one, summary)) in [
        ("process_ms_sum", ("process_ms", "process_ms_sum")),
        ("process_ms_max", ("process_ms", "process_ms_max")),
        ("peak_ram_bytes", ("peak_ram_bytes", "peak_ram_bytes_max")),
        ("object_id", ("object_id", "peak_object_id")),
    ] {
        let of = |field: &str| &properties["qlik_sense"]["properties"][field];
        let kind = &of("cost")["properties"][target]["type"];
        for field in [one, summary] {
            assert_eq!(&of(field)["type"], kind, "{field}");
            let place = format!("qlik_sense.cost.{target}");
            assert!(of(field)["copy_to"].to_string().contains(&place), "{field}");
        }
    }
}

#[test]
fn the_index_template_has_a_type_for_every_field() {
    let template = produced::index_template();
    let properties = &template["template"]["mappings"]["properties"];
    let mut seen = 0;
    for field in Schema::Ecs.fields() {
        let place = field.replace('.', "/properties/");
        let mapping = properties
            .pointer(&format!("/{place}"))
            .unwrap_or_else(|| panic!("no mapping of {field}"));
        if mapping.get("properties").is_some() {
            continue;
        }
        let known = FIELDS.iter().find(|known| known.ecs == *field);
        let expected = match (*field, known.map(|known| known.field_type)) {
            // The nanoseconds contain the order of events that arrive together.
            ("@timestamp", _) => "date_nanos",
            // ECS has whole nanoseconds.
            ("event.duration", _) => "long",
            ("observer.ip", _) => "ip",
            ("message" | "error.message" | "error.stack_trace", _) => "text",
            (_, Some(FieldType::Time)) => "date",
            (_, Some(FieldType::WholeNumber)) => "long",
            (_, Some(FieldType::Number)) => "double",
            (_, Some(FieldType::Boolean)) => "boolean",
            (_, Some(FieldType::MapOfText)) => "object",
            (_, Some(FieldType::Text | FieldType::ListOfText) | None) => "keyword",
            (_, Some(other)) => panic!("{field}: {other:?}"),
        };
        assert_eq!(text(&mapping["type"]), expected, "{field}");
        seen += 1;
    }
    assert!(seen >= 25, "{seen}");
    let sink = &produced::example("elasticsearch")["sinks"]["elasticsearch"];
    assert_eq!(sink["mode"], "data_stream");
    assert!(template["data_stream"].is_object());
    let patterns = &template["index_patterns"];
    assert_eq!(patterns, &serde_json::json!(["logs-qlik_sense.*"]));
    assert_eq!(sink["data_stream"]["type"], "logs");
}
