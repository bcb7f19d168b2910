//! TLS: trust, refusal, resumption, and what broken peers do.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod http_support;

use std::net::SocketAddr;

use http_support::authority::Authority;
use http_support::{Server, client, impatient};
use rcgen::CertificateParams;
use rustls::ServerConfig;
use swarmer::http::{Client, Config, Error, ErrorKind, Request, Shared, TlsSessions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Starts an HTTPS server; `adjust` may spoil its certificate or settings.
async fn serve(
    authority: &Authority,
    adjust: impl FnOnce(&mut CertificateParams),
    settings: impl FnOnce(&mut ServerConfig),
) -> SocketAddr {
    let acceptor = authority.acceptor(adjust, settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream).await;
                }
            });
        }
    });
    address
}

/// Answers with the protocol that ALPN chose; `/close` ends the connection afterwards, `/cut` without saying so.
async fn answer(mut stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>) {
    let protocol = stream.get_ref().1.alpn_protocol().unwrap_or(b"none").to_vec();
    let mut request = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut request).await {
        if request[..read].starts_with(b"GET /cut") {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nuntil clo").await.unwrap();
            stream.flush().await.unwrap();
            return;
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", protocol.len());
        stream.write_all(&[head.as_bytes(), &protocol].concat()).await.unwrap();
        stream.flush().await.unwrap();
        if request[..read].starts_with(b"GET /close") {
            stream.shutdown().await.unwrap();
            return;
        }
    }
}

async fn error(client: &mut Client) -> Error {
    client.send(Request::get("/")).await.result.unwrap_err()
}

#[tokio::test]
async fn requests_pass_over_one_verified_connection() {
    let authority = Authority::new();
    let address = serve(&authority, |_| {}, |_| {}).await;
    let (shared, mut client) =
        client(authority.config(), &format!("https://localhost:{}", address.port()));
    for n in 0..3 {
        let exchange = client.send(Request::get("/")).await;
        assert_eq!(exchange.result.unwrap().text(), "http/1.1");
        assert_eq!(exchange.timings.reused, n > 0);
        if let Some(connect) = exchange.timings.connect {
            assert!(connect.tls.unwrap() > std::time::Duration::ZERO);
            assert!(connect.tcp + connect.tls.unwrap() <= connect.total);
        }
    }
    let counters = shared.counters();
    assert_eq!((counters.opened, counters.handshakes, counters.reused), (1, 1, 2));
}

#[tokio::test]
async fn addresses_can_have_certificates_too() {
    let authority = Authority::new();
    let address = serve(&authority, |_| {}, |_| {}).await;
    let (_, mut client) = client(authority.config(), &format!("https://{address}"));
    assert!(client.send(Request::get("/")).await.result.is_ok());
}

#[tokio::test]
async fn untrusted_certificates_are_refused_unless_told_otherwise() {
    let authority = Authority::new();
    let address = serve(&authority, |_| {}, |_| {}).await;
    let url = format!("https://localhost:{}", address.port());
    let (shared, mut strict) = client(impatient(), &url);
    let refused = error(&mut strict).await;
    assert_eq!(refused.repr(), "TlsError('server certificate from an unknown issuer')");
    assert!(refused.is_connect());
    assert_eq!(shared.counters().opened, 0);
    let (_, mut lenient) = client(Config { insecure: true, ..impatient() }, &url);
    assert!(lenient.send(Request::get("/")).await.result.is_ok());
}

#[tokio::test]
async fn wrong_names_and_old_certificates_are_told_apart() {
    let authority = Authority::new();
    let elsewhere = |params: &mut CertificateParams| {
        *params = CertificateParams::new(["elsewhere.test".into()]).unwrap();
    };
    let address = serve(&authority, elsewhere, |_| {}).await;
    let (_, mut wrong_name) =
        client(authority.config(), &format!("https://localhost:{}", address.port()));
    assert_eq!(
        error(&mut wrong_name).await.to_string(),
        "server certificate not valid for this host"
    );
    let expired = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    };
    let address = serve(&authority, expired, |_| {}).await;
    let (_, mut old) = client(authority.config(), &format!("https://localhost:{}", address.port()));
    assert_eq!(error(&mut old).await.to_string(), "server certificate expired");
}

#[tokio::test]
async fn servers_that_do_not_speak_our_language_are_refused() {
    let authority = Authority::new();
    let h2_only = |config: &mut ServerConfig| config.alpn_protocols = vec![b"h2".to_vec()];
    let address = serve(&authority, |_| {}, h2_only).await;
    let (_, mut alpn) =
        client(authority.config(), &format!("https://localhost:{}", address.port()));
    let refused = error(&mut alpn).await;
    assert_eq!(refused.repr(), "TlsError('server refused: alert NoApplicationProtocol')");
    let plain = Server::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let plain_answer = Server::start(|peer| peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"));
    for server in [plain_answer] {
        let (_, mut client) = client(impatient(), &format!("https://{}", server.address));
        assert_eq!(error(&mut client).await.repr(), "TlsError('server does not speak TLS')");
    }
    let (_, mut silent) = client(impatient(), &format!("https://{}", plain.address));
    assert_eq!(error(&mut silent).await.repr(), "Timeout('no connection within 0.3 s')");
    let closing = Server::start(|peer| {
        let _ = std::io::Read::read(&mut peer.stream, &mut [0; 4096]);
    });
    let (_, mut cut) = client(impatient(), &format!("https://{}", closing.address));
    assert_eq!(error(&mut cut).await.kind(), ErrorKind::Tls);
}

#[tokio::test]
async fn a_limit_for_connecting_has_its_own_error() {
    let silent = Server::start(http_support::Peer::wait_for_close);
    let config =
        Config { connect_timeout: std::time::Duration::from_millis(100), ..Config::default() };
    let (_, mut client) = client(config, &format!("https://{}", silent.address));
    let error = error(&mut client).await;
    assert_eq!(error.repr(), "ConnectTimeout('no connection within 0.1 s')");
    assert!(error.is_timeout() && error.is_connect());
}

#[tokio::test]
async fn sessions_are_resumed_by_whom_they_may() {
    let authority = Authority::new();
    let address = serve(&authority, |_| {}, |_| {}).await;
    for (tls_sessions, resumed) in
        [(TlsSessions::Own, [1, 2]), (TlsSessions::Shared, [1, 3]), (TlsSessions::Off, [0, 0])]
    {
        let shared = Shared::new(Config { tls_sessions, ..authority.config() });
        let base = shared.base_url(&format!("https://localhost:{}", address.port())).unwrap();
        for (user, resumed) in (1..).zip(resumed) {
            let mut client = Client::new(&shared, Some(&base));
            for _ in 0..2 {
                assert!(client.send(Request::get("/")).await.result.is_ok());
                client.close_idle();
            }
            let counters = shared.counters();
            assert_eq!(
                (counters.handshakes, counters.resumed),
                (2 * user, resumed),
                "{tls_sessions:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_polite_close_is_noticed_and_a_cut_is_an_error() {
    let authority = Authority::new();
    let address = serve(&authority, |_| {}, |_| {}).await;
    let (shared, mut client) =
        client(authority.config(), &format!("https://localhost:{}", address.port()));
    for _ in 0..3 {
        // A POST would not be sent twice: the closure must have been seen before.
        assert!(client.send(Request::post("/")).await.result.is_ok());
        assert!(client.send(Request::get("/close")).await.result.is_ok());
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    assert_eq!(shared.counters().opened, 3);
    let cut = client.send(Request::get("/cut")).await.result.unwrap_err();
    assert_eq!(cut.repr(), "ConnectionClosed('connection closed without the end of TLS')");
}

#[test]
fn unusable_roots_are_told_at_once() {
    let config = Config { extra_roots: vec![vec![1, 2, 3].into()], ..Config::default() };
    let shared = Shared::new(config);
    assert!(shared.base_url("http://plain.test").is_ok());
    let refused = shared.base_url("https://secure.test").unwrap_err();
    assert_eq!(refused.repr(), "TlsError('an extra root is not a certificate of an authority')");
}
