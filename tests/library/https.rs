//! What holds for every client of a service of Qlik Sense over HTTPS, whatever it requests. `qrs.rs` has more of it.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use qlik_sense_events::host::https::HttpsError;

use crate::qrs::support::{Answer, Repository, Site};

/// A client's request: with the files of a folder, to a port of this machine, whose certificate must have the name
/// `server_name`, if it is not empty.
pub trait Ask: Fn(&Path, u16, &str) -> Result<(), HttpsError> {}

impl<F: Fn(&Path, u16, &str) -> Result<(), HttpsError>> Ask for F {}

/// A client trusts its site only, and is trusted by it only. `answer` is what a service says to its own clients.
pub fn certificates_that_do_not_fit_are_refused(answer: Answer, ask: impl Ask) {
    let (site, other) = (Site::new(), Site::named("other.example.com"));
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, write) = (folder.path(), |name: &str, content: String| {
        fs::write(folder.path().join(name), content).expect("a file");
    });
    site.export(folder);
    let service = site.service(answer.clone());
    let refused = |service: &Repository, name: &str| {
        ask(folder, service.address.port(), name).expect_err("a refusal")
    };
    // The service is of another site.
    write("root.pem", other.root());
    let said = refused(&service, "").to_string();
    let expected = "the service's certificate is not signed by `root_file`";
    assert!(said.ends_with(expected), "{said}");
    // The program is.
    other.export(folder);
    write("root.pem", site.root());
    let said = refused(&service, "").to_string();
    assert!(said.contains("the client certificate"), "{said}");
    let asked = service.requests.try_recv();
    assert!(asked.is_err(), "nothing was asked");
    // The name is not in the certificate at first, and then is.
    site.export(folder);
    let named = Repository::start(&site, &site, &["win1.example.com"], answer);
    let said = refused(&named, "").to_string();
    assert!(said.contains("win1.example.com"), "{said}");
    ask(folder, named.address.port(), "win1.example.com").expect("an answer");
    // A key of another certificate.
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    write("client_key.pem", key);
    let error = refused(&service, "");
    assert!(error.is_about_files(), "{error}");
}

/// The client gives up after its own timeout of a second: the system accepts the connection, but no program does. A busy
/// machine may notice the end of the whole request before that of the connection.
pub fn the_timeout_is_that_of_the_configuration(ask: impl Ask) {
    let folder = tempfile::tempdir().expect("a folder");
    Site::new().export(folder.path());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let error = ask(folder.path(), port, "").expect_err("nobody answers");
    let is_late = matches!(
        error,
        HttpsError::ConnectTimeout { secs: 1, .. } | HttpsError::Timeout { secs: 1, .. }
    );
    assert!(is_late, "{error}");
}
