//! Diagnostics on standard error: log events in the codec of the output, because Vector reads both streams with the
//! same codec.

use std::{fs, io::Cursor};

use serde_json::{Value, json};

use crate::support::{CODECS, Codec, Records, Running, command, finish, time, unstamped};

#[test]
fn listening_is_an_event_in_every_codec() {
    for codec in CODECS {
        let program = Running::start(&["--codec", codec.name()]);
        let [listening] = &*program.listening else {
            panic!("one address, one diagnostic");
        };
        time(listening, codec);
        let bytes = listening["receive_buffer_bytes"].as_u64().expect("bytes");
        assert!(bytes > 0);
        let expected = json!({
            "source_type": "qlik_sense",
            "event": "plugin",
            "level": "info",
            "message": "listening",
            "address": program.addresses()[0].to_string(),
            "receive_buffer_bytes": bytes,
        });
        assert_eq!(unstamped(listening.clone()), expected, "{codec:?}");
    }
}

/// Every system grants 16 KiB; Linux reports twice the size that it grants.
#[test]
fn the_receive_buffer_is_as_configured() {
    let program = Running::configured("[source]\nreceive_buffer_bytes = 16384\n");
    let bytes = program.listening[0]["receive_buffer_bytes"].as_u64();
    assert!(matches!(bytes, Some(16_384 | 32_768)), "{bytes:?}");
}

/// The messages of a program that ends at once, in a codec.
fn messages(args: &[&str], codec: Codec) -> Vec<Value> {
    let output = command().args(args).output().expect("the program starts");
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(2), 0),
        "{args:?}"
    );
    Records::new(Cursor::new(output.stderr), codec).collect()
}

/// Vector drops lines that are not in the codec of its configuration.
#[test]
fn mistakes_on_the_command_line_are_reported_in_the_codec_that_it_names() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in CODECS {
        let name = codec.name();
        let of_file = folder.path().join(name).display().to_string();
        let config = format!("[output]\ncodec = \"{name}\"\nschema = \"nonsense\"\n[source\n");
        fs::write(&of_file, config).expect("a file");
        let joined = format!("--codec={name}");
        for (args, expected) in [
            (
                &["run", "--codec", name, "--adress", "127.0.0.1:0"][..],
                "'--address'",
            ),
            (&["run", "--adress", "127.0.0.1:0", &joined], "'--address'"),
            (
                &["--codec", name, "--address", "localhost:9997"],
                "host names are not accepted",
            ),
            (&["decode", &joined, "--schema", "xml"], "butler_sos"),
            (&["rnu", "--codec", name], "'rnu'"),
            (
                &["run", "--config", &of_file, "--adress", "127.0.0.1:0"],
                "'--address'",
            ),
            (
                &[
                    "run",
                    "--codec",
                    name,
                    "--config",
                    "/nonexistent/config.toml",
                ],
                "/nonexistent/config.toml: ",
            ),
            (
                &[
                    "run",
                    "--address",
                    "127.0.0.1:9",
                    "--address",
                    "127.0.0.1:9",
                    &joined,
                ],
                "given twice",
            ),
        ] {
            let messages = messages(args, codec);
            let [diagnostic] = &*messages else {
                panic!("{args:?}: {messages:?}");
            };
            assert_eq!(diagnostic["level"], "error", "{args:?}");
            let message = diagnostic["message"].as_str().expect("text");
            assert!(message.contains(expected), "{args:?}: {message}");
            assert!(!message.contains("Usage"), "{message}");
        }
        // All mistakes in a file are reported, each separately.
        let messages = messages(&["run", "--config", &of_file], codec);
        assert_eq!(messages.len(), 2, "{messages:?}");
    }
}

/// People read the output of these commands.
#[test]
fn commands_for_people_report_mistakes_as_text() {
    for args in [
        &["check", "--codec", "native"][..],
        &["simulate", "--codec", "native"],
        &["completions", "--codec", "native"],
    ] {
        let ended = finish(args);
        assert_eq!(ended.status, 2);
        assert!(
            ended
                .stderr
                .starts_with("error: unexpected argument '--codec'"),
            "{}",
            ended.stderr
        );
    }
}
