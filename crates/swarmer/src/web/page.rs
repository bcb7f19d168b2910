//! The page itself.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::login::SignedIn;
use super::site::Site;
use super::{auth, boot, reply};
use crate::report::html::{Embedded, NOT_BUILT, PLACE};

/// The page with its data. Scripts run only with the number that is drawn for each delivery.
pub(super) async fn index(
    State(site): State<Arc<Site>>,
    signed_in: Option<Extension<SignedIn>>,
) -> Response {
    let history = site.handle.ask(|collector| collector.history().columns()).await;
    let users = site.summary().await.map_or(0, |summary| summary.user_count());
    let locust = boot::locust(&site, &history.unwrap_or_default(), users);
    let own = boot::swarmer(&site, signed_in.as_ref().map(|Extension(who)| who));
    with_data(StatusCode::OK, &[("templateArgs", locust), ("swarmer", own)])
}

/// The page with these variables of `window`, each as a line of its own.
pub(super) fn with_data(status: StatusCode, variables: &[(&str, Value)]) -> Response {
    let Some(page) = Embedded::page("index.html") else {
        return reply::error_page(StatusCode::INTERNAL_SERVER_ERROR, NOT_BUILT);
    };
    let Ok(nonce) = auth::secret() else {
        let text = "The system gives no random numbers.";
        return reply::error_page(StatusCode::INTERNAL_SERVER_ERROR, text);
    };
    let lines: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("window.{name} = {}\n", reply::script_json(value)))
        .collect();
    let boot = format!("<script nonce=\"{nonce}\">\n{}</script>", lines.concat());
    with_policy(reply::html(status, page.replacen(PLACE, &boot, 1)), &nonce)
}

/// Lets the page run its own scripts, and nothing else.
pub(super) fn with_policy(mut response: Response, nonce: &str) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         font-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
