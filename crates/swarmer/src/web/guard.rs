//! What every request passes: who may change something, how long it may take, and what browsers are told.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::auth::Refusal;
use super::login;
use super::reply::ApiError;
use super::routes::{MOST_BYTES, Route, Way};
use super::server::Peer;
use super::site::Site;

/// A request is answered within this time, the reading of its body included.
const PATIENCE: Duration = Duration::from_secs(30);

/// What pages may do, unless a page says it itself: nothing.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");

/// What the guard knows.
pub(super) struct Guard {
    site: Arc<Site>,
    routes: Vec<Route>,
    /// The one foreign origin whose pages may use the interface (`--web-cors`).
    cors: Option<HeaderValue>,
}

impl Guard {
    pub(super) fn new(site: Arc<Site>, routes: Vec<Route>, cors: Option<&str>) -> Self {
        let cors = cors.and_then(|origin| HeaderValue::from_str(origin).ok());
        Self { site, routes, cors }
    }

    /// The route of a request; `None` where there is none, or not by this method.
    fn route(&self, request: &Request) -> Option<&Route> {
        let matched = request.extensions().get::<MatchedPath>()?.as_str();
        let path = matched.strip_prefix(self.site.base_path.as_str())?;
        let way = if request.method() == Method::POST { Way::Post } else { Way::Get };
        self.routes.iter().find(|route| route.path == path && route.method == way)
    }

    /// Sees to it that whoever sent the request may, and notes who that is.
    fn admit(&self, route: Route, request: &mut Request) -> Result<(), Refusal> {
        let Some(gate) = &self.site.gate else { return Ok(()) };
        if route.is_open {
            return Ok(());
        }
        let peer = request.extensions().get::<Peer>().ok_or(Refusal::Unknown)?;
        let who = gate.who(peer.address.ip(), request.headers())?;
        request.extensions_mut().insert(who);
        Ok(())
    }
}

fn allows_origin(cors: Option<&HeaderValue>, origin: &HeaderValue) -> bool {
    cors.is_some_and(|allowed| allowed == "*" || allowed == origin)
}

/// Whether a page of another site may have sent this. Programs send none of these headers.
fn is_foreign(cors: Option<&HeaderValue>, headers: &HeaderMap) -> bool {
    if headers.get(header::ORIGIN).is_some_and(|origin| allows_origin(cors, origin)) {
        return false;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let (origin, host) = (origin.to_str(), headers.get(header::HOST).map(HeaderValue::to_str));
    match (origin, host) {
        (Ok(origin), Some(Ok(host))) => {
            origin.split_once("://").is_none_or(|(_, origin)| !origin.eq_ignore_ascii_case(host))
        }
        _ => true,
    }
}

/// What is said of a body that is announced as too long, also to an address that reads none.
fn too_long(headers: &HeaderMap) -> Option<ApiError> {
    let length: usize = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    let text = || format!("a body of {length} bytes; allowed: up to {MOST_BYTES}");
    (length > MOST_BYTES).then(|| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, text()))
}

/// Lets a request through, or not; and says to the browser what it may do with the reply.
pub(super) async fn guard(
    State(guard): State<Arc<Guard>>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = guard.route(&request).copied();
    let stranger = route.and_then(|route| guard.admit(route, &mut request).err());
    let origin = request.headers().get(header::ORIGIN).cloned();
    let asks_first = request.method() == Method::OPTIONS;
    let mut response = if let Some(refusal) = stranger {
        login::refuse(&guard.site.base_path, &request, refusal)
    } else if route.is_some_and(|route| route.changes)
        && is_foreign(guard.cors.as_ref(), request.headers())
    {
        ApiError::new(StatusCode::FORBIDDEN, "a page of another site may not do this")
            .into_response()
    } else if let Some(refusal) = too_long(request.headers()) {
        refusal.into_response()
    } else if route.is_some_and(|route| route.takes_time) {
        next.run(request).await
    } else {
        match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => {
                let text = format!("no answer within {} seconds", PATIENCE.as_secs());
                ApiError::new(StatusCode::REQUEST_TIMEOUT, text).into_response()
            }
        }
    };
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    default(header::CONTENT_SECURITY_POLICY, POLICY);
    default(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    default(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    default(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    default(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Some(origin) = origin.filter(|origin| allows_origin(guard.cors.as_ref(), origin)) {
        default(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        default(header::VARY, HeaderValue::from_static("origin"));
        if asks_first {
            default(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
            let names = HeaderValue::from_static("authorization, content-type, last-event-id");
            default(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_foreign(cors: Option<&'static str>, headers: &[(&'static str, &'static str)]) -> bool {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let cors = cors.map(HeaderValue::from_static);
        super::is_foreign(cors.as_ref(), &headers.iter().map(named).collect())
    }

    #[test]
    fn pages_of_other_sites_are_told_apart() {
        let (host, own) = (("host", "here:8089"), ("origin", "http://here:8089"));
        let other = ("origin", "https://evil.example");
        assert!(!is_foreign(None, &[host]), "programs");
        assert!(!is_foreign(None, &[host, own, ("sec-fetch-site", "same-origin")]));
        assert!(!is_foreign(None, &[host, own]), "browsers of old");
        assert!(is_foreign(None, &[host, other]));
        assert!(is_foreign(None, &[host, ("origin", "null")]));
        assert!(is_foreign(None, &[own]), "no host to compare with");
        for site in ["cross-site", "same-site", "x"] {
            assert!(is_foreign(None, &[host, own, ("sec-fetch-site", site)]), "{site}");
        }
        assert!(!is_foreign(
            Some("https://evil.example"),
            &[host, other, ("sec-fetch-site", "cross-site")]
        ));
        assert!(is_foreign(Some("https://good.example"), &[host, other]));
    }
}
