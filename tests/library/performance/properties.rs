//! Properties of events and summaries together, for any requests.

use std::collections::BTreeMap;

use proptest::prelude::*;
use qlik_sense_events::{
    event::{Body, Event, EventKind, Measure},
    transform::{
        FunctionTransform, OutputBuffer, Performance, PerformanceConfig, performance::Milliseconds,
    },
};

use super::support::{Request, SALES, STOCK, at, filter};

/// The true totals of the requests of a group.
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

/// The totals of events and summaries together.
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// For any requests at any times, with any number of groups, events and summaries together have the true totals.
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
