//! Time spans as people write them: `300`, `20s`, `1h30m`.

use std::time::Duration;

/// The longest span taken, about a hundred years, so that no sum of a moment and a span can overflow.
const MAX_SECONDS: u64 = 100 * 365 * 24 * 3600;

/// Reads a time span: seconds as digits, or hours, minutes and seconds in this order, at least one of them.
///
/// # Errors
/// The text for people if `text` is anything else or longer than about a hundred years.
///
/// ```
/// use std::time::Duration;
/// use swarmer::options::parse_span;
///
/// assert_eq!(parse_span("1h30m"), Ok(Duration::from_secs(5400)));
/// assert!(parse_span("1.5s").is_err());
/// ```
pub fn parse_span(text: &str) -> Result<Duration, &'static str> {
    if text.is_empty() {
        return Err("Invalid time span format");
    }
    seconds(text)
        .filter(|&seconds| seconds <= MAX_SECONDS)
        .map(Duration::from_secs)
        .ok_or("Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.")
}

fn seconds(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let mut rest = text;
    let mut total = 0_u64;
    for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
        let Some((digits, after)) = rest.split_once(unit) else { continue };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = after;
    }
    rest.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        for (text, expected) in [
            ("300", 300),
            ("20s", 20),
            ("3m", 180),
            ("2h", 7200),
            ("1h30m", 5400),
            ("3h30m10s", 12610),
            ("0", 0),
            ("0s", 0),
            ("1h5s", 3605),
            ("007", 7),
        ] {
            assert_eq!(parse_span(text), Ok(Duration::from_secs(expected)), "{text}");
        }
    }

    #[test]
    fn rejected() {
        for text in [
            "10m5",
            "1s30",
            "1m1h",
            "1m 2s",
            "5d",
            "1.5s",
            "-5",
            "2H",
            "h",
            "s",
            " 5",
            "+5",
            "５",
            "1h-1m",
            "1m1m",
            "99999999999999999999",
            "99999999999h",
            "nan",
            "٣s",
        ] {
            let message = parse_span(text).unwrap_err();
            assert!(message.ends_with("3h30m10s, etc."), "{text}");
        }
        assert_eq!(parse_span(""), Err("Invalid time span format"));
    }
}
