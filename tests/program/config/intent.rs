//! Values that are valid, but have no effect or one that cannot be intended.

use super::{check, folder};

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
