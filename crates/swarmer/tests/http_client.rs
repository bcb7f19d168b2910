//! The client against real servers: requests, answers, connections, retries, time.

mod http_support;

use std::rc::Rc;
use std::time::{Duration, Instant};

use http_support::{Server, client, impatient, ok};
use swarmer::http::{Client, Config, Error, ErrorKind, Exchange, Request, Shared};

fn failure(exchange: Exchange) -> Error {
    exchange.result.expect_err("the request fails")
}

#[expect(clippy::unwrap_used, reason = "code of tests")]
async fn text(client: &mut Client, request: Request) -> String {
    client.send(request).await.result.unwrap().text().into_owned()
}

#[tokio::test]
async fn a_get_brings_status_headers_body_and_timings() {
    let server =
        Server::answering("HTTP/1.1 201 Created\r\nX-A: 1\r\nContent-Length: 9\r\n\r\n{\"n\": 42}");
    let (shared, mut client) = client(Config::default(), &server.url());
    let Exchange { result, timings } = client.send(Request::get("/thing?x=1")).await;
    let response = result.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.header("x-a"), Some("1"));
    assert_eq!(response.header("x-b"), None);
    assert_eq!(response.json::<serde_json::Value>().unwrap()["n"], 42);
    assert_eq!(response.url(), format!("{}/thing?x=1", server.url()));
    assert!(!timings.reused);
    let connect = timings.connect.unwrap();
    assert!(connect.tls.is_none() && connect.tcp <= connect.total);
    assert!(connect.total <= timings.first_byte.unwrap());
    assert!(timings.first_byte.unwrap() <= timings.total);
    assert_eq!(timings.bytes_received, 60);
    assert_eq!(timings.bytes_sent, server.requests()[0].len() as u64);
    drop(response);

    let again = client.send(Request::get("/")).await;
    assert!(again.result.is_ok() && again.timings.reused && again.timings.connect.is_none());
    assert_eq!(server.connections(), 1);
    let counters = shared.counters();
    assert_eq!((counters.opened, counters.reused, counters.handshakes), (1, 1, 0));
}

/// What the generator does between an answer's arrival and reading it is no part of the time that the target took.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thread_that_is_busy_makes_no_answer_late() {
    const BUSY: Duration = Duration::from_millis(600);
    let (told, answered) = std::sync::mpsc::channel();
    let server = Server::start(move |peer| {
        while peer.request().is_some() {
            peer.send(ok("here"));
            let _ = told.send(Instant::now());
        }
    });
    let mut client = server.client();
    // Opens the connection: the next request is written as soon as it is polled, before the thread is busy.
    text(&mut client, Request::get("/")).await;
    answered.recv().unwrap();
    let busy = async {
        let answered = answered.recv().unwrap();
        std::thread::sleep(BUSY);
        answered
    };
    let (exchange, answered) = tokio::join!(client.send(Request::get("/")), busy);
    let Exchange { result, timings } = exchange;
    assert_eq!(result.unwrap().text(), "here");
    let took = answered - timings.started;
    assert!(timings.total < took + BUSY / 2, "{:?} instead of {took:?}", timings.total);
    assert_eq!(timings.first_byte, Some(timings.total));
}

#[tokio::test]
async fn requests_arrive_as_built() {
    let server = Server::answering(ok(""));
    let (_, mut client) =
        client(Config::default(), &format!("http://us%40er:p%3Aw@{}/v1/", server.address));
    let post = Request::post("/quotes").query("a b", "c/d").json(&[1, 2]).header("X-T", "t");
    client.send(post).await.result.unwrap();
    client.send(Request::get("relative").bearer("tok")).await.result.unwrap();
    client.send(Request::get(&format!("{}/absolute#frag", server.url()))).await.result.unwrap();
    let requests = server.requests();
    let authority = server.address;
    assert_eq!(
        requests[0],
        format!(
            "POST /v1/quotes?a%20b=c%2Fd HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: swarmer/{}\r\n\
             Accept-Encoding: gzip, deflate, br, zstd\r\nContent-Type: application/json\r\nX-T: t\r\n\
             Authorization: Basic dXNAZXI6cDp3\r\nContent-Length: 5\r\n\r\n[1,2]",
            env!("CARGO_PKG_VERSION")
        )
    );
    assert!(requests[1].starts_with("GET /v1/relative HTTP/1.1\r\n"));
    assert!(requests[1].contains("\r\nAuthorization: Bearer tok\r\n"));
    assert!(!requests[1].contains("Basic"));
    assert!(
        requests[2].starts_with("GET /absolute HTTP/1.1\r\n")
            && !requests[2].contains("Authorization")
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn mistakes_in_a_request_come_out_of_send() {
    let server = Server::answering(ok(""));
    let (shared, mut with_base) = client(Config::default(), &server.url());
    let mut without_base = Client::new(&shared, None);
    let evil = Request::get("/").header("A", "b\r\nC: d");
    assert_eq!(
        failure(with_base.send(evil).await).repr(),
        "InvalidRequest('control character in the header `A`')"
    );
    let error = failure(without_base.send(Request::get("/")).await);
    assert_eq!(error.to_string(), "a path without a base URL to append it to");
    for url in ["http://", "http://a b/", "http://:80/"] {
        assert!(failure(without_base.send(Request::get(url)).await).is_invalid(), "{url}");
    }
    for base in ["", "host", "ftp://host", "http//host"] {
        assert!(shared.base_url(base).unwrap_err().is_invalid(), "{base}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_locusts_words() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (_, mut client) = client(Config::default(), &format!("http://{address}"));
    let error = failure(client.send(Request::post("/").json("x")).await);
    assert_eq!(error.repr(), "ConnectionRefusedError(111, 'Connection refused')");
    assert_eq!(error.kind(), ErrorKind::Connect);
    let error = failure(client.send(Request::get("http://no-such-host.invalid/")).await);
    assert_eq!(error.kind(), ErrorKind::Resolve);
    assert!(error.to_string().starts_with("host `no-such-host.invalid` not found: "), "{error}");
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced_even_for_a_post() {
    let server = Server::start(|peer| {
        peer.request();
        peer.send(ok("one"));
    });
    let mut client = server.client();
    for _ in 0..3 {
        assert_eq!(text(&mut client, Request::post("/").json("x")).await, "one");
        // The goodbye must have reached the reactor: that is the case the client promises to notice.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

#[tokio::test]
async fn a_get_that_no_byte_answered_is_sent_again_but_a_post_is_not() {
    let once_then_silence = || {
        Server::start(|peer| {
            peer.request();
            peer.send(ok("fine"));
            // The second request on this connection is read, and then nothing comes.
            if peer.request().is_some() && peer.number % 2 == 1 {
                peer.reset();
            }
        })
    };
    let server = once_then_silence();
    let mut client = server.client();
    for _ in 0..5 {
        assert_eq!(text(&mut client, Request::get("/")).await, "fine");
    }
    assert_eq!(server.connections(), 5);
    let server = once_then_silence();
    let mut client = server.client();
    assert_eq!(text(&mut client, Request::post("/a")).await, "fine");
    let error = failure(client.send(Request::post("/b")).await);
    assert_eq!(error.repr(), "ConnectionClosed('connection closed before an answer')");
    // The client stays usable.
    assert_eq!(text(&mut client, Request::post("/c")).await, "fine");
    assert_eq!(failure(client.send(Request::post("/d")).await).kind(), ErrorKind::Closed);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_fresh_connection_closed_without_an_answer_is_a_failure() {
    let server = Server::start(|peer| drop(peer.request()));
    let mut client = server.client();
    assert_eq!(failure(client.send(Request::get("/")).await).kind(), ErrorKind::Closed);
    let server = Server::start(|peer| {
        peer.request();
        peer.reset();
    });
    let error = failure(server.client().send(Request::get("/")).await);
    assert_eq!(error.repr(), "ConnectionResetError(104, 'Connection reset by peer')");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn surplus_bytes_and_close_cost_the_connection_only() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxGARBAGE",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    ] {
        let server = Server::answering(answer);
        let mut client = server.client();
        for _ in 0..3 {
            assert_eq!(text(&mut client, Request::get("/")).await, "x", "{answer}");
        }
        assert_eq!(server.connections(), 3, "{answer}");
    }
    // Bytes that come later, while nobody asked.
    let server = Server::start(|peer| {
        while peer.request().is_some() {
            peer.send(ok("x"));
            std::thread::sleep(Duration::from_millis(10));
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
        }
    });
    let mut client = server.client();
    for _ in 0..2 {
        assert_eq!(text(&mut client, Request::post("/")).await, "x");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_dropped_send_leaves_a_usable_client() {
    let server = Server::replying(|request| {
        if request.starts_with("GET /slow") {
            std::thread::sleep(Duration::from_millis(200));
            return ok("slow");
        }
        ok("quick")
    });
    let mut client = server.client();
    assert_eq!(text(&mut client, Request::get("/")).await, "quick");
    let limit = Duration::from_millis(20);
    let cut = tokio::time::timeout(limit, client.send(Request::get("/slow"))).await;
    assert!(cut.is_err());
    assert_eq!(text(&mut client, Request::get("/")).await, "quick");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn time_limits_say_what_was_missing() {
    let silent = Server::start(http_support::Peer::wait_for_close);
    let error = failure(silent.client_with(impatient()).send(Request::get("/")).await);
    assert_eq!(error.repr(), "Timeout('no answer within 0.3 s')");
    let dripping = Server::start(|peer| {
        peer.request();
        for byte in ok(&"x".repeat(100)).bytes() {
            peer.send([byte]);
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let exchange = dripping.client_with(impatient()).send(Request::get("/")).await;
    assert!(exchange.timings.first_byte.is_some_and(|first| first < exchange.timings.total));
    assert!(exchange.timings.total >= Duration::from_millis(300));
    assert_eq!(failure(exchange).repr(), "Timeout('no complete answer within 0.3 s')");
    let request = Request::get("/").timeout(Duration::from_millis(50));
    let error = failure(silent.client().send(request).await);
    assert_eq!(error.to_string(), "no answer within 0.05 s");
}

#[tokio::test]
async fn time_runs_from_the_due_moment_if_one_is_given() {
    let server = Server::answering(ok(""));
    let due = std::time::Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
    let exchange = server.client_with(impatient()).send(Request::get("/").started(due)).await;
    assert_eq!(exchange.timings.started, due);
    assert!(exchange.result.is_ok() && exchange.timings.total >= Duration::from_secs(5));
}

#[tokio::test]
async fn an_answer_in_the_middle_of_a_large_body_counts_and_costs_the_connection() {
    let server = Server::start(|peer| {
        let mut some = [0; 1000];
        std::io::Read::read_exact(&mut peer.stream, &mut some).unwrap();
        peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
        // Reads no more, so the rest of the body never leaves the client; closes only when the client has.
        std::thread::sleep(Duration::from_millis(200));
    });
    let (shared, mut client) = client(Config::default(), &server.url());
    let body = vec![b'x'; 20 << 20];
    for connections in 1..=2 {
        let exchange = client.send(Request::post("/").body(&body, "text/plain")).await;
        assert_eq!(exchange.result.unwrap().status(), 413);
        assert!(exchange.timings.bytes_sent < 20 << 20);
        assert_eq!(server.connections(), connections);
    }
    assert_eq!(shared.counters().reused, 0);
}

#[tokio::test]
async fn large_bodies_pass_both_ways() {
    let server = Server::start(|peer| {
        while let Some(request) = peer.request() {
            let body = request.split_once("\r\n\r\n").unwrap().1.to_owned();
            peer.send(ok(&body));
        }
    });
    let mut client = server.client();
    for length in [0, 1, 16_000, 16_384, 70_000, 3_000_000] {
        let body: String = ('a'..='z').cycle().take(length).collect();
        let request = Request::put("/").body(&body, "text/plain");
        assert!(text(&mut client, request).await == body, "{length}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_second_address_serves_where_the_first_does_not() {
    // `localhost` is ::1 and 127.0.0.1 on most machines; the server listens on the latter only.
    let server = Server::answering(ok("found"));
    let (_, mut client) =
        client(Config::default(), &format!("http://localhost:{}", server.address.port()));
    for _ in 0..3 {
        assert_eq!(text(&mut client, Request::get("/")).await, "found");
        client.close_idle();
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn users_of_a_thread_share_settings_but_no_connection() {
    let server = Server::answering(ok("x"));
    let shared = Shared::new(Config::default());
    let base = shared.base_url(&server.url()).unwrap();
    let mut clients: Vec<Client> = (0..20).map(|_| Client::new(&shared, Some(&base))).collect();
    for _ in 0..2 {
        for client in &mut clients {
            assert_eq!(text(client, Request::get("/")).await, "x");
        }
    }
    assert_eq!((server.connections(), shared.counters().reused), (20, 20));
    assert!(Rc::strong_count(&shared) > 20);
}
