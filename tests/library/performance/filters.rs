//! Which requests go through on their own.

use qlik_sense_events::{
    event::Arrival,
    transform::{OutputBuffer, PerformanceConfig, performance::Milliseconds},
};

use super::support::{Request, SALES, STOCK, at, filter, pipeline};

/// Which requests go through on their own, by their letters.
#[test]
fn filters_and_thresholds_select_requests() {
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
