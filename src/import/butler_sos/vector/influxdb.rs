//! Sends events to InfluxDB; user events go to the measurement `user_events` with Butler SOS's tags and fields.
//!
//! Vector's `influxdb_logs` sink makes every name either a tag or a field, but some of Butler SOS's names are both, and
//! its dashboards query the fields. So the points are written here in InfluxDB's line protocol, and sent by the `http`
//! sink.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Pieces, influxdb_logs, influxdb_rejected, is_on, note_placeholders, note_secret, quoted,
};
use crate::{
    config::authority,
    import::butler_sos::{
        Note,
        config::{ButlerSos, InfluxdbConfig},
        performance,
        values::{InfluxVersion, Text},
    },
};

/// The characters that must be encoded in a query.
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'(')
    .remove(b')')
    .remove(b',');

const POINT: &str = r#"
  # A point of the measurement `user_events` in InfluxDB's line protocol, with Butler SOS's tags and
  # fields. Vector's `influxdb_logs` sink cannot do this: some names are both a tag and a field.
  influxdb_point:
    type: remap
    inputs: [qlik_sense_kind.users]
    # Otherwise an event that fails would continue unchanged.
    drop_on_error: true
    source: |
      # As in Butler SOS, events without a user are left out.
      if !exists(.user) { abort }

      browser = parse_regex(.browser_version, r'^(?P<major>[0-9]+)') ?? {}
      app_name = if exists(.app_id) { .app_name || "<unknown app name>" }

      tags = {
        "host": .host,
        "event_action": .qlik_command,
        "userFull": .user,
        "userDirectory": .user_directory,
        "userId": .user_id,
        "origin": .origin,
        "appId": .app_id,
        "appName": app_name,
        "uaBrowserName": .browser_name,
        "uaBrowserMajorVersion": browser.major,
        "uaOsName": .os_name,
        "uaOsVersion": .os_version,
      }
      fields = {
@FIELDS@      }

@LINE@
      values = []
      for_each(compact(fields)) -> |name, value| {
        text = replace(replace(to_string(value) ?? "", "\\", "\\\\"), "\"", "\\\"")
        values = push(values, name + "=\"" + text + "\"")
      }

      time = to_unix_timestamp(timestamp!(.timestamp), unit: "nanoseconds")
      . = { "message": line + " " + join!(values, ",") + " " + to_string(time) }
"#;

/// The beginning of every point: the measurement, and the tags in `tags` and in the event.
const LINE: &str = r#"      # In names and values of tags `,`, `=` and spaces are escaped. A line break would end the point,
      # and a backslash at the end would escape what follows.
      line = @MEASUREMENT@
      for_each(compact(merge(tags, object(.tags) ?? {}))) -> |name, value| {
        value = to_string(value) ?? ""
@SANITIZED@        pair = map_values([name, value]) -> |text| {
          text = replace(replace(text, r'[\r\n]+', " "), r'\\+$', "")
          replace(replace(replace(text, ",", "\\,"), "=", "\\="), " ", "\\ ")
        }
        line = line + "," + join!(pair, "=")
      }
"#;

/// What Butler SOS removes from tags, only for version 3.
const SANITIZED: &str = r#"        if name != "userFull" && name != "user_full" {
          value = replace(value, r'[<>\\]', "")
        }
"#;

const SINK: &str = r"
  influxdb:
    type: http
    inputs: [@INPUTS@]
    method: post
    uri: @URI@
@AUTH@    encoding:
      codec: text
    framing:
      method: newline_delimited
";

/// The names of the fields in each version, with their values.
fn fields(version: InfluxVersion) -> &'static [(&'static str, &'static str)] {
    match version {
        // The last two are those of version 2, which Butler SOS's latest dashboard queries.
        InfluxVersion::V1 => &[
            ("userFull", ".user"),
            ("userId", ".user_id"),
            ("appId", ".app_id"),
            ("appName", "app_name"),
            ("appId_field", ".app_id"),
            ("appName_field", "app_name"),
        ],
        InfluxVersion::V2 => &[
            ("userFull", ".user"),
            ("userId", ".user_id"),
            ("appId_field", ".app_id"),
            ("appName_field", "app_name"),
        ],
        InfluxVersion::V3 => &[
            ("userFull_field", ".user"),
            ("userId_field", ".user_id"),
            ("appId_field", ".app_id"),
            ("appName_field", "app_name"),
        ],
    }
}

/// Adds the transforms and the sink for InfluxDB, for the events that are sent there.
pub(super) fn add(from: &ButlerSos, pieces: &mut Pieces, notes: &mut Vec<Note>) {
    let influxdb = &from.influxdb_config;
    let users = from.user_events.send_to_influxdb.enable;
    let logs = from.log_events.is_used() && from.log_events.send_to_influxdb.enable;
    let mut is_on = |send, key| is_on(send, influxdb.enable, [key, "influxdbConfig.enable"], notes);
    let mut inputs = Vec::new();
    if is_on(users, "userEvents.sendToInfluxdb.enable") {
        pieces.read_users = true;
        pieces.transforms.push_str(&point(influxdb.version));
        inputs.push("influxdb_point");
    }
    if is_on(logs, "logEvents.sendToInfluxdb.enable") {
        pieces.read_log_messages = true;
        let point = influxdb_logs::point(influxdb.version);
        pieces.transforms.push_str(&point);
        inputs.push("influxdb_log_point");
    }
    if performance::is_tracked(from) {
        pieces.read_summaries = true;
        let point = influxdb_rejected::point(from, notes);
        pieces.transforms.push_str(&point);
        inputs.push("influxdb_rejected_point");
    }
    if inputs.is_empty() {
        return;
    }
    if pieces.read_log_messages {
        influxdb_logs::note(notes);
    }
    let auth = auth(influxdb, notes);
    let uri = quoted(&uri(influxdb, notes));
    let (before, after) = SINK.split_once("@URI@").unwrap_or((SINK, ""));
    let before = before.replace("@INPUTS@", &inputs.join(", "));
    let after = after.replace("@AUTH@", &auth);
    pieces.sinks.push_str(&format!("{before}{uri}{after}"));
    notes.push(Note::new(
        "influxdbConfig",
        "Vector creates no database, bucket or retention policy; it writes to the one that Butler SOS created",
    ));
}

/// The transform that creates points from user events.
fn point(version: InfluxVersion) -> String {
    let mut lines = String::new();
    for (name, value) in fields(version) {
        let _ = writeln!(lines, "        {}: {value},", quoted(name));
    }
    POINT
        .replace("@FIELDS@", &lines)
        .replace("@LINE@", &line(version, r#""user_events""#))
}

/// The VRL that writes the beginning of a point from its tags. `measurement` is a VRL expression.
pub(super) fn line(version: InfluxVersion, measurement: &str) -> String {
    let sanitized = match version {
        InfluxVersion::V1 | InfluxVersion::V2 => "",
        InfluxVersion::V3 => SANITIZED,
    };
    LINE.replace("@SANITIZED@", sanitized)
        .replace("@MEASUREMENT@", measurement)
}

/// The URI to which points are written.
fn uri(influxdb: &InfluxdbConfig, notes: &mut Vec<Note>) -> String {
    let host = influxdb.host.as_ref();
    let (host, port) = host.map_or(("localhost", None), Text::host_and_port);
    note_placeholders("influxdbConfig.host", host, notes);
    let port = influxdb.port.map(|port| port.0).or(port);
    let server = format!("http://{}", authority(host, port.unwrap_or(8086)));
    let mut named = |key: &str, name: Option<&str>| {
        if name.is_none_or(str::is_empty) {
            let message = "missing; add it to the sink's `uri`";
            notes.push(Note::new(&format!("influxdbConfig.{key}"), message));
        }
        let name = utf8_percent_encode(name.unwrap_or_default(), &ENCODED).to_string();
        // Spaces become `+`, as in forms: Vector reads templates here, in which `%` has a special meaning.
        let name = name.replace("%20", "+");
        note_placeholders(&format!("influxdbConfig.{key}"), &name, notes);
        name
    };
    match influxdb.version {
        InfluxVersion::V1 => {
            // Butler SOS 9 had this key one level higher.
            let name = influxdb.v1_config.db_name.as_ref();
            let name = name.or(influxdb.db_name.as_ref());
            let name = named("v1Config.dbName", name.map(|name| &*name.0));
            format!("{server}/write?db={name}&precision=ns")
        }
        InfluxVersion::V2 => {
            let v2 = &influxdb.v2_config;
            let org = named("v2Config.org", v2.org.as_ref().map(|org| &*org.0));
            let bucket = v2.bucket.as_ref().map(|bucket| &*bucket.0);
            let bucket = named("v2Config.bucket", bucket);
            format!("{server}/api/v2/write?org={org}&bucket={bucket}&precision=ns")
        }
        InfluxVersion::V3 => {
            let name = influxdb.v3_config.database.as_ref();
            let name = named("v3Config.database", name.map(|name| &*name.0));
            format!("{server}/api/v2/write?bucket={name}&precision=ns")
        }
    }
}

/// How Vector authenticates. Passwords and tokens are not written to the file.
fn auth(influxdb: &InfluxdbConfig, notes: &mut Vec<Note>) -> String {
    let (key, variable) = match influxdb.version {
        InfluxVersion::V1 => {
            let auth = &influxdb.v1_config.auth;
            let auth = if auth.enable { auth } else { &influxdb.auth };
            if !auth.enable {
                return String::new();
            }
            let user = auth.username.as_ref().map_or("", |user| &user.0);
            note_placeholders("influxdbConfig.v1Config.auth.username", user, notes);
            note_secret(
                "influxdbConfig.v1Config.auth.password",
                "INFLUXDB_PASSWORD",
                auth.password,
                notes,
            );
            return format!(
                "    auth:\n      strategy: basic\n      user: {}\n      password: \"${{INFLUXDB_PASSWORD}}\"\n",
                quoted(user)
            );
        }
        InfluxVersion::V2 => ("v2Config.token", influxdb.v2_config.token),
        InfluxVersion::V3 => ("v3Config.token", influxdb.v3_config.token),
    };
    note_secret(
        &format!("influxdbConfig.{key}"),
        "INFLUXDB_TOKEN",
        variable,
        notes,
    );
    "    auth:\n      strategy: custom\n      value: \"Token ${INFLUXDB_TOKEN}\"\n".into()
}
