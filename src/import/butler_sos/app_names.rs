//! Names of apps, which both programs get from the Qlik Repository Service.

use super::{
    Note,
    config::ButlerSos,
    values::{Count, Text},
};
use crate::config::{QrsConfig, is_host};

/// The user in whose name Butler SOS makes requests.
const USER: &str = r"Internal\sa_repository";

/// The repository service to query, if Butler SOS queries one.
pub(super) fn qrs(from: &ButlerSos, notes: &mut Vec<Note>) -> QrsConfig {
    let mut qrs = QrsConfig::default();
    let (names, cert) = (&from.app_names, &from.cert);
    if !names.enable_app_name_extract {
        return qrs;
    }
    let (host, port) = names
        .host_ip
        .as_ref()
        .map_or(("", None), Text::host_and_port);
    if host.is_empty() || !is_host(host) {
        notes.push(Note::new(
            "appNames.hostIP",
            "no host, so app names are not looked up; apps keep their ids",
        ));
        return qrs;
    }
    qrs.host = host.to_owned();
    qrs.port = port.unwrap_or(qrs.port);
    qrs.user = USER.to_owned();
    qrs.interval_secs = names
        .extract_interval
        .map_or(qrs.interval_secs, |Count(milliseconds)| {
            milliseconds.div_ceil(1_000).clamp(1, 86_400)
        });
    let files = [
        ("clientCert", &cert.certificate, &mut qrs.certificate_file),
        ("clientCertKey", &cert.key, &mut qrs.key_file),
        ("clientCertCA", &cert.root, &mut qrs.root_file),
    ];
    for (key, from, to) in files {
        match from {
            Some(Text(path)) if !path.is_empty() => *to = path.into(),
            _ => {
                let message = format!("missing; expected at {}", to.display());
                notes.push(Note::new(&format!("cert.{key}"), &message));
            }
        }
        if !begins_at_a_root(&to.to_string_lossy()) {
            let message = "a relative path; here it is relative to the folder of plugin.toml";
            notes.push(Note::new(&format!("cert.{key}"), message));
        }
    }
    if cert.passphrase.is_some_and(|secret| secret.is_set) {
        notes.push(Note::new(
            "cert.clientCertPassphrase",
            "keys with a passphrase are not supported; export the certificates without one",
        ));
    }
    notes.push(Note::new(
        "appNames.hostIP",
        "the service's certificate is verified, which Butler SOS does not do; if it was issued to another name, set \
         `transform.app_names.qrs.server_name` to that name",
    ));
    qrs
}

/// Whether a path begins at the root of a file system, of Unix or Windows: the file may be for another machine.
fn begins_at_a_root(path: &str) -> bool {
    let path = match path.as_bytes() {
        [drive, b':', path @ ..] if drive.is_ascii_alphabetic() => path,
        path => path,
    };
    matches!(path, [b'/' | b'\\', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_of_every_system_are_recognised() {
        for (path, expected) in [
            ("/nodeapp/config/client.pem", true),
            (r"C:\certificates\client.pem", true),
            ("d:/certificates/client.pem", true),
            (r"\\server\share\client.pem", true),
            ("config/client.pem", false),
            (r"config\client.pem", false),
            ("C:client.pem", false),
            ("", false),
        ] {
            assert_eq!(begins_at_a_root(path), expected, "{path}");
        }
    }
}
