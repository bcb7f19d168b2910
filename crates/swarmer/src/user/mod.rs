//! What a task is handed: HTTP, think times, random numbers, identity.
//!
//! A [`User`] lives on one driver thread and never leaves it; nothing in it is shared with another thread, so a request
//! takes no lock and sends no message.

mod custom;
mod error;
mod journey;
mod limiter;
mod provided;
mod request;
mod resting;
pub(crate) mod stop;
pub(crate) mod transcript;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use custom::CustomRequest;
pub(crate) use error::Reason;
pub use error::{RequestFailed, TaskError, TaskResult};
pub(crate) use limiter::Limiter;
pub use provided::{NotProvided, Provided};
use rand_pcg::Pcg64Mcg;
pub use request::{Expect, Request, Verdict};
use resting::Resting;
use stop::StopSignal;
use transcript::Transcript;

use crate::clock::{self, Anchor, Waiters};
use crate::events::{Hooks, UserError};
use crate::http::{self, Method};
use crate::options::Options;
use crate::scenario::{Pace, Wait};
use crate::stats::{Class, Recorder, Run, Segment};

/// The random source of a user: its algorithm is fixed, so that a seed means the same in every release.
pub type UserRng = Pcg64Mcg;

/// What all users of one driver share.
pub(crate) struct Env {
    pub(crate) recorder: RefCell<Recorder>,
    /// Both may be others from one task to the next.
    pub(crate) options: RefCell<Arc<Options>>,
    pub(crate) provided: RefCell<Arc<Provided>>,
    /// Trace ids come from entropy, never from the seed: two runs with one seed must not collide in a trace store.
    pub(crate) trace_rng: RefCell<Pcg64Mcg>,
    /// The ceiling on requests per second, if there is one now.
    pub(crate) limiter: Limiter,
    /// Users whose next task is due at a moment, if the driver is sharp enough to look after them.
    pub(crate) waiters: Rc<Waiters>,
    /// A user goes on after an exception; else it ends there.
    pub(crate) catch_exceptions: bool,
    pub(crate) anchor: Anchor,
    pub(crate) hooks: Arc<Hooks>,
    /// The same hooks, if one of them hears of requests: what a request without them pays is one look at this.
    pub(crate) on_request: Option<Arc<Hooks>>,
    /// What the one user of a replay does is written down there.
    pub(crate) transcript: Option<Rc<Transcript>>,
}

impl Env {
    /// Counts an exception of a user of `class`: `message` is one line, `detail` tells where it came from.
    pub(crate) fn count_exception(&self, class: &str, message: &str, detail: &str) {
        self.recorder.borrow_mut().exception(class, &message, &detail);
    }
}

/// One simulated user, as its tasks see it.
pub struct User {
    number: u64,
    rng: UserRng,
    client: http::Client,
    headers: Vec<(Box<str>, Box<str>)>,
    segment: Segment,
    class: Class,
    /// The run of the task in hand.
    run: Option<Run>,
    /// Above 0 while requests are sent that belong to no run.
    aside: Rc<Cell<u32>>,
    pace: f64,
    /// When the task in hand, or the one to come, was due; until its first request has been sent.
    due: Option<Instant>,
    /// When the latest task began.
    began: Instant,
    /// Names of tasks to run next in the task set the user is in; `true`: before those already waiting.
    schedule: Vec<(Box<str>, bool)>,
    /// What hooks are told with every request.
    context: Vec<(Box<str>, Box<str>)>,
    stop: StopSignal,
    /// As they were when the task in hand began.
    options: Arc<Options>,
    env: Rc<Env>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("number", &self.number).finish_non_exhaustive()
    }
}

impl User {
    pub(crate) fn new(number: u64, client: http::Client, stop: StopSignal, env: Rc<Env>) -> Self {
        let options = Arc::clone(&env.options.borrow());
        let rng = seeded(options.seed.unwrap_or_default(), number);
        let (headers, schedule, context) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            number,
            rng,
            client,
            headers,
            segment: Segment::NONE,
            class: Class::NONE,
            run: None,
            aside: Rc::default(),
            pace: 1.0,
            due: None,
            began: clock::now(),
            schedule,
            context,
            stop,
            options,
            env,
        }
    }

    /// The user's number in the run, counted from 0 over all threads. With the seed it decides every random choice.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The user's own random source, seeded from `--seed` and the user's number.
    pub fn rng(&mut self) -> &mut UserRng {
        &mut self.rng
    }

    /// When the task in hand was due: its arrival in the open model (`--rate`), its place in the plan of a
    /// [`schedule`](crate::prelude::schedule). `None` where nothing is due, and once a task's first request is over: that
    /// one's time counts from then, no other's.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The options of the run, with the workload's own ones, as they were when the task in hand began: those of the
    /// workload can be changed on the web page while users run.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What the workload's set-up provided, by its type.
    ///
    /// # Errors
    /// [`NotProvided`] when set-up provided nothing of that type: a mistake in the workload.
    pub fn provided<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, NotProvided> {
        self.env.provided.borrow().get()
    }

    /// Pauses inside a task, as a person does between two steps: `wait` × the user's pace × the time scale.
    pub async fn think(&mut self, wait: Wait) {
        let scale = self.options.time_scale * self.pace;
        let pause = wait.think(&mut self.rng, scale);
        let pause = self.tell_pause(pause);
        self.park(pause);
        if !pause.is_zero() {
            self.rest(pause).await;
        }
    }

    /// Does nothing for so long but answer servers that ask whether it is still there.
    pub(crate) fn rest(&mut self, pause: Duration) -> Resting<'_> {
        Resting::new(pause, &mut self.client)
    }

    /// As [`rest`](Self::rest), before the next task: until that is due, if it is due at a moment.
    pub(crate) fn rest_between_tasks(&mut self, pause: Duration) -> Resting<'_> {
        match self.due.filter(|_| self.env.waiters.are_kept()) {
            Some(due) => Resting::until(self.env.waiters.until(due), &mut self.client),
            None => self.rest(pause),
        }
    }

    /// Writes a pause down, if the user has a transcript; how long it is to be made.
    pub(crate) fn tell_pause(&self, pause: Duration) -> Duration {
        self.env.transcript.as_ref().map_or(pause, |transcript| transcript.waits(pause))
    }

    /// Closes connections that would be idle for long, if the options ask for that.
    pub(crate) fn park(&mut self, pause: Duration) {
        if self.options().park_idle.is_some_and(|limit| pause >= limit && !pause.is_zero()) {
            self.client.close_idle();
        }
    }

    /// Makes this user think faster (below 1) or slower (above 1) than others.
    ///
    /// # Panics
    /// When `factor` is negative or not finite.
    pub fn set_pace(&mut self, factor: f64) {
        assert!(factor.is_finite() && factor >= 0.0, "set_pace({factor}): must be finite and >= 0");
        self.pace = factor;
    }

    /// Runs the task or set of this name once this task is over, before any other is picked, and after those scheduled
    /// before it.
    ///
    /// The name is looked up in the task set that the user is in then; one that is not there is an exception. A task of
    /// weight 0 runs in no other way. What is scheduled in a nested set is forgotten when the set is left.
    ///
    /// ```
    /// use swarmer::prelude::*;
    ///
    /// struct Clerk;
    /// impl Clerk {
    ///     async fn file(&mut self, user: &mut User) -> TaskResult {
    ///         user.post("/files").send().await?;
    ///         user.schedule("Review");
    ///         Ok(())
    ///     }
    ///     async fn review(&mut self, user: &mut User) -> TaskResult {
    ///         user.get("/files").send().await?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let clerks = Scenario::new("Clerk", async |_| Ok(Clerk))
    ///     .task(1, "File", Clerk::file)
    ///     .task(0, "Review", Clerk::review);
    /// # let _ = clerks;
    /// ```
    pub fn schedule(&mut self, task: &str) {
        self.schedule.push((task.into(), false));
    }

    /// As [`schedule`](Self::schedule), but before all that is scheduled already.
    pub fn schedule_first(&mut self, task: &str) {
        self.schedule.push((task.into(), true));
    }

    /// Puts the user into a segment (an A/B group, a region, a tariff): its requests are counted under that too.
    pub fn set_segment(&mut self, name: &str) {
        self.segment = self.env.recorder.borrow_mut().segment(name);
    }

    /// Sends `value` under `name` with every request from now on, replacing an earlier default of that name.
    pub fn set_header(&mut self, name: &str, value: &str) {
        match self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value.into(),
            None => self.headers.push((name.into(), value.into())),
        }
    }

    /// No longer sends the default header `name`.
    pub fn remove_header(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Sends `Authorization: Bearer …` with every request from now on.
    pub fn set_bearer(&mut self, token: &str) {
        self.set_header("authorization", &format!("Bearer {token}"));
    }

    /// A GET request; see [`request`](Self::request).
    pub fn get<'u>(&'u mut self, url: &str) -> Request<'u> {
        self.request(Method::GET, url)
    }

    /// A POST request; see [`request`](Self::request).
    pub fn post<'u>(&'u mut self, url: &str) -> Request<'u> {
        self.request(Method::POST, url)
    }

    /// A PUT request; see [`request`](Self::request).
    pub fn put<'u>(&'u mut self, url: &str) -> Request<'u> {
        self.request(Method::PUT, url)
    }

    /// A PATCH request; see [`request`](Self::request).
    pub fn patch<'u>(&'u mut self, url: &str) -> Request<'u> {
        self.request(Method::PATCH, url)
    }

    /// A DELETE request; see [`request`](Self::request).
    pub fn delete<'u>(&'u mut self, url: &str) -> Request<'u> {
        self.request(Method::DELETE, url)
    }

    /// A request to `url`: a path, which follows the host, or an absolute `http(s)://…` address.
    pub fn request<'u>(&'u mut self, method: Method, url: &str) -> Request<'u> {
        let request = http::Request::new(method, url);
        let defaults = self.headers.iter();
        let inner = defaults.fold(request, |request, (name, value)| request.header(name, &**value));
        Request::new(self, inner)
    }

    pub(crate) fn stop_signal(&self) -> &StopSignal {
        &self.stop
    }

    /// The pause before the next task.
    pub(crate) fn draw_wait(&mut self, wait: Wait, pace: &mut Pace) -> Duration {
        pace.anchor(self.began);
        let pause = wait.draw(&mut self.rng, self.options.time_scale, clock::now(), pace);
        self.due = pace.due();
        pause
    }

    /// The next task is the journey that arrived under this number, due at that moment.
    ///
    /// Which user makes a journey hangs on who is free, so on the target; what is done in it shall not. So each journey
    /// has random numbers of its own.
    pub(crate) fn begin_journey(&mut self, number: u64, due: Instant) {
        let seed = self.options.seed.unwrap_or_default();
        self.rng = seeded(seed ^ 0x4a4f_5552_4e45_5953, number);
        self.due = Some(due);
    }

    /// Notes how late the task begins, if it was due at some moment.
    pub(crate) fn begin_task(&mut self) {
        self.began = clock::now();
        if !Arc::ptr_eq(&self.options, &self.env.options.borrow()) {
            self.options = Arc::clone(&self.env.options.borrow());
        }
        if let Some(due) = self.due {
            let late = self.began.saturating_duration_since(due);
            self.env.recorder.borrow_mut().journey_started(late);
        }
    }

    /// What comes after a task without a request was not due when the task was.
    pub(crate) fn end_task(&mut self) {
        self.due = None;
    }

    /// A pause that the workload computed, at the time scale of the run.
    pub(crate) fn scaled_wait(&self, seconds: f64) -> Result<Duration, TaskError> {
        let scaled = Duration::try_from_secs_f64(seconds * self.options.time_scale);
        scaled.map_err(|_| {
            TaskError::message(format!("the wait is {seconds} seconds, allowed: finite and >= 0"))
        })
    }

    /// Takes what was scheduled, in the order it was.
    pub(crate) fn take_schedule(&mut self) -> std::vec::Drain<'_, (Box<str>, bool)> {
        self.schedule.drain(..)
    }

    /// Counts an exception of this user's and tells the hooks.
    pub(crate) fn count_exception(&self, class: &str, message: &str, detail: &str) {
        self.env.count_exception(class, message, detail);
        if let Some(transcript) = &self.env.transcript {
            transcript.exception(message, detail);
        }
        self.env.hooks.user_error(&UserError {
            user: self.number,
            scenario: class,
            message,
            detail,
        });
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }
}

/// The random source of user `number` in a run with `seed`: the same on every thread, machine and release.
fn seeded(seed: u64, number: u64) -> UserRng {
    let high = split_mix(seed.wrapping_add(0x5357_4152_4d45_5221));
    let low = split_mix(high ^ split_mix(number));
    UserRng::new(u128::from(high ^ number) << 64 | u128::from(low))
}

/// One step of `SplitMix64` (Steele, Lea, Flood 2014): spreads neighbouring inputs over all 64 bits.
fn split_mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn a_users_random_numbers_are_fixed_for_ever() {
        let mut rng = seeded(42, 7);
        let drawn: [u64; 2] = [rng.random(), rng.random()];
        assert_eq!(
            drawn,
            [12_012_215_640_922_516_071, 2_641_747_210_335_023_613],
            "the values may never change: people keep seeds in their scripts"
        );
    }

    #[test]
    fn neighbours_share_nothing() {
        let first: Vec<u64> = (0..1000).map(|n| seeded(1, n).random()).collect();
        let mut unique = first.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), first.len());
        let ones: u32 = first.iter().map(|v| v.count_ones()).sum();
        assert!((31_000..33_000).contains(&ones), "{ones} of 64000 bits set");
    }
}
