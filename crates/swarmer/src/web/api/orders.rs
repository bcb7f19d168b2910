//! What can be asked for: start, edit, stop, reset, and a plan to look at before.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::load::{Corners, Plan};
use crate::options::parse_span;
use crate::web::locust;
use crate::web::reply::ApiError;
use crate::web::site::Site;
use crate::web::wish::{Ask, Problem, Wish};

/// What a run shall be. Fields left out stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct StartRequest {
    /// Users at the peak; the pool's limit where journeys arrive at a rate.
    users: Option<i64>,
    /// Users started per second.
    spawn_rate: Option<f64>,
    /// Base URL for all user classes; empty: each has its own. In an edit it holds for users that are started from then on,
    /// and an empty one changes nothing.
    host: Option<String>,
    /// Such as `90`, `20s`, `1h30m`; empty: no limit.
    run_time: Option<String>,
    /// A label of the run; empty: none.
    profile: Option<String>,
    /// Names of the user classes to run; none: those chosen before, else all.
    classes: Option<Vec<String>>,
    /// The workload's shape; empty or `Default`: none.
    shape: Option<String>,
    /// Such as `30s:50,2m:50,30s:0`, instead of users and rate; empty: none.
    stages: Option<String>,
    /// Only tasks with one of these tags; none: all tasks. Given at a start, it holds until another start says else.
    tags: Option<Vec<String>>,
    /// No tasks with one of these tags; as `tags`.
    exclude_tags: Option<Vec<String>>,
    /// Options of the workload by name, as text.
    settings: Option<std::collections::BTreeMap<String, String>>,
}

/// What became of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Done {
    message: String,
    success: bool,
}

fn done(message: impl Into<String>) -> Json<Done> {
    Json(Done { message: message.into(), success: true })
}

type Body = Result<Json<StartRequest>, JsonRejection>;

/// Begins a run.
#[utoipa::path(post, path = "/api/v1/start", request_body = StartRequest, responses((status = 200, body = Done), (status = 409, description = "A run goes on", body = ApiError), (status = 422, description = "A field says what cannot be, or the target does not answer", body = ApiError)))]
pub(in crate::web) async fn start(
    State(site): State<Arc<Site>>,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let ask = read(&site, body)?;
    let started = site.wish(|answer| Wish::Start(ask, answer)).await?;
    Ok(match started.shape {
        Some(shape) => done(format!("Swarming started using shape class '{shape}'")),
        None => done("Swarming started"),
    })
}

/// Changes users, rate, run time, host and settings of the run that goes on.
#[utoipa::path(post, path = "/api/v1/edit", request_body = StartRequest, responses((status = 200, body = Done), (status = 409, description = "No run goes on, or its plan decides", body = ApiError), (status = 422, body = ApiError)))]
pub(in crate::web) async fn edit(
    State(site): State<Arc<Site>>,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let ask = read(&site, body)?;
    site.wish(|answer| Wish::Edit(ask, answer)).await?;
    Ok(done("Changed"))
}

/// Stops the run; answers when the last user is gone.
#[utoipa::path(post, path = "/api/v1/stop", responses((status = 200, body = Done)))]
pub(in crate::web) async fn stop(State(site): State<Arc<Site>>) -> Json<Done> {
    locust::halt(&site.handle).await;
    done("Test stopped")
}

/// Sets all figures to zero.
#[utoipa::path(post, path = "/api/v1/reset", responses((status = 200, body = Done)))]
pub(in crate::web) async fn reset(State(site): State<Arc<Site>>) -> Json<Done> {
    locust::zero(&site.handle).await;
    done("Figures are at zero")
}

/// What would happen, for drawing it before the start.
#[utoipa::path(post, path = "/api/v1/plan", request_body = StartRequest, responses((status = 200, description = "`seconds`, `users`, `unit`, `duration`"), (status = 422, body = ApiError)))]
pub(in crate::web) async fn plan(
    State(site): State<Arc<Site>>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let ask = read(&site, body)?;
    let plan = site.wish(|answer| Wish::Plan(ask, answer)).await?;
    let Corners { seconds, heights } = plan.corners();
    let unit = if matches!(plan, Plan::Arrivals { .. }) { "journeys per second" } else { "users" };
    let duration = plan.duration().map(|duration| duration.as_secs_f64());
    Ok(Json(json!({"seconds": seconds, "users": heights, "unit": unit, "duration": duration})))
}

/// Reads what was asked for; an empty body asks for nothing special.
fn read(site: &Site, body: Body) -> Result<Ask, ApiError> {
    let Json(request) = body.map_err(|rejection| {
        let status = match rejection {
            JsonRejection::JsonDataError(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ref other => other.status(),
        };
        ApiError::new(status, rejection.body_text())
    })?;
    let invalid = |field: &str, text: String| ApiError::from(Problem::invalid(field, text));
    let users = request.users.map(|users| {
        u32::try_from(users).map_err(|_| {
            let allowed = "allowed: a whole number, 0 or more";
            invalid("users", format!("invalid number of users: {users} ({allowed})"))
        })
    });
    let run_time = request.run_time.map(|text| -> Result<_, ApiError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let limit =
            parse_span(text.trim()).map_err(|error| invalid("run_time", error.to_owned()))?;
        Ok(Some(limit).filter(|limit| !limit.is_zero()))
    });
    let facts = site.facts();
    let shape = request.shape.map(|shape| match shape.as_str() {
        "" | "Default" => Ok(false),
        name if facts.shape.as_deref() == Some(name) => Ok(true),
        name => Err(invalid("shape", format!("the workload has no load shape '{name}'"))),
    });
    Ok(Ask {
        users: users.transpose()?,
        spawn_rate: request.spawn_rate,
        host: request.host.map(|host| host.trim().to_owned()),
        run_time: run_time.transpose()?,
        profile: request.profile,
        classes: request.classes,
        shape: shape.transpose()?,
        stages: request.stages,
        tags: request.tags.map(tags),
        exclude_tags: request.exclude_tags.map(tags),
        settings: request.settings.unwrap_or_default().into_iter().collect(),
    })
}

/// Tags as they are in a run; what is blank is none.
fn tags(told: Vec<String>) -> Vec<String> {
    let tags = told.into_iter().map(|tag| tag.trim().to_owned());
    tags.filter(|tag| !tag.is_empty()).collect()
}
