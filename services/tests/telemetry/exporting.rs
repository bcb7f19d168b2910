//! Batches, a collector that refuses, and one that is away.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use dynaclaimz::telemetry::{ExportConfig, SpanCounts, Tracer, instrument};
use http::{Request, StatusCode};

use crate::collector::{Collector, client, flush, serve};

async fn service(tracer: &Tracer) -> String {
    let router = Router::new().route("/x", get(async || "x"));
    format!("http://{}/x", serve(instrument(router, tracer)).await)
}

async fn ask(url: &str, times: usize) {
    let client = client();
    for _ in 0..times {
        let request = Request::get(url).body(Body::empty()).unwrap();
        assert_eq!(client.request(request).await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn spans_go_in_batches_with_the_headers_asked_for() {
    let (collector, mut config) = Collector::start().await;
    config.headers = vec![("authorization".parse().unwrap(), "Api-Token t".parse().unwrap())];
    config.max_batch = 10;
    config.schedule_delay = Duration::from_mins(1);
    let tracer = Tracer::start_service("user-service", Some(&config));
    ask(&service(&tracer).await, 25).await;
    flush(&[&tracer]).await;
    assert_eq!(collector.seen().len(), 25);
    let headers = collector.headers();
    assert_eq!(headers.len(), 3);
    assert_eq!(headers[0]["authorization"], "Api-Token t");
    assert_eq!(headers[0]["content-type"], "application/x-protobuf");
    assert_eq!(tracer.counts(), SpanCounts { exported: 25, dropped: 0 });
}

#[tokio::test]
async fn a_batch_is_sent_when_its_time_is_up() {
    let (collector, config) = Collector::start().await;
    let tracer = Tracer::start_service("user-service", Some(&config));
    ask(&service(&tracer).await, 1).await;
    let begun = Instant::now();
    while collector.seen().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "no batch came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_collector_busy_for_a_moment_loses_nothing() {
    let (collector, config) = Collector::start().await;
    collector.refusals.store(1, Ordering::SeqCst);
    let tracer = Tracer::start_service("user-service", Some(&config));
    ask(&service(&tracer).await, 5).await;
    flush(&[&tracer]).await;
    assert_eq!(tracer.counts(), SpanCounts { exported: 5, dropped: 0 });
}

#[tokio::test]
async fn spans_turned_down_count_as_dropped() {
    let (collector, mut config) = Collector::start().await;
    collector.rejected.store(2, Ordering::SeqCst);
    config.schedule_delay = Duration::from_mins(1);
    let tracer = Tracer::start_service("user-service", Some(&config));
    ask(&service(&tracer).await, 5).await;
    flush(&[&tracer]).await;
    assert_eq!(tracer.counts(), SpanCounts { exported: 3, dropped: 2 });
}

#[tokio::test]
async fn without_the_collector_requests_go_on_and_the_loss_is_counted() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = ExportConfig::to(&format!("http://{nobody}")).unwrap();
    config.max_queue = 16;
    config.max_batch = 8;
    config.schedule_delay = Duration::from_millis(1);
    let tracer = Tracer::start_service("user-service", Some(&config));
    ask(&service(&tracer).await, 300).await;
    // At most one batch and one queue still wait; all others are known to be lost, and none held a request up.
    assert!(tracer.counts().dropped >= 300 - 24, "{:?}", tracer.counts());
    tracer.flush(Duration::from_secs(20)).await;
    assert_eq!(tracer.counts(), SpanCounts { exported: 0, dropped: 300 });
}

#[tokio::test]
async fn a_collector_that_never_answers_delays_neither_requests_nor_the_end() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config =
        ExportConfig::to(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    config.schedule_delay = Duration::from_millis(1);
    let tracer = Tracer::start_service("user-service", Some(&config));
    ask(&service(&tracer).await, 50).await;
    let flushed =
        tokio::time::timeout(Duration::from_secs(8), tracer.flush(Duration::from_millis(100)));
    flushed.await.expect("the time limit of the flush holds");
    assert_eq!(tracer.counts().exported, 0);
}
