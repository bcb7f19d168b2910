//! An authority of certificates for tests over TLS.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "code of tests")]

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use swarmer::http::Config;
use tokio_rustls::TlsAcceptor;

/// An authority, and certificates signed by it.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// What a server needs; `adjust` may spoil its certificate or settings.
    pub fn acceptor(
        &self,
        adjust: impl FnOnce(&mut CertificateParams),
        settings: impl FnOnce(&mut ServerConfig),
    ) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".into(), "127.0.0.1".into()]).unwrap();
        adjust(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        settings(&mut config);
        TlsAcceptor::from(Arc::new(config))
    }

    pub fn config(&self) -> Config {
        Config { extra_roots: vec![self.certificate()], ..super::impatient() }
    }
}
