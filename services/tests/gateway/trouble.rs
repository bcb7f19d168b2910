//! Services that refuse, stall, break off or restart, and clients that do not behave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::client::{Connection, ask, get, post};
use crate::stub::{Server, config, counting, echo, gateway, in_front_of};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Reads up to the end of a request's head.
async fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn a_service_that_refuses_is_unavailable() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    service.stop().await;
    for answer in [
        get(gateway.address, "/api/v1/quotes").await,
        post(gateway.address, "/api/v1/auth/login", b"{}").await,
    ] {
        assert_eq!((answer.status, answer.message().as_str()), (503, "Service unavailable"));
    }
}

#[tokio::test]
async fn a_service_that_closes_without_an_answer_is_unavailable() {
    let service = Server::scripted(|mut stream| async move {
        read_head(&mut stream).await;
    })
    .await;
    let gateway = in_front_of(&service).await;
    let answer = get(gateway.address, "/api/v1/quotes").await;
    assert_eq!((answer.status, answer.message().as_str()), (503, "Service unavailable"));
}

#[tokio::test]
async fn a_silent_service_is_a_timeout() {
    let slow = Router::new().fallback(async || sleep(Duration::from_mins(1)).await);
    let service = Server::start(slow).await;
    let gateway = in_front_of(&service).await;
    let answer = get(gateway.address, "/api/v1/quotes").await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.message(), "Gateway timeout - service did not respond in time");
    let chunked =
        "POST /api/v1/quotes HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(ask(gateway.address, chunked).await.status, 504);
}

#[tokio::test]
async fn half_an_answer_is_never_passed_off_as_the_whole() {
    for head in ["content-length: 10", "transfer-encoding: chunked"] {
        let half = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhalf\n\r\n");
        for silent in [false, true] {
            let half = half.clone();
            let service = Server::scripted(move |mut stream| {
                let half = half.clone();
                async move {
                    read_head(&mut stream).await;
                    let cut = half.len() - if half.contains("chunked") { 0 } else { 5 };
                    stream.write_all(&half.as_bytes()[..cut]).await.unwrap();
                    if silent {
                        sleep(Duration::from_mins(1)).await;
                    }
                }
            })
            .await;
            let gateway = in_front_of(&service).await;
            let answer = get(gateway.address, "/api/v1/quotes").await;
            assert_eq!(answer.status, 200, "{head} {silent}");
            assert!(answer.cut, "{head} {silent}");
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_costs_no_read_its_answer() {
    // Each connection answers once; a second request on it is read and left without an answer.
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let service = Server::scripted(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            read_head(&mut stream).await;
            counter.fetch_add(1, Ordering::SeqCst);
            stream.write_all(OK).await.unwrap();
            if read_head(&mut stream).await {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let gateway = in_front_of(&service).await;
    for _ in 0..4 {
        assert_eq!(get(gateway.address, "/api/v1/quotes").await.status, 200);
    }
    let before = asked.load(Ordering::SeqCst);
    // A change whose fate is unknown is not made a second time.
    let statuses = [
        post(gateway.address, "/api/v1/quotes", b"").await.status,
        post(gateway.address, "/api/v1/quotes", b"").await.status,
    ];
    assert_eq!(asked.load(Ordering::SeqCst) - before, 2, "{statuses:?}");
    assert!(statuses.contains(&503), "{statuses:?}");
}

#[tokio::test]
async fn a_restarted_service_is_found_again_at_once() {
    let (service, before) = counting(None, echo()).await;
    let gateway = in_front_of(&service).await;
    let reads = || join_all((0..40).map(|_| get(gateway.address, "/api/v1/quotes")));
    reads().await;
    let address = service.address;
    service.stop().await;
    let (service, after) = counting(Some(address), echo()).await;
    for answer in reads().await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(post(gateway.address, "/api/v1/quotes", b"{}").await.status, 200);
    assert!(before.load(Ordering::SeqCst) > 0 && after.load(Ordering::SeqCst) > 0);
    drop(service);
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_and_disturbs_nobody() {
    let slow = Router::new().fallback(async || sleep(Duration::from_millis(300)).await);
    let service = Server::start(slow).await;
    let (gateway, counters) = gateway(&config(&service)).await;
    let mut connection = Connection::open(gateway.address).await;
    connection.write(b"GET /api/v1/quotes HTTP/1.1\r\nhost: h\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    drop(connection);
    assert_eq!(get(gateway.address, "/api/v1/quotes").await.status, 200);
    let counts = counters.snapshot();
    assert_eq!((counts.received_api, counts.responses), (2, [0, 1, 0, 0, 0, 1]));
}

#[tokio::test]
async fn a_client_slow_with_its_body_is_to_blame_itself() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    let mut connection = Connection::open(gateway.address).await;
    let head = "POST /api/v1/quotes HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\n";
    connection.write(head.as_bytes()).await;
    // Slower in all than the time limit, but always moving.
    for byte in b"{ }" {
        sleep(Duration::from_millis(250)).await;
        connection.write(&[*byte]).await;
    }
    connection.write(b" ").await;
    assert_eq!(connection.answer(false).await.unwrap().status, 200);
    connection.write(head.as_bytes()).await;
    assert_eq!(connection.answer(false).await.unwrap().status, 408);
}

#[tokio::test]
async fn injected_headers_do_not_get_through() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    for bad in [
        "x: a\rb",
        "x: a\0b",
        "x y: a",
        "content-length: 1\r\ncontent-length: 2",
        "x: a\r\n folded",
    ] {
        let request = format!("GET /api/v1/quotes HTTP/1.1\r\nhost: h\r\n{bad}\r\n\r\n");
        assert_eq!(ask(gateway.address, request).await.status, 400, "{bad:?}");
    }
    let encoded = get(gateway.address, "/api/v1/quotes/%0d%0aset-cookie:%20a=b").await;
    assert_eq!(encoded.json()["uri"], "/api/quotes/%0d%0aset-cookie:%20a=b");
    assert!(!encoded.headers.contains_key("set-cookie"));
    // Length and chunks in one request: the chunks count, and only they go on.
    let both = "POST /api/v1/quotes HTTP/1.1\r\nhost: h\r\ncontent-length: 50\r\ntransfer-encoding: chunked\r\n\r\n\
                2\r\nab\r\n0\r\n\r\n";
    let answer = ask(gateway.address, both).await;
    if answer.status == 200 {
        assert_eq!(answer.json()["length"], 2);
        assert!(answer.json()["headers"].get("content-length").is_none());
    } else {
        assert_eq!(answer.status, 400);
    }
}

#[tokio::test]
async fn a_request_id_of_odd_characters_is_replaced() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    for odd in ["a b", "<script>", "{x}", &"x".repeat(129)] {
        let request = format!("GET /health HTTP/1.1\r\nhost: h\r\nx-request-id: {odd}\r\n\r\n");
        let answer = ask(gateway.address, request).await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{odd}");
    }
}
