//! The certificate and key of `--tls-cert` and `--tls-key`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Why HTTPS cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("--tls-cert and --tls-key go together: {0} is missing")]
    Half(&'static str),
    #[error("cannot read {option} `{}`: {source} (allowed: a file in PEM form)", path.display())]
    Read { option: &'static str, path: PathBuf, source: pem::Error },
    #[error("--tls-cert `{}` holds no certificate (allowed: a file in PEM form)", .0.display())]
    Empty(PathBuf),
    #[error("--tls-cert and --tls-key do not fit together: {0}")]
    Pair(#[from] rustls::Error),
}

/// What makes HTTPS of connections; `None` when it is not asked for.
///
/// # Errors
/// When only one of the two is given, a file cannot be read, or they do not fit together.
pub(super) fn acceptor(
    certificate: Option<&Path>,
    key: Option<&Path>,
) -> Result<Option<TlsAcceptor>, TlsError> {
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(TlsError::Half("--tls-key")),
        (None, Some(_)) => return Err(TlsError::Half("--tls-cert")),
        (Some(certificate), Some(key)) => (certificate, key),
    };
    let unreadable = |option, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Read { option, path, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(unreadable("--tls-cert", certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable("--tls-key", key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}
