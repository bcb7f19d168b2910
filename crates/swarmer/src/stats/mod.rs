//! Histograms, per-thread recorders, their merge, and the one [`Summary`] everything people see is rendered from.
//!
//! ```text
//! driver thread: Recorder::record … record, once a second Recorder::take ──Delta──▶ control plane: Collector::merge
//!                                                                                    │ tick      │ summary
//!                                                                                 History     Summary ──▶ crate::report
//! ```
//!
//! # Definitions
//! | figure | definition |
//! |---|---|
//! | requests | finished requests, failed ones included; cut-off requests are `aborted` and part of nothing else |
//! | untimed | requests without a response time; they count, but in no time and no percentile |
//! | response time | nanoseconds in, milliseconds out; minimum, mean, maximum are exact |
//! | percentile P(p) | the response time of 0-based ascending rank floor(n·p), n = timed requests; no interpolation. Error ≤ 0.1 % by the histogram's cells ([`Histogram`]), never beyond minimum and maximum; P(1) is the exact maximum |
//! | with Locust's buckets | the same rank over buckets of 1, 10, 100, 1,000 ms ([`locust_bucket`]), not clamped |
//! | median | P(0.5), clamped to minimum and maximum; for two samples the larger one, as the rank rule says |
//! | rate, whole run | count / (completion of the latest request of the total − start); the same span for every row; 0 when unknown |
//! | rate, current | mean per second over the ten seconds that ended two seconds ago (not before the start). They hang on the wall clock, so they fall to 0 when traffic stops. Locust's hang on the latest request; while traffic flows the two are equal |
//! | percentile, current | P(p) over the reports whose newest completion lies within the last ten seconds |
//! | failure ratio | failures / requests |
//! | mean size | bytes of bodies / requests |
//! | total | sum over all rows of kind [`Kind::Request`], from the same exact deltas |
//! | user class | all requests of its users, as a row of its own |
//! | segment | the part of a row that users of that segment caused |
//! | error | distinct by (kind, method, name, text) |
//! | due | a journey at an arrival rate, or a task on a schedule, has a moment at which it is due; from there its first request is timed a second time ([`FromDue`]), and its start may be late or dropped ([`Schedule`]) |
//! | journey | one run of one task, from the start of its first request to the end of its last; a run without a request is none. Failed when the task returned an error; when its user was stopped in its middle, it counts in the funnel only |
//! | funnel | for each task of a class: runs that ended, by outcome and by the request they ended with; for each request how many runs came to it, how long it took, and the pause since the request before. Requests within a measured one have no pause. Steps stand in an order that contradicts no run where runs agree |
//! | exemplar | of each row the slowest successful requests since the start (after a reset those of the next ten seconds may be missed), and failed ones: of every error one before a second of any, the latest before the older |
//! | exception | an error of a task outside of requests; distinct by (scenario, message, detail) |
//!
//! | interval | of P(p): between which two values in order the true percentile lies with 95 % confidence, by the binomial distribution; no upper end where even the largest value may lie below it ([`Figures::interval`]) |
//!
//! # The generator's own health
//! About a hundred times a second an alarm of the operating system comes to each driver as a readable socket would; the
//! time from when it was due to when its task runs is the driver's *lateness* ([`Pulse`]). Alarms due while a thread was
//! blocked count with their own lateness each. Beside it stand the thread's processor time and the time it waited for a
//! core. Not seen: delays shorter than the gap between alarms that fall between two of them (they count in proportion to
//! their share of the time), and whatever happens to a packet before the kernel has it.
//!
//! Each second of a run in which anything was timed is judged. It is bad when, for any driver,
//!
//! | what | over the last | limit |
//! |---|---|---|
//! | share of a core used | 3 s | 95 % |
//! | share of time spent waiting for a core | 3 s | 25 % |
//! | median lateness | 3 s | 1 % of the reported p50, and 0.5 ms |
//! | P(0.99) of lateness | 10 s | 10 % of the reported p99, and 50 ms |
//!
//! Two bad seconds in a row make the figures *suspect*, from the beginning of the stretch judged until ten seconds have
//! passed without another. The limits in milliseconds keep a shared machine's single hiccups out: they are what a busy
//! scheduler does to a thread now and then, and they move no percentile that is told. At the end of a run the verdict is
//! about all of it ([`Health::sound`]).
//!
//! The advice to a driver that is late follows from where the time went in which something was ready and not served. Each
//! alarm stands for the time for which it waited, up to the ten milliseconds to the next. If the kernel says that the
//! thread waited for a core for half of that or more, other programs had the machine; else, if the host of a virtual machine
//! took as much of a core (steal, which the kernel tells of all cores together: [`Pulse::stolen`]), other machines had it;
//! else, if the driver used half of a core or more, it had too much to do; else something blocked its thread.
//!
//! The start is the moment the [`Collector`] was made or last reset. Memory is bounded by [`limits`], the ten-second
//! windows and the thinning of the [`History`], whatever the length of a run.

mod capped;
mod coarse;
mod collector;
mod delta;
mod errors;
mod exemplar;
mod exemplars;
mod foreign;
mod funnels;
mod health;
mod heat;
mod histogram;
mod history;
mod interval;
mod journey;
pub mod limits;
mod list;
mod mark;
mod marks;
mod merge;
mod metric;
mod names;
mod omission;
mod packed;
mod per_second;
mod picks;
mod pulse;
mod record;
mod recorder;
mod row_history;
mod runs;
mod schedule;
pub(crate) mod series;
mod summary;
mod tally;
mod vitals;
mod window;

pub use coarse::{CoarseBuckets, locust_bucket};
pub use collector::Collector;
pub use delta::{Delta, Kind};
pub use errors::Errors;
pub use exemplar::{Exemplar, Why};
pub(crate) use foreign::{ForeignError, ForeignRow};
pub use health::{DriverHealth, Health, Suspect};
pub(crate) use histogram::rank;
pub use histogram::{Count, Histogram, MAX_TRACKED};
pub use history::{Gauge, GaugeColumns, History, HistoryColumns, HistoryPoint, PAST, RECENT};
pub use journey::{CUT, Ending, FAILED, FINISHED, Funnel, Step, Times};
pub use list::List;
pub use mark::{Mark, MarkKind, Worker};
pub use merge::{MergeError, Part};
pub use metric::{MetricRow, MetricValue, Metrics};
pub use packed::BadDelta;
pub use per_second::PerSecond;
pub use pulse::Pulse;
pub use record::{Record, RecordError};
pub use recorder::{Class, Detail, Recorder, RecorderOptions, Sample, Segment};
pub use row_history::{RowHistory, RowKind, RowRecord};
pub use runs::{Run, RunEnd};
pub use schedule::{FromDue, Schedule};
pub use summary::{
    Current, ErrorRow, ExceptionRow, Figures, FoldedCounts, Interval, PERCENTILES,
    PercentileSource, Percentiles, Row, RunInfo, SegmentRow, Summary, Users, percentile_label,
};
