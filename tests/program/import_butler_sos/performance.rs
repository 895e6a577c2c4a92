//! The performance events that are kept: Butler SOS's `monitorFilter` as `transform.performance`.

use qlik_sense_events::{config::Config, import::butler_sos::import};
use serde_json::{Value, json};

use super::options;

/// `transform.performance` for a filter, without defaults, and the keys of the notes about it.
fn performance(filter: &Value) -> (Value, Vec<String>) {
    let from = json!({ "Butler-SOS": {
        "userEvents": { "enable": false },
        "logEvents": {
            "source": { "engine": { "enable": true }, "qixPerf": { "enable": true } },
            "enginePerformanceMonitor": { "enable": true, "monitorFilter": filter },
        },
    } });
    let import = import(&from.to_string(), &options()).expect("an import");
    Config::parse(&import.plugin_toml).expect("a configuration");
    let written: toml::Table = toml::from_str(&import.plugin_toml).expect("TOML");
    let transform = written
        .get("transform")
        .and_then(|all| all.get("performance"));
    let transform = transform.map_or(json!({}), |table| json!(table));
    let below = "logEvents.enginePerformanceMonitor.monitorFilter";
    let keys = import.notes.iter();
    let keys = keys
        .filter_map(|note| note.key.strip_prefix(below))
        .map(str::to_owned);
    (transform, keys.collect())
}

#[test]
fn a_filter_for_all_apps_becomes_lists() {
    let (transform, notes) = performance(&json!({ "allApps": { "enable": true } }));
    assert_eq!((transform, notes.len()), (json!({}), 0), "all are kept");

    let (transform, notes) = performance(&json!({ "allApps": {
        "enable": true,
        "appExclude": [
            { "appId": "5b817efe-472d-43ce-8a31-6cce34af7de9" },
            { "appName": "Sales forecast" },
            { "appId": "f42d6b16-8faf-45ca-a783-59f9da47db6e", "appName": "Inventory" },
            { "appId": null },
        ],
        "objectType": { "allObjectTypes": true, "allObjectTypesExclude": ["<Unknown>", "map"], "someObjectTypesInclude": ["sheet"] },
        "method": { "allMethods": false, "allMethodsExclude": ["Global::OpenApp"], "someMethodsInclude": ["GenericObject::GetLayout"] },
    } }));
    assert_eq!(
        transform,
        json!({
            "enabled": true,
            "apps": { "exclude": [
                "5b817efe-472d-43ce-8a31-6cce34af7de9",
                "Sales forecast",
                "f42d6b16-8faf-45ca-a783-59f9da47db6e",
            ] },
            "object_types": { "exclude": ["<Unknown>", "map"] },
            "methods": { "include": ["GenericObject::GetLayout"] },
        })
    );
    // The notes are about the app with an id and a name, the one with neither, and the events that are left out.
    assert_eq!(
        notes,
        [".allApps.appExclude[2]", ".allApps.appExclude[3]", ""]
    );
}

#[test]
fn filters_for_certain_apps_become_one() {
    let of =
        |app: &str, types: Value| json!({ "include": [{ "appName": app }], "objectType": types });
    let all = json!({ "allObjectTypes": true });
    let (transform, notes) = performance(
        &json!({ "appSpecific": { "enable": true, "app": [of("a", all.clone()), of("b", all.clone())] } }),
    );
    assert_eq!(
        transform,
        json!({ "enabled": true, "apps": { "include": ["a", "b"] } })
    );
    assert_eq!(notes, [""], "what is left out is dropped");

    // Together they keep more than each of them.
    let maps = json!({ "allObjectTypes": false, "someObjectTypesInclude": ["map"] });
    let (transform, notes) = performance(
        &json!({ "appSpecific": { "enable": true, "app": [of("a", all.clone()), of("b", maps.clone())] } }),
    );
    assert_eq!(
        transform,
        json!({ "enabled": true, "apps": { "include": ["a", "b"] } })
    );
    assert_eq!(notes, ["", ""]);

    // One of them accepts nothing, and one is disabled.
    let nothing = json!({ "allObjectTypes": false });
    let (transform, notes) = performance(&json!({
        "allApps": { "enable": false, "appExclude": [{ "appName": "c" }] },
        "appSpecific": { "enable": true, "app": [of("a", nothing), of("b", maps)] },
    }));
    assert_eq!(
        transform,
        json!({ "enabled": true, "apps": { "include": ["b"] }, "object_types": { "include": ["map"] } })
    );
    assert_eq!(notes, [".appSpecific.app[0]", ""]);

    // All apps except some, and then one of those.
    let (transform, _) = performance(&json!({
        "allApps": { "enable": true, "appExclude": [{ "appName": "a" }, { "appName": "b" }] },
        "appSpecific": { "enable": true, "app": [of("b", all)] },
    }));
    assert_eq!(
        transform,
        json!({ "enabled": true, "apps": { "exclude": ["a"] } })
    );
}

#[test]
fn filters_that_cannot_be_expressed_are_noted() {
    let app =
        |objects: Value| json!({ "include": [{ "appName": "Sales*" }], "appObject": objects });
    let rows = [
        (json!({ "allAppObjects": true }), false),
        (
            json!({ "allAppObjects": true, "allAppObjectsExclude": ["AaBbCc"] }),
            true,
        ),
        (
            json!({ "allAppObjects": true, "allAppObjectsExclude": [{ "objectId": "AaBbCc" }] }),
            true,
        ),
        (
            json!({ "allAppObjects": false, "someAppObjectsInclude": ["AaBbCc"] }),
            true,
        ),
    ];
    for (objects, is_noted) in rows {
        let (transform, notes) =
            performance(&json!({ "appSpecific": { "enable": true, "app": [app(objects)] } }));
        assert_eq!(
            transform,
            json!({ "enabled": true, "apps": { "include": ["Sales*"] } })
        );
        assert_eq!(
            notes.contains(&".appSpecific.app[0].appObject".to_owned()),
            is_noted,
            "{notes:?}"
        );
        // The notes are about the asterisk and the events that are left out.
        assert_eq!(
            notes.iter().filter(|key| key.is_empty()).count(),
            2,
            "{notes:?}"
        );
    }
}
