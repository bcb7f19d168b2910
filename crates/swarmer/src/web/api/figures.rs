//! What there is to read.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::logging;
use crate::stats::{RowKind, Summary};
use crate::web::boot;
use crate::web::live::{self, Reply};
use crate::web::login::SignedIn;
use crate::web::reply::{self, ApiError};
use crate::web::site::Site;

/// A mistake in what follows the question mark.
pub(super) fn bad_query(rejection: &QueryRejection) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, rejection.body_text())
}

async fn latest(site: &Site) -> Result<Arc<Summary>, ApiError> {
    site.summary().await.ok_or_else(ApiError::ended)
}

/// Whether it is alive, for supervisors.
#[utoipa::path(get, path = "/health", responses((status = 200, description = "`{\"state\": …}`")))]
pub(in crate::web) async fn health(State(site): State<Arc<Site>>) -> Json<Value> {
    Json(json!({"state": site.handle.state().as_str()}))
}

/// Where the run stands, and what the page is told at its start.
#[utoipa::path(get, path = "/api/v1/state", responses((status = 200, description = "A tick without history, and `boot`")))]
pub(in crate::web) async fn state(
    State(site): State<Arc<Site>>,
    signed_in: Option<Extension<SignedIn>>,
) -> Result<Json<Value>, ApiError> {
    let summary = latest(&site).await?;
    let mut state = live::head(&site, &summary);
    state["marks"] = json!(summary.marks);
    state["boot"] = boot::swarmer(&site, signed_in.as_ref().map(|Extension(who)| who));
    Ok(Json(state))
}

/// How much of the summary is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Extent {
    /// With all histograms, as in files.
    #[serde(default)]
    histograms: bool,
}

/// All figures as of the last second.
#[utoipa::path(get, path = "/api/v1/summary", params(Extent), responses((status = 200, description = "schema/summary.schema.json, histograms empty unless asked for")))]
pub(in crate::web) async fn summary(
    State(site): State<Arc<Site>>,
    extent: Result<Query<Extent>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(extent) = extent.map_err(|rejection| bad_query(&rejection))?;
    let summary = latest(&site).await?;
    if extent.histograms {
        return Ok(Json(&*summary).into_response());
    }
    let body = site.live.once(Reply::Summary, &summary, site.handle.state(), || {
        serde_json::to_vec(&live::lean(&summary)).unwrap_or_default().into()
    });
    Ok(reply::json(body))
}

/// From when on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Since {
    /// Points whose second (since the Unix epoch) is this or later; or lines from this number on.
    #[serde(default)]
    since: f64,
}

/// The course of the run.
#[utoipa::path(get, path = "/api/v1/history", params(Since), responses((status = 200, description = "`history` in columns, and `marks`")))]
pub(in crate::web) async fn history(
    State(site): State<Arc<Site>>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(Since { since }) = since.map_err(|rejection| bad_query(&rejection))?;
    let (summary, second) = (latest(&site).await?, live::whole(since));
    let history = site.handle.ask(move |collector| collector.history().since(second)).await;
    let history = history.ok_or_else(ApiError::ended)?;
    Ok(Json(json!({"history": history, "marks": live::marks_since(&summary, second)})))
}

/// Which row.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Key {
    /// `request`, `journey` or `class`.
    #[param(value_type = String)]
    kind: RowKind,
    /// Method; the user class of a journey; empty for a class.
    #[serde(default)]
    method: String,
    /// Name of the request, the task or the class.
    name: String,
}

/// The course of one row.
#[utoipa::path(get, path = "/api/v1/rows/history", params(Key), responses((status = 200, description = "Columns"), (status = 404, description = "No such row", body = ApiError)))]
pub(in crate::web) async fn row_history(
    State(site): State<Arc<Site>>,
    key: Result<Query<Key>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(Key { kind, method, name }) = key.map_err(|rejection| bad_query(&rejection))?;
    let found = site.handle.ask(move |collector| collector.row_history(kind, &method, &name)).await;
    match found.ok_or_else(ApiError::ended)? {
        Some(history) => Ok(Json(history).into_response()),
        None => Err(ApiError::new(StatusCode::NOT_FOUND, "there is no such row")),
    }
}

/// The newest lines of the log.
#[utoipa::path(get, path = "/api/v1/logs", params(Since), responses((status = 200, description = "`next`, `lines`, `workers`")))]
pub(in crate::web) async fn logs(
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(Since { since }) = since.map_err(|rejection| bad_query(&rejection))?;
    let (next, lines) = logging::since(live::whole(since));
    let line = |line: &logging::Line| json!({"number": line.number, "level": line.level.as_str(), "text": line.text});
    let lines: Vec<Value> = lines.iter().map(line).collect();
    Ok(Json(json!({"next": next, "lines": lines, "workers": logging::of_workers().all()})))
}
