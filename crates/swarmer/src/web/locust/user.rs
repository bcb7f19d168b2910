//! Changing a user class between runs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::report::python;
use crate::scenario::Override;
use crate::web::reply;
use crate::web::site::Site;
use crate::web::wish::Wish;

/// Locust's `/user`: a class has this weight and count from the next run on; users started from now on have this host, and of its tasks these.
pub(in crate::web) async fn user(State(site): State<Arc<Site>>, body: Bytes) -> Response {
    match adjust(&site, &body).await {
        Ok(()) => reply::flask_json(StatusCode::CREATED, &json!({})),
        Err(text) => reply::html(StatusCode::INTERNAL_SERVER_ERROR, reply::escape(&text)),
    }
}

async fn adjust(site: &Site, body: &[u8]) -> Result<(), String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let name = value.get("user_class_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !site.facts().classes.iter().any(|class| class.info.name == name) {
        // As Python shows a key that is not there.
        return Err(python::quoted(&name));
    }
    let changes = Override::read_all(&[value.to_string()]).map_err(|error| error.to_string())?;
    for change in changes {
        let outcome = site.wish(|answer| Wish::Adjust(change, answer)).await;
        outcome.map_err(|problem| problem.text)?;
    }
    Ok(())
}
