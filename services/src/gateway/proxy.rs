//! Requests passed on to the services, over kept-alive connections.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use http::{StatusCode, Uri, header, request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, sleep_until};

use super::config::{GatewayConfig, Upstream};
use super::relay::Relay;
use super::upload::{Progress, Upload, discard};
use super::{headers, reply};
use crate::telemetry::outgoing;

type Client = legacy::Client<HttpConnector, Body>;

/// A body that may have to be sent twice is kept up to this length.
const MAX_REPLAY: u64 = 64 * 1024;

#[derive(Debug)]
pub(super) struct Proxy {
    /// Keeps connections.
    pooled: Client,
    /// Opens one for each request: for a second try after a kept one turned out to be closed.
    fresh: Client,
    timeout: Duration,
    body_limit: u64,
}

/// Why there is no answer to pass on.
#[derive(Debug)]
enum Failure {
    Unavailable(legacy::Error),
    Silent,
    ClientSlow,
    ClientBroken,
    TooLong,
}

impl Proxy {
    pub(super) fn new(config: &GatewayConfig) -> Self {
        let client = |idle_connections| {
            let mut connector = HttpConnector::new();
            connector.set_nodelay(true);
            legacy::Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(idle_connections)
                .build(connector)
        };
        Self {
            pooled: client(usize::MAX),
            fresh: client(0),
            timeout: config.proxy_timeout,
            body_limit: config.body_limit,
        }
    }

    /// Asks `upstream`, and passes its answer on.
    pub(super) async fn forward(&self, upstream: &Upstream, request: Request) -> Response {
        let expects_continue = request.headers().contains_key(header::EXPECT);
        let (mut parts, body) = request.into_parts();
        if body.size_hint().lower() > self.body_limit {
            // A client that waits for `100 Continue` sends nothing unless it is read from.
            if !expects_continue {
                discard(body);
            }
            return self.explain(upstream, &Failure::TooLong);
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        headers::name_host(&mut parts.headers, &parts.uri);
        headers::prepare_request(&mut parts.headers, peer);
        let Some(uri) = target(upstream, &parts.uri) else {
            return reply::error(StatusCode::BAD_REQUEST, "The request's address is not valid");
        };
        parts.uri = uri;
        parts.version = http::Version::HTTP_11;
        parts.extensions = http::Extensions::new();
        let progress = Progress::new();
        let upload = Upload::new(body, self.body_limit, &progress);
        match self.in_time(&progress, self.exchange(parts, upload, &progress)).await {
            Ok(answer) => self.pass_on(answer),
            Err(failure) => self.explain(upstream, &failure),
        }
    }

    /// One request and its answer's head. A request that may be repeated is tried again, on a new connection, when the
    /// one it was sent on ended without an answer: the service may just have closed it for being idle, or restarted.
    async fn exchange(
        &self,
        parts: request::Parts,
        upload: Upload,
        progress: &Progress,
    ) -> Result<http::Response<Incoming>, Failure> {
        let short = upload.size_hint().exact().is_some_and(|length| length <= MAX_REPLAY);
        if !(parts.method.is_idempotent() && short) {
            let request = http::Request::from_parts(parts, Body::new(upload));
            return outgoing(request, |request| self.pooled.request(request))
                .await
                .map_err(|error| Failure::of(error, progress));
        }
        let collected = upload.collect().await.map_err(|_| Failure::ClientBroken)?.to_bytes();
        let request = http::Request::from_parts(parts.clone(), Body::from(collected.clone()));
        match outgoing(request, |request| self.pooled.request(request)).await {
            Err(error) if !error.is_connect() => {
                let request = http::Request::from_parts(parts, Body::from(collected));
                outgoing(request, |request| self.fresh.request(request)).await
            }
            outcome => outcome,
        }
        .map_err(Failure::Unavailable)
    }

    /// Runs an exchange until the service has been silent for too long. While the client still sends, it is not the
    /// service that is waited for.
    async fn in_time<T>(
        &self,
        progress: &Progress,
        exchange: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::pin!(exchange);
        let mut due = Instant::now() + self.timeout;
        loop {
            tokio::select! {
                biased;
                outcome = &mut exchange => return outcome,
                () = sleep_until(due) => {
                    let later = progress.moved() + self.timeout;
                    if later > due {
                        due = later;
                    } else if progress.awaits_client() {
                        return Err(Failure::ClientSlow);
                    } else {
                        return Err(Failure::Silent);
                    }
                }
            }
        }
    }

    fn pass_on(&self, answer: http::Response<Incoming>) -> Response {
        let (mut parts, body) = answer.into_parts();
        headers::remove_hop_by_hop(&mut parts.headers);
        parts.version = http::Version::HTTP_11;
        // The connection's, not the answer's.
        parts.extensions = http::Extensions::new();
        Response::from_parts(parts, Body::new(Relay::new(body, self.timeout)))
    }

    fn explain(&self, upstream: &Upstream, failure: &Failure) -> Response {
        let service = upstream.name;
        match failure {
            Failure::Unavailable(error) => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                let cause = cause.unwrap_or_default();
                tracing::warn!(service, "no answer from the service: {error}: {cause}");
                reply::error(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
            }
            Failure::Silent => {
                tracing::warn!(service, "the service did not answer within {:?}", self.timeout);
                let message = "Gateway timeout - service did not respond in time";
                reply::error(StatusCode::GATEWAY_TIMEOUT, message)
            }
            Failure::ClientSlow => {
                let message = "The request body did not arrive in time";
                reply::error(StatusCode::REQUEST_TIMEOUT, message)
            }
            Failure::ClientBroken => {
                reply::error(StatusCode::BAD_REQUEST, "The request body could not be read")
            }
            Failure::TooLong => {
                let message = format!("Request body exceeds {} bytes", self.body_limit);
                reply::error(StatusCode::PAYLOAD_TOO_LARGE, &message)
            }
        }
    }

    /// Whether a service says that it is well.
    pub(super) async fn is_healthy(&self, upstream: &Upstream) -> bool {
        let path = format!("{}/health", upstream.prefix);
        let uri = Uri::builder()
            .scheme("http")
            .authority(upstream.authority.clone())
            .path_and_query(path)
            .build();
        let Ok(uri) = uri else { return false };
        let mut request = http::Request::new(Body::empty());
        *request.uri_mut() = uri;
        let limit = self.timeout.min(Duration::from_secs(2));
        let answer = tokio::time::timeout(limit, self.fresh.request(request)).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status().is_success()))
    }
}

impl Failure {
    /// A streamed body that failed makes the exchange fail: then the client is to blame, not the service.
    fn of(error: legacy::Error, progress: &Progress) -> Self {
        if progress.is_too_long() {
            Self::TooLong
        } else if progress.is_broken() {
            Self::ClientBroken
        } else {
            Self::Unavailable(error)
        }
    }
}

/// `/api/v1/x?y` becomes `http://service/api/x?y`. A slash at the path's end makes no difference, as in Express.
fn target(upstream: &Upstream, uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_prefix("/api/v1")?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Uri::builder()
        .scheme("http")
        .authority(upstream.authority.clone())
        .path_and_query(format!("{}/api{path}{query}", upstream.prefix))
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_mapped_and_kept_as_they_are() {
        let plain = Upstream::new("claims-service", "http://c:1").unwrap();
        let deep = Upstream::new("claims-service", "http://c:1/base/").unwrap();
        let map =
            |upstream, uri: &str| target(upstream, &uri.parse().unwrap()).unwrap().to_string();
        assert_eq!(map(&plain, "/api/v1/claims"), "http://c:1/api/claims");
        assert_eq!(map(&plain, "/api/v1/claims/"), "http://c:1/api/claims");
        assert_eq!(
            map(&plain, "/api/v1/claims/a%2Fb/?q=%20&q=/api/v1"),
            "http://c:1/api/claims/a%2Fb?q=%20&q=/api/v1"
        );
        assert_eq!(map(&deep, "http://other/api/v1/claims?x"), "http://c:1/base/api/claims?x");
    }

    #[test]
    fn only_plain_http_addresses_are_upstreams() {
        for bad in ["", "c:1", "https://c", "http://", "http://u:p@c", "http://c/?q", "ftp://c"] {
            assert_eq!(Upstream::new("x", bad), None, "{bad}");
        }
    }
}
