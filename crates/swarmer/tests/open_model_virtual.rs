//! Journeys at an arrival rate on virtual time: what theory says of counts, stalls and pools, to the millisecond.
#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rand::RngExt;
use swarmer::clock;
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::stats::{FromDue, Histogram, Schedule, Summary};
use swarmer::testing::{Script, ScriptedReply, run};

const MS: Duration = Duration::from_millis(1);

struct Visitor;

impl Visitor {
    async fn arrive(_: &mut User) -> Result<Self, TaskError> {
        Ok(Self)
    }

    async fn visit(&mut self, user: &mut User) -> TaskResult {
        user.get("/visit").expect(200).send().await?;
        Ok(())
    }
}

fn visitors() -> Scenario<Visitor> {
    Scenario::new("Visitor", Visitor::arrive).task(1, "Visit", Visitor::visit)
}

fn swarm<S: 'static>(scenario: Scenario<S>) -> Swarm {
    Swarm::new("test", "1.0").scenario(scenario)
}

fn open(rate: &str, seconds: u64) -> Options {
    Options {
        rate: Some(rate.to_owned()),
        run_time: Some(Duration::from_secs(seconds)),
        seed: Some(1),
        // What is in flight at the end is finished, so that every journey is counted.
        stop_timeout: Duration::from_secs(30),
        ..Options::default()
    }
}

fn answers_after(time: Duration) -> Script {
    Script::new(move |_| ScriptedReply::new(200).after(time))
}

/// Answers take 10 ms, but for two seconds, five seconds after the first request, nothing is answered at all.
fn stalls() -> Script {
    let first = OnceLock::<Instant>::new();
    Script::new(move |_| {
        let now = clock::now();
        let since = now - *first.get_or_init(|| now);
        let (begins, ends) = (Duration::from_millis(4_995), Duration::from_millis(6_995));
        let held = if since >= begins { ends.saturating_sub(since) } else { Duration::ZERO };
        ScriptedReply::new(200).after(held + 10 * MS)
    })
}

fn schedule_of(summary: &Summary) -> &Schedule {
    summary.schedule.as_ref().unwrap()
}

fn from_due(summary: &Summary) -> &FromDue {
    summary.total.figures.from_due.as_ref().unwrap()
}

fn near(seen: f64, expected_ms: f64) -> bool {
    // A timer's millisecond on either side, and the cell of the histogram.
    (seen - expected_ms).abs() <= 2.0 + expected_ms * 0.001
}

#[test]
fn a_rate_starts_its_journeys_however_slow_the_target() {
    for delay in [10, 900, 5_000] {
        let summary = run(swarm(visitors()), open("50/s", 60), answers_after(delay * MS)).unwrap();
        assert_eq!((schedule_of(&summary).started, schedule_of(&summary).dropped), (3000, 0));
        assert_eq!(summary.total.figures.requests, 3000, "{delay} ms");
        assert_eq!(from_due(&summary).count, 3000);
        assert!(
            schedule_of(&summary).late_starts.max <= 1.01,
            "{:?}",
            schedule_of(&summary).late_starts.max
        );
    }
}

/// When a task was due, and when it began.
type Note = (Option<Instant>, Instant);

struct Noter(Arc<Mutex<Vec<Note>>>);

impl Noter {
    async fn visit(&mut self, user: &mut User) -> TaskResult {
        self.0.lock().unwrap().push((user.due(), clock::now()));
        user.get("/visit").expect(200).send().await?;
        assert_eq!(user.due(), None, "the second request was not due with the first");
        Ok(())
    }
}

#[test]
fn a_task_knows_when_it_was_due_though_a_sign_in_held_it_up() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&notes);
    let start = async move |user: &mut User| {
        user.get("/sign-in").expect(200).send().await?;
        Ok(Noter(Arc::clone(&kept)))
    };
    let script = Script::new(|request| {
        ScriptedReply::new(200).after(if request.target.ends_with("/visit") {
            5 * MS
        } else {
            70 * MS
        })
    });
    let noters = Scenario::new("Noter", start).task(1, "Visit", Noter::visit);
    let summary = run(swarm(noters), open("100/s", 3), script).unwrap();
    assert!(summary.exceptions.is_empty(), "{:?}", summary.exceptions);
    let mut notes: Vec<_> =
        notes.lock().unwrap().iter().map(|&(due, at)| (due.unwrap(), at)).collect();
    assert_eq!(notes.len(), 300);
    assert!(!notes.is_sorted(), "nobody who signed in was overtaken");
    assert!(notes.iter().all(|(due, at)| due <= at));
    notes.sort_unstable();
    let gaps = notes.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(gaps.into_iter().all(|gap| gap == 10 * MS));
}

/// Of 2,000 journeys at 100/s those due in the two seconds of the stall wait for its end. The 20 slowest of all, which
/// make the last percent, are those due first: the 20th waits for 2 s less 195 ms, and then for its answer.
#[test]
fn a_stall_shows_in_the_open_model_as_theory_says() {
    let summary = run(swarm(visitors()), open("100/s", 20), stalls()).unwrap();
    assert_eq!(summary.total.figures.requests, 2000);
    for (p, expected) in
        [(0.5, 10.0), (0.89, 10.0), (0.95, 1_015.0), (0.99, 1_815.0), (1.0, 2_005.0)]
    {
        let seen = from_due(&summary).percentile(p).unwrap();
        assert!(near(seen, expected), "p{p}: {seen} ms, in theory {expected} ms");
    }
}

/// Theory, to the cell of the histogram.
///
/// `n` requests fall due every `1/r`, and a request that is sent outside the stall is answered after `s`. The stall ends at
/// `e`; the first request due in it is due at `d`, and `m` are due before it ends. A journey is started when it is due,
/// whatever became of those before it, so the one that is due `a` gaps after the first of the stall takes `e - d - a/r + s`:
/// the later it comes, the less is left of the stall. All others take `s`. In ascending order the slowest is that with `a =
/// 0`, so with rank `floor(n p)` there are `a(p) = n - 1 - floor(n p)` slower ones, and
///
/// `P(p) = s + (e - d) - a(p)/r` if `a(p) < m`, else `s`.
///
/// For many requests that is `s + D - (1 - p) T` with a stall of `D` in a run of `T`: a p99 shows all of a stall but one
/// percent of the run.
#[test]
fn every_percentile_of_a_stall_is_that_of_theory() {
    let (s, left) = (10 * MS, Duration::from_millis(1_995));
    for (rate, gap, seconds) in
        [("100/s", 10 * MS, 20), ("100/s", 10 * MS, 60), ("50/s", 20 * MS, 20)]
    {
        let summary = run(swarm(visitors()), open(rate, seconds), stalls()).unwrap();
        let n =
            usize::try_from(seconds * 1_000).unwrap() / usize::try_from(gap.as_millis()).unwrap();
        // Due in the stall: as long as something is left of it.
        let due = |a: usize| left.checked_sub(gap * u32::try_from(a).unwrap());
        let held: Vec<Duration> = (0..).map_while(due).collect();
        let mut theory = Histogram::<u64>::new();
        let of = |rank: usize| held.get(n - 1 - rank).copied().unwrap_or_default() + s;
        (0..n).for_each(|rank| theory.record(u64::try_from(of(rank).as_nanos()).unwrap()));
        let seen = from_due(&summary);
        assert_eq!(seen.count, n as u64);
        for p in [0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
            let nanos = seen.times.quantile(p);
            assert_eq!(nanos, theory.quantile(p), "{rate} for {seconds} s: P({p})");
            // The cell's middle, which is told, is within 0.1 % of the formula's value.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "small counts"
            )]
            let rank = ((n as f64 * p) as usize).min(n - 1);
            let (told, exact) = (seen.percentile(p).unwrap(), of(rank).as_secs_f64() * 1_000.0);
            assert!((told - exact).abs() <= exact * 0.001, "{rate}, P({p}): {told} and {exact} ms");
        }
        assert!(seen.times.iter().eq(theory.iter()), "and so is every other value");
        assert_eq!(summary.info.notes, Vec::<String>::new(), "the figures speak for themselves");
    }
}

/// The same stall under ten users who come back every 100 ms: each is held up once, and nobody else notices.
#[test]
fn the_same_stall_hides_in_the_closed_model() {
    let options = Options {
        users: Some(10),
        spawn_rate: Some(10.0),
        run_time: Some(Duration::from_secs(20)),
        ..Options::default()
    };
    let summary = run(swarm(visitors().wait(pacing(0.1))), options, stalls()).unwrap();
    assert!(summary.total.figures.requests > 1600);
    let p99 = summary.total.figures.percentile(0.99).unwrap();
    assert!(near(p99, 10.0), "{p99}");
    // Ten of n requests were held up: less than one of a hundred. The report says what that means.
    let [note] = &summary.info.notes[..] else { panic!("{:?}", summary.info.notes) };
    assert!(
        note.starts_with("The slowest request took 2.0 s, 99 % took 10 ms or less. Users who wait"),
        "{note}"
    );
    let mut text = Vec::new();
    swarmer::report::Console::new(Some(110)).end_of_run(&mut text, &summary).unwrap();
    assert!(String::from_utf8(text).unwrap().contains(note.as_str()), "the tables end with it");
    assert_eq!(summary.schedule, None, "nothing is due in a closed model");
    assert_eq!(summary.total.figures.from_due, None);
}

/// On a schedule the ten users owe 20 tasks each when the stall ends. Done at 10 ms apiece while another falls due every
/// 100 ms, the k-th (from 0) of each user ends 2,010 - 90·k ms after it was due. The 20 slowest are the first two of
/// each user.
#[test]
fn a_schedule_shows_the_stall_too_and_makes_up_for_it() {
    let options = Options {
        users: Some(10),
        spawn_rate: Some(1000.0),
        run_time: Some(Duration::from_secs(20)),
        stop_timeout: Duration::from_secs(1),
        ..Options::default()
    };
    let summary = run(swarm(visitors().wait(schedule(0.1))), options, stalls()).unwrap();
    let requests = summary.total.figures.requests;
    assert!(requests.abs_diff(2000) <= 10, "{requests} of 2000: lost time is made up");
    let schedule = schedule_of(&summary);
    assert_eq!(schedule.dropped, 0);
    assert_eq!(schedule.started, requests - 10, "the first task of each user is not due");
    let p99 = from_due(&summary).percentile(0.99).unwrap();
    assert!((p99 - 1_920.0).abs() < 15.0, "{p99}: users start up to 10 ms apart");
    let sent = summary.total.figures.percentile(0.99).unwrap();
    assert!(near(sent, 10.0), "{sent}: from the moment sent the stall does not show");
}

#[test]
fn a_full_pool_drops_what_it_cannot_start() {
    let options = Options { users: Some(5), ..open("100/s", 10) };
    let summary = run(swarm(visitors()), options, answers_after(Duration::from_secs(1))).unwrap();
    let Schedule { started, dropped, .. } = *schedule_of(&summary);
    assert_eq!(started + dropped, 1000);
    // Five at once, each for a second and up to the next arrival: ten rounds at most.
    assert!((45..=50).contains(&started), "{started}");
    assert_eq!(summary.total.figures.requests, started);
}

#[test]
fn a_pool_grows_only_as_far_as_it_must() {
    let starts = Arc::new(Mutex::new(0));
    let count = Arc::clone(&starts);
    let arrive = async move |_: &mut User| {
        *count.lock().unwrap() += 1;
        Ok(Visitor)
    };
    let scenario = Scenario::new("Visitor", arrive).task(1, "Visit", Visitor::visit);
    run(swarm(scenario), open("100/s", 30), answers_after(95 * MS)).unwrap();
    // Little's law: 100/s for 95 ms are 9.5 at a time, and one more while timers round up.
    assert!((10..=11).contains(&*starts.lock().unwrap()), "{starts:?}");
}

/// The first journey of a new user waits for its sign-in, and that is told.
#[test]
fn a_sign_in_makes_the_first_journey_late() {
    let sign_in = async |user: &mut User| {
        user.post("/login").expect(200).send().await?;
        Ok(Visitor)
    };
    let scenario = Scenario::new("Visitor", sign_in).task(1, "Visit", Visitor::visit);
    let summary = run(swarm(scenario), open("1/s", 20), answers_after(200 * MS)).unwrap();
    let late = &schedule_of(&summary).late_starts;
    assert!(near(late.max, 200.0) && near(late.percentile(0.9).unwrap(), 0.5), "{late:?}");
    let row = summary.requests().find(|row| *row.name == *"/login").unwrap();
    assert_eq!((row.figures.requests, row.figures.from_due.as_ref()), (1, None));
    assert!(near(from_due(&summary).max, 400.0));
}

#[test]
fn nobody_who_can_start_means_nothing_but_drops() {
    let refused = async |user: &mut User| -> Result<Visitor, TaskError> {
        user.post("/login").expect(201).send().await?;
        Ok(Visitor)
    };
    let scenario = Scenario::new("Visitor", refused).task(1, "Visit", Visitor::visit);
    let summary = run(swarm(scenario), open("10/s", 5), answers_after(MS)).unwrap();
    assert_eq!((schedule_of(&summary).started, schedule_of(&summary).dropped), (0, 50));
}

/// What a journey does hangs on its number, not on which user was free.
#[test]
fn a_journey_decides_the_same_whoever_makes_it() {
    let drawn = |delay: Duration| {
        let numbers = Arc::new(Mutex::new(Vec::<u64>::new()));
        let sink = Arc::clone(&numbers);
        let draw = async move |_: &mut Visitor, user: &mut User| {
            let number = user.rng().random();
            sink.lock().unwrap().push(number);
            user.get("/visit").send().await?;
            Ok(())
        };
        let scenario = Scenario::new("Visitor", Visitor::arrive).task(1, "Draw", draw);
        let options = Options { arrivals: Some("poisson".to_owned()), ..open("20/s", 20) };
        run(swarm(scenario), options, answers_after(delay)).unwrap();
        Arc::into_inner(numbers).unwrap().into_inner().unwrap()
    };
    let fast = drawn(5 * MS);
    assert!(fast.len() > 300);
    assert_eq!(fast, drawn(1_700 * MS));
}

#[test]
fn classes_share_the_journeys_by_weight_and_the_pool_as_needed() {
    let slow = async |_: &mut Visitor, user: &mut User| {
        user.get("/slow").send().await?;
        Ok(())
    };
    let swarm = swarm(visitors().weight(3.0))
        .scenario(Scenario::new("Slow", Visitor::arrive).task(1, "Slow", slow));
    let script = Script::new(|request| {
        let time = if request.target == "/slow" { Duration::from_secs(20) } else { 10 * MS };
        ScriptedReply::new(200).after(time)
    });
    let options = Options { users: Some(8), ..open("40/s", 40) };
    let summary = run(swarm, options, script).unwrap();
    let count = |name: &str| {
        summary.requests().find(|row| *row.name == *name).map_or(0, |row| row.figures.requests)
    };
    assert_eq!(count("/visit"), 1200, "the slow class does not take the fast one's place");
    assert_eq!(count("/slow") + schedule_of(&summary).dropped, 400);
}

#[test]
fn a_rate_in_stages_ends_with_the_last() {
    let options = Options {
        rate: None,
        rate_stages: Some("10s:0->100/s, 10s:100/s, 5s:100/s->0/s".to_owned()),
        run_time: None,
        ..open("", 0)
    };
    let summary = run(swarm(visitors()), options, answers_after(10 * MS)).unwrap();
    assert_eq!(schedule_of(&summary).started, 500 + 1000 + 250);
}

#[test]
fn iterations_end_an_open_run_with_the_last_journey() {
    let options = Options { iterations: Some(33), run_time: None, ..open("10/s", 0) };
    let summary = run(swarm(visitors()), options, answers_after(Duration::from_secs(3))).unwrap();
    assert_eq!(schedule_of(&summary).started, 33);
    assert_eq!(summary.total.figures.requests, 33);
    assert_eq!(summary.aborted, 0);
}

#[test]
fn the_table_and_the_notes_tell_what_was_due() {
    let options = Options { users: Some(5), ..open("100/s", 10) };
    let summary = run(swarm(visitors()), options, answers_after(Duration::from_secs(1))).unwrap();
    let mut text = Vec::new();
    let console = swarmer::report::Console::new(Some(110));
    console.end_of_run(&mut text, &summary).unwrap();
    let text = String::from_utf8(text).unwrap();
    let (_, ours) = text.split_once("Response times from").unwrap();
    insta::assert_snapshot!(ours, @r#"
 the moment due (ms, first requests only)
Type     Name                              # due      50%      90%      95%      99%    99.9%     100%
--------|------------------------------|--------------------------------------------------------------
GET      /visit                               50   1000.0   1000.0   1000.0   1000.0   1000.0   1000.0
--------|------------------------------|--------------------------------------------------------------
         Aggregated                           50   1000.0   1000.0   1000.0   1000.0   1000.0   1000.0

Notes
--------------------------------------------------------------------------------------------------------------
950 dropped journeys: of 1000 that were due, 95.00 % found no free user. Allow more users with --users, or see why the target holds so many.
50 journeys were started when due, late by 0.0 ms in the middle, 0.0 ms in 99 % and 0.0 ms at most.

With 95 % confidence: 50% 1000 to 1000 ms, 95% at least 1000 ms, 99% at least 1000 ms, 99.9% at least 1000 ms (50 requests are too few to say more)
"#);
}
