//! The certificates of the site, which are read from a folder or created there.

use std::{
    fs,
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

use super::{ServeError, is_loopback_or_any};

const ROOT: &str = "root.pem";
const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server_key.pem";
/// The files in the folder, if there are any.
const FILES: [&str; 5] = ["client.pem", "client_key.pem", ROOT, SERVER, SERVER_KEY];

/// The configuration for clients that have a certificate of the site.
pub(super) fn config(
    folder: &Path,
    hosts: &[Arc<str>],
    address: IpAddr,
) -> Result<ServerConfig, ServeError> {
    prepare_folder(folder)?;
    let missing: Vec<_> = FILES
        .map(|name| folder.join(name))
        .into_iter()
        .filter(|file| !file.exists())
        .collect();
    match missing.first() {
        None => {}
        Some(_) if missing.len() == FILES.len() => make(folder, hosts, address)?,
        Some(file) => return Err(ServeError::Missing { file: file.clone() }),
    }
    let unusable = |reason: String| ServeError::Unusable {
        folder: folder.into(),
        reason,
    };
    let roots = certificates(folder, ROOT)?;
    let chain = certificates(folder, SERVER)?;
    let key = PrivateKeyDer::from_pem_slice(&read(folder, SERVER_KEY)?)
        .map_err(|error| unusable(format!("{SERVER_KEY}: {error}")))?;
    let provider = Arc::new(ring::default_provider());
    let mut store = RootCertStore::empty();
    for root in roots {
        store
            .add(root)
            .map_err(|error| unusable(format!("{ROOT}: {error}")))?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider))
            .build()
            .map_err(|error| unusable(format!("{ROOT}: {error}")))?;
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| unusable(format!("{SERVER}: {error}")))
}

/// Creates the folder if there is none.
pub(super) fn prepare_folder(folder: &Path) -> Result<(), ServeError> {
    if folder.exists() && !folder.is_dir() {
        return Err(ServeError::NoFolder {
            path: folder.into(),
        });
    }
    fs::create_dir_all(folder).map_err(|source| ServeError::Create {
        path: folder.into(),
        source,
    })
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, ServeError> {
    let file = folder.join(name);
    fs::read(&file).map_err(|source| ServeError::File { file, source })
}

fn certificates(folder: &Path, name: &str) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let pem = read(folder, name)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let reason = match certificates {
        Ok(certificates) if !certificates.is_empty() => return Ok(certificates),
        Ok(_) => format!("{name}: the file contains no PEM certificate"),
        Err(error) => format!("{name}: {error}"),
    };
    Err(ServeError::Unusable {
        folder: folder.into(),
        reason,
    })
}

/// Creates a certificate authority for the site, as Qlik Sense does, and the certificates that it signs.
fn make(folder: &Path, hosts: &[Arc<str>], address: IpAddr) -> Result<(), ServeError> {
    let made = sign(hosts, address).map_err(|error| ServeError::Unusable {
        folder: folder.into(),
        reason: error.to_string(),
    })?;
    for (name, pem) in FILES.iter().zip(made) {
        let file = folder.join(name);
        write(&file, &pem).map_err(|source| ServeError::File { file, source })?;
    }
    Ok(())
}

/// The contents of the files, in the order of [`FILES`].
fn sign(hosts: &[Arc<str>], address: IpAddr) -> Result<[String; 5], rcgen::Error> {
    let mut root = CertificateParams::default();
    let name = &mut root.distinguished_name;
    name.push(DnType::CommonName, "simulated-site-CA");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;

    let mut names = vec![
        "localhost".to_owned(),
        Ipv4Addr::LOCALHOST.to_string(),
        Ipv6Addr::LOCALHOST.to_string(),
    ];
    if !is_loopback_or_any(address) {
        names.push(address.to_string());
    }
    names.extend(hosts.iter().map(ToString::to_string));
    let mut server = CertificateParams::new(names)?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server_key = KeyPair::generate()?;
    let server = server.signed_by(&server_key, &root)?;

    let mut client = CertificateParams::default();
    let name = &mut client.distinguished_name;
    name.push(DnType::CommonName, "QlikClient");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client_key = KeyPair::generate()?;
    let client = client.signed_by(&client_key, &root)?;
    Ok([
        client.pem(),
        client_key.serialize_pem(),
        root.pem(),
        server.pem(),
        server_key.serialize_pem(),
    ])
}

/// Creates a file that only its owner may read.
fn write(file: &Path, pem: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file)?.write_all(pem.as_bytes())
}
