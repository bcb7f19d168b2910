//! What passes through, both ways, and that it passes unchanged.

use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get as route_get};
use dynaclaimz::gateway::Upstream;
use futures_util::stream;
use serde_json::json;

use crate::client::{Connection, ask, get, post};
use crate::stub::{Server, config, counting, echo, gateway, in_front_of};

fn named(name: &'static str) -> Router {
    Router::new().fallback(any(move |uri: http::Uri| async move { format!("{name} {uri}") }))
}

#[tokio::test]
async fn each_route_leads_to_its_service() {
    let services = ["user", "quotes", "policy", "claims"];
    let mut servers = Vec::new();
    for service in services {
        servers.push(Server::start(named(service)).await);
    }
    let mut config = config(&servers[0]);
    let at = |place: usize| Upstream::new(services[place], &servers[place].url()).unwrap();
    config.upstreams.quotes = at(1);
    config.upstreams.policy = at(2);
    config.upstreams.claims = at(3);
    let (gateway, _) = gateway(&config).await;
    for (path, answer) in [
        ("/api/v1/auth/login", "user /api/auth/login"),
        ("/api/v1/users", "user /api/users"),
        ("/api/v1/organizations/slug/a-b", "user /api/organizations/slug/a-b"),
        ("/api/v1/quotes?status=ACTIVE&page=2", "quotes /api/quotes?status=ACTIVE&page=2"),
        ("/api/v1/quotes/", "quotes /api/quotes"),
        ("/api/v1/policies/1%2F2/history", "policy /api/policies/1%2F2/history"),
        ("/api/v1/claims/x/../y", "claims /api/claims/x/../y"),
    ] {
        let found = get(gateway.address, path).await;
        assert_eq!((found.status, String::from_utf8(found.body).unwrap().as_str()), (200, answer));
    }
}

#[tokio::test]
async fn headers_that_matter_arrive_and_others_do_not() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = ask(
        gateway.address,
        format!(
            "PUT /api/v1/claims/7/status?x=%20 HTTP/1.1\r\nHost: api.test:99\r\nAuthorization: Bearer t\r\n\
             User-Agent: DynaClaimz-API-Client/2.1.0 (Group-A)\r\ntraceparent: {traceparent}\r\ntracestate: a=b\r\n\
             Content-Type: application/json\r\nAccept-Language: de\r\nX-Request-Id: my-id.1\r\n\
             Connection: keep-alive, X-Hop\r\nX-Hop: secret\r\nKeep-Alive: timeout=9\r\nTE: trailers\r\n\
             Proxy-Authorization: Basic x\r\nX-Forwarded-For: 10.0.0.9\r\nContent-Length: 2\r\n\r\n{{}}"
        ),
    )
    .await;
    assert_eq!(answer.header("x-request-id"), "my-id.1");
    let seen = answer.json();
    assert_eq!(seen["method"], "PUT");
    assert_eq!(seen["uri"], "/api/claims/7/status?x=%20");
    assert_eq!(
        seen["headers"],
        json!({
            "host": [service.address.to_string()],
            "authorization": ["Bearer t"],
            "user-agent": ["DynaClaimz-API-Client/2.1.0 (Group-A)"],
            "traceparent": [traceparent],
            "tracestate": ["a=b"],
            "content-type": ["application/json"],
            "content-length": ["2"],
            "accept-language": ["de"],
            "x-request-id": ["my-id.1"],
            "x-forwarded-for": ["10.0.0.9, 127.0.0.1"],
            "x-forwarded-proto": ["http"],
            "x-forwarded-host": ["api.test:99"],
        })
    );
}

#[tokio::test]
async fn the_services_hop_by_hop_headers_stay_behind() {
    let headers =
        [("connection", "x-hop"), ("x-hop", "1"), ("keep-alive", "timeout=1"), ("etag", "e")];
    let service =
        Server::start(Router::new().fallback(move || async move { (headers, "hi") })).await;
    let gateway = in_front_of(&service).await;
    let answer = get(gateway.address, "/api/v1/quotes").await;
    assert_eq!(answer.header("etag"), "e");
    for hop in ["x-hop", "keep-alive", "connection"] {
        assert!(!answer.headers.contains_key(hop), "{hop}");
    }
}

#[tokio::test]
async fn bodies_stream_in_chunks_both_ways() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    let answer = ask(
        gateway.address,
        "POST /api/v1/quotes HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n\
         3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\n\r\n",
    )
    .await;
    let seen = answer.json();
    assert_eq!(seen["length"], 8);
    assert_eq!(seen["sum"], b"abcdefgh".iter().map(|byte| u64::from(*byte)).sum::<u64>());
    assert_eq!(seen["headers"]["transfer-encoding"], json!(["chunked"]));

    let chunked = Router::new().fallback(async || {
        let parts = (0..100).map(|part| Ok::<_, std::io::Error>(format!("{part},")));
        Body::from_stream(stream::iter(parts))
    });
    let service = Server::start(chunked).await;
    let gateway = in_front_of(&service).await;
    let answer = get(gateway.address, "/api/v1/quotes").await;
    assert_eq!(answer.header("transfer-encoding"), "chunked");
    let wanted = (0..100).fold(String::new(), |text, part| text + &format!("{part},"));
    assert_eq!(String::from_utf8(answer.body).unwrap(), wanted);
}

#[tokio::test]
async fn answers_without_a_body_keep_their_connection() {
    let router = Router::new()
        .route("/api/quotes", route_get(async || "twelve bytes"))
        .route("/api/claims", any(async || http::StatusCode::NO_CONTENT))
        .route("/api/users", any(async || (http::StatusCode::NOT_MODIFIED, [("etag", "x")])));
    let service = Server::start(router).await;
    let gateway = in_front_of(&service).await;
    let mut connection = Connection::open(gateway.address).await;
    for (request, head, status, length) in [
        ("HEAD /api/v1/quotes", true, 200, Some("12")),
        ("DELETE /api/v1/claims", false, 204, None),
        ("GET /api/v1/users", false, 304, None),
        ("GET /api/v1/quotes", false, 200, Some("12")),
    ] {
        connection.write(format!("{request} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).await;
        let answer = connection.answer(head).await.unwrap();
        assert_eq!(answer.status, status, "{request}");
        let found = answer.headers.get("content-length").map(|length| length.to_str().unwrap());
        assert_eq!(found, length, "{request}");
    }
}

#[tokio::test]
async fn big_answers_come_whole() {
    const LENGTH: usize = 24 << 20;
    let service = Server::start(Router::new().fallback(async || {
        (0..LENGTH).map(|place| u8::try_from(place % 251).unwrap()).collect::<Vec<u8>>()
    }))
    .await;
    let gateway = in_front_of(&service).await;
    let answer = get(gateway.address, "/api/v1/quotes").await;
    assert_eq!(answer.body.len(), LENGTH);
    assert!(!answer.cut);
    assert!(answer.body.iter().enumerate().all(|(place, byte)| usize::from(*byte) == place % 251));
}

#[tokio::test]
async fn connections_to_a_service_are_kept() {
    let (service, accepted) = counting(None, echo()).await;
    let gateway = in_front_of(&service).await;
    for _ in 0..30 {
        assert_eq!(get(gateway.address, "/api/v1/quotes").await.status, 200);
        assert_eq!(post(gateway.address, "/api/v1/quotes", b"{}").await.status, 200);
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn many_at_once_are_all_answered_and_counted() {
    let service = Server::start(echo()).await;
    let (gateway, counters) = gateway(&config(&service)).await;
    let address = gateway.address;
    let clients = (0..40).map(|client| {
        tokio::spawn(async move {
            let mut connection = Connection::open(address).await;
            for turn in 0..50 {
                let body = "x".repeat(client * 100 + turn);
                let request = format!(
                    "POST /api/v1/claims/{client}/{turn} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                connection.write(request.as_bytes()).await;
                let answer = connection.answer(false).await.unwrap();
                let seen = answer.json();
                assert_eq!(seen["uri"], format!("/api/claims/{client}/{turn}"));
                assert_eq!(seen["length"], body.len());
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    get(address, "/health").await;
    let counts = counters.snapshot();
    assert_eq!((counts.received, counts.received_api), (2001, 2000));
    assert_eq!(counts.by_class()[1], ("2xx", 2001));
}
