//! The comparison table of README.md, made from the raw figures: no hand and no pattern touches other lines of it.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::figures::Spread;
use crate::record::Record;
use crate::show::{judged, number, range};

/// The table stands between these lines.
const BEGIN: &str = "<!-- from bench/results/latest.json by make bench-page; do not edit -->";
const END: &str = "<!-- until here -->";

/// Parts with ratios of requests per second, and what is said of each beside the peer's name.
const PARTS: [(&str, &str); 3] = [("throughput", ""), ("tls", ", TLS"), ("http2", ", HTTP/2")];

/// The text with the table of this record.
///
/// # Errors
/// When the text does not say where the table stands.
pub(crate) fn with_table(text: &str, record: &Record) -> Result<String> {
    let (before, rest) = text.split_once(BEGIN).with_context(|| format!("no line `{BEGIN}`"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("no line `{END}`"))?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", table(record)))
}

/// What every ratio of this engine's own begins with: others are of peers among themselves.
const OURS: &str = "swarmer";

/// This engine's rate over each peer's, also where there is no goal.
fn table(record: &Record) -> String {
    let mut table = "\n| this engine over | requests/s | our goal |\n|---|--:|---|\n".to_owned();
    for (part, manner) in PARTS {
        let sections = record.sections.iter().filter(|section| section.name == part);
        for ratio in sections.flat_map(|section| &section.ratios) {
            if !ratio.ours.starts_with(OURS) {
                continue;
            }
            let spread = Spread::of(&ratio.values);
            let goal =
                ratio.limit.map_or("none".to_owned(), |_| judged(ratio.limit, &ratio.values));
            let ahead = ratio.greater().map_or("; rounds disagree who is ahead", |_| "");
            let _ = writeln!(
                table,
                "| {}{manner} | {} ({}) | {goal}{ahead} |",
                ratio.theirs,
                number(spread.median),
                range(&spread, ratio.values.len())
            );
        }
    }
    table + "\n"
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::section::{Limit, Section};

    #[test]
    fn only_the_table_changes() {
        let mut section = Section::new("tls", "TLS", "as told");
        let goal = Some(Limit::AtLeast(0.9));
        section.ratio("requests/s", (OURS, &[1.0, 1.2, 1.1]), ("them", &[1.0; 3]), goal);
        section.ratio("requests/s", (OURS, &[0.75]), ("those", &[1.0]), None);
        section.ratio("requests/s", ("them", &[1.0]), ("others", &[1.0]), None);
        let record = Record { machine: String::new(), sections: vec![section] };
        let text = format!("| requests | HTTP |\n{BEGIN}\nold\n{END}\n| requests/s | 1 |\n");
        let made = with_table(&text, &record).unwrap();
        assert!(
            made.contains(
                "| them, TLS | 1.10 (1.00 … 1.20) | ≥ 0.900: kept; rounds disagree who is ahead |\n"
            ),
            "{made}"
        );
        assert!(made.contains("| those, TLS | 0.750 (one run) | none |\n"), "{made}");
        assert!(!made.contains("old") && !made.contains("others"), "{made}");
        assert!(
            made.starts_with("| requests | HTTP |\n") && made.ends_with("| requests/s | 1 |\n")
        );
        assert_eq!(with_table(&made, &record).unwrap(), made);
        assert!(with_table("nothing", &record).is_err());
    }

    #[test]
    fn the_readme_says_what_the_raw_figures_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let record = Record::read(&root.join("bench/results/latest.json")).unwrap();
        let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
        assert!(with_table(&readme, &record).unwrap() == readme, "`make bench-page` was not run");
    }
}
