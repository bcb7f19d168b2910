//! Load shapes as data: so many users after so much time, stage by stage.

use std::str::FromStr;
use std::time::Duration;

use super::ramp::Ramp;
use super::text::{Span, TextError, in_parts, read_duration, read_number, read_users};

/// One stage as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// How long the stage lasts. Zero: the number of users jumps.
    pub duration: Duration,
    /// The number of users the stage leads to.
    pub users: u32,
    /// Users started or stopped per second until `users` is reached, which is then held. Without it the number of
    /// users changes evenly over the whole stage.
    pub spawn_rate: Option<f64>,
}

/// A [`Stage`] in its place: between two moments, from the number of users that the stages before it left behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// When it begins, counted from the start of the run.
    pub begins: Duration,
    /// When it ends, counted from the start of the run.
    pub ends: Duration,
    /// Users at its beginning.
    pub from: u32,
    /// Users at its end: less than what was asked for when `rate` is too low to get there in time.
    pub to: u32,
    /// The number of users asked for.
    pub asked: u32,
    /// Users started or stopped per second while the number changes; 0 when it does not.
    pub rate: f64,
}

impl Leg {
    /// When the first user is started or stopped, counted from the start of the run: half a step into the stage.
    ///
    /// With the `k`-th step at `(k - 1/2) / rate` the steps lie evenly around the straight line from `from` to `to`:
    /// the user-seconds of the stage are then exactly those under the line, and a slow stage does not begin with a
    /// user that nobody asked for yet.
    pub fn first_step(&self) -> Duration {
        if self.rate > 0.0 {
            self.begins.saturating_add(seconds(0.5 / self.rate))
        } else {
            self.begins
        }
    }

    /// Steps taken at `into` the stage.
    fn steps(&self, into: Duration) -> u32 {
        let due = whole(self.rate * into.as_secs_f64() + 0.5);
        due.min(self.from.abs_diff(self.to))
    }

    fn users_at(&self, into: Duration) -> u32 {
        let steps = self.steps(into);
        if self.to >= self.from { self.from + steps } else { self.from - steps }
    }

    /// Users times seconds.
    fn user_seconds(&self) -> f64 {
        let duration = self.ends.saturating_sub(self.begins).as_secs_f64();
        let steps = f64::from(self.from.abs_diff(self.to));
        let held = f64::from(self.from) * duration;
        if self.rate == 0.0 {
            return held;
        }
        // The k-th step (from 1) counts from (k - 1/2) / rate to the end.
        let moved = steps * duration - steps * steps / (2.0 * self.rate);
        if self.to >= self.from { held + moved } else { held - moved }
    }
}

/// Stages, one after the other; the run ends with the last.
///
/// Written `2m:50, 5m:50, 1m:200@20`: over two minutes evenly up to 50 users, five minutes at 50, then at 20 users a
/// second to 200 and on until the minute is over.
///
/// ```
/// use std::time::Duration;
/// use swarmer::load::Stages;
///
/// let stages: Stages = "2m:50, 5m:50, 1m:200@20".parse()?;
/// assert_eq!(stages.duration(), Duration::from_secs(8 * 60));
/// assert_eq!(stages.users_at(Duration::from_secs(60)), 25);
/// assert_eq!(stages.peak(), 200);
/// # Ok::<(), swarmer::load::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stages {
    legs: Vec<Leg>,
}

impl Stages {
    /// Stages in this order.
    ///
    /// # Errors
    /// When there is none, a spawn rate is not a finite number above 0, or all together take no time or over a century.
    pub fn new(stages: &[Stage]) -> Result<Self, TextError> {
        let (mut legs, mut begins, mut from) = (Vec::new(), Duration::ZERO, 0);
        for stage in stages {
            let leg = leg(stage, begins, from)?;
            (begins, from) = (leg.ends, leg.to);
            legs.push(leg);
        }
        if begins.is_zero() {
            return Err(TextError::new("at least one stage that takes time is needed"));
        }
        Ok(Self { legs })
    }

    /// The stages in their places.
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    /// How long all of them take.
    pub fn duration(&self) -> Duration {
        self.legs.last().map_or(Duration::ZERO, |leg| leg.ends)
    }

    /// The planned number of users at `at` from the start of the run; that of the end afterwards.
    pub fn users_at(&self, at: Duration) -> u32 {
        let leg = self.legs.iter().rfind(|leg| leg.begins <= at);
        leg.map_or(0, |leg| leg.users_at(at.min(leg.ends).saturating_sub(leg.begins)))
    }

    /// The largest number of users at any time.
    pub fn peak(&self) -> u32 {
        self.legs.iter().map(|leg| leg.from.max(leg.to)).max().unwrap_or_default()
    }

    /// Users times seconds over the whole plan.
    pub fn user_seconds(&self) -> f64 {
        self.legs.iter().map(Leg::user_seconds).sum()
    }
}

fn leg(stage: &Stage, begins: Duration, from: u32) -> Result<Leg, TextError> {
    let Stage { duration, users, spawn_rate } = *stage;
    if let Some(rate) = spawn_rate.filter(|rate| !rate.is_finite() || *rate <= 0.0) {
        return Err(TextError::new(format!(
            "invalid spawn rate '{rate}' (allowed: a number above 0, in users per second)"
        )));
    }
    if duration.is_zero() && spawn_rate.is_some() {
        return Err(TextError::new("a stage that takes no time cannot have a spawn rate"));
    }
    let ends = Span::checked(begins.checked_add(duration))?;
    let steps = users.abs_diff(from);
    let even =
        if duration.is_zero() { Ramp::AT_ONCE } else { f64::from(steps) / duration.as_secs_f64() };
    let rate = if steps == 0 { 0.0 } else { spawn_rate.unwrap_or(even) };
    let mut leg = Leg { begins, ends, from, to: users, asked: users, rate };
    if spawn_rate.is_some() {
        leg.to = leg.users_at(duration);
    }
    Ok(leg)
}

impl FromStr for Stages {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(&in_parts(text, "DURATION:USERS or DURATION:USERS@RATE", |duration, load| {
            let (users, rate) = match load.split_once('@') {
                Some((users, rate)) => (users, Some(rate)),
                None => (load, None),
            };
            let spawn_rate = rate.map(|rate| {
                read_number(rate).filter(|rate| *rate > 0.0).ok_or_else(|| {
                    TextError::new(format!(
                        "invalid spawn rate '{}' (allowed: a number above 0, in users per second)",
                        rate.trim()
                    ))
                })
            });
            Ok(Stage {
                duration: read_duration(duration)?,
                users: read_users(users)?,
                spawn_rate: spawn_rate.transpose()?,
            })
        })?)
    }
}

/// A span that saturates instead of failing.
pub(super) fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX)
}

/// The whole part of a number that is not negative, as far as it fits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and the whole part is meant"
)]
fn whole(value: f64) -> u32 {
    value as u32
}
