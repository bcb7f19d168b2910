//! Load models: what tells a run how many users it has when, or when its journeys arrive.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval_at, sleep_until};
use tracing::info;

use super::handle::Handle;
use crate::clock;
use crate::load::{Arrivals, Leg, LoadError, Ramp, Shape, ShapeTime, Stages, Target};
use crate::logging::RUNNERS;

/// How the load of a run is brought about.
pub(crate) enum Model {
    /// A number of users, gone to at a rate and then held.
    Users {
        users: u32,
        rate: f64,
    },
    Stages(Stages),
    Shape(Box<dyn Shape>),
    /// Journeys that arrive, over a pool of at most so many users; for so long, if there is an end to it.
    Arrivals {
        arrivals: Box<Arrivals>,
        users: u32,
        duration: Option<Duration>,
    },
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Users { .. } => "Users",
            Self::Stages(_) => "Stages",
            Self::Shape(_) => "Shape",
            Self::Arrivals { .. } => "Arrivals",
        })
    }
}

/// What came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Stages,
    Shape,
    Arrivals,
}

impl Model {
    /// Brings the load about; returns when the model is at its end, which it may never be. The run goes on until it is
    /// stopped.
    ///
    /// # Errors
    /// When a number of users, a spawn rate or a class is asked for that cannot be.
    pub(crate) async fn follow(self, handle: &Handle) -> Result<Ending, LoadError> {
        match self {
            Self::Users { users, rate } => {
                handle.start(users, rate)?;
                std::future::pending().await
            }
            Self::Arrivals { arrivals, users, duration } => {
                let began = clock::now();
                handle.open(arrivals, users, began);
                await_end(began, duration).await
            }
            course => course.follow_from(handle, clock::now()).await,
        }
    }

    /// As [`Self::follow`], for a run that began then and was taken up with the users or journeys it had: whatever of the
    /// model still lies ahead.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn go_on(self, handle: &Handle, began: Instant) -> Result<Ending, LoadError> {
        // Until then nobody knows which users there still are.
        handle.clone().until_gathered().await;
        self.follow_from(handle, began).await
    }

    async fn follow_from(self, handle: &Handle, began: Instant) -> Result<Ending, LoadError> {
        match self {
            Self::Users { .. } => std::future::pending().await,
            Self::Stages(stages) => follow_stages(handle, &stages, began).await,
            Self::Shape(shape) => follow_shape(handle, shape, began).await,
            Self::Arrivals { duration, .. } => await_end(began, duration).await,
        }
    }
}

/// Waits until all journeys have arrived.
async fn await_end(began: Instant, duration: Option<Duration>) -> Result<Ending, LoadError> {
    match duration {
        Some(duration) => until(began, duration).await,
        None => std::future::pending().await,
    }
    Ok(Ending::Arrivals)
}

/// Waits for the moment so long after `began`; one that no clock knows never comes.
async fn until(began: Instant, after: Duration) {
    match began.checked_add(after) {
        Some(moment) => sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// Each stage is one ramp, timed from the start of the run, so that nothing drifts.
async fn follow_stages(
    handle: &Handle,
    stages: &Stages,
    began: Instant,
) -> Result<Ending, LoadError> {
    let count = stages.legs().len();
    let passed = clock::now().saturating_duration_since(began);
    for (index, leg) in stages.legs().iter().enumerate() {
        let Leg { from, to, rate, begins, ends, .. } = *leg;
        if ends < passed {
            continue;
        }
        until(began, begins).await;
        let number = index + 1;
        info!(
            target: RUNNERS,
            "Stage {number} of {count}: {from} to {to} users, until {} s", ends.as_secs()
        );
        // A stage that changes nothing leaves the last ramp to its end, but the first one starts the run.
        if rate == 0.0 && (index > 0 || begins < passed) {
            continue;
        }
        let ramp = Ramp::new(to, if rate > 0.0 { rate } else { 1.0 })?;
        let first = if begins < passed { rest_of(leg, handle.users()) } else { leg.first_step() };
        handle.start_ramp(ramp, began.checked_add(first.max(passed)));
    }
    until(began, stages.duration()).await;
    Ok(Ending::Stages)
}

/// When the steps that a leg still has to take from so many users begin, for the last one to be on time.
fn rest_of(leg: &Leg, users: u32) -> Duration {
    let steps = f64::from(leg.to.abs_diff(users)) - 0.5;
    let time = Duration::try_from_secs_f64(steps / leg.rate).unwrap_or_default();
    leg.ends.saturating_sub(time)
}

/// Asks the shape once a second, on the second.
async fn follow_shape(
    handle: &Handle,
    mut shape: Box<dyn Shape>,
    began: Instant,
) -> Result<Ending, LoadError> {
    info!(target: RUNNERS, "Shape test starting.");
    let mut ticks = interval_at(began.into(), Duration::from_secs(1));
    // A shape that takes its time is asked less often, not several times in a row.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut last: Option<Target> = None;
    loop {
        ticks.tick().await;
        let run_time = clock::now().saturating_duration_since(began);
        let Some(target) = shape.tick(&ShapeTime { run_time, users: handle.users() }) else {
            info!(target: RUNNERS, "Shape test stopping");
            return Ok(Ending::Shape);
        };
        if last.as_ref() == Some(&target) {
            continue;
        }
        let (users, rate) = (target.users, target.rate);
        let ramp = Ramp::new(users, rate)?;
        info!(
            target: RUNNERS,
            "Shape test updating to {users} users at {rate:.2} spawn rate"
        );
        match &target.classes {
            Some(classes) => handle.start_classes(ramp, classes.clone()).await?,
            None => handle.start_ramp(ramp, None),
        }
        last = Some(target);
    }
}
