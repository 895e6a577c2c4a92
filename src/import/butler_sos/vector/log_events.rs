//! Log and performance events as in Butler SOS: the enabled services, and its message.

use crate::import::butler_sos::{Note, config::ButlerSos, performance};

/// The name of the transform of [`sources`].
pub(super) const SOURCES: &str = "qlik_sense_sources";

/// The transform that keeps the log events of enabled services, if any is disabled.
pub(super) fn sources(from: &ButlerSos, input: &str, notes: &mut Vec<Note>) -> Option<String> {
    let is_tracked = performance::is_tracked(from);
    let from = &from.log_events;
    if !from.is_used() {
        return None;
    }
    let services = from.services();
    let mut conditions = Vec::new();
    if !from.has_performance() {
        conditions.push(r#".event != "performance""#.to_owned());
    }
    match &services[..] {
        [] => conditions.push(r#".event != "log""#.to_owned()),
        [_, _, _, _] => {}
        some => conditions.push(format!(
            r#"(.event != "log" || includes({some:?}, .service))"#
        )),
    }
    if !conditions.is_empty() {
        notes.push(Note::new(
            "logEvents.source",
            "sources that are off are dropped by the transform `qlik_sense_sources`; it is better to remove \
             their appenders, so that Qlik Sense does not send them",
        ));
    }
    if performance::leaves_out(from) && !is_tracked {
        conditions.push(r#".event != "performance_summary""#.to_owned());
        notes.push(Note::new(
            performance::KEY,
            "the program summarizes the events that are left out, and the transform `qlik_sense_sources` drops \
             these summaries; remove `performance_summary` there to send them to a sink",
        ));
    }
    if conditions.is_empty() {
        return None;
    }
    Some(format!(
        "\n  # Drops what is disabled in Butler SOS.\n  {SOURCES}:\n    type: filter\n    \
         inputs: [{input}]\n    condition: |\n      {}\n",
        conditions.join(" && ")
    ))
}

/// The transform that creates Butler SOS's message from a log or performance event.
pub(super) const MESSAGE: &str = r##"
  # Butler SOS's message for a log or performance event, key for key. What is needed to send it but is not part of
  # it is metadata.
  butler_sos_log_message:
    type: remap
    inputs: [@INPUT@]
    # Otherwise an event that fails would continue unchanged.
    drop_on_error: true
    source: |
      service = string(.service) ?? ""
      is_performance = .event == "performance"
      source = if is_performance { "qseow-qix-perf" } else { "qseow-" + service }
      message = {
        "source": source,
        "log_row": .sequence || -1,
        "ts_iso": format_timestamp!(timestamp!(.timestamp), "%Y-%m-%dT%H:%M:%S%.3fZ"),
        "ts_local": "",
        "level": upcase(string(.level) ?? ""),
        "host": .host || "",
        "subsystem": .logger || "",
        "windows_user": .service_account || "",
        "user_directory": .user_directory || "",
        "user_id": .user_id || "",
        "user_full": .user || "",
        "tags": .tags || {},
      }
      if exists(.category) { message.category = .category }

      # What the engine does by itself, such as a reload, has no proxy session.
      activity = if exists(.session_id) { "user" } else { "non-user" }
      engine_time = to_string(.engine_timestamp) ?? ""
      started = to_string(.server_started) ?? ""

      keys = if is_performance {
        {
          "proxy_session_id": .session_id || "",
          "engine_ts": engine_time,
          "session_id": .engine_session_id || "",
          "app_id": .app_id || "",
          "app_name": .app_name || "",
          "request_id": .request_id || -99,
          "method": .method || "",
          "process_time": .process_ms,
          "work_time": .work_ms,
          "lock_time": .lock_ms,
          "validate_time": .validate_ms,
          "traverse_time": .traverse_ms,
          "handle": .handle || -99,
          "object_id": .object_id || "",
          "net_ram": .net_ram_bytes || -1,
          "peak_ram": .peak_ram_bytes || -1,
          "object_type": .object_type || "",
          "event_activity_source": activity,
        }
      } else if service == "engine" {
        {
          "message": .message || "",
          "proxy_session_id": .session_id || "",
          "engine_ts": engine_time,
          "process_id": .process_id || "",
          "engine_exe_version": .engine_version || "",
          "server_started": started,
          "entry_type": .entry_type || "",
          "session_id": .engine_session_id || "",
          "app_id": .app_id || "",
        }
      } else if service == "scheduler" {
        {
          "message": .message || "",
          "exception_message": .exception || "",
          "task_name": .task_name || "",
          "app_name": .app_name || "",
          "task_id": .task_id || "",
          "app_id": .app_id || "",
          "execution_id": .execution_id || "",
        }
      } else {
        {
          "message": .message || "",
          "exception_message": .exception || "",
          "command": .qlik_command || "",
          "result_code": .result || "",
          "origin": .origin || "",
          "context": .context || "",
        }
      }

      %time = .timestamp
      # The topic of a subsystem: its logger up to a generic type, without characters that topics cannot have.
      logger = replace(downcase(string(.logger) ?? ""), r'[`\[].*$', "")
      %subsystem = replace(replace(logger, ".", "/"), r'[+#]', "_")
      . = merge(message, keys)
"##;
