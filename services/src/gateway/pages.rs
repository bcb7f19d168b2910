//! The gateway's own pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::config::Upstream;
use super::docs;
use super::proxy::Proxy;

/// What the pages show, made once.
#[derive(Debug)]
pub(super) struct Pages {
    document: Bytes,
    html: Bytes,
    proxy: Arc<Proxy>,
    upstreams: Vec<Upstream>,
}

impl Pages {
    pub(super) fn new(document: &Value, upstreams: &[&Upstream], proxy: Arc<Proxy>) -> Self {
        Self {
            document: document.to_string().into(),
            html: docs::render(document).into(),
            proxy,
            upstreams: upstreams.iter().copied().cloned().collect(),
        }
    }
}

/// What the gateway says of itself, in the order that people read.
#[derive(Serialize)]
pub(super) struct Index {
    message: &'static str,
    version: &'static str,
    architecture: &'static str,
    documentation: &'static str,
    endpoints: Endpoints,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoints {
    health: &'static str,
    docs: &'static str,
    docs_json: &'static str,
    auth: &'static str,
    users: &'static str,
    organizations: &'static str,
    policies: &'static str,
    claims: &'static str,
    quotes: &'static str,
}

pub(super) async fn index() -> Json<Index> {
    Json(Index {
        message: "DynaClaimz SaaS API Gateway",
        version: env!("CARGO_PKG_VERSION"),
        architecture: "microservices",
        documentation: "/api-docs",
        endpoints: Endpoints {
            health: "/health",
            docs: "/api-docs",
            docs_json: "/api-docs.json",
            auth: "/api/v1/auth",
            users: "/api/v1/users",
            organizations: "/api/v1/organizations",
            policies: "/api/v1/policies",
            claims: "/api/v1/claims",
            quotes: "/api/v1/quotes",
        },
    })
}

pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "service": "api-gateway" }))
}

/// Asks every service; 503 unless all are well.
pub(super) async fn ready(State(pages): State<Arc<Pages>>) -> Response {
    let asked = pages.upstreams.iter().map(|upstream| pages.proxy.is_healthy(upstream));
    let healthy = join_all(asked).await;
    let all = healthy.iter().all(|healthy| *healthy);
    let word = |healthy: bool| if healthy { "ok" } else { "unavailable" };
    let services: Map<String, Value> = pages
        .upstreams
        .iter()
        .zip(healthy)
        .map(|(upstream, healthy)| (upstream.name.to_owned(), word(healthy).into()))
        .collect();
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "status": word(all), "service": "api-gateway", "services": services });
    (status, Json(body)).into_response()
}

pub(super) async fn document(State(pages): State<Arc<Pages>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], pages.document.clone())
}

pub(super) async fn docs(State(pages): State<Arc<Pages>>) -> impl IntoResponse {
    Html(pages.html.clone())
}
