//! Stages, rates and arrivals as plans: what they add up to, and how they are read and shown.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::time::Duration;

use insta::assert_snapshot;
use proptest::collection::vec;
use proptest::prelude::*;
use swarmer::load::{
    Arrival, Arrivals, Dispatcher, Plan, Ramp, Rate, RateStage, Rates, ShapeTime, Share, Spacing,
    Stage, Stages, Target, UserClass,
};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn one_class() -> Vec<UserClass> {
    vec![UserClass::weighted("A", 1.0)]
}

fn stage() -> impl Strategy<Value = Stage> {
    let rate = prop_oneof![Just(None), (0.05_f64..200.0).prop_map(Some)];
    (0_u64..200, 0_u32..500, rate).prop_map(|(duration, users, spawn_rate)| Stage {
        duration: secs(duration),
        users,
        spawn_rate,
    })
}

fn rate_stages() -> impl Strategy<Value = Rates> {
    let rate =
        || prop_oneof![Just(0.0), 0.01_f64..300.0].prop_map(|r| Rate::per_second(r).unwrap());
    let stage = (1_u64..60, rate(), rate());
    let stage = stage.prop_map(|(duration, from, to)| RateStage {
        duration: Some(secs(duration)),
        from,
        to,
    });
    vec(stage, 1..5).prop_filter_map("an arrival", |stages| Rates::new(&stages).ok())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// The users that the plan promises, its user-seconds, and the steps a ramp takes are one and the same.
    #[test]
    fn ramps_over_stages_give_the_planned_user_seconds(stages in vec(stage(), 1..6)) {
        let Ok(stages) = Stages::new(&stages) else { return Ok(()) };
        let mut dispatcher = Dispatcher::new(one_class(), ["w"]).unwrap();
        let mut user_seconds = 0.0;
        for leg in stages.legs() {
            prop_assert_eq!(dispatcher.user_count(), leg.from);
            let mut since = leg.begins;
            if leg.rate > 0.0 {
                let mut ramp = Ramp::new(leg.to, leg.rate).unwrap();
                while let Some(due) = ramp.next_due(&dispatcher) {
                    let at = (leg.first_step() + due).min(leg.ends);
                    user_seconds += f64::from(dispatcher.user_count()) * at.saturating_sub(since).as_secs_f64();
                    since = at;
                    prop_assert!(ramp.due(&mut dispatcher, due).count() >= 1);
                }
            }
            user_seconds += f64::from(dispatcher.user_count()) * leg.ends.saturating_sub(since).as_secs_f64();
            prop_assert_eq!(dispatcher.user_count(), leg.to);
            // A step may be due at the very end of its stage.
            let last = stages.users_at(leg.ends.saturating_sub(Duration::from_nanos(1)));
            prop_assert!(leg.begins == leg.ends || last.abs_diff(leg.to) <= 1);
        }
        // A jump takes microseconds per user, which the plan does not count.
        let slack = 1e-6 * user_seconds + 1.0;
        prop_assert!((user_seconds - stages.user_seconds()).abs() < slack, "{} and {}", user_seconds, stages.user_seconds());
    }

    /// Without a rate of its own a stage follows the straight line to within one user, and the area under it exactly.
    #[test]
    fn an_even_stage_lies_on_its_line(from in 0_u32..400, to in 0_u32..400, duration in 1_u64..500, at in 0.0_f64..1.0) {
        let even = |duration, users| Stage { duration: secs(duration), users, spawn_rate: None };
        let stages = Stages::new(&[even(1, from), even(duration, to)]).unwrap();
        let moment = secs(1) + secs(duration).mul_f64(at);
        let line = f64::from(from) + (f64::from(to) - f64::from(from)) * at;
        prop_assert!((f64::from(stages.users_at(moment)) - line).abs() <= 0.5 + 1e-6);
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let area = f64::from(from) / 2.0 + f64::from(from + to) / 2.0 * duration as f64;
        prop_assert!((stages.user_seconds() - area).abs() < 1e-6 * area + 1e-9);
    }

    /// In every span of time as many journeys start as the rate says, to the nearest whole.
    #[test]
    fn evenly_spaced_arrivals_follow_their_rate(rates in rate_stages(), every in 1_u64..7) {
        let end = rates.duration().unwrap();
        let due: Vec<Duration> =
            Arrivals::new(rates.clone(), Spacing::Constant, &one_class(), 1).map(|a| a.due).collect();
        prop_assert!(due.is_sorted());
        for second in (0..=end.as_secs()).step_by(usize::try_from(every).unwrap()) {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let started = due.partition_point(|due| *due < secs(second)) as f64;
            prop_assert!((started - rates.expected_by(secs(second))).abs() <= 0.5 + 1e-6);
        }
    }

    /// The drivers' shares are parts of one sequence: nothing is lost, nothing comes twice, whatever their number.
    #[test]
    fn drivers_share_one_sequence(rates in rate_stages(), drivers in 1_usize..6, seed: u64, poisson: bool) {
        let spacing = if poisson { Spacing::Poisson } else { Spacing::Constant };
        let classes = [UserClass::weighted("A", 3.0), UserClass::weighted("None", 0.0), UserClass::weighted("B", 1.0)];
        let all = Arrivals::new(rates, spacing, &classes, seed);
        let mut together: Vec<Arrival> = (0..drivers)
            .flat_map(|index| all.clone().share(Share { index, of: drivers }))
            .collect();
        together.sort_by_key(|arrival| arrival.number);
        let alone: Vec<Arrival> = all.collect();
        prop_assert!(alone.iter().all(|arrival| arrival.class != 1));
        prop_assert_eq!(together, alone);
    }
}

#[test]
fn classes_come_by_weight_and_go_round_the_drivers() {
    let rates = Rates::constant(Rate::per_second(100.0).unwrap()).unwrap();
    let classes = [UserClass::weighted("A", 3.0), UserClass::weighted("B", 1.0)];
    for (spacing, play) in [(Spacing::Constant, 1), (Spacing::Poisson, 60)] {
        let arrivals = Arrivals::new(rates.clone(), spacing, &classes, 7).at_most(Some(4000));
        let second = arrivals.clone().filter(|arrival| arrival.class == 1).count();
        assert!(second.abs_diff(1000) <= play, "{spacing:?}: {second}");
        for index in 0..2 {
            let ours = arrivals.clone().share(Share { index, of: 2 });
            let (mut counts, mut last) = ([0_usize; 2], Duration::ZERO);
            for arrival in ours {
                counts[arrival.class] += 1;
                last = arrival.due;
            }
            assert!((counts[0] + counts[1]).abs_diff(2000) <= 1, "{spacing:?}: {counts:?}");
            assert!(last.abs_diff(secs(40)) < secs(3), "{spacing:?}: {last:?}");
        }
    }
}

/// Gaps of a Poisson process: mean 1/rate, standard deviation the same, and no memory.
#[test]
fn random_arrivals_are_a_poisson_process() {
    let rates = Rates::constant(Rate::per_second(50.0).unwrap()).unwrap();
    let arrivals = Arrivals::new(rates, Spacing::Poisson, &one_class(), 42).at_most(Some(100_000));
    let due: Vec<f64> = arrivals.map(|arrival| arrival.due.as_secs_f64()).collect();
    let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) * 50.0).collect();
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let mean_of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mean = mean_of(&gaps);
    let squares: Vec<f64> = gaps.iter().map(|gap| (gap - mean).powi(2)).collect();
    let products: Vec<f64> =
        gaps.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).collect();
    // Standard errors over 100,000 gaps: 0.003 for the mean, 0.009 for the variance, 0.003 for the correlation.
    assert!((mean - 1.0).abs() < 0.015, "{mean}");
    assert!((mean_of(&squares) - 1.0).abs() < 0.045, "{}", mean_of(&squares));
    assert!(mean_of(&products).abs() < 0.015, "{}", mean_of(&products));
}

#[test]
fn a_rate_over_a_time_is_a_number_of_journeys() {
    for (text, seconds, expected) in [
        ("200/s", 5, 1000),
        ("90/m", 60, 90),
        ("4000/h", 3600, 4000),
        ("0.5", 10, 5),
        ("7/s", 1, 7),
    ] {
        let rates = Rates::constant(text.parse().unwrap()).unwrap();
        let arrivals = Arrivals::new(rates, Spacing::Constant, &one_class(), 0);
        assert_eq!(arrivals.until(Some(secs(seconds))).count(), expected, "{text}");
    }
}

fn error(text: &str) -> String {
    text.parse::<Stages>().unwrap_err().to_string()
}

fn rate_error(text: &str) -> String {
    text.parse::<Rates>().unwrap_err().to_string()
}

#[test]
fn a_bad_stage_is_named_with_what_is_allowed() {
    assert_snapshot!(error(""), @"'': a stage is written DURATION:USERS or DURATION:USERS@RATE");
    assert_snapshot!(error("1m:5, 2x:50"), @"'2x:50': invalid duration '2x' (allowed: 20, 20s, 3m, 2h, 1h20m, 3h30m10s and the like)");
    assert_snapshot!(error("1m:-5"), @"'1m:-5': invalid number of users '-5' (allowed: 0 to 10000000)");
    assert_snapshot!(error("1m:99999999999"), @"'1m:99999999999': invalid number of users '99999999999' (allowed: 0 to 10000000)");
    assert_snapshot!(error("1m:5@0"), @"'1m:5@0': invalid spawn rate '0' (allowed: a number above 0, in users per second)");
    assert_snapshot!(error("1m:5@nan"), @"'1m:5@nan': invalid spawn rate 'nan' (allowed: a number above 0, in users per second)");
    assert_snapshot!(error("0s:5"), @"at least one stage that takes time is needed");
    assert_snapshot!(error("0s:5@1"), @"a stage that takes no time cannot have a spawn rate");
    assert_snapshot!(error("876000h:5, 876000h:5"), @"the plan takes longer than a hundred years");
    assert_snapshot!(rate_error("5m"), @"'5m': a stage is written DURATION:RATE or DURATION:FROM->TO");
    assert_snapshot!(rate_error("5m:ten"), @"'5m:ten': invalid rate 'ten' (allowed: a number per second, minute or hour, such as 100/s, 90/m, 4000/h)");
    assert_snapshot!(rate_error("5m:0->5/d"), @"'5m:0->5/d': invalid rate '0/d' (allowed: a number per second, minute or hour, such as 100/s, 90/m, 4000/h)");
    assert_snapshot!(rate_error("5m:0"), @"at least one stage with a rate above 0 that takes time is needed");
    assert_snapshot!("1e9/s".parse::<Rate>().unwrap_err(), @"invalid rate '1e9/s' (allowed: a number per second, minute or hour, such as 100/s, 90/m, 4000/h)");
    assert_snapshot!("99999999999/s".parse::<Rate>().unwrap_err(), @"invalid rate '99999999999/s' (allowed: a number per second, minute or hour, such as 100/s, 90/m, 4000/h)");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in ".{0,40}", stages in "[0-9smh:@,./> -]{0,40}") {
        let all: [&str; 2] = [&text, &stages];
        for text in all {
            let _ = text.parse::<Stages>();
            let _ = text.parse::<Rates>();
            if let Ok(stages) = text.parse::<Stages>() {
                let _ = Plan::Stages { stages, run_time: None }.to_string();
            }
        }
    }
}

#[test]
fn the_plan_of_stages() {
    let stages: Stages =
        "2m:50, 5m:50, 1m:200@20, 1m:1000@1, 0s:10, 30s:10, 90s:0".parse().unwrap();
    assert_snapshot!(Plan::Stages { stages, run_time: None }, @r#"
Load plan: 7 stages over 11m, 260 users at most, 43988 user-seconds
   from     to  users
     0s     2m  0 -> 50     0.42/s
     2m     7m  50
     7m     8m  50 -> 200   20.00/s for 7.5s, then held
     8m     9m  200 -> 260  1.00/s, too slow for 1000
     9m     9m  260 -> 10   at once
     9m  9m30s  10
  9m30s    11m  10 -> 0     0.11/s

  |▁▁▁▁▁▁▁▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▄▇▇▇▇▇▇▇███▁▁▁▁▁▁▁▁▁▁▁| 260 users
"#);
}

#[test]
fn the_plan_of_users() {
    let plan = Plan::Users { users: 30, rate: 4.0, run_time: None };
    assert_snapshot!(plan, @r#"
Load plan: 30 users without an end
  from  to  users
    0s   …  0 -> 30  4/s, reached after 7.5s

  |▁▁▁▁▁▂▂▂▂▂▃▃▃▃▃▄▄▄▄▄▅▅▅▅▅▆▆▆▆▆▇▇▇▇▇█████████████████████████| 30 users
"#);
}

#[test]
fn the_plan_of_an_arrival_rate() {
    let rates: Rates = "1m:0->100/s, 5m:100/s, 30s:100/s->20/s".parse().unwrap();
    let plan =
        Plan::Arrivals { rates, spacing: Spacing::Poisson, run_time: None, most: None, users: 500 };
    assert_snapshot!(plan, @r#"
Load plan: 34800 journeys over 6m30s, at random (Poisson), over a pool of up to 500 users
  from     to  journeys
    0s     1m  0/s -> 100/s   3000 journeys
    1m     6m  100/s          30000 journeys
    6m  6m30s  100/s -> 20/s  1800 journeys

  |▁▂▃▄▄▅▆▇████████████████████████████████████████████████▇▆▄▃| 100/s
"#);
    let rates = Rates::constant("90/m".parse().unwrap()).unwrap();
    let plan = Plan::Arrivals {
        rates,
        spacing: Spacing::Constant,
        run_time: None,
        most: Some(10),
        users: 5,
    };
    assert_snapshot!(plan, @r#"
Load plan: 10 journeys without an end, evenly spaced, over a pool of up to 5 users
  from  to  journeys
    0s   …  1.5/s

  |████████████████████████████████████████████████████████████| 1.5/s
"#);
}

#[test]
fn the_plan_of_a_shape() {
    let mut shape = |time: &ShapeTime| -> Option<Target> {
        match time.run_time.as_secs() {
            0..20 => Some((10, 2.0).into()),
            20..50 => Some((40, 5.0, vec!["Reader"]).into()),
            _ => None,
        }
    };
    assert_snapshot!(Plan::of_shape(&mut shape), @r#"
Load plan: a shape over 50s, 40 users at most
  from   to  users
    0s  20s  0 -> 10   2/s
   20s  50s  10 -> 40  5/s, Reader

  |▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂████████████████████████████████████| 40 users
"#);
    let mut endless = |_: &ShapeTime| Some((1, 1.0));
    assert!(
        Plan::of_shape(&mut endless).to_string().starts_with("Load plan: a shape without an end")
    );
}
