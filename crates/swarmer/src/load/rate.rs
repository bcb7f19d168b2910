//! Arrival rates: how many journeys are to start by when.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::stages::seconds;
use super::text::{Span, TextError, in_parts, read_duration, read_number, shortened};

/// Above this nobody means it, and the arithmetic of a long run would lose nanoseconds.
const HIGHEST: f64 = 10_000_000.0;

/// A rate, written `100/s`, `90/m`, `4000/h`; a bare number counts per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// So many per second.
    ///
    /// # Errors
    /// When the number is negative, not finite, or above ten million.
    pub fn per_second(rate: f64) -> Result<Self, TextError> {
        if rate.is_finite() && (0.0..=HIGHEST).contains(&rate) {
            Ok(Self(rate))
        } else {
            Err(TextError::new(format!(
                "invalid rate '{rate}/s' (allowed: 0 to {HIGHEST} per second)"
            )))
        }
    }

    /// The number per second.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let (number, unit) = text.trim().split_once('/').unwrap_or((text, "s"));
        let seconds = match unit.trim() {
            "s" => Some(1.0),
            "m" => Some(60.0),
            "h" => Some(3600.0),
            _ => None,
        };
        let rate = read_number(number).zip(seconds).map(|(number, seconds)| number / seconds);
        rate.and_then(|rate| Self::per_second(rate).ok()).ok_or_else(|| {
            TextError::new(format!(
                "invalid rate '{}' (allowed: a number per second, minute or hour, such as 100/s, 90/m, 4000/h)",
                shortened(text.trim())
            ))
        })
    }
}

impl fmt::Display for Rate {
    /// In the unit in which it reads best.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (factor, unit) = match self.0 {
            rate if rate >= 1.0 || rate == 0.0 => (1.0, 's'),
            rate if rate * 60.0 >= 1.0 => (60.0, 'm'),
            _ => (3600.0, 'h'),
        };
        let rounded = (self.0 * factor * 100.0).round() / 100.0;
        write!(f, "{rounded}/{unit}")
    }
}

/// A span of time over which the rate changes evenly from one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateStage {
    /// How long it lasts; `None`: for ever, at the rate `from`.
    pub duration: Option<Duration>,
    /// The rate at its beginning.
    pub from: Rate,
    /// The rate at its end.
    pub to: Rate,
}

/// The rate of arrivals over the whole run.
///
/// Written `1m:0->100/s, 5m:100/s`: evenly from nothing to a hundred a second within a minute, then five minutes at
/// that rate. The run ends with the last stage.
///
/// ```
/// use std::time::Duration;
/// use swarmer::load::Rates;
///
/// let rates: Rates = "1m:0->100/s, 5m:100/s".parse()?;
/// assert_eq!(rates.expected_by(Duration::from_secs(60)), 3000.0);
/// assert_eq!(rates.duration(), Some(Duration::from_secs(360)));
/// # Ok::<(), swarmer::load::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    pieces: Vec<Piece>,
}

/// A stage in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    begins: Duration,
    ends: Option<Duration>,
    from: f64,
    to: f64,
    /// Arrivals expected before it.
    before: f64,
}

impl Piece {
    /// Change of the rate per second.
    fn slope(&self) -> f64 {
        match self.ends {
            Some(ends) if ends > self.begins => {
                (self.to - self.from) / ends.saturating_sub(self.begins).as_secs_f64()
            }
            _ => 0.0,
        }
    }

    fn rate_at(&self, at: Duration) -> f64 {
        self.from + self.slope() * at.saturating_sub(self.begins).as_secs_f64()
    }

    /// Arrivals expected from its beginning to `at`.
    fn expected_by(&self, at: Duration) -> f64 {
        let at = self.ends.map_or(at, |ends| at.min(ends));
        let into = at.saturating_sub(self.begins).as_secs_f64();
        into * (self.from + self.slope() * into / 2.0)
    }

    /// When, from its beginning, `count` arrivals are expected: where `from·t + slope·t²/2 = count`.
    fn moment(&self, count: f64) -> f64 {
        // This form of the root neither divides by the slope, which may be 0, nor takes the difference of two
        // near-equal numbers. Rounding may push the discriminant of a falling rate below 0 at its very end.
        let root = (self.from * self.from + 2.0 * self.slope() * count).max(0.0).sqrt();
        2.0 * count / (self.from + root)
    }
}

impl Rates {
    /// Stages in this order.
    ///
    /// # Errors
    /// When there is none, all together take no time or over a century, one lasts for ever and is not the last, or no
    /// journey would ever arrive.
    pub fn new(stages: &[RateStage]) -> Result<Self, TextError> {
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut begins, mut before) = (Some(Duration::ZERO), 0.0);
        for stage in stages {
            let begins_here = begins
                .ok_or_else(|| TextError::new("nothing can follow a stage that lasts for ever"))?;
            let ends = match stage.duration {
                Some(duration) => Some(Span::checked(begins_here.checked_add(duration))?),
                None => None,
            };
            let (from, to) = (stage.from.get(), stage.to.get());
            let piece = Piece { begins: begins_here, ends, from, to, before };
            before += ends.map_or(0.0, |ends| piece.expected_by(ends));
            begins = ends;
            pieces.push(piece);
        }
        let arrives = |piece: &Piece| piece.from > 0.0 || (piece.ends.is_some() && piece.to > 0.0);
        if begins.is_some_and(|end| end.is_zero()) || !pieces.iter().any(arrives) {
            return Err(TextError::new(
                "at least one stage with a rate above 0 that takes time is needed",
            ));
        }
        Ok(Self { pieces })
    }

    /// Always the same rate, without an end.
    ///
    /// # Errors
    /// When the rate is 0.
    pub fn constant(rate: Rate) -> Result<Self, TextError> {
        Self::new(&[RateStage { duration: None, from: rate, to: rate }])
            .map_err(|_| TextError::new("invalid rate '0/s' (allowed: a rate above 0)"))
    }

    /// The stages as they were given.
    pub fn stages(&self) -> impl Iterator<Item = RateStage> + '_ {
        self.pieces.iter().map(|piece| RateStage {
            duration: piece.ends.map(|ends| ends.saturating_sub(piece.begins)),
            from: Rate(piece.from),
            to: Rate(piece.to),
        })
    }

    /// How long all stages take; `None` when the last one has no end.
    pub fn duration(&self) -> Option<Duration> {
        self.pieces.last().and_then(|piece| piece.ends)
    }

    /// The rate at `at` from the start of the run, per second; 0 after the end.
    pub fn rate_at(&self, at: Duration) -> f64 {
        let piece = self.pieces.iter().find(|piece| piece.ends.is_none_or(|ends| at < ends));
        piece.map_or(0.0, |piece| piece.rate_at(at))
    }

    /// The highest rate at any time, per second.
    pub fn peak(&self) -> f64 {
        self.pieces.iter().map(|piece| piece.from.max(piece.to)).fold(0.0, f64::max)
    }

    /// How many journeys are expected to have arrived by `at`: the area under the rate.
    pub fn expected_by(&self, at: Duration) -> f64 {
        let piece = self.pieces.iter().rfind(|piece| piece.begins <= at);
        piece.map_or(0.0, |piece| piece.before + piece.expected_by(at))
    }

    /// When `count` journeys are expected to have arrived; `None` when so many never do.
    ///
    /// `hint` is the stage in which an earlier, smaller count lay (0 at first) and is moved on.
    pub(super) fn moment(&self, count: f64, hint: &mut usize) -> Option<Duration> {
        loop {
            let piece = self.pieces.get(*hint)?;
            let inside = match piece.ends {
                Some(ends) => count < piece.before + piece.expected_by(ends),
                None => true,
            };
            if inside {
                let into = seconds(piece.moment((count - piece.before).max(0.0)));
                return piece.begins.checked_add(into);
            }
            *hint += 1;
        }
    }
}

impl FromStr for Rates {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(&in_parts(text, "DURATION:RATE or DURATION:FROM->TO", |duration, rate| {
            let duration = Some(read_duration(duration)?);
            let (from, to) = match rate.split_once("->") {
                Some((from, to)) => (with_unit_of(from, to).parse()?, to.parse()?),
                None => {
                    let rate: Rate = rate.parse()?;
                    (rate, rate)
                }
            };
            Ok(RateStage { duration, from, to })
        })?)
    }
}

/// In `0->100/s` the unit of the second rate holds for the first, too.
fn with_unit_of(from: &str, to: &str) -> String {
    match to.split_once('/') {
        Some((_, unit)) if !from.contains('/') => format!("{}/{unit}", from.trim()),
        _ => from.to_owned(),
    }
}
