//! The text that Prometheus scrapes.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>, version 0.0.4.

use std::fmt::Write;

use super::instruments::{self, BOUNDS, Buckets, Instrument, Labels, Series};
use crate::stats::Summary;

/// The type of the document.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The summary as a document to be scraped; `state` is the run's.
pub(crate) fn render(summary: &Summary, state: &'static str) -> String {
    let mut text = String::new();
    for instrument in instruments::of(summary, state) {
        write_instrument(&mut text, &instrument);
    }
    text
}

fn write_instrument(text: &mut String, instrument: &Instrument) {
    let unit = match instrument.unit {
        "s" => "_seconds",
        "By" => "_bytes",
        _ => "",
    };
    let (kind, end) = match instrument.series {
        Series::Sum(_) => ("counter", "_total"),
        Series::Level(_) => ("gauge", ""),
        Series::Times(_) => ("histogram", ""),
    };
    let name = format!("swarmer_{}{unit}{end}", instrument.name.replace('.', "_"));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", instrument.help);
    match &instrument.series {
        Series::Sum(points) | Series::Level(points) => {
            for (labels, value) in points {
                let _ = writeln!(text, "{name}{} {value}", Shown(labels, None));
            }
        }
        Series::Times(points) => {
            for (labels, times) in points {
                write_times(text, &name, labels, times);
            }
        }
    }
}

fn write_times(text: &mut String, name: &str, labels: &Labels, times: &Buckets) {
    let mut below = 0;
    for (bound, count) in BOUNDS.iter().zip(&times.counts) {
        below += count;
        let _ = writeln!(text, "{name}_bucket{} {below}", Shown(labels, Some(&bound.to_string())));
    }
    let _ = writeln!(text, "{name}_bucket{} {}", Shown(labels, Some("+Inf")), times.count);
    let _ = writeln!(text, "{name}_sum{} {}", Shown(labels, None), times.sum);
    let _ = writeln!(text, "{name}_count{} {}", Shown(labels, None), times.count);
}

/// Labels in braces, and the bound of a bucket with them.
struct Shown<'l>(&'l Labels<'l>, Option<&'l str>);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bound = self.1.map(|bound| ("le", bound));
        let labels = self.0.iter().map(|(name, value)| (*name, &**value)).chain(bound);
        let mut before = '{';
        for (name, value) in labels {
            write!(f, "{before}{name}=\"")?;
            before = ',';
            for c in value.chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    '"' => f.write_str("\\\"")?,
                    '\n' => f.write_str("\\n")?,
                    c => f.write_char(c)?,
                }
            }
            f.write_char('"')?;
        }
        if before == ',' { f.write_char('}') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::samples;

    #[test]
    fn a_run_as_prometheus_sees_it() {
        insta::assert_snapshot!(render(&samples::summary(20), "running"));
    }

    #[test]
    fn labels_are_escaped() {
        let labels: Labels = vec![("name", "a\"b\\c\nd é".into()), ("method", "GET".into())];
        let shown = Shown(&labels, Some("0.5")).to_string();
        assert_eq!(shown, r#"{name="a\"b\\c\nd é",method="GET",le="0.5"}"#);
        assert_eq!(Shown(&Vec::new(), None).to_string(), "");
    }
}
