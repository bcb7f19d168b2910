//! Faults on purpose, as a client meets them over a real socket.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use dynaclaimz::faults::{Faults, Service, parse};
use dynaclaimz::metrics::Metrics;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TOKEN: &str = "s3cret";

/// A service with the rules given; its address.
async fn service(faults: &Faults, token: Option<&str>) -> SocketAddr {
    let routes = Router::new()
        .route("/api/claims", get(async || "fine"))
        .route("/api/claims/{id}", get(async || "fine"))
        .route("/health", get(async || "fine"));
    let metrics = Metrics::new("claims-service");
    metrics.watch_faults(faults);
    let routes = metrics.instrument(faults.instrument(routes, Service::Claims));
    let routes = routes.merge(faults.admin_routes(token)).merge(metrics.routes());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}

fn with(rules: &str) -> Faults {
    let faults = Faults::new(Some(7));
    faults.set(parse(rules).unwrap());
    faults
}

/// Everything the server writes until it closes the connection.
async fn ask(address: SocketAddr, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{request} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n"
    );
    stream
        .write_all(format!("{request}x-fault-admin-token: {TOKEN}\r\n\r\n{body}").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    // A connection that was reset has nothing more to say.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

async fn status(address: SocketAddr, request: &str) -> Option<u16> {
    let answer = ask(address, request, "").await;
    answer.split(' ').nth(1).map(|status| status.parse().unwrap())
}

fn json(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn an_error_is_answered_in_the_apis_shape_and_marked() {
    let address = service(&with("claims /claims/*: error 503"), None).await;
    let answer = ask(address, "GET /api/claims/7", "").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("x-injected-fault: error"), "{answer}");
    assert_eq!(json(&answer), json!({ "success": false, "message": "Service Unavailable" }));
    assert_eq!(status(address, "GET /api/claims").await, Some(200));
    assert_eq!(status(address, "GET /health").await, Some(200));
}

#[tokio::test]
async fn a_dropped_connection_ends_without_a_byte() {
    let faults = with("claims: drop");
    let address = service(&faults, None).await;
    for _ in 0..20 {
        assert_eq!(ask(address, "GET /api/claims", "").await, "");
    }
    assert_eq!(faults.injected(), [("latency", 0), ("error", 0), ("drop", 20), ("stall", 0)]);
    let metrics = ask(address, "GET /metrics", "").await;
    assert!(
        metrics.contains("faults_injected_total{service=\"claims-service\",fault=\"drop\"} 20"),
        "{metrics}"
    );
}

#[tokio::test]
async fn shares_are_kept_and_repeat_with_the_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let address = service(&with("claims 30%: error 500"), None).await;
        let mut statuses = Vec::new();
        for _ in 0..300 {
            statuses.push(status(address, "GET /api/claims").await);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    let met = runs[0].iter().filter(|status| **status == Some(500)).count();
    // Four standard deviations of the binomial distribution.
    assert!((58..=122).contains(&met), "{met}");
}

#[tokio::test]
async fn rules_for_others_do_not_matter() {
    let rules = "quotes: error 500; claims POST: error 500; claims /quotes/*: drop; gateway: drop";
    let address = service(&with(rules), None).await;
    assert_eq!(status(address, "GET /api/claims").await, Some(200));
}

#[tokio::test]
async fn latency_comes_before_the_answer() {
    let address = service(&with("*: latency 120ms..150ms, error 500"), None).await;
    let begun = Instant::now();
    assert_eq!(status(address, "GET /api/claims").await, Some(500));
    assert!(begun.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn who_arrives_within_a_stall_waits_for_its_end() {
    let begun = Instant::now();
    let address = service(&with("claims: stall 300ms every 600ms"), None).await;
    assert_eq!(status(address, "GET /api/claims").await, Some(200));
    tokio::time::sleep(Duration::from_millis(350).saturating_sub(begun.elapsed())).await;
    let waiting: Vec<_> = (0..20)
        .map(|_| tokio::spawn(async move { status(address, "GET /api/claims").await }))
        .collect();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), Some(200));
    }
    assert!(begun.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn faults_are_off_by_default() {
    let faults = Faults::from_env(|_| None).unwrap();
    let address = service(&faults, None).await;
    assert_eq!(status(address, "GET /api/claims").await, Some(200));
    assert!(faults.rules().is_empty());
}

#[test]
fn rules_come_from_the_environment_and_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "# from the file\nquotes: drop\n").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let read = |vars: &[(&str, &str)]| {
        Faults::from_env(|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    };
    let both = read(&[("FAULTS", "claims: drop"), ("FAULTS_FILE", &path), ("FAULTS_SEED", "1")]);
    let rules: Vec<_> = both.unwrap().rules().iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["claims: drop", "quotes: drop"]);
    let error = |vars: &[(&str, &str)]| read(vars).unwrap_err().to_string();
    assert!(error(&[("FAULTS", "claim: drop")]).starts_with("FAULTS: fault rule `claim: drop`: "));
    assert!(error(&[("FAULTS_FILE", "/nowhere/x")]).starts_with("FAULTS_FILE `/nowhere/x`: "));
    assert!(error(&[("FAULTS_SEED", "x")]).starts_with("FAULTS_SEED: `x` is not"));
}

#[tokio::test]
async fn rules_are_set_shown_and_cleared_by_who_holds_the_token() {
    let faults = Faults::new(None);
    let address = service(&faults, Some(TOKEN)).await;
    let set = ask(address, "PUT /admin/faults", "claims: error 500\n# and\nuser: drop").await;
    assert!(set.starts_with("HTTP/1.1 200 "), "{set}");
    assert_eq!(status(address, "GET /api/claims").await, Some(500));
    let shown = json(&ask(address, "GET /admin/faults", "").await);
    assert_eq!(
        shown,
        json!({ "success": true, "data": {
            "faults": ["claims: error 500", "user: drop"],
            "injected": { "latency": 0, "error": 1, "drop": 0, "stall": 0 },
        } })
    );
    let bad = ask(address, "PUT /admin/faults", "claims: explode").await;
    assert!(bad.starts_with("HTTP/1.1 400 ") && bad.contains("`explode` is not a fault"), "{bad}");
    assert_eq!(faults.rules().len(), 2);
    ask(address, "DELETE /admin/faults", "").await;
    assert_eq!(status(address, "GET /api/claims").await, Some(200));
}

#[tokio::test]
async fn without_the_token_there_is_no_administration() {
    for other in ["s3cre", "s3cret!", "S3cret"] {
        let faults = Faults::new(None);
        let address = service(&faults, Some(other)).await;
        let refused = ask(address, "PUT /admin/faults", "claims: drop").await;
        assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
        assert!(faults.rules().is_empty());
    }
    for none in [None, Some("")] {
        let address = service(&Faults::new(None), none).await;
        assert_eq!(status(address, "GET /admin/faults").await, Some(404));
    }
}
