//! A load plan as points of a line, for drawing it before the run.

use std::time::Duration;

use super::plan::Plan;

/// More points than a drawing has columns.
const MOST: usize = 2_000;

/// Where the planned number of users, or of journeys per second, changes its course.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Corners {
    /// Seconds since the start of the run, in order; a jump has two points at one moment.
    pub seconds: Vec<f64>,
    /// The height at each of them.
    pub heights: Vec<f64>,
}

impl Corners {
    fn add(&mut self, at: Duration, height: f64) {
        self.seconds.push(at.as_secs_f64());
        self.heights.push(height);
    }
}

impl Plan {
    /// The corner points of the plan; at most 2,000 of a shape that changes every second.
    pub fn corners(&self) -> Corners {
        let mut corners = Corners::default();
        match self {
            Self::Users { users, rate, run_time } => {
                corners.add(Duration::ZERO, 0.0);
                let reached = Duration::try_from_secs_f64(f64::from(*users) / rate);
                let reached = reached.unwrap_or(Duration::MAX);
                let end = run_time.unwrap_or_else(|| reached.saturating_mul(2));
                corners.add(reached.min(end), self.height(reached.min(end)));
                if end > reached {
                    corners.add(end, f64::from(*users));
                }
            }
            Self::Stages { stages, run_time } => {
                let end = run_time.unwrap_or(Duration::MAX);
                for leg in stages.legs().iter().filter(|leg| leg.begins < end) {
                    corners.add(leg.begins, f64::from(leg.from));
                    if leg.rate > 0.0 {
                        let ramp = f64::from(leg.from.abs_diff(leg.to)) / leg.rate;
                        let ramp = Duration::try_from_secs_f64(ramp).unwrap_or(leg.ends);
                        let top = leg.begins.saturating_add(ramp).min(leg.ends);
                        corners.add(top.min(end), f64::from(stages.users_at(top.min(end))));
                    }
                    let last = leg.ends.min(end);
                    let users = if last < leg.ends { stages.users_at(last) } else { leg.to };
                    corners.add(last, f64::from(users));
                }
            }
            Self::Shape(course) => {
                let mut before = 0.0;
                for (at, users) in course.targets().take(MOST) {
                    corners.add(at, before);
                    corners.add(at, f64::from(users));
                    before = f64::from(users);
                }
                if let Some(end) = self.duration() {
                    corners.add(end, before);
                }
            }
            Self::Arrivals { rates, .. } => {
                let end = self.duration().unwrap_or(Duration::MAX);
                let mut begins = Duration::ZERO;
                for stage in rates.stages() {
                    if begins >= end {
                        break;
                    }
                    let length = stage.duration.unwrap_or(Duration::from_mins(1));
                    let last = begins.saturating_add(length).min(end);
                    corners.add(begins, stage.from.get());
                    let whole = last == begins.saturating_add(length);
                    corners.add(last, if whole { stage.to.get() } else { rates.rate_at(last) });
                    begins = begins.saturating_add(length);
                }
            }
        }
        corners
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::ShapeTime;

    fn of(plan: &Plan) -> Vec<(f64, f64)> {
        let Corners { seconds, heights } = plan.corners();
        seconds.into_iter().zip(heights).collect()
    }

    #[test]
    fn users_ramp_up_and_stay() {
        let run_time = Some(Duration::from_mins(1));
        let plan = Plan::Users { users: 20, rate: 2.0, run_time };
        assert_eq!(of(&plan), [(0.0, 0.0), (10.0, 20.0), (60.0, 20.0)]);
        let short = Plan::Users { users: 20, rate: 2.0, run_time: Some(Duration::from_secs(5)) };
        assert_eq!(of(&short), [(0.0, 0.0), (5.0, 10.0)]);
        let endless = Plan::Users { users: 20, rate: 2.0, run_time: None };
        assert_eq!(of(&endless).last(), Some(&(20.0, 20.0)));
    }

    #[test]
    fn stages_are_followed_leg_by_leg() {
        let plan =
            Plan::Stages { stages: "10s:50, 20s:50, 10s:0@50".parse().unwrap(), run_time: None };
        let expected = [
            (0.0, 0.0),
            (10.0, 50.0),
            (10.0, 50.0), // up, evenly
            (10.0, 50.0),
            (30.0, 50.0), // held
            (30.0, 50.0),
            (31.0, 0.0),
            (40.0, 0.0), // down fast
        ];
        assert_eq!(of(&plan), expected);
    }

    #[test]
    fn shapes_jump_and_rates_rise() {
        let mut steps = |time: &ShapeTime| match time.run_time.as_secs() {
            0..5 => Some((10, 1.0)),
            5..9 => Some((30, 1.0)),
            _ => None,
        };
        let expected = [(0.0, 0.0), (0.0, 10.0), (5.0, 10.0), (5.0, 30.0), (9.0, 30.0)];
        assert_eq!(of(&Plan::of_shape(&mut steps)), expected);
        let rates = Plan::Arrivals {
            rates: "10s:0->100/s, 20s:100/s".parse().unwrap(),
            spacing: crate::load::Spacing::Constant,
            run_time: Some(Duration::from_secs(15)),
            most: None,
            users: 5,
        };
        assert_eq!(of(&rates), [(0.0, 0.0), (10.0, 100.0), (10.0, 100.0), (15.0, 100.0)]);
    }
}
