//! Sends user events to MQTT: one topic for all of them, and one for each command.

use super::{Pieces, is_on, mqtt_logs, note_placeholders, quoted};
use crate::import::butler_sos::{
    Note,
    config::{ButlerSos, MqttConfig, PostTo, Topic},
    values::Text,
};

/// The message that Butler SOS publishes, from an event in the schema `default`.
const MESSAGE: &str = r#"
  # The message that Butler SOS publishes, key for key.
  butler_sos_message:
    type: remap
    inputs: [qlik_sense_kind.users]
    # Otherwise an event that fails would continue unchanged.
    drop_on_error: true
    source: |
      browser = parse_regex(.browser_version, r'^(?P<major>[0-9]+)') ?? {}
      app_name = if exists(.app_id) { .app_name || "<unknown app name>" }
      . = compact({
        "messageType": "qseow-proxy-" + string!(.event),
        "host": .host || "",
        "command": .qlik_command || "",
        "userDir": .user_directory || "",
        "userId": .user_id || "",
        "origin": .origin || "",
        "context": .context || "",
        "message": .message || "",
        "tags": .tags || {},
        "appId": .app_id,
        "appName": app_name,
        "uaBrowserName": .browser_name,
        "uaBrowserMajorVersion": browser.major,
        "uaOsName": .os_name,
        "uaOsVersion": .os_version,
      }, recursive: false, string: false, object: false)
"#;

const ROUTES: &str = r"
  # One topic for each command.
  butler_sos_command:
    type: route
    inputs: [butler_sos_message]
    reroute_unmatched: false
    route:
";

const SINK: &str = r"
  mqtt_@NAME@:
    type: mqtt
    inputs: [@INPUT@]
    host: @HOST@
    port: @PORT@
    topic: @TOPIC@
    # The sink only publishes, so the broker has nothing to keep for it.
    clean_session: true
    # The default is 10240. A datagram has up to 65507 bytes, and its JSON can be longer.
    max_packet_size: 1048576
    encoding:
      codec: json
";

/// The commands with a topic of their own: name, key in `postTo`, and command in Qlik's words.
const COMMANDS: [(&str, &str, &str); 4] = [
    ("session_start", "sessionStartTopic", "Start session"),
    ("session_stop", "sessionStopTopic", "Stop session"),
    ("connection_open", "connectionOpenTopic", "Open connection"),
    (
        "connection_close",
        "connectionCloseTopic",
        "Close connection",
    ),
];

/// Adds the transforms and sinks for MQTT, for the events that are sent there.
pub(super) fn add(from: &ButlerSos, pieces: &mut Pieces, notes: &mut Vec<Note>) {
    add_users(from, pieces, notes);
    mqtt_logs::add(from, pieces, notes);
}

fn add_users(from: &ButlerSos, pieces: &mut Pieces, notes: &mut Vec<Note>) {
    let send = &from.user_events.send_to_mqtt;
    let keys = ["userEvents.sendToMQTT.enable", "mqttConfig.enable"];
    if !is_on(send.enable, from.mqtt_config.enable, keys, notes) {
        return;
    }
    let topics = topics(&send.post_to, notes);
    if topics.is_empty() {
        notes.push(Note::new(
            "userEvents.sendToMQTT.postTo",
            "no topic is enabled, so nothing is sent to MQTT",
        ));
        return;
    }
    pieces.read_users = true;
    pieces.transforms.push_str(MESSAGE);
    let mut routes = String::new();
    for (name, command, topic) in topics {
        let input = match command {
            Some(command) => {
                routes.push_str(&format!("      {name}: .command == {}\n", quoted(command)));
                format!("butler_sos_command.{name}")
            }
            None => "butler_sos_message".to_owned(),
        };
        let sink = sink(&from.mqtt_config, name, &input, topic);
        pieces.sinks.push_str(&sink);
    }
    if !routes.is_empty() {
        pieces.transforms.push_str(ROUTES);
        pieces.transforms.push_str(&routes);
    }
}

/// The sink that publishes to a topic.
pub(super) fn sink(mqtt: &MqttConfig, name: &str, input: &str, topic: &str) -> String {
    let host = mqtt.broker_host.as_ref();
    let (host, port) = host.map_or(("localhost", None), Text::host_and_port);
    let port = mqtt.broker_port.map(|port| port.0).or(port).unwrap_or(1883);
    let (before, after) = SINK.split_once("@HOST@").unwrap_or((SINK, ""));
    let before = before.replace("@NAME@", name).replace("@INPUT@", input);
    let after = after
        .replace("@PORT@", &port.to_string())
        // The topic is inserted last, because it may contain anything.
        .replace("@TOPIC@", &quoted(topic));
    format!("{before}{}{after}", quoted(host))
}

/// The enabled topics, each with its command, or `None` if it is for all of them.
fn topics<'a>(
    post_to: &'a PostTo,
    notes: &mut Vec<Note>,
) -> Vec<(&'static str, Option<&'static str>, &'a str)> {
    let of_commands: [&Topic; 4] = [
        &post_to.session_start_topic,
        &post_to.session_stop_topic,
        &post_to.connection_open_topic,
        &post_to.connection_close_topic,
    ];
    let all = (
        "everything",
        "everythingTopic",
        None,
        &post_to.everything_topic,
    );
    let of_commands = COMMANDS
        .into_iter()
        .zip(of_commands)
        .map(|((name, key, command), topic)| (name, key, Some(command), topic));
    let mut topics = Vec::new();
    for (name, key, command, topic) in [all].into_iter().chain(of_commands) {
        let key = format!("userEvents.sendToMQTT.postTo.{key}");
        let text = topic.topic.as_ref().map_or("", |topic| &topic.0);
        match (topic.enable, text) {
            (true, "") => notes.push(Note::new(&key, "on, but without a topic; left out")),
            (true, text) => {
                note_placeholders(&key, text, notes);
                topics.push((name, command, text));
            }
            (false, _) => {}
        }
    }
    topics
}
