//! Load shapes as code: asked once a second how many users there should be.

use std::time::Duration;

/// What a shape knows when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeTime {
    /// Time since the start of the run.
    pub run_time: Duration,
    /// Users that run, those that start within the next tenth of a second included.
    pub users: u32,
}

/// What a shape wants from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The number of users in all.
    pub users: u32,
    /// Users started or stopped per second on the way there.
    pub rate: f64,
    /// Only users of these classes are started from now on (those of others that run stay); `None` leaves it as it is,
    /// which is all classes at first.
    pub classes: Option<Vec<String>>,
}

impl From<(u32, f64)> for Target {
    fn from((users, rate): (u32, f64)) -> Self {
        Self { users, rate, classes: None }
    }
}

impl<S: Into<String>> From<(u32, f64, Vec<S>)> for Target {
    fn from((users, rate, classes): (u32, f64, Vec<S>)) -> Self {
        Self { users, rate, classes: Some(classes.into_iter().map(Into::into).collect()) }
    }
}

/// A load shape: `tick` is called once a second, at 0 s, 1 s, 2 s, … of the run, and never blocks it.
///
/// The rules are Locust's: the same answer as before changes nothing, `None` ends the run, and the options `--users`,
/// `--spawn-rate` and `--run-time` have no say unless the shape [uses them](Self::uses_common_options) itself. A tick
/// that comes while an earlier ramp is still on its way replaces it: the new target is headed for from where things
/// stand.
///
/// A closure that takes a [`ShapeTime`] and gives `Option<(users, rate)>` or `Option<Target>` is a shape:
///
/// ```
/// use swarmer::load::{Shape, ShapeTime};
///
/// // A wave that grows by ten users a minute, for an hour.
/// let mut steps = |time: &ShapeTime| {
///     let minutes = u32::try_from(time.run_time.as_secs() / 60).ok()?;
///     (minutes < 60).then_some(((minutes + 1) * 10, 10.0))
/// };
/// let time = ShapeTime { run_time: std::time::Duration::from_secs(90), users: 10 };
/// assert_eq!(steps.tick(&time).map(|target| target.users), Some(20));
/// ```
pub trait Shape {
    /// What is wanted now; `None` ends the run.
    fn tick(&mut self, time: &ShapeTime) -> Option<Target>;

    /// Whether the shape reads `--users`, `--spawn-rate` and `--run-time` itself, so that they are no mistake.
    fn uses_common_options(&self) -> bool {
        false
    }
}

impl<F, T> Shape for F
where
    F: FnMut(&ShapeTime) -> Option<T>,
    T: Into<Target>,
{
    fn tick(&mut self, time: &ShapeTime) -> Option<Target> {
        self(time).map(Into::into)
    }
}
