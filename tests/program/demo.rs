//! The demonstration, with its output in a pipe.

use qlik_sense_events::simulate::{Site, SiteOptions, Tally};

use crate::support::{Finished, finish};

/// The content of a site's first datagrams.
fn truth(options: SiteOptions, datagrams: usize) -> Tally {
    let (mut site, mut bytes) = (Site::new(options), Vec::new());
    (0..datagrams)
        .map(|_| site.next_datagram(&mut bytes).tally())
        .sum()
}

/// The number after a name at the beginning of a line in the summary.
fn number(ended: &Finished, name: &str) -> u64 {
    counted(ended, name).unwrap_or_else(|| panic!("no {name} in\n{}", ended.stderr))
}

fn counted(ended: &Finished, name: &str) -> Option<u64> {
    let mut lines = ended.stderr.lines();
    let rest = lines.find_map(|line| line.trim_start().strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[test]
fn everything_that_was_sent_is_received_and_accounted_for() {
    let ended = finish(&["demo", "--seconds", "1", "--rate", "200", "--odd", "100"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let options = SiteOptions {
        odd_per_mille: 100,
        ..SiteOptions::default()
    };
    let truth = truth(options, 200);
    assert!(truth.undecoded > 0 && truth.service_account > 0);
    assert_eq!(number(&ended, "sent"), 200);
    assert_eq!(number(&ended, "received"), 200);
    assert_eq!(number(&ended, "excluded"), truth.service_account);
    assert_eq!(number(&ended, "undecoded"), truth.undecoded);
    let events: u64 = [
        "session start",
        "session stop",
        "session other",
        "connection open",
        "connection close",
        "connection other",
    ]
    // A kind without events has no line.
    .map(|name| counted(&ended, name).unwrap_or(0))
    .iter()
    .sum();
    // A relayed datagram contains several events; otherwise there would be 200 of everything.
    assert_eq!(events + truth.service_account, truth.events());

    let records = ended.records();
    assert_eq!(records.len() as u64, events + truth.undecoded);
    for record in records {
        let user = record["user"].as_str().unwrap_or_default();
        assert!(
            !user.to_lowercase().starts_with(r"internal\sa_"),
            "{record}"
        );
    }
}

/// Without odd payloads there are no relays, so the numbers of datagrams and events are equal.
#[test]
fn without_odd_payloads_every_datagram_is_one_event() {
    let ended = finish(&["demo", "--seconds", "1", "--rate", "100", "--odd", "0"]);
    let excluded = number(&ended, "excluded");
    assert_eq!(number(&ended, "undecoded"), 0);
    assert_eq!(number(&ended, "sent"), 100);
    assert_eq!(ended.records().len() as u64 + excluded, 100);
}

#[test]
fn datagrams_of_a_sender_that_is_not_allowed_are_counted() {
    let ended = with_source("allowed_senders = ['10.0.0.0/8']");
    assert_eq!(number(&ended, "refused"), 20);
    assert!(
        ended.stderr.contains("by source.allowed_senders"),
        "{}",
        ended.stderr
    );
}

#[test]
fn datagrams_beyond_the_rate_limit_are_counted() {
    let ended = with_source("rate_limit = { events_per_sec = 1, burst = 1 }");
    assert!(number(&ended, "over rate") >= 15, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("by source.rate_limit"),
        "{}",
        ended.stderr
    );
}

/// A demonstration of 20 datagrams with this option, which keeps some of them out: to a script, that is a failure.
fn with_source(option: &str) -> Finished {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, format!("[source]\n{option}\n")).expect("a file");
    let file = file.to_str().expect("text");
    let ended = finish(&["demo", "--seconds", "1", "--rate", "20", "--config", file]);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    ended
}
