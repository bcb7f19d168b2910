//! Without a collector: context still travels, and log lines still name the trace.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use dynaclaimz::telemetry::{Tracer, WithTraceId, instrument, outgoing};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use tracing_subscriber::fmt::format;

use crate::collector::{client, serve};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A service that asks another one, which tells what headers it got.
async fn two_services() -> String {
    let tell = async |headers: HeaderMap| {
        let mut lines: Vec<String> = headers
            .iter()
            .filter(|(name, _)| *name != "host")
            .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines.join("\n")
    };
    let last = serve(instrument(Router::new().route("/", get(tell)), &Tracer::off())).await;
    let pass = async move || {
        let request = Request::get(format!("http://{last}/")).header("traceparent", "mine");
        let request = request.body(Body::empty()).unwrap();
        let answer = outgoing(request, |request| client().request(request)).await.unwrap();
        String::from_utf8(answer.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    };
    let first = serve(instrument(Router::new().route("/", get(pass)), &Tracer::off())).await;
    format!("http://{first}/")
}

async fn ask(url: &str, headers: &[(&str, &str)]) -> String {
    let mut request = Request::get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = client().request(request.body(Body::empty()).unwrap()).await.unwrap();
    String::from_utf8(answer.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn the_context_goes_on_as_it_came() {
    let url = two_services().await;
    let all = [
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
        ("user-agent", "agent"),
        ("x-request-id", "r1"),
        ("x-other", "stays"),
    ];
    let seen = ask(&url, &all).await;
    assert_eq!(
        seen,
        format!("traceparent={PARENT}\ntracestate=a=1\nuser-agent=agent\nx-request-id=r1")
    );
    assert_eq!(ask(&url, &[("traceparent", "broken"), ("tracestate", "a=1")]).await, "");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn log_lines_name_the_trace() {
    let say = async || tracing::info!(answer = 42, "said");
    let url = format!(
        "http://{}/",
        serve(instrument(Router::new().route("/", get(say)), &Tracer::off())).await
    );
    for json in [true, false] {
        let log = Log::default();
        let writer = log.clone();
        let builder =
            tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
        let _guard = if json {
            let json = WithTraceId::json(format().json());
            tracing::subscriber::set_default(builder.json().event_format(json).finish())
        } else {
            let text = WithTraceId::text(format());
            tracing::subscriber::set_default(builder.event_format(text).finish())
        };
        ask(&url, &[("traceparent", PARENT)]).await;
        tracing::info!("outside");
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let (inside, outside) = log.trim_end().split_once('\n').unwrap();
        if json {
            let inside: serde_json::Value = serde_json::from_str(inside).unwrap();
            assert_eq!(inside["trace_id"], "0af7651916cd43dd8448eb211c80319c");
            assert_eq!(inside["fields"]["answer"], 42);
        } else {
            assert!(inside.starts_with("trace_id=0af7651916cd43dd8448eb211c80319c "), "{inside}");
        }
        assert!(outside.contains("outside") && !outside.contains("trace_id"), "{outside}");
    }
}
