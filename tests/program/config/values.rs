//! Values of the right type that cannot be intended.

use super::{check, folder, messages, refused};
use crate::support::finish;

#[test]
fn an_impossible_value_is_refused() {
    refused(
        "[source]\nmax_datagram_bytes = 0\n",
        "config.toml:2: source.max_datagram_bytes = 0: expected 1 to 65507 bytes",
    );
    refused(
        "[source]\nfallback_encoding = \"klingon\"\n",
        "config.toml:2: source.fallback_encoding = \"klingon\": expected the label of",
    );
    refused(
        "[output]\ncodec = \"Nativ\"\n",
        "config.toml:2: output.codec = \"Nativ\": expected `json`, `native_json` or `native`; did you mean \
         `native`?",
    );
    refused(
        "[output]\nunix_stream_connections = 17\n",
        "config.toml:2: output.unix_stream_connections = 17: expected 1 to 16 connections",
    );
    refused(
        "[plugin]\nname = \"another\"\n",
        "config.toml:2: plugin.name = \"another\": expected `qlik_sense`",
    );
    refused(
        "[source]\nallowed_senders = [\n  \"10.0.0.0/8\",\n  \"10.0.0.300\",\n]\n",
        "config.toml:4: source.allowed_senders[1] = \"10.0.0.300\": expected an IP address or a range",
    );
}

#[test]
fn an_invalid_address_is_refused() {
    for (address, expected) in [
        (
            "localhost:9997",
            "host names are not accepted; write the IP address of `localhost`",
        ),
        ("9997", "did you mean \"0.0.0.0:9997\"?"),
        ("127.0.0.1", "did you mean \"127.0.0.1:9997\"?"),
    ] {
        let folder = folder(&format!("[source]\naddress = [\"{address}\"]\n"));
        let checked = check(&folder);
        assert_eq!(checked.status, 2);
        let start = format!(
            "config.toml:2: source.address[0] = \"{address}\": expected an address such as"
        );
        assert!(checked.stderr.contains(&start), "{}", checked.stderr);
        assert!(
            checked.stderr.trim_end().ends_with(expected),
            "{}",
            checked.stderr
        );
    }
    refused(
        "[source]\naddress = ['127.0.0.1:9', '127.0.0.1:9']\n",
        "config.toml:2: source.address[1] = '127.0.0.1:9': 127.0.0.1:9 is given twice; remove one of them",
    );
}

#[test]
fn addresses_that_receive_the_same_datagrams_are_refused() {
    refused(
        "[source]\naddress = [\n  '0.0.0.0:9997',\n  '127.0.0.1:9997',\n]\n",
        "config.toml:4: source.address[1] = '127.0.0.1:9997': 0.0.0.0:9997 includes 127.0.0.1:9997; remove one of them",
    );
    let ran = finish(&["run", "--address", "[::1]:9997", "--address", "[::]:9997"]);
    assert_eq!(ran.status, 2);
    let expected = "--address: [::]:9997 includes [::1]:9997; remove one of them";
    assert_eq!(messages(&ran), [expected]);
}

#[test]
fn a_prefix_with_slashes_around_it_is_refused() {
    for (prefix, meant) in [
        ("/sales", "sales"),
        ("hr/", "hr"),
        ("a//b", "sales"),
        ("/", ""),
    ] {
        let config = format!(
            "[transform.sessions.qps]\nproxies = [\n  {{ host = 'a', virtual_proxies = ['{prefix}'] }},\n]\n"
        );
        let checked = check(&folder(&config));
        assert_eq!(checked.status, 2, "{prefix}");
        let expected = format!(
            "`virtual_proxies`: expected prefixes as in the QMC, such as \"{meant}\", without slashes around them, and \
             \"\" for the default virtual proxy; found \"{prefix}\""
        );
        assert!(
            checked
                .stderr
                .contains(":3: transform.sessions.qps.proxies[0]: ")
        );
        assert!(checked.stderr.contains(&expected), "{}", checked.stderr);
    }
}

#[test]
fn an_invalid_pattern_is_refused() {
    refused(
        "[transform.blacklist]\nusers = [\n  'LAB\\goran',\n  'maria',\n]\n",
        "config.toml:4: transform.blacklist.users[1]: `maria`: expected DIRECTORY\\user_id",
    );
}

#[test]
fn invalid_tags_and_unknown_fields_are_refused() {
    refused(
        "[output]\ntags = { \"a.b\" = \"c\" }\n",
        "config.toml:2: output.tags.'a.b' = \"c\": expected a name without dots, which would nest fields; write `a_b` \
         for `a.b`",
    );
    refused(
        "[output]\ntags = { \"\" = \"c\" }\n",
        "config.toml:2: output.tags.'' = \"c\": expected a name, but it is empty",
    );
    refused(
        "[output.tags_by_host.n1]\n\"a.b\" = \"c\"\n",
        "config.toml:2: output.tags_by_host.n1.'a.b' = \"c\": expected a name without dots",
    );
    refused(
        "[output.tags_by_host]\nN1 = { a = \"b\" }\nn1 = { a = \"c\" }\n",
        "config.toml:3: output.tags_by_host.n1: expected each node once, but `n1` is also listed in another case",
    );
    refused(
        "[output.tags_by_host.pro2]\na = \"b\"\n\n[output.tags_by_host.PRO2]\na = \"c\"\n",
        "config.toml:4: output.tags_by_host.PRO2: expected each node once, but `PRO2` is also listed in another case",
    );
    for name in ["pro2-*", "pro?", "pro2;", " pro2", "pro2\t"] {
        let shown = name.escape_default();
        refused(
            &format!("[output.tags_by_host.\"{shown}\"]\na = \"b\"\n"),
            &format!(
                "config.toml:1: output.tags_by_host.'{shown}': expected the name of one node, as in the field `host`"
            ),
        );
    }
    refused(
        "[output.tags_by_host.pro2.lab.example]\na = \"b\"\n",
        "config.toml:1: output.tags_by_host.pro2.lab: expected text in quotes; put a node name with dots in quotes: \
         [output.tags_by_host.'pro2.lab.example']",
    );
    refused(
        "[output]\ntags_by_host = { n1 = \"north\" }\n",
        "config.toml:2: output.tags_by_host.n1 = \"north\": expected a table of names and values",
    );
    refused(
        "[output]\n\ndrop_fields = [\"user_id\", \"user.name\"]\n",
        "config.toml:3: output.drop_fields[1] = \"user.name\": the schema `default` has no such field; \
         did you mean `user`?",
    );
    refused(
        "[output]\ndrop_fields = [\"colour\"]\n",
        "config.toml:2: output.drop_fields[0] = \"colour\": the schema `default` has no such field; \
         docs/fields.md lists its fields",
    );
}

#[test]
fn an_address_of_many_machines_is_refused() {
    for address in ["239.1.1.1:9997", "255.255.255.255:9997", "[ff02::1]:9997"] {
        refused(
            &format!("[source]\naddress = '{address}'\n"),
            &format!(
                "config.toml:2: source.address = '{address}': expected an address of this machine"
            ),
        );
    }
    refused(
        "[plugin]\nkinds = ['sink']\n",
        "config.toml:2: plugin.kinds = ['sink']: expected `source` and `transform`",
    );
}
