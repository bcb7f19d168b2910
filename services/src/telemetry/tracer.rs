//! One service's source of spans.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::config::ExportConfig;
use super::db::Database;
use super::export;
use super::ids::TraceContext;
use super::span::{Ended, Kind, Span};

/// One service's source of spans; cheap to clone. Without a collector it makes none.
#[derive(Clone, Default)]
pub struct Tracer {
    inner: Option<Arc<Inner>>,
    database: Option<Arc<Database>>,
}

pub(crate) struct Inner {
    queue: mpsc::Sender<Message>,
    counts: Arc<Counts>,
    /// Whether a flush is in progress: then a batch is tried once, without retries.
    hurry: watch::Sender<bool>,
    sampler: super::config::Sampler,
}

pub(super) enum Message {
    Span(Box<Ended>),
    /// Everything queued before is to be sent; then answer.
    Flush(oneshot::Sender<()>),
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) exported: AtomicU64,
    pub(super) dropped: AtomicU64,
}

/// What became of a service's spans so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// Accepted by the collector.
    pub exported: u64,
    /// Lost: the queue was full, or the collector away or unwilling.
    pub dropped: u64,
}

impl Tracer {
    /// A tracer that records nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// A tracer whose spans go to the collector under this service's name; without `config`, [`Tracer::off`].
    /// Must be called within a Tokio runtime, on which the exporter then runs.
    pub fn start_service(service: &str, config: Option<&ExportConfig>) -> Self {
        let Some(config) = config else { return Self::off() };
        let (queue, spans) = mpsc::channel(config.max_queue.max(1));
        let counts = Arc::<Counts>::default();
        let (hurry, hurried) = watch::channel(false);
        tokio::spawn(export::run(
            service.to_owned(),
            config.clone(),
            spans,
            Arc::clone(&counts),
            hurried,
        ));
        let inner = Inner { queue, counts, hurry, sampler: config.sampler };
        Self { inner: Some(Arc::new(inner)), database: None }
    }

    /// The tracer of a service whose queries go to this database.
    #[must_use]
    pub fn with_database(self, database: Database) -> Self {
        Self { database: Some(Arc::new(database)), ..self }
    }

    pub(super) fn database(&self) -> Option<&Database> {
        self.database.as_deref()
    }

    pub(crate) fn is_off(&self) -> bool {
        self.inner.is_none()
    }

    /// Where a new server span would stand in its trace; `None` if it is not to be recorded.
    pub(super) fn sample(&self, parent: Option<TraceContext>) -> Option<TraceContext> {
        let inner = self.inner.as_ref()?;
        let context = parent.map_or_else(|| TraceContext::root(true), TraceContext::child);
        let kept = inner.sampler.samples(parent, context.trace_id);
        kept.then_some(TraceContext { sampled: true, ..context })
    }

    pub(super) fn start(
        &self,
        kind: Kind,
        name: Cow<'static, str>,
        context: TraceContext,
        parent: Option<TraceContext>,
    ) -> Option<Span> {
        Some(Span::start(self.inner.as_ref()?, kind, name, context, parent))
    }

    /// What became of the spans so far.
    pub fn counts(&self) -> SpanCounts {
        self.inner.as_ref().map_or_else(SpanCounts::default, |inner| SpanCounts {
            exported: inner.counts.exported.load(Ordering::Relaxed),
            dropped: inner.counts.dropped.load(Ordering::Relaxed),
        })
    }

    /// Sends what is queued, for `limit` at most. Called last at shutdown; a second call does no harm.
    pub async fn flush(&self, limit: Duration) {
        let Some(inner) = &self.inner else { return };
        inner.hurry.send_replace(true);
        let (done, flushed) = oneshot::channel();
        let flush = async {
            if inner.queue.send(Message::Flush(done)).await.is_ok() {
                // The exporter is gone only if the runtime ends: nothing is left to wait for.
                let _ = flushed.await;
            }
        };
        if tokio::time::timeout(limit, flush).await.is_err() {
            tracing::warn!("the trace collector did not take the last spans within {limit:?}");
        }
        inner.hurry.send_replace(false);
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tracer").field(&self.counts()).finish()
    }
}

impl Inner {
    /// Queues an ended span; never waits.
    pub(super) fn submit(&self, span: Box<Ended>) {
        if self.queue.try_send(Message::Span(span)).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
