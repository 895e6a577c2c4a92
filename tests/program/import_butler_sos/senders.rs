//! The senders whose datagrams are accepted.

use std::fs;

use qlik_sense_events::{
    config::Config,
    import::butler_sos::{ImportError, Options, import},
};

use super::{options, run, text};

/// The allowed senders for `allowedSources` with validation enabled, and the number of notes.
fn allowed(sources: &str, options: &Options) -> Result<(String, usize), ImportError> {
    let yaml = format!(
        "Butler-SOS:\n  userEvents:\n    udpServerConfig:\n      enableSourceValidation: true\n      \
         allowedSources: {sources}\n"
    );
    let import = import(&yaml, options)?;
    let config = Config::parse(&import.plugin_toml).expect("a configuration");
    let ranges = &config.source.allowed_senders;
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    let notes = import.notes.iter();
    let notes = notes.filter(|note| note.key.contains("allowedSources"));
    Ok((ranges.join(" "), notes.count()))
}

#[test]
fn names_of_allowed_senders_are_resolved() {
    let options = Options {
        resolve: |name| match name {
            "sense-1" => vec!["192.0.2.1".parse().expect("an address")],
            "name.invalid" | "<IP or FQDN>" => Vec::new(),
            other => panic!("{other} is no name"),
        },
        ..options()
    };
    let rows = [
        ("[sense-1, name.invalid]", "192.0.2.1", 2),
        ("[192.0.2.7, sense-1, 192.0.2.7]", "192.0.2.7 192.0.2.1", 1),
        ("[192.0.2.7, name.invalid]", "192.0.2.7", 1),
        (
            "[192.0.2.7, 192.0.2.300, 4711, 0x7f.1, 10.1, '']",
            "192.0.2.7",
            5,
        ),
        (
            "[192.0.2.0/24, null, ' 192.0.2.7 ']",
            "192.0.2.0/24 192.0.2.7",
            1,
        ),
    ];
    for (sources, ranges, notes) in rows {
        let seen = allowed(sources, &options).expect(sources);
        assert_eq!(seen, (ranges.into(), notes), "{sources}");
    }
}

/// If no address is known, Butler SOS accepts everyone. This program only does so on request.
#[test]
fn without_an_allowed_sender_the_import_is_refused_unless_requested() {
    let permissive = Options {
        allow_any_sender: true,
        ..options()
    };
    for sources in ["[name.invalid]", "['<IP or FQDN>']", "[]", ""] {
        assert_eq!(
            allowed(sources, &options()),
            Err(ImportError::NoSender {
                key: "userEvents.udpServerConfig"
            }),
            "{sources}"
        );
        let (ranges, _) = allowed(sources, &permissive).expect(sources);
        assert_eq!(ranges, "0.0.0.0/0 ::/0", "{sources}");
    }
    let only_known = allowed("[192.0.2.7, name.invalid]", &permissive).expect("an import");
    assert_eq!(only_known.0, "192.0.2.7");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("production.yaml");
    fs::write(
        &file,
        "Butler-SOS:\n  userEvents:\n    udpServerConfig:\n      enableSourceValidation: true\n      \
         allowedSources: [name.invalid]\n",
    )
    .expect("a file");
    let file = file.to_str().expect("UTF-8");
    let target = folder.path().join("new");
    let target_name = target.to_str().expect("UTF-8");
    for arguments in [&[file][..], &[file, "--output-dir", target_name]] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            refused.stdout.is_empty() && !target.exists(),
            "nothing is written"
        );
        let said = text(&refused.stderr);
        assert!(
            said.contains("production.yaml: userEvents.udpServerConfig.allowedSources: "),
            "{said}"
        );
        assert!(said.contains("--allow-any-sender"), "{said}");
    }
    let told = run(&[file, "--output-dir", target_name, "--allow-any-sender"]);
    assert!(told.status.success(), "{}", text(&told.stderr));
    assert!(text(&told.stderr).contains("EVERY sender is accepted"));
    assert!(target.join("plugin.toml").exists());
}
