//! Schemas, tags and dropped fields in the program: by flags, by file, and in every codec.

use std::fs;

use serde_json::{Value, json};

use crate::support::{CODECS, Codec, Finished, Records, Running, command, finish, payload, record};

const OUTPUT: &str = "[output]\nschema = \"ecs\"\ntags = { site = \"Göteborg\" }\n\
    drop_fields = [\"message\", \"user_agent\", \"qlik_sense.context\"]\n";

fn check_ecs(event: &Value, codec: Codec) {
    assert_eq!(event["event"]["category"], json!(["network"]), "{codec:?}");
    assert_eq!(event["event"]["type"], json!(["connection", "start"]));
    assert_eq!(event["user"]["id"], r"LAB\goran");
    assert_eq!(event["labels"], json!({"site": "Göteborg"}));
    assert_eq!(event["qlik_sense"]["origin"], "AppAccess");
    assert_eq!(event["qlik_sense"].get("context"), None);
    assert_eq!(event.get("message"), None);
    assert_eq!(event.get("user_agent"), None);
}

#[test]
fn a_schema_with_tags_and_dropped_fields_applies_in_every_codec() {
    for codec in CODECS {
        let config = format!("{OUTPUT}codec = \"{}\"\n", codec.name());
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        fs::write(&file, config).expect("a file");
        let recorded = folder.path().join("recorded.txt");
        fs::write(&recorded, payload::OPEN).expect("a file");
        let output = command()
            .args(["decode", "--config"])
            .args([&file, &recorded])
            .output()
            .expect("the program");
        assert!(output.status.success());
        let event = Records::new(std::io::Cursor::new(output.stdout), codec).one();
        check_ecs(&event, codec);
        let counters = Records::new(std::io::Cursor::new(output.stderr), codec).one();
        assert_eq!(
            counters["event"]["dataset"], "qlik_sense.plugin",
            "{codec:?}"
        );
        assert_eq!(
            counters["message"], "decoded",
            "fields of events are left out"
        );
        assert_eq!(counters["labels"], json!({"site": "Göteborg"}));
        assert_eq!(counters["qlik_sense"]["plugin"]["datagrams"], 1);
    }
}

#[test]
fn received_events_have_the_schema() {
    let mut program = Running::configured(OUTPUT);
    check_ecs(&program.event_of(payload::OPEN), Codec::Json);
}

#[test]
fn the_flag_takes_precedence_over_the_file() {
    let config = "[output]\nschema = \"ecs\"\n";
    let ended = decode(config, &["--schema", "butler_sos"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let event = &ended.records()[0];
    assert_eq!(event["messageType"], "qseow-proxy-connection");
    assert_eq!(event["tags"], json!({}));
    let counters = record(ended.stderr.as_bytes());
    assert_eq!(counters["messageType"], "plugin");
}

fn decode(config: &str, flags: &[&str]) -> Finished {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml").display().to_string();
    fs::write(&file, config).expect("a file");
    let recorded = folder.path().join("recorded.txt").display().to_string();
    fs::write(&recorded, payload::OPEN).expect("a file");
    finish(&[&["decode", "--config", &file], flags, &[&*recorded]].concat())
}

/// A flag may make a file invalid that is valid by itself.
#[test]
fn fields_of_another_schema_are_refused() {
    let config = "[output]\ndrop_fields = [\"user_id\"]\n";
    assert_eq!(decode(config, &[]).records()[0].get("user_id"), None);
    let ended = decode(config, &["--schema", "ecs"]);
    assert_eq!((ended.status, &*ended.stdout), (2, ""));
    let diagnostic = record(ended.stderr.as_bytes());
    assert_eq!(diagnostic["log"]["level"], "error");
    let message = diagnostic["message"].as_str().expect("text");
    let expected = "output.drop_fields: `user_id` is not a field of the schema `ecs`";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn every_schema_is_in_the_help() {
    let help = finish(&["run", "--help"]).stdout;
    for name in ["default", "ecs", "butler_sos"] {
        assert!(help.contains(name), "{name}\n{help}");
    }
}
