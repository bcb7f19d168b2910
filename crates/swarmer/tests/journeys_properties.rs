//! Laws of funnels, for any runs spread over any recorders and hand-overs.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use swarmer::clock::Anchor;
use swarmer::stats::{
    CUT, Collector, FAILED, Funnel, Kind, Recorder, RecorderOptions, RunEnd, Sample, Segment,
    Summary, Users,
};

const STEPS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const TASKS: [(&str, &str); 3] = [("Buyer", "Buy"), ("Buyer", "Look"), ("Seller", "Buy")];

/// One run: its task, its requests (which step, milliseconds before and during it, failed), its end, who records it,
/// and whether figures are handed over after it.
#[derive(Clone, Debug)]
struct Made {
    task: usize,
    requests: Vec<(usize, u64, u64, bool)>,
    said: Option<&'static str>,
    end: usize,
    recorder: usize,
    hand_over: bool,
}

fn runs() -> impl Strategy<Value = Vec<Made>> {
    let request = (0..STEPS.len(), 0_u64..5_000, 0_u64..500, prop::bool::weighted(0.1));
    let said = prop::option::of(prop::sample::select(vec!["none found", "lost a race"]));
    let parts =
        (0..TASKS.len(), prop::collection::vec(request, 0..12), said, 0_usize..4, 0_usize..3);
    let run =
        (parts, any::<bool>()).prop_map(|((task, requests, said, end, recorder), hand_over)| {
            Made { task, requests, said, end, recorder, hand_over }
        });
    prop::collection::vec(run, 1..60)
}

/// Records everything with `recorders` recorders, and hands over in the order of `turns`.
fn recorded(runs: &[Made], start: Instant, recorders: usize, turns: &[usize]) -> Summary {
    let anchor = Anchor::now();
    let mut all: Vec<_> =
        (0..recorders).map(|_| Recorder::new(anchor, RecorderOptions::default())).collect();
    let mut collector = Collector::new(anchor, start);
    for run in runs {
        let recorder = &mut all[run.recorder % recorders];
        record(recorder, run, start);
        if run.hand_over && recorders > 1 {
            collector.merge(recorder.take());
        }
    }
    for turn in turns {
        collector.merge(all[turn % recorders].take());
    }
    for mut recorder in all {
        collector.merge(recorder.take());
    }
    collector.summary(start, Users::new())
}

fn record(recorder: &mut Recorder, made: &Made, start: Instant) {
    let (scenario, task) = TASKS[made.task];
    let class = recorder.class(scenario);
    let mut run = recorder.begin_run(class, task, start);
    let mut now = start;
    for &(step, before, during, failed) in &made.requests {
        now += Duration::from_millis(before + during);
        let sample = Sample {
            kind: Kind::Request,
            method: "GET",
            name: STEPS[step],
            segment: Segment::NONE,
            class,
            detail: None,
            response_time: Some(Duration::from_millis(during)),
            bytes: 1,
            failure: failed.then_some(&"down" as _),
            completed: now,
        };
        recorder.record(&sample);
        recorder.step(&mut run, &sample, false);
    }
    if let Some(said) = made.said {
        recorder.say(&mut run, said);
    }
    let end = match made.end {
        0 => RunEnd::Failed(&"down"),
        1 => RunEnd::Cut,
        _ => RunEnd::Done,
    };
    recorder.end_run(&run, end, Segment::NONE);
}

fn ended(funnel: &Funnel, outcome: &str) -> u64 {
    funnel.ends.iter().find(|end| *end.outcome == *outcome).map_or(0, |end| end.runs)
}

/// Whether a run came to `a` before `b`, which it came to as well.
fn comes_before(run: &Made, a: &str, b: &str) -> bool {
    let first = |name: &str| run.requests.iter().position(|request| STEPS[request.0] == name);
    matches!((first(a), first(b)), (Some(a), Some(b)) if a < b)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whoever_records_it_the_funnels_are_the_same(
        runs in runs(),
        turns in prop::collection::vec(0_usize..3, 0..6),
    ) {
        // Later than any run of this test begins.
        let start = Instant::now() + Duration::from_hours(1);
        let one = recorded(&runs, start, 1, &[]);
        let many = recorded(&runs, start, 3, &turns);
        prop_assert_eq!(&one.funnels, &many.funnels);
        let text = serde_json::to_string(&many).unwrap();
        let read: Summary = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read.funnels, many.funnels);
    }

    #[test]
    fn sums_agree(runs in runs()) {
        let start = Instant::now() + Duration::from_hours(1);
        let summary = recorded(&runs, start, 3, &[]);
        let mut requests = 0;
        for funnel in &summary.funnels {
            let made: Vec<_> = runs
                .iter()
                .filter(|run| TASKS[run.task] == (&*funnel.scenario, &*funnel.task))
                .filter(|run| !run.requests.is_empty())
                .collect();
            prop_assert_eq!(funnel.runs, made.len() as u64);
            prop_assert_eq!(funnel.ends.iter().map(|end| end.runs).sum::<u64>(), funnel.runs);
            prop_assert!(funnel.ends.is_sorted_by(|a, b| a.runs >= b.runs));
            let here: u64 = funnel.steps.iter().map(|step| step.ended_here).sum();
            prop_assert_eq!(here, funnel.runs);
            let timed = funnel.runs - ended(funnel, CUT);
            prop_assert_eq!((funnel.duration.count, funnel.between.count), (timed, timed));
            for step in &funnel.steps {
                let came = made.iter().filter(|run| run.requests.iter().any(|r| STEPS[r.0] == &*step.name));
                prop_assert_eq!(step.runs, came.count() as u64);
                prop_assert!(step.runs <= step.requests && step.ended_here <= step.runs);
                prop_assert!(step.failures <= step.requests && step.before.count <= step.requests);
                requests += step.requests;
            }
            let row = summary.journeys().find(|row| {
                (&*row.method, &*row.name) == (&*funnel.scenario, &*funnel.task)
            });
            let figures = row.map(|row| (row.figures.requests, row.figures.failures));
            prop_assert_eq!(figures.unwrap_or_default(), (timed, ended(funnel, FAILED)));
            // Two steps on whose order all runs agree, and between which no others stand in a circle, keep it.
            if let [a, b] = &funnel.steps[..] {
                let after = made.iter().filter(|run| comes_before(run, &b.name, &a.name)).count();
                let before = made.iter().filter(|run| comes_before(run, &a.name, &b.name)).count();
                prop_assert!(before > 0 || after == 0, "{} before {}", a.name, b.name);
            }
        }
        prop_assert_eq!(requests, summary.total.figures.requests, "each request is of one step");
    }

    /// Runs that all follow one order, each leaving out what it likes, show exactly that order.
    #[test]
    fn an_order_on_which_all_runs_agree_is_shown(
        order in Just(STEPS.to_vec()).prop_shuffle(),
        left_out in prop::collection::vec(0_u16..256, 1..40),
    ) {
        let place = |name: &str| STEPS.iter().position(|step| *step == name).unwrap();
        let runs: Vec<Made> = left_out
            .iter()
            .map(|mask| Made {
                task: 0,
                requests: order
                    .iter()
                    .map(|name| place(name))
                    .filter(|step| mask >> step & 1 == 0)
                    .map(|step| (step, 10, 10, false))
                    .collect(),
                said: None,
                end: 2,
                recorder: 0,
                hand_over: false,
            })
            .collect();
        let summary = recorded(&runs, Instant::now() + Duration::from_hours(1), 2, &[]);
        let Some(funnel) = summary.funnels.first() else { return Ok(()) };
        let shown: Vec<&str> = funnel.steps.iter().map(|step| &*step.name).collect();
        for (a, b) in shown.iter().enumerate().flat_map(|(at, a)| shown[at + 1..].iter().map(move |b| (a, b))) {
            let agreed = runs.iter().any(|run| comes_before(run, b, a));
            prop_assert!(!agreed, "{b} comes before {a} in every run, {shown:?}");
        }
    }
}
