//! A simulated day with known costs: selected events and summaries show exactly who used how much.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use qlik_sense_events::{
    event::{Arrival, Body, Event, Measure},
    pipeline::PipelineConfig,
    simulate::{Cost, Day, DayOptions, Families, Request, Spent},
    transform::{OutputBuffer, PerformanceConfig},
};

use super::support::{filter, nothing};

/// Node, app and user.
type Who = [Option<String>; 4];

fn day() -> Day {
    Day::new(&DayOptions {
        logins: 100,
        hours: 4,
        families: Families::ALL,
        ..DayOptions::default()
    })
}

/// The output for a day, and the number of requests that it consists of.
fn events(day: &Day, performance: PerformanceConfig) -> (Vec<Event>, u64) {
    let config = PipelineConfig {
        performance,
        ..PipelineConfig::default()
    };
    let mut pipeline = config.build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    for delivery in &day.deliveries {
        let now = day.begin + TimeDelta::from_std(delivery.arrival).expect("a day");
        pipeline.tick(now, &mut output);
        pipeline.datagram(&delivery.datagram, Arrival::local(now), &mut output);
    }
    pipeline.finish(&mut output);
    let summarized = pipeline.counters().summarized.expect("a count");
    (output.into_events(), summarized)
}

fn who(request: &Request) -> Who {
    let texts = [&request.app_id, &request.directory, &request.user_id];
    let [app, directory, id] = texts.map(|text| text.as_deref().map(str::to_owned));
    // Session apps have no guid, so they have no group of their own.
    let app = app.filter(|app| !app.starts_with("SessionApp"));
    [Some(request.host.to_string()), app, directory, id]
}

fn spent(sum: i64, max: i64) -> Spent {
    let time = |nanoseconds| Duration::from_nanos(u64::try_from(nanoseconds).expect("a time"));
    Spent {
        sum: time(sum),
        max: time(max),
    }
}

/// The cost of the requests in an event; `None` for other events.
fn cost(event: &Event) -> Option<Cost> {
    let bytes = |bytes: Option<i64>| u64::try_from(bytes.unwrap_or(0)).expect("bytes");
    match event.body() {
        Body::Performance(request) => {
            let time = |time: Option<i64>| spent(time.unwrap_or(0), time.unwrap_or(0));
            Some(Cost {
                requests: 1,
                process: time(request.process_nanoseconds()),
                work: time(request.work_nanoseconds()),
                lock: time(request.lock_nanoseconds()),
                validate: time(request.validate_nanoseconds()),
                traverse: time(request.traverse_nanoseconds()),
                net_ram_bytes: bytes(request.net_ram_bytes()),
                max_net_ram_bytes: bytes(request.net_ram_bytes()),
                max_peak_ram_bytes: bytes(request.peak_ram_bytes()),
            })
        }
        Body::PerformanceSummary(summary) => {
            let time = |measure| {
                let total = summary.total(measure);
                total.map_or_else(Spent::default, |total| spent(total.sum, total.max))
            };
            let net_ram = summary.total(Measure::NetRam);
            Some(Cost {
                requests: summary.requests(),
                process: time(Measure::Process),
                work: time(Measure::Work),
                lock: time(Measure::Lock),
                validate: time(Measure::Validate),
                traverse: time(Measure::Traverse),
                net_ram_bytes: bytes(net_ram.map(|total| total.sum)),
                max_net_ram_bytes: bytes(net_ram.map(|total| total.max)),
                max_peak_ram_bytes: bytes(summary.peak_ram_bytes()),
            })
        }
        _ => None,
    }
}

fn costs(events: &[Event]) -> BTreeMap<Who, Cost> {
    let mut costs = BTreeMap::<Who, Cost>::new();
    for event in events {
        if let Some(cost) = cost(event) {
            let app = event.app_id().map(|id| id.to_string());
            let texts = [event.host(), event.user_directory(), event.user_id()];
            let [host, directory, id] = texts.map(|text| text.map(str::to_owned));
            *costs.entry([host, app, directory, id]).or_default() += cost;
        }
    }
    costs
}

/// The request that used the most memory in a period: its bytes, user, app, object, method and session.
type Culprit = (
    u64,
    Option<String>,
    Option<String>,
    String,
    String,
    Option<String>,
);

fn truth(request: &Request) -> Culprit {
    let [_, app, ..] = who(request);
    let peak = request.peak_ram_bytes.unwrap_or(0);
    let session = request.session_id.as_deref().map(str::to_owned);
    let object = request.object_id.to_string();
    (
        peak,
        request.user(),
        app,
        object,
        request.method.to_owned(),
        session,
    )
}

fn culprit(events: &[Event], from: DateTime<Utc>, to: DateTime<Utc>) -> Culprit {
    let peaks = events.iter().filter_map(|event| {
        let (bytes, time, object, method, session) = match event.body() {
            Body::Performance(it) => (
                it.peak_ram_bytes()?,
                event.timestamp()?,
                it.object_id(),
                it.method(),
                event.session_id(),
            ),
            Body::PerformanceSummary(it) => (
                it.peak_ram_bytes()?,
                it.peak_timestamp()?,
                it.peak_object_id(),
                it.peak_method(),
                it.peak_session_id(),
            ),
            _ => return None,
        };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        (from..to).contains(&time).then(|| {
            (
                u64::try_from(bytes).expect("bytes"),
                event.user().map(|user| user.to_string()),
                event.app_id().map(|id| id.to_string()),
                text(object),
                text(method),
                session.map(str::to_owned),
            )
        })
    });
    peaks.max_by_key(|peak| peak.0).expect("a request")
}

#[test]
fn events_and_summaries_tell_the_truth_about_a_day() {
    let day = day();
    let mut expected = BTreeMap::<Who, Cost>::new();
    for request in &day.requests {
        *expected.entry(who(request)).or_default() += request.into();
    }
    for (min_peak_ram_bytes, max_groups) in [(0, 10_000), (0, 7), (256 << 20, 10_000)] {
        let config = PerformanceConfig {
            min_peak_ram_bytes,
            max_groups,
            methods: filter(&[], &["*"]),
            ..nothing()
        };
        let (events, summarized) = events(&day, config);
        let costs = costs(&events);
        assert!(costs.keys().eq(expected.keys()));
        for (who, expected) in &expected {
            assert_eq!(costs.get(who), Some(expected), "{who:?}");
        }
        let all = day.requests.len() as u64;
        assert!(summarized > all * 9 / 10, "{summarized} of {all}");

        // Who used the most memory in each quarter of an hour?
        let mut asked = 0;
        for quarter in 0..20 {
            let from = day.begin + TimeDelta::minutes(15 * quarter);
            let to = from + TimeDelta::minutes(15);
            let of_quarter = || {
                day.requests
                    .iter()
                    .filter(|it| (from..to).contains(&it.time))
            };
            let Some(bytes) = of_quarter().filter_map(|it| it.peak_ram_bytes).max() else {
                continue;
            };
            let culprit = culprit(&events, from, to);
            // Several may have used the same amount.
            let mut culprits = of_quarter().filter(|it| it.peak_ram_bytes == Some(bytes));
            assert!(culprits.any(|it| truth(it) == culprit), "{culprit:?}");
            asked += 1;
        }
        assert!(asked >= 10, "{asked}");
    }
}

/// The documentation says how much smaller the output is.
#[test]
fn summaries_are_a_fraction_of_the_requests() {
    let day = day();
    let (events, summarized) = events(&day, nothing());
    let summaries = events
        .iter()
        .filter(|event| matches!(event.body(), Body::PerformanceSummary(_)))
        .count();
    println!("{summarized} requests in {summaries} summaries");
    assert!(
        summaries as u64 * 2 < summarized,
        "{summaries} of {summarized}"
    );
}
