//! Bodies too long, requests too many, origins not allowed.

use std::time::Duration;

use dynaclaimz::gateway::RateLimit;

use crate::client::{Connection, ask, get, post};
use crate::stub::{Server, config, echo, gateway, in_front_of};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_body_of_one_mebibyte_passes_and_one_byte_more_does_not() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    let fits = post(gateway.address, "/api/v1/quotes", &vec![1; MIB]).await;
    assert_eq!(fits.json()["sum"], MIB);
    let over = post(gateway.address, "/api/v1/quotes", &vec![1; MIB + 1]).await;
    assert_eq!((over.status, over.message().as_str()), (413, "Request body exceeds 1048576 bytes"));
    let far_over = post(gateway.address, "/api/v1/quotes", &vec![1; 6 * MIB]).await;
    assert_eq!(far_over.status, 413);
}

#[tokio::test]
async fn chunks_are_added_up() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    for (method, chunks, status) in
        [("POST", 16, 200), ("POST", 17, 413), ("PUT", 17, 413), ("POST", 110, 413)]
    {
        let mut request = format!(
            "{method} /api/v1/quotes HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        .into_bytes();
        for _ in 0..chunks {
            request.extend_from_slice(b"10000\r\n");
            request.extend_from_slice(&vec![b'x'; 65_536]);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        assert_eq!(ask(gateway.address, request).await.status, status, "{method} {chunks}");
    }
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_before_it_sends() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    let head = |length: usize| {
        format!(
            "POST /api/v1/quotes HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut connection = Connection::open(gateway.address).await;
    connection.write(head(2 * MIB).as_bytes()).await;
    assert_eq!(connection.answer(false).await.unwrap().status, 413);
    let mut connection = Connection::open(gateway.address).await;
    connection.write(head(2).as_bytes()).await;
    assert_eq!(connection.answer(false).await.unwrap().status, 100);
    connection.write(b"{}").await;
    let answer = connection.answer(false).await.unwrap();
    assert_eq!((answer.status, &answer.json()["length"]), (200, &2.into()));
    assert!(answer.json()["headers"].get("expect").is_none());
}

#[tokio::test]
async fn the_rate_limit_tells_and_then_refuses() {
    let service = Server::start(echo()).await;
    let mut config = config(&service);
    config.rate_limit = RateLimit { window: Duration::from_mins(15), max_requests: 3 };
    let (gateway, _) = gateway(&config).await;
    for remaining in ["2", "1", "0"] {
        let answer = get(gateway.address, "/api/v1/quotes").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "3;w=900");
        assert_eq!(answer.header("ratelimit-limit"), "3");
        assert_eq!(answer.header("ratelimit-remaining"), remaining);
        assert_eq!(answer.header("ratelimit-reset"), "900");
        assert!(!answer.headers.contains_key("retry-after"));
    }
    let refused = get(gateway.address, "/api/v1/quotes").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.message(), "Too many requests, please try again later.");
    assert_eq!(refused.header("retry-after"), refused.header("ratelimit-reset"));
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    assert_eq!(get(gateway.address, "/health").await.status, 200);
}

#[tokio::test]
async fn without_a_limit_there_are_no_such_headers() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    let answer = get(gateway.address, "/api/v1/quotes").await;
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("ratelimit")));
}

#[tokio::test]
async fn allowed_origins_may_call_with_credentials_and_others_may_not() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    let from = |origin: &str| {
        format!("GET /api/v1/quotes HTTP/1.1\r\nhost: h\r\norigin: {origin}\r\n\r\n")
    };
    let allowed = ask(gateway.address, from("http://localhost:3000")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), "http://localhost:3000");
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    let foreign = ask(gateway.address, from("http://evil.test")).await;
    assert!(!foreign.headers.contains_key("access-control-allow-origin"));
    let preflight = "OPTIONS /api/v1/quotes HTTP/1.1\r\nhost: h\r\norigin: http://localhost:3000\r\n\
                     access-control-request-method: PUT\r\n\
                     access-control-request-headers: authorization,traceparent\r\n\r\n";
    let preflight = ask(gateway.address, preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), "http://localhost:3000");
    assert!(preflight.header("access-control-allow-methods").contains("PUT"));
    assert_eq!(preflight.header("access-control-allow-headers"), "authorization,traceparent");
    assert!(preflight.body.is_empty());
}
