//! Performance events that go on, and summaries of the others: nothing is lost from the sums.

#[cfg(feature = "host")]
mod day;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use qlik_sense_events::{
    event::{Arrival, Body, Event, EventKind, Measure},
    pipeline::{Pipeline, PipelineConfig},
    schema::Schema,
    transform::{
        FunctionTransform, OutputBuffer, Performance, PerformanceConfig,
        performance::{MAX_GROUP_BYTES, Milliseconds, NameFilter, NamePattern},
    },
};
use serde_json::{Value, json};

const SALES: &str = "0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740";
const STOCK: &str = "1f3d9c1e-7b64-4a58-8d2f-2c5e91ab7741";

/// A request, as the engine's appender sends it.
#[derive(Debug, Clone)]
struct Request {
    host: &'static str,
    user: &'static str,
    app: &'static str,
    session: &'static str,
    method: &'static str,
    object: String,
    object_type: &'static str,
    /// Process, work, lock, validate, traverse.
    times: [String; 5],
    net_ram: String,
    peak_ram: String,
    exception: &'static str,
    level: &'static str,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            host: "n1",
            user: "LAB;goran",
            app: SALES,
            session: "s1",
            method: "GenericObject::GetLayout",
            object: "a".into(),
            object_type: "barchart",
            times: ["5", "4", "0", "0.5", "2"].map(Into::into),
            net_ram: "100".into(),
            peak_ram: "1000".into(),
            exception: "",
            level: "INFO",
        }
    }
}

impl Request {
    fn datagram(&self) -> String {
        let Self {
            host,
            user,
            app,
            session,
            method,
            object,
            object_type,
            times,
            ..
        } = self;
        let times = times.join(";");
        let Self {
            net_ram,
            peak_ram,
            exception,
            level,
            ..
        } = self;
        format!(
            "/qseow-qix-perf/;1;20260131T140600.000Z;2026-01-31 14:06:00,000;{level};{host};QixPerformance.Engine.Engine;\
             LAB\\qlikservice;{session};{user};20260131T140600.000Z;e;{app};43;{method};{times};7;{object};{net_ram};\
             {peak_ram};{object_type}{exception}"
        )
    }

    fn event(&self, time: DateTime<Utc>) -> Event {
        let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
        let mut output = OutputBuffer::default();
        let datagram = self.datagram();
        pipeline.datagram(datagram.as_bytes(), Arrival::local(time), &mut output);
        let event = output.into_events().remove(0);
        assert_eq!(event.kind(), EventKind::Performance, "{datagram}");
        event
    }
}

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
}

/// Leaves everything out.
fn nothing() -> PerformanceConfig {
    PerformanceConfig {
        enabled: true,
        methods: filter(&[], &["*"]),
        ..PerformanceConfig::default()
    }
}

fn filter(include: &[&str], exclude: &[&str]) -> NameFilter {
    let patterns = |texts: &[&str]| {
        let patterns = texts.iter().map(|text| (*text).to_owned().try_into());
        patterns
            .map(|it| it.expect("a pattern"))
            .collect::<Vec<NamePattern>>()
    };
    NameFilter {
        include: patterns(include),
        exclude: patterns(exclude),
    }
}

fn pipeline(performance: PerformanceConfig) -> Pipeline {
    let config = PipelineConfig {
        performance,
        ..PipelineConfig::default()
    };
    config.build().expect("a pipeline")
}

fn shown(output: &mut OutputBuffer) -> Vec<Value> {
    let records = output
        .drain()
        .map(|event| serde_json::to_value(Schema::Default.view(&event)));
    records.map(|record| record.expect("JSON")).collect()
}

#[test]
fn a_summary_says_what_its_requests_took_and_which_took_most() {
    let mut pipeline = pipeline(nothing());
    pipeline.replace_app_names(
        [(SALES.parse().expect("an id"), "Sales".into())]
            .into_iter()
            .collect(),
    );
    let mut output = OutputBuffer::default();
    let requests = [
        Request::default(),
        Request {
            object: "b".into(),
            session: "s2",
            method: "Doc::DoSave",
            times: ["0.000001", "", "1", "0", "2"].map(Into::into),
            net_ram: "-150".into(),
            peak_ram: "5000".into(),
            ..Request::default()
        },
        Request {
            peak_ram: "5000".into(),
            ..Request::default()
        },
    ];
    for (second, request) in (60..).zip(&requests) {
        let arrival = Arrival::local(at(second * 1_000));
        pipeline.datagram(request.datagram().as_bytes(), arrival, &mut output);
    }
    pipeline.tick(at(119_999), &mut output);
    assert!(output.is_empty());
    pipeline.tick(at(120_000), &mut output);
    let expected = json!({
        "timestamp": "1970-01-01T00:01:02.000000000Z",
        "source_type": "qlik_sense",
        "event": "performance_summary",
        "service": "engine",
        "host": "n1",
        "user_directory": "LAB",
        "user_id": "goran",
        "user": r"LAB\goran",
        "app_id": SALES,
        "app_name": "Sales",
        "object_type": "barchart",
        "requests": 3,
        "process_ms_sum": 10.000_001,
        "process_ms_max": 5.0,
        "work_ms_sum": 8.0,
        "work_ms_max": 4.0,
        "lock_ms_sum": 1.0,
        "lock_ms_max": 1.0,
        "validate_ms_sum": 1.0,
        "validate_ms_max": 0.5,
        "traverse_ms_sum": 6.0,
        "traverse_ms_max": 2.0,
        "net_ram_bytes_sum": 50,
        "net_ram_bytes_max": 100,
        "peak_ram_bytes_max": 5000,
        "peak_timestamp": "2026-01-31T14:06:00.000000000Z",
        "peak_method": "Doc::DoSave",
        "peak_object_id": "b",
        "peak_session_id": "s2",
        "start": "1970-01-01T00:01:00.000000000Z",
        "end": "1970-01-01T00:01:02.000000000Z",
        "duration_secs": 2.0,
    });
    assert_eq!(shown(&mut output), [expected]);
    let counters = pipeline.counters();
    assert_eq!(
        (
            counters.events(),
            counters.summarized,
            counters.derived_events()
        ),
        (0, Some(3), 1)
    );
    pipeline.finish(&mut output);
    assert!(output.is_empty(), "nothing is said twice");
}

#[test]
fn a_group_is_a_node_an_app_a_user_and_a_type_of_object() {
    let same = Request::default;
    let requests = [
        same(),
        Request {
            host: "n2",
            ..same()
        },
        Request {
            app: STOCK,
            ..same()
        },
        Request {
            app: "(null)",
            ..same()
        },
        Request {
            user: "LAB;maria",
            ..same()
        },
        Request {
            user: "LAB;",
            ..same()
        },
        Request {
            user: ";goran",
            ..same()
        },
        Request {
            object_type: "table",
            ..same()
        },
        Request {
            object_type: "",
            ..same()
        },
        // These are no other group.
        Request {
            object: "b".into(),
            ..same()
        },
        Request {
            session: "s2",
            ..same()
        },
        Request {
            method: "Doc::DoSave",
            ..same()
        },
    ];
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for request in &requests {
        pipeline.datagram(
            request.datagram().as_bytes(),
            Arrival::local(at(0)),
            &mut output,
        );
    }
    pipeline.finish(&mut output);
    let summaries = shown(&mut output);
    let counts: Vec<_> = summaries
        .iter()
        .map(|summary| summary["requests"].as_u64())
        .collect();
    // The one that was used last goes out last.
    assert_eq!(
        counts,
        [
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(1),
            Some(4)
        ]
    );
    assert_eq!(
        pipeline.counters().events_of(EventKind::PerformanceSummary),
        9
    );
}

/// Which requests go on by themselves, by their letters.
#[test]
fn filters_and_thresholds() {
    let small = Request::default;
    let requests = [
        ('a', small()),
        (
            'b',
            Request {
                times: ["500", "1", "0", "0", "0"].map(Into::into),
                ..small()
            },
        ),
        (
            'c',
            Request {
                peak_ram: "1048576".into(),
                ..small()
            },
        ),
        (
            'd',
            Request {
                app: STOCK,
                object_type: "table",
                method: "Doc::GetTable",
                ..small()
            },
        ),
        (
            'e',
            Request {
                app: "(null)",
                object_type: "<Unknown>",
                method: "Global::GetProgress",
                ..small()
            },
        ),
        (
            'f',
            Request {
                exception: "Acme.Failure: limit\n   at Acme.Calc.Do()",
                ..small()
            },
        ),
        (
            'g',
            Request {
                peak_ram: "much".into(),
                ..small()
            },
        ),
        (
            'h',
            Request {
                level: "WARN",
                ..small()
            },
        ),
    ];
    let all = || PerformanceConfig {
        enabled: true,
        ..PerformanceConfig::default()
    };
    let at_500_ms = || PerformanceConfig {
        min_process_ms: Milliseconds::new(500.0).expect("ms"),
        ..all()
    };
    let at_1_mib = || PerformanceConfig {
        min_peak_ram_bytes: 1 << 20,
        ..all()
    };
    let rows = [
        ("no filter, no threshold", all(), "abcdefgh"),
        ("a time", at_500_ms(), "bfgh"),
        (
            "a little more time",
            PerformanceConfig {
                min_process_ms: Milliseconds::new(500.000_001).expect("ms"),
                ..all()
            },
            "fgh",
        ),
        ("memory", at_1_mib(), "cfgh"),
        (
            "a little more memory",
            PerformanceConfig {
                min_peak_ram_bytes: (1 << 20) + 1,
                ..all()
            },
            "fgh",
        ),
        (
            "both",
            PerformanceConfig {
                min_peak_ram_bytes: 1 << 20,
                ..at_500_ms()
            },
            "bcfgh",
        ),
        (
            "an app by id",
            PerformanceConfig {
                apps: filter(&[&SALES.to_uppercase()], &[]),
                ..all()
            },
            "abcfgh",
        ),
        (
            "an app by name",
            PerformanceConfig {
                apps: filter(&["st*"], &[]),
                ..all()
            },
            "dfgh",
        ),
        (
            "all apps but one",
            PerformanceConfig {
                apps: filter(&[], &["Sales ?"]),
                ..all()
            },
            "defgh",
        ),
        (
            "excluded by id, included by name",
            PerformanceConfig {
                apps: filter(&["*"], &[SALES]),
                ..all()
            },
            "defgh",
        ),
        (
            "any app",
            PerformanceConfig {
                apps: filter(&["?*"], &[]),
                ..all()
            },
            "abcdfgh",
        ),
        (
            "a type",
            PerformanceConfig {
                object_types: filter(&["TABLE"], &[]),
                ..all()
            },
            "dfgh",
        ),
        (
            "methods",
            PerformanceConfig {
                methods: filter(&["Doc::*", "Global::*"], &["*Progress"]),
                ..all()
            },
            "dfgh",
        ),
        (
            "what each filter includes",
            PerformanceConfig {
                apps: filter(&["Sales*"], &[]),
                object_types: filter(&["table"], &[]),
                ..all()
            },
            "fgh",
        ),
        (
            "an app, and time in any",
            PerformanceConfig {
                apps: filter(&["Stock"], &[]),
                ..at_500_ms()
            },
            "bdfgh",
        ),
        (
            "what is remarkable, though excluded",
            PerformanceConfig {
                apps: filter(&[], &["*"]),
                ..at_500_ms()
            },
            "bfgh",
        ),
        (
            "exclude alone adds nothing to a threshold",
            PerformanceConfig {
                methods: filter(&[], &["Global::*"]),
                ..at_500_ms()
            },
            "bfgh",
        ),
    ];
    for (name, config, expected) in rows {
        let mut pipeline = pipeline(config);
        let names = [(SALES, "Sales 1"), (STOCK, "Stock")];
        let names = names.map(|(id, name)| (id.parse().expect("an id"), name.into()));
        pipeline.replace_app_names(names.into_iter().collect());
        let mut kept = String::new();
        for (letter, request) in &requests {
            let mut output = OutputBuffer::default();
            pipeline.datagram(
                request.datagram().as_bytes(),
                Arrival::local(at(0)),
                &mut output,
            );
            kept.extend((!output.is_empty()).then_some(letter));
        }
        assert_eq!(kept, expected, "{name}");
        let counters = pipeline.counters();
        let (kept, left_out) = (
            expected.len() as u64,
            (requests.len() - expected.len()) as u64,
        );
        assert_eq!(
            (counters.events(), counters.summarized),
            (kept, Some(left_out)),
            "{name}"
        );
    }
}

#[test]
fn a_negative_time_or_peak_lowers_no_sum() {
    let negative = |place: usize| {
        let mut request = Request::default();
        "-0.5".clone_into(&mut request.times[place]);
        request
    };
    let peak = Request {
        peak_ram: "-1".into(),
        ..Request::default()
    };
    let names = [
        "process_ms",
        "work_ms",
        "lock_ms",
        "validate_ms",
        "traverse_ms",
    ];
    let times = names.iter().enumerate();
    let times = times.map(|(place, name)| (*name, "-0.5", negative(place)));
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for (name, sent, request) in times.chain([("peak_ram_bytes", "-1", peak)]) {
        let datagram = request.datagram();
        pipeline.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
        let shown = shown(&mut output);
        assert_eq!(shown.len(), 1, "{name}");
        assert_eq!(shown[0]["event"], "performance", "{name}");
        assert_eq!(shown[0]["unreadable"], json!({ name: sent }));
        assert_eq!(shown[0].get(name), None);
    }
    // The memory that a request freed is an amount like others.
    let freed = Request {
        net_ram: "-100".into(),
        ..Request::default()
    };
    let datagram = freed.datagram();
    pipeline.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
    assert!(output.is_empty());
    pipeline.finish(&mut output);
    let summary = &shown(&mut output)[0];
    assert_eq!(summary["requests"], 1);
    assert_eq!(summary["net_ram_bytes_sum"], -100);
}

#[test]
fn other_events_go_on() {
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for datagram in ["/proxy-session/;n1;Stop session;LAB;goran;;;", "garbage"] {
        pipeline.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
    }
    assert_eq!(output.len(), 2);
    assert_eq!(pipeline.counters().summarized, Some(0));
}

#[test]
fn it_is_off_unless_it_is_asked_for() {
    let mut pipeline = pipeline(PerformanceConfig {
        enabled: false,
        ..nothing()
    });
    let mut output = OutputBuffer::default();
    pipeline.datagram(
        Request::default().datagram().as_bytes(),
        Arrival::local(at(0)),
        &mut output,
    );
    assert_eq!((output.len(), pipeline.counters().summarized), (1, None));
}

/// What is kept of groups is bounded in bytes as well.
#[test]
fn a_request_with_very_long_texts_goes_on() {
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for (length, expected) in [(MAX_GROUP_BYTES / 2, 0), (MAX_GROUP_BYTES, 1)] {
        let request = Request {
            object: "x".repeat(length),
            ..Request::default()
        };
        pipeline.datagram(
            request.datagram().as_bytes(),
            Arrival::local(at(0)),
            &mut output,
        );
        assert_eq!(output.len(), expected);
    }
}

#[test]
fn each_socket_sums_up_by_itself() {
    let mut first = pipeline(nothing());
    let datagram = Request::default().datagram();
    let mut output = OutputBuffer::default();
    first.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
    let mut second = first.clone_for_socket();
    second.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
    for pipeline in [&mut first, &mut second] {
        pipeline.finish(&mut output);
        assert_eq!(pipeline.counters().summarized, Some(1));
    }
    let requests: Vec<_> = shown(&mut output)
        .iter()
        .map(|it| it["requests"].clone())
        .collect();
    assert_eq!(requests, [1, 1]);
}

#[test]
fn a_request_of_a_known_group_costs_no_memory_beyond_its_decoding() {
    // The third has the highest peak and shorter texts than there is room for.
    let datagrams = ["1000", "900", "9000"].map(|peak_ram| {
        Request {
            peak_ram: peak_ram.into(),
            ..Request::default()
        }
        .datagram()
    });
    let allocations = |performance: PerformanceConfig| {
        let mut pipeline = pipeline(performance);
        let mut output = OutputBuffer::with_capacity(16);
        let mut send = |datagram: &String| {
            pipeline.datagram(datagram.as_bytes(), Arrival::local(at(0)), &mut output);
        };
        send(&datagrams[0]);
        allocation_counter::measure(|| datagrams[1..].iter().for_each(send)).count_total
    };
    let all_go_on = allocations(PerformanceConfig::default());
    assert!(all_go_on <= 2 * 2, "{all_go_on} allocations of two events");
    assert_eq!(allocations(nothing()), all_go_on);
}

#[test]
fn the_documentation_shows_what_two_requests_become() {
    let document = include_str!("../../docs/performance-events.md");
    let block = |language: &str| {
        let start = format!("```{language}\n");
        let rest = document.split(&start).nth(1).expect("a block");
        rest.split("```").next().expect("its end")
    };
    let mut pipeline = pipeline(nothing());
    let mut output = OutputBuffer::default();
    for datagram in block("text").lines() {
        let time = datagram
            .split(';')
            .nth(3)
            .expect("a time")
            .replace(',', ".");
        let time = time.replace(' ', "T") + "Z";
        let arrival = Arrival::local(time.parse().expect("a time"));
        pipeline.datagram(datagram.as_bytes(), arrival, &mut output);
    }
    pipeline.finish(&mut output);
    let expected: Value = serde_json::from_str(block("json")).expect("JSON");
    assert_eq!(shown(&mut output), [expected]);
}

/// What is true of the requests of a group.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    requests: u64,
    sums: [Option<i128>; Measure::ALL.len()],
    maxima: [Option<i64>; Measure::ALL.len()],
    peak: Option<i64>,
}

type Group = [Option<String>; 5];

fn group(event: &Event, object_type: Option<&str>) -> Group {
    let app = event.app_id().map(|id| id.to_string());
    let texts = [
        event.host(),
        event.user_directory(),
        event.user_id(),
        object_type,
    ];
    let [host, directory, id, object_type] = texts.map(|text| text.map(str::to_owned));
    [host, app, directory, id, object_type]
}

impl Sums {
    fn add(
        &mut self,
        requests: u64,
        measured: [Option<(i128, i64)>; Measure::ALL.len()],
        peak: Option<i64>,
    ) {
        self.requests += requests;
        for (place, measured) in measured.into_iter().enumerate() {
            if let Some((sum, max)) = measured {
                *self.sums[place].get_or_insert(0) += sum;
                self.maxima[place] = self.maxima[place].max(Some(max));
            }
        }
        self.peak = self.peak.max(peak);
    }
}

/// What events and summaries say together.
fn sums<'e>(events: impl IntoIterator<Item = &'e Event>) -> BTreeMap<Group, Sums> {
    let mut groups = BTreeMap::<_, Sums>::new();
    for event in events {
        match event.body() {
            Body::Performance(request) => {
                let measures = [
                    request.process_nanoseconds(),
                    request.work_nanoseconds(),
                    request.lock_nanoseconds(),
                    request.validate_nanoseconds(),
                    request.traverse_nanoseconds(),
                    request.net_ram_bytes(),
                ];
                let measured = measures.map(|value| value.map(|it| (i128::from(it), it)));
                let group = groups
                    .entry(group(event, request.object_type()))
                    .or_default();
                group.add(1, measured, request.peak_ram_bytes());
            }
            Body::PerformanceSummary(summary) => {
                let measured = Measure::ALL.map(|measure| {
                    summary
                        .total(measure)
                        .map(|total| (i128::from(total.sum), total.max))
                });
                let group = groups
                    .entry(group(event, summary.object_type()))
                    .or_default();
                group.add(summary.requests(), measured, summary.peak_ram_bytes());
            }
            other => panic!("{other:?}"),
        }
    }
    groups
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (-100i64..1_000).prop_map(|number| number.to_string()),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        1 => Just(i64::MAX.to_string()),
        1 => Just(String::new()),
    ]
}

fn milliseconds() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (0u32..2_000, 0u32..1_000_000).prop_map(|(whole, part)| format!("{whole}.{part:06}")),
        1 => (-1_000i64..9_000_000_000_000).prop_map(|number| number.to_string()),
        1 => (-9i64..0).prop_map(|number| number.to_string()),
        1 => Just(String::new()),
    ]
}

fn any_request() -> impl Strategy<Value = Request> {
    let names = (
        prop::sample::select(&["n1", "n2"]),
        prop::sample::select(&["LAB;goran", "LAB;maria", ";", "lab;goran"]),
        prop::sample::select(&[SALES, STOCK, "(null)"]),
        prop::sample::select(&["s1", "s2", "0"]),
        prop::sample::select(&["GenericObject::GetLayout", "Doc::DoSave"]),
        prop::sample::select(&["barchart", "table", ""]),
    );
    let times = prop::array::uniform5(milliseconds());
    (names, "[a-z]{0,3}", times, number(), number()).prop_map(
        |((host, user, app, session, method, object_type), object, times, net_ram, peak_ram)| {
            Request {
                host,
                user,
                app,
                session,
                method,
                object,
                object_type,
                times,
                net_ram,
                peak_ram,
                exception: "",
                level: "INFO",
            }
        },
    )
}

fn any_config() -> impl Strategy<Value = PerformanceConfig> {
    let thresholds = (0u32..3_000, 0u64..1_200);
    let filters = prop::sample::select(&[("", ""), ("*::Get*", ""), ("", "Doc::*"), ("", "*")]);
    (thresholds, filters, 1usize..6, 1u64..120).prop_map(
        |((process, peak), (include, exclude), max_groups, interval)| {
            let patterns = |text: &'static str| if text.is_empty() { vec![] } else { vec![text] };
            PerformanceConfig {
                enabled: true,
                min_process_ms: Milliseconds::new(f64::from(process)).expect("ms"),
                min_peak_ram_bytes: peak,
                summary_interval_secs: interval,
                max_groups,
                methods: filter(&patterns(include), &patterns(exclude)),
                ..PerformanceConfig::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes, when, and however few groups there may be: events and summaries together are the truth.
    #[test]
    fn nothing_is_lost_from_the_sums(
        config in any_config(),
        // The clock may go back.
        steps in prop::collection::vec((any_request(), -5_000i64..50_000, any::<bool>()), 1..60),
    ) {
        let mut performance = Performance::new(&config).expect("a transform");
        let (mut now, mut sent, mut output) = (0, Vec::new(), OutputBuffer::default());
        for (request, step, ticks) in &steps {
            now += step;
            if *ticks {
                performance.tick(at(now), &mut output);
            }
            let event = request.event(at(now));
            sent.push(event.clone());
            performance.transform(&mut output, event);
            prop_assert!(performance.groups() <= config.max_groups);
        }
        performance.finish(&mut output);
        prop_assert_eq!(performance.groups(), 0);
        prop_assert_eq!(sums(&sent), sums(&output));

        let kept = output.iter().filter(|it| it.kind() == EventKind::Performance).count();
        prop_assert_eq!(kept as u64 + performance.summarized(), sent.len() as u64);
        for event in &output {
            let Body::PerformanceSummary(summary) = event.body() else { continue };
            prop_assert!(summary.start() <= summary.end());
            for measure in Measure::ALL.into_iter().filter(|it| *it != Measure::NetRam) {
                prop_assert!(summary.total(measure).is_none_or(|total| total.sum >= 0));
            }
            prop_assert!(summary.peak_ram_bytes() >= summary.peak_ram_bytes().map(|_| 0));
            prop_assert_eq!(event.timestamp(), Some(summary.end()));
            // The peak is that of a request of this group.
            let is_peak = |sent: &Event| {
                let Body::Performance(request) = sent.body() else { return false };
                group(sent, request.object_type()) == group(event, summary.object_type())
                    && request.peak_ram_bytes() == summary.peak_ram_bytes()
                    && sent.timestamp() == summary.peak_timestamp()
                    && request.method() == summary.peak_method()
                    && request.object_id() == summary.peak_object_id()
                    && sent.session_id() == summary.peak_session_id()
            };
            prop_assert!(summary.peak_ram_bytes().is_none() || sent.iter().any(is_peak));
            let limit = config.min_peak_ram_bytes;
            prop_assert!(limit == 0 || summary.peak_ram_bytes() < Some(limit as i64));
        }
    }
}
