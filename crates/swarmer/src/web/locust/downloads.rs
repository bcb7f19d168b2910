//! CSV files and the report, as files to be saved.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::task_trees;
use crate::report::{csv, html};
use crate::stats::Summary;
use crate::web::reply::{self, ApiError};
use crate::web::site::Site;
use crate::web::{auth, page};

const CSV: &str = "text/csv; charset=utf-8";

/// `Locust_<when the run began>_<workload>[_<host>]`, as Locust names what is saved.
fn name(site: &Site, suffix: &str) -> String {
    let facts = site.facts();
    let began = facts.started.map_or_else(Timestamp::now, moment);
    let began = began.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d-%Hh%M");
    let host = facts.options.host.as_ref().map(|host| format!("_{host}")).unwrap_or_default();
    format!("Locust_{began}_{}{host}{suffix}", site.about.workload)
}

#[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
fn moment(seconds: f64) -> Timestamp {
    Timestamp::from_second(seconds as i64).unwrap_or_default()
}

async fn table(site: &Site, suffix: &str, render: fn(&Summary) -> String) -> Response {
    match site.summary().await {
        Some(summary) => reply::attachment(CSV, &name(site, suffix), render(&summary)),
        None => ApiError::ended().into_response(),
    }
}

/// `/stats/requests/csv`.
pub(in crate::web) async fn requests_csv(State(site): State<Arc<Site>>) -> Response {
    table(&site, "_requests.csv", csv::stats).await
}

/// `/stats/failures/csv`.
pub(in crate::web) async fn failures_csv(State(site): State<Arc<Site>>) -> Response {
    table(&site, "_failures.csv", csv::failures).await
}

/// `/exceptions/csv`.
pub(in crate::web) async fn exceptions_csv(State(site): State<Arc<Site>>) -> Response {
    table(&site, "_exceptions.csv", csv::exceptions).await
}

/// `/stats/requests_full_history/csv`: the file that `--csv` and `--csv-full-history` write.
pub(in crate::web) async fn history_csv(State(site): State<Arc<Site>>) -> Response {
    let options = &site.facts().options;
    let prefix = options.csv.as_deref().filter(|_| options.csv_full_history);
    let Some(prefix) = prefix else {
        let text = "Error: Server was not started with option to generate full history.";
        return reply::error_page(StatusCode::NOT_FOUND, text);
    };
    let path = csv::history_path(prefix);
    // It may be large, and its disk slow.
    match tokio::task::spawn_blocking(move || std::fs::read(path)).await {
        Ok(Ok(content)) => {
            reply::attachment(CSV, &name(&site, "_requests_full_history.csv"), content)
        }
        Ok(Err(error)) => {
            let text = format!("The history file cannot be read: {error}");
            reply::error_page(StatusCode::INTERNAL_SERVER_ERROR, &text)
        }
        Err(_) => ApiError::ended().into_response(),
    }
}

/// How a report is wanted.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct Wanted {
    #[serde(default)]
    download: String,
    #[serde(default)]
    theme: String,
}

/// `/stats/report`.
pub(in crate::web) async fn report(
    State(site): State<Arc<Site>>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let is_saved = !wanted.download.is_empty();
    let Some(summary) = site.summary().await else { return ApiError::ended().into_response() };
    let mut summary = Summary::clone(&summary);
    if summary.user_count() > 0 {
        // Shares of the users there are, who may be others than at the start.
        summary.info.tasks = task_trees(&site.facts(), &summary);
    }
    let record = site.handle.ask(move |collector| collector.record(summary)).await;
    let Some(record) = record else { return ApiError::ended().into_response() };
    let nonce = if is_saved { None } else { auth::secret().ok() };
    let about = html::About {
        workload: site.about.workload.clone(),
        show_download_link: !is_saved,
        theme: if wanted.theme == "dark" { html::Theme::Dark } else { html::Theme::Light },
        nonce: nonce.clone(),
    };
    // Thousands of rows take a moment; others are served meanwhile.
    let rendered = tokio::task::spawn_blocking(move || html::render(&record, &about)).await;
    match (rendered.ok().flatten(), nonce) {
        (None, _) => reply::error_page(StatusCode::INTERNAL_SERVER_ERROR, html::NOT_BUILT),
        (Some(report), None) => {
            reply::attachment("text/html; charset=utf-8", &name(&site, ".html"), report)
        }
        (Some(report), Some(nonce)) => {
            page::with_policy(reply::html(StatusCode::OK, report), &nonce)
        }
    }
}
