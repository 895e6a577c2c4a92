//! The index template of Elasticsearch has a type for every field.

use qlik_sense_events::schema::{FIELDS, FieldType, Schema};

use super::{produced, text};

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
