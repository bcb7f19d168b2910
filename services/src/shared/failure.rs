//! Everything that can go wrong, and its one shape outside: `{"success": false, "message": …}`.

use std::borrow::Cow;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Why a request was not fulfilled.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 400 with one entry per bad field.
    Invalid(Vec<FieldError>),
    /// A refusal whose text is meant for the client.
    Refused(StatusCode, Cow<'static, str>),
    /// A fault of ours: logged in full, answered without internals.
    Unexpected(anyhow::Error),
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Failure {
        Failure::Refused(StatusCode::BAD_REQUEST, message.into())
    }

    pub(crate) fn unauthorized(message: &'static str) -> Failure {
        Failure::Refused(StatusCode::UNAUTHORIZED, message.into())
    }

    pub(crate) fn not_found(message: &'static str) -> Failure {
        Failure::Refused(StatusCode::NOT_FOUND, message.into())
    }

    pub(crate) fn unavailable() -> Failure {
        Failure::Refused(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable".into())
    }

    /// One bad field of a body that is well formed as a whole.
    pub(crate) fn invalid_field(
        path: &'static str,
        value: Value,
        msg: impl Into<String>,
    ) -> Failure {
        Failure::Invalid(vec![FieldError::new("body", path, Some(value), msg)])
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => {
                tracing::warn!("no database connection became free in time");
                Failure::unavailable()
            }
            error => Failure::Unexpected(error.into()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Unexpected(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, message, errors) = match self {
            Failure::Invalid(errors) => {
                (StatusCode::BAD_REQUEST, "Validation failed".into(), Some(errors))
            }
            Failure::Refused(status, message) => (status, message, None),
            Failure::Unexpected(error) => {
                tracing::error!("unexpected error: {error:#}");
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error".into(), None)
            }
        };
        (status, Json(ErrorReply { success: false, message, errors })).into_response()
    }
}

/// The body of every refusal.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorReply {
    /// Always false.
    pub(crate) success: bool,
    #[schema(value_type = String)]
    pub(crate) message: Cow<'static, str>,
    /// Present when fields are at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<Vec<FieldError>>,
}

/// One bad field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Always `field`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What was given; absent when nothing was, and for passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    msg: String,
    pub(crate) path: String,
    /// `body` or `query`.
    location: &'static str,
}

impl FieldError {
    pub(crate) fn new(
        location: &'static str,
        path: impl Into<String>,
        value: Option<Value>,
        msg: impl Into<String>,
    ) -> FieldError {
        FieldError { kind: "field", value, msg: msg.into(), path: path.into(), location }
    }
}
