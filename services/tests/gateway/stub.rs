//! Services to stand behind the gateway, and the gateway itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::any;
use dynaclaimz::gateway::{self, Counters, GatewayConfig, Upstream};
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, task }
    }

    /// A server that speaks whatever `script` writes, connection by connection. Its connections end with it.
    pub(crate) async fn scripted<F>(script: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::scripted_at("127.0.0.1:0".parse().unwrap(), script).await
    }

    async fn scripted_at<F>(
        address: SocketAddr,
        script: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(script(stream));
            }
        });
        Self { address, task }
    }

    /// Ends it, and returns when its port is free.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        // Aborted on purpose: the outcome says just that.
        let _ = (&mut self.task).await;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers with what it was asked.
pub(crate) fn echo() -> Router {
    Router::new().fallback(any(async |request: Request| {
        let (parts, body) = request.into_parts();
        let headers: Map<String, Value> = parts
            .headers
            .keys()
            .map(|name| {
                let values = parts.headers.get_all(name).iter().map(|v| v.to_str().unwrap());
                (name.to_string(), values.collect::<Vec<_>>().into())
            })
            .collect();
        let body = body.collect().await.unwrap().to_bytes();
        axum::Json(json!({
            "method": parts.method.as_str(),
            "uri": parts.uri.to_string(),
            "headers": headers,
            "length": body.len(),
            "sum": body.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
        }))
        .into_response()
    }))
}

/// Counts the connections it accepts, and closes them all when dropped, as a process that ends does.
pub(crate) async fn counting(
    address: Option<SocketAddr>,
    router: Router,
) -> (Server, Arc<AtomicUsize>) {
    let behind = Arc::new(Server::start(router).await);
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&accepted);
    let address = address.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap());
    let front = Server::scripted_at(address, move |mut stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        let behind = Arc::clone(&behind);
        async move {
            let mut inner = TcpStream::connect(behind.address).await.unwrap();
            // Either side may go away first.
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut inner).await;
        }
    })
    .await;
    (front, accepted)
}

/// Settings with the same server behind all routes, a short time limit and no rate limit.
pub(crate) fn config(service: &Server) -> GatewayConfig {
    let mut config =
        GatewayConfig::from_env(|name| (name == "RATE_LIMIT_MAX_REQUESTS").then(|| "0".to_owned()))
            .unwrap();
    config.proxy_timeout = Duration::from_millis(500);
    let at = |name| Upstream::new(name, &service.url()).unwrap();
    config.upstreams.user = at("user-service");
    config.upstreams.quotes = at("quotes-service");
    config.upstreams.policy = at("policy-service");
    config.upstreams.claims = at("claims-service");
    config
}

/// A gateway with these settings, and its counters.
pub(crate) async fn gateway(config: &GatewayConfig) -> (Server, Counters) {
    let counters = Counters::default();
    let router = counters.count(gateway::router(config, &document()));
    (Server::start(router).await, counters)
}

/// A gateway in front of one service.
pub(crate) async fn in_front_of(service: &Server) -> Server {
    gateway(&config(service)).await.0
}

/// A small API document.
pub(crate) fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Shop <API>", "version": "1.2.3", "description": "First.\n\nSecond & last." },
        "tags": [{ "name": "quotes", "description": "Offers" }],
        "paths": {
            "/api/v1/quotes/{id}": {
                "parameters": [{ "name": "id", "in": "path", "required": true,
                    "schema": { "type": "string", "format": "uuid" } }],
                "get": {
                    "tags": ["quotes"], "summary": "One quote", "security": [{ "bearer": [] }],
                    "responses": { "200": { "description": "Found", "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/Quote" } } } } }
                }
            }
        },
        "components": { "schemas": { "Quote": { "type": "object", "required": ["id"], "properties": {
            "id": { "type": "string" },
            "type": { "type": "string", "enum": ["AUTO", "HOME"], "description": "<b>bold</b>" },
            "tags": { "type": "array", "items": { "type": ["string", "null"] } }
        } } } }
    })
}
