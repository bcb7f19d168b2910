//! Sections as tables, for the terminal and for the published page: Markdown reads well in both.

use std::fmt::Write as _;

use crate::figures::Spread;
use crate::record::Record;
use crate::section::{Figure, Limit, Ratio, Section, Table, Verdict};

/// One section under a heading of this level.
pub(crate) fn section(section: &Section, level: usize) -> String {
    let mut text = format!("{} {}\n\n{}\n", "#".repeat(level), section.title, section.method);
    if !section.commands.is_empty() {
        text.push_str("\n```sh\n");
        for command in &section.commands {
            let _ = writeln!(text, "{command}");
        }
        text.push_str("```\n");
    }
    figures(&mut text, &section.figures);
    ratios(&mut text, &section.ratios);
    for found in &section.tables {
        table(&mut text, found);
    }
    if !section.notes.is_empty() {
        text.push('\n');
        for note in &section.notes {
            let _ = writeln!(text, "- {note}");
        }
    }
    let versions = section.versions.join(", ");
    let stolen = section.stolen.map_or(String::new(), |percent| {
        format!(", {} % of the processor time taken by other machines", number(percent))
    });
    let _ = writeln!(text, "\n<small>{}{stolen}; {versions}</small>", section.began);
    text
}

fn figures(text: &mut String, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    text.push_str(
        "\n| contender | figure | median | least … most | limit |\n|---|---|--:|--:|---|\n",
    );
    for figure in figures {
        let spread = Spread::of(&figure.values);
        let _ = writeln!(
            text,
            "| {} | {} | {} {} | {} | {} |",
            figure.contender,
            figure.what,
            number(spread.median),
            figure.unit,
            range(&spread, figure.values.len()),
            judged(figure.limit, &figure.values)
        );
    }
}

fn ratios(text: &mut String, ratios: &[Ratio]) {
    if ratios.is_empty() {
        return;
    }
    text.push_str("\n| ratio of neighbouring runs | figure | median | least … most | greater | limit |\n|---|---|--:|--:|---|---|\n");
    for ratio in ratios {
        let spread = Spread::of(&ratio.values);
        let _ = writeln!(
            text,
            "| {} / {} | {} | {} | {} | {} | {} |",
            ratio.ours,
            ratio.theirs,
            ratio.what,
            number(spread.median),
            range(&spread, ratio.values.len()),
            ratio.greater().unwrap_or("rounds disagree"),
            judged(ratio.limit, &ratio.values)
        );
    }
}

fn table(text: &mut String, Table { caption, columns, rows }: &Table) {
    let _ = writeln!(text, "\n{caption}:\n\n| | {} |", columns.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(columns.len()));
    for (name, values) in rows {
        let values: Vec<String> = values.iter().map(|value| number(*value)).collect();
        let _ = writeln!(text, "| {name} | {} |", values.join(" | "));
    }
}

pub(crate) fn range(spread: &Spread, rounds: usize) -> String {
    if rounds == 1 {
        return "one run".to_owned();
    }
    format!("{} … {}", number(spread.least), number(spread.most))
}

pub(crate) fn judged(limit: Option<Limit>, values: &[f64]) -> String {
    let Some(limit) = limit else { return String::new() };
    let wanted = match limit {
        Limit::AtLeast(least) => format!("≥ {}", number(least)),
        Limit::AtMost(most) => format!("≤ {}", number(most)),
    };
    let verdict = match limit.judge(values) {
        Verdict::Kept => "kept",
        Verdict::KeptByMedian => "kept by the median",
        Verdict::MissedByMedian => "**missed** by the median",
        Verdict::Missed => "**missed**",
    };
    format!("{wanted}: {verdict}")
}

/// Three digits that count, thousands apart.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let plain = format!("{value:.digits$}");
    let whole = plain.split('.').next().unwrap_or_default().trim_start_matches('-').len();
    if whole <= 3 {
        return plain;
    }
    let mut grouped = String::new();
    for (at, digit) in plain.trim_start_matches('-').chars().enumerate() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 { format!("-{grouped}") } else { grouped }
}

/// The published page, made from the raw figures in `source`.
pub(crate) fn page(record: &Record, source: &str) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         Made by `make bench-page` from [`{source}`](../{source}), which holds every single value; do not edit. `make bench` measures\n\
         all of it again on your machine. Absolute figures drift with the machine and the hour: what counts is the ratio of two runs\n\
         that follow each other. A winner is named only when every round agrees. Our programs and Goose's are built\n\
         as one piece (`--profile dist`), oha as its authors build it.\n\n\
         Machine: {}.\n",
        record.machine
    );
    for found in &record.sections {
        text.push('\n');
        text.push_str(&section(found, 2));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{number, page};
    use crate::record::Record;

    #[test]
    fn the_published_page_says_what_the_raw_figures_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let source = "bench/results/latest.json";
        let record = Record::read(&root.join(source)).unwrap();
        let published = std::fs::read_to_string(root.join("docs/benchmarks.md")).unwrap();
        assert!(published == page(&record, source), "`make bench-page` was not run");
    }

    #[test]
    fn numbers_have_three_digits_that_count_and_thousands_apart() {
        let shown = [0.981_23, 1.234, 64.25, 812.4, 114_000.4, 1_234_567.0, -4_321.0].map(number);
        assert_eq!(shown, ["0.981", "1.23", "64.2", "812", "114,000", "1,234,567", "-4,321"]);
    }
}
