//! Keys and the types of their values.

use super::refused;
#[cfg(feature = "qrs")]
use super::{check, folder};

#[test]
fn an_unknown_key_is_refused() {
    refused(
        "[source]\nadress = \"127.0.0.1:0\"\n",
        "config.toml:2: source.adress: unknown key; did you mean `address`?",
    );
    refused(
        "\n[transform.blacklst]\nusers = []\n",
        "config.toml:2: transform.blacklst: unknown key; did you mean `blacklist`?",
    );
    refused(
        "[queue]\nsize = 1\n",
        "config.toml:2: queue.size: unknown key; expected `max_events`",
    );
}

#[test]
fn a_key_in_the_wrong_table_is_refused() {
    refused(
        "[source]\ncodec = \"native\"\n",
        "config.toml:2: source.codec: unknown key; did you mean `codec` in [output]?",
    );
    refused(
        "[blacklist]\nusers = []\n",
        "config.toml:1: blacklist: unknown key; did you mean [transform.blacklist]?",
    );
    refused(
        "[transform]\nfiles = []\n",
        "config.toml:2: transform.files: unknown key; did you mean `files` in [transform.app_names] or \
         `files` in [transform.blacklist]?",
    );
}

#[test]
fn a_wrong_type_is_refused() {
    for (config, expected) in [
        (
            "[source]\n\nreceive_buffer_bytes = \"big\"\n",
            "config.toml:3: source.receive_buffer_bytes = \"big\": expected a whole number of 0 or more",
        ),
        (
            "[source]\nmax_datagram_bytes = 1.5\n",
            "config.toml:2: source.max_datagram_bytes = 1.5: expected a whole number of 0 or more",
        ),
        (
            "[telemetry]\ninterval_secs = -1\n",
            "config.toml:2: telemetry.interval_secs = -1: expected a whole number of 0 or more",
        ),
        (
            "[telemetry]\ninterval_secs = \"60\"\n",
            "config.toml:2: telemetry.interval_secs = \"60\": expected a whole number of 0 or more, \
             without quotes",
        ),
        (
            "[transform.performance]\nmin_peak_ram_bytes = 1e9\n",
            "config.toml:2: transform.performance.min_peak_ram_bytes = 1e9: expected a whole number of 0 or more, \
             written out in digits, such as 1000000000",
        ),
        (
            "[transform.performance]\nmin_peak_ram_bytes = '1GB'\n",
            "config.toml:2: transform.performance.min_peak_ram_bytes = '1GB': expected a whole number of 0 or more, \
             without quotes and without a unit, such as 1000000000",
        ),
        (
            "[transform.performance]\nmin_process_ms = 1e300\n",
            "config.toml:2: transform.performance.min_process_ms = 1e300: expected a number of milliseconds, not \
             negative, at most 320000000000, such as 500 or 0.5",
        ),
        (
            "[transform.app_names.qrs]\nport = 70000\n",
            "config.toml:2: transform.app_names.qrs.port = 70000: expected a whole number from 0 to 65535",
        ),
        (
            "[transform.blacklist]\nevents = ['session', 'sesion']\n",
            "config.toml:2: transform.blacklist.events[1] = 'sesion': expected `session`, `connection`, `log`, \
             `performance` or `task`; did you mean `session`?",
        ),
        (
            "[transform.blacklist]\nevents = ['performances']\n",
            "config.toml:2: transform.blacklist.events[0] = 'performances': expected `session`, `connection`, \
             `log`, `performance` or `task`; did you mean `performance`?",
        ),
        (
            "[transform.blacklist]\nevents = []\n",
            "config.toml:2: transform.blacklist.events = []: expected at least one kind of event",
        ),
        (
            "[transform.blacklist]\ncase_sensitive = 1\n",
            "config.toml:2: transform.blacklist.case_sensitive = 1: expected true or false",
        ),
        (
            "[source]\nrate_limit = \"many\"\n",
            "config.toml:2: source.rate_limit = \"many\": expected a table with the keys `events_per_sec` \
             and `burst`",
        ),
        (
            "source = 1\n",
            "config.toml:1: source = 1: expected a table with the keys `address`, ",
        ),
        (
            "[transform.blacklist]\nfiles = 'users.txt'\n",
            "config.toml:2: transform.blacklist.files = 'users.txt': expected a list, in brackets: [ … ]",
        ),
        (
            "[transform.blacklist]\nfiles = [1]\n",
            "config.toml:2: transform.blacklist.files[0] = 1: expected text in quotes",
        ),
        (
            "[source]\naddress = 9997\n",
            "config.toml:2: source.address = 9997: expected an address such as \"0.0.0.0:9997\"",
        ),
        (
            "[output]\nlocal_socket = 2026-01-31\n",
            "config.toml:2: output.local_socket = 2026-01-31: expected text in quotes",
        ),
        (
            "[output]\ntags = 'site'\n",
            "config.toml:2: output.tags = 'site': expected a table of names and values",
        ),
        (
            "[output]\ncodec = true\n",
            "config.toml:2: output.codec = true: expected `json`, `native_json` or `native`",
        ),
        (
            "[plugin.hosts.vector]\ncommand = []\n",
            "config.toml:1: plugin.hosts.vector: missing key `component`",
        ),
    ] {
        refused(config, expected);
    }
}

/// A missing key has no line of its own.
#[cfg(feature = "qrs")]
#[test]
fn a_missing_key_is_reported_at_its_table() {
    let checked = check(&folder(
        "[transform.sessions]\nenabled = true\n\n[transform.sessions.qps]\nenabled = true\n",
    ));
    assert_eq!(checked.status, 2);
    let expected = "config.toml:4: transform.sessions.qps.proxies: expected at least one proxy";
    assert!(checked.stderr.contains(expected), "{}", checked.stderr);
}
