//! Distributed tracing: W3C context through every hop, spans exported by OTLP.
//!
//! One [`Tracer`] per service, also when all services share a process, so that each span carries its own
//! service's name. What a service needs is four lines:
//!
//! - [`instrument`] wraps its router: the server span, and the task-local scope in which the rest works;
//! - [`outgoing`] wraps a call to another service: the client span, and the context in the request's headers;
//! - [`db`] wraps a query;
//! - [`signed_in`] names the caller, once known, on the current server span.
//!
//! Handlers never see a span: the scope travels in a task-local. Without a collector ([`Tracer::off`]) no span
//! is made, but the trace context that came in is still sent on, unchanged.
//!
//! Spans go by a bounded queue to a task that sends them in batches (`export`). A full queue or an absent
//! collector costs spans, which are counted, never a request's time.

mod client;
mod config;
mod context;
mod db;
mod error_type;
mod export;
mod ids;
mod logs;
mod otlp;
mod server;
mod span;
pub(crate) mod tail;
mod tracer;

pub use client::{UrlTemplate, outgoing};
pub use config::{ConfigError, ExportConfig, Sampler};
pub use context::{Context, EndUser, signed_in, trace_id};
pub use db::{Database, db};
pub use error_type::ErrorType;
pub use ids::TraceContext;
pub use logs::WithTraceId;
pub(crate) use server::is_operational;
pub use server::{client_group, instrument};
pub use tracer::{SpanCounts, Tracer};
