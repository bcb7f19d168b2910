//! The task that sends a service's spans to the collector, in batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::config::ExportConfig;
use super::otlp::{self, ExportTraceServiceResponse, Resource};
use super::span::Ended;
use super::tracer::{Counts, Message};

/// The longest pause before another attempt.
const MAX_PAUSE: Duration = Duration::from_secs(8);
/// The collector's answer is read up to here.
const MAX_ANSWER: usize = 64 * 1024;

/// Runs until every tracer of the service is gone.
pub(super) async fn run(
    service: String,
    config: ExportConfig,
    mut queue: mpsc::Receiver<Message>,
    counts: Arc<Counts>,
    hurried: watch::Receiver<bool>,
) {
    let mut sender = Sender::new(service, config, counts, hurried);
    while let Some(first) = queue.recv().await {
        let mut batch = Vec::new();
        let mut flush = take(first, &mut batch);
        let due = Instant::now() + sender.config.schedule_delay;
        while flush.is_none() && batch.len() < sender.config.max_batch {
            tokio::select! {
                message = queue.recv() => match message {
                    Some(message) => flush = take(message, &mut batch),
                    None => break,
                },
                () = sleep_until(due) => break,
            }
        }
        sender.send(batch).await;
        if let Some(done) = flush {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }
}

fn take(message: Message, batch: &mut Vec<Ended>) -> Option<oneshot::Sender<()>> {
    match message {
        Message::Span(span) => {
            batch.push(*span);
            None
        }
        Message::Flush(done) => Some(done),
    }
}

struct Sender {
    service: String,
    config: ExportConfig,
    resource: Resource,
    client: Client<HttpConnector, Full<Bytes>>,
    counts: Arc<Counts>,
    hurried: watch::Receiver<bool>,
    /// Whether the last batch was lost: the change is logged, not every batch.
    failing: bool,
}

/// Why a batch was not taken.
struct Refusal {
    reason: String,
    /// Whether the same batch may be taken later.
    may_retry: bool,
}

impl Sender {
    fn new(
        service: String,
        config: ExportConfig,
        counts: Arc<Counts>,
        hurried: watch::Receiver<bool>,
    ) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(config.timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector);
        let resource = otlp::resource(&service, &config.resource);
        Self { service, config, resource, client, counts, hurried, failing: false }
    }

    async fn send(&mut self, batch: Vec<Ended>) {
        if batch.is_empty() {
            return;
        }
        let spans = batch.len() as u64;
        let body = Bytes::from(otlp::encode(&self.resource, batch));
        match self.send_with_retries(body).await {
            Ok(rejected) => {
                let rejected = rejected.min(spans);
                self.counts.exported.fetch_add(spans - rejected, Ordering::Relaxed);
                self.counts.dropped.fetch_add(rejected, Ordering::Relaxed);
                if std::mem::take(&mut self.failing) {
                    tracing::info!(service = self.service, "the trace collector takes spans again");
                }
            }
            Err(refusal) => {
                self.counts.dropped.fetch_add(spans, Ordering::Relaxed);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(
                        service = self.service,
                        endpoint = %self.config.endpoint,
                        "spans are being dropped: {}", refusal.reason
                    );
                }
            }
        }
    }

    async fn send_with_retries(&self, body: Bytes) -> Result<u64, Refusal> {
        let mut hurried = self.hurried.clone();
        let mut pause = Duration::from_millis(500);
        for _ in 0..self.config.retries {
            match self.attempt(body.clone()).await {
                Err(refusal) if refusal.may_retry => {}
                outcome => return outcome,
            }
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(MAX_PAUSE),
                _ = hurried.wait_for(|hurried| *hurried) => break,
            }
        }
        self.attempt(body).await
    }

    /// Sends one batch; the number of spans that the collector refused.
    async fn attempt(&self, body: Bytes) -> Result<u64, Refusal> {
        let again = |reason: String| Refusal { reason, may_retry: true };
        let exchange = async {
            let answer = self.client.request(self.request(body)).await;
            let answer = answer.map_err(|error| again(format!("{error:#}{}", cause(&error))))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            Ok((status, body.map(http_body_util::Collected::to_bytes).unwrap_or_default()))
        };
        let (status, answer) =
            timeout(self.config.timeout, exchange).await.unwrap_or_else(|_| {
                Err(again(format!("no answer within {:?}", self.config.timeout)))
            })?;
        if !status.is_success() {
            let may_retry = matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            );
            return Err(Refusal { reason: format!("the collector answered {status}"), may_retry });
        }
        let partial = ExportTraceServiceResponse::decode(answer).ok();
        let partial = partial.and_then(|answer| answer.partial_success);
        Ok(partial.map_or(0, |partial| {
            let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0);
            if rejected > 0 {
                tracing::debug!(rejected, reason = partial.error_message, "spans refused");
            }
            rejected
        }))
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.config.endpoint.clone();
        let headers = request.headers_mut();
        headers.extend(self.config.headers.iter().cloned());
        headers
            .insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/x-protobuf"));
        request
    }
}

fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(String::new, |cause| format!(": {cause}"))
}
