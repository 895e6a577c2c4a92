//! What `check` says about a valid configuration: its summary, and options without effect.

use super::{check, folder};

#[test]
fn check_counts_the_entries_from_files() {
    let folder = folder(
        "[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\nfiles = [\"a.txt\", \"b.txt\"]\n",
    );
    std::fs::write(folder.path().join("a.txt"), "# accounts\nLAB\\a\nLAB\\b\n").expect("a file");
    std::fs::write(folder.path().join("b.txt"), "\n\n").expect("a file");
    let checked = check(&folder);
    let warning = format!(
        "{}: the file in `transform.blacklist.files` has no entries, so it excludes nobody\n",
        folder.path().join("b.txt").display()
    );
    assert_eq!((checked.status, checked.stderr), (0, warning));
    let expected = "3 entries in the blacklist (2 from 2 files)";
    assert!(checked.stdout.contains(expected), "{}", checked.stdout);
}

#[test]
fn a_valid_configuration_is_summarized() {
    let folder = folder("[transform.blacklist]\nusers = ['INTERNAL\\sa_*']\n");
    let checked = check(&folder);
    assert_eq!((checked.status, &*checked.stderr), (0, ""));
    let expected = ": ok; listens on 0.0.0.0:9997, 1 entry in the blacklist, 0 app names, \
         codec json";
    assert!(
        checked
            .stdout
            .lines()
            .next()
            .is_some_and(|line| line.ends_with(expected)),
        "{}",
        checked.stdout
    );
}

#[test]
fn check_says_which_limit_of_the_queue_is_reached_first() {
    for (config, expected) in [
        ("", "queue.max_bytes is the limit"),
        (
            "[queue]\nmax_bytes = 1000000000\n",
            "the queue holds 50000 events of about ",
        ),
        (
            "[queue]\nmax_events = 1000\n",
            "the queue holds 1000 events of about ",
        ),
        #[cfg(unix)]
        (
            "[output]\nunix_stream = 'a.sock'\nunix_stream_connections = 4\n[queue]\nmax_events = 1000\n",
            "queue.max_events is the limit; each of 4 connections has its share of that\n",
        ),
    ] {
        let checked = check(&folder(config));
        assert_eq!(checked.status, 0);
        assert!(checked.stdout.contains(expected), "{}", checked.stdout);
    }
}

/// Such options are not a mistake: they may be needed later.
#[test]
fn options_without_effect_are_reported() {
    for (config, expected) in [
        (
            "[transform.performance]\nmin_process_ms = 500\n",
            "config.toml:2: transform.performance.min_process_ms = 500: has no effect, because \
             transform.performance.enabled is false; set it to true, or remove this option",
        ),
        (
            "[transform.performance.apps]\ninclude = ['Sales']\n",
            "config.toml:2: transform.performance.apps.include = ['Sales']: has no effect",
        ),
        (
            "[transform.sessions]\n\nstate_file = 'sessions.ndjson'\n",
            "config.toml:3: transform.sessions.state_file = 'sessions.ndjson': has no effect, because \
             transform.sessions.enabled is false",
        ),
        (
            "[transform]\nsessions.qps.interval_secs = 20\n",
            "config.toml:2: transform.sessions.qps.interval_secs = 20: has no effect, because \
             transform.sessions.enabled is false",
        ),
        (
            "[transform.sessions]\nenabled = true\n[transform.sessions.qps]\ninterval_secs = 20\n",
            "config.toml:4: transform.sessions.qps.interval_secs = 20: has no effect, because \
             transform.sessions.qps.enabled is false",
        ),
        (
            "[transform.app_names.qrs]\nkey_file = 'a.pem'\n",
            "config.toml:2: transform.app_names.qrs.key_file = 'a.pem': has no effect, because \
             transform.app_names.qrs.host is empty",
        ),
        (
            "[output]\nunix_stream_connections = 2\n",
            "config.toml:2: output.unix_stream_connections = 2: has no effect, because output.unix_stream is empty",
        ),
        (
            "[source.rate_limit]\nburst = 20\n",
            "config.toml:2: source.rate_limit.burst = 20: has no effect, because source.rate_limit.events_per_sec is 0",
        ),
        (
            "[transform.blacklist]\ncase_sensitive = true\n",
            "config.toml:2: transform.blacklist.case_sensitive = true: has no effect, because `users` and `files`",
        ),
        (
            "[transform.sessions]\nenabled = true\n\nidle_timeout_secs = 900\n",
            "config.toml:4: transform.sessions.idle_timeout_secs = 900: shorter than inactivity_timeout_secs (1800)",
        ),
        (
            "[transform.performance]\nenabled = true\nmax_groups = 1001\nmin_process_ms = 1\n[queue]\nmax_events = 1000\n",
            "config.toml:3: transform.performance.max_groups = 1001: the queue holds at most 1000 events",
        ),
        (
            "[transform.performance]\nenabled = true\nmax_groups = 1000\nmin_process_ms = 1\n[queue]\nmax_bytes = 65536\n",
            "transform.performance.max_groups = 1000: the queue holds at most ",
        ),
        (
            "[transform.blacklist]\nevents = ['performance']\n",
            "config.toml:2: transform.blacklist.events = ['performance']: has no effect, because `users` and `files`",
        ),
        (
            "[output.tags_by_host.'pro2.lab.example']\n",
            "config.toml:1: output.tags_by_host: the node 'pro2.lab.example' has no tags",
        ),
    ] {
        let checked = check(&folder(config));
        assert_eq!(checked.status, 0, "{config}");
        assert!(checked.stdout.contains(": ok; "), "{config}");
        let lines: Vec<&str> = checked.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{config}\n{}", checked.stderr);
        assert!(lines[0].contains(expected), "{config}\n{}", lines[0]);
    }
    for config in [
        "[transform.performance]\nenabled = true\nmin_process_ms = 500\nmax_groups = 1000\n[queue]\nmax_events = 1000\n",
        "[transform.blacklist]\nusers = ['LAB\\goran']\nevents = ['performance']\n",
        "[output.tags_by_host.n1]\na = 'b'\n",
        // Options with their default values are not reported.
        include_str!("../../../plugin.toml"),
        "[transform.sessions]\nstate_file = ''\nqps.interval_secs = 60\n",
    ] {
        let checked = check(&folder(config));
        assert_eq!((checked.status, &*checked.stderr), (0, ""), "{config}");
    }
}
