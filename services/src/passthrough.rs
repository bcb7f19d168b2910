//! A plain proxy, in place of the gateway until that is wired.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;

/// Sends `/api/v1/…` on to the service that answers it.
pub(crate) fn router(user: &Url, quotes: &Url, policy: &Url, claims: &Url) -> Router {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Body> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
    let upstream = [
        ("auth", user),
        ("users", user),
        ("organizations", user),
        ("quotes", quotes),
        ("policies", policy),
        ("claims", claims),
    ]
    .map(|(segment, url)| (segment, url.as_str().trim_end_matches('/').to_owned()));
    Router::new().fallback(move |mut request: Request| async move {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let target = path.strip_prefix("/api/v1/").and_then(|rest| {
            let segment = rest.split(['/', '?']).next()?;
            let (_, base) = upstream.iter().find(|(name, _)| *name == segment)?;
            format!("{base}/api/{rest}").parse::<Uri>().ok()
        });
        let Some(target) = target else { return StatusCode::NOT_FOUND.into_response() };
        *request.uri_mut() = target;
        match client.request(request).await {
            Ok(response) => response.map(Body::new),
            Err(_) => Response::from(StatusCode::SERVICE_UNAVAILABLE.into_response()),
        }
    })
}
