//! From tracing's events to log lines.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use jiff::ZonedDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer};

use super::level::Level;
use super::line;
use super::sink::Sink;

/// Renders events at or above a level into a sink.
pub(super) struct LogLayer {
    pub(super) host: String,
    pub(super) level: Arc<LevelSwitch>,
    pub(super) sink: Sink,
}

/// The least severe level logged; can be changed while the program runs.
#[derive(Debug)]
pub(super) struct LevelSwitch(AtomicU8);

impl LevelSwitch {
    pub(super) fn new(level: Level) -> Self {
        Self(AtomicU8::new(level as u8))
    }

    pub(super) fn set(&self, level: Level) {
        self.0.store(level as u8, Ordering::Relaxed);
        // tracing remembers per call site whether anyone listens.
        tracing::callsite::rebuild_interest_cache();
    }

    fn allows(&self, level: Level) -> bool {
        level as u8 >= self.0.load(Ordering::Relaxed)
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        // Whether an error is a critical one shows only in its fields.
        let level = match level(metadata) {
            Some(Level::Error) => Level::Critical,
            Some(level) => level,
            None => return false,
        };
        metadata.is_event() && self.level.allows(level)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // The switch may move; what it rules out is known per call site.
        Some(LevelFilter::DEBUG)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Some(mut level) = level(event.metadata()) else { return };
        if fields.critical {
            level = Level::Critical;
        }
        if !self.level.allows(level) {
            return;
        }
        let logger = line::logger(event.metadata().target());
        let text = format!("{}{}", fields.message, fields.rest);
        self.sink.push(line::format(&ZonedDateTime::now(), &self.host, level, &logger, &text));
    }
}

/// The level of an event; what is finer than debug is never logged.
fn level(metadata: &Metadata<'_>) -> Option<Level> {
    match *metadata.level() {
        tracing::Level::ERROR => Some(Level::Error),
        tracing::Level::WARN => Some(Level::Warning),
        tracing::Level::INFO => Some(Level::Info),
        tracing::Level::DEBUG => Some(Level::Debug),
        tracing::Level::TRACE => None,
    }
}

/// An event's message, its other fields as ` name=value`, and whether it is marked `critical = true`.
#[derive(Default)]
struct Fields {
    message: String,
    rest: String,
    critical: bool,
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "critical" {
            self.critical = value;
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String fails only if the value's own Debug does.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.rest, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn logged(level: Level, emit: impl FnOnce(&LevelSwitch)) -> Vec<String> {
        let sink = Sink::new(Box::new(std::io::sink()), |_| String::new()).unwrap();
        let switch = Arc::new(LevelSwitch::new(level));
        let layer =
            LogLayer { host: "vm".to_owned(), level: Arc::clone(&switch), sink: sink.clone() };
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || emit(&switch));
        let without_time = |line: &Arc<str>| line.split_once("] ").unwrap().1.to_owned();
        sink.recent().iter().map(without_time).collect()
    }

    fn emit_all(_: &LevelSwitch) {
        tracing::trace!(target: "t", "t");
        tracing::debug!(target: "t", "d");
        tracing::info!(target: "t", "i");
        tracing::warn!(target: "t", "w");
        tracing::error!(target: "t", "e");
        tracing::error!(target: "t", critical = true, "c");
    }

    #[test]
    fn levels_have_pythons_names_and_order() {
        let all = [
            "vm/DEBUG/t: d",
            "vm/INFO/t: i",
            "vm/WARNING/t: w",
            "vm/ERROR/t: e",
            "vm/CRITICAL/t: c",
        ];
        let levels = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Critical];
        for (index, level) in levels.into_iter().enumerate() {
            assert_eq!(logged(level, emit_all), all[index..], "{level:?}");
        }
    }

    #[test]
    fn the_level_can_change() {
        let lines = logged(Level::Critical, |switch| {
            emit_all(switch);
            switch.set(Level::Warning);
            emit_all(switch);
        });
        assert_eq!(
            lines,
            ["vm/CRITICAL/t: c", "vm/WARNING/t: w", "vm/ERROR/t: e", "vm/CRITICAL/t: c"]
        );
    }

    #[test]
    fn targets_and_fields_are_shown() {
        let lines = logged(Level::Info, |_| {
            tracing::info!("from a module");
            tracing::info!(target: "swarmer.main", count = 3, name = "a\nb", "text {}", 1);
        });
        assert_eq!(
            lines,
            [
                "vm/INFO/swarmer.logging.layer.tests: from a module",
                "vm/INFO/swarmer.main: text 1 count=3 name=a\\nb",
            ]
        );
    }
}
