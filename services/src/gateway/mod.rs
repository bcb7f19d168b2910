//! The API gateway: a streaming proxy in front of the four services.
//!
//! A request passes, from the outside in: the count ([`Counters::count`], which the caller puts around everything
//! else), the request id and the access log (`access`), security headers and CORS (`headers`, tower-http), the rate
//! limit (`limiter`), and then either one of the gateway's own pages (`pages`, `docs`) or the proxy (`proxy`, with
//! `upload` and `relay` as the bodies that stream through it).

mod access;
mod config;
mod counters;
mod docs;
mod headers;
mod limiter;
mod pages;
mod proxy;
mod relay;
mod reply;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use http::{HeaderName, Method, header};
use serde_json::Value;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

pub use config::{GatewayConfig, RateLimit, Upstream, Upstreams};
pub use counters::{Counters, Snapshot};

use limiter::Limiter;
use pages::Pages;
use proxy::Proxy;

/// Everything the gateway answers, all layers but the count included. `document` is the `OpenAPI` document.
pub fn router(config: &GatewayConfig, document: &Value) -> Router {
    let proxy = Arc::new(Proxy::new(config));
    let pages = Arc::new(Pages::new(document, &config.upstreams.all(), Arc::clone(&proxy)));
    let mut router = Router::new()
        .route("/", get(pages::index))
        .route("/health", get(pages::health))
        .route("/ready", get(pages::ready))
        .route("/api-docs", get(pages::docs))
        .route("/api-docs.json", get(pages::document))
        .with_state(pages);
    for (segment, upstream) in config.upstreams.routes() {
        let upstream = upstream.clone();
        let proxy = Arc::clone(&proxy);
        let forward = any(move |request| async move { proxy.forward(&upstream, request).await });
        let base = format!("/api/v1/{segment}");
        router = router
            .route(&base, forward.clone())
            .route(&format!("{base}/"), forward.clone())
            .route(&format!("{base}/{{*rest}}"), forward);
    }
    router =
        router.fallback(reply::route_not_found).method_not_allowed_fallback(reply::route_not_found);
    if let Some(limiter) = Limiter::new(config.rate_limit) {
        router = router.layer(from_fn_with_state(Arc::new(limiter), limiter::limit));
    }
    router
        .layer(cors(config))
        .layer(from_fn(headers::secure))
        .layer(from_fn_with_state(config.access_log, access::log))
}

fn cors(config: &GatewayConfig) -> CorsLayer {
    const EXPOSED: [HeaderName; 6] = [
        access::REQUEST_ID,
        limiter::POLICY,
        limiter::LIMIT,
        limiter::REMAINING,
        limiter::RESET,
        header::RETRY_AFTER,
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(config.allowed_origins.iter().cloned()))
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::PATCH,
            Method::POST,
            Method::DELETE,
        ])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(Duration::from_mins(10))
}
