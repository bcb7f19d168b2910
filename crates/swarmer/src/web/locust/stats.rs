//! Figures, errors, trees and logs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::logging;
use crate::report::locust;
use crate::runner::State as RunState;
use crate::scenario::{ClassInfo, ratio};
use crate::stats::{Summary, Worker};
use crate::web::live::Reply;
use crate::web::reply::{self, ApiError};
use crate::web::site::Site;
use crate::web::wish::Facts;

/// Entries, and errors, in one reply at most.
const MOST: usize = 500;

/// Locust's `/stats/requests`.
pub(in crate::web) async fn requests(State(site): State<Arc<Site>>) -> Response {
    let Some(summary) = site.summary().await else { return ApiError::ended().into_response() };
    let state = site.handle.state();
    let is_master = site.facts().options.cluster.master;
    let body = site.live.once(Reply::Requests, &summary, state, || {
        let value = reply::sorted(&document(&summary, state, is_master));
        format!("{value:#}\n").into()
    });
    reply::json(body)
}

fn document(summary: &Summary, state: RunState, is_master: bool) -> Value {
    let total = &summary.total;
    let mut document = json!({
        "stats": locust::entries(summary, MOST),
        "errors": locust::errors(summary, MOST),
        "current_rps": total.current.requests_per_second,
        "current_fail_per_sec": total.current.failures_per_second,
        "total_rps": total.figures.requests_per_second,
        "total_fail_per_sec": total.figures.failures_per_second,
        "fail_ratio": total.figures.failure_ratio(),
        "current_response_time_percentiles": locust::chart_percentiles(total),
        "state": state.as_str(),
        "user_count": summary.user_count(),
    });
    if is_master {
        document["workers"] = summary.workers.iter().map(worker).collect();
        document["worker_count"] = summary.workers.len().into();
    }
    document
}

fn worker(worker: &Worker) -> Value {
    json!({
        "id": worker.id,
        "state": worker.state,
        "user_count": worker.users,
        "cpu_usage": worker.cpu,
        "memory_usage": worker.memory,
    })
}

/// Locust's `/exceptions`.
pub(in crate::web) async fn exceptions(State(site): State<Arc<Site>>) -> Response {
    let Some(summary) = site.summary().await else { return ApiError::ended().into_response() };
    reply::flask_json(StatusCode::OK, &json!({"exceptions": locust::exceptions(&summary)}))
}

/// Locust's `/tasks`.
pub(in crate::web) async fn tasks(State(site): State<Arc<Site>>) -> Response {
    let Some(summary) = site.summary().await else { return ApiError::ended().into_response() };
    reply::flask_json(StatusCode::OK, &task_trees(&site.facts(), &summary))
}

/// The ratio trees, with the classes' shares of the users that run.
pub(in crate::web) fn task_trees(facts: &Facts, summary: &Summary) -> Value {
    let chosen: Vec<ClassInfo> = facts
        .classes
        .iter()
        .filter(|class| class.is_chosen)
        .map(|class| class.info.clone())
        .collect();
    let all = summary.user_count().max(1);
    #[expect(clippy::cast_precision_loss, reason = "numbers of users")]
    let share = |class: &ClassInfo| {
        summary.users.get(&class.name).copied().unwrap_or_default() as f64 / all as f64
    };
    let shares: Vec<f64> = chosen.iter().map(share).collect();
    ratio::json(&chosen, &shares)
}

/// Locust's `/logs`.
pub(in crate::web) async fn logs() -> Response {
    let lines = logging::recent();
    reply::flask_json(
        StatusCode::OK,
        &json!({"master": lines, "workers": logging::of_workers().all()}),
    )
}

/// Locust's `/worker-count`.
pub(in crate::web) async fn worker_count(State(site): State<Arc<Site>>) -> Response {
    let workers = site.handle.latest().map_or(0, |summary| summary.workers.len());
    reply::flask_json(StatusCode::OK, &json!({"worker_count": workers}))
}
