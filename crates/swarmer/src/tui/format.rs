//! Numbers as a person reads them at a glance: three digits and a unit.

/// Milliseconds: `850µs`, `1.23ms`, `45.6ms`, `789ms`, `1.23s`, `45.6s`, `12m03s`.
pub(crate) fn time(ms: f64) -> String {
    if ms < 0.9995 {
        format!("{:.0}µs", ms * 1e3)
    } else if ms < 999.5 {
        format!("{}ms", three_digits(ms))
    } else if ms < 99_950.0 {
        format!("{}s", three_digits(ms / 1e3))
    } else {
        let seconds = (ms / 1e3).round();
        format!("{:.0}m{:02.0}s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

/// A rate or another quantity: `0.25`, `12.3`, `999`, `12.3k`, `4.56M`.
pub(crate) fn quantity(value: f64) -> String {
    if value < 0.005 {
        "0".to_owned()
    } else if value < 999.5 {
        three_digits(value)
    } else if value < 999_500.0 {
        format!("{}k", three_digits(value / 1e3))
    } else {
        format!("{}M", three_digits(value / 1e6))
    }
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// A count with its thousands apart: `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Seconds as a clock: `0:42`, `12:03`, `1:02:03`.
pub(crate) fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A fraction as a percentage: `0%`, `0.05%`, `12.3%`, `100%`.
pub(crate) fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if percent == 0.0 { "0%".to_owned() } else { format!("{}%", three_digits(percent)) }
}

/// Text from a target or a workload: control characters are shown, not sent to the terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        let times = [0.0, 0.0123, 0.85, 0.9996, 1.234, 45.67, 789.4, 999.6, 12_345.0, 723_000.0];
        assert_eq!(
            times.map(time),
            [
                "0µs", "12µs", "850µs", "1.00ms", "1.23ms", "45.7ms", "789ms", "1.00s", "12.3s",
                "12m03s"
            ]
        );
        let quantities = [0.0, 0.25, 9.999, 12.34, 999.4, 999.6, 12_345.0, 4_560_000.0];
        assert_eq!(
            quantities.map(quantity),
            ["0", "0.25", "10.0", "12.3", "999", "1.00k", "12.3k", "4.56M"]
        );
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([42, 723, 3723].map(clock), ["0:42", "12:03", "1:02:03"]);
        assert_eq!([0.0, 0.0005, 0.1234, 1.0].map(percent), ["0%", "0.05%", "12.3%", "100%"]);
        assert_eq!(visible("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
    }
}
