//! Rules that assign categories to log events or drop them.

use serde_json::{Value, json};

use super::{destinations::performance, sent};
/// A log event of the repository.
fn log(level: &str, message: &str) -> String {
    let level = level.to_uppercase();
    format!(
        "/qseow-repository/;7;20260131T120000.010+0100;2026-01-31 12:00:00,010;{level};pro2-win1;\
         System.Repository.Repository.Core;LAB\\qlikservice;{message};;(null);(null);(null);(null);(null);(null)"
    )
}

/// A configuration that sends log events to MQTT, with these rules.
fn with_rules(rules: Value, default: Value) -> Value {
    json!({ "Butler-SOS": {
        "userEvents": { "enable": false },
        "logEvents": {
            "source": { "repository": { "enable": true }, "qixPerf": { "enable": true } },
            "enginePerformanceMonitor": { "enable": true, "monitorFilter": { "allApps": { "enable": true } } },
            "categorise": { "enable": true, "rules": rules, "ruleDefault": default },
            "sendToMQTT": { "enable": true, "baseTopic": "logs", "postTo": { "baseTopic": true } },
        },
        "mqttConfig": { "enable": true, "brokerHost": "127.0.0.1" },
    } })
}

/// Rules work as in Butler SOS's documentation: levels ignore case and texts do not, the first matching filter decides
/// for its rule, the categories of rules add up without repetition, and events can be dropped.
#[test]
#[ignore = "needs Vector"]
fn rules_assign_categories_and_drop_events() {
    let category = |name: &str, value: &str| json!({ "name": name, "value": value });
    let rule = |levels: &[&str], action: &str, categories: &[Value], filters: &[(&str, &str)]| {
        let filters: Vec<Value> = filters
            .iter()
            .map(|(kind, value)| json!({ "type": kind, "value": value }))
            .collect();
        json!({
            "description": "# \"a\" $HOME {{x}}\nb",
            "logLevel": levels,
            "action": action,
            "category": categories,
            "filter": filters,
        })
    };
    let hostile = "{{ message }} \"q\" \\ $HOME ${HOME} é\u{2028}\u{7}🚚";
    let rules = json!([
        rule(
            &["WARN", "error"],
            "categorise",
            &[category("c", "denied"), category("team", "a")],
            &[("sw", "Access"), ("so", "denied"),]
        ),
        rule(
            &["warn"],
            "categorise",
            &[category("c", "denied"), category("c", hostile)],
            &[("ew", "denied")]
        ),
        rule(
            &["Error"],
            "categorise",
            &[category("c", "hostile")],
            &[("so", hostile)]
        ),
        // The last rule: the results of earlier rules do not matter.
        rule(
            &["error", "fatal"],
            "drop",
            &[category("c", "x")],
            &[("so", "noise")]
        ),
    ]);
    let default = json!({ "enable": true, "category": [category("c", "unknown")] });
    let config = with_rules(rules.clone(), default);
    let hostile_message = format!("is {hostile} in it");
    let rows: [(&str, &str, Option<Vec<Value>>); 10] = [
        (
            "warn",
            "Access was fine",
            Some(vec![category("c", "denied"), category("team", "a")]),
        ),
        (
            "error",
            "it was denied for you",
            Some(vec![category("c", "denied"), category("team", "a")]),
        ),
        (
            "error",
            "it was Denied",
            Some(vec![category("c", "unknown")]),
        ),
        (
            "info",
            "Access denied",
            Some(vec![category("c", "unknown")]),
        ),
        (
            "warn",
            "Access denied",
            Some(vec![
                category("c", "denied"),
                category("team", "a"),
                category("c", hostile),
            ]),
        ),
        (
            "error",
            &hostile_message,
            Some(vec![category("c", "hostile")]),
        ),
        ("error", "Access denied with noise", None),
        ("fatal", "noise", None),
        ("warn", "noise", Some(vec![category("c", "unknown")])),
        ("warn", "", Some(vec![category("c", "unknown")])),
    ];
    let mut events: Vec<String> = rows
        .iter()
        .map(|(level, text, _)| log(level, text))
        .collect();
    // Performance events have no message, so no rule applies to them.
    events.push(performance().replace(";INFO;", ";ERROR;"));
    let sent = sent(&config, &events);
    let messages: Vec<Value> = sent["mqtt_log_events"]
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let seen: Vec<(&Value, &Value)> = messages
        .iter()
        .map(|message| (&message["message"], &message["category"]))
        .collect();
    let mut expected: Vec<(Value, Value)> = rows
        .iter()
        .filter_map(|(_, text, categories)| Some((json!(text), json!(categories.as_ref()?))))
        .collect();
    expected.push((Value::Null, json!([category("c", "unknown")])));
    let expected: Vec<(&Value, &Value)> = expected.iter().map(|(a, b)| (a, b)).collect();
    assert_eq!(seen, expected);

    let without = with_rules(rules, json!({ "enable": false }));
    let sent = self::sent(&without, &events[2..3]);
    assert!(
        sent["mqtt_log_events"][0].contains(r#""category":[]"#),
        "{sent:?}"
    );
}
