//! Starting, changing, stopping, resetting.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::options::{Kind, parse_span};
use crate::runner::Handle;
use crate::web::form::{self, Form};
use crate::web::site::Site;
use crate::web::wish::{Ask, Problem, Wish};
use crate::web::{boot, reply};

/// Locust's words for a number that is none.
const MISSING: &str = "Missing or invalid user_count or spawn_rate from /swarm request";

/// What the reply to a form says beside its outcome.
struct Asked {
    ask: Ask,
    run_time: Option<u64>,
}

/// Locust's `/swarm`: starts a run, or changes the one that goes on. Mistakes are told with status 200.
pub(in crate::web) async fn swarm(State(site): State<Arc<Site>>, form: Form) -> Response {
    let outcome = match read(&site, &form) {
        Ok(Asked { ask, run_time }) => carry_out(&site, ask).await.map(|shape| (shape, run_time)),
        Err(message) => Err(message),
    };
    let facts = site.facts();
    let mut document = json!({"host": facts.options.host});
    match outcome {
        Ok((shape, run_time)) => {
            document["success"] = true.into();
            document["message"] = match shape {
                Some(shape) => format!("Swarming started using shape class '{shape}'").into(),
                None => "Swarming started".into(),
            };
            if let Some(seconds) = run_time {
                document["run_time"] = seconds.into();
            }
            if facts.options.web.class_picker {
                let chosen = facts.classes.iter().filter(|class| class.is_chosen);
                let mut names: Vec<&str> = chosen.map(|class| class.info.name.as_str()).collect();
                names.sort_unstable();
                document["user_classes"] = json!(names);
            }
        }
        Err(message) => {
            document["success"] = false.into();
            document["message"] = Value::String(message);
        }
    }
    reply::flask_json(StatusCode::OK, &document)
}

async fn carry_out(site: &Site, ask: Ask) -> Result<Option<String>, String> {
    let outcome = if site.handle.state().is_active() {
        site.wish(|answer| Wish::Edit(ask, answer)).await
    } else {
        site.wish(|answer| Wish::Start(ask, answer)).await
    };
    let told = |problem: Problem| match problem.hint {
        Some(hint) => format!("{}. {hint}", problem.text),
        None => problem.text,
    };
    outcome.map(|started| started.shape).map_err(told)
}

/// Reads the form as Locust does.
fn read(site: &Site, form: &Form) -> Result<Asked, String> {
    let facts = site.facts();
    let picker = facts.options.web.class_picker;
    let mut ask = Ask::default();
    if picker {
        ask.classes = Some(form.all("user_classes").into_iter().map(str::to_owned).collect());
        let shape = form.get("shape_class").unwrap_or("Default");
        if shape != "Default" && facts.shape.as_deref() != Some(shape) {
            return Err(format!("Unknown shape class '{shape}'"));
        }
        ask.shape = Some(shape != "Default");
    }
    let users = form.get("user_count").map(users).transpose()?;
    let rate = form.get("spawn_rate").map(spawn_rate).transpose()?;
    if ask.shape.unwrap_or(facts.uses_shape) {
        (ask.users, ask.spawn_rate) = (users.flatten(), rate.flatten());
    } else {
        match (users.flatten(), rate.flatten()) {
            (Some(users), Some(rate)) => (ask.users, ask.spawn_rate) = (Some(users), Some(rate)),
            _ => return Err(MISSING.to_owned()),
        }
    }
    ask.host = form.get("host").map(|host| host.replace(['<', '>'], "").trim().to_owned());
    ask.profile = form.get("profile").map(str::to_owned);
    ask.stages = form.get("stages").map(str::to_owned);
    ask.tags = tags(form, "tags");
    ask.exclude_tags = tags(form, "exclude_tags");
    let run_time =
        form.get("run_time").filter(|text| !text.is_empty()).map(run_time).transpose()?;
    // Without one a run has no end, whatever the command line said; a change leaves it as it is.
    ask.run_time = match run_time {
        None if site.handle.state().is_active() => None,
        limit => Some(limit.filter(|limit| !limit.is_zero())),
    };
    ask.settings = settings(site, form);
    Ok(Asked { ask, run_time: run_time.map(|limit| limit.as_secs()) })
}

/// `Some(None)` would be a number that cannot be.
fn users(text: &str) -> Result<Option<u32>, String> {
    let count: i64 = text
        .trim()
        .parse()
        .map_err(|_| format!("Invalid user_count value: '{text}' (must be an integer)"))?;
    Ok(u32::try_from(count).ok())
}

fn spawn_rate(text: &str) -> Result<Option<f64>, String> {
    let rate: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("Invalid spawn_rate value: '{text}' (must be a number)"))?;
    Ok(Some(rate).filter(|rate| rate.is_finite() && *rate > 0.0))
}

fn run_time(text: &str) -> Result<Duration, String> {
    let formats = "Valid run_time formats are : 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.";
    parse_span(text).map_err(|_| formats.to_owned())
}

/// Tags: parted by commas, or in a field each.
fn tags(form: &Form, name: &str) -> Option<Vec<String>> {
    let fields = form.all(name);
    (!fields.is_empty()).then(|| form::words(fields))
}

/// Options of the workload in the form; names that are unknown are ignored.
fn settings(site: &Site, form: &Form) -> Vec<(String, String)> {
    let names = form.names();
    let of = |opt: &crate::options::Opt| {
        let field = opt.field();
        if !names.contains(&field.as_str()) {
            return None;
        }
        let values = form.all(&field);
        let text = match opt.kind() {
            Kind::Flag => (values.first() == Some(&"true")).to_string(),
            Kind::Words | Kind::Texts => values.join("\n"),
            _ => values.join(","),
        };
        Some((opt.long().to_owned(), text))
    };
    boot::settings(site).filter_map(of).collect()
}

/// Locust's `/stop`: answers when the last user is gone.
pub(in crate::web) async fn stop(State(site): State<Arc<Site>>) -> Response {
    halt(&site.handle).await;
    reply::flask_json(StatusCode::OK, &json!({"message": "Test stopped", "success": true}))
}

/// Stops the run; returns when the last user is gone.
pub(in crate::web) async fn halt(handle: &Handle) {
    handle.stop().await;
}

/// Locust's `/stats/reset`.
pub(in crate::web) async fn reset(State(site): State<Arc<Site>>) -> Response {
    zero(&site.handle).await;
    reply::html(StatusCode::OK, "ok")
}

/// Sets all figures to zero, and returns when nobody sees the old ones any more.
pub(in crate::web) async fn zero(handle: &Handle) {
    /// Drivers owe their figures within a second.
    const PATIENCE: Duration = Duration::from_secs(5);
    let mut handle = handle.clone();
    let before = handle.latest().map(|summary| summary.start.to_bits());
    handle.reset();
    let seen = async {
        while handle.next_second().await {
            if handle.latest().map(|summary| summary.start.to_bits()) != before {
                return;
            }
        }
    };
    // It will be done all the same.
    let _ = tokio::time::timeout(PATIENCE, seen).await;
}
