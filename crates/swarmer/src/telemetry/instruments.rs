//! A summary as instruments: what Prometheus scrapes and what is pushed by OTLP are two renderings of this.

use std::borrow::Cow;

use crate::stats::{Figures, FromDue, Histogram, Kind, MetricValue, Row, Summary};

/// Upper bounds of histogram buckets, in seconds: those of OpenTelemetry's semantic conventions for HTTP, and finer
/// and wider ones around them.
pub(super) const BOUNDS: [f64; 19] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0,
    7.5, 10.0, 30.0, 60.0,
];

/// Several series of one meaning.
pub(super) struct Instrument<'s> {
    /// Words parted by dots, as OTLP has them.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// In the notation of UCUM: `s`, `1`, `{request}`.
    pub(super) unit: &'static str,
    pub(super) series: Series<'s>,
}

pub(super) type Labels<'s> = Vec<(&'static str, Cow<'s, str>)>;

pub(super) enum Series<'s> {
    /// Grows until the figures are reset.
    Sum(Vec<(Labels<'s>, f64)>),
    Level(Vec<(Labels<'s>, f64)>),
    Times(Vec<(Labels<'s>, Buckets)>),
}

impl Series<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Sum(points) | Self::Level(points) => points.is_empty(),
            Self::Times(points) => points.is_empty(),
        }
    }
}

/// A histogram in few buckets.
#[derive(Debug, PartialEq)]
pub(super) struct Buckets {
    /// Values up to each of [`BOUNDS`] and above the one before, then those above the last.
    pub(super) counts: [u64; BOUNDS.len() + 1],
    pub(super) count: u64,
    /// Exact sum, seconds.
    pub(super) sum: f64,
}

impl Buckets {
    /// A value lies in the bucket of the middle of its cell: within 0.1 % of a bound it may count on its other side.
    #[expect(clippy::cast_precision_loss, reason = "seconds need no more than 53 bits")]
    fn of(times: &Histogram) -> Self {
        let mut counts = [0; BOUNDS.len() + 1];
        for (nanos, count) in times.iter() {
            counts[BOUNDS.partition_point(|bound| *bound < nanos as f64 / 1e9)] += count;
        }
        Self { counts, count: times.count(), sum: times.sum() as f64 / 1e9 }
    }
}

/// Everything in the summary that has a place in a time series. Texts of errors have none: there may be thousands.
pub(super) fn of<'s>(summary: &'s Summary, state: &'static str) -> Vec<Instrument<'s>> {
    let mut all = requests(summary);
    all.extend(journeys(summary));
    all.extend(run(summary, state));
    all.extend(generator(summary));
    all.extend(custom(summary));
    all.retain(|instrument| !instrument.series.is_empty());
    all
}

fn instrument<'s>(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    series: Series<'s>,
) -> Instrument<'s> {
    Instrument { name, help, unit, series }
}

fn labels(row: &Row) -> Labels<'_> {
    vec![("method", text(&row.method)), ("name", text(&row.name))]
}

fn requests(summary: &Summary) -> Vec<Instrument<'_>> {
    let rows = || summary.requests();
    let count = |value: fn(&Figures) -> u64| {
        Series::Sum(rows().map(|row| (labels(row), float(value(&row.figures)))).collect())
    };
    let of_segments = |value: fn(&Figures) -> u64| {
        let all = rows().flat_map(|row| {
            row.segments.iter().map(move |part| {
                let mut labels = vec![("segment", text(&part.segment))];
                labels.extend([("method", text(&row.method)), ("name", text(&row.name))]);
                (labels, float(value(&part.figures)))
            })
        });
        Series::Sum(all.collect())
    };
    let times = rows().map(|row| (labels(row), Buckets::of(&row.figures.times))).collect();
    let due = rows().filter_map(|row| Some((row, row.figures.from_due.as_ref()?)));
    let from_due = due.map(|(row, due)| (labels(row), Buckets::of(&due.times))).collect();
    vec![
        instrument(
            "requests",
            "{request}",
            "Finished requests, failed ones included",
            count(|f| f.requests),
        ),
        instrument("failures", "{request}", "Failed requests", count(|f| f.failures)),
        instrument("received", "By", "Bytes of response bodies", count(|f| f.bytes)),
        instrument(
            "response.time",
            "s",
            "Response times from the moment a request was sent",
            Series::Times(times),
        ),
        instrument(
            "response.time.from.due",
            "s",
            "Response times from the moment a request was due, where it was",
            Series::Times(from_due),
        ),
        instrument(
            "segment.requests",
            "{request}",
            "Finished requests by segment of users",
            of_segments(|f| f.requests),
        ),
        instrument(
            "segment.failures",
            "{request}",
            "Failed requests by segment of users",
            of_segments(|f| f.failures),
        ),
        instrument(
            "aborted",
            "{request}",
            "Requests cut off by a stop; part of no other figure",
            Series::Sum(vec![(Vec::new(), float(summary.aborted))]),
        ),
    ]
}

fn journeys(summary: &Summary) -> Vec<Instrument<'_>> {
    let ends = summary.funnels.iter().flat_map(|funnel| {
        funnel.ends.iter().map(move |end| {
            let labels = vec![
                ("class", text(&funnel.scenario)),
                ("task", text(&funnel.task)),
                ("outcome", text(&end.outcome)),
            ];
            (labels, float(end.runs))
        })
    });
    let durations = summary.journeys().map(|row| {
        let labels = vec![("class", text(&row.method)), ("task", text(&row.name))];
        (labels, Buckets::of(&row.figures.times))
    });
    let mut all = vec![
        instrument(
            "journeys",
            "{journey}",
            "Runs of tasks that have ended, by how they did",
            Series::Sum(ends.collect()),
        ),
        instrument(
            "journey.duration",
            "s",
            "From a journey's first request to the end of its last, think times included",
            Series::Times(durations.collect()),
        ),
    ];
    if let Some(schedule) = &summary.schedule {
        let late = &schedule.late_starts;
        all.push(instrument(
            "journeys.dropped",
            "{journey}",
            "Journeys that were due and could not be started",
            Series::Sum(vec![(Vec::new(), float(schedule.dropped))]),
        ));
        all.push(lag("start.lateness", "From the moment a journey was due to its start", late));
    }
    all
}

fn run<'s>(summary: &'s Summary, state: &'static str) -> Vec<Instrument<'s>> {
    let users =
        summary.users.iter().map(|(class, users)| (vec![("class", text(class))], float(*users)));
    let exceptions =
        summary.exceptions.iter().map(|e| (vec![("class", text(&e.scenario))], e.count));
    let mut by_class: Vec<(Labels, f64)> = Vec::new();
    for (labels, count) in exceptions {
        match by_class.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, sum)) => *sum += float(count),
            None => by_class.push((labels, float(count))),
        }
    }
    let mut workers: Vec<(Labels, f64)> = Vec::new();
    for worker in &summary.workers {
        match workers.iter_mut().find(|(known, _)| known[0].1 == *worker.state) {
            Some((_, sum)) => *sum += 1.0,
            None => workers.push((vec![("state", text(&worker.state))], 1.0)),
        }
    }
    let info = [
        ("workload", text(&summary.info.workload)),
        ("engine", text(&summary.info.engine)),
        ("host", text(summary.info.host.as_deref().unwrap_or_default())),
        ("profile", text(summary.info.profile.as_deref().unwrap_or_default())),
    ];
    vec![
        instrument("users", "{user}", "Running users by class", Series::Level(users.collect())),
        instrument("workers", "{worker}", "Workers by state", Series::Level(workers)),
        instrument(
            "exceptions",
            "{exception}",
            "Errors of tasks outside of requests",
            Series::Sum(by_class),
        ),
        instrument(
            "state",
            "1",
            "1 for the state the run is in",
            Series::Level(vec![(vec![("state", text(state))], 1.0)]),
        ),
        instrument(
            "run.info",
            "1",
            "What runs against what",
            Series::Level(vec![(info.to_vec(), 1.0)]),
        ),
    ]
}

fn generator(summary: &Summary) -> Vec<Instrument<'_>> {
    let health = &summary.health;
    let cpu = health.drivers.iter().map(|d| (vec![("driver", text(&d.driver))], d.cpu));
    vec![
        lag("generator.lag", "How late the generator served timers and sockets", &health.lag),
        instrument(
            "generator.cpu",
            "1",
            "Share of a core that each driver used",
            Series::Level(cpu.collect()),
        ),
        instrument(
            "generator.sound",
            "1",
            "1 when the figures can be trusted, 0 when the generator itself is too late",
            Series::Level(vec![(Vec::new(), f64::from(u8::from(health.sound)))]),
        ),
    ]
}

fn lag<'s>(name: &'static str, help: &'static str, late: &FromDue) -> Instrument<'s> {
    let points =
        if late.count > 0 { vec![(Vec::new(), Buckets::of(&late.times))] } else { Vec::new() };
    instrument(name, "s", help, Series::Times(points))
}

/// The workload's own metrics, all under a few names: theirs are labels, which may be any text.
fn custom(summary: &Summary) -> Vec<Instrument<'_>> {
    let (mut sums, mut levels, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for row in &summary.metrics {
        let labels = || vec![("metric", text(&row.name))];
        match &row.value {
            MetricValue::Counter { total, .. } => sums.push((labels(), float(*total))),
            MetricValue::Gauge { last, .. } => levels.push((labels(), *last)),
            MetricValue::Timing { median, p95, p99, .. } => {
                for (quantile, ms) in [("0.5", median), ("0.95", p95), ("0.99", p99)] {
                    let mut labels = labels();
                    labels.push(("quantile", Cow::Borrowed(quantile)));
                    times.push((labels, ms / 1e3));
                }
            }
        }
    }
    vec![
        instrument("custom", "1", "Counters of the workload", Series::Sum(sums)),
        instrument("custom.level", "1", "Gauges of the workload", Series::Level(levels)),
        instrument("custom.time", "s", "Timings of the workload", Series::Level(times)),
    ]
}

fn text(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

#[expect(clippy::cast_precision_loss, reason = "both formats have floats only")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Kinds of rows that have instruments of their own; a new kind has to be thought of here.
const _: fn(Kind) = |kind| match kind {
    Kind::Request | Kind::Journey => {}
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_in_their_buckets() {
        let mut times = Histogram::new();
        for nanos in [1_000, 400_000, 700_000, 3_000_000, 99_000_000_000] {
            times.record(nanos);
        }
        let buckets = Buckets::of(&times);
        let mut expected = [0; BOUNDS.len() + 1];
        (expected[0], expected[1], expected[3], expected[BOUNDS.len()]) = (2, 1, 1, 1);
        assert_eq!(buckets.counts, expected);
        assert_eq!(buckets.count, 5);
        assert!((buckets.sum - 99.004_101).abs() < 1e-9, "{}", buckets.sum);
    }
}
