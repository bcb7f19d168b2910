//! What holds for every plan: totals per second, distribution, reversal, redistribution.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use swarmer::load::{Change, Dispatcher, LoadError, Ramp, UserClass};

fn weighted_classes() -> impl Strategy<Value = Vec<UserClass>> {
    vec(1_u32..20, 1..8).prop_map(|weights| {
        let class = |(i, weight)| UserClass::weighted(format!("Class{i}"), f64::from(weight));
        weights.into_iter().enumerate().map(class).collect()
    })
}

fn mixed_classes() -> impl Strategy<Value = Vec<UserClass>> {
    (weighted_classes(), vec(1_u32..6, 0..3)).prop_map(|(mut classes, fixed)| {
        let class = |(i, count)| UserClass::fixed(format!("Fixed{i}"), count);
        classes.extend(fixed.into_iter().enumerate().map(class));
        classes
    })
}

fn workers() -> impl Strategy<Value = Vec<String>> {
    (1_usize..6).prop_map(|count| (0..count).map(|i| format!("h{}_{i}", i % 2)).collect())
}

fn walk(dispatcher: &mut Dispatcher, target: u32, rate: f64) -> Vec<(Duration, Change)> {
    let mut ramp = Ramp::new(target, rate).unwrap();
    ramp.due(dispatcher, Duration::MAX).map(|step| (step.due, step.change)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_every_second_the_rate_is_kept(target in 1_u32..3000, rate in 0.2_f64..500.0) {
        let mut dispatcher = Dispatcher::new([UserClass::weighted("A", 1.0)], ["w"]).unwrap();
        let mut ramp = Ramp::new(target, rate).unwrap();
        let mut started = 0_u32;
        let mut second = 0_u32;
        while !ramp.is_done(&dispatcher) {
            let elapsed = Duration::from_secs(u64::from(second));
            started += u32::try_from(ramp.due(&mut dispatcher, elapsed).count()).unwrap();
            let due = (f64::from(second) * rate).floor() + 1.0;
            // One user of play where second * rate meets a whole number up to rounding.
            prop_assert!((f64::from(started) - due.min(f64::from(target))).abs() <= 1.0);
            second += 1;
        }
        prop_assert_eq!(started, target);
    }

    #[test]
    fn steps_are_evenly_spaced(target in 2_u32..2000, rate in 0.01_f64..20_000.0) {
        let mut dispatcher = Dispatcher::new([UserClass::weighted("A", 1.0)], ["w"]).unwrap();
        let steps = walk(&mut dispatcher, target, rate);
        prop_assert_eq!(steps[0].0, Duration::ZERO);
        for pair in steps.windows(2) {
            let gap = pair[1].0.abs_diff(pair[0].0).as_secs_f64();
            prop_assert!((gap - 1.0 / rate).abs() < 3e-9, "{gap} at {rate}/s");
        }
    }

    #[test]
    fn chunks_and_steps_tell_one_plan(
        classes in mixed_classes(), workers in workers(),
        targets in vec((0_u32..200, 0.3_f64..60.0), 1..6),
    ) {
        let mut smooth = Dispatcher::new(classes, workers).unwrap();
        let mut chunked = smooth.clone();
        for (target, rate) in targets {
            walk(&mut smooth, target, rate);
            let mut ramp = Ramp::new(target, rate).unwrap();
            while let Some(chunk) = ramp.next_chunk(&mut chunked) {
                prop_assert!(chunk.changed <= ramp.chunk_size());
            }
            prop_assert_eq!(smooth.table(), chunked.table());
            prop_assert_eq!(smooth.user_count(), target);
        }
    }

    /// Locust's sequence is exact whenever a whole round of weights is complete. In between it strays by up to one user
    /// with three classes, and by a little more where many light classes stand beside a heavy one.
    #[test]
    fn the_distribution_follows_the_weights(classes in weighted_classes(), rounds in 1_u32..20) {
        let total: f64 = classes.iter().map(|class| class.weight).sum();
        let play = (0.5 * f64::from(u32::try_from(classes.len()).unwrap())).max(1.0);
        let mut dispatcher = Dispatcher::new(classes.clone(), ["w"]).unwrap();
        for round in 1..=rounds {
            let complete = total * f64::from(round);
            while f64::from(dispatcher.user_count()) < complete {
                dispatcher.start_next().unwrap();
                let count = f64::from(dispatcher.user_count());
                for (index, class) in classes.iter().enumerate() {
                    let ideal = count * class.weight / total;
                    let seen = f64::from(dispatcher.table().class_total(index));
                    prop_assert!((seen - ideal).abs() <= play, "{seen} of {ideal} after {count}");
                }
            }
            for (index, class) in classes.iter().enumerate() {
                let seen = f64::from(dispatcher.table().class_total(index));
                prop_assert!((seen - f64::from(round) * class.weight).abs() < 0.5);
            }
        }
    }

    #[test]
    fn up_then_down_gives_the_same_table_back(
        classes in mixed_classes(), workers in workers(), base in 0_u32..100, extra in 0_u32..300,
    ) {
        let mut dispatcher = Dispatcher::new(classes, workers).unwrap();
        walk(&mut dispatcher, base, 10.0);
        let before = dispatcher.table().clone();
        let up = walk(&mut dispatcher, base + extra, 100.0);
        let down = walk(&mut dispatcher, base, 7.0);
        prop_assert_eq!(up.len(), down.len());
        prop_assert!(up.iter().all(|step| step.1 == Change::Start));
        prop_assert!(down.iter().all(|step| step.1 == Change::Stop));
        prop_assert_eq!(dispatcher.table(), &before);
    }

    #[test]
    fn workers_differ_by_at_most_one_user_after_one_ramp(
        classes in mixed_classes(), workers in workers(), users in 0_u32..300,
    ) {
        let mut dispatcher = Dispatcher::new(classes, workers).unwrap();
        walk(&mut dispatcher, users, 100.0);
        let totals: Vec<u32> =
            dispatcher.workers().iter().map(|&w| dispatcher.table().worker_total(w)).collect();
        prop_assert!(totals.iter().max().unwrap() - totals.iter().min().unwrap() <= 1);
    }

    #[test]
    fn a_lost_worker_costs_only_its_share(
        classes in mixed_classes(), users in 0_u32..300, count in 2_usize..6, lost in 0_usize..6,
    ) {
        let names: Vec<String> = (0..count).map(|i| format!("h_{i}")).collect();
        let lost = lost % count;
        let mut dispatcher = Dispatcher::new(classes.clone(), names).unwrap();
        walk(&mut dispatcher, users, 100.0);
        let before = dispatcher.clone();
        let missing = dispatcher.remove_worker(lost);
        prop_assert_eq!(missing, before.table().worker_total(lost));
        prop_assert_eq!(dispatcher.user_count(), users - missing);
        let steps = walk(&mut dispatcher, users, 100.0);
        prop_assert_eq!(u32::try_from(steps.len()).unwrap(), missing);
        prop_assert_eq!(dispatcher.table().worker_total(lost), 0);
        // Below the sum of the fixed counts, any of the missing may come first; from there on each class gets its own.
        let fixed: u32 = classes.iter().map(|class| class.fixed_count).sum();
        for class in 0..classes.len() {
            let (now, then) = (dispatcher.table().class_total(class), before.table().class_total(class));
            prop_assert!(now == then || users < fixed, "{now} instead of {then}");
            for worker in (0..count).filter(|&worker| worker != lost) {
                let was = before.table().get(worker, class);
                prop_assert!(dispatcher.table().get(worker, class) >= was, "nobody else moved");
            }
        }
    }

    #[test]
    fn a_worker_that_joins_is_filled_by_moving_no_more_than_its_share(
        classes in mixed_classes(), workers in workers(), users in 0_u32..300,
    ) {
        let mut dispatcher = Dispatcher::new(classes.clone(), workers).unwrap();
        walk(&mut dispatcher, users, 100.0);
        let totals = dispatcher.class_counts().iter().map(|&(_, n)| n).collect::<Vec<_>>();
        let joined = dispatcher.add_worker("z_9").unwrap();
        let mut moved = 0;
        while let Some((old, new)) = dispatcher.move_one() {
            prop_assert_eq!((new.worker, new.class, new.user), (joined, old.class, old.user));
            moved += 1;
        }
        let share = users / u32::try_from(dispatcher.workers().len()).unwrap();
        prop_assert!(moved == share, "moved {moved}, share {share}");
        prop_assert_eq!(dispatcher.class_counts().iter().map(|&(_, n)| n).collect::<Vec<_>>(), totals);
        prop_assert_eq!(dispatcher.user_count(), users);
        // Everybody can still be stopped.
        walk(&mut dispatcher, 0, 100.0);
        prop_assert_eq!(dispatcher.table().total(), 0);
    }
}

#[test]
fn a_hundred_thousand_users_are_planned() {
    let classes = (0..10).map(|i| UserClass::weighted(format!("C{i}"), f64::from(i + 1)));
    let mut dispatcher = Dispatcher::new(classes, (0..8).map(|i| format!("w_{i}"))).unwrap();
    let steps = walk(&mut dispatcher, 100_000, 10_000.0);
    assert_eq!(steps.len(), 100_000);
    assert_eq!(steps.last().unwrap().0, Duration::from_micros(9_999_900));
    assert_eq!(dispatcher.table().worker_total(3), 12_500);
}

#[test]
fn changing_the_target_in_the_middle_continues_every_sequence() {
    let classes = [UserClass::weighted("A", 5.0), UserClass::weighted("B", 1.0)];
    let mut whole = Dispatcher::new(classes.clone(), ["x", "y", "z"]).unwrap();
    walk(&mut whole, 50, 10.0);
    let mut changed = Dispatcher::new(classes, ["x", "y", "z"]).unwrap();
    let mut ramp = Ramp::new(20, 10.0).unwrap();
    assert_eq!(ramp.due(&mut changed, Duration::from_millis(1250)).count(), 13);
    let mut ramp = Ramp::new(50, 3.0).unwrap();
    let numbers: Vec<u64> =
        ramp.due(&mut changed, Duration::MAX).map(|step| step.place.user).collect();
    assert_eq!(numbers, (13..50).collect::<Vec<u64>>());
    assert_eq!(changed.table(), whole.table());
}

#[test]
fn the_user_stopped_is_the_one_started_last() {
    let mut dispatcher = Dispatcher::new([UserClass::weighted("A", 1.0)], ["w"]).unwrap();
    let started: Vec<_> = (0..3).filter_map(|_| dispatcher.start_next()).collect();
    assert_eq!(dispatcher.stop_next(), Some(started[2]));
    assert_eq!(dispatcher.start_next().unwrap().user, 3, "numbers are not used twice");
}

#[test]
fn restricted_classes_are_the_only_ones_started() {
    let classes = ["A", "B", "C"]
        .map(|name| UserClass::weighted(name, 1.0))
        .into_iter()
        .chain([UserClass::fixed("F", 1)]);
    let mut dispatcher = Dispatcher::new(classes, ["w"]).unwrap();
    walk(&mut dispatcher, 4, 1.0);
    assert_eq!(dispatcher.class_counts(), [("A", 1), ("B", 1), ("C", 1), ("F", 1)]);
    dispatcher.restrict_to(&["C"]).unwrap();
    walk(&mut dispatcher, 8, 1.0);
    assert_eq!(dispatcher.class_counts(), [("A", 1), ("B", 1), ("C", 5), ("F", 1)]);
    assert_eq!(dispatcher.restrict_to(&["X"]), Err(LoadError::UnknownClass("X".into())));
    assert_eq!(dispatcher.restrict_to::<&str>(&[]), Err(LoadError::NoClasses));
}

#[test]
fn only_fixed_classes_end_the_ramp_early() {
    let mut dispatcher = Dispatcher::new([UserClass::fixed("F", 3)], ["w"]).unwrap();
    let mut ramp = Ramp::new(10, 1.0).unwrap();
    assert_eq!(ramp.due(&mut dispatcher, Duration::MAX).count(), 3);
    assert!(ramp.is_done(&dispatcher));
    assert_eq!(ramp.next_due(&dispatcher), None);
}

#[test]
fn wrong_input_is_named() {
    let new = |classes: Vec<UserClass>| Dispatcher::new(classes, ["w"]).map(|_| ()).unwrap_err();
    assert_eq!(new(vec![]), LoadError::NoClasses);
    assert_eq!(new(vec![UserClass::weighted("A", 0.0)]), LoadError::NoClasses);
    let twice = new(vec![UserClass::weighted("A", 1.0), UserClass::fixed("A", 1)]);
    assert_eq!(twice, LoadError::DuplicateClass("A".into()));
    let negative = new(vec![UserClass::weighted("A", -1.0)]);
    assert_eq!(
        negative.to_string(),
        "user class A: invalid weight -1 (allowed: a finite number, 0 or more)"
    );
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Ramp::new(1, rate), Err(LoadError::Rate(_))));
    }
}
