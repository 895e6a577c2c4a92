//! Sends log events to New Relic: custom events of the type `qs_logEvent`.

use std::fmt::Write;

use super::vrl_text;
use crate::import::butler_sos::{
    Note,
    config::{ButlerSos, SentSource},
};

const EVENT: &str = r#"
  # The log event that Butler SOS sends, attribute for attribute, from its message.
  new_relic_log_event:
    type: remap
    inputs: [butler_sos_log_message]
    # Otherwise an event that fails would continue unchanged.
    drop_on_error: true
    source: |
      # The services and levels that are sent; performance events never are.
      levels = get(@SENT@, [string!(.source)]) ?? null
      if !includes(array(levels) ?? [], .level) { abort }

      event = {
        "timestamp": to_unix_timestamp(timestamp!(%time), unit: "milliseconds"),
        "qs_ts_iso": .ts_iso,
        "qs_log_source": .source,
        "qs_log_level": .level,
        "qs_host": .host,
        "qs_subsystem": .subsystem,
        "qs_windows_user": .windows_user,
        "qs_message": .message,
        "qs_exception_message": .exception_message,
        "qs_user_full": .user_full,
        "qs_user_directory": .user_directory,
        "qs_user_id": .user_id,
        "qs_command": .command,
        "qs_result_code": .result_code,
        "qs_origin": .origin,
        "qs_context": .context,
        "qs_task_name": .task_name,
        "qs_app_name": .app_name,
        "qs_task_id": .task_id,
        "qs_app_id": .app_id,
        "qs_execution_id": .execution_id,
        "qs_proxy_session_id": .proxy_session_id,
        "qs_engine_ts": .engine_ts,
        "qs_process_id": .process_id,
        "qs_engine_exe_version": .engine_exe_version,
        "qs_server_started": .server_started,
        "qs_entry_type": .entry_type,
        "qs_session_id": .session_id,
      }
@STATIC@      . = compact(merge(event, object(.tags) ?? {}))
      .eventType = "qs_logEvent"
"#;

/// The transform that creates New Relic's events, and notes on what it does differently.
pub(super) fn event(from: &ButlerSos, notes: &mut Vec<Note>) -> String {
    let source = &from.log_events.send_to_new_relic.source;
    let services: [(&str, &SentSource); 4] = [
        ("engine", &source.engine),
        ("proxy", &source.proxy),
        ("repository", &source.repository),
        ("scheduler", &source.scheduler),
    ];
    let sent: Vec<String> = services
        .iter()
        .filter_map(|(service, sent)| {
            let levels = levels(sent);
            (!levels.is_empty()).then(|| format!("\"qseow-{service}\": {levels:?}"))
        })
        .collect();
    notes.push(Note::new(
        "logEvents.sendToNewRelic",
        "fatal errors are sent like errors, while Butler SOS never sends them; the time is Qlik's own",
    ));
    let mut fixed = String::new();
    let mut attributes = Vec::new();
    for (place, attribute) in from.new_relic.event.attribute.fixed.iter().enumerate() {
        match &attribute.value {
            Some(value) if !attribute.name.0.is_empty() => attributes.push(format!(
                "{}: {}",
                vrl_text(&attribute.name.0),
                vrl_text(&value.0)
            )),
            _ => notes.push(Note::new(
                &format!("newRelic.event.attribute.static[{place}]"),
                "left out: it has no name or no value",
            )),
        }
    }
    if !attributes.is_empty() {
        let _ = writeln!(
            fixed,
            "      event = merge(event, {{ {} }})",
            attributes.join(", ")
        );
    }
    let (before, after) = EVENT.split_once("@STATIC@").unwrap_or((EVENT, ""));
    let before = before.replace("@SENT@", &format!("{{ {} }}", sent.join(", ")));
    before + &fixed + after
}

/// The levels of a service that are sent, in Butler SOS's spelling.
fn levels(sent: &SentSource) -> Vec<&'static str> {
    let mut levels = Vec::new();
    if sent.enable && sent.log_level.warn {
        levels.push("WARN");
    }
    if sent.enable && sent.log_level.error {
        levels.extend(["ERROR", "FATAL"]);
    }
    levels
}
