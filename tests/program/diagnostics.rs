//! What the program says of itself on standard error: log events in the codec of the output, because
//! Vector reads both streams with the same codec.

use serde_json::json;

use crate::support::{CODECS, Running, time, unstamped};

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

/// 16 KiB are granted by every system; Linux reports twice of what it grants.
#[test]
fn the_receive_buffer_is_as_configured() {
    let program = Running::configured("[source]\nreceive_buffer_bytes = 16384\n");
    let bytes = program.listening[0]["receive_buffer_bytes"].as_u64();
    assert!(matches!(bytes, Some(16_384 | 32_768)), "{bytes:?}");
}
