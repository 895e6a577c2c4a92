//! The log and performance events that each destination gets.

use qlik_sense_events::{
    decoding::{LogNamespace, QlikSenseDeserializer},
    schema::Schema,
};
use serde_json::{Value, json};

use super::sent;
/// The first fields of log and performance events.
fn row(token: &str, level: &str, logger: &str) -> String {
    format!(
        "/{token}/;512;20260131T140506.210+0100;2026-01-31 14:05:06,210;{level};pro2-win1;{logger};LAB\\qlikservice"
    )
}

/// A performance event.
pub(super) fn performance() -> String {
    row("qseow-qix-perf", "INFO", "QixPerformance.Engine.Engine")
        + ";c0de71aa-40b2-4d0e-8f31-0c9b8f2d6a10;LAB;goran;20260131T140506.208+0100;\
           8c7f2d11-6a5b-4f30-9e21-b10c44d7a903;0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740;42;GenericObject::GetLayout;18.734;\
           18.612;0;0.021;11.05;7;TgFKZs;20480;99999999999;bar<chart>"
}

/// An event from each source, with every field that it can have.
pub fn whole() -> [String; 5] {
    let engine = row("qseow-engine", "WARN", "System.Engine.Engine")
        + ";a;b;0;LAB;goran;20260131T140506.208+0100;4711;14.173.4.0;20260129T021500.000-0500;1;\
           8c7f2d11-6a5b-4f30-9e21-b10c44d7a903;0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740";
    let access = ";m;e;LAB;goran;Login:TryLogin;403;AppAccess;/sales/hub";
    let logger = "System.Proxy.Proxy.Core.Pool`1[[Acme.Node, Acme+Core]]";
    let scheduler = row(
        "qseow-scheduler",
        "WARN",
        "Service.Scheduler.Scheduler.Slave.Tasks.ReloadTask",
    ) + ";m;Acme.E: gone\r\n   at Acme.Run();(null);(null);LAB\\goran;Nightly \"load\";Sales;\
         d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610;0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740;\
         b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b";
    [
        engine,
        row("qseow-proxy", "WARN", logger) + access,
        row(
            "qseow-repository",
            "WARN",
            &logger.replace("Proxy", "Repository"),
        ) + access,
        scheduler,
        performance(),
    ]
}

/// A configuration of Butler SOS with everything enabled for log events.
fn everything(version: u8) -> Value {
    let sent = json!({ "enable": true, "logLevel": { "error": true, "warn": true } });
    let on = json!({ "enable": true });
    json!({ "Butler-SOS": {
        "userEvents": { "enable": false },
        "logEvents": {
            "source": { "engine": on, "proxy": on, "repository": on, "scheduler": on, "qixPerf": on },
            "enginePerformanceMonitor": { "enable": true, "monitorFilter": { "allApps": on } },
            "sendToMQTT": {
                "enable": true,
                "baseTopic": "qliksense/logevent",
                "postTo": { "baseTopic": true, "subsystemTopics": true },
            },
            "tags": [{ "name": "site", "value": "north, 7" }],
            "sendToInfluxdb": on,
            "sendToNewRelic": {
                "enable": true,
                "destinationAccount": ["a"],
                "source": { "engine": sent, "proxy": sent, "repository": sent, "scheduler": sent },
            },
        },
        "mqttConfig": { "enable": true, "brokerHost": "127.0.0.1" },
        "influxdbConfig": {
            "enable": true,
            "host": "127.0.0.1",
            "version": version,
            "v1Config": { "dbName": "senseops" },
            "v2Config": { "org": "o", "bucket": "b" },
            "v3Config": { "database": "senseops" },
        },
        "newRelic": { "enable": true, "event": { "attribute": { "static": [{ "name": "from", "value": "b" }] } } },
        "thirdPartyToolsCredentials": { "newRelic": [{ "accountName": "a", "accountId": "1" }] },
    } })
}

/// Each source has the keys that Butler SOS 15 publishes for it, in addition to the common ones.
#[test]
#[ignore = "needs Vector"]
fn messages_have_the_keys_of_butler_sos() {
    let sent = sent(&everything(1), &whole());
    assert_eq!(sent["mqtt_log_events"], sent["mqtt_log_subsystems"]);
    let common = "source log_row ts_iso ts_local level host subsystem windows_user user_directory user_id user_full tags";
    let access = "message exception_message command result_code origin context";
    let of_sources = [
        "message proxy_session_id engine_ts process_id engine_exe_version server_started entry_type session_id app_id",
        access,
        access,
        "message exception_message task_name app_name task_id app_id execution_id",
        "proxy_session_id engine_ts session_id app_id app_name request_id method process_time work_time lock_time \
         validate_time traverse_time handle object_id net_ram peak_ram object_type event_activity_source",
    ];
    assert_eq!(sent["mqtt_log_events"].len(), of_sources.len());
    let datagrams = whole();
    for ((line, keys), datagram) in sent["mqtt_log_events"]
        .iter()
        .zip(of_sources)
        .zip(&datagrams)
    {
        let message: Value = serde_json::from_str(line).expect("JSON");
        let message = message.as_object().expect("an object");
        let mut expected: Vec<&str> = common.split(' ').chain(keys.split_whitespace()).collect();
        expected.sort_unstable();
        assert_eq!(message.keys().collect::<Vec<_>>(), expected);
        // The schema `butler_sos` also has the node's local time, and times to the nanosecond.
        let of_schema = butler_sos(datagram);
        for (key, value) in message {
            match &**key {
                "ts_local" => assert_eq!(value, ""),
                "ts_iso" => assert_eq!(value, "2026-01-31T13:05:06.210Z"),
                "engine_ts" => assert_eq!(value, "2026-01-31T13:05:06.208Z"),
                "server_started" => assert_eq!(value, "2026-01-29T07:15:00Z"),
                "tags" => assert_eq!(*value, json!({ "site": "north, 7" })),
                _ => assert_eq!(*value, of_schema[key], "{key}: {line}"),
            }
        }
    }
}

/// A datagram in the schema `butler_sos`.
fn butler_sos(datagram: &str) -> Value {
    let events = QlikSenseDeserializer::default()
        .parse(datagram.to_owned().into(), LogNamespace::Legacy)
        .expect("an event");
    serde_json::to_value(Schema::ButlerSos.view(&events[0])).expect("JSON")
}

/// Unreadable values are absent, and Butler SOS has numbers for that.
#[test]
#[ignore = "needs Vector"]
fn absent_values_are_those_of_butler_sos() {
    let bare = format!("/qseow-qix-perf/;{};{}", "(null)", ";".repeat(23));
    let sent = sent(&everything(1), &[bare]);
    let message: Value = serde_json::from_str(&sent["mqtt_log_events"][0]).expect("JSON");
    let numbers = [
        "log_row",
        "request_id",
        "handle",
        "net_ram",
        "peak_ram",
        "process_time",
    ];
    assert_eq!(
        numbers.map(|key| message[key].clone()),
        [
            json!(-1),
            json!(-99),
            json!(-99),
            json!(-1),
            json!(-1),
            json!(null)
        ]
    );
    let line = &sent["influxdb"][0];
    for number in numbers {
        assert!(!line.contains(&format!(",{number}=")), "{line}");
    }
    assert!(
        line.contains(",method=<Unknown>,object_type=<Unknown>,proxy_session_id=-1,session_id=-1,"),
        "{line}"
    );
}

/// Lines for InfluxDB, without the field that contains the whole message.
fn points(version: u8) -> Vec<String> {
    let sent = sent(&everything(version), &whole());
    sent["influxdb"]
        .iter()
        .map(|line| {
            let (before, rest) = line.split_once("raw_event=\"{").expect("the message");
            let (_, after) = rest.split_once("}\"").expect("its end");
            format!("{before}{}", after.trim_start_matches(','))
        })
        .collect()
}

/// Fields have the names and types that Butler SOS wrote to each version, because InfluxDB refuses other types.
#[test]
#[ignore = "needs Vector"]
fn points_have_the_fields_and_types_of_their_version() {
    let who = r"user_directory=LAB,user_full=LAB\goran,user_id=goran";
    let tags = "host=pro2-win1,level=WARN";
    let time = "1769864706210000512";
    let rows = [
        (1, "result_code", "app_id", "app_name", "handle=7,", ""),
        (
            2,
            "result_code_field",
            "app_id",
            "app_name",
            "handle=\"7\",",
            "i",
        ),
        (
            3,
            "result_code_field",
            "app_id_field",
            "app_name_field",
            "handle=7i,",
            "i",
        ),
    ];
    for (version, result_code, app_id, app_name, handle, whole) in rows {
        let [engine, proxy, _, scheduler, performance] = &points(version)[..] else {
            panic!("a point of each source")
        };
        // Only tags for InfluxDB 3 lack these characters.
        let (account, kind) = if version == 3 {
            ("LABqlikservice", "barchart")
        } else {
            (r"LAB\qlikservice", "bar<chart>")
        };
        assert_eq!(
            *engine,
            format!(
                "log_event,app_id=0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740,engine_exe_version=14.173.4.0,{tags},\
                 site=north\\,\\ 7,source=qseow-engine,subsystem=System.Engine.Engine,{who},windows_user={account} \
                 message=\"a;b\",session_id=\"8c7f2d11-6a5b-4f30-9e21-b10c44d7a903\",log_row_field=512 {time}"
            )
        );
        assert_eq!(
            *proxy,
            format!(
                "log_event,{tags},result_code=403,site=north\\,\\ 7,source=qseow-proxy,\
                 subsystem=System.Proxy.Proxy.Core.Pool`1[[Acme.Node\\,\\ Acme+Core]],{who} \
                 command=\"Login:TryLogin\",context=\"/sales/hub\",exception_message=\"e\",\
                 message=\"m\",origin=\"AppAccess\",{result_code}=\"403\",log_row_field=512 {time}"
            )
        );
        assert_eq!(
            *scheduler,
            format!(
                "log_event,{tags},site=north\\,\\ 7,source=qseow-scheduler,\
                 subsystem=Service.Scheduler.Scheduler.Slave.Tasks.ReloadTask,\
                 task_id=d1b6a1f2-0b73-4a1e-9d04-3c7f95a2e610,task_name=Nightly\\ \"load\",{who} \
                 {app_id}=\"0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740\",{app_name}=\"Sales\",\
                 exception_message=\"Acme.E: gone    at Acme.Run()\",execution_id=\"b5c0e9d7-1f28-4c96-a3b4-6d7e8f901a2b\",\
                 message=\"m\",log_row_field=512 {time}"
            )
        );
        assert_eq!(
            *performance,
            format!(
                "log_event,app_id=0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740,event_activity_source=user,\
                 host=pro2-win1,level=INFO,method=GenericObject::GetLayout,object_id=TgFKZs,object_type={kind},\
                 proxy_session_id=c0de71aa-40b2-4d0e-8f31-0c9b8f2d6a10,session_id=8c7f2d11-6a5b-4f30-9e21-b10c44d7a903,\
                 site=north\\,\\ 7,source=qseow-qix-perf,subsystem=QixPerformance.Engine.Engine,{who} \
                 {app_id}=\"0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740\",{handle}lock_time=0,log_row_field=512,\
                 net_ram=20480{whole},peak_ram=99999999999{whole},process_time=18.734,traverse_time=11.05,\
                 validate_time=0.021,work_time=18.612 {time}"
            )
        );
    }
}

/// New Relic gets the enabled services and levels, with the attributes of every event.
#[test]
#[ignore = "needs Vector"]
fn new_relic_gets_the_enabled_levels() {
    let mut from = everything(1);
    let source = &mut from["Butler-SOS"]["logEvents"]["sendToNewRelic"]["source"];
    source["engine"]["logLevel"] = json!({ "error": true, "warn": false });
    source["scheduler"]["enable"] = json!(false);
    let mut events = Vec::new();
    for level in ["INFO", "WARN", "ERROR", "FATAL"] {
        for event in whole() {
            events.push(event.replacen(";WARN;", &format!(";{level};"), 1));
        }
    }
    let sent = sent(&from, &events);
    let seen: Vec<String> = sent["new_relic"]
        .iter()
        .map(|line| {
            let event: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(event["eventType"], "qs_logEvent");
            assert_eq!(
                (&event["site"], &event["from"]),
                (&json!("north, 7"), &json!("b"))
            );
            assert_eq!(event["timestamp"], 1_769_864_706_210_i64);
            assert_eq!(event["qs_user_full"], r"LAB\goran");
            format!("{} {}", event["qs_log_source"], event["qs_log_level"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        seen,
        [
            "qseow-proxy WARN",
            "qseow-repository WARN",
            "qseow-engine ERROR",
            "qseow-proxy ERROR",
            "qseow-repository ERROR",
            "qseow-engine FATAL",
            "qseow-proxy FATAL",
            "qseow-repository FATAL",
        ]
    );
}

/// Disabled sources have no destination, and tags depend on the kind of event.
#[test]
#[ignore = "needs Vector"]
fn disabled_sources_are_dropped_and_tags_are_added() {
    let user = r"/qseow-proxy-session/;pro2-win1;Start session;LAB;goran;Not available;/hub;Start session for user";
    let mut events = whole().to_vec();
    events.push(user.into());
    let mut from = everything(1);
    let all = &mut from["Butler-SOS"];
    all["userEvents"] = json!({
        "enable": true,
        "tags": [{ "name": "site", "value": "north, 7" }, { "name": "kind", "value": "$USER {{ .x }}" }],
        "sendToMQTT": { "enable": true, "postTo": { "everythingTopic": { "enable": true, "topic": "users" } } },
    });
    all["logEvents"]["tags"] =
        json!([{ "name": "site", "value": "north, 7" }, { "name": "kind", "value": "log" }]);
    for (off, expected) in [
        (
            &["proxy", "qixPerf"][..],
            &["engine", "repository", "scheduler"][..],
        ),
        (
            &["qixPerf"],
            &["engine", "proxy", "repository", "scheduler"],
        ),
        (
            &["engine", "proxy", "repository", "scheduler"],
            &["qix-perf"],
        ),
        (
            &["scheduler"],
            &["engine", "proxy", "repository", "qix-perf"],
        ),
    ] {
        let mut from = from.clone();
        for source in off {
            from["Butler-SOS"]["logEvents"]["source"][source]["enable"] = json!(false);
        }
        let sent = sent(&from, &events);
        let messages = |sink: &str| -> Vec<Value> {
            let lines = sent[sink].iter();
            lines
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .collect()
        };
        let logs = messages("mqtt_log_events");
        let sources: Vec<String> = logs
            .iter()
            .map(|message| {
                message["source"]
                    .as_str()
                    .expect("text")
                    .replace("qseow-", "")
            })
            .collect();
        assert_eq!(sources, expected);
        for message in logs {
            assert_eq!(
                message["tags"],
                json!({ "site": "north, 7", "kind": "log" })
            );
        }
        let users = messages("mqtt_everything");
        assert_eq!(users.len(), 1);
        assert_eq!(
            users[0]["tags"],
            json!({ "site": "north, 7", "kind": "$USER {{ .x }}" })
        );
        assert!(sent["diagnostics"].is_empty(), "{sent:?}");
    }
}

/// Performance events that the filter leaves out are counted in Butler SOS's measurement if that is enabled, and
/// otherwise dropped.
#[test]
#[ignore = "needs Vector"]
fn filtered_performance_events_are_counted_or_dropped() {
    let mut from = everything(2);
    let all = &mut from["Butler-SOS"];
    let monitor = &mut all["logEvents"]["enginePerformanceMonitor"];
    monitor["monitorFilter"]["allApps"]["method"] =
        json!({ "allMethodsExclude": ["Doc::GetAppLayout"] });
    monitor["trackRejectedEvents"] =
        json!({ "enable": true, "tags": [{ "name": "qs_env", "value": "a, {{ b }}" }] });
    let left_out = performance().replace("GenericObject::GetLayout", "Doc::GetAppLayout");
    let events = [performance(), left_out.clone(), left_out];
    let dropped = sent(&from, &events);
    assert_eq!(dropped["influxdb"].len(), 1);
    assert!(dropped["diagnostics"].is_empty(), "{dropped:?}");

    from["Butler-SOS"]["qlikSenseEvents"] = json!({
        "influxdb": { "enable": true },
        "rejectedEventCount": { "enable": true, "influxdb": { "measurementName": "rejected events" } },
    });
    let counted = sent(&from, &events);
    let (rejected, others): (Vec<&String>, Vec<&String>) = counted["influxdb"]
        .iter()
        .partition(|line| line.starts_with("rejected"));
    assert_eq!(others.len(), 1);
    assert_eq!(
        rejected,
        [&format!(
            r"rejected\ events,app_id=0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740,app_name_set=false,host=pro2-win1,{},{},{} {} {}",
            r"object_type=bar<chart>,qs_env=a\,\ {{\ b\ }},site=north\,\ 7",
            "source=qseow-qix-perf",
            r"user_full=LAB\goran",
            "counter=2i,process_time=37.468",
            "1769864707000000000"
        )]
    );
    assert!(counted["diagnostics"].is_empty(), "{counted:?}");
}
