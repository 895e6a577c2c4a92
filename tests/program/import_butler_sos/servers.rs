//! The engines and proxies that Butler SOS queries.

use qlik_sense_events::{config::Config, import::butler_sos::import};
use serde_json::{Value, json};

use super::options;

/// What is imported of these keys: the configuration, and the notes.
fn imported(keys: &Value) -> (Config, Vec<String>) {
    let mut yaml = json!({ "userEvents": { "enable": true } });
    let all = yaml.as_object_mut().expect("keys");
    all.extend(keys.as_object().expect("keys").clone());
    let import = import(&json!({ "Butler-SOS": yaml }).to_string(), &options()).expect("an import");
    let config = Config::parse(&import.plugin_toml)
        .unwrap_or_else(|problems| panic!("{problems:?}: {}", import.plugin_toml));
    let notes = import.notes.iter().map(ToString::to_string).collect();
    (config, notes)
}

fn is_noted(notes: &[String], begin: &str) -> bool {
    notes.iter().any(|note| note.starts_with(begin))
}

#[test]
fn engines_are_queried_with_the_certificate_of_butler_sos() {
    let (config, notes) = imported(&json!({
        "cert": { "clientCert": "/c/client.pem", "clientCertKey": "/c/client_key.pem", "clientCertCA": "/c/root.pem" },
        "serversToMonitor": {
            "pollingInterval": 30_000,
            "rejectUnauthorized": false,
            "servers": [{ "host": "sense-1.example.com:4747" }, { "host": "192.0.2.12:4748" }, { "host": "sense-3" }],
        },
    }));
    let engines = &config.engine_health.nodes;
    let hosts: Vec<_> = engines.iter().map(|it| (&*it.host, it.port)).collect();
    let expected = [
        ("sense-1.example.com", 4747),
        ("192.0.2.12", 4748),
        ("sense-3", 4747),
    ];
    assert_eq!(hosts, expected);
    assert_eq!(config.engine_health.interval_secs, 30);
    let qrs = &config.transform.app_names.qrs;
    assert!(!qrs.is_enabled());
    assert_eq!(qrs.key_file, std::path::Path::new("/c/client_key.pem"));
    for begin in [
        "serversToMonitor.rejectUnauthorized: false, but certificates are verified here; ",
        "serversToMonitor.servers[1].host: the Qlik node at 192.0.2.12 is not known; set `node`",
        "serversToMonitor.servers[2].host: without a port Butler SOS queries 443; here it is 4747",
        "serversToMonitor: `[engine_health]` queries the engines; ",
    ] {
        assert!(is_noted(&notes, begin), "{begin}: {notes:?}");
    }
}

/// What cannot be queried, or would be refused, loses nothing else.
#[test]
fn servers_that_cannot_be_queried_are_left_out_one_by_one() {
    let (config, notes) = imported(&json!({ "serversToMonitor": { "servers": [
        { "host": "sense-1.example.com:4747", "headers": { "X-Qlik-User": "secret" } },
        { "host": "https://sense-1.example.com/vp" },
        { "host": "<server1.my.domain>:4747" },
        null,
        { "host": "sense-1.example.com:4747" },
        { "host": "SENSE-1:4747" },
    ] } }));
    assert_eq!(config.engine_health.nodes.len(), 1);
    for (place, found) in [
        (2, "; `host` is '<server1.my.domain>:4747'"),
        (3, "; `host` is missing"),
    ] {
        let begin = format!("serversToMonitor.servers[{place}]: left out: ");
        let mut of_server = notes.iter().filter(|note| note.contains(&begin));
        assert!(of_server.any(|note| note.ends_with(found)), "{notes:?}");
    }
    for (place, reason) in [
        (0, "Butler SOS queries the engine through a proxy, "),
        (1, "Butler SOS queries the engine through a proxy, "),
        (2, "`host`: expected a host name or an IP address"),
        (3, "`host`: expected a host name or an IP address"),
        (5, "`node`: expected each node once"),
    ] {
        let begin = format!("serversToMonitor.servers[{place}]: left out: {reason}");
        assert!(is_noted(&notes, &begin), "{begin}: {notes:?}");
    }
    assert!(!format!("{notes:?}").contains("secret"));
    assert!(is_noted(&notes, "cert.clientCert: missing; expected at "));
}

#[test]
fn proxies_are_listed_but_not_queried() {
    let sessions = |host, prefixes: &[&str]| {
        let prefixes = prefixes.iter().map(|it| json!({ "virtualProxy": it }));
        json!({ "enable": true, "host": host, "virtualProxies": prefixes.collect::<Vec<_>>() })
    };
    let mut keys = json!({
        "userSessions": { "enableSessionExtract": true, "pollingInterval": 5_000 },
        "serversToMonitor": { "servers": [
            { "host": "sense-1:4747", "userSessions": sessions("sense-1:4243", &["/", "/hdr/"]) },
            { "host": "sense-2:4747", "userSessions": { "enable": false, "host": "sense-2:4243" } },
            { "host": "sense-3:4747", "userSessions": sessions("sense-3:4243", &[]) },
        ] },
    });
    let (config, notes) = imported(&keys);
    let qps = &config.transform.sessions.qps;
    assert!(!qps.enabled && !config.transform.sessions.enabled);
    assert_eq!(qps.proxies.len(), 1);
    assert_eq!(qps.proxies[0].host, "sense-1");
    assert_eq!(qps.proxies[0].virtual_proxies, ["", "hdr"]);
    assert_eq!(qps.interval_secs, 10);
    for begin in [
        "serversToMonitor.servers[2].userSessions: left out: `virtual_proxies`: expected at least one prefix",
        "userSessions: `transform.sessions.qps` has the proxies but is switched off, ",
    ] {
        assert!(is_noted(&notes, begin), "{begin}: {notes:?}");
    }

    keys["userSessions"]["enableSessionExtract"] = false.into();
    let (config, notes) = imported(&keys);
    assert!(config.transform.sessions.qps.proxies.is_empty());
    assert!(!is_noted(&notes, "userSessions"), "{notes:?}");
}
