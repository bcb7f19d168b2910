//! How plans are written: spans, rates, lists of stages, and what is said of those that cannot be read.

use std::fmt;
use std::time::Duration;

/// No plan is longer than this, so that no sum of a moment and a span can overflow.
const CENTURY: Duration = Duration::from_hours(100 * 366 * 24);

/// Most users a stage can ask for, as for `--users`.
const MAX_USERS: u32 = 10_000_000;

/// So many stages at most: more are a mistake of the program that wrote them.
const MAX_PARTS: usize = 10_000;

/// A plan that cannot be read: the part, what is wrong with it, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(String);

impl TextError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn within(self, part: &str) -> Self {
        Self(format!("'{}': {}", shortened(part), self.0))
    }
}

/// Reads `first:second` pairs that are separated by commas; `form` says in words what a pair looks like.
pub(super) fn in_parts<T>(
    text: &str,
    form: &str,
    read: impl Fn(&str, &str) -> Result<T, TextError>,
) -> Result<Vec<T>, TextError> {
    let mut parts = Vec::new();
    for part in text.split(',') {
        if parts.len() == MAX_PARTS {
            return Err(TextError::new(format!("more than {MAX_PARTS} stages")));
        }
        let pair = part.split_once(':');
        let pair = pair.ok_or_else(|| TextError::new(format!("a stage is written {form}")));
        let stage = pair.and_then(|(first, second)| read(first.trim(), second.trim()));
        parts.push(stage.map_err(|error| error.within(part.trim()))?);
    }
    Ok(parts)
}

/// Reads the length of a stage.
pub(super) fn read_duration(text: &str) -> Result<Duration, TextError> {
    let read = crate::options::parse_span(text);
    Span::checked(Some(read.map_err(|_| {
        TextError::new(format!(
            "invalid duration '{}' (allowed: 20, 20s, 3m, 2h, 1h20m, 3h30m10s and the like)",
            shortened(text)
        ))
    })?))
}

/// Reads a number of users.
pub(super) fn read_users(text: &str) -> Result<u32, TextError> {
    let digits = Some(text.trim()).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let users = digits.and_then(|digits| digits.parse().ok()).filter(|users| *users <= MAX_USERS);
    users.ok_or_else(|| {
        TextError::new(format!(
            "invalid number of users '{}' (allowed: 0 to {MAX_USERS})",
            shortened(text.trim())
        ))
    })
}

/// A plain, finite decimal number, 0 or more.
pub(super) fn read_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// A text of the user's, short enough for a line of its own.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String =
        text.chars().take(LONGEST).flat_map(|c| c.escape_debug().take(8)).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// A duration as people write it: `1h30m`, `0s`, `2.5s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    /// The duration, if it is one that can be added to a moment.
    pub(super) fn checked(duration: Option<Duration>) -> Result<Duration, TextError> {
        duration
            .filter(|duration| *duration <= CENTURY)
            .ok_or_else(|| TextError::new("the plan takes longer than a hundred years"))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (hours, minutes, left) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        let part = f64::from(self.0.subsec_millis()) / 1000.0;
        if part > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "below 60")]
            let left = left as f64;
            write!(f, "{}s", left + part)
        } else if left > 0 || seconds == 0 {
            write!(f, "{left}s")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_they_are_read() {
        for text in ["0s", "59s", "1m", "1h", "1h1s", "26h3m20s"] {
            let span = crate::options::parse_span(text).unwrap();
            assert_eq!(Span(span).to_string(), text);
        }
        assert_eq!(Span(Duration::from_millis(7_500)).to_string(), "7.5s");
    }

    #[test]
    fn numbers_are_plain() {
        assert_eq!(read_number(" 2.5 "), Some(2.5));
        for text in ["", "nan", "inf", "-1", "1e3", "+2", "0x1", "1,5", "."] {
            assert_eq!(read_number(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_quoted_stays_short_and_printable() {
        assert_eq!(shortened("a\u{1b}[2J"), "a\\u{1b}[2J");
        assert_eq!(shortened(&"x".repeat(500)).chars().count(), 61);
    }
}
