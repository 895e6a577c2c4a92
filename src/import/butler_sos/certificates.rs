//! The client certificate, which the services of Qlik Sense accept from both programs.

use super::{Note, config::Cert, values::Text};
use crate::config::QrsConfig;

/// Sets the files of the repository service, which are also those of engines and proxies.
pub(super) fn certificates(cert: &Cert, qrs: &mut QrsConfig, notes: &mut Vec<Note>) {
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
