//! The request id, and one log line per request.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use uuid::Uuid;

use crate::telemetry::tail::{Ending, at_end};
use crate::telemetry::trace_id;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A client's own id is passed on up to this length.
const MAX_ID: usize = 128;

pub(super) async fn log(State(on): State<bool>, mut request: Request, next: Next) -> Response {
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let line = (on && tracing::enabled!(target: "access", tracing::Level::INFO))
        .then(|| Line::start(&request, &id));
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    let Some(line) = line else { return response };
    let status = response.status().as_u16();
    at_end(response, move |ending| line.write(status, ending))
}

/// The client's id where it is a plain one, else a new one: whatever it holds ends up in headers and log lines.
fn request_id(request: &Request) -> HeaderValue {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    let given = request
        .headers()
        .get(REQUEST_ID)
        .filter(|id| (1..=MAX_ID).contains(&id.len()) && id.as_bytes().iter().all(plain));
    given.cloned().unwrap_or_else(|| {
        HeaderValue::try_from(Uuid::new_v4().to_string()).expect("a UUID is a valid header value")
    })
}

struct Line {
    started: Instant,
    method: String,
    path: String,
    client: String,
    request_id: String,
    trace_id: String,
}

impl Line {
    fn start(request: &Request, id: &HeaderValue) -> Self {
        let client = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        Self {
            started: Instant::now(),
            method: request.method().to_string(),
            path: path.to_owned(),
            client: client.map_or_else(String::new, |client| client.0.ip().to_string()),
            request_id: String::from_utf8_lossy(id.as_bytes()).into_owned(),
            trace_id: trace_id().unwrap_or_default(),
        }
    }

    fn write(self, status: u16, ending: Ending) {
        let Self { started, method, path, client, request_id, trace_id } = self;
        let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        let complete = ending == Ending::Complete;
        tracing::info!(
            target: "access",
            method, path, status, duration_ms, client, request_id, trace_id, complete, "request"
        );
    }
}
