//! A router served over HTTP/1.1 and HTTP/2, with TLS and without.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::server::SendResponse;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP/1.1.
    Plain,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2, which is taken for granted.
    Http2,
    /// HTTP/2 over TLS.
    Http2Tls,
}

impl Speaks {
    pub(crate) fn scheme(self) -> &'static str {
        if self.is_secure() { "https" } else { "http" }
    }

    fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Http2Tls)
    }

    fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }
}

pub(super) async fn serve(listener: TcpListener, app: Router, speaks: Speaks) {
    let tls = speaks.is_secure().then(|| acceptor(speaks));
    while let Ok((stream, _)) = listener.accept().await {
        let (app, tls) = (app.clone(), tls.clone());
        tokio::spawn(async move {
            let Some(tls) = tls else { return converse(stream, app, speaks).await };
            // A client may turn away in the middle of its handshake.
            if let Ok(stream) = tls.accept(stream).await {
                converse(stream, app, speaks).await;
            }
        });
    }
}

/// A certificate that nobody knows.
fn acceptor(speaks: Speaks) -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let protocol: &[u8] = if speaks.is_http2() { b"h2" } else { b"http/1.1" };
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn converse<S>(stream: S, app: Router, speaks: Speaks)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let app = TowerToHyperService::new(app);
    if !speaks.is_http2() {
        // A client that goes is none of the server's business.
        let http1 = hyper::server::conn::http1::Builder::new();
        let _ = http1.serve_connection(TokioIo::new(stream), app).await;
        return;
    }
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, app.clone()));
    }
}

async fn answer(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    app: TowerToHyperService<Router>,
) {
    let (parts, mut stream) = request.into_parts();
    let mut body = BytesMut::new();
    while let Some(Ok(chunk)) = stream.data().await {
        stream.flow_control().release_capacity(chunk.len()).unwrap();
        body.extend_from_slice(&chunk);
    }
    let request = http::Request::from_parts(parts, Body::from(body.freeze()));
    let (parts, body) = app.call(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut sending = respond.send_response(http::Response::from_parts(parts, ()), false).unwrap();
    sending.send_data(body, true).unwrap();
}
