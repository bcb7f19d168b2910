//! `dynaclaimz health`: a short second process that asks a running one, so that an image needs no web client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(4);
/// More than any answer to this question.
const MAX_ANSWER: usize = 1 << 16;

/// The answer of the process that listens at `address`.
///
/// # Errors
/// When it does not answer in time, or says that it is not well.
pub(crate) async fn ask(address: SocketAddr, ready: bool) -> anyhow::Result<String> {
    let path = if ready { "/ready" } else { "/health" };
    let url = format!("http://{}{path}", reachable(address));
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let request = Request::get(&url).body(Body::empty())?;
    let asked = async {
        let answer = client.request(request).await.with_context(|| format!("{url} is silent"))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("{url}: {error}"))?.to_bytes();
        let body = String::from_utf8_lossy(&body).trim().to_owned();
        if status != StatusCode::OK {
            bail!("{url} answers {status}: {body}");
        }
        Ok(body)
    };
    let told = tokio::time::timeout(LIMIT, asked).await;
    told.with_context(|| format!("{url} does not answer within {} s", LIMIT.as_secs()))?
}

/// What listens at every address is asked at this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(host, address.port())
}
