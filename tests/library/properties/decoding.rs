//! Properties of the events of any datagram.

use std::cell::RefCell;

use proptest::{prelude::*, strategy::ValueTree};
use qlik_sense_events::{
    encoding::{Codec, Encoder},
    event::Body,
    payload::{Context, count_events, message, pieces},
    schema::Layout,
};
use serde_json::Value;

use super::{datagrams::*, oracle::*};
use crate::support::pipeline::events;

#[test]
fn generated_datagrams_cover_what_can_happen() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..2_000 {
        let text = datagram_text()
            .new_tree(&mut runner)
            .expect("text")
            .current();
        let all = naive_all(&text);
        let has_header = naive_pieces(&text)
            .iter()
            .any(|piece| without_header(piece) != *piece);
        *seen.entry("syslog header".to_owned()).or_default() += usize::from(has_header);
        if all.len() > 1 {
            *seen.entry("several".to_owned()).or_default() += 1;
        }
        for event in all {
            for name in ["event", "action"] {
                let value = event[name].as_str().unwrap_or("-");
                *seen.entry(format!("{name} {value}")).or_default() += 1;
            }
            let error = &event["error"];
            *seen
                .entry(format!("error {} {}", error["code"], error["field"]))
                .or_default() += 1;
            for name in [
                "app_id",
                "virtual_proxy",
                "user",
                "user_agent",
                "browser_name",
                "ingest_timestamp",
                "sequence",
                "session_id",
                "result",
                "unreadable",
            ] {
                *seen.entry(name.to_owned()).or_default() += usize::from(event.get(name).is_some());
            }
        }
    }
    let expected = [
        "several",
        "syslog header",
        "event session",
        "event connection",
        "event undecoded",
        "action start",
        "action stop",
        "action open",
        "action close",
        "action other",
        "app_id",
        "virtual_proxy",
        "user",
        "user_agent",
        "browser_name",
        "ingest_timestamp",
        "sequence",
        "session_id",
        "result",
        "unreadable",
        "error \"unknown_type\" \"type\"",
        "error \"missing_field\" \"host\"",
        "error \"missing_field\" \"message\"",
    ];
    for name in expected {
        assert!(
            seen.get(name).is_some_and(|times| *times >= 10),
            "{name}: {seen:?}"
        );
    }
    assert!(seen.contains_key("error \"empty\" null"), "{seen:?}");
}

thread_local! {
    /// One of each codec: making one takes longer than encoding an event.
    static ENCODERS: RefCell<Vec<(Codec, Encoder)>> = RefCell::new(
        Codec::ALL
            .iter()
            .map(|&codec| (codec, Encoder::new(codec, &Layout::default())))
            .collect(),
    );
}

proptest! {
    #[test]
    fn any_bytes_give_events_in_every_codec(datagram in prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..300),
        2 => (datagram_text(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6))
            .prop_map(|(text, changes)| {
                let mut bytes = text.into_bytes();
                for (at, byte) in changes {
                    if !bytes.is_empty() {
                        let at = at.index(bytes.len());
                        bytes[at] = byte;
                    }
                }
                bytes
            }),
        1 => datagram_text().prop_map(|text| utf_16le_bytes(&text)),
    ]) {
        let events = events(&datagram);
        prop_assert!(!events.is_empty());
        if !may_be_utf_16(&datagram) {
            prop_assert_eq!(events.len(), naive_texts(&datagram).len());
        }
        let shown = events.iter().map(shown).collect::<Vec<_>>();
        let pieces: Vec<&[u8]> = pieces(&datagram).collect();
        prop_assert_eq!(count_events(&datagram) as usize, pieces.len());
        // Each event gives the same result alone as among the others.
        let alone: Vec<Value> = pieces.iter().flat_map(|piece| shown_all(piece)).collect();
        prop_assert_eq!(shown, alone);
        ENCODERS.with_borrow_mut(|encoders| {
            for (codec, encoder) in encoders {
                encoder.clear();
                for event in &events {
                    let before = encoder.len();
                    encoder.push(event).expect("every event can be written");
                    prop_assert!(encoder.len() > before);
                }
                let frame = encoder.frame();
                if *codec != Codec::Native {
                    let lines = std::str::from_utf8(frame).expect("JSON is UTF-8").lines();
                    let lines: Vec<Value> = lines
                        .map(|line| serde_json::from_str(line).expect("JSON"))
                        .collect();
                    prop_assert_eq!(lines.len(), events.len());
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_windows_1252(bytes in prop::collection::vec(
        prop_oneof![3 => any::<u8>(), 2 => Just(b';'), 1 => Just(b'\n')], 1..80
    )) {
        let datagram = [b"/proxy-session/;", &bytes[..]].concat();
        prop_assume!(!may_be_utf_16(&datagram));
        prop_assert_eq!(shown_all(&datagram), naive_all_of_bytes(&datagram));
    }

    #[test]
    fn each_event_of_a_relay_has_its_own_encoding(datagram in mixed_datagram()) {
        prop_assume!(!may_be_utf_16(&datagram));
        prop_assert_eq!(shown_all(&datagram), naive_all_of_bytes(&datagram));
    }

    #[test]
    fn the_naive_oracle_agrees(text in datagram_text()) {
        prop_assume!(!may_be_utf_16(text.as_bytes()));
        prop_assert_eq!(shown_all(text.as_bytes()), naive_all(&text));
        let pieces: Vec<&[u8]> = pieces(text.as_bytes()).collect();
        let expected = naive_pieces(&text);
        let expected: Vec<&[u8]> = expected.iter().map(String::as_bytes).collect();
        prop_assert_eq!(pieces, expected);
    }

    #[test]
    fn the_encoding_makes_no_difference(text in datagram_text(), mark in any::<bool>()) {
        // The first two characters of a payload are ASCII, which is how UTF-16 is recognised.
        let text = format!("/proxy-session/;{text}");
        prop_assume!(!may_be_utf_16(text.as_bytes()));
        // In UTF-16 a mark tells the byte order of the event after it, so a new one may start with one.
        prop_assume!(!text.contains("\n\u{FEFF}"));
        let expected = naive_all(&text);
        let marked = if mark { format!("\u{FEFF}{text}") } else { text.clone() };
        for mut wide in [utf_16le_bytes(&marked), utf_16be_bytes(&marked)] {
            prop_assert_eq!(&shown_all(&wide), &expected);
            // A relay's single-byte line end belongs to no character and is left out.
            wide.push(b'\n');
            prop_assert_eq!(&shown_all(&wide), &expected);
        }
        if let Some(narrow) = windows_1252_bytes(&text) {
            prop_assert_eq!(&shown_all(&narrow), &naive_all_of_bytes(&narrow));
        }
    }

    #[test]
    fn a_truncated_last_character_does_not_change_the_encoding(text in event_text(), at in any::<prop::sample::Index>()) {
        let text = format!("/proxy-session/;{text}é");
        prop_assume!(!may_be_utf_16(text.as_bytes()));
        let length = 17 + at.index(text.len() - 17);
        let start = text.floor_char_boundary(length);
        let mut expected = text[..start].to_owned();
        if start < length {
            expected.push('\u{FFFD}');
        }
        prop_assert_eq!(shown_all(&text.as_bytes()[..length]), naive_all(&expected));
    }

    #[test]
    fn every_byte_is_accounted_for(text in datagram_text()) {
        prop_assume!(!may_be_utf_16(text.as_bytes()));
        let parts: Vec<&str> = pieces(text.as_bytes())
            .map(|part| str::from_utf8(part).expect("a part of a text"))
            .collect();
        prop_assert_eq!(parts.join("\n"), text.clone());
        for (part, event) in parts.iter().zip(events(text.as_bytes())) {
            match event.body() {
                Body::User(_) => {
                    let unreadable = event.unreadable();
                    let mut fields = vec![
                        event.host(),
                        event.qlik_command(),
                        event.user_directory(),
                        event.user_id(),
                        event.origin(),
                        event.context(),
                        event.message(),
                    ];
                    let trimmed = part.trim_start_matches(is_blank).trim_end_matches(['\r', '\n', '\0']);
                    let trimmed = without_header(trimmed);
                    let token = trimmed.find(';').expect("a token");
                    if is_extended(trimmed) {
                        prop_assert!(event.qlik_timestamp().is_none() || unreadable.get("timestamp").is_none());
                        prop_assert!(event.sequence().is_none() || unreadable.get("sequence").is_none());
                        // As sent: time and sequence were parsed from them.
                        let mut sent = trimmed[token..].split(';').skip(2);
                        let mut sent = || sent.next().filter(|text| !text.is_empty() && *text != "(null)");
                        let (timestamp, sequence) = (sent(), sent());
                        let extension = [
                            unreadable.get("timestamp").or(timestamp),
                            unreadable.get("sequence").or(sequence),
                            event.session_id(),
                            event.result(),
                        ];
                        fields.splice(1..1, extension);
                    }
                    let mut rest = &trimmed[token..];
                    for field in fields {
                        rest = rest.strip_prefix(';').expect("the `;` before a field");
                        rest = match field {
                            Some(field) => rest.strip_prefix(field).expect("the field, whole"),
                            None => rest.strip_prefix("(null)").unwrap_or(rest),
                        };
                    }
                    prop_assert_eq!(rest, "");
                }
                Body::Undecoded(undecoded) => {
                    let error = undecoded.error();
                    prop_assert_eq!(undecoded.raw(), Some(*part));
                    prop_assert!(part.is_char_boundary(error.offset));
                    // People see errors who must not see the payload.
                    if part.len() > 40 {
                        prop_assert!(!error.to_string().contains(part));
                    }
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn contexts_agree_with_the_oracle(context in prop_oneof![3 => context(), 1 => ".*"]) {
        let parsed = Context::parse(&context);
        let (app_id, virtual_proxy) = naive_context(&context);
        prop_assert_eq!(parsed.app_id.map(|id| id.to_string()), app_id);
        prop_assert_eq!(parsed.virtual_proxy.as_deref(), virtual_proxy.as_deref());
    }

    #[test]
    fn user_agents_agree_with_the_oracle(message in prop_oneof![3 => message_text(), 1 => "(UserAgent:|.|['\" ]){0,12}"]) {
        let expected = naive_user_agent(&message);
        prop_assert_eq!(message::user_agent(&message), expected.as_deref());
    }
}
