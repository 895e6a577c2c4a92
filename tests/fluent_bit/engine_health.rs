//! The health of engines, as records of the plugin.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    host::{Instance, Version, await_that, config_file},
    qrs::{Answer, Site, engine_health},
};

/// A folder with the files that the QMC exports.
fn exported(site: &Site) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    site.export(folder.path());
    folder
}

/// The fields of a record about an engine that is up or not, and of how many failures it tells.
fn record(instance: &Instance, is_up: u64) -> (Value, u64) {
    let mut found = None;
    await_that("a record of the engine", || {
        instance.collect_or_tick();
        let mut records = instance.state.counters().into_iter();
        found = records.find(|it| it.fields["engine_up"] == is_up);
        found.is_some()
    });
    let mut fields = found.expect("a record").fields;
    let failures = fields["engine_failures_total"].take();
    (fields, failures.as_u64().expect("a number"))
}

#[test]
fn the_health_of_an_engine_is_a_record_under_the_names_of_metrics() {
    let site = Site::new();
    let (service, folder) = (site.service(engine_health()), exported(&site));
    let config = format!(
        "[source]\naddress = \"127.0.0.1:0\"\n[telemetry]\ninterval_secs = 1\n[engine_health]\n\
         interval_secs = 5\ncertificate_file = '{0}/client.pem'\nkey_file = '{0}/client_key.pem'\n\
         root_file = '{0}/root.pem'\nnodes = [{{ host = \"127.0.0.1\", port = {1}, node = \"pro2-win1\" }}]\n",
        folder.path().display(),
        service.address.port()
    );
    let config = config_file("engine_health", &config);
    let instance = Instance::begin(Version::V5_1, &[("config", &config)]);
    let instance = instance.unwrap_or_else(|log| panic!("{log:?}"));
    let expected = json!({
        "source_type": "qlik_sense",
        "event": "plugin",
        "level": "info",
        "message": "engine health",
        "host": "pro2-win1",
        "engine_up": 1,
        "engine_failures_total": null,
        "engine_cpu_percent": 12.5,
        "engine_ram_committed_bytes": 67_088_384,
        "engine_ram_allocated_bytes": 239_665_152,
        "engine_ram_free_bytes": 17_179_869_184_u64,
        "engine_ram_total_bytes": 68_719_476_736_u64,
        "engine_active_sessions": 3,
        "engine_sessions": 7,
        "engine_active_users": 2,
        "engine_users": 5,
        "engine_active_apps": 1,
        "engine_loaded_apps": 2,
        "engine_in_memory_apps": 3,
        "engine_saturated": 0,
        "engine_calls_total": 3_051,
        "engine_selections_total": 190,
        "engine_cache_hits_total": 12,
        "engine_cache_lookups_total": 40,
        "engine_cache_added_total": 28,
        "engine_cache_replaced_total": 0,
        "engine_cache_added_bytes_total": 4_096,
    });
    assert_eq!(record(&instance, 1), (expected, 0));

    // Outdated numbers are not taken for current ones.
    service.set(Answer::Status(500));
    let expected = json!({
        "source_type": "qlik_sense",
        "event": "plugin",
        "level": "info",
        "message": "no engine health",
        "host": "pro2-win1",
        "engine_up": 0,
        "engine_failures_total": null,
    });
    let (fields, failures) = record(&instance, 0);
    assert_eq!(fields, expected);
    assert!(failures > 0);
    instance.tick();
    let log = instance.log();
    let failed = "2 [qlik_sense] cannot read the health of the engine of pro2-win1: ";
    assert!(log.iter().any(|line| line.starts_with(failed)), "{log:?}");
    instance.exit(false);
}
