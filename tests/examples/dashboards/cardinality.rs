//! The labels of Loki and Prometheus have few values.

use std::collections::BTreeSet;

use super::{
    assert_known, list, number,
    produced::{self, Produced},
};

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
