//! Lists of apps in files, and the names that events get from them.

use std::{fmt::Write as _, fs, net::Ipv4Addr, path::PathBuf};

use chrono::DateTime;
use qlik_sense_events::{
    event::{Arrival, Body},
    pipeline::PipelineConfig,
    schema::Schema,
    transform::{
        AppNames, AppNamesConfig, BlacklistConfig, FunctionTransform, OutputBuffer,
        app_names::{AppListProblem, AppNamesError, MAX_APPS, MAX_LIST_BYTES, MAX_NAME_BYTES},
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;

const SALES: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";
const FINANCE: &str = "5f0c3a52-6f0e-4c8c-9a3b-8d6a1f2c7b11";

/// Files with these contents, in this order.
fn files(contents: &[&[u8]]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a folder");
    let files = contents.iter().enumerate().map(|(number, content)| {
        let file = folder.path().join(format!("apps-{number}"));
        fs::write(&file, content).expect("a file");
        file
    });
    let files = files.collect();
    (folder, files)
}

fn build(contents: &[&[u8]]) -> Result<AppNames, AppNamesError> {
    let (_folder, files) = files(contents);
    AppNamesConfig { files }.build()
}

fn name(names: &AppNames, id: &str) -> Option<String> {
    let id = id.parse().expect("an id");
    names.table().get(id).map(ToOwned::to_owned)
}

/// The problem and its line.
fn problem(content: &[u8]) -> (usize, AppListProblem) {
    let shown = String::from_utf8_lossy(content);
    match build(&[content]) {
        Err(AppNamesError::List { source, .. }) => (source.line, source.problem),
        other => panic!("{shown}: {other:?}"),
    }
}

fn utf_16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

#[test]
fn every_form_names_the_same_apps() {
    let qrs = json!([
        {"id": SALES, "name": "Sales", "appId": "", "publishTime": "1753-01-01T00:00:00.000Z",
         "published": true, "stream": {"id": FINANCE, "name": "Everyone", "privileges": null},
         "savedInProductVersion": "12.612.0", "migrationHash": "x", "availabilityStatus": 0,
         "privileges": null},
        {"id": FINANCE, "name": "Finanzen, Köln", "stream": null},
    ]);
    let forms = [
        format!("id,name\n{SALES},Sales\n{FINANCE},\"Finanzen, Köln\"\n"),
        format!("{SALES},Sales\r\n\r\n# a comment\r\n{FINANCE},\"Finanzen, Köln\"\r\n"),
        format!("id;name\n{SALES};Sales\n{FINANCE};Finanzen, Köln\n"),
        format!("owner\tName\tID\nx\tSales\t{SALES}\ny\tFinanzen, Köln\t{FINANCE}"),
        format!("sep=;\n\"App ID\";AppName\n{SALES};Sales\n{FINANCE};Finanzen, Köln\n"),
        format!("# export\n\"sep=,\"\r\nApp-Name,appId\r\nSales,{SALES}\r\n\"Finanzen, Köln\",{FINANCE}\r\n"),
        format!("SEP=|\nid|name\n{SALES}|Sales\n{FINANCE}|Finanzen, Köln\n"),
        format!("sep=\t\n{SALES}\tSales\n{FINANCE}\tFinanzen, Köln\n"),
        // The repository's apps have both `id` and `appId`.
        format!("#TYPE Selected\n\"appId\",\"id\",\"name\"\n\"\",\"{SALES}\",\"Sales\"\n,{FINANCE},\"Finanzen, Köln\"\n"),
        json!({"value": qrs, "Count": 2}).to_string(),
        json!({"@odata.context": {"id": 5}, "Count": 2, "value": qrs}).to_string(),
        json!([{"Id": SALES, "Name": "Sales"}, {"AppID": FINANCE, "App Name": "Finanzen, Köln", "appVersion": 5}]).to_string(),
        format!("app_id,app_name\n{},Sales\n{FINANCE},\"Finanzen, Köln\"", SALES.to_uppercase()),
        qrs.to_string(),
        serde_json::to_string_pretty(&qrs).expect("JSON"),
        json!({SALES: "Sales", FINANCE: "Finanzen, Köln"}).to_string(),
        json!([{"app_id": SALES, "app_name": " Sales "}, {"app_id": FINANCE, "app_name": "Finanzen, Köln"}])
            .to_string(),
        // Naming the same app twice with one name does no harm.
        format!("{SALES},Sales\n{FINANCE},\"Finanzen, Köln\"\n{SALES},Sales\n"),
    ];
    for form in &forms {
        let with_bom = [b"\xEF\xBB\xBF", form.as_bytes()].concat();
        for bytes in [form.as_bytes().to_vec(), with_bom, utf_16(form)] {
            let names = build(&[&bytes]).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!(names.table().len(), 2, "{form}");
            assert_eq!(name(&names, SALES).as_deref(), Some("Sales"), "{form}");
            let finance = name(&names, FINANCE);
            assert_eq!(finance.as_deref(), Some("Finanzen, Köln"), "{form}");
        }
    }
}

/// The output of PowerShell for a list with one app.
#[test]
fn a_lone_app_is_a_list() {
    for app in [
        json!({"id": SALES, "name": "Sales"}),
        json!({"name": "Sales", "stream": {"id": FINANCE, "name": "Everyone"}, "appId": "", "id": SALES}),
        json!({"value": [{"id": SALES, "name": "Sales"}], "Count": 1}),
    ] {
        let names = build(&[app.to_string().as_bytes()]).expect("names");
        assert_eq!(names.table().len(), 1, "{app}");
        assert_eq!(name(&names, SALES).as_deref(), Some("Sales"), "{app}");
    }
}

/// The error names the format that is not accepted.
#[test]
fn other_formats_are_refused_by_name() {
    use AppListProblem as P;
    let app = json!({"id": SALES, "name": "Sales"});
    let long = "x".repeat(100);
    let cut = format!("`{}…`", "x".repeat(40));
    let rows = [
        (
            "Name;Owner;App identifier;Stream;Published\n".into(),
            1,
            P::Header {
                found: "`Name`, `Owner`, `App identifier`, `Stream`, …".into(),
            },
        ),
        (
            "sep=;\nid;Titel\n".into(),
            2,
            P::Header {
                found: "`id`, `Titel`".into(),
            },
        ),
        (
            "<!DOCTYPE html>\n<html>".into(),
            1,
            P::Header {
                found: "`<!DOCTYPE html>`".into(),
            },
        ),
        (format!("{long}\n"), 1, P::Header { found: cut.clone() }),
        (
            json!({"data": [app], "links": {}}).to_string(),
            1,
            P::Object {
                found: "`data`, `links`".into(),
            },
        ),
        (
            json!({"Sales": SALES}).to_string(),
            1,
            P::Object {
                found: "`Sales`".into(),
            },
        ),
        (
            json!({"id": SALES}).to_string(),
            1,
            P::Object {
                found: "`id`".into(),
            },
        ),
        (
            json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}).to_string(),
            1,
            P::Object {
                found: "`a`, `b`, `c`, `d`, …".into(),
            },
        ),
        (format!("{{\"{long}\": 5}}"), 1, P::Object { found: cut }),
        (format!("{app}\n{app}\n"), 2, P::MoreFollows),
        ("PK\u{3}\u{4}…".into(), 1, P::Workbook),
    ];
    for (content, line, expected) in &rows {
        assert_eq!(
            problem(content.as_bytes()),
            (*line, expected.clone()),
            "{content}"
        );
    }
    assert_eq!(problem(b"\xD0\xCF\x11\xE0\xA1"), (1, P::Workbook));
    let said = problem(rows[0].0.as_bytes()).1.to_string();
    assert!(
        said.contains("the columns `id` and `name`") && said.contains("`App identifier`"),
        "{said}"
    );
}

#[test]
fn a_quoted_name_may_hold_quotes_and_lines() {
    let csv = format!("id,name\n{SALES},\"Sales \"\"EMEA\"\"\nand more\"\n{FINANCE},Finance\n");
    let names = build(&[csv.as_bytes()]).expect("names");
    assert_eq!(
        name(&names, SALES).as_deref(),
        Some("Sales \"EMEA\"\nand more")
    );
    // Lines are counted as an editor counts them.
    let csv = csv.replace(FINANCE, "no id");
    assert_eq!(
        problem(csv.as_bytes()),
        (
            4,
            AppListProblem::Id {
                found: "`no id`".into()
            }
        )
    );
}

#[test]
fn mistakes_are_refused_by_line() {
    use AppListProblem as P;
    let sales = SALES.parse().expect("an id");
    let fields = |expected, found| P::Fields { expected, found };
    let id = |found: &str| P::Id {
        found: format!("`{found}`"),
    };
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    let rows = [
        (String::new(), 1, P::NoApps),
        ("id,name\n".into(), 1, P::NoApps),
        ("[]".into(), 1, P::NoApps),
        ("{}".into(), 1, P::NoApps),
        (
            "id\n".into(),
            1,
            P::Header {
                found: "`id`".into(),
            },
        ),
        (
            "\n# apps\nidentifier,name\n".into(),
            3,
            P::Header {
                found: "`identifier`, `name`".into(),
            },
        ),
        (
            format!("id,name\n{SALES},Sales\n \n\n# x\nsales,Sales\n"),
            6,
            id("sales"),
        ),
        (
            format!("id,name\n{SALES},Sales\n\nsales,Sales\n"),
            4,
            id("sales"),
        ),
        (
            format!("{SALES},Sales\n{{{SALES}}},Sales\n"),
            2,
            id(&format!("{{{SALES}}}")),
        ),
        (
            format!("{SALES},Sales\n{},Sales\n", SALES.replace('-', "")),
            2,
            id(&SALES.replace('-', "")),
        ),
        (format!("{SALES},Sales\n{FINANCE},\n"), 2, P::NoName),
        (format!("{SALES},\" \"\n"), 1, P::NoName),
        (format!("{SALES}\n"), 1, fields(2, 1)),
        (format!("{SALES},Sales, North\n"), 1, fields(2, 3)),
        (format!("id,name,owner\n{SALES},Sales\n"), 2, fields(3, 2)),
        (format!("{SALES},Sales\n{FINANCE},{long}\n"), 2, P::LongName),
        (
            format!("{SALES},Sales\n{FINANCE},x\n{SALES},Verkauf\n"),
            3,
            P::TwoNames { id: sales },
        ),
        (
            format!("[\n{{\"id\": \"{SALES}\", \"name\": \"\"}}\n]"),
            2,
            P::NoName,
        ),
        (
            format!("[\n{{\"id\": \"{SALES}\"}}\n]"),
            2,
            P::Missing { key: "name" },
        ),
        (
            "[\n{\"name\": \"Sales\"}\n]".to_owned(),
            2,
            P::Missing { key: "id" },
        ),
        (
            format!("{{\n\"{SALES}\": \"Sales\",\n\"sales\": \"Sales\"}}"),
            3,
            id("sales"),
        ),
        (
            format!(
                "{{\"{SALES}\": \"Sales\",\n\"{}\": \"Verkauf\"}}",
                SALES.to_uppercase()
            ),
            2,
            P::TwoNames { id: sales },
        ),
    ];
    for (content, line, expected) in &rows {
        assert_eq!(
            problem(content.as_bytes()),
            (*line, expected.clone()),
            "{content}"
        );
    }
}

#[test]
fn json_that_is_not_a_list_is_refused_without_quoting_it() {
    let rows = [
        (
            format!("[{{\"id\": \"{SALES}\", \"name\": \"Sal"),
            1,
            "the JSON ends early",
        ),
        (
            "[\n\"secret\"\n]".into(),
            2,
            "expected an app with `id` and `name`, found text",
        ),
        (
            "[\n[1]\n]".into(),
            2,
            "expected an app with `id` and `name`, found a list",
        ),
        (
            format!("{{\"{SALES}\": 5}}"),
            1,
            "expected the name of an app, found a number",
        ),
        (
            "[{\"id\": 5, \"name\": \"Sales\"}]".into(),
            1,
            "expected text, found a number",
        ),
        (
            format!("{{\"{SALES}\": null}}"),
            1,
            "expected the name of an app, found no value",
        ),
        (
            "{\"value\": \"secret\"}".into(),
            1,
            "expected an array of apps with `id` and `name`, found text",
        ),
        ("[oops]".into(), 1, "this is not valid JSON"),
        (
            format!("[{{\"id\": \"{SALES}\", \"name\": \"a\\secret\"}}]"),
            1,
            "this is not valid JSON",
        ),
        ("[true secret]".into(), 1, "expected an app"),
    ];
    for (content, line, expected) in &rows {
        let (found, problem) = problem(content.as_bytes());
        let said = problem.to_string();
        assert_eq!(found, *line, "{content}: {said}");
        assert!(
            matches!(problem, AppListProblem::Json { .. }),
            "{content}: {said}"
        );
        assert!(said.contains(expected), "{content}: {said}");
        for word in ["secret", "struct", "invalid type", "sequence"] {
            assert!(!said.contains(word), "{said}");
        }
    }
}

#[test]
fn other_encodings_are_refused_by_line() {
    let latin_1 = [
        format!("id,name\n{SALES},Sales\n{FINANCE},K").as_bytes(),
        b"\xF6ln\n",
    ]
    .concat();
    assert_eq!(problem(&latin_1), (3, AppListProblem::Encoding));
    let mut cut = utf_16(&format!("id,name\n{SALES},Sales"));
    cut.extend([0x00, 0xD8]);
    assert_eq!(problem(&cut), (2, AppListProblem::Encoding));
}

#[test]
fn the_first_of_several_files_takes_precedence() {
    let first = format!("{SALES},Sales\n");
    let second = format!("{SALES},Verkauf\n{FINANCE},Finance\n");
    let names = build(&[first.as_bytes(), second.as_bytes()]).expect("names");
    assert_eq!(name(&names, SALES).as_deref(), Some("Sales"));
    assert_eq!(name(&names, FINANCE).as_deref(), Some("Finance"));
    let names = build(&[second.as_bytes(), first.as_bytes()]).expect("names");
    assert_eq!(name(&names, SALES).as_deref(), Some("Verkauf"));
    assert_eq!(names.table().len(), 2);
    assert!(build(&[]).expect("no names").table().is_empty());
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("apps.csv");
    let config = AppNamesConfig {
        files: vec![missing.clone()],
    };
    let error = config.build().expect_err("no file");
    let said = error.to_string();
    let expected = format!(
        "{}: cannot read the file in `transform.app_names.files`: ",
        missing.display()
    );
    assert!(said.starts_with(&expected), "{said}");

    let (_folder, files) = files(&[b"id,name\nx,y\n"]);
    let config = AppNamesConfig { files };
    let said = config.build().expect_err("no id").to_string();
    let expected = format!(
        "{}:2: expected an app's id such as ",
        config.files[0].display()
    );
    assert!(said.starts_with(&expected), "{said}");
}

/// Uses a sparse file where the file system can.
#[test]
fn a_file_may_not_be_larger_than_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("apps.csv");
    let sparse = fs::File::create(&file).expect("a file");
    sparse.set_len(MAX_LIST_BYTES + 1).expect("a long file");
    let error = AppNamesConfig { files: vec![file] }
        .build()
        .expect_err("too large");
    assert!(matches!(error, AppNamesError::TooLarge { .. }), "{error}");
    assert!(
        error.to_string().ends_with("is larger than 64 MiB"),
        "{error}"
    );
}

#[test]
fn a_list_with_more_apps_than_allowed_is_refused() {
    let mut csv = String::new();
    for number in 0..MAX_APPS {
        writeln!(csv, "00000000-0000-4000-8000-{number:012x},App {number}").expect("a line");
    }
    // Everything before the last line is accepted.
    writeln!(csv, "{SALES},Sales").expect("a line");
    let expected = (MAX_APPS + 1, AppListProblem::TooManyApps);
    assert_eq!(problem(csv.as_bytes()), expected);
}

fn open(id: &str) -> String {
    format!("/qseow-proxy-connection/;n1;Open connection;LAB;goran;AppAccess;/app/{id}?x=1;message")
}

/// The output for these datagrams.
fn events(config: &PipelineConfig, datagrams: &[String]) -> Vec<Value> {
    shown(config, Schema::Default, datagrams)
}

fn shown(config: &PipelineConfig, schema: Schema, datagrams: &[String]) -> Vec<Value> {
    let mut pipeline = config.build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    let arrival = Arrival::new(DateTime::UNIX_EPOCH, Ipv4Addr::LOCALHOST.into());
    for datagram in datagrams {
        pipeline.datagram(datagram.as_bytes(), arrival, &mut output);
    }
    let views = output.iter().map(|event| schema.view(event));
    views
        .map(|view| serde_json::to_value(view).expect("JSON"))
        .collect()
}

#[test]
fn events_get_the_name_of_their_app() {
    let csv = format!("{SALES},Sales\n");
    let (_folder, files) = files(&[csv.as_bytes()]);
    let config = PipelineConfig {
        app_names: AppNamesConfig { files },
        ..PipelineConfig::default()
    };
    let session = "/qseow-proxy-session/;n1;Stop session;LAB;goran;;/hub;message";
    // A relay's datagram with two events: both are named.
    let two = format!("{}\n{}", open(FINANCE), open(SALES));
    let datagrams = [
        open(&SALES.to_uppercase()),
        open(FINANCE),
        session.into(),
        "x".into(),
        two,
    ];
    let events = events(&config, &datagrams);
    let names: Vec<&Value> = events.iter().map(|event| &event["app_name"]).collect();
    let (sales, none) = (json!("Sales"), Value::Null);
    assert_eq!(names, [&sales, &none, &none, &none, &none, &sales]);
    let unknown = events[1].get("app_name");
    assert!(unknown.is_none(), "an unknown name is no field at all");
}

#[test]
fn every_schema_shows_the_name() {
    let csv = format!("{SALES},Sales\n");
    let (_folder, files) = files(&[csv.as_bytes()]);
    let config = PipelineConfig {
        app_names: AppNamesConfig { files },
        ..PipelineConfig::default()
    };
    for &schema in Schema::ALL {
        let place = match schema {
            Schema::Default => "/app_name",
            Schema::Ecs => "/qlik_sense/app_name",
            Schema::ButlerSos => "/appName",
            _ => panic!("{schema}: where is the name?"),
        };
        let shown = shown(&config, schema, &[open(SALES), open(FINANCE)]);
        assert_eq!(shown[0].pointer(place), Some(&json!("Sales")), "{schema}");
        assert_ne!(shown[1].pointer(place), Some(&json!("Sales")), "{schema}");
    }
}

#[test]
fn excluded_events_are_dropped_without_a_name() {
    let csv = format!("{SALES},Sales\n");
    let (_folder, files) = files(&[csv.as_bytes()]);
    let config = PipelineConfig {
        app_names: AppNamesConfig { files },
        blacklist: BlacklistConfig {
            users: vec![r"LAB\goran".parse().expect("an entry")],
            ..BlacklistConfig::default()
        },
        ..PipelineConfig::default()
    };
    assert_eq!(events(&config, &[open(SALES)]), Vec::<Value>::new());
}

/// A user event names its app in the context, a performance event in a field.
#[test]
fn every_event_with_an_app_gets_its_name() {
    let request = format!(
        r"/qseow-qix-perf/;1;20260131T140600.000Z;2026-01-31 14:06:00,000;INFO;n1;QixPerformance.Engine.Engine;LAB\qlikservice;s;LAB;goran;20260131T140600.000Z;e;{SALES};43;GenericObject::GetLayout;1;1;0;0;0;7;a;1;2;tile"
    );
    let csv = format!("{SALES},Sales\n");
    let (_folder, files) = files(&[csv.as_bytes()]);
    let config = PipelineConfig {
        app_names: AppNamesConfig { files },
        ..PipelineConfig::default()
    };
    let events = events(&config, &[open(SALES), request]);
    let named = ["event", "app_id", "app_name"].map(|name| {
        let texts = events.iter().map(|event| event[name].as_str());
        texts.map(|text| text.expect("text")).collect::<Vec<_>>()
    });
    assert_eq!(named[0], ["connection", "performance"]);
    assert_eq!(named[1], [SALES; 2]);
    assert_eq!(named[2], ["Sales"; 2]);
}

/// Called as a custom Vector would call it.
#[test]
fn the_transform_works_on_its_own() {
    let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
    let mut output = OutputBuffer::default();
    let arrival = Arrival::local(DateTime::UNIX_EPOCH);
    pipeline.datagram(open(SALES).as_bytes(), arrival, &mut output);
    pipeline.datagram(b"garbage", arrival, &mut output);
    let mut names = AppNames::new(
        [(SALES.parse().expect("an id"), "Sales".into())]
            .into_iter()
            .collect(),
    );
    let mut named = OutputBuffer::default();
    for event in output.drain() {
        names.transform(&mut named, event);
    }
    let named = named.into_events();
    assert_eq!(named.len(), 2);
    assert_eq!(named[0].app_name(), Some("Sales"));
    assert!(matches!(named[1].body(), Body::Undecoded(_)));
}
