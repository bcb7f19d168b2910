//! The OpenAPI document, made from the handlers.

use axum::Json;
use utoipa::OpenApi;

use super::{events, figures, orders};
use crate::web::reply::ApiError;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "swarmer",
        description = "The interface of the web page. Beside it there is the one that scripts written for Locust know: \
                       /swarm, /stop, /stats/reset, /stats/requests and so on."
    ),
    paths(
        figures::health,
        figures::state,
        figures::summary,
        figures::history,
        figures::row_history,
        figures::logs,
        events::events,
        orders::start,
        orders::edit,
        orders::stop,
        orders::reset,
        orders::plan,
    ),
    components(schemas(ApiError))
)]
struct Document;

/// `/api/v1/openapi.json`.
pub(in crate::web) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
