//! Values that are valid, but have no effect or one that cannot be intended.

use super::{check, folder};
#[cfg(feature = "qrs")]
use crate::support::qrs::Site;
use crate::support::{CODECS, Running};

/// Asserts that `check` accepts the configuration with this warning.
fn warned(config: &str, expected: &str) {
    let folder = folder(config);
    let checked = check(&folder);
    assert_eq!(checked.status, 0, "{config}\n{}", checked.stderr);
    let expected = format!("config.toml:2: {expected}");
    assert!(
        checked.stderr.contains(&expected),
        "{config}\n{}",
        checked.stderr
    );
}

#[test]
fn summaries_without_a_threshold_or_filter_are_named() {
    warned(
        "[transform.performance]\nenabled = true\n",
        "transform.performance.enabled = true: has no effect, because without a threshold or a filter",
    );
    for effective in [
        "min_process_ms = 1",
        "min_peak_ram_bytes = 1",
        "methods.exclude = ['a']",
    ] {
        let checked = check(&folder(&format!(
            "[transform.performance]\nenabled = true\n{effective}\n"
        )));
        assert_eq!((checked.status, &*checked.stderr), (0, ""), "{effective}");
    }
}

#[test]
fn values_that_leave_everything_out_are_named() {
    warned(
        "[transform.blacklist]\nusers = ['*\\*']\n",
        "transform.blacklist.users = ['*\\*']: '*\\*' matches every user",
    );
    warned(
        "[transform.performance.apps]\nexclude = ['a']\ninclude = ['a']\n[transform.performance]\nenabled = true\n",
        "transform.performance.apps.exclude = ['a']: the same as `include`",
    );
}

#[test]
fn values_that_others_cannot_use_are_named() {
    warned(
        "[source]\naddress = '127.0.0.1:0'\n",
        "source.address = '127.0.0.1:0': port 0 is",
    );
    warned(
        "[output]\ndrop_fields = ['timestamp']\n",
        "output.drop_fields = ['timestamp']: without `timestamp`",
    );
    warned(
        "[plugin]\nversion = '9.9.9'\n",
        "plugin.version = '9.9.9': the file was written for a later version",
    );
    #[cfg(unix)]
    warned(
        "[output]\nunix_stream = 'none/socket'\n",
        "output.unix_stream = 'none/socket': the folder ",
    );
}

#[test]
fn options_without_effect_for_one_reason_are_one_warning() {
    let config = "[transform.sessions.qps]\nenabled = true\ninterval_secs = 20\ntimeout_secs = 3\n";
    warned(
        config,
        "transform.sessions.qps.enabled = true: has no effect, because transform.sessions.enabled is false; set it to \
         true, or remove this option and transform.sessions.qps.interval_secs (line 3), \
         transform.sessions.qps.timeout_secs (line 4), which have none either",
    );
    assert_eq!(check(&folder(config)).stderr.lines().count(), 1);
}

#[test]
#[cfg(feature = "qrs")]
fn certificates_of_missing_proxies_are_not_missed() {
    let config = "[transform.sessions]\nenabled = true\n[transform.sessions.qps]\nenabled = true\n";
    let checked = check(&folder(config));
    assert_eq!(
        (checked.status, checked.stderr.lines().count()),
        (2, 1),
        "{}",
        checked.stderr
    );
}

/// In its log, an administrator who has not run `check` reads the same, in the codec that the host reads.
/// Events have the name of the node, so its sessions would be counted twice.
#[cfg(feature = "qrs")]
#[test]
fn a_service_that_is_named_only_by_its_address() {
    let addresses = "{ host = 'pro2-win1' }, { host = '192.0.2.17', node = 'pro2-win2' }, { host = '192.0.2.18' }";
    let said = "`host` is an address and `node` is missing, so 192.0.2.18 counts as a node of its own; set `node` to the \
                name that events have in `host`";
    for (table, key) in [
        (
            "[transform.sessions]\nenabled = true\n[transform.sessions.qps]\nenabled = true\nproxies = ",
            "transform.sessions.qps.proxies",
        ),
        ("[engine_health]\nnodes = ", "engine_health.nodes"),
    ] {
        let folder = folder(&format!("{table}[{addresses}]\n"));
        Site::new().export(folder.path());
        let checked = check(&folder);
        let warnings: Vec<_> = checked
            .stderr
            .lines()
            .filter(|line| line.contains("is an address"))
            .collect();
        let [warning] = *warnings else {
            panic!("{}", checked.stderr);
        };
        assert!(warning.contains(&format!(": {key}[2]: ")), "{warning}");
        assert!(warning.ends_with(said), "{warning}");
    }
}

#[test]
fn run_warns_once_of_what_check_warns_of() {
    for codec in CODECS {
        let folder = folder(&format!(
            "[transform.sessions]\nidle_timeout_secs = 9000\n\
             [transform.performance]\nenabled = true\nmax_groups = 1000000\n\
             [output]\ncodec = '{}'\n",
            codec.name()
        ));
        let checked = check(&folder);
        let expected: Vec<&str> = checked.stderr.lines().collect();
        assert_eq!(expected.len(), 3, "{expected:#?}");
        let program = Running::in_folder(folder.path(), codec);
        let all = |field| program.warnings.iter().map(move |warning| &warning[field]);
        assert!(all("message").eq(expected.iter()), "{codec:?}");
        assert!(all("level").eq(["warn"; 3].iter()), "{codec:?}");
    }
}

#[test]
fn a_correct_configuration_is_no_reason_for_a_warning() {
    for config in [
        "",
        include_str!("../../../plugin.toml"),
        "[source]\naddress = '127.0.0.1:0'\n[transform.performance]\nenabled = true\nmin_process_ms = 100\n",
    ] {
        let program = Running::configured(config);
        assert_eq!(
            program.warnings,
            Vec::<serde_json::Value>::new(),
            "{config}"
        );
    }
}
