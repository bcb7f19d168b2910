//! When users are started or stopped: from the present number to a target, at a rate.

use std::time::Duration;

use super::classes::LoadError;
use super::dispatch::{Dispatcher, Placement};

/// Whether a step starts or stops a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The user is started.
    Start,
    /// The user is stopped.
    Stop,
}

/// One user started or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, counted from the start of the ramp.
    pub due: Duration,
    /// Start or stop.
    pub change: Change,
    /// Which user, of which class, on which worker.
    pub place: Placement,
}

/// One iteration of a ramp in Locust's chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// When, counted from the start of the ramp.
    pub due: Duration,
    /// How many users were started or stopped; the dispatcher's table shows the outcome.
    pub changed: u32,
}

/// A way from the present number of users to a target, one user every `1 / rate` seconds, the first at once.
///
/// It holds no clock: the caller says how much time has passed since the ramp began. It always heads for its target
/// from what the dispatcher says is running, so users lost on the way (with their worker) are made good within it.
#[derive(Clone, Debug)]
pub struct Ramp {
    target: u32,
    rate: f64,
    /// Users started or stopped so far.
    taken: u64,
    /// Iterations handed out so far, where the ramp is walked in chunks.
    chunks: u64,
    /// The dispatcher had no user to offer: only fixed classes, all complete, or no worker.
    exhausted: bool,
}

impl Ramp {
    /// A rate at which all users are due at one moment, to the nanosecond.
    pub const AT_ONCE: f64 = 1e18;

    /// A ramp to `target` users at `rate` users per second.
    ///
    /// # Errors
    /// [`LoadError::Rate`] unless the rate is finite and above 0.
    pub fn new(target: u32, rate: f64) -> Result<Self, LoadError> {
        if !rate.is_finite() || rate <= 0.0 {
            return Err(LoadError::Rate(rate));
        }
        Ok(Self { target, rate, taken: 0, chunks: 0, exhausted: false })
    }

    /// The number of users this ramp leads to.
    pub fn target(&self) -> u32 {
        self.target
    }

    /// Users per second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether the target is reached, or no further user can be started.
    pub fn is_done(&self, dispatcher: &Dispatcher) -> bool {
        self.exhausted || dispatcher.user_count() == self.target
    }

    /// When the next step is due, counted from the start of the ramp; `None` once the ramp is done.
    pub fn next_due(&self, dispatcher: &Dispatcher) -> Option<Duration> {
        (!self.is_done(dispatcher)).then(|| self.after(self.taken))
    }

    /// Takes the steps due by `elapsed` (time since the start of the ramp), in order; each is taken as it is read.
    pub fn due<'a>(
        &'a mut self,
        dispatcher: &'a mut Dispatcher,
        elapsed: Duration,
    ) -> impl Iterator<Item = Step> + 'a {
        std::iter::from_fn(move || {
            let due = self.next_due(dispatcher).filter(|due| *due <= elapsed)?;
            let (change, place) = self.take(dispatcher)?;
            Some(Step { due, change, place })
        })
    }

    /// Users per iteration when the ramp is walked in Locust's chunks: `max(1, floor(rate))`.
    pub fn chunk_size(&self) -> u32 {
        // Saturating: a rate beyond u32 takes every user in one chunk.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped first"
        )]
        let size = self.rate.floor().clamp(1.0, f64::from(u32::MAX)) as u32;
        size
    }

    /// Time between the starts of two chunks: `chunk_size / rate`.
    pub fn chunk_interval(&self) -> Duration {
        seconds(f64::from(self.chunk_size()) / self.rate)
    }

    /// Takes the next whole chunk, whenever it is due; `None` once the ramp is done.
    ///
    /// A ramp that is at its target from the start yields one chunk without a change, as Locust repeats its table then.
    /// Walk a ramp either in chunks or by [`Self::due`], not both.
    pub fn next_chunk(&mut self, dispatcher: &mut Dispatcher) -> Option<Chunk> {
        if self.is_done(dispatcher) && self.chunks > 0 {
            return None;
        }
        let due = self.after(self.chunks.saturating_mul(u64::from(self.chunk_size())));
        self.chunks += 1;
        let mut changed = 0;
        while changed < self.chunk_size() && self.take(dispatcher).is_some() {
            changed += 1;
        }
        Some(Chunk { due, changed })
    }

    fn take(&mut self, dispatcher: &mut Dispatcher) -> Option<(Change, Placement)> {
        let running = dispatcher.user_count();
        let step = match running.cmp(&self.target) {
            std::cmp::Ordering::Less => dispatcher.start_next().map(|place| (Change::Start, place)),
            std::cmp::Ordering::Greater => {
                dispatcher.stop_next().map(|place| (Change::Stop, place))
            }
            std::cmp::Ordering::Equal => return None,
        };
        self.taken += u64::from(step.is_some());
        self.exhausted = step.is_none();
        step
    }

    /// When the `n`-th user (from 0) is due.
    fn after(&self, n: u64) -> Duration {
        // Exact below 2^53 users. Computed from the start each time, so that nothing drifts.
        #[expect(clippy::cast_precision_loss, reason = "user counts are far below 2^53")]
        seconds(n as f64 / self.rate)
    }
}

/// A span that saturates instead of failing: at one user per 10^30 seconds the second one never comes.
fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX)
}
