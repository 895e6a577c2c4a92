//! The table of fields says which of them may name a person; the transform removes names from these fields and changes
//! no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use chrono::{DateTime, TimeDelta, Utc};
use memchr::memmem;
use qlik_sense_events::{
    event::Arrival,
    pipeline::{Pipeline, PipelineConfig},
    schema::{FIELDS, Field, Schema},
    simulate::{Families, Site, SiteOptions},
    transform::{
        OutputBuffer, PerformanceConfig, PseudonymizeConfig, SessionsConfig,
        pseudonymize::{KeySource, Secret},
    },
};
use serde_json::Value;

use crate::support::golden::{Golden, golden};

/// A user whose name is not part of any other word.
const NAME: &str = "wanda.plant";

/// The same in the version of a browser, which is a number.
const NUMBER: &str = "314159.26535";

/// What precedes the name and version of a browser.
const USER_AGENT: &[u8] = b"UserAgent";

/// Longer than any timeout.
const ALL_HAS_ENDED: TimeDelta = TimeDelta::days(2);

/// Performance events go through, or are summarized.
fn pipeline(key: Option<&str>, is_summed_up: bool) -> Pipeline {
    let config = PipelineConfig {
        performance: PerformanceConfig {
            enabled: is_summed_up,
            min_peak_ram_bytes: u64::MAX,
            ..PerformanceConfig::default()
        },
        sessions: SessionsConfig {
            enabled: true,
            ..SessionsConfig::default()
        },
        pseudonymize: PseudonymizeConfig {
            key: key.map(|key| KeySource::Variable {
                name: "KEY".into(),
                value: Some(Secret(key.into())),
            }),
        },
        ..PipelineConfig::default()
    };
    config.build().expect("a pipeline")
}

/// The same pipeline without and with pseudonyms.
fn pipelines(is_summed_up: bool) -> [Pipeline; 2] {
    [None, Some("0123456789abcdef0123456789abcdef")].map(|key| pipeline(key, is_summed_up))
}

/// The events of a datagram that arrives at a time, and those derived from it until nothing is open.
fn events(pipeline: &mut Pipeline, time: DateTime<Utc>, datagram: &[u8]) -> Vec<Value> {
    let mut output = OutputBuffer::default();
    let arrival = Arrival::new(time, [192, 0, 2, 1].into());
    pipeline.datagram(datagram, arrival, &mut output);
    for after in [TimeDelta::zero(), TimeDelta::minutes(6), ALL_HAS_ENDED] {
        let now = time + after;
        pipeline.tick(now, &mut output);
    }
    shown(&output)
}

fn shown(output: &OutputBuffer) -> Vec<Value> {
    let records = output
        .iter()
        .map(|event| serde_json::to_value(Schema::Default.view(event)));
    records.map(|record| record.expect("JSON")).collect()
}

/// The value of a field; `error.code` for a nested field.
fn at<'a>(record: &'a Value, field: &str) -> Option<&'a Value> {
    field
        .split('.')
        .try_fold(record, |value, name| value.get(name))
}

/// Fields from the table by the name of the outermost one: `error` has `error.code` and others.
static FIELDS_IN: LazyLock<BTreeMap<&str, Vec<&Field>>> = LazyLock::new(|| {
    let mut fields = BTreeMap::<_, Vec<_>>::new();
    for field in FIELDS {
        let outermost = field.default.split('.').next().unwrap_or_default();
        fields.entry(outermost).or_default().push(field);
    }
    fields
});

/// Compares an event with its pseudonymized form, and collects the fields that contained the user's name.
fn compare(plain: &Value, hidden: &Value, name: &str, named: &mut BTreeSet<&'static str>) {
    let [plain_fields, hidden_fields] =
        [plain, hidden].map(|event| event.as_object().expect("a map"));
    let added = hidden_fields
        .keys()
        .filter(|name| !plain_fields.contains_key(*name));
    let names = plain_fields.keys().chain(added);
    for field in names.flat_map(|name| &FIELDS_IN[&**name]) {
        let [plain_value, hidden_value] = [plain, hidden].map(|event| at(event, field.default));
        if !field.may_name_person {
            assert_eq!(hidden_value, plain_value, "{}: {plain}", field.default);
            continue;
        }
        let has_name = |value: Option<&Value>| match value {
            None => false,
            Some(Value::String(text)) => text.to_lowercase().contains(name),
            Some(value) => value.to_string().to_lowercase().contains(name),
        };
        assert!(!has_name(hidden_value), "{}: {hidden}", field.default);
        if has_name(plain_value) {
            named.insert(field.default);
        }
    }
}

/// Values that may replace a field of a payload.
fn texts(piece: &str, name: &str) -> Vec<String> {
    let forms = [
        "{n}",
        r"LAB\{n}",
        "{p} {n}",
        "{n};{p}",
        "{p}/{n}/x",
        "/{n}/app/0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740",
        "said to {n}\n   at Acme.Calc()",
        "UserAgent: '{n}/1.0 (Windows NT 10.0)'",
        "UserAgent: 'Other/{n} (Windows NT 10.0)'",
    ];
    let forms = forms.map(|form| form.replace("{n}", name).replace("{p}", piece));
    let louder = forms[2].replace(name, &name.to_uppercase());
    forms.into_iter().chain([louder]).collect()
}

/// The fields that may name a person.
fn personal() -> BTreeSet<&'static str> {
    let personal = FIELDS.iter().filter(|field| field.may_name_person);
    personal.map(|field| field.default).collect()
}

/// The datagram with a text replacing each of its fields in turn.
fn planted(pieces: &[&[u8]], name: &str) -> Vec<Vec<u8>> {
    let plant = |place: usize| {
        let piece = String::from_utf8_lossy(pieces[place]);
        texts(&piece, name).into_iter().map(move |text| {
            let mut pieces = pieces.to_vec();
            pieces[place] = text.as_bytes();
            pieces.join(&b';')
        })
    };
    (1..pieces.len()).flat_map(plant).collect()
}

#[test]
fn a_name_survives_in_no_field_of_a_golden_event() {
    let (mut named, mut compared) = (BTreeSet::new(), 0);
    let app = "0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740"
        .parse()
        .expect("an id");
    // One pair for all of them: building a pipeline takes longer than what it does here.
    let mut ways = [false, true].map(|is_summed_up| (is_summed_up, pipelines(is_summed_up)));
    let mut time = DateTime::UNIX_EPOCH;
    let golden = golden();
    let has_browser = |golden: &&Golden| memmem::find(&golden.datagram, USER_AGENT).is_some();
    let with_number = golden
        .iter()
        .filter(has_browser)
        .map(|golden| (golden, NUMBER));
    let with_name = golden.iter().map(|golden| (golden, NAME));
    for (golden, name) in with_name.chain(with_number) {
        let users: BTreeSet<&str> = golden
            .expected
            .iter()
            .filter_map(|event| event["user_id"].as_str())
            .collect();
        // Every user of the datagram gets this name, even if the directory is in the same field.
        let renamed = |piece: &[u8]| {
            let text = String::from_utf8_lossy(piece);
            match text.split_once('\\') {
                _ if users.contains(&*text) => name.into(),
                Some((directory, id)) if users.contains(id) => {
                    format!("{directory}\\{name}").into_bytes()
                }
                _ => piece.to_vec(),
            }
        };
        let pieces = golden.datagram.split(|byte| *byte == b';').map(renamed);
        let pieces: Vec<Vec<u8>> = pieces.collect();
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        // Thousands of fields are a single text.
        if pieces.len() > 1_000 {
            continue;
        }
        let planted = planted(&pieces, name);
        // Summaries only come from requests.
        let is_request = golden.name.starts_with("performance");
        for (is_summed_up, pipelines) in &mut ways {
            if *is_summed_up && !is_request {
                continue;
            }
            for pipeline in pipelines.iter_mut() {
                let app_name = format!("Sales ({name})").into();
                pipeline.replace_app_names([(app, app_name)].into_iter().collect());
            }
            for datagram in &planted {
                let [plain, hidden] = pipelines
                    .each_mut()
                    .map(|pipeline| events(pipeline, time, datagram));
                time += ALL_HAS_ENDED + TimeDelta::minutes(1);
                assert_eq!(plain.len(), hidden.len(), "{}", golden.name);
                for (plain, hidden) in plain.iter().zip(&hidden) {
                    let user = plain["user_id"].as_str().unwrap_or_default();
                    if user.eq_ignore_ascii_case(name) || plain["event"] == "undecoded" {
                        compare(plain, hidden, name, &mut named);
                        compared += 1;
                    }
                }
            }
        }
    }
    let missed: Vec<_> = personal().difference(&named).copied().collect();
    assert!(missed.is_empty(), "the name stood in none of {missed:?}");
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn a_name_survives_in_no_field_of_a_simulated_event() {
    let mut pipelines = pipelines(true);
    let mut site = Site::new(SiteOptions {
        families: Families::ALL,
        extended: true,
        ..SiteOptions::default()
    });
    let (mut named, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    let mut datagram = Vec::new();
    let mut now = DateTime::UNIX_EPOCH;
    for _ in 0..5_000 {
        now += TimeDelta::seconds(1);
        site.set_time(now);
        site.next_datagram(&mut datagram);
        let [plain, hidden] = pipelines.each_mut().map(|pipeline| {
            let mut output = OutputBuffer::default();
            let arrival = Arrival::new(now, [192, 0, 2, 1].into());
            pipeline.datagram(&datagram, arrival, &mut output);
            pipeline.tick(now, &mut output);
            shown(&output)
        });
        assert_eq!(plain.len(), hidden.len());
        for (plain, hidden) in plain.iter().zip(&hidden) {
            let name = plain["user_id"].as_str().unwrap_or_default().to_lowercase();
            // A shorter name may be part of a word.
            if name.chars().count() >= 5 {
                compare(plain, hidden, &name, &mut named);
                kinds.insert(plain["event"].to_string());
            }
        }
    }
    assert!(kinds.len() >= 6, "{kinds:?}");
    assert!(named.is_superset(&["user", "user_id"].into()), "{named:?}");
}
