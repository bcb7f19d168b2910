//! Calls from one service to another: the single place where requests leave a service.

use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use url::Url;

use crate::telemetry::outgoing;

/// More than any answer of a service to one of these calls.
const MAX_ANSWER: usize = 1 << 20;
const IDLE_CONNECTIONS: usize = 256;

type Http = Client<HttpConnector, Full<Bytes>>;

/// Another service, called over kept-alive connections.
#[derive(Clone)]
pub(crate) struct Peer {
    base: String,
    limit: Duration,
    http: Http,
}

/// What a peer answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    /// Takes the entity out of a success.
    pub(crate) fn data(mut self) -> Option<Value> {
        self.status.is_success().then(|| self.body.get_mut("data").map(Value::take)).flatten()
    }
}

/// Why a peer gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silence {
    /// No connection: the request was certainly not processed.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    /// Anything later: the request may have been processed.
    #[error("{0} gave no usable answer: {1}")]
    Lost(String, String),
}

/// The headers that go on from the request being served to the requests made for it.
#[derive(Clone, Default)]
pub(crate) struct Onward(HeaderMap);

impl Onward {
    pub(crate) fn of(headers: &HeaderMap) -> Onward {
        let passed = [AUTHORIZATION, USER_AGENT];
        let given = passed.into_iter().filter_map(|name| {
            let value = headers.get(&name)?.clone();
            Some((name, value))
        });
        Onward(given.collect())
    }

    /// On behalf of the holder of this token.
    pub(crate) fn bearer(token: &str) -> anyhow::Result<Onward> {
        let value = HeaderValue::try_from(format!("Bearer {token}"))?;
        Ok(Onward(HeaderMap::from_iter([(AUTHORIZATION, value)])))
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: &'static str, value: HeaderValue) -> Onward {
        self.0.insert(name, value);
        self
    }
}

impl Peer {
    pub(crate) fn new(base: &Url, limit: Duration) -> Peer {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(limit));
        let http = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(Duration::from_mins(1))
            .pool_timer(TokioTimer::new())
            .build(connector);
        Peer { base: base.as_str().trim_end_matches('/').to_owned(), limit, http }
    }

    pub(crate) async fn get(&self, path: &str, onward: &Onward) -> Result<Answer, Silence> {
        self.call(Method::GET, path, onward, Bytes::new()).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        onward: &Onward,
        body: &Value,
    ) -> Result<Answer, Silence> {
        self.call(Method::POST, path, onward, Bytes::from(body.to_string())).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        Onward(headers): &Onward,
        body: Bytes,
    ) -> Result<Answer, Silence> {
        let lost =
            |cause: &dyn std::fmt::Display| Silence::Lost(self.base.clone(), cause.to_string());
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .body(Full::new(body))
            .map_err(|error| Silence::Unreachable(self.base.clone(), error.to_string()))?;
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));

        let exchange = async {
            let sent = outgoing(request, |request| self.http.request(request)).await;
            let response = sent.map_err(|error| {
                if error.is_connect() {
                    Silence::Unreachable(self.base.clone(), chain(&error))
                } else {
                    lost(&chain(&error))
                }
            })?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            let body = body.map_err(|error| lost(&error))?.to_bytes();
            let body = serde_json::from_slice(&body).map_err(|error| lost(&error))?;
            Ok(Answer { status, body })
        };
        match tokio::time::timeout(self.limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(lost(&format!("nothing within {:?}", self.limit))),
        }
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
