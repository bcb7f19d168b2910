//! Log lines: text for people, JSON (`LOG_FORMAT=json`) for machines; `RUST_LOG` sets what is shown.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format;

use crate::telemetry::WithTraceId;

pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let json = std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json");
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Only the first start in a process counts, which is what tests and `--demo` need.
    let _ = if json {
        lines.json().event_format(WithTraceId::json(format().json())).try_init()
    } else {
        lines.event_format(WithTraceId::text(format().with_target(false))).try_init()
    };
}
