//! Two runs side by side, and which differences are more than chance.
//!
//! | figure | interval of the difference |
//! |---|---|
//! | percentiles | order statistics of each run ([`Histogram::quantile_interval`](crate::stats::Histogram::quantile_interval)), widened by the histogram's 0.1 %; B's least against A's most, and the other way round |
//! | mean | normal approximation with the variance of the histogram's cells; none below 30 requests |
//! | failure ratio | Newcombe's, from Wilson's intervals of both (Newcombe 1998, method 10), and an exact test where failures are few |
//! | rate | none: a rate is chosen, or follows from the others |
//!
//! All intervals of a comparison hold together with a probability of [`CONFIDENCE`]: each is made for its share of the
//! rest (Bonferroni), so that a table of a thousand rows has no difference by chance alone. What they suppose is that
//! requests are independent of each other. Requests of one run are not quite (a slow minute makes many slow), so two runs
//! of a few minutes can differ by more than intervals say: what decides is run twice.
//!
//! A difference *matters* when its interval leaves out 0 and it is of a size that anybody can use: [`LEAST_SHARE`] of A's
//! value and [`LEAST_MS`] for times, [`LEAST_RATIO`] for failure ratios.

mod figures;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

pub use figures::Difference;
use figures::Judge;

use crate::stats::{Figures, Kind, Record, Row};

/// How often all intervals of a comparison together hold what is true.
pub const CONFIDENCE: f64 = 0.99;
/// Differences of times below this share of A's value are of no use to anybody.
pub const LEAST_SHARE: f64 = 0.02;
/// Differences of times below this are of no use either, in milliseconds.
pub const LEAST_MS: f64 = 0.05;
/// Differences of failure ratios below this are of no use to anybody.
pub const LEAST_RATIO: f64 = 0.001;
/// Fewer requests than this tell little.
const FEW: u64 = 1_000;
/// Figures with intervals in each row.
const FIGURES: usize = 5;

/// Two runs side by side; its JSON is what `swarmer compare --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Version of the document's shape.
    pub version: u32,
    /// [`CONFIDENCE`].
    pub confidence: f64,
    /// What came out, in one sentence.
    pub verdict: String,
    /// What makes the runs hard to compare.
    pub warnings: Vec<String>,
    /// The one that is measured against.
    pub a: Side,
    /// The other one.
    pub b: Side,
    /// All requests.
    pub total: ComparedRow,
    /// Those with differences that matter first; then requests, then journeys.
    pub rows: Vec<ComparedRow>,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// What it is called, for example its file.
    pub title: String,
    /// Name and version of the workload.
    pub workload: String,
    /// Base URL of the target.
    pub host: Option<String>,
    /// What the run was labelled with.
    pub profile: Option<String>,
    /// Start, seconds since the Unix epoch.
    pub start: f64,
    /// Seconds from the start to the end of the latest request.
    pub duration: f64,
    /// Finished requests.
    pub requests: u64,
    /// Failed ones among them.
    pub failures: u64,
    /// Whether the generator was healthy.
    pub sound: bool,
    /// What it says of that.
    pub health: String,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// The options that were given.
    pub settings: BTreeMap<String, String>,
}

/// A row of both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRow {
    /// What is counted.
    pub kind: Kind,
    /// HTTP method, or the user class of a journey.
    pub method: String,
    /// Name of the request, or the task of a journey.
    pub name: String,
    /// Requests of both runs; 0 where the row is in one of them only.
    pub requests: Pair<u64>,
    /// Requests per second, over the whole run.
    pub rate: Difference,
    /// Failures per request.
    pub failure_ratio: Difference,
    /// Mean response time, milliseconds.
    pub mean: Difference,
    /// Median response time, milliseconds.
    pub p50: Difference,
    /// 95th percentile, milliseconds.
    pub p95: Difference,
    /// 99th percentile, milliseconds.
    pub p99: Difference,
}

/// A value of each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pair<T> {
    /// Of run A.
    pub a: T,
    /// Of run B.
    pub b: T,
}

impl ComparedRow {
    /// The figures that can matter, with their names.
    pub fn figures(&self) -> [(&'static str, &Difference); FIGURES] {
        [
            ("failures", &self.failure_ratio),
            ("mean", &self.mean),
            ("p50", &self.p50),
            ("p95", &self.p95),
            ("p99", &self.p99),
        ]
    }

    /// Whether a difference of it matters.
    pub fn matters(&self) -> bool {
        self.figures().iter().any(|(_, difference)| difference.matters)
    }
}

impl Comparison {
    /// Compares two runs, each with what it is called.
    pub fn of(a: (&str, &Record), b: (&str, &Record)) -> Self {
        let (first, second) = (&a.1.summary, &b.1.summary);
        let mut names: BTreeMap<(Kind, &str, &str), Both> = BTreeMap::new();
        for row in &first.rows {
            names.entry((row.kind, &row.name, &row.method)).or_default().0 = Some(row);
        }
        for row in &second.rows {
            names.entry((row.kind, &row.name, &row.method)).or_default().1 = Some(row);
        }
        let judge = Judge::new(CONFIDENCE, (names.len() + 1) * FIGURES);
        let mut rows: Vec<ComparedRow> = names
            .into_iter()
            .map(|((kind, name, method), (a, b))| {
                let figures = |row: Option<&'_ Row>| row.map(|row| row.figures.clone());
                compared(&judge, (kind, method, name), figures(a).as_ref(), figures(b).as_ref())
            })
            .collect();
        rows.sort_by_key(|row| !row.matters());
        let key = (Kind::Request, "", "Aggregated");
        let total = compared(&judge, key, Some(&first.total.figures), Some(&second.total.figures));
        let (a, b) = (side(a), side(b));
        let warnings = warnings(&a, &b);
        let verdict = text::verdict(&total, &rows);
        Self { version: 1, confidence: CONFIDENCE, verdict, warnings, a, b, total, rows }
    }

    /// Whether a difference between the runs matters, and B is the worse one in it.
    pub fn is_worse(&self) -> bool {
        let worse = |row: &ComparedRow| row.figures().iter().any(|(_, d)| d.better == Some(false));
        worse(&self.total) || self.rows.iter().any(worse)
    }
}

/// A row of run A and of run B.
type Both<'r> = (Option<&'r Row>, Option<&'r Row>);

fn compared(
    judge: &Judge,
    (kind, method, name): (Kind, &str, &str),
    a: Option<&Figures>,
    b: Option<&Figures>,
) -> ComparedRow {
    let percentile = |p: f64| judge.percentile(a, b, p);
    let requests = |figures: Option<&Figures>| figures.map_or(0, |figures| figures.requests);
    ComparedRow {
        kind,
        method: method.to_owned(),
        name: name.to_owned(),
        requests: Pair { a: requests(a), b: requests(b) },
        rate: Difference::plain(
            a.map(|figures| figures.requests_per_second),
            b.map(|figures| figures.requests_per_second),
        ),
        failure_ratio: judge.failure_ratio(a, b),
        mean: judge.mean(a, b),
        p50: percentile(0.5),
        p95: percentile(0.95),
        p99: percentile(0.99),
    }
}

fn side((title, record): (&str, &Record)) -> Side {
    let summary = &record.summary;
    let info = &summary.info;
    Side {
        title: title.to_owned(),
        workload: info.workload.clone(),
        host: info.host.clone(),
        profile: info.profile.clone(),
        start: summary.start,
        duration: summary.last_request.map_or(0.0, |last| (last - summary.start).max(0.0)),
        requests: summary.total.figures.requests,
        failures: summary.total.figures.failures,
        sound: summary.health.sound,
        health: summary.health.text.clone(),
        notes: info.notes.clone(),
        settings: info.settings.clone(),
    }
}

/// Options that say where figures go, and nothing about the load.
const HARMLESS: &[&str] = &[
    "autoquit",
    "autostart",
    "csv",
    "csv-full-history",
    "headless",
    "html",
    "json",
    "json-file",
    "logfile",
    "loglevel",
    "only-summary",
    "print-stats",
    "profile",
    "progress",
    "seed",
    "summary-json",
    "tui",
    "web-host",
    "web-port",
];

fn warnings(a: &Side, b: &Side) -> Vec<String> {
    let mut warnings = Vec::new();
    for (which, side) in [("A", a), ("B", b)] {
        if !side.sound {
            warnings.push(format!("the figures of {which} are suspect: {}", side.health));
        }
        if side.requests < FEW {
            let requests = side.requests;
            warnings.push(format!(
                "{which} has only {requests} requests: small differences cannot show"
            ));
        }
    }
    if a.workload != b.workload {
        warnings.push(format!("the workloads differ: {:?} and {:?}", a.workload, b.workload));
    }
    let names: std::collections::BTreeSet<&String> =
        a.settings.keys().chain(b.settings.keys()).collect();
    for name in names.into_iter().filter(|name| !HARMLESS.contains(&name.as_str())) {
        let shown = |side: &Side| {
            side.settings.get(name).map_or("not given".to_owned(), |text| format!("{text:?}"))
        };
        let (in_a, in_b) = (shown(a), shown(b));
        if in_a != in_b {
            warnings.push(format!("--{name} differs: {in_a} and {in_b}"));
        }
    }
    let (long, short) = (a.duration.max(b.duration), a.duration.min(b.duration));
    if short > 0.0 && long / short > 1.5 {
        warnings.push(format!("the runs took {:.0} s and {:.0} s", a.duration, b.duration));
    }
    warnings
}
