//! A small OTLP receiver, and small services to trace.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dynaclaimz::telemetry::{ExportConfig, Tracer};
use http::{HeaderMap, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use tokio::net::TcpListener;

/// One span as the collector saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) kind: i32,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) failed: bool,
    pub(crate) state: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

/// What the collector received, and how it is to answer.
#[derive(Default)]
pub(crate) struct Collector {
    seen: Mutex<Vec<Seen>>,
    headers: Mutex<Vec<HeaderMap>>,
    /// How many batches are refused with 503 first.
    pub(crate) refusals: AtomicUsize,
    /// How many spans of each batch are turned down.
    pub(crate) rejected: AtomicUsize,
    address: OnceLock<String>,
}

impl Collector {
    pub(crate) async fn start() -> (Arc<Self>, ExportConfig) {
        let collector = Arc::new(Self::default());
        let router = Router::new().route("/v1/traces", post(receive)).with_state(collector.clone());
        let address = format!("http://{}", serve(router).await);
        let mut config = ExportConfig::to(&address).unwrap();
        collector.address.set(address).unwrap();
        config.schedule_delay = Duration::from_millis(20);
        (collector, config)
    }

    pub(crate) fn address(&self) -> String {
        self.address.get().unwrap().clone()
    }

    /// Everything received, in order of start.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.sort_by_key(|span| span.start);
        seen
    }

    pub(crate) fn headers(&self) -> Vec<HeaderMap> {
        self.headers.lock().unwrap().clone()
    }
}

async fn receive(
    State(collector): State<Arc<Collector>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let refuse = collector
        .refusals
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok();
    if refuse {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    collector.headers.lock().unwrap().push(headers);
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut seen = collector.seen.lock().unwrap();
    for resource in request.resource_spans {
        let service = texts(&resource.resource.unwrap().attributes)["service.name"].clone();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            seen.push(Seen {
                service: service.clone(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind,
                start: span.start_time_unix_nano,
                end: span.end_time_unix_nano,
                failed: span.status.is_some_and(|status| status.code == 2),
                state: span.trace_state,
                attributes: texts(&span.attributes),
                name: span.name,
            });
        }
    }
    let rejected_spans = i64::try_from(collector.rejected.load(Ordering::SeqCst)).unwrap();
    let partial = ExportTracePartialSuccess { rejected_spans, error_message: "full".to_owned() };
    ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec().into_response()
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes
        .iter()
        .map(|pair| {
            let value = pair.value.as_ref().and_then(|value| value.value.as_ref()).unwrap();
            let text = match value {
                Value::StringValue(text) => text.clone(),
                Value::IntValue(number) => number.to_string(),
                other => panic!("unexpected kind of value: {other:?}"),
            };
            (pair.key.clone(), text)
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Serves until the test's runtime ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

pub(crate) fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) async fn flush(tracers: &[&Tracer]) {
    for tracer in tracers {
        tracer.flush(Duration::from_secs(10)).await;
    }
}
