//! The certificates and the key that Qlik exports, and their checks.

use std::{io::Read as _, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::{HttpsError, Service};
use crate::transform::text_file;

/// Reads the files, checks that they belong together, and builds the client's credentials.
pub(super) fn config(service: &Service) -> Result<TlsConfig, HttpsError> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates(&service.certificate_file, "certificate_file")?;
    let roots = certificates(&service.root_file, "root_file")?;
    let (key, key_pem) = key(&service.key_file)?;
    check(&provider, &chain, key, &roots, service)?;
    let owned = |certificates: &[CertificateDer<'static>]| -> Vec<Certificate<'static>> {
        let ders = certificates.iter();
        ders.map(|der| Certificate::from_der(der).to_owned())
            .collect()
    };
    let unusable = |_| HttpsError::no_key(&service.key_file, &key_pem);
    let key = PrivateKey::from_pem(&key_pem).map_err(unusable)?;
    Ok(TlsConfig::builder()
        .client_cert(Some(ClientCert::new_with_certs(&owned(&chain), key)))
        .root_certs(RootCerts::from(owned(&roots).into_iter()))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

/// Checks the certificates and the key beforehand: the HTTP client panics on ones that do not fit.
fn check(
    provider: &Arc<CryptoProvider>,
    chain: &[CertificateDer<'static>],
    key: PrivateKeyDer<'static>,
    roots: &[CertificateDer<'static>],
    service: &Service,
) -> Result<(), HttpsError> {
    let unusable = |file: &Path, source| HttpsError::Unusable {
        file: file.into(),
        source,
    };
    let mut store = RootCertStore::empty();
    for root in roots {
        store
            .add(root.clone())
            .map_err(|error| unusable(&service.root_file, error))?;
    }
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_root_certificates(store)
                .with_client_auth_cert(chain.to_vec(), key)
        })
        .map_err(|error| unusable(&service.certificate_file, error))?;
    Ok(())
}

fn certificates(
    file: &Path,
    option: &'static str,
) -> Result<Vec<CertificateDer<'static>>, HttpsError> {
    let pem = read(file, option)?;
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(HttpsError::NoCertificate { file: file.into() }),
    }
}

/// The key, and the PEM text from which it was read.
fn key(file: &Path) -> Result<(PrivateKeyDer<'static>, Vec<u8>), HttpsError> {
    let pem = read(file, "key_file")?;
    match PrivateKeyDer::from_pem_slice(&pem) {
        Ok(key) => Ok((key, pem)),
        Err(_) => Err(HttpsError::no_key(file, &pem)),
    }
}

fn read(file: &Path, option: &'static str) -> Result<Vec<u8>, HttpsError> {
    let mut pem = Vec::new();
    let read = text_file::open(file).and_then(|mut opened| opened.read_to_end(&mut pem));
    read.map(|_| pem).map_err(|source| HttpsError::Read {
        file: file.into(),
        option,
        source,
    })
}
