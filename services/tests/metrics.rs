//! What a service's `/metrics` says.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use dynaclaimz::gateway::Counters;
use dynaclaimz::metrics::{Metrics, PoolUse};
use dynaclaimz::telemetry::Tracer;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

async fn service(metrics: &Metrics) -> SocketAddr {
    let routes = Router::new()
        .route("/api/quotes/{id}", get(async || "a quote"))
        .route("/api/fails", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/api/slow", get(async || sleep(Duration::from_secs(30)).await));
    let routes = routes.fallback(async || StatusCode::NOT_FOUND);
    let routes = metrics.instrument(routes).merge(metrics.routes());
    let listener = TcpListener::bind("127.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}

async fn open(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut answer = String::new();
    open(address, request).await.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The value of the one series whose name and labels contain all these.
fn value(text: &str, name: &str, labels: &[&str]) -> u64 {
    let mut found = text.lines().filter(|line| {
        line.starts_with(&format!("{name}{{")) && labels.iter().all(|label| line.contains(label))
    });
    let line = found.next().unwrap_or_else(|| panic!("no {name} {labels:?} in\n{text}"));
    assert!(found.next().is_none(), "{name} {labels:?} is not one series in\n{text}");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

const COUNT: &str = "http_server_request_duration_seconds_count";

#[tokio::test]
async fn requests_are_measured_by_route_template_and_status() {
    let metrics = Metrics::new("quotes-service");
    let address = service(&metrics).await;
    for id in 0..5 {
        ask(address, &format!("GET /api/quotes/{id}")).await;
    }
    ask(address, "GET /api/fails").await;
    for invented in ["GET /x1", "GET /x2", "MAKE /x3", "FAKE /x4"] {
        ask(address, invented).await;
    }
    let answer = ask(address, "GET /metrics").await;
    assert!(
        answer.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{answer}"
    );
    assert!(answer.trim_end().ends_with("# EOF"));
    let one = |labels: &[&str]| value(&answer, COUNT, labels);
    assert_eq!(one(&["route=\"/api/quotes/{id}\"", "status=\"200\"", "method=\"GET\""]), 5);
    assert_eq!(one(&["route=\"/api/fails\"", "status=\"500\""]), 1);
    assert_eq!(one(&["route=\"unmatched\"", "method=\"GET\"", "status=\"404\""]), 2);
    assert_eq!(one(&["route=\"unmatched\"", "method=\"_OTHER\"", "status=\"404\""]), 2);
    assert!(
        answer
            .lines()
            .filter(|line| line.starts_with(COUNT))
            .all(|line| { line.contains("service=\"quotes-service\"") })
    );
}

#[tokio::test]
async fn requests_in_flight_are_shown_and_those_whose_client_left_recorded() {
    let metrics = Metrics::new("quotes-service");
    let address = service(&metrics).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(open(address, "GET /api/slow").await);
    }
    let shown = async |wanted: u64| {
        for _ in 0..500 {
            let text = metrics.render().unwrap();
            if value(&text, "http_server_active_requests", &[]) == wanted {
                return text;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("never {wanted} requests in flight")
    };
    shown(3).await;
    drop(waiting);
    let text = shown(0).await;
    assert_eq!(value(&text, COUNT, &["route=\"/api/slow\"", "status=\"499\""]), 3);
}

#[tokio::test]
async fn figures_that_others_keep_are_read_when_asked_for() {
    let metrics = Metrics::new("api-gateway");
    metrics.watch_pool(|| PoolUse { size: 7, idle: 3, max: 16 });
    metrics.watch_tracer(&Tracer::off());
    let counters = Counters::default();
    metrics.watch_gateway(&counters);
    let routes = counters.count(Router::new().route("/api/v1/quotes", get(async || "")));
    let listener = TcpListener::bind("127.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    for path in ["/api/v1/quotes", "/api/v1/nope", "/api/v1", "/api/v1x", "/"] {
        ask(address, &format!("GET {path}")).await;
    }
    let text = metrics.render().unwrap();
    for (name, label, wanted) in [
        ("db_pool_connections", "state=\"used\"", 4),
        ("db_pool_connections", "state=\"idle\"", 3),
        ("db_pool_connections", "state=\"max\"", 16),
        ("otel_spans_total", "outcome=\"dropped\"", 0),
        ("gateway_requests_total", "", 5),
        ("gateway_api_requests_total", "", 3),
        ("gateway_responses_total", "class=\"2xx\"", 1),
        ("gateway_responses_total", "class=\"4xx\"", 4),
    ] {
        assert_eq!(value(&text, name, &[label]), wanted, "{name} {label}");
    }
}
