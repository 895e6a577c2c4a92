//! Bytes to fields: nothing panics, nothing is lost between the pieces, and every offset is within the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use qlik_sense_events::{
    decoding::{LogNamespace, QlikSenseDeserializer},
    event::{Body, Event},
    payload::{Context, ErrorCode, FallbackEncoding, Utf16, count_events, message, pieces, text},
};

fuzz_target!(|datagram: &[u8]| {
    let parts: Vec<&[u8]> = pieces(datagram).collect();
    assert_eq!(count_events(datagram) as usize, parts.len());
    nothing_is_lost(datagram, &parts);
    for label in ["windows-1252", "utf-8", "shift_jis", "gb18030"] {
        let fallback: FallbackEncoding = label.parse().expect("a label");
        for part in &parts {
            match text::decode(part, fallback) {
                Err((error, shown)) => {
                    assert_eq!(error.code, ErrorCode::InvalidEncoding);
                    assert!(error.offset <= shown.len());
                }
                Ok(text) => event(part, &text),
            }
        }
        let beginning = &datagram[..datagram.len() / 2];
        let _ = text::decode_beginning(beginning, fallback);
    }
});

/// Between the parts there is one newline each, of one byte or two.
fn nothing_is_lost(datagram: &[u8], parts: &[&[u8]]) {
    let mut rest = datagram;
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            rest = [&b"\n\0"[..], b"\0\n", b"\n"]
                .iter()
                .filter_map(|newline| rest.strip_prefix(*newline))
                .find(|rest| rest.starts_with(part))
                .expect("a newline");
        }
        rest = rest.strip_prefix(*part).expect("the next part");
    }
    assert!(rest.is_empty());
}

fn event(bytes: &[u8], text: &str) {
    if let Ok(same) = std::str::from_utf8(bytes)
        && Utf16::recognise(bytes).is_none()
    {
        assert_eq!(same, text);
    }
    let events = QlikSenseDeserializer::default()
        .parse(text.to_owned().into(), LogNamespace::Legacy)
        .expect("events");
    for event in &events {
        match event.body() {
            Body::Undecoded(undecoded) => {
                assert!(undecoded.error().offset <= undecoded.raw().expect("the text").len());
            }
            _ => fields(text, event),
        }
    }
}

/// Texts are parts of what was sent, and every format can represent the times.
fn fields(text: &str, event: &Event) {
    let mut texts = vec![
        event.host(),
        event.user_directory(),
        event.user_id(),
        event.qlik_command(),
        event.origin(),
        event.context(),
        event.message(),
        event.result(),
        event.session_id(),
        event.task_id(),
        event.task_name(),
        event.execution_id(),
        event.local_time(),
        event.logger(),
        event.service_account(),
        event.engine_session_id(),
    ];
    // The exception in a field and the one after the last field are joined.
    let exception = event.exception().unwrap_or_default();
    assert!(exception.lines().all(|line| text.contains(line)));
    match event.body() {
        Body::User(event) => texts.push(event.user_agent()),
        Body::Log(event) => {
            texts.extend([event.process_id(), event.engine_version(), event.entry_type()]);
        }
        Body::Performance(event) => texts.extend([
            event.method(),
            event.object_id(),
            event.object_type(),
        ]),
        _ => {}
    }
    texts.extend(event.unreadable().iter().map(|(_, text)| Some(text)));
    for part in texts.into_iter().flatten() {
        assert!(text.contains(part) && !part.is_empty());
    }
    if let Some(time) = event.qlik_timestamp() {
        assert!(time.timestamp_nanos_opt().is_some());
    }
    if let Some(context) = event.context() {
        let _ = Context::parse(context);
    }
    if let Some(message) = event.message()
        && let Some(agent) = message::user_agent(message)
    {
        assert!(message.contains(agent) && !agent.is_empty());
    }
}
