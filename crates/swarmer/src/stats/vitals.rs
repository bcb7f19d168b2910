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
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const FAST: Option<Reported> = Some(Reported { p50: 20.0, p99: 80.0, is_open: false });

    /// A hundred wake-ups that were late by `late` and one by `worst`, microseconds.
    fn pulse(driver: u32, cpu: f64, late: u64, worst: u64) -> Pulse {
        let mut pulse =
            Pulse { driver, wall: SECOND, cpu: SECOND.mul_f64(cpu), ..Pulse::default() };
        (0..99).for_each(|_| pulse.late.record(late * 1_000));
        pulse.late.record(worst * 1_000);
        pulse
    }

    /// Seconds of a calm driver and another; what was said, and when.
    fn run(
        vitals: &mut Vitals,
        seconds: std::ops::Range<u64>,
        other: &Pulse,
    ) -> Vec<(u64, String)> {
        let mut said = Vec::new();
        for second in seconds {
            vitals.add("local", &pulse(0, 0.1, 60, 180));
            vitals.add("local", other);
            said.extend(vitals.tick(second, FAST).map(|text| (second, text)));
        }
        said
    }

    #[test]
    fn a_calm_run_is_sound_whatever_single_wake_ups_do() {
        let mut vitals = Vitals::new();
        assert_eq!(vitals.health(0).text, "generator not observed");
        // One wake-up of a hundred late by 40 ms: a neighbour on a shared machine.
        assert_eq!(run(&mut vitals, 0..100, &pulse(1, 0.7, 190, 40_000)), []);
        let mut crowded = pulse(1, 0.5, 190, 900);
        crowded.waited = SECOND.mul_f64(0.2);
        assert_eq!(run(&mut vitals, 100..200, &crowded), []);
        vitals.end();
        let health = vitals.health(200);
        assert!(health.sound && health.suspect.is_empty());
        assert_eq!(health.text, "generator healthy: late by ≤ 40 ms in 99.9 % of wake-ups");
        assert_eq!(health.lag.count, 40_000);
        let drivers = health.drivers.iter().map(|d| (d.driver.clone(), (d.cpu * 100.0).round()));
        let expected = [("0".to_owned(), 10.0), ("1".to_owned(), 50.0)];
        assert_eq!(drivers.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_saturated_driver_is_suspect_from_its_third_second_until_it_has_calmed() {
        let mut vitals = Vitals::new();
        assert_eq!(run(&mut vitals, 0..50, &pulse(1, 0.5, 60, 60)), []);
        let said = run(&mut vitals, 50..60, &pulse(1, 1.0, 300, 900));
        assert_eq!(said.len(), 1);
        let (second, text) = &said[0];
        assert_eq!(*second, 53, "three seconds of it, and one more to be sure");
        let expected = "SUSPECT: CPU of driver 1 saturated; lower --users or add workers (or --threads, if cores are free)";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("what is measured then is the generator"), "{text}");
        let during = vitals.health(59);
        assert!(!during.sound && during.text.starts_with("SUSPECT from "), "{}", during.text);
        let said = run(&mut vitals, 60..100, &pulse(1, 0.5, 60, 60));
        assert_eq!(said, [(69, "The generator is healthy again".to_owned())]);
        let after = vitals.health(99);
        assert!(after.sound && after.text.starts_with("generator healthy"));
        let stretches: Vec<_> = after.suspect.iter().map(|s| (s.from, s.to)).collect();
        assert_eq!(stretches, [(50.0, 59.0)]);
        vitals.end();
        let end = vitals.health(100);
        assert!(!end.sound, "at the end the verdict is about the whole run");
        let expected = ": CPU of driver 1 saturated; lower --users or add workers";
        assert!(end.text.contains(expected), "{}", end.text);
    }

    #[test]
    fn lateness_is_measured_by_what_the_target_takes() {
        let mut vitals = Vitals::new();
        let late = pulse(1, 0.2, 2_000, 2_000);
        let said = run(&mut vitals, 0..5, &late);
        assert_eq!(said.len(), 1, "2 ms are 10 % of 20 ms");
        assert!(
            said[0].1.contains("driver 1 late by 2.0 ms in half of its wake-ups; let tasks await"),
            "{said:?}"
        );
        let mut vitals = Vitals::new();
        for second in 0..20 {
            vitals.add("local", &late);
            let slow = Some(Reported { p50: 400.0, p99: 900.0, is_open: false });
            assert_eq!(vitals.tick(second, slow), None, "and 0.5 % of 400 ms");
        }
        for second in 20..40 {
            vitals.add("local", &late);
            assert_eq!(
                vitals.tick(second, None),
                None,
                "without figures there is nothing to suspect"
            );
        }
    }

    /// The advice after so many seconds of `other`, at a rate or not.
    fn advice(other: &Pulse, is_open: bool) -> String {
        let mut vitals = Vitals::new();
        for second in 0..12 {
            // A busy neighbour is no reason to advise the others.
            vitals.add("local", &pulse(0, 0.9, 60, 180));
            vitals.add("local", other);
            let _ = vitals.tick(second, FAST.map(|fast| Reported { is_open, ..fast }));
        }
        vitals.health(12).suspect[0].advice.clone()
    }

    #[test]
    fn the_advice_fits_the_cause() {
        let (idle, busy) = (pulse(1, 0.2, 2_000, 2_000), pulse(1, 0.7, 2_000, 2_000));
        assert_eq!(
            advice(&idle, false),
            BLOCKED,
            "nothing was computed, nothing kept it from running"
        );
        assert_eq!(advice(&busy, false), OVERLOADED[0]);
        assert_eq!(advice(&busy, true), OVERLOADED[1], "users are not what drives an open model");
        assert_eq!(advice(&pulse(1, 1.0, 60, 60), true), OVERLOADED[1]);
        // A hundred wake-ups late by 2 ms are 0.2 s; other programs had the core meanwhile.
        for mut pulse in [idle, busy] {
            pulse.waited = SECOND.mul_f64(0.15);
            assert_eq!(advice(&pulse, false), CROWDED_OUT);
        }
        // Three times in a second the machine gave the core to others for 70 ms.
        let mut pushed = pulse(1, 0.1, 60, 60);
        for _ in 0..3 {
            (1..=7).for_each(|step| pushed.late.record(step * 10_000_000));
        }
        assert_eq!(advice(&pushed, false), BLOCKED);
        pushed.waited = SECOND.mul_f64(0.21);
        assert_eq!(advice(&pushed, false), CROWDED_OUT);
    }

    #[test]
    fn rare_long_stalls_are_noticed_over_ten_seconds() {
        let mut vitals = Vitals::new();
        let mut stalled = pulse(1, 0.3, 70, 70);
        // As a stall of 400 ms looks: whatever was due meanwhile is late by the rest of it.
        (1..=40).for_each(|step| stalled.late.record(step * 10_000_000));
        assert_eq!(run(&mut vitals, 0..20, &pulse(1, 0.3, 70, 70)), []);
        let said = run(&mut vitals, 20..22, &stalled);
        assert!(said.is_empty() || said[0].1.contains("in 1 % of its wake-ups"), "{said:?}");
        let said = run(&mut vitals, 22..24, &pulse(1, 0.3, 70, 70));
        assert!(vitals.suspect.len() == 1 && said.len() <= 1);
        assert!(
            vitals.health(24).text.contains("in 1 % of its wake-ups"),
            "{}",
            vitals.health(24).text
        );
    }

    #[test]
    fn waiting_for_a_core_has_a_name_of_its_own_and_workers_have_theirs() {
        let mut vitals = Vitals::new();
        let mut waiting = pulse(3, 0.6, 300, 900);
        waiting.waited = SECOND.mul_f64(0.4);
        for second in 0..6 {
            vitals.add("host-a_17", &waiting);
            let _ = vitals.tick(second, FAST);
        }
        let suspect = &vitals.health(5).suspect[0];
        assert_eq!(suspect.reason, "driver host-a_17/3 waited 40 % of the time for a core");
        assert!((5..30).all(|second| {
            vitals.tick(second, FAST).is_none_or(|said| said.contains("healthy again"))
        }));
        assert!(vitals.health(30).drivers.is_empty(), "a worker that has gone has no driver");
    }

    #[test]
    fn stretches_are_bounded() {
        let mut vitals = Vitals::new();
        for number in 0..400_u64 {
            let second = number * 50;
            for second in second..second + 5 {
                vitals.add("local", &pulse(0, 1.0, 60, 60));
                let _ = vitals.tick(second, FAST);
            }
        }
        let suspect = &vitals.health(20_000).suspect;
        assert_eq!(suspect.len(), STRETCHES);
        assert!(suspect[0].from < 10.0 && suspect.is_sorted_by(|a, b| a.to <= b.from));
    }
}
