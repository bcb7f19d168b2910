//! HTTP/2: the same requests and answers as over HTTP/1.1, on connections that are shared or not.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod http_support;

use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http_support::authority::Authority;
use http_support::{Server, client, impatient, ok};
use swarmer::http::{Client, Config, ErrorKind, Http2, Request, Shared};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// A server whose paths say what it does.
#[derive(Clone)]
struct Site {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    cancelled: Arc<AtomicUsize>,
    most_streams: u32,
}

impl Site {
    async fn plain() -> Self {
        Self::start(None, 100).await
    }

    async fn start(tls: Option<tokio_rustls::TlsAcceptor>, most_streams: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let counter = Arc::<AtomicUsize>::default;
        let site = Self {
            address: listener.local_addr().unwrap(),
            connections: counter(),
            requests: counter(),
            cancelled: counter(),
            most_streams,
        };
        let own = site.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                own.connections.fetch_add(1, Ordering::SeqCst);
                let (site, tls) = (own.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => site.serve(tls.accept(stream).await.unwrap()).await,
                        None => site.serve(stream).await,
                    }
                });
            }
        });
        site
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut builder = h2::server::Builder::new();
        builder.max_concurrent_streams(self.most_streams);
        let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
        while let Some(Ok((request, respond))) = connection.accept().await {
            let count = self.requests.fetch_add(1, Ordering::SeqCst);
            if request.uri().path() == "/last" {
                connection.graceful_shutdown();
            }
            if request.uri().path() == "/slam" {
                return;
            }
            tokio::spawn(self.clone().answer(request, respond, count));
        }
    }

    async fn answer(
        self,
        request: http::Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        count: usize,
    ) {
        let (parts, mut body) = request.into_parts();
        let reply = || http::Response::builder();
        let (reply, text) = match parts.uri.path() {
            "/refuse-once" if count == 1 => return respond.send_reset(Reason::REFUSED_STREAM),
            "/reset" => return respond.send_reset(Reason::INTERNAL_ERROR),
            "/slow" => {
                poll_fn(|cx| respond.poll_reset(cx)).await.unwrap();
                self.cancelled.fetch_add(1, Ordering::SeqCst);
                return;
            }
            "/pause" => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                (reply(), "paused".to_owned())
            }
            "/big" => (reply(), "x".repeat(5_000_000)),
            "/nothing" => (reply().status(204), String::new()),
            "/cookie" => (reply().header("set-cookie", "crumb=7"), String::new()),
            "/mirror" => {
                let own = parts.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-"));
                (own.fold(reply(), |reply, (name, value)| reply.header(name, value)), String::new())
            }
            "/moved" => (reply().status(302).header("location", "/echo"), String::new()),
            _ => {
                let mut text = format!("{} {}\n", parts.method, parts.uri);
                for (name, value) in &parts.headers {
                    text += &[name.as_str(), ": ", value.to_str().unwrap(), "\n"].concat();
                }
                while let Some(chunk) = body.data().await {
                    let chunk = chunk.unwrap();
                    body.flow_control().release_capacity(chunk.len()).unwrap();
                    text += str::from_utf8(&chunk).unwrap();
                }
                (reply().header("x-kind", "echo"), text)
            }
        };
        let mut stream = respond.send_response(reply.body(()).unwrap(), text.is_empty()).unwrap();
        if !text.is_empty() {
            // The other side may have gone.
            let _ = stream.send_data(text.into(), true);
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn seen(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.requests.load(Ordering::SeqCst))
    }
}

fn speaking(http2: Http2) -> Config {
    Config { http2, ..impatient() }
}

fn own() -> Config {
    speaking(Http2::Own)
}

/// What must be the same whoever shares a connection.
fn either_way(test: impl AsyncFn(Config)) {
    for http2 in [Http2::Own, Http2::Shared] {
        on_a_driver(async || test(speaking(http2)).await);
    }
}

/// Runs a test on a thread that users live on.
fn on_a_driver(test: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test());
}

async fn text(client: &mut Client, path: &str) -> String {
    client.send(Request::get(path)).await.result.unwrap().text().into_owned()
}

#[test]
fn requests_and_answers_are_what_they_are_over_http_1() {
    either_way(async |config| {
        let site = Site::plain().await;
        let (shared, mut client) = client(config.clone(), &site.url());
        let exchange = client
            .send(Request::post("/echo?a=b").bearer("tok").header("X-One", "1").json(&[1, 2]))
            .await;
        let answer = exchange.result.unwrap();
        assert_eq!((answer.status(), answer.reason()), (200, "OK"));
        assert_eq!(answer.header("X-Kind"), Some("echo"));
        let text = answer.text().into_owned();
        assert!(text.starts_with(&format!("POST {}/echo?a=b\n", site.url())), "{text}");
        for line in ["authorization: Bearer tok\n", "x-one: 1\n", "content-length: 5\n"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.ends_with("[1,2]") && !text.contains("host:"), "{text}");
        assert!(!exchange.timings.reused && exchange.timings.connect.is_some());
        assert!(exchange.timings.first_byte.unwrap() <= exchange.timings.total);

        let again = client.send(Request::get("/nothing")).await;
        assert!(again.timings.reused && again.timings.connect.is_none());
        assert_eq!(again.result.unwrap().status(), 204);
        assert_eq!(client.send(Request::get("/big")).await.result.unwrap().body().len(), 5_000_000);
        let body = "y".repeat(3_000_000);
        let echoed = client.send(Request::put("/echo").body(&body, "text/plain")).await;
        assert!(echoed.result.unwrap().text().ends_with(&body));
        assert_eq!(client.send(Request::get("/cookie")).await.result.unwrap().status(), 200);
        let moved = client.send(Request::get("/moved")).await.result.unwrap();
        assert!(moved.text().contains("cookie: crumb=7\n"), "{}", moved.text());
        assert_eq!(site.seen().0, 1, "one connection for all of it");
        assert_eq!((shared.counters().opened, shared.counters().reused), (1, 6));
    });
}

/// Against the tables and the code of another implementation, in both directions: fields come again, change, and are more
/// than a table holds.
#[test]
fn fields_of_all_kinds_come_back_as_they_were() {
    either_way(async |config| {
        let site = Site::plain().await;
        let (_, mut client) = client(config.clone(), &site.url());
        let mut random = 1u32;
        let mut below = |limit: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % limit
        };
        for _ in 0..500 {
            let mut fields = Vec::new();
            for number in 0..below(12) {
                let length = [3, 3, 30, 600][below(4) as usize];
                let letter = char::from(b' ' + 1 + u8::try_from(below(94)).unwrap());
                let value = format!("{letter}{}{letter}", "v\t ".repeat(length / 3));
                fields.push((format!("X-{}", number + below(3)), value));
            }
            fields.dedup_by(|a, b| a.0 == b.0);
            fields.sort();
            fields.dedup_by(|a, b| a.0 == b.0);
            let ask = fields
                .iter()
                .fold(Request::get("/mirror"), |ask, (name, value)| ask.header(name, value));
            let answer = client.send(ask).await.result.unwrap();
            let mut mirrored: Vec<_> = answer
                .headers()
                .map(|(name, value)| {
                    (name.to_uppercase(), String::from_utf8(value.to_vec()).unwrap())
                })
                .filter(|(name, _)| name.starts_with("X-"))
                .collect();
            mirrored.sort();
            assert_eq!(mirrored, fields);
        }
        assert_eq!(site.seen(), (1, 500));
    });
}

#[test]
fn a_request_that_takes_too_long_costs_no_connection() {
    either_way(async |config| {
        let site = Site::plain().await;
        let (_, mut client) = client(config.clone(), &site.url());
        for _ in 0..3 {
            let slow = client.send(Request::get("/slow").timeout(Duration::from_millis(50))).await;
            assert!(slow.result.unwrap_err().is_timeout());
            assert!(text(&mut client, "/echo").await.starts_with("GET"));
        }
        assert_eq!(site.seen(), (1, 6));
    });
}

#[test]
fn the_server_chooses_the_protocol_over_tls() {
    on_a_driver(async || {
        let authority = Authority::new();
        let site = Site::start(Some(authority.acceptor(|_| {}, |_| {})), 100).await;
        let url = format!("https://localhost:{}", site.address.port());
        let config = Config { http2: Http2::Own, ..authority.config() };
        let (_, mut client) = client(config.clone(), &url);
        assert!(text(&mut client, "/echo").await.starts_with("GET https://localhost"));
        assert!(text(&mut client, "/echo").await.starts_with("GET https://localhost"));
        assert_eq!(site.seen(), (1, 2));

        // A server that knows HTTP/1.1 only.
        let acceptor =
            authority.acceptor(|_| {}, |server| server.alpn_protocols = vec![b"http/1.1".to_vec()]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            while let Ok(1..) = stream.read(&mut [0; 4096]).await {
                stream.write_all(ok("old").as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
        });
        let (shared, mut client) =
            http_support::client(config, &format!("https://localhost:{port}"));
        assert_eq!(text(&mut client, "/").await, "old");
        assert_eq!(text(&mut client, "/").await, "old", "over the one connection there is");
        assert_eq!((shared.counters().opened, shared.counters().reused), (1, 1));
    });
}

#[test]
fn users_share_connections_if_they_are_told_to() {
    on_a_driver(async || {
        let site = Site::start(None, 10).await;
        let shared = Shared::new(Config { http2: Http2::Shared, ..impatient() });
        let base = shared.base_url(&site.url()).unwrap();
        let finished = Rc::new(Cell::new(0));
        let users: Vec<_> = (0..30)
            .map(|_| {
                let (mut client, finished) =
                    (Client::new(&shared, Some(&base)), Rc::clone(&finished));
                tokio::task::spawn_local(async move {
                    for _ in 0..5 {
                        assert_eq!(text(&mut client, "/pause").await, "paused");
                    }
                    finished.set(finished.get() + 1);
                })
            })
            .collect();
        for user in users {
            user.await.unwrap();
        }
        let (connections, requests) = site.seen();
        assert_eq!((finished.get(), requests), (30, 150));
        // Ten requests at once over each; some more where all began before the server had named its limit.
        assert!((1..=5).contains(&connections), "{connections} connections for 30 users");
    });
}

/// Large answers and large requests at once, one that the server gives up among them, and one that nobody waits for.
#[test]
fn what_becomes_of_one_request_is_nothing_to_the_others() {
    on_a_driver(async || {
        let site = Site::plain().await;
        let shared = Shared::new(speaking(Http2::Shared));
        let base = shared.base_url(&site.url()).unwrap();
        let client = || Client::new(&shared, Some(&base));
        // So that all of them find the connection open.
        text(&mut client(), "/echo").await;
        let users: Vec<_> = (0..40)
            .map(|number| {
                let mut client = client();
                tokio::task::spawn_local(async move {
                    let body = char::from(b'a' + number % 26).to_string().repeat(300_000);
                    let ask = match number % 5 {
                        0 => Request::get("/big"),
                        1 => Request::post("/echo").body(&body, "text/plain"),
                        2 => Request::post("/reset"),
                        3 => Request::get("/slow").timeout(Duration::from_millis(50)),
                        _ => Request::get("/pause"),
                    };
                    let result = client.send(ask).await.result;
                    match (number % 5, result) {
                        (0, Ok(answer)) => assert_eq!(answer.body().len(), 5_000_000),
                        (1, Ok(answer)) => assert!(answer.text().ends_with(&body)),
                        (2, Err(error)) => assert_eq!(error.kind(), ErrorKind::Closed),
                        (3, Err(error)) => assert!(error.is_timeout()),
                        (4, Ok(answer)) => assert_eq!(answer.text(), "paused"),
                        (_, other) => panic!("{number}: {other:?}"),
                    }
                })
            })
            .collect();
        for user in users {
            user.await.unwrap();
        }
        assert_eq!(site.seen(), (1, 41));
        let cancelled = async {
            while site.cancelled.load(Ordering::SeqCst) < 8 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), cancelled).await.expect("all are told");
        assert!(text(&mut client(), "/echo").await.starts_with("GET"));
    });
}

#[test]
fn a_request_the_server_did_not_look_at_is_sent_again() {
    either_way(async |config| {
        let site = Site::plain().await;
        let (_, mut client) = client(config.clone(), &site.url());
        assert!(text(&mut client, "/echo").await.starts_with("GET"));
        let refused = client.send(Request::post("/refuse-once")).await.result.unwrap();
        assert!(refused.text().starts_with("POST"), "{}", refused.text());
        assert_eq!(site.seen().1, 3);

        assert!(text(&mut client, "/last").await.starts_with("GET"));
        let before = site.seen().0;
        let after = client.send(Request::post("/echo")).await.result.unwrap();
        assert!(after.text().starts_with("POST"));
        assert_eq!(site.seen().0, before + 1, "the server said goodbye to the old connection");
    });
}

#[test]
fn failures_have_texts_that_repeat() {
    either_way(async |config| {
        let site = Site::plain().await;
        let (_, mut client) = client(config.clone(), &site.url());
        let reset = client.send(Request::post("/reset")).await.result.unwrap_err();
        assert_eq!(reset.kind(), ErrorKind::Closed);
        assert_eq!(
            reset.repr(),
            "ConnectionClosed('HTTP/2: server gave up the request: INTERNAL_ERROR')"
        );
        // A request that the server gave up was not lost on the way: it fails once, and is not asked again.
        let (connections, requests) = site.seen();
        let reset = client.send(Request::get("/reset")).await.result.unwrap_err();
        assert_eq!(reset.kind(), ErrorKind::Closed);
        assert_eq!(site.seen().1, requests + 1);
        assert!(text(&mut client, "/echo").await.starts_with("GET"));
        if config.http2 == Http2::Shared {
            assert_eq!(site.seen().0, connections, "the others' connection is as good as before");
        }
        let slammed = client.send(Request::post("/slam")).await.result.unwrap_err();
        assert_eq!(slammed.kind(), ErrorKind::Closed, "{slammed}");
        let slow = client.send(Request::get("/slow").timeout(Duration::from_millis(100))).await;
        assert!(slow.result.unwrap_err().is_timeout());
        let limit = Duration::from_secs(5);
        let cancelled = async {
            while site.cancelled.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(limit, cancelled).await.expect("the server learns that nobody waits");
        assert!(text(&mut client, "/echo").await.starts_with("GET"), "life goes on");
        let small = Config { max_response_body: 1_000, ..config.clone() };
        let (_, mut client) = http_support::client(small, &site.url());
        let large = client.send(Request::get("/big")).await.result.unwrap_err();
        assert_eq!(large.kind(), ErrorKind::TooLarge);
    });
}

#[test]
fn a_server_that_does_not_speak_it_is_told_apart() {
    either_way(async |config| {
        for bytes in
            ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "", "\0\0\0\0garbage"]
        {
            let server = Server::start(move |peer| {
                peer.send(bytes);
            });
            let mut client = server.client_with(config.clone());
            let error = client.send(Request::get("/")).await.result.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Closed | ErrorKind::Protocol),
                "{bytes:?}: {error:?}"
            );
            let text = "no answer in HTTP/2, which --http2 takes for granted without TLS: ";
            assert!(error.to_string().starts_with(text), "{bytes:?}: {error}");
        }
    });
}

#[test]
fn parked_users_open_a_new_connection() {
    on_a_driver(async || {
        let site = Site::plain().await;
        let (_, mut client) = client(own(), &site.url());
        text(&mut client, "/echo").await;
        client.close_idle();
        assert!(!client.send(Request::get("/echo")).await.timings.reused);
        assert_eq!(site.seen().0, 2);
    });
}
