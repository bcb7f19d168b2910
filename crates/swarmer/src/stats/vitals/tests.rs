use std::time::Duration;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const FAST: Option<Reported> = Some(Reported { p50: 20.0, p99: 80.0, is_open: false });

/// A hundred wake-ups that were late by `late` and one by `worst`, microseconds.
fn pulse(driver: u32, cpu: f64, late: u64, worst: u64) -> Pulse {
    let mut pulse = Pulse { driver, wall: SECOND, cpu: SECOND.mul_f64(cpu), ..Pulse::default() };
    (0..99).for_each(|_| pulse.late.record(late * 1_000));
    pulse.late.record(worst * 1_000);
    pulse
}

/// Seconds of a calm driver and another; what was said, and when.
fn run(vitals: &mut Vitals, seconds: std::ops::Range<u64>, other: &Pulse) -> Vec<(u64, String)> {
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
        assert_eq!(vitals.tick(second, None), None, "without figures there is nothing to suspect");
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
    assert_eq!(advice(&idle, false), BLOCKED, "nothing was computed, nothing kept it from running");
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
    // So much was taken of both cores.
    pushed.stolen = SECOND.mul_f64(0.2);
    assert_eq!(advice(&pushed, false), ROBBED);
    pushed.stolen = SECOND.mul_f64(0.02);
    assert_eq!(advice(&pushed, false), BLOCKED, "a little is taken on every shared machine");
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
