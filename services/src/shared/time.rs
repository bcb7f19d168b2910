//! Points in time: microseconds since 1970 in the database, ISO 8601 UTC with milliseconds outside.
//!
//! The finer grain inside keeps "newest first" an order even among rows of the same millisecond.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type as SchemaType};
use utoipa::openapi::{RefOr, Schema};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    pub(crate) fn now() -> Time {
        Time(Timestamp::now().as_microsecond())
    }

    pub(crate) fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    pub(crate) fn plus_days(self, days: i64) -> Time {
        Time(self.0 + days * MICROS_PER_DAY)
    }

    pub(crate) fn plus(self, duration: std::time::Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The same moment without what the outside never sees.
    pub(crate) fn whole_millis(self) -> Time {
        Time(self.millis() * 1_000)
    }

    /// Reads a date (`2026-01-31`) or a date and time with or without offset (then UTC) of the years
    /// 1900 to 2199.
    pub(crate) fn parse(text: &str) -> Option<Time> {
        const LONGEST: usize = 40;
        if text.len() > LONGEST || text.as_bytes().get(4) != Some(&b'-') {
            return None;
        }
        let utc = |datetime: DateTime| TimeZone::UTC.to_timestamp(datetime).ok();
        let timestamp = match text.len() {
            10 => text
                .parse::<Date>()
                .ok()
                .and_then(|date| utc(date.to_datetime(jiff::civil::Time::midnight()))),
            _ => text
                .parse::<Timestamp>()
                .ok()
                .or_else(|| text.parse::<DateTime>().ok().and_then(utc)),
        }?;
        let year = TimeZone::UTC.to_datetime(timestamp).year();
        (1900..2200).contains(&year).then(|| Time(timestamp.as_microsecond()).whole_millis())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = Timestamp::from_millisecond(self.millis()).map_err(|_| fmt::Error)?;
        write!(f, "{timestamp:.3}")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl utoipa::PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("ISO 8601, UTC, milliseconds"))
            .examples([serde_json::json!("2026-01-31T12:00:00.000Z")])
            .build()
            .into()
    }
}

impl utoipa::ToSchema for Time {
    fn name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }
}

crate::shared::db::stored_as!(Time, i64, |time| time.0, |number| Some(Time(number)));

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn printed_with_milliseconds_and_z() {
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Time(1_767_225_600_123_999).to_string(), "2026-01-01T00:00:00.123Z");
    }

    #[test]
    fn dates_offsets_and_bare_times_are_read_as_utc() {
        for (text, printed) in [
            ("2026-01-31", "2026-01-31T00:00:00.000Z"),
            ("2026-01-31T10:20:30Z", "2026-01-31T10:20:30.000Z"),
            ("2026-01-31T10:20:30.123456Z", "2026-01-31T10:20:30.123Z"),
            ("2026-01-31T10:20:30+02:00", "2026-01-31T08:20:30.000Z"),
            ("2026-01-31T10:20:30", "2026-01-31T10:20:30.000Z"),
        ] {
            assert_eq!(Time::parse(text).map(|time| time.to_string()).as_deref(), Some(printed));
        }
    }

    #[test]
    fn everything_else_is_no_time() {
        for text in [
            "",
            "tomorrow",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "1899-12-31",
            "2200-01-01",
            "+100000-01-01",
            "99999-01-01",
            "2026-01-01T25:00:00Z",
            "0000-00-00",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(millis in -2_208_988_800_000_i64..7_258_118_400_000) {
            let time = Time(millis * 1_000);
            prop_assert_eq!(Time::parse(&time.to_string()), Some(time));
        }

        #[test]
        fn no_text_panics(text in ".{0,45}") {
            let _ = Time::parse(&text);
        }
    }
}
