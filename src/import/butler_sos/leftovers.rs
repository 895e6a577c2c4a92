//! What Butler SOS does besides Qlik Sense events, and unknown keys: why they are not carried over.

use yaml_serde::Value;

use super::Note;

/// A part of the configuration that is not carried over.
struct Part {
    /// Its key below `Butler-SOS`.
    key: &'static str,
    /// Keys that tell whether it is in use: their value is true or a list that is not empty.
    used_if: &'static [&'static str],
    /// The reason, and what to do instead. Empty if nothing is lost.
    why: &'static str,
}

const fn part(key: &'static str, used_if: &'static [&'static str], why: &'static str) -> Part {
    Part { key, used_if, why }
}

/// All keys of Butler SOS 9 to 15 that are not read here.
const PARTS: &[Part] = &[
    part("logEvents.enginePerformanceMonitor.appNameLookup", &[], ""),
    part("logEvents.udpServerConfig.queueMetrics.influxdb", &[], ""),
    part(
        "logdb",
        &["logdb.enable"],
        "Qlik Sense's database of log entries is not read",
    ),
    // Names, descriptions and tags of servers.
    part("serversToMonitor", &[], ""),
    part("userSessions.excludeUser", &[], ""),
    part(
        "qlikSenseEvents",
        &["qlikSenseEvents.eventCount.enable"],
        "counts go to Vector as metrics of the component `qlik_sense`, not to a measurement of \
         this name",
    ),
    part("userEvents.udpServerConfig.queueMetrics.influxdb", &[], ""),
    part(
        "prometheus",
        &["prometheus.enable"],
        "Butler SOS exposes engine health there; event counters are metrics of the component `qlik_sense`, for \
         Vector's `prometheus_exporter`",
    ),
    part(
        "auditEvents",
        &["auditEvents.enable"],
        "events of the browser extension come over HTTP; keep Butler SOS for them",
    ),
    part(
        "uptimeMonitor",
        &["uptimeMonitor.enable"],
        "uptime and memory of Butler SOS; the program sends its own metrics to Vector",
    ),
    part(
        "heartbeat",
        &["heartbeat.enable"],
        "there is no heartbeat; alert when the metrics of the component `qlik_sense` stop",
    ),
    part(
        "dockerHealthCheck",
        &["dockerHealthCheck.enable"],
        "Vector's `api` answers health checks",
    ),
    part(
        "errorTracking",
        &["errorTracking.influxdb.enable"],
        "failed writes are counted by Vector, in its `internal_metrics`",
    ),
    part(
        "configVisualisation",
        &["configVisualisation.enable"],
        "no web page shows the configuration",
    ),
    part(
        "fileLogging",
        &["fileLogging"],
        "the program writes no log file; its diagnostics are events with `event: plugin`",
    ),
    part("logLevel", &[], ""),
    part("logDirectory", &[], ""),
    part("crashFile", &[], ""),
    part("systemInfo", &[], ""),
    part("anonTelemetry", &[], ""),
    part("mqttConfig.baseTopic", &[], ""),
    part("influxdbConfig.maxBatchSize", &[], ""),
    part("influxdbConfig.includeFields", &[], ""),
    part("influxdbConfig.retentionPolicy", &[], ""),
    part("influxdbConfig.v1Config.retentionPolicy", &[], ""),
    part("influxdbConfig.v2Config.description", &[], ""),
    part("influxdbConfig.v2Config.retentionDuration", &[], ""),
    part("influxdbConfig.v3Config.description", &[], ""),
    part("influxdbConfig.v3Config.retentionDuration", &[], ""),
    part("influxdbConfig.v3Config.writeTimeout", &[], ""),
    part("influxdbConfig.v3Config.queryTimeout", &[], ""),
    // This is the version of Butler SOS itself.
    part("newRelic.event.attribute.dynamic", &[], ""),
    part("newRelic.metric", &[], ""),
    // If New Relic is used, this is noted with the headers' names.
    part("newRelic.event.header", &[], ""),
];

/// A note for each part that is in use, and for each key that no version of Butler SOS has.
pub(super) fn notes(file: &Value, ignored: &[String]) -> Vec<Note> {
    let mut notes: Vec<Note> = PARTS
        .iter()
        .filter(|part| part.used_if.iter().any(|key| is_used(file, key)))
        .map(|part| Note::new(part.key, part.why))
        .collect();
    let unknown = ignored
        .iter()
        .filter(|key| !PARTS.iter().any(|part| covers(part.key, key)))
        .map(|key| Note::new(key, unknown_because(key)));
    notes.extend(unknown);
    notes
}

fn unknown_because(key: &str) -> &'static str {
    if key.ends_with("<<") {
        "merge keys are not supported; write out the keys that they merge"
    } else {
        "unknown key, left out; is it spelt as in Butler SOS?"
    }
}

/// Whether `key` is `part` or is within it.
fn covers(part: &str, key: &str) -> bool {
    key.strip_prefix(part)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn is_used(file: &Value, key: &str) -> bool {
    let found = key
        .split('.')
        .try_fold(file.get("Butler-SOS"), |value, name| {
            value.map(|value| value.get(name))
        })
        .flatten();
    match found {
        Some(Value::Bool(value)) => *value,
        Some(Value::Sequence(list)) => !list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_only_covered_by_its_own_part() {
        assert!(covers("newRelic.metric", "newRelic.metric"));
        assert!(covers("newRelic.metric", "newRelic.metric.url"));
        assert!(!covers("newRelic.metric", "newRelic.metrics"));
        assert!(!covers("newRelic.metric", "newRelic"));
    }
}
