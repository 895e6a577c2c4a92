//! Sends log and performance events to InfluxDB: the measurement `log_event` with Butler SOS's tags and fields.

use super::influxdb::line;
use crate::import::butler_sos::{Note, values::InfluxVersion};

const POINT: &str = r#"
  # A point of the measurement `log_event` in InfluxDB's line protocol, with Butler SOS's tags and fields, from
  # its message.
  influxdb_log_point:
    type: remap
    inputs: [butler_sos_log_message]
    # Otherwise an event that fails would continue unchanged.
    drop_on_error: true
    source: |
      is_performance = .source == "qseow-qix-perf"
      names = if is_performance {
        [
          "method", "object_type", "proxy_session_id", "session_id", "event_activity_source", "user_full",
          "user_directory", "user_id", "app_id", "app_name", "object_id",
        ]
      } else if .source == "qseow-engine" {
        ["user_full", "user_directory", "user_id", "windows_user", "app_id", "engine_exe_version"]
      } else if .source == "qseow-scheduler" {
        ["user_full", "user_directory", "user_id", "task_id", "task_name"]
      } else {
        ["user_full", "user_directory", "user_id", "result_code"]
      }
      names = append(["host", "level", "source", "subsystem"], names)
      tags = compact(filter(.) -> |name, _value| { includes(names, name) })
      if is_performance {
        absent = { "method": "<Unknown>", "object_type": "<Unknown>", "proxy_session_id": "-1", "session_id": "-1" }
        tags = merge(absent, tags)
      }
      for_each(array(.category) ?? []) -> |_place, category| {
        tags = set!(tags, [category.name], category.value)
      }

@LINE@
      texts = {
        "message": .message,
        "exception_message": .exception_message,
        "command": .command,
        "@RESULT_CODE@": .result_code,
        "origin": .origin,
        "context": .context,
        "execution_id": .execution_id,
        "raw_event": encode_json(.),
      }
      if .source == "qseow-engine" { texts.session_id = .session_id }
      if is_performance || .source == "qseow-scheduler" { texts.@APP_ID@ = .app_id }
      if .source == "qseow-scheduler" { texts.@APP_NAME@ = .app_name }
@HANDLE@
      # Not every version of InfluxDB accepts line breaks in values; `raw_event` keeps them.
      values = []
      for_each(compact(texts, string: false)) -> |name, value| {
        text = replace(to_string(value) ?? "", r'[\r\n]+', " ")
        text = replace(replace(text, "\\", "\\\\"), "\"", "\\\"")
        values = push(values, name + "=\"" + text + "\"")
      }

      # In Butler SOS's message, -1 and -99 mean that a number is absent or unreadable, so they must not be added up.
      numbers = {
        "process_time": .process_time,
        "work_time": .work_time,
        "lock_time": .lock_time,
        "validate_time": .validate_time,
        "traverse_time": .traverse_time,
        "net_ram": .net_ram,
        "peak_ram": .peak_ram,
        "log_row_field": .log_row,@HANDLE_NUMBER@
      }
      whole = @WHOLE@
      for_each(compact(numbers)) -> |name, value| {
        if value != -99 && (value != -1 || name == "handle") {
          suffix = if includes(whole, name) { "i" } else { "" }
          values = push(values, name + "=" + (to_string(value) ?? "") + suffix)
        }
      }

      # Rows with the same millisecond and the same tags would become one point, so the row number goes into the
      # part of the time that Qlik leaves empty.
      time = to_unix_timestamp(timestamp!(%time), unit: "milliseconds") * 1000000
      row = int(.log_row) ?? 0
      if row > 0 { time = time + row }
      . = { "message": line + " " + join!(values, ",") + " " + to_string(time) }
"#;

/// The transform that creates points from log and performance events. Fields have the types that Butler SOS used,
/// because InfluxDB refuses others.
pub(super) fn point(version: InfluxVersion) -> String {
    let [result_code, app_id, app_name] = match version {
        InfluxVersion::V1 => ["result_code", "app_id", "app_name"],
        InfluxVersion::V2 => ["result_code_field", "app_id", "app_name"],
        InfluxVersion::V3 => ["result_code_field", "app_id_field", "app_name_field"],
    };
    let [handle, handle_number, whole] = match version {
        InfluxVersion::V1 => ["", "\n        \"handle\": .handle,", "[]"],
        InfluxVersion::V2 => [
            "      if is_performance && .handle != -99 { texts.handle = .handle }\n",
            "",
            r#"["net_ram", "peak_ram"]"#,
        ],
        InfluxVersion::V3 => [
            "",
            "\n        \"handle\": .handle,",
            r#"["handle", "net_ram", "peak_ram"]"#,
        ],
    };
    POINT
        .replace("@LINE@", &line(version, r#""log_event""#))
        .replace("@RESULT_CODE@", result_code)
        .replace("@APP_ID@", app_id)
        .replace("@APP_NAME@", app_name)
        .replace("@HANDLE@", handle)
        .replace("@HANDLE_NUMBER@", handle_number)
        .replace("@WHOLE@", whole)
}

/// Notes how points differ from Butler SOS's.
pub(super) fn note(notes: &mut Vec<Note>) {
    notes.push(Note::new(
        "logEvents.sendToInfluxdb",
        "points have Qlik's own time, not the time of arrival as in Butler SOS; `log_row` is the field \
         `log_row_field`, not a tag, which created up to 9,999 series; numbers that cannot be read are left out, \
         not -1",
    ));
}
