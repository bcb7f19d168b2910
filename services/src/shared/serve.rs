//! Where a service's routes become a server: the single place for layers, `/health`, `/ready` and the
//! unknown route, and for stopping without cutting anyone off.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use utoipa_axum::router::OpenApiRouter;

use super::db::Db;
use super::failure::Failure;
use super::instruments::Instruments;
use crate::telemetry::Tracer;

/// The longest body that is read.
const MAX_BODY: usize = 1 << 20;
/// How long requests in flight may take to finish once the service is to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long the last spans may take to the collector.
const FLUSH: Duration = Duration::from_secs(2);

/// A port that is taken but not yet served.
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Takes the port. `variable` names the setting to change when it is taken already.
pub(crate) async fn bind(address: SocketAddr, variable: &str) -> anyhow::Result<Bound> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: free the port, or set {variable} or BIND_ADDRESS")
    })?;
    let address = listener.local_addr()?;
    Ok(Bound { listener, address })
}

/// What every service has beside its own routes.
fn complete(name: &'static str, db: &Db, routes: Router) -> Router {
    let db = db.clone();
    let ready = move || async move {
        match db.ping().await {
            Ok(()) => Json(json!({ "status": "ready", "service": name })).into_response(),
            Err(_) => Failure::unavailable().into_response(),
        }
    };
    routes
        .route(
            "/health",
            get(move || async move { Json(json!({ "status": "ok", "service": name })) }),
        )
        .route("/ready", get(ready))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_route)
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// Serves a service's routes below `/api`.
pub(crate) fn start<S: Clone + Send + Sync + 'static>(
    bound: Bound,
    name: &'static str,
    db: &Db,
    routes: OpenApiRouter<S>,
    state: S,
    instruments: &Instruments,
) -> Server {
    let (routes, _) = OpenApiRouter::new().nest("/api", routes).split_for_parts();
    tracing::info!("{name} listens on {}", bound.address);
    let routes = complete(name, db, routes.with_state(state));
    let (routes, tracer) = instruments.around_service(name, db, routes);
    Server::start(bound, routes, tracer)
}

/// A wrong method is an unknown route too, as in the reference.
async fn unknown_route() -> Response {
    Failure::Refused(StatusCode::NOT_FOUND, "Route not found".into()).into_response()
}

/// A server at work.
pub(crate) struct Server {
    task: JoinHandle<std::io::Result<()>>,
    stop: watch::Sender<bool>,
    tracer: Tracer,
}

impl Server {
    pub(crate) fn start(bound: Bound, routes: Router, tracer: Tracer) -> Server {
        let (stop, mut stopping) = watch::channel(false);
        let stopped = async move {
            // An error means that the server's handle is gone: stop as well.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let listener = bound.listener.tap_io(|stream| {
            // Small answers must not wait for an acknowledgement.
            let _ = stream.set_nodelay(true);
        });
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(stopped);
        let task = tokio::spawn(serving.into_future());
        Server { task, stop, tracer }
    }

    /// Takes no new connection, finishes the requests in flight, and gives up after ten seconds.
    pub(crate) async fn stop(self) {
        let Server { mut task, stop, tracer } = self;
        stop.send_replace(true);
        if tokio::time::timeout(DRAIN, &mut task).await.is_err() {
            tracing::warn!("requests still in flight after {DRAIN:?} were cut off");
            task.abort();
        }
        tracer.flush(FLUSH).await;
    }
}

/// Completes at Ctrl-C or SIGTERM.
pub(crate) async fn told_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: finishing the requests in flight");
    Ok(())
}
