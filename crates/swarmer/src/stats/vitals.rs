//! The generator's own health, put together from the pulses of all drivers; the rules are in [`super`]'s documentation.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::health::{DriverHealth, Health, Suspect};
use super::histogram::Histogram;
use super::pulse::Pulse;
use super::schedule::FromDue;
use super::summary::ms;
use super::window::WINDOW;

/// Seconds over which CPU, waiting and the median of lateness are judged.
const STRETCH: u64 = 3;
/// Seconds in a row that must be bad before figures are called suspect.
const TO_TURN: u32 = 2;
/// Share of a core from which a driver counts as saturated.
const FULL: f64 = 0.95;
/// Share of the time a driver may wait for a core.
const CROWDED: f64 = 0.25;
/// Half of the wake-ups may be late by this much whatever the target's times are, and by this share of their median.
const TYPICAL: (f64, f64) = (0.5, 0.01);
/// One wake-up of a hundred may be late by this much whatever the target's times are, and by this share of their 99th
/// percentile.
const WORST: (f64, f64) = (50.0, 0.1);
/// An alarm is due about as often, milliseconds: an upper bound on what one late alarm says of the time before it.
const ALARM_EVERY: f64 = 10.0;
/// Stretches that are remembered one by one; beyond them the oldest are united.
const STRETCHES: usize = 100;

/// What the drivers are measured by: percentiles of the response times of the last ten seconds, milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported {
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Journeys arrive, or tasks are due, whatever the target does.
    pub(super) is_open: bool,
}

/// Advice to whoever gives a driver more to do than it can: what is asked for, and by what.
const OVERLOADED: [&str; 2] = [
    "lower --users or add workers (or --threads, if cores are free): users who do not wait take all that the generator \
     has, and what is measured then is the generator",
    "lower the rate or add workers (or --threads, if cores are free)",
];
const CROWDED_OUT: &str =
    "leave a core to each driver: lower --threads, or move other programs away from this machine";
const BLOCKED: &str = "let tasks await instead of blocking their thread (tokio::task::spawn_blocking); if none does, the \
                       machine itself stood still";

const ROBBED: &str = "the host of this virtual machine gave its processor to other machines meanwhile (steal): measure on one \
                      that has its processor for itself, or at another time";

/// Everything known of the generator's health.
#[derive(Debug, Default)]
pub(super) struct Vitals {
    lag: Arc<Histogram>,
    drivers: Vec<Driver>,
    suspect: Vec<Suspect>,
    /// Bad seconds in a row.
    bad: u32,
    sound: bool,
    ended: bool,
}

#[derive(Debug)]
struct Driver {
    name: String,
    /// One per report, the newest last.
    slices: VecDeque<Slice>,
}

#[derive(Debug)]
struct Slice {
    /// The second in which the report was seen; none yet for those of the present second.
    second: Option<u64>,
    pulse: Pulse,
}

/// Several reports of one driver in one.
#[derive(Default)]
struct Span {
    wall: f64,
    cpu: f64,
    waited: f64,
    stolen: f64,
    late: Histogram,
}

/// What is wrong, and what to do about it.
struct Finding {
    reason: String,
    advice: &'static str,
}

impl Vitals {
    pub(super) fn new() -> Self {
        Self { sound: true, ..Self::default() }
    }

    /// Adds what a driver of `node` measured.
    pub(super) fn add(&mut self, node: &str, pulse: &Pulse) {
        Arc::make_mut(&mut self.lag).merge(&pulse.late);
        let name = match node {
            "local" => pulse.driver.to_string(),
            worker => format!("{worker}/{}", pulse.driver),
        };
        let known = self.drivers.iter().position(|driver| driver.name == name);
        let at = known.unwrap_or_else(|| {
            self.drivers.push(Driver { name, slices: VecDeque::new() });
            self.drivers.len() - 1
        });
        let slice = Slice { second: None, pulse: pulse.clone() };
        self.drivers[at].slices.push_back(slice);
    }

    /// Judges the seconds that end with `second`. `reported` is what the run says of the target; `None` when nothing was
    /// timed. Says how the verdict has turned, if it has.
    pub(super) fn tick(&mut self, second: u64, reported: Option<Reported>) -> Option<String> {
        for driver in &mut self.drivers {
            for slice in driver.slices.iter_mut().rev().take_while(|slice| slice.second.is_none()) {
                slice.second = Some(second);
            }
            driver.slices.retain(|slice| slice.second.is_some_and(|seen| seen + WINDOW > second));
        }
        // A driver of a worker that has gone is none any more.
        self.drivers.retain(|driver| !driver.slices.is_empty());
        let finding = reported.and_then(|reported| self.finding(second, reported));
        self.bad = if finding.is_some() { self.bad.saturating_add(1) } else { 0 };
        if let Some(finding) = finding.filter(|_| self.bad >= TO_TURN) {
            self.note(second, finding);
        }
        self.turn(second)
    }

    /// The run is over: from now on the verdict is about all of it.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The first thing that is wrong, of the driver for which it is worst.
    fn finding(&self, second: u64, reported: Reported) -> Option<Finding> {
        let spans = || self.drivers.iter().map(|driver| (driver, driver.span(second, STRETCH)));
        // Less than that says nothing of a stretch.
        let spans = spans().filter(|(_, span)| span.wall >= 1.5).collect::<Vec<_>>();
        let worst = |figure: fn(&Span) -> f64| {
            spans.iter().max_by(|(_, a), (_, b)| figure(a).total_cmp(&figure(b)))
        };
        let overloaded = OVERLOADED[usize::from(reported.is_open)];
        if let Some((driver, span)) = worst(Span::cpu_share)
            && span.cpu_share() >= FULL
        {
            let reason = format!("CPU of driver {} saturated", driver.name);
            return Some(Finding { reason, advice: overloaded });
        }
        if let Some((driver, span)) = worst(Span::waited_share)
            && span.waited_share() >= CROWDED
        {
            let (name, percent) = (&driver.name, span.waited_share() * 100.0);
            let reason = format!("driver {name} waited {percent:.0} % of the time for a core");
            return Some(Finding { reason, advice: CROWDED_OUT });
        }
        if let Some((driver, span)) = worst(|span| span.late(0.5))
            && span.late(0.5) > TYPICAL.0.max(TYPICAL.1 * reported.p50)
        {
            let (name, late) = (&driver.name, span.late(0.5));
            let reason = format!("driver {name} late by {} in half of its wake-ups", upper(late));
            return Some(Finding { reason, advice: span.remedy(overloaded) });
        }
        let long = self.drivers.iter().map(|driver| (driver, driver.span(second, WINDOW)));
        let (driver, span) = long.max_by(|(_, a), (_, b)| a.late(0.99).total_cmp(&b.late(0.99)))?;
        let late = span.late(0.99);
        (late > WORST.0.max(WORST.1 * reported.p99)).then(|| {
            let name = &driver.name;
            let reason = format!("driver {name} late by {} in 1 % of its wake-ups", upper(late));
            Finding { reason, advice: span.remedy(overloaded) }
        })
    }

    /// Makes the latest stretch longer, or begins one.
    #[expect(clippy::cast_precision_loss, reason = "seconds since the Unix epoch")]
    fn note(&mut self, second: u64, finding: Finding) {
        let (from, to) = (second.saturating_sub(STRETCH) as f64, second as f64);
        let Finding { reason, advice } = finding;
        match self.suspect.last_mut() {
            Some(last)
                if last.to + WINDOW as f64 >= from && kind(&last.reason) == kind(&reason) =>
            {
                last.to = to;
            }
            Some(last) if last.to >= from => {
                let from = last.to;
                self.suspect.push(Suspect { from, to, reason, advice: advice.to_owned() });
            }
            _ => self.suspect.push(Suspect { from, to, reason, advice: advice.to_owned() }),
        }
        if self.suspect.len() > STRETCHES {
            let first = self.suspect.remove(0);
            self.suspect[0].from = first.from;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds since the Unix epoch")]
    fn turn(&mut self, second: u64) -> Option<String> {
        let before = self.sound;
        let settled = second.saturating_sub(WINDOW) as f64;
        self.sound = self.suspect.last().is_none_or(|last| last.to <= settled);
        match (before, self.sound, self.suspect.last()) {
            (true, false, Some(last)) => Some(format!("SUSPECT: {}; {}", last.reason, last.advice)),
            (false, true, _) => Some("The generator is healthy again".to_owned()),
            _ => None,
        }
    }

    /// The verdict at second `now`.
    pub(super) fn health(&self, now: u64) -> Health {
        let drivers = self.drivers.iter().map(|driver| {
            let span = driver.span(now, WINDOW);
            let (driver, cpu) = (driver.name.clone(), span.cpu_share());
            DriverHealth { driver, cpu, lag: span.late(0.999) }
        });
        let sound = self.sound && (!self.ended || self.suspect.is_empty());
        Health {
            sound,
            text: if sound { all_well(&self.lag) } else { self.complaint() },
            lag: FromDue::of(&self.lag),
            drivers: drivers.collect(),
            suspect: self.suspect.clone(),
        }
    }

    fn complaint(&self) -> String {
        let longest =
            self.suspect.iter().max_by(|a, b| (a.to - a.from).total_cmp(&(b.to - b.from)));
        let Some(shown) = (if self.ended { longest } else { self.suspect.last() }) else {
            return String::new();
        };
        let Suspect { from, to, reason, advice } = shown;
        let (from, to) = (time_of_day(*from), time_of_day(*to));
        let others = match self.suspect.len() - 1 {
            0 => String::new(),
            1 => " (and one more stretch of time)".to_owned(),
            more => format!(" (and {more} more stretches of time)"),
        };
        format!("SUSPECT from {from} to {to}: {reason}; {advice}{others}")
    }
}

/// What is said of a generator of which nothing bad is known.
pub(super) fn all_well(lag: &Histogram) -> String {
    match lag.quantile(0.999) {
        Some(late) => {
            format!("generator healthy: late by ≤ {} in 99.9 % of wake-ups", upper(ms(late)))
        }
        None => "generator not observed".to_owned(),
    }
}

impl Driver {
    /// Its reports of the last `seconds` in one.
    fn span(&self, now: u64, seconds: u64) -> Span {
        let mut span = Span::default();
        let young = |slice: &&Slice| slice.second.is_none_or(|second| second + seconds > now);
        for Slice { pulse, .. } in self.slices.iter().filter(young) {
            span.wall += pulse.wall.as_secs_f64();
            span.cpu += pulse.cpu.as_secs_f64();
            span.waited += pulse.waited.as_secs_f64();
            span.stolen += pulse.stolen.as_secs_f64();
            span.late.merge(&pulse.late);
        }
        span
    }
}

impl Span {
    fn cpu_share(&self) -> f64 {
        if self.wall > 0.0 { self.cpu / self.wall } else { 0.0 }
    }

    fn waited_share(&self) -> f64 {
        if self.wall > 0.0 { self.waited / self.wall } else { 0.0 }
    }

    /// What helps against its lateness: that hangs on where the time went in which something was ready and not served.
    fn remedy(&self, overloaded: &'static str) -> &'static str {
        #[expect(clippy::cast_precision_loss, reason = "counts and milliseconds")]
        let held = |(nanos, count): (u64, u64)| ms(nanos).min(ALARM_EVERY) * count as f64;
        let ready = self.late.iter().map(held).sum::<f64>() / 1_000.0;
        if self.waited >= ready / 2.0 {
            CROWDED_OUT
        } else if self.stolen >= ready / 2.0 {
            ROBBED
        } else if self.cpu_share() >= 0.5 {
            overloaded
        } else {
            BLOCKED
        }
    }

    /// A percentile of its lateness, milliseconds.
    fn late(&self, p: f64) -> f64 {
        self.late.quantile(p).map_or(0.0, ms)
    }
}

/// A reason without its figures: what changes from second to second.
fn kind(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect()
}

/// Milliseconds in a few digits, never less than they are.
fn upper(ms: f64) -> String {
    if ms > 10.0 {
        format!("{:.0} ms", ms.ceil())
    } else {
        format!("{:.1} ms", (ms * 10.0).ceil() / 10.0)
    }
}

/// As on the clock of whoever reads it, if there is a calendar for it.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn time_of_day(seconds: f64) -> String {
    let moment = Timestamp::from_second(seconds as i64);
    let local = moment.map(|moment| moment.to_zoned_datetime(TimeZone::system()));
    local.map(|local| local.strftime("%H:%M:%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
