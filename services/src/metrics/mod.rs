//! Prometheus metrics of one service, served at `/metrics` in the `OpenMetrics` text format.
//!
//! [`Metrics`] owns a registry; [`Metrics::instrument`] wraps a router to measure every request by route template,
//! [`Metrics::routes`] adds `/metrics`, and the `watch_…` functions add figures that others keep and that are read
//! only when Prometheus asks.

mod watched;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Method, StatusCode, header};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::faults::Faults;
use crate::gateway::Counters;
use crate::telemetry::Tracer;
use crate::telemetry::tail::{Ending, at_end};
use watched::{Kind, Watched};

/// Upper bounds in seconds: those that the semantic conventions recommend, with finer ones below 5 ms, where most
/// requests of these services end.
const DURATION_BUCKETS: [f64; 17] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0,
    7.5, 10.0,
];

/// The status of a request whose client went away before the whole answer was out (as nginx logs it).
const CLIENT_GONE: u16 = 499;

/// One service's metrics; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    durations: Family<RequestLabels, Histogram>,
    in_flight: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// How a database pool is used at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Open connections.
    pub size: u32,
    /// Those of them that wait for work.
    pub idle: u32,
    /// The most connections the pool may open.
    pub max: u32,
}

impl Metrics {
    /// The metrics of a service; its name becomes the label `service` of all of them.
    pub fn new(service: &'static str) -> Self {
        let labels = [("service".into(), service.into())];
        let mut registry = Registry::with_labels(labels.into_iter());
        let durations =
            Family::new_with_constructor((|| Histogram::new(DURATION_BUCKETS)) as fn() -> _);
        let in_flight = Gauge::default();
        registry.register(
            "http_server_request_duration_seconds",
            "From the request's head to the last byte of the answer",
            durations.clone(),
        );
        registry.register(
            "http_server_active_requests",
            "Requests being answered now",
            in_flight.clone(),
        );
        Self { registry: Arc::new(Mutex::new(registry)), durations, in_flight }
    }

    /// Wraps every route of a service to measure its requests.
    pub fn instrument(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), measure))
    }

    /// `GET /metrics`, to be merged into a service's router.
    pub fn routes(&self) -> Router {
        Router::new().route("/metrics", get(expose)).with_state(self.clone())
    }

    /// Adds the use of a database pool, asked for at each scrape.
    pub fn watch_pool(&self, pool: impl Fn() -> PoolUse + Send + Sync + 'static) {
        self.watch(Watched::new(
            "db_pool_connections",
            "Connections of the database pool by state",
            Kind::Gauge,
            Some("state"),
            move || {
                let PoolUse { size, idle, max } = pool();
                let used = size.saturating_sub(idle);
                vec![("used", used.into()), ("idle", idle.into()), ("max", max.into())]
            },
        ));
    }

    /// Adds what became of the service's spans.
    pub fn watch_tracer(&self, tracer: &Tracer) {
        let tracer = tracer.clone();
        self.watch(Watched::new(
            "otel_spans",
            "Spans by what became of them",
            Kind::Counter,
            Some("outcome"),
            move || {
                let counts = tracer.counts();
                vec![("exported", counts.exported), ("dropped", counts.dropped)]
            },
        ));
    }

    /// Adds the number of faults that were set off on purpose.
    pub fn watch_faults(&self, faults: &Faults) {
        let faults = faults.clone();
        self.watch(Watched::new(
            "faults_injected",
            "Faults set off on purpose, by kind",
            Kind::Counter,
            Some("fault"),
            move || faults.injected().to_vec(),
        ));
    }

    /// Adds the gateway's own count of requests.
    pub fn watch_gateway(&self, counters: &Counters) {
        let (received, api, answered) = (counters.clone(), counters.clone(), counters.clone());
        self.watch(Watched::new(
            "gateway_requests",
            "Requests that reached the gateway",
            Kind::Counter,
            None,
            move || vec![("", received.snapshot().received)],
        ));
        self.watch(Watched::new(
            "gateway_api_requests",
            "Requests that reached the gateway under /api/v1",
            Kind::Counter,
            None,
            move || vec![("", api.snapshot().received_api)],
        ));
        self.watch(Watched::new(
            "gateway_responses",
            "The gateway's answers by class of status; `none` where the connection ended without one",
            Kind::Counter,
            Some("class"),
            move || answered.snapshot().by_class().to_vec(),
        ));
    }

    fn watch(&self, watched: Watched) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(watched));
    }

    /// All metrics as text.
    ///
    /// # Errors
    /// Never in practice: writing to a `String` does not fail.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut rendered = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        text::encode(&mut rendered, &registry)?;
        Ok(rendered)
    }
}

async fn expose(State(metrics): State<Metrics>) -> Response {
    match metrics.render() {
        Ok(rendered) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], rendered).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let mut running = Running::start(metrics, &request);
    let response = next.run(request).await;
    running.status = response.status().as_u16();
    at_end(response, move |ending| {
        if ending == Ending::Aborted {
            running.status = CLIENT_GONE;
        }
        drop(running);
    })
}

/// A request being answered; recorded when dropped, so also when its client goes away.
struct Running {
    metrics: Metrics,
    method: &'static str,
    route: Option<MatchedPath>,
    status: u16,
    started: Instant,
}

impl Running {
    fn start(metrics: Metrics, request: &Request) -> Self {
        metrics.in_flight.inc();
        Self {
            metrics,
            method: method_label(request.method()),
            route: request.extensions().get().cloned(),
            status: CLIENT_GONE,
            started: Instant::now(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
        // A path without a route is the client's invention: it must not become a label.
        let route = self.route.as_ref().map_or("unmatched", MatchedPath::as_str).to_owned();
        let labels = RequestLabels { method: self.method, route, status: self.status };
        let elapsed = self.started.elapsed().as_secs_f64();
        self.metrics.durations.get_or_create(&labels).observe(elapsed);
    }
}

/// Invented methods share one label, so that clients cannot make new time series.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
