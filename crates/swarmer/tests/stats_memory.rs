//! What statistics cost in allocations and memory, seen by a counting allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use swarmer::clock::Anchor;
use swarmer::stats::{Collector, Detail, Kind, Recorder, RecorderOptions, RunEnd, Sample, Users};

/// Counts for each thread by itself: tests run side by side.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
    /// Bytes asked for, whether they were given back or not.
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

#[expect(clippy::cast_possible_wrap, reason = "sizes of this test")]
fn note(calls: u64, freed: usize, allocated: usize) {
    CALLS.set(CALLS.get() + calls);
    ASKED.set(ASKED.get() + allocated as u64);
    LIVE.set(LIVE.get() + allocated as i64 - freed as i64);
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, 0, layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, layout.size(), 0);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        note(1, layout.size(), new);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(at, layout, new) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NAMES: [&str; 3] = ["Login", "List Quotes", "Convert Quote to Policy"];

/// A second of journeys through all names, with everything that is kept of a request.
fn second_of_journeys(recorder: &mut Recorder, from: Instant, rng: &mut u64) {
    let class = recorder.class("Agent");
    let segments = ["A", "B"].map(|name| recorder.segment(name));
    for n in 0..100_u64 {
        let segment = segments[usize::from(n % 2 == 0)];
        let mut run = recorder.begin_run(class, "Sell", from);
        for (step, name) in (0..3).zip(NAMES) {
            *rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (status, failure): (_, Option<&dyn std::fmt::Display>) =
                if *rng >> 60 == 0 { (503, Some(&"boom")) } else { (200, None) };
            let trace = b"0af7651916cd43dd8448eb211c80319c";
            let sample = Sample {
                kind: Kind::Request,
                method: "GET",
                name,
                segment,
                class,
                detail: Some(Detail { user: n, status, trace, body: b"too busy" }),
                response_time: Some(Duration::from_micros(2_000 + (*rng >> 33) % 6_000)),
                bytes: 100,
                failure,
                completed: from + Duration::from_millis(n * 9 + step * 20),
            };
            recorder.record(&sample);
            recorder.step(&mut run, &sample, false);
        }
        if n % 10 == 0 {
            recorder.say(&mut run, "none found");
        }
        let end = if n % 50 == 0 { RunEnd::Failed(&"boom") } else { RunEnd::Done };
        recorder.end_run(&run, end, segment);
    }
}

/// Requests within a journey, one of three due at a moment, none of which fails.
fn successes(recorder: &mut Recorder, now: Instant, rng: &mut u64) {
    let class = recorder.class("Agent");
    for _ in 0..400 {
        let mut run = recorder.begin_run(class, "Sell", now);
        recorder.journey_started(Duration::from_micros(50));
        for name in NAMES {
            *rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let time = Duration::from_micros(2_000 + (*rng >> 33) % 6_000);
            let sample = Sample {
                kind: Kind::Request,
                method: "GET",
                name,
                segment: swarmer::stats::Segment::NONE,
                class,
                detail: Some(Detail { user: 1, status: 200, trace: b"", body: b"" }),
                response_time: Some(time),
                bytes: 100,
                failure: None,
                completed: now,
            };
            recorder.record(&sample);
            recorder.step(&mut run, &sample, false);
            recorder.from_due(&sample, time);
        }
        recorder.end_run(&run, RunEnd::Done, swarmer::stats::Segment::NONE);
    }
}

fn second_of_traffic(recorder: &mut Recorder, from: Instant, rng: &mut u64) {
    for (n, name) in (0..300_u64).zip(NAMES.into_iter().cycle()) {
        *rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let failed = n % 50 == 0;
        recorder.record(&Sample {
            kind: Kind::Request,
            method: "GET",
            name,
            segment: swarmer::stats::Segment::NONE,
            class: swarmer::stats::Class::NONE,
            detail: None,
            response_time: Some(Duration::from_micros(2_000 + (*rng >> 33) % 6_000)),
            bytes: 100,
            failure: failed.then_some(&"boom"),
            completed: from + Duration::from_millis(n * 3),
        });
    }
}

#[test]
fn the_steady_state_of_a_request_allocates_nothing() {
    let mut recorder = Recorder::new(Anchor::now(), RecorderOptions::default());
    let (now, mut rng) = (Instant::now(), 1);
    second_of_traffic(&mut recorder, now, &mut rng);
    for _ in 0..20 {
        second_of_traffic(&mut recorder, now, &mut rng);
    }
    let before = CALLS.get();
    for _ in 0..200 {
        second_of_traffic(&mut recorder, now, &mut rng);
    }
    assert_eq!(CALLS.get() - before, 0, "60,000 samples, 1,200 of them failures");
    assert_eq!(recorder.take().requests(), 221 * 300);
    assert!(CALLS.get() > before, "the counter counts: handing over allocates");
}

#[test]
fn nor_does_the_first_request_after_figures_were_handed_over() {
    let options = RecorderOptions { coarse: true };
    let mut recorder = Recorder::new(Anchor::now(), options);
    let now = Instant::now() + Duration::from_hours(1);
    let mut handed_over = 0;
    // More often than memory is looked through for what is not needed any more.
    for round in 0..150 {
        let before = CALLS.get();
        let mut rng = 1;
        successes(&mut recorder, now, &mut rng);
        assert!(round == 0 || CALLS.get() == before, "{} in {round}", CALLS.get() - before);
        handed_over += recorder.take().requests();
    }
    assert_eq!(handed_over, 150 * 1_200);
}

#[test]
fn journeys_and_exemplars_allocate_nothing_in_the_steady_state() {
    let mut recorder = Recorder::new(Anchor::now(), RecorderOptions::default());
    // Later than any run of this test begins.
    let (now, mut rng) = (Instant::now() + Duration::from_hours(1), 1);
    for _ in 0..100 {
        second_of_journeys(&mut recorder, now, &mut rng);
    }
    let before = CALLS.get();
    for _ in 0..200 {
        second_of_journeys(&mut recorder, now, &mut rng);
    }
    assert_eq!(CALLS.get() - before, 0, "20,000 journeys of 60,000 requests");
    let mut collector = Collector::new(Anchor::now(), now);
    collector.merge(recorder.take());
    let summary = collector.summary(now + Duration::from_secs(2), Users::new());
    assert_eq!((summary.funnels[0].runs, summary.total.figures.requests), (30_000, 90_000));
    assert!(summary.exemplars.len() > 15, "some of each row are kept");
}

/// With traffic in each second of many rows, as one recorder reports it; a summary is held meanwhile, as by whoever watches.
#[test]
fn half_a_day_takes_no_more_memory_than_its_first_hour() {
    const ROWS: u64 = 10;
    const EVERY: u64 = 10;
    let (hour, half_a_day) = (3_600, 43_200);
    let (anchor, start) = (Anchor::now(), Instant::now());
    let mut recorder = Recorder::new(anchor, RecorderOptions::default());
    let mut collector = Collector::new(anchor, start);
    let names: Vec<String> = (0..ROWS).map(|row| format!("/page/{row}")).collect();
    let class = recorder.class("Agent");
    let (users, mut rng, before) = (Users::from([("Agent".to_owned(), 40)]), 1_u64, LIVE.get());
    let (mut at_first, mut later, mut summary) = (0, 0, None);
    for second in 0..half_a_day {
        for name in &names {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            recorder.record(&Sample {
                kind: Kind::Request,
                method: "GET",
                name,
                segment: swarmer::stats::Segment::NONE,
                class,
                detail: Some(Detail { user: 1, status: 200, trace: b"", body: b"" }),
                response_time: Some(Duration::from_micros(1_500 + (rng >> 33) % 500)),
                bytes: 100,
                failure: None,
                completed: start + Duration::from_secs(second),
            });
        }
        if second % EVERY != EVERY - 1 {
            continue;
        }
        let now = start + Duration::from_secs(second + 1);
        collector.merge(recorder.take());
        collector.tick(now, &users);
        if second % 300 == 299 {
            summary = Some(collector.summary(now, users.clone()));
        }
        // The fullest moment: points are united in pairs when there are too many.
        let fullest = if second < hour { &mut at_first } else { &mut later };
        *fullest = LIVE.get().max(*fullest);
    }
    assert_eq!(summary.map(|summary| summary.total.figures.requests), Some(ROWS * half_a_day));
    let (first, grown) = (at_first - before, later - at_first);
    // A report of ten seconds leaves nine without bands of response times; once points are united all have their three.
    assert!(grown < 1_200 * 3 * 16, "{grown} bytes more in half a day than in its first hour");
    assert!(first < 3 << 20, "{first} bytes in the first hour");
}

/// Allocations and bytes of a second in which one of so many errors occurs, while somebody holds the summary before.
fn a_second_with_errors(distinct: usize) -> (u64, u64) {
    let (anchor, start) = (Anchor::now(), Instant::now());
    let mut recorder = Recorder::new(anchor, RecorderOptions::default());
    let mut collector = Collector::new(anchor, start);
    let mut fail = |number: usize, second: u64| {
        recorder.record(&Sample {
            kind: Kind::Request,
            method: "GET",
            name: "Order",
            segment: swarmer::stats::Segment::NONE,
            class: swarmer::stats::Class::NONE,
            detail: None,
            response_time: Some(Duration::from_millis(1)),
            bytes: 1,
            failure: Some(&format_args!("order {number} is refused")),
            completed: start + Duration::from_secs(second),
        });
        recorder.take()
    };
    for number in 0..distinct {
        collector.merge(fail(number, 1));
    }
    collector.tick(start + Duration::from_secs(1), &Users::new());
    let mut costs = (0, 0);
    let mut watched = collector.summary(start + Duration::from_secs(1), Users::new());
    // The first seconds make what stays.
    for second in 2..6 {
        let delta = fail(distinct / 2, second);
        let before = (CALLS.get(), ASKED.get());
        collector.merge(delta);
        collector.tick(start + Duration::from_secs(second), &Users::new());
        let summary = collector.summary(start + Duration::from_secs(second), Users::new());
        costs = (CALLS.get() - before.0, ASKED.get() - before.1);
        assert_eq!(summary.errors[distinct / 2].occurrences, second);
        assert_eq!(watched.errors[distinct / 2].occurrences, second - 1, "what was told stays");
        watched = summary;
    }
    costs
}

#[test]
fn errors_that_do_not_occur_cost_nothing() {
    let ((few_calls, few_bytes), (calls, bytes)) =
        (a_second_with_errors(30), a_second_with_errors(20_000));
    // A tree of so many is two floors higher.
    assert!(calls <= few_calls + 8, "{calls} allocations with 20,000 errors, {few_calls} with 30");
    assert!(bytes <= few_bytes + 4_096, "{bytes} bytes with 20,000 errors, {few_bytes} with 30");
}

#[test]
fn a_month_of_seconds_does_not_grow() {
    let anchor = Anchor::now();
    let start = Instant::now();
    let mut recorder = Recorder::new(anchor, RecorderOptions { coarse: true });
    let mut collector = Collector::new(anchor, start);
    let (users, mut rng) = (Users::new(), 1);
    let (day, month) = (Duration::from_hours(24).as_secs(), Duration::from_hours(720));
    let mut after_a_day = 0;
    // Traffic every ten minutes and a tick every twenty seconds keep the test short.
    for second in (0..month.as_secs()).step_by(20) {
        let at = start + Duration::from_secs(second);
        if second % 600 < 40 {
            second_of_traffic(&mut recorder, at, &mut rng);
        }
        if second % 3_600 == 0 {
            second_of_journeys(&mut recorder, at, &mut rng);
        }
        collector.merge(recorder.take());
        collector.tick(at + Duration::from_secs(1), &users);
        if second == day {
            after_a_day = LIVE.get();
        }
    }
    let grown = LIVE.get() - after_a_day;
    // Not nothing: after a month no point of the past is without response times any more, whose bands take space.
    assert!(grown < 192 * 1_024, "{grown} bytes more after a month than after a day");
    assert!(after_a_day < 2 << 20, "{after_a_day} bytes after a day");
    let summary = collector.summary(start + month, users);
    assert_eq!(summary.total.figures.requests, 30 * (144 * 2 * 300 + 24 * 300));
    let points: u64 = collector.history().points().map(|point| point.requests).sum();
    assert_eq!(points, summary.total.figures.requests, "no second is lost in the history");
}
