//! The sign-in check: every request's token is shown to user-service.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize as _;
use serde_json::json;

use super::failure::{Failure, Outcome};
use super::peer::{Onward, Peer};
use super::token::Identity;
use crate::telemetry::{EndUser, signed_in};

/// user-service, as the others see it.
#[derive(Clone)]
pub(crate) struct Users(pub(crate) Peer);

/// The signed-in caller.
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    /// What calls made for this caller carry.
    pub(crate) onward: Onward,
}

impl Caller {
    pub(crate) fn user(&self) -> &str {
        &self.identity.user_id
    }

    pub(crate) fn organization(&self) -> &str {
        &self.identity.organization_id
    }
}

/// Names the caller in the trace of the request.
pub(crate) fn known(identity: &Identity) {
    signed_in(EndUser {
        id: &identity.user_id,
        organization_id: &identity.organization_id,
        role: &identity.role,
    });
}

/// The token of `Authorization: Bearer …`.
pub(crate) fn bearer(headers: &HeaderMap) -> Outcome<&str> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| Failure::unauthorized("No token provided"))
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Users: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let token = bearer(&parts.headers)?;
        let onward = Onward::of(&parts.headers);
        let Users(users) = Users::from_ref(state);
        let answer = users
            .post("/api/auth/verify", &onward, &json!({ "token": token }))
            .await
            .map_err(|silence| {
                tracing::warn!("sign-in check failed: {silence}");
                Failure::unavailable()
            })?;
        match answer.status {
            StatusCode::OK => {
                let data = answer.data().unwrap_or_default();
                let identity = Identity::deserialize(data).map_err(anyhow::Error::from)?;
                known(&identity);
                Ok(Caller { identity, onward })
            }
            status if status.is_client_error() => {
                Err(Failure::unauthorized("Authentication failed"))
            }
            status => {
                tracing::warn!("sign-in check failed: user-service answered {status}");
                Err(Failure::unavailable())
            }
        }
    }
}
