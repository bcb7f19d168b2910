//! Trace ids in log lines, read from the running task's scope when a line is written: requests pay nothing for it.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::context::trace_id;

/// A log format with the trace id added.
#[derive(Clone, Copy, Debug)]
pub struct WithTraceId<F> {
    format: F,
    json: bool,
}

impl<F> WithTraceId<F> {
    /// Puts `trace_id=…` before each line: `fmt().event_format(WithTraceId::text(format()))`.
    pub fn text(format: F) -> Self {
        Self { format, json: false }
    }

    /// Adds `"trace_id"` to each object: `fmt().json().event_format(WithTraceId::json(format().json()))`.
    pub fn json(format: F) -> Self {
        Self { format, json: true }
    }
}

impl<S, N, F> FormatEvent<S, N> for WithTraceId<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(trace_id) = trace_id() else {
            return self.format.format_event(ctx, writer, event);
        };
        if !self.json {
            write!(writer, "trace_id={trace_id} ")?;
            return self.format.format_event(ctx, writer, event);
        }
        let mut line = String::new();
        self.format.format_event(ctx, Writer::new(&mut line), event)?;
        let line = line.trim_end();
        let object = line.strip_suffix('}').ok_or(fmt::Error)?;
        writeln!(writer, "{object},\"trace_id\":\"{trace_id}\"}}")
    }
}
