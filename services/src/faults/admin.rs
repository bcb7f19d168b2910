//! Rules set while the service runs, by whoever holds the token.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderName, StatusCode};
use serde_json::json;

use super::{Faults, parse};

/// Carries the token of `FAULT_ADMIN_TOKEN`.
const TOKEN: HeaderName = HeaderName::from_static("x-fault-admin-token");
/// No plan of faults is longer.
const MAX_TEXT: usize = 64 * 1024;

impl Faults {
    /// `GET`, `PUT` (rules as text) and `DELETE /admin/faults`, to be merged into a service's router. Without a token
    /// (`FAULT_ADMIN_TOKEN` unset or empty) there is no such route.
    pub fn admin_routes(&self, token: Option<&str>) -> Router {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Router::new() };
        let token: Arc<str> = token.into();
        Router::new()
            .route("/admin/faults", get(show).put(replace).delete(clear))
            .layer(DefaultBodyLimit::max(MAX_TEXT))
            .layer(from_fn_with_state(token, guard))
            .with_state(self.clone())
    }
}

async fn guard(State(token): State<Arc<str>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(TOKEN).map_or(&b""[..], http::HeaderValue::as_bytes);
    if same(given, token.as_bytes()) {
        next.run(request).await
    } else {
        failure(StatusCode::UNAUTHORIZED, "The x-fault-admin-token header is missing or wrong")
    }
}

/// Compares in a time that tells nothing of where two texts differ.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    let differing = given.iter().zip(wanted).fold(0, |all, (one, other)| all | (one ^ other));
    given.len() == wanted.len() && differing == 0
}

async fn show(State(faults): State<Faults>) -> Response {
    let rules: Vec<String> = faults.rules().iter().map(ToString::to_string).collect();
    let injected: serde_json::Map<_, _> = faults
        .injected()
        .into_iter()
        .map(|(kind, count)| (kind.to_owned(), count.into()))
        .collect();
    axum::Json(json!({ "success": true, "data": { "faults": rules, "injected": injected } }))
        .into_response()
}

async fn replace(State(faults): State<Faults>, text: String) -> Response {
    match parse(&text) {
        Ok(rules) => faults.set(rules),
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
    }
    show(State(faults)).await
}

async fn clear(State(faults): State<Faults>) -> Response {
    faults.set(Vec::new());
    show(State(faults)).await
}

fn failure(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({ "success": false, "message": message }))).into_response()
}
