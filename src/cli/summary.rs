//! What was sent and what was received, for people and for programs.

use qlik_sense_events::{event::Kind, pipeline::Counters, simulate::Played, wire::ErrorCode};
use serde_json::{Map, Value};

/// What a simulation has sent, as names and numbers.
pub fn sent(played: &Played) -> Vec<(&'static str, u64)> {
    let tally = played.tally;
    vec![
        ("datagrams", played.datagrams),
        ("bytes", played.bytes),
        ("session_start", tally.session_start),
        ("session_stop", tally.session_stop),
        ("session_other", tally.session_other),
        ("connection_open", tally.connection_open),
        ("connection_close", tally.connection_close),
        ("connection_other", tally.connection_other),
        ("service_account", tally.service_account),
        ("anonymous", tally.anonymous),
        ("undecodable", tally.undecodable),
        ("given_up", played.given_up),
    ]
}

/// Names and numbers as a JSON object.
pub fn json(numbers: &[(&'static str, u64)]) -> String {
    let map: Map<String, Value> = numbers
        .iter()
        .map(|&(name, number)| (name.to_owned(), number.into()))
        .collect();
    Value::Object(map).to_string()
}

/// What a receiver has counted, for people: a line a kind.
pub fn received(counters: &Counters) -> String {
    let mut lines = format!("received   {:>9} datagrams\n", counters.datagrams);
    for kind in Kind::ALL {
        let name = format!("{} {}", kind.event(), kind.action());
        lines += &format!("  {name:<16} {:>9}\n", counters.events_of(kind));
    }
    lines += &format!(
        "  {:<16} {:>9}  by the blacklist\n",
        "excluded", counters.excluded
    );
    let reasons: Vec<String> = ErrorCode::ALL
        .into_iter()
        .filter(|&code| counters.undecoded_by(code) > 0)
        .map(|code| format!("{code} {}", counters.undecoded_by(code)))
        .collect();
    lines += &format!(
        "  {:<16} {:>9}  {}",
        "undecoded",
        counters.undecoded_events(),
        reasons.join(", ")
    );
    if let Some(lost) = counters.lost {
        lines = lines.trim_end().to_owned();
        lines += &format!("\n  {:<16} {lost:>9}  by the row numbers", "lost");
    }
    lines.trim_end().to_owned()
}
