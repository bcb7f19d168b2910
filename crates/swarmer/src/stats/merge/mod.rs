//! Runs added up: several records as one.
//!
//! Counts, sums, minima and maxima, histograms and every percentile made of them are what one collector would have had
//! that recorded all runs, in whatever order and grouping they are added. Not exact are, and cannot be from what is saved:
//! percentiles over time (bounded: [`HistoryColumns`](super::HistoryColumns)), the number of *distinct* errors beyond the
//! cap (at most the sum), percentiles of the workload's own timings (at most the largest of the runs), and the order of a
//! funnel's steps that come only in a later run (after the step that comes before them there).

mod course;
mod figures;
mod parts;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::record::Record;
use super::summary::{PercentileSource, RunInfo, Summary};

/// One of the runs that a record was added up from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is called, for example its file.
    pub title: String,
    /// Its start, seconds since the Unix epoch.
    pub start: f64,
    /// End of its latest request, seconds since the Unix epoch; its start if there was none.
    pub end: f64,
}

/// Runs that cannot be added up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is nothing to add.
    #[error("at least two runs are needed to be added up, {0} given")]
    TooFew(usize),
    /// The percentiles of one are made in another way.
    #[error(
        "the percentiles of {first:?} and {other:?} come from different sources: one was run with Locust's buckets, the \
         other was not"
    )]
    Sources {
        /// The first run.
        first: String,
        /// The one that differs.
        other: String,
    },
    /// Histograms are missing, without which percentiles cannot be added.
    #[error(
        "{title:?} has no histogram for {what}: it is a document without histograms, or of an earlier version; \
         --summary-json writes them"
    )]
    NoHistogram {
        /// The run.
        title: String,
        /// What has none.
        what: String,
    },
}

impl Record {
    /// Adds up runs, each with what it is called; the module's documentation of `stats::merge` says what is exact. Rates are
    /// over the time that at least one of the runs took.
    ///
    /// # Errors
    /// When fewer than two are given, when histograms are missing, or when one has Locust's percentiles and another has not.
    pub fn merge(runs: &[(&str, &Record)]) -> Result<Record, MergeError> {
        let [first, _, ..] = runs else { return Err(MergeError::TooFew(runs.len())) };
        let source = first.1.summary.percentile_source;
        for (title, record) in runs {
            if record.summary.percentile_source != source {
                let (first, other) = (first.0.to_owned(), (*title).to_owned());
                return Err(MergeError::Sources { first, other });
            }
            figures::check(&record.summary)
                .map_err(|what| MergeError::NoHistogram { title: (*title).to_owned(), what })?;
        }
        let parts = parts(runs);
        let span = covered(&parts);
        let records: Vec<&Record> = runs.iter().map(|(_, record)| *record).collect();
        let all: Vec<&Summary> = records.iter().map(|record| &record.summary).collect();
        let histories: Vec<_> = records.iter().map(|record| &record.history).collect();
        let row_histories = records.iter().flat_map(|record| &record.row_histories);
        let mut summary = added(&all, span);
        summary.info = info(&records, &parts, source);
        summary.tell_intervals();
        Ok(Record {
            summary,
            history: course::run(&histories),
            row_histories: course::rows(row_histories),
            runs: parts,
        })
    }
}

/// The runs that were run; a record that is a sum itself stands for its own.
fn parts(runs: &[(&str, &Record)]) -> Vec<Part> {
    let one = |(title, record): &(&str, &Record)| {
        if !record.runs.is_empty() {
            return record.runs.clone();
        }
        let Summary { start, last_request, .. } = record.summary;
        let end = last_request.map_or(start, |last| last.max(start));
        vec![Part { title: (*title).to_owned(), start, end }]
    };
    let mut parts: Vec<Part> = runs.iter().flat_map(one).collect();
    parts.sort_by(|a, b| a.start.total_cmp(&b.start).then_with(|| a.title.cmp(&b.title)));
    parts
}

/// Seconds that at least one of these took; they are sorted by their starts.
fn covered(parts: &[Part]) -> f64 {
    let (mut seconds, mut until) = (0.0, f64::MIN);
    for part in parts {
        seconds += (part.end - part.start.max(until)).max(0.0);
        until = until.max(part.end);
    }
    seconds
}

fn added(all: &[&Summary], span: f64) -> Summary {
    let least = |of: fn(&Summary) -> f64| all.iter().map(|one| of(one)).fold(f64::MAX, f64::min);
    let latest = all.iter().filter_map(|one| one.last_request).reduce(f64::max);
    let rows = |of: fn(&Summary) -> &[super::Row]| all.iter().flat_map(move |one| of(one));
    let total = figures::rows(all.iter().map(|one| &one.total), span).pop();
    Summary {
        version: Summary::VERSION,
        info: RunInfo::default(),
        start: least(|one| one.start),
        at: all.iter().map(|one| one.at).fold(f64::MIN, f64::max),
        last_request: latest,
        users: parts::users(all),
        percentile_source: PercentileSource::Fine,
        rows: figures::rows(rows(|one| &one.rows), span),
        // There is a total in every summary, and each has the same name.
        total: total.unwrap_or_else(|| all[0].total.clone()),
        errors: parts::errors(all),
        exceptions: parts::exceptions(all),
        aborted: all.iter().map(|one| one.aborted).sum(),
        schedule: parts::schedule(all),
        metrics: parts::metrics(all, span),
        folded: parts::folded(all),
        classes: figures::rows(rows(|one| &one.classes), span),
        funnels: figures::funnels(all),
        exemplars: parts::exemplars(all),
        health: parts::health(all),
        marks: parts::marks(all),
        workers: all.iter().flat_map(|one| one.workers.clone()).collect(),
    }
}

/// How the note of a sum begins.
const NOTE: &str = "merged from ";

fn info(records: &[&Record], parts: &[Part], source: PercentileSource) -> RunInfo {
    let all: Vec<&RunInfo> = records.iter().map(|record| &record.summary.info).collect();
    let titles: Vec<&str> = parts.iter().map(|part| &*part.title).collect();
    let mut notes = vec![format!("{NOTE}{} runs: {}", parts.len(), titles.join(", "))];
    if source == PercentileSource::Locust {
        notes.push(
            "percentiles come from the fine histograms: Locust's buckets are not saved".into(),
        );
    }
    for (record, info) in records.iter().zip(&all) {
        let is_sum = |note: &str| !record.runs.is_empty() && note.starts_with(NOTE);
        for note in info.notes.iter().filter(|note| !is_sum(note)) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
    }
    let mut settings = std::collections::BTreeMap::new();
    for name in all.iter().flat_map(|info| info.settings.keys()).collect::<BTreeSet<_>>() {
        let values = all.iter().filter_map(|info| info.settings.get(name).map(String::as_str));
        settings.insert(name.clone(), either(values, " | "));
    }
    RunInfo {
        host: some(either(all.iter().filter_map(|info| info.host.as_deref()), ", ")),
        profile: some(either(all.iter().filter_map(|info| info.profile.as_deref()), ", ")),
        seed: all[0].seed.filter(|seed| all.iter().all(|info| info.seed == Some(*seed))),
        setup_requests: all.iter().map(|info| info.setup_requests).sum(),
        notes,
        workload: either(all.iter().map(|info| &*info.workload), ", "),
        engine: either(all.iter().map(|info| &*info.engine), ", "),
        settings,
        trace_url: all[0]
            .trace_url
            .clone()
            .filter(|url| all.iter().all(|info| info.trace_url.as_ref() == Some(url))),
        // Of runs with other users no one tree is true.
        tasks: if all.iter().all(|info| info.tasks == all[0].tasks) {
            all[0].tasks.clone()
        } else {
            serde_json::Value::Null
        },
    }
}

/// Each of the texts once, in the order of the alphabet.
fn either<'t>(texts: impl Iterator<Item = &'t str>, between: &str) -> String {
    let pieces = texts.flat_map(|text| text.split(between));
    let all: BTreeSet<&str> = pieces.filter(|text| !text.is_empty()).collect();
    all.into_iter().collect::<Vec<_>>().join(between)
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
