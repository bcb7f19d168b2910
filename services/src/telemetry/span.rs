//! A span while it runs, and what is kept of it once it has ended.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::ids::TraceContext;
use super::tracer::Inner;

/// What the span describes, with OTLP's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Server = 2,
    Client = 3,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Cow<'static, str>),
    Int(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Cow<'static, str>> for Value {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Int(number.into())
    }
}

pub(crate) type Attribute = (&'static str, Value);

/// An ended span, ready for export. Times are nanoseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) context: TraceContext,
    pub(crate) parent: Option<u64>,
    pub(crate) parent_is_remote: bool,
    pub(crate) trace_state: String,
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: Kind,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) failed: bool,
}

/// A running span. It is handed to the exporter when dropped; dropped before [`Span::end`] (the caller went away,
/// a time limit struck) it is marked as failed with `error.type = cancelled`.
pub(crate) struct Span {
    /// `None` only inside `drop`.
    record: Option<Box<Ended>>,
    started: Instant,
    complete: bool,
    tracer: Arc<Inner>,
}

impl Span {
    pub(super) fn start(
        tracer: &Arc<Inner>,
        kind: Kind,
        name: Cow<'static, str>,
        context: TraceContext,
        parent: Option<TraceContext>,
    ) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let record = Ended {
            context,
            parent: parent.map(|parent| parent.span_id),
            parent_is_remote: parent.is_some() && kind == Kind::Server,
            trace_state: String::new(),
            name,
            kind,
            start,
            end: start,
            attributes: Vec::with_capacity(16),
            failed: false,
        };
        let tracer = Arc::clone(tracer);
        Self { record: Some(Box::new(record)), started: Instant::now(), complete: false, tracer }
    }

    fn record(&mut self) -> &mut Ended {
        self.record.as_mut().expect("the record is taken by `drop` only")
    }

    pub(crate) fn context(&self) -> TraceContext {
        self.record.as_ref().expect("the record is taken by `drop` only").context
    }

    pub(crate) fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.record().attributes.push((key, value.into()));
    }

    pub(crate) fn extend(&mut self, attributes: impl IntoIterator<Item = Attribute>) {
        self.record().attributes.extend(attributes);
    }

    pub(crate) fn set_trace_state(&mut self, state: String) {
        self.record().trace_state = state;
    }

    pub(crate) fn fail(&mut self, error_type: impl Into<Value>) {
        self.set("error.type", error_type);
        self.record().failed = true;
    }

    pub(crate) fn end(mut self) {
        self.complete = true;
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if !self.complete {
            self.fail("cancelled");
        }
        let elapsed = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if let Some(mut record) = self.record.take() {
            record.end = record.start.saturating_add(elapsed);
            self.tracer.submit(record);
        }
    }
}
