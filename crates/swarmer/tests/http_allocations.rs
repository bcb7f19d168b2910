//! Proof that a request costs no allocation in the steady state, by an allocator that counts.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod counting_allocator;
mod http_support;

use std::io::Read;

use counting_allocator::ALLOCATIONS;
use http_support::Server;
use swarmer::http::{Client, Config, Http2, Request, Shared};
use tokio::task::LocalSet;

#[derive(serde::Serialize)]
struct Quote {
    premium: u32,
    term: &'static str,
}

fn json_server() -> Server {
    Server::start(|peer| {
        let body = "{\"id\":42,\"status\":\"ACTIVE\"}";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        while peer.request().is_some() {
            peer.send(&answer);
        }
    })
}

/// Allocations of `requests` requests, after some to fill the pools.
async fn allocations(client: &mut Client, requests: usize, build: impl Fn() -> Request) -> usize {
    let mut before = 0;
    for n in 0..requests + 50 {
        if n == 50 {
            before = ALLOCATIONS.get();
        }
        let exchange = client.send(build()).await;
        let response = exchange.result.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.body().len(), 27);
    }
    ALLOCATIONS.get() - before
}

#[tokio::test]
async fn requests_on_a_kept_connection_allocate_nothing() {
    let server = json_server();
    let shared = Shared::new(Config::default());
    let base = shared.base_url(&server.url()).unwrap();
    let mut client = Client::new(&shared, Some(&base));
    let get =
        || Request::get("/api/v1/quotes").query("page", 2).bearer("a.long.token").header("X", "1");
    assert_eq!(allocations(&mut client, 1000, get).await, 0);
    let post = || Request::post("/api/v1/quotes").json(&Quote { premium: 100, term: "annual" });
    assert_eq!(allocations(&mut client, 1000, post).await, 0);
    assert_eq!(shared.counters().opened, 1);
}

fn h2_frame(kind: u8, marks: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, marks], &stream[..], payload].concat()
}

/// The same server in HTTP/2: it answers where a request ends, in words that are to be remembered each time.
fn http2_server() -> Server {
    Server::start(|peer| {
        let block = b"\x88\x76\x04test\x5f\x10application/json\x5c\x0227";
        let mut head = [0; 9];
        let mut payload = vec![0; 16_384];
        peer.stream.read_exact(&mut payload[..24]).unwrap();
        peer.send(h2_frame(4, 0, [0; 4], b""));
        while peer.stream.read_exact(&mut head).is_ok() {
            let [a, b, c, kind, marks, stream @ ..] = head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            peer.stream.read_exact(&mut payload[..length]).unwrap();
            if kind <= 1 && marks & 1 != 0 {
                let answer = [
                    h2_frame(1, 4, stream, block),
                    h2_frame(0, 1, stream, b"{\"id\":42,\"status\":\"ACTIVE\"}"),
                ];
                peer.send(answer.concat());
            }
        }
    })
}

#[tokio::test]
async fn requests_in_http2_allocate_nothing_either() {
    for http2 in [Http2::Own, Http2::Shared] {
        let server = http2_server();
        let shared = Shared::new(Config { http2, ..Config::default() });
        let base = shared.base_url(&server.url()).unwrap();
        let mut client = Client::new(&shared, Some(&base));
        let get = || Request::get("/api/v1/quotes").query("page", 2).bearer("a.token");
        let post = || Request::post("/api/v1/quotes").json(&Quote { premium: 1, term: "annual" });
        let all = async {
            (allocations(&mut client, 500, get).await, allocations(&mut client, 500, post).await)
        };
        // The way of shared connections is boxed, which is all it takes.
        let boxed = if http2 == Http2::Shared { 500 } else { 0 };
        assert_eq!(LocalSet::new().run_until(all).await, (boxed, boxed), "{http2:?}");
        assert_eq!(shared.counters().opened, 1);
    }
}

#[tokio::test]
async fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(vec![0_u8; 100]));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}
