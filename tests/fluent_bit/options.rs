//! Properties of the input.

use crate::{
    host::{Instance, VERSIONS, Version, await_received, config_file},
    send, start, users,
};

fn refusal(properties: &[(&str, &str)]) -> String {
    match Instance::begin(Version::V5_1, properties) {
        Ok(instance) => {
            instance.exit(false);
            panic!("{properties:?} were accepted");
        }
        Err(log) => {
            assert_eq!(log.len(), 1, "{log:?}");
            log[0].clone()
        }
    }
}

#[test]
fn an_invalid_value_is_refused_with_property_and_value() {
    let rows = [
        (("address", "localhost:9997"), "expected an address such as"),
        (("address", "0.0.0.0"), "expected an address such as"),
        (("address", ","), "expected at least one address"),
        (
            ("address", "127.0.0.1:9, 127.0.0.1:9"),
            "127.0.0.1:9 is given twice",
        ),
        (("allowed_senders", "10.1.2.3/33"), "10.1.2.3/33"),
        (
            ("allowed_senders", " "),
            "expected at least one address or range",
        ),
        (("blacklist", "goran"), "goran"),
        (
            ("schema", "flat"),
            "expected `default`, `ecs` or `butler_sos`",
        ),
        (("receive_buffer_size", "lots"), "expected a size such as"),
        (
            ("receive_buffer_size", "1K"),
            "expected 4096 to 1073741824 bytes",
        ),
        (
            ("receive_buffer_size", "99999999999G"),
            "expected a size such as",
        ),
    ];
    for ((name, value), expected) in rows {
        let line = refusal(&[(name, value)]);
        let value = value.trim();
        assert!(
            line.starts_with(&format!("1 [qlik_sense] property `{name}` is `{value}`: ")),
            "{line}"
        );
        assert!(line.contains(expected), "{line}");
    }
    assert_eq!(rows.len(), 11);
}

#[test]
fn an_option_of_the_file_is_not_a_property() {
    for (name, option) in [
        ("workers", "source.workers"),
        ("max_events", "queue.max_events"),
        ("tags", "output.tags"),
        ("users", "transform.blacklist.users"),
        ("receive_buffer_bytes", "source.receive_buffer_bytes"),
    ] {
        let line = refusal(&[("address", "127.0.0.1:0"), (name, "1")]);
        let expected = format!(
            "1 [qlik_sense] unknown property `{name}`; set `{option}` in the file that the property `config` names"
        );
        assert_eq!(line, expected);
    }
}

#[test]
fn an_option_without_effect_in_the_host_is_not_a_property() {
    for name in [
        "codec",
        "unix_stream",
        "unix_stream_connections",
        "local_socket",
    ] {
        let line = refusal(&[("address", "127.0.0.1:0"), (name, "json")]);
        let expected = format!(
            "1 [qlik_sense] unknown property `{name}`; the option `output.{name}` has no effect in Fluent Bit, whose \
             outputs write the events"
        );
        assert_eq!(line, expected);
    }
}

#[test]
fn options_of_the_file_without_effect_are_warned_of_with_their_line() {
    let file = config_file(
        "ineffective",
        "[source]\naddress = \"127.0.0.1:0\"\n[transform.performance]\nmin_process_ms = 500\n[output]\ncodec = \
         \"native\"\n",
    );
    let instance = Instance::begin(Version::V5_1, &[("config", &file)]).expect("it starts");
    let log = instance.log();
    instance.exit(false);
    for expected in [
        "6: output.codec = \"native\": has no effect in Fluent Bit, whose outputs write the events",
        "4: transform.performance.min_process_ms = 500: has no effect, because transform.performance.enabled is false",
    ] {
        let expected = format!("2 [qlik_sense] {file}:{expected}");
        assert!(
            log.iter().any(|line| line.starts_with(&expected)),
            "{log:?}"
        );
    }
}

#[test]
fn an_invalid_file_is_refused_with_its_line() {
    let line = refusal(&[("config", "/nowhere/plugin.toml")]);
    assert!(
        line.contains("property `config`: /nowhere/plugin.toml: "),
        "{line}"
    );
    let file = config_file("bad", "[source]\nadress = \"127.0.0.1:0\"\n");
    let line = refusal(&[("config", &file)]);
    assert!(
        line.contains(&format!("property `config`: {file}:2: ")),
        "{line}"
    );
}

/// All that is wrong with them, as `check` says it.
#[test]
fn the_files_that_the_file_names_are_reported_with_its_line() {
    let file = config_file(
        "names",
        "[transform.blacklist]\nfiles = [\n'nowhere.txt',\n]\n\n[transform.app_names]\nfiles = ['/nowhere.csv']\n",
    );
    let log = Instance::begin(Version::V5_1, &[("config", &file)]);
    let log = log.err().expect("a refusal");
    let expected = [
        "3: transform.blacklist.files[0] = 'nowhere.txt': cannot read ",
        "7: transform.app_names.files[0] = '/nowhere.csv': cannot read ",
    ];
    assert_eq!(log.len(), expected.len(), "{log:?}");
    for (line, expected) in log.iter().zip(expected) {
        let expected = format!("1 [qlik_sense] {file}:{expected}");
        assert!(line.starts_with(&expected), "{line}");
    }

    let state = config_file("state", "precious");
    let file = config_file(
        "other",
        &format!("[transform.sessions]\nenabled = true\nstate_file = '{state}'\n"),
    );
    let line = refusal(&[("config", &file), ("address", "127.0.0.1:0")]);
    let expected = format!("1 [qlik_sense] {file}:3: transform.sessions.state_file = '{state}': ");
    assert!(line.starts_with(&expected), "{line}");
}

/// On that thread it would wait for the workers while the whole pipeline waits for it.
#[test]
fn the_thread_of_the_pipeline_is_refused() {
    for version in VERSIONS {
        let log = Instance::begin_on_the_pipeline(version, &[("address", "127.0.0.1:0")]);
        let log = log.err().expect("a refusal");
        let expected = "1 [qlik_sense] property `threaded` is `false`: the input must run in its own thread; remove \
        `threaded`";
        assert_eq!(log, [expected], "{version:?}");
    }
}

#[test]
fn an_address_in_use_is_refused() {
    let first = Instance::begin(Version::V4_0, &[("address", "127.0.0.1:0")]);
    let first = first.unwrap_or_else(|log| panic!("{log:?}"));
    let address = first.addresses()[0].to_string();
    let line = refusal(&[("address", &address)]);
    assert!(
        line.contains(&format!("cannot listen on UDP {address}: ")),
        "{line}"
    );
    first.exit(false);
}

#[test]
fn properties_take_precedence_over_the_file() {
    let file = config_file(
        "before",
        "[source]\naddress = \"127.0.0.1:1\"\n[transform.blacklist]\nusers = ['LAB\\goran']\n\
         [output]\nschema = \"ecs\"\ntags = { site = \"lab\" }\n",
    );
    let properties = [
        ("config", &*file),
        ("address", "127.0.0.1:0"),
        ("blacklist", r"INTERNAL\sa_*, LAB\svc one"),
        ("allowed_senders", "127.0.0.0/8"),
        ("receive_buffer_size", "100K"),
    ];
    let instance = Instance::begin(Version::V5_1, &properties);
    let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    let users = ["svc one", "goran", "sa_repository"];
    send(instance.addresses()[0], users.map(start));
    let records = instance.records(2);
    assert_eq!(records[0].fields["user"]["name"], "goran", "{records:?}");
    assert_eq!(records[1].fields["user"]["name"], "sa_repository");
    assert!(
        records[0].fields.get("@timestamp").is_none(),
        "it is beside the fields"
    );
    assert!(
        records[0].fields.to_string().contains("\"lab\""),
        "{records:?}"
    );
    instance.exit(false);
}

#[test]
fn nodes_can_have_their_own_tags() {
    let file = config_file(
        "tags",
        "[output]\ntags = { site = \"lab\", rack = \"1\" }\n[output.tags_by_host.N2]\nsite = \"north\"\n",
    );
    let instance = Instance::begin(
        Version::V5_1,
        &[("config", &*file), ("address", "127.0.0.1:0")],
    );
    let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    let of_node = |node: &str| start("goran").replace("pro2-win1", node);
    send(instance.addresses()[0], ["n1", "n2"].map(of_node));
    let tags: Vec<_> = instance
        .records(2)
        .iter()
        .map(|record| record.fields["tags"].clone())
        .collect();
    let expected = ["lab", "north"].map(|site| serde_json::json!({ "site": site, "rack": "1" }));
    assert_eq!(tags, expected);
    instance.exit(false);
}

#[test]
fn senders_that_are_not_allowed_are_refused() {
    let properties = [
        ("address", "127.0.0.1:0"),
        ("allowed_senders", "192.0.2.0/24 10.0.0.1"),
    ];
    let instance = Instance::begin(Version::V4_0, &properties);
    let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    send(instance.addresses()[0], [start("goran")]);
    await_received(&instance);
    instance.pause();
    let ended = instance.exit(false).0;
    assert_eq!(ended.record_bytes(), 0);
    let log = ended.log();
    for said in [" refused=1 ", " now from 127.0.0.1; "] {
        assert!(log.iter().any(|line| line.contains(said)), "{log:?}");
    }
}

#[test]
fn every_property_is_optional() {
    // The default address may be in use on this machine; then that is the reported error.
    match Instance::begin(Version::V5_1, &[]) {
        Ok(instance) => {
            let addresses = instance.addresses();
            assert_eq!(addresses[0].to_string(), "0.0.0.0:9997");
            send(
                "127.0.0.1:9997".parse().expect("an address"),
                [start("goran")],
            );
            assert_eq!(users(&instance.records(1)), ["goran"]);
            instance.exit(false);
        }
        Err(log) => assert!(
            log[0].contains("cannot listen on UDP 0.0.0.0:9997: "),
            "{log:?}"
        ),
    }
}
