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
    /// What there is, as it was left.
    Held,
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
            Self::Held => "Held",
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
            Self::Held => std::future::pending().await,
            Self::Stages(stages) => follow_stages(handle, &stages).await,
            Self::Shape(shape) => follow_shape(handle, shape).await,
            Self::Arrivals { arrivals, users, duration } => {
                let began = clock::now();
                handle.open(arrivals, users, began);
                match duration {
                    Some(duration) => until(began, duration).await,
                    None => std::future::pending().await,
                }
                Ok(Ending::Arrivals)
            }
        }
    }
}

/// Waits for the moment so long after `began`; one that no clock knows never comes.
async fn until(began: Instant, after: Duration) {
    match began.checked_add(after) {
        Some(moment) => sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// Each stage is one ramp, timed from the start of the run, so that nothing drifts.
async fn follow_stages(handle: &Handle, stages: &Stages) -> Result<Ending, LoadError> {
    let began = clock::now();
    let count = stages.legs().len();
    for (index, leg) in stages.legs().iter().enumerate() {
        until(began, leg.begins).await;
        let Leg { from, to, rate, ends, .. } = *leg;
        let number = index + 1;
        info!(
            target: RUNNERS,
            "Stage {number} of {count}: {from} to {to} users, until {} s", ends.as_secs()
        );
        // A stage that changes nothing leaves the last ramp to its end, but the first one starts the run.
        if rate == 0.0 && index > 0 {
            continue;
        }
        let ramp = Ramp::new(to, if rate > 0.0 { rate } else { 1.0 })?;
        handle.start_ramp(ramp, began.checked_add(leg.first_step()));
    }
    until(began, stages.duration()).await;
    Ok(Ending::Stages)
}

/// Asks the shape once a second, on the second.
async fn follow_shape(handle: &Handle, mut shape: Box<dyn Shape>) -> Result<Ending, LoadError> {
    info!(target: RUNNERS, "Shape test starting.");
    let began = clock::now();
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
