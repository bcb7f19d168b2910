//! Caps that keep memory bounded whatever a target or a workload does. What exceeds them is counted and shown, never
//! silently dropped.

/// Rows (kind, method, name, segment, class) of one recorder, and rows (kind, method, name) of the collector. Samples under
/// further names are counted under the name [`OTHER`].
pub const ROWS: usize = 10_000;
/// The name (or segment) that takes what exceeds a cap.
pub const OTHER: &str = "(other)";
/// Rows under the name [`OTHER`] (one per kind, method and segment) before methods are folded as well.
pub const OTHER_ROWS: usize = 500;
/// Different user segments of one recorder.
pub const SEGMENTS: usize = 32;
/// Different user classes of one recorder, and of the collector; further ones count under [`OTHER`].
pub const CLASSES: usize = 256;
/// Tasks with a funnel of their own; runs of further ones count under the task [`OTHER`] of their class.
pub const JOURNEYS: usize = 1_000;
/// Different requests of one task, the one that takes all further ones under [`OTHER`] included.
pub const STEPS: usize = 64;
/// Ways in which the runs of one task may end, before [`OTHER`] takes the rest.
pub const OUTCOMES: usize = 32;
/// Bytes of what a task says of how its run ended; longer ones are cut on a character boundary.
pub const OUTCOME_BYTES: usize = 128;
/// Slow requests of one row that are kept, and as many failed ones.
pub const EXEMPLARS_PER_ROW: usize = 5;
/// Single requests that are kept of a run; where rows are many, each has fewer.
pub const EXEMPLARS: usize = 1_000;
/// Single requests that one recorder hands over at once; the others wait for the next time.
pub const EXEMPLARS_PER_DELTA: usize = 200;
/// Bytes of the body of a failed request that are kept.
pub const EXCERPT_BYTES: usize = 300;
/// Distinct errors (kind, method, name, text) one recorder keeps between two hand-overs.
pub const ERRORS_PER_DELTA: usize = 20_000;
/// Bytes of those: a worker sends what all its drivers hand over in one frame, which has a limit.
pub const ERROR_BYTES_PER_DELTA: usize = 1 << 20;
/// Distinct errors (kind, method, name, text) of a run.
pub const ERRORS: usize = 20_000;
/// Bytes of those: names of rows may be long, and what comes from workers shares none.
pub const ERROR_BYTES: usize = 32 << 20;
/// Bytes of an error beside its texts, in memory and on its way, rounded up.
pub(super) const ERROR_OVERHEAD: usize = 128;
/// Bytes of an error's text or an exception's message; longer ones are cut on a character boundary and end in `…`.
pub const ERROR_TEXT_BYTES: usize = 1_024;
/// Distinct exceptions one recorder keeps between two hand-overs.
pub const EXCEPTIONS_PER_DELTA: usize = 100;
/// Distinct exceptions of a run.
pub const EXCEPTIONS: usize = 500;
/// Bytes of an exception's detail.
pub const EXCEPTION_DETAIL_BYTES: usize = 8_192;
/// Names of the workload's own metrics, of each type; further ones count under [`OTHER`].
pub const METRICS: usize = 1_000;
/// Different nodes listed per exception.
pub const NODES_PER_EXCEPTION: usize = 1_000;
