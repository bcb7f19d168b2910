//! Answers in the API's own shape.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// An error as every `DynaClaimz` service words it.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "success": false, "message": message }))).into_response()
}

pub(super) async fn route_not_found() -> Response {
    error(StatusCode::NOT_FOUND, "Route not found")
}
