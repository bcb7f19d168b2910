//! What Prometheus scrapes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::reply::{self, ApiError};
use super::site::Site;
use crate::telemetry::prometheus;

/// `GET /metrics`
pub(super) async fn metrics(State(site): State<Arc<Site>>) -> Response {
    match site.summary().await {
        Some(summary) => {
            let text = prometheus::render(&summary, site.handle.state().word());
            reply::bytes(StatusCode::OK, prometheus::CONTENT_TYPE, text)
        }
        None => ApiError::ended().into_response(),
    }
}
