//! TLS: trusted roots, settings per user, and errors in words that repeat.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::config::{Config, TlsSessions};
use super::error::{Error, ErrorKind};
use super::protocol;

/// Sessions a user can resume: one per origin it talks to is enough.
const SESSIONS_PER_USER: usize = 4;
/// Sessions that the users of a thread can resume who share them.
const SESSIONS_SHARED: usize = 256;

/// The settings all users share, session store apart.
pub(super) fn client_config(config: &Config) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = |error: rustls::Error| Error::new(ErrorKind::Tls, error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(tls)?;
    let mut tls_config = if config.insecure {
        let verifier = Arc::new(AcceptAll(provider));
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    } else {
        let roots = trusted_roots(&config.extra_roots)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| Error::new(ErrorKind::Tls, error.to_string()))?;
        builder.with_webpki_verifier(verifier).with_no_client_auth()
    };
    tls_config.alpn_protocols = protocol::offered(config.http2);
    tls_config.resumption = match config.tls_sessions {
        TlsSessions::Off => Resumption::disabled(),
        TlsSessions::Own | TlsSessions::Shared => Resumption::in_memory_sessions(SESSIONS_SHARED),
    };
    Ok(tls_config)
}

/// The settings of one user: unless they are to be shared, a session of one user is never resumed by another, as two
/// people's would not be.
pub(super) fn for_one_user(shared: &ClientConfig, sessions: TlsSessions) -> Arc<ClientConfig> {
    let mut own = shared.clone();
    if sessions == TlsSessions::Own {
        own.resumption = Resumption::in_memory_sessions(SESSIONS_PER_USER);
    }
    Arc::new(own)
}

/// The system's and Mozilla's roots, read once per process, and `extra`.
fn trusted_roots(extra: &[CertificateDer<'static>]) -> Result<Arc<RootCertStore>, Error> {
    static PUBLIC: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let public = PUBLIC.get_or_init(|| {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        // A system without certificates, or with a broken one among them, still has Mozilla's.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    if extra.is_empty() {
        return Ok(Arc::clone(public));
    }
    let mut roots = RootCertStore::clone(public);
    for certificate in extra {
        roots.add(certificate.clone()).map_err(|_| {
            Error::new(ErrorKind::Tls, "an extra root is not a certificate of an authority")
        })?;
    }
    Ok(Arc::new(roots))
}

/// Tells an error of an encrypted stream in words: TLS's own apart from the operating system's.
pub(super) fn error(otherwise: ErrorKind, error: &io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(inner) => Error::new(ErrorKind::Tls, describe(inner)),
        None => Error::os(otherwise, error),
    }
}

/// rustls's own texts carry times and names of certificates, by which equal failures would look different.
fn describe(error: &rustls::Error) -> String {
    use CertificateError as C;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            C::Expired | C::ExpiredContext { .. } => "server certificate expired".into(),
            C::NotValidYet | C::NotValidYetContext { .. } => {
                "server certificate not valid yet".into()
            }
            C::UnknownIssuer => "server certificate from an unknown issuer".into(),
            C::NotValidForName | C::NotValidForNameContext { .. } => {
                "server certificate not valid for this host".into()
            }
            C::Revoked => "server certificate revoked".into(),
            C::BadEncoding => "server certificate malformed".into(),
            C::BadSignature => "server certificate with a bad signature".into(),
            _ => "server certificate invalid".into(),
        },
        rustls::Error::AlertReceived(alert) => format!("server refused: alert {alert:?}"),
        rustls::Error::InvalidMessage(_) => "server does not speak TLS".into(),
        rustls::Error::NoApplicationProtocol => "server does not offer http/1.1".into(),
        other => other.to_string(),
    }
}

/// Accepts every certificate; signatures of the handshake are still checked, so a broken peer is noticed.
struct AcceptAll(Arc<CryptoProvider>);

impl fmt::Debug for AcceptAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AcceptAll")
    }
}

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
