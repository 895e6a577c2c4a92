//! Why a request to a service failed.

use std::{io, path::PathBuf};

use memchr::memmem;

/// A certificate or key cannot be used, or a request has failed.
///
/// No variant quotes a key, a certificate or a response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpsError {
    /// A file cannot be read.
    #[error("{}: cannot read the file that `{option}` names: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The option that names it: `certificate_file`, `key_file` or `root_file`.
        option: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A file contains no certificate.
    #[error("{}: the file contains no PEM certificate", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// A file contains no private key.
    #[error("{}: the file contains no PEM private key", file.display())]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// A key is protected with a password.
    #[error("{}: the private key is protected with a password; export it without one", file.display())]
    ProtectedKey {
        /// The file.
        file: PathBuf,
    },
    /// The certificate and the key do not belong together, or cannot be used.
    #[error("{}: cannot use the certificate: {}", file.display(), of_tls(source, ""))]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The host name does not resolve.
    #[error("cannot resolve {host}: {reason}; correct `host`, or use the IP address")]
    Name {
        /// The name.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// No connection could be made.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address.
        address: String,
        /// The system's reason.
        source: io::Error,
    },
    /// No connection was made in time.
    #[error(
        "cannot connect to {address} within {secs} s; is the port open in every firewall on the way, and does a service with TLS \
         listen there?"
    )]
    ConnectTimeout {
        /// The address.
        address: String,
        /// The time in seconds.
        secs: u64,
    },
    /// The TLS handshake failed: one side does not trust the other.
    #[error(
        "cannot open a TLS connection to {address}: {}",
        of_tls(source, service)
    )]
    Tls {
        /// The address.
        address: String,
        /// The name of the service.
        service: &'static str,
        /// The reason.
        source: rustls::Error,
    },
    /// The connection was lost before the response was complete.
    #[error(
        "lost the connection to {address}: {reason}; the service may refuse the client certificate, or may have asked \
         for it too late"
    )]
    Broken {
        /// The address.
        address: String,
        /// What is known about it.
        reason: String,
    },
    /// The response was not complete in time.
    #[error("{address} did not answer within {secs} s")]
    Timeout {
        /// The address.
        address: String,
        /// The time in seconds.
        secs: u64,
    },
    /// The service answered with a status other than 200.
    #[error("{address} answered with status {status}{advice}")]
    Status {
        /// The address.
        address: String,
        /// The HTTP status.
        status: u16,
        /// Advice, after a semicolon; empty if there is none.
        advice: &'static str,
    },
    /// The response is larger than [`MAX_ANSWER_BYTES`](super::MAX_ANSWER_BYTES).
    #[error("the response from {address} is larger than {} MiB", super::MAX_ANSWER_BYTES >> 20)]
    TooLarge {
        /// The address.
        address: String,
    },
}

impl HttpsError {
    pub(super) fn no_key(file: &std::path::Path, pem: &[u8]) -> Self {
        let file = file.into();
        if memmem::find(pem, b"ENCRYPTED").is_some() {
            Self::ProtectedKey { file }
        } else {
            Self::NoKey { file }
        }
    }

    /// Whether the error concerns the files rather than the service.
    #[must_use]
    pub const fn is_about_files(&self) -> bool {
        matches!(
            self,
            Self::Read { .. }
                | Self::NoCertificate { .. }
                | Self::NoKey { .. }
                | Self::ProtectedKey { .. }
                | Self::Unusable { .. }
        )
    }
}

/// The message of rustls, with advice for common errors.
fn of_tls(error: &rustls::Error, service: &str) -> String {
    use rustls::{AlertDescription as Alert, CertificateError as Certificate, Error};
    let advice = match error {
        Error::InconsistentKeys(_) => {
            return "the certificate and the key do not belong together; export both again"
                .to_owned();
        }
        Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "set `host` or `server_name` to a name in the service's certificate",
        Error::InvalidCertificate(Certificate::UnknownIssuer | Certificate::BadSignature) => {
            "the service's certificate is not signed by `root_file`"
        }
        Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "the service's certificate has expired, or this machine's clock is wrong"
        }
        Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateRequired
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::UnsupportedCertificate
            | Alert::AccessDenied
            | Alert::DecryptError,
        ) => "the service does not accept the client certificate; is it from the same site?",
        // OpenSSL sends this alert when a client declines renegotiation.
        Error::AlertReceived(Alert::HandshakeFailure) => {
            "the two sides have no cipher suite in common, or the service asks for the client certificate too late"
        }
        Error::InvalidMessage(_) => {
            return format!("{error}: this is not TLS; is this the port of {service}?");
        }
        _ => return error.to_string(),
    };
    format!("{error}: {advice}")
}
