//! Proof that a request costs no allocation in the steady state, by an allocator that counts.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod counting_allocator;
mod http_support;

use counting_allocator::ALLOCATIONS;
use http_support::Server;
use swarmer::http::{Client, Config, Request, Shared};

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

#[tokio::test]
async fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(vec![0_u8; 100]));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}
