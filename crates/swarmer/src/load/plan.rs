//! A load plan as people read it before it runs: a table and a sparkline.

use std::fmt;
use std::time::Duration;

use super::arrivals::Spacing;
use super::rate::{Rate, Rates};
use super::shape::{Shape, ShapeTime, Target};
use super::stages::{Leg, Stages};
use super::text::Span;

/// Characters of a sparkline.
const COLUMNS: u32 = 60;

/// How long the course of a shape is followed for its plan.
const DAY: Duration = Duration::from_hours(24);

/// What a run is going to do, as far as that is known before it starts. Displayed as a table and a sparkline.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// A number of users that is gone to once and then held.
    Users {
        /// The number of users.
        users: u32,
        /// Users started per second.
        rate: f64,
        /// When the run ends.
        run_time: Option<Duration>,
    },
    /// Stages of users.
    Stages {
        /// The stages.
        stages: Stages,
        /// When the run ends, if before the last stage does.
        run_time: Option<Duration>,
    },
    /// The answers of a shape, see [`Plan::of_shape`].
    Shape(Course),
    /// Journeys at a rate.
    Arrivals {
        /// The rate over time.
        rates: Rates,
        /// How arrivals lie around the rate.
        spacing: Spacing,
        /// When the run ends, if before the last stage of the rate does.
        run_time: Option<Duration>,
        /// Journeys in all at most.
        most: Option<u64>,
        /// Users at most.
        users: u32,
    },
}

/// What a shape answered, second by second.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Each answer that differs from the one before, and when it came.
    changes: Vec<(Duration, Target)>,
    /// When the shape ended the run; `None` when that was not within a day.
    end: Option<Duration>,
}

impl Plan {
    /// Asks `shape` for every second of a run, at most a day, as if each target had been reached by the next second.
    pub fn of_shape(shape: &mut dyn Shape) -> Self {
        let (mut changes, mut users) = (Vec::<(Duration, Target)>::new(), 0);
        let mut run_time = Duration::ZERO;
        while run_time <= DAY {
            let Some(target) = shape.tick(&ShapeTime { run_time, users }) else {
                return Self::Shape(Course { changes, end: Some(run_time) });
            };
            users = target.users;
            if changes.last().is_none_or(|(_, last)| *last != target) {
                changes.push((run_time, target));
            }
            run_time += Duration::from_secs(1);
        }
        Self::Shape(Course { changes, end: None })
    }

    /// When the run ends by itself.
    pub fn duration(&self) -> Option<Duration> {
        let sooner = |a: Option<Duration>, b: Option<Duration>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        match self {
            Self::Users { run_time, .. } => *run_time,
            Self::Stages { stages, run_time } => sooner(Some(stages.duration()), *run_time),
            Self::Shape(course) => course.end,
            Self::Arrivals { rates, run_time, .. } => sooner(rates.duration(), *run_time),
        }
    }

    /// Rows of the table: when, until when, what, how.
    fn rows(&self) -> Vec<[String; 4]> {
        match self {
            Self::Users { users, rate, run_time } => {
                let reached = Duration::try_from_secs_f64(f64::from(*users) / rate);
                let how = format!("{rate}/s, reached after {}", Span(whole(reached.ok())));
                vec![row(Duration::ZERO, *run_time, format!("0 -> {users}"), how)]
            }
            Self::Stages { stages, .. } => stages.legs().iter().map(leg).collect(),
            Self::Shape(course) => course.rows(),
            Self::Arrivals { rates, .. } => {
                let mut begins = Duration::ZERO;
                let rows = rates.stages().map(|stage| {
                    let ends = stage.duration.map(|duration| begins + duration);
                    let rate = change(&stage.from, &stage.to);
                    let count = ends.map_or(String::new(), |ends| {
                        format!(
                            "{:.0} journeys",
                            rates.expected_by(ends) - rates.expected_by(begins)
                        )
                    });
                    let row = row(begins, ends, rate, count);
                    begins = ends.unwrap_or(begins);
                    row
                });
                rows.collect()
            }
        }
    }

    /// The planned users, or the rate of journeys, at a moment.
    pub(super) fn height(&self, at: Duration) -> f64 {
        match self {
            Self::Users { users, rate, .. } => (rate * at.as_secs_f64()).min(f64::from(*users)),
            Self::Stages { stages, .. } => f64::from(stages.users_at(at)),
            Self::Shape(course) => course.users_at(at),
            Self::Arrivals { rates, .. } => rates.rate_at(at),
        }
    }

    /// How long the sparkline is: what has no end is shown a little beyond its last change.
    fn shown(&self) -> Duration {
        self.duration().unwrap_or_else(|| match self {
            Self::Users { users, rate, .. } => {
                let ramp = Duration::try_from_secs_f64(f64::from(*users) / rate * 1.5);
                ramp.unwrap_or(Duration::MAX)
            }
            Self::Arrivals { rates, .. } => {
                let known: Duration = rates.stages().filter_map(|stage| stage.duration).sum();
                known.saturating_mul(3) / 2
            }
            _ => DAY,
        })
    }

    fn title(&self) -> String {
        let (length, spent) = match self.duration() {
            Some(length) => (format!("over {}", Span(length)), Some(length)),
            None => ("without an end".to_owned(), None),
        };
        match self {
            Self::Users { users, .. } => format!("{users} {} {length}", plural(*users, "user")),
            Self::Stages { stages, .. } => {
                let count = stages.legs().len();
                format!(
                    "{count} {} {length}, {} users at most, {:.0} user-seconds",
                    if count == 1 { "stage" } else { "stages" },
                    stages.peak(),
                    stages.user_seconds()
                )
            }
            Self::Shape(course) => format!("a shape {length}, {} users at most", course.peak()),
            Self::Arrivals { rates, spacing, most, users, .. } => {
                let expected = spent.map(|end| rates.expected_by(end).round());
                #[expect(clippy::cast_precision_loss, reason = "a number to be read")]
                let most = most.map(|most| most as f64);
                let count = match (expected, most) {
                    (Some(expected), Some(most)) => Some(expected.min(most)),
                    (expected, most) => expected.or(most),
                };
                let count = count.map_or(String::new(), |count| format!("{count:.0} "));
                let spacing = match spacing {
                    Spacing::Constant => "evenly spaced",
                    Spacing::Poisson => "at random (Poisson)",
                };
                format!("{count}journeys {length}, {spacing}, over a pool of up to {users} users")
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Load plan: {}", self.title())?;
        let what = if matches!(self, Self::Arrivals { .. }) { "journeys" } else { "users" };
        let mut rows = self.rows();
        rows.insert(0, ["from", "to", what, ""].map(str::to_owned));
        let mut widths = [0; 3];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for [from, to, what, how] in &rows {
            let [a, b, c] = widths;
            writeln!(f, "{}", format!("  {from:>a$}  {to:>b$}  {what:<c$}  {how}").trim_end())?;
        }
        self.sparkline(f)
    }
}

impl Plan {
    fn sparkline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let (shown, columns) = (self.shown(), f64::from(COLUMNS));
        let middle = |column: u32| shown.mul_f64((f64::from(column) + 0.5) / columns);
        // Capped, because a multiple of the longest span is none.
        let heights: Vec<f64> = if shown > DAY * 36_600 {
            vec![self.height(Duration::ZERO); 1]
        } else {
            (0..COLUMNS).map(|column| self.height(middle(column))).collect()
        };
        let sampled = heights.iter().copied().fold(0.0, f64::max);
        let peak = match self {
            Self::Stages { stages, .. } => f64::from(stages.peak()),
            Self::Shape(course) => f64::from(course.peak()),
            Self::Users { .. } | Self::Arrivals { .. } => sampled,
        };
        let bar = |height: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 8"
            )]
            let eighths = if peak > 0.0 { (height / peak * 8.0).ceil() as usize } else { 0 };
            BARS[eighths.min(8)]
        };
        let line: String = heights.iter().map(|height| bar(*height)).collect();
        let top = match self {
            Self::Arrivals { rates, .. } => {
                Rate::per_second(rates.peak()).unwrap_or_default().to_string()
            }
            _ => format!("{peak:.0} users"),
        };
        writeln!(f, "\n  |{line}| {top}")
    }
}

impl Course {
    /// Each answer that differs from the one before, and when it came.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (Duration, &Target)> {
        self.changes.iter().map(|(at, target)| (*at, target))
    }

    fn rows(&self) -> Vec<[String; 4]> {
        /// A shape may change every second of a day; that is a sparkline's business.
        const MOST: usize = 30;
        let ends = self.changes.iter().skip(1).map(|(at, _)| Some(*at)).chain([self.end]);
        let mut from = 0;
        let mut rows: Vec<_> = self
            .changes
            .iter()
            .zip(ends)
            .map(|((at, target), end)| {
                let only = target.classes.as_ref().map(|names| format!(", {}", names.join(", ")));
                let how = format!("{}/s{}", target.rate, only.unwrap_or_default());
                let users = change(&from, &target.users);
                from = target.users;
                row(*at, end, users, how)
            })
            .collect();
        let more = rows.len().saturating_sub(MOST);
        if more > 0 {
            rows.truncate(MOST);
            rows.push([
                String::new(),
                String::new(),
                format!("… and {more} changes"),
                String::new(),
            ]);
        }
        rows
    }

    /// When which number of users is wanted.
    pub(super) fn targets(&self) -> impl Iterator<Item = (Duration, u32)> {
        self.changes.iter().map(|(at, target)| (*at, target.users))
    }

    fn peak(&self) -> u32 {
        self.changes.iter().map(|(_, target)| target.users).max().unwrap_or_default()
    }

    fn users_at(&self, at: Duration) -> f64 {
        let change = self.changes.iter().rfind(|(begins, _)| *begins <= at);
        change.map_or(0.0, |(_, target)| f64::from(target.users))
    }
}

fn leg(leg: &Leg) -> [String; 4] {
    let Leg { begins, ends, from, to, asked, rate } = *leg;
    let even = f64::from(from.abs_diff(asked)) / ends.saturating_sub(begins).as_secs_f64();
    let how = if rate == 0.0 {
        String::new()
    } else if begins == ends {
        "at once".to_owned()
    } else if to != asked {
        format!("{rate:.2}/s, too slow for {asked}")
    } else if rate > even * (1.0 + 1e-9) {
        let reached = Duration::try_from_secs_f64(f64::from(from.abs_diff(to)) / rate);
        format!("{rate:.2}/s for {}, then held", Span(whole(reached.ok())))
    } else {
        format!("{rate:.2}/s")
    };
    row(begins, Some(ends), change(&from, &to), how)
}

fn row(from: Duration, to: Option<Duration>, what: String, how: String) -> [String; 4] {
    [Span(from).to_string(), to.map_or("…".to_owned(), |to| Span(to).to_string()), what, how]
}

fn change(from: &(impl fmt::Display + PartialEq), to: &(impl fmt::Display + PartialEq)) -> String {
    let (from, to) = (from.to_string(), to.to_string());
    if from == to { to } else { format!("{from} -> {to}") }
}

/// To tenths of a second, which is as much as anybody reads.
fn whole(duration: Option<Duration>) -> Duration {
    let tenths = duration.unwrap_or(Duration::MAX).as_millis().div_ceil(100);
    Duration::from_millis(u64::try_from(tenths).unwrap_or(u64::MAX).saturating_mul(100))
}

fn plural(count: u32, one: &str) -> String {
    if count == 1 { one.to_owned() } else { format!("{one}s") }
}
