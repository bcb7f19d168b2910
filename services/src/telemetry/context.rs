//! The task-local scope of one request: where its spans hang, and what is sent on to the next service.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::db::Database;
use super::ids::{TRACEPARENT, TRACESTATE, TraceContext};
use super::span::{Attribute, Kind, Span};
use super::tracer::Tracer;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const PASSED: usize = 4;

/// What goes on, as it came, to every service that this request asks in turn: so the client's group and the request's
/// id are known on every hop, and a trace goes on also where nothing is recorded.
static PASSED_ON: [HeaderName; PASSED] = [TRACEPARENT, TRACESTATE, header::USER_AGENT, REQUEST_ID];

tokio::task_local! {
    static CURRENT: Context;
}

/// The scope of the request in hand. A handler needs it only to carry the trace into a task it spawns:
/// `tokio::spawn(Context::current().scope(work))`.
#[derive(Clone, Debug, Default)]
pub struct Context(Option<Arc<Scope>>);

#[derive(Debug)]
struct Scope {
    tracer: Tracer,
    /// The server span if it is recorded, else what came in.
    parent: Option<TraceContext>,
    recorded: bool,
    passed_on: [Option<HeaderValue>; PASSED],
    server_attributes: Mutex<Vec<Attribute>>,
}

impl Context {
    /// The scope of a request that came in with these headers.
    pub(super) fn new(tracer: &Tracer, headers: &HeaderMap, span: Option<&Span>) -> Self {
        let inbound = TraceContext::from_headers(headers);
        let mut passed_on = PASSED_ON.each_ref().map(|name| headers.get(name).cloned());
        if inbound.is_none() {
            // A broken `traceparent` ends here, and its `tracestate` with it, as the standard says.
            passed_on[0] = None;
            passed_on[1] = None;
        }
        Self(Some(Arc::new(Scope {
            tracer: tracer.clone(),
            parent: span.map(Span::context).or(inbound),
            recorded: span.is_some(),
            passed_on,
            server_attributes: Mutex::default(),
        })))
    }

    /// The scope of the running task; an empty one outside of any request.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Runs `work` in this scope.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// The place in the trace under which this scope's work hangs.
    pub(crate) fn parent(&self) -> Option<TraceContext> {
        self.0.as_ref()?.parent
    }

    /// The database that the service's queries go to.
    pub(super) fn database(&self) -> Option<&Database> {
        self.0.as_ref()?.tracer.database()
    }

    /// A client span (for a call or a query) below the server span, if this request is recorded.
    pub(super) fn client_span<N>(&self, name: impl FnOnce() -> N) -> Option<Span>
    where
        N: Into<Cow<'static, str>>,
    {
        let scope = self.0.as_ref().filter(|scope| scope.recorded)?;
        let parent = scope.parent?;
        scope.tracer.start(Kind::Client, name().into(), parent.child(), Some(parent))
    }

    /// Writes the trace context and the client's identity into the headers of a request about to leave. Headers that
    /// the caller set itself stay, but for the trace context.
    pub(super) fn inject(&self, headers: &mut HeaderMap, span: Option<&Span>) {
        let Some(scope) = &self.0 else { return };
        headers.remove(TRACEPARENT);
        headers.remove(TRACESTATE);
        for (name, value) in PASSED_ON.iter().zip(&scope.passed_on) {
            if let (Some(value), false) = (value, headers.contains_key(name)) {
                headers.insert(name.clone(), value.clone());
            }
        }
        if let Some(span) = span {
            headers.insert(TRACEPARENT, span.context().to_header());
        }
    }

    /// The attributes that handlers added to the server span.
    pub(super) fn take_server_attributes(&self) -> Vec<Attribute> {
        self.0.as_ref().map_or_else(Vec::new, |scope| {
            let mut attributes =
                scope.server_attributes.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *attributes)
        })
    }
}

/// Who makes the request, known after sign-in.
#[derive(Clone, Copy, Debug)]
pub struct EndUser<'a> {
    /// The user's id.
    pub id: &'a str,
    /// The organisation the user belongs to.
    pub organization_id: &'a str,
    /// `ADMIN`, `AGENT` or `CUSTOMER`.
    pub role: &'a str,
}

/// Names the caller on the current server span. Free of cost when the request is not recorded.
pub fn signed_in(user: EndUser<'_>) {
    let add = |context: &Context| {
        let Some(scope) = context.0.as_ref().filter(|scope| scope.recorded) else { return };
        let mut attributes = scope.server_attributes.lock().unwrap_or_else(PoisonError::into_inner);
        attributes.extend([
            ("enduser.id", user.id.to_owned().into()),
            ("enduser.role", user.role.to_owned().into()),
            ("organization.id", user.organization_id.to_owned().into()),
        ]);
    };
    // Outside of a request there is no span to name the caller on.
    let _ = CURRENT.try_with(add);
}

/// The id of the trace the running task works for, as 32 hex digits.
pub fn trace_id() -> Option<String> {
    CURRENT.try_with(|context| context.parent().map(TraceContext::trace_id)).ok().flatten()
}
