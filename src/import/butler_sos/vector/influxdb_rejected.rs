//! Sends counts of the performance events that the filter leaves out to InfluxDB: the measurement
//! `rejected_event_count`.

use super::{influxdb::line, vrl_text};
use crate::import::butler_sos::{
    Note,
    config::ButlerSos,
    values::{InfluxVersion, Text},
};

const POINT: &str = r#"
  # A point of the measurement in which Butler SOS counts the performance events that its filter leaves out. The
  # program summarizes them by node, app, user and type of object, but not by method.
  influxdb_rejected_point:
    type: remap
    inputs: [qlik_sense_kind.performance_summaries]
    # Otherwise an event that fails would continue unchanged.
    drop_on_error: true
    source: |
      is_named = if exists(.app_name) { "true" } else { "false" }
      tags = {
        "source": "qseow-qix-perf",
        "host": .host,
        "user_full": .user,
        "app_id": .app_id,
        "app_name": .app_name,
        "app_name_set": is_named,
        "object_type": .object_type,
      }
      tags = merge(tags, { @TAGS@ })

@LINE@
      counter = to_string(.requests) ?? "0"
      line = line + " counter=" + counter + "@WHOLE@"
      if exists(.process_ms_sum) {
        line = line + ",process_time=" + (to_string(.process_ms_sum) ?? "0")
      }
      time = to_unix_timestamp(timestamp!(.timestamp), unit: "nanoseconds")
      . = { "message": line + " " + to_string(time) }
"#;

/// The transform that creates points from events that are left out, and notes on how they differ from Butler SOS's.
pub(super) fn point(from: &ButlerSos, notes: &mut Vec<Note>) -> String {
    let version = from.influxdb_config.version;
    let whole = match version {
        InfluxVersion::V1 => "",
        InfluxVersion::V2 | InfluxVersion::V3 => "i",
    };
    let measurement = &from
        .qlik_sense_events
        .rejected_event_count
        .influxdb
        .measurement_name;
    let measurement = measurement.as_ref().map(|Text(name)| name.trim());
    let measurement = measurement.filter(|name| !name.is_empty());
    // The same characters are escaped as in tags, except for `=`, which is not a separator here.
    let measurement: String = measurement
        .unwrap_or("rejected_event_count")
        .chars()
        .flat_map(|character| match character {
            ',' | ' ' => vec!['\\', character],
            character => vec![character],
        })
        .collect();
    let track = &from
        .log_events
        .engine_performance_monitor
        .track_rejected_events;
    let mut tags = Vec::new();
    for (place, tag) in track.tags.iter().enumerate() {
        match &tag.value {
            Some(value) if !tag.name.0.is_empty() => {
                tags.push(format!("{}: {}", vrl_text(&tag.name.0), vrl_text(&value.0)));
            }
            _ => notes.push(Note::new(
                &format!("logEvents.enginePerformanceMonitor.trackRejectedEvents.tags[{place}]"),
                "left out: it has no name or no value",
            )),
        }
    }
    notes.push(Note::new(
        "logEvents.enginePerformanceMonitor.trackRejectedEvents",
        "the measurement has no tag `method`, but `host` and `user_full`: events that are left out are \
         summarized once a minute by node, app, user and type of object",
    ));
    let (before, after) = POINT.split_once("@TAGS@").unwrap_or((POINT, ""));
    let (to_line, after) = after.split_once("@LINE@\n").unwrap_or((after, ""));
    let line = line(version, &vrl_text(&measurement));
    format!(
        "{before}{}{to_line}{line}{}",
        tags.join(", "),
        after.replace("@WHOLE@", whole)
    )
}
