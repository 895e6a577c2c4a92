//! Log and performance events: a second port, whose settings here apply to all events.

use qlik_sense_events::{
    config::Config,
    import::butler_sos::{ImportError, Options, import},
};
use serde_json::{Value, json};

use super::{options, vector};

/// A configuration of Butler SOS for user events, log events or both.
fn butler_sos(users: Option<Value>, logs: Option<Value>) -> Value {
    let server = |udp: &Option<Value>| udp.clone().unwrap_or_default();
    json!({ "Butler-SOS": {
        "userEvents": { "enable": users.is_some(), "udpServerConfig": server(&users) },
        "logEvents": {
            "source": { "engine": { "enable": logs.is_some() } },
            "udpServerConfig": server(&logs),
        },
    } })
}

/// The program's configuration, and the keys of the notes.
fn plugin(from: &Value, options: &Options) -> Result<(Config, Vec<String>), ImportError> {
    let import = import(&from.to_string(), options)?;
    let config = Config::parse(&import.plugin_toml).expect("a configuration");
    Ok((
        config,
        import.notes.into_iter().map(|note| note.key).collect(),
    ))
}

#[test]
fn the_ports_are_those_of_enabled_events() {
    let users = || Some(json!({ "portUserActivityEvents": 9987 }));
    let logs = || Some(json!({ "portLogEvents": 9986 }));
    let on = |host: &str, key: &str, port: u16| Some(json!({ "serverHost": host, key: port }));
    let rows = [
        (users(), None, "0.0.0.0:9987"),
        (users(), logs(), "0.0.0.0:9987 0.0.0.0:9986"),
        (None, logs(), "0.0.0.0:9986"),
        (None, Some(json!({})), "0.0.0.0:9996"),
        (None, None, "0.0.0.0:9997"),
        (
            Some(json!({})),
            Some(json!({})),
            "0.0.0.0:9997 0.0.0.0:9996",
        ),
        // One port for both, which is impossible in Butler SOS.
        (
            users(),
            on("192.0.2.1", "portLogEvents", 9987),
            "0.0.0.0:9987",
        ),
        (
            on("192.0.2.1", "portUserActivityEvents", 9986),
            logs(),
            "0.0.0.0:9986",
        ),
        (
            on("192.0.2.1", "portUserActivityEvents", 9986),
            on("192.0.2.2", "portLogEvents", 9986),
            "192.0.2.1:9986 192.0.2.2:9986",
        ),
    ];
    for (users, logs, expected) in rows {
        let from = butler_sos(users, logs);
        let (config, _) = plugin(&from, &options()).expect("an import");
        let addresses: Vec<String> = config
            .source
            .address
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(addresses.join(" "), expected, "{from}");
    }
}

#[test]
fn settings_of_each_port_are_combined_for_both() {
    let limited =
        |minute: u32| json!({ "rateLimit": { "enable": true, "maxMessagesPerMinute": minute } });
    let both = |users: Value, logs: Value| {
        let from = butler_sos(Some(users), Some(logs));
        plugin(&from, &options()).expect("an import")
    };
    let (config, _) = both(limited(600), limited(1200));
    let limit = &config.source.rate_limit;
    assert_eq!((limit.events_per_sec, limit.burst), (30, 1800));
    let (config, notes) = both(json!({}), limited(1200));
    assert_eq!(config.source.rate_limit.events_per_sec, 0);
    assert!(
        notes.contains(&"logEvents.udpServerConfig.rateLimit".to_owned()),
        "{notes:?}"
    );

    let size = |bytes: u32| json!({ "maxMessageSize": bytes });
    assert_eq!(
        both(size(1000), size(2000)).0.source.max_datagram_bytes,
        2000
    );
    assert_eq!(
        both(size(1000), json!({})).0.source.max_datagram_bytes,
        65_507
    );

    let waiting = |events: u32| json!({ "messageQueue": { "maxSize": events } });
    assert_eq!(
        both(waiting(60_000), waiting(200)).0.queue.max_events,
        60_000
    );
    assert_eq!(
        both(waiting(200), waiting(70_000)).0.queue.max_events,
        70_000
    );
}

#[test]
fn the_allowed_senders_are_those_of_both_ports_or_everyone() {
    let from =
        |sources: &[&str]| json!({ "enableSourceValidation": true, "allowedSources": sources });
    let rows = [
        (
            from(&["192.0.2.1"]),
            from(&["192.0.2.2", "192.0.2.1"]),
            Ok("192.0.2.1 192.0.2.2"),
        ),
        (from(&["192.0.2.1"]), json!({}), Ok("0.0.0.0/0 ::/0")),
        (json!({}), from(&["192.0.2.1"]), Ok("0.0.0.0/0 ::/0")),
        (
            from(&["192.0.2.1"]),
            from(&["name.invalid"]),
            Err("logEvents.udpServerConfig"),
        ),
        (
            from(&[]),
            from(&["192.0.2.1"]),
            Err("userEvents.udpServerConfig"),
        ),
    ];
    for (users, logs, expected) in rows {
        let butler_sos = butler_sos(Some(users), Some(logs));
        let seen = plugin(&butler_sos, &options()).map(|(config, notes)| {
            let ranges: Vec<String> = config
                .source
                .allowed_senders
                .iter()
                .map(ToString::to_string)
                .collect();
            let ranges = ranges.join(" ");
            let is_noted = notes
                .iter()
                .any(|key| key.ends_with("enableSourceValidation"));
            assert_eq!(is_noted, ranges.contains('/'), "{butler_sos}");
            ranges
        });
        assert_eq!(
            seen,
            expected
                .map(str::to_owned)
                .map_err(|key| ImportError::NoSender { key })
        );
    }
}

#[test]
fn the_program_adds_the_common_tags_and_vector_the_others() {
    let tags = |pairs: &[(&str, &str)]| -> Value {
        pairs
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect()
    };
    let (users, logs) = (
        &[("env", "prod"), ("kind", "user")],
        &[("env", "prod"), ("kind", "log")],
    );
    let rows = [
        (true, true, json!({ "env": "prod" })),
        (true, false, json!({ "env": "prod", "kind": "user" })),
        (false, true, json!({ "env": "prod", "kind": "log" })),
        (false, false, json!({ "env": "prod", "kind": "user" })),
    ];
    for (has_users, has_logs, expected) in rows {
        let mut from = butler_sos(has_users.then(|| json!({})), has_logs.then(|| json!({})));
        from["Butler-SOS"]["userEvents"]["tags"] = tags(users);
        from["Butler-SOS"]["logEvents"]["tags"] = tags(logs);
        let (config, _) = plugin(&from, &options()).expect("an import");
        let seen = serde_json::to_value(&config.output.tags).expect("tags");
        assert_eq!(seen, expected);
        let added = vector(&from)["transforms"]["qlik_sense_tags"]["source"].to_string();
        assert_eq!(added != "null", has_users && has_logs, "{added}");
        if has_users && has_logs {
            assert!(
                added.contains("user") && added.contains("log") && !added.contains("prod"),
                "{added}"
            );
        }
    }
}

/// Performance events that Butler SOS only counts are dropped.
#[test]
fn performance_events_need_a_switch_of_their_own_and_a_filter() {
    let all = json!({ "allApps": { "enable": true } });
    let specific = json!({ "appSpecific": { "enable": true, "app": [{ "include": [{ "appName": "Sales" }] }] } });
    let of_no_app = json!({ "appSpecific": { "enable": true } });
    for (enable, filter, is_sent) in [
        (true, &all, true),
        (true, &specific, true),
        (true, &of_no_app, false),
        (true, &json!({}), false),
        (false, &all, false),
    ] {
        let mut from = butler_sos(None, Some(json!({})));
        let logs = &mut from["Butler-SOS"]["logEvents"];
        logs["source"]["qixPerf"] = json!({ "enable": true });
        logs["enginePerformanceMonitor"] = json!({ "enable": enable, "monitorFilter": filter });
        let condition = &vector(&from)["transforms"]["qlik_sense_sources"]["condition"];
        let condition = condition.as_str().expect("a condition");
        assert_eq!(
            !condition.contains(r#""performance""#),
            is_sent,
            "{condition}"
        );
    }
}
