//! Sends log and performance events to MQTT: one topic for all of them, and one for each subsystem.

use super::{Pieces, is_on, mqtt, note_placeholders};
use crate::import::butler_sos::{Note, config::ButlerSos};

/// The topic of a subsystem, below that of all events. No field of Butler SOS's message contains it.
const SUBSYSTEM: &str = "{{ %subsystem }}";

/// Adds the sinks for MQTT, if it is enabled.
pub(super) fn add(from: &ButlerSos, pieces: &mut Pieces, notes: &mut Vec<Note>) {
    let send = &from.log_events.send_to_mqtt;
    let is_sent = from.log_events.is_used() && send.enable;
    let keys = ["logEvents.sendToMQTT.enable", "mqttConfig.enable"];
    if !is_on(is_sent, from.mqtt_config.enable, keys, notes) {
        return;
    }
    let topic = send.base_topic.as_ref().map_or("", |topic| &topic.0);
    let post_to = &send.post_to;
    if !(post_to.base_topic || post_to.subsystem_topics) {
        notes.push(Note::new(
            "logEvents.sendToMQTT.postTo",
            "no topic is enabled, so nothing is sent to MQTT",
        ));
        return;
    }
    let key = "logEvents.sendToMQTT.baseTopic";
    if topic.trim_end_matches('/').is_empty() {
        notes.push(Note::new(key, "missing, so nothing is sent to MQTT"));
        return;
    }
    note_placeholders(key, topic, notes);
    pieces.read_log_messages = true;
    let mut sink = |name: &str, topic: &str| {
        let sink = mqtt::sink(&from.mqtt_config, name, "butler_sos_log_message", topic);
        pieces.sinks.push_str(&sink);
    };
    if post_to.base_topic {
        sink("log_events", topic);
    }
    if post_to.subsystem_topics {
        let separator = if topic.ends_with('/') { "" } else { "/" };
        let topic = format!("{topic}{separator}{SUBSYSTEM}");
        sink("log_subsystems", &topic);
        notes.push(Note::new(
            "logEvents.sendToMQTT.postTo.subsystemTopics",
            "as in Butler SOS, except that a logger's name ends before a generic type (`` ` `` or `[`), and that \
             `+` and `#`, which topics cannot have, become `_`",
        ));
    }
}
