//! The same task sets in the real Locust and here: who does what when must agree, to the millisecond.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

#[path = "support/locust.rs"]
mod locust;
mod semantics_support;

use std::collections::BTreeMap;

use semantics_support::*;
use serde::Deserialize;
use serde_json::json;
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::testing::run;

type Life = Vec<(f64, String)>;

#[derive(Deserialize)]
struct Theirs {
    /// Without chance: every word at its time.
    lives: BTreeMap<String, Life>,
    /// By chance: only shares can be compared.
    shares: BTreeMap<String, Life>,
    /// Words left for each case of tags.
    tags: Vec<Vec<String>>,
}

/// `--tags` and `--exclude-tags`.
const TAGS: [(&[&str], &[&str]); 7] = [
    (&["read"], &[]),
    (&["quick", "write"], &[]),
    (&["nested"], &[]),
    (&["slow"], &[]),
    (&[], &["write", "slow"]),
    (&[], &["nested"]),
    (&["nested", "read"], &["slow", "quick"]),
];

fn only(set: TaskSet<Writer>, wait: Wait) -> Scenario<Writer> {
    writer().wait(wait).set(1, set)
}

fn nested() -> Scenario<Writer> {
    let inner = TaskSet::sequential("Inner")
        .on_start(writes("enter"))
        .on_stop(writes("exit"))
        .task(1, "x", writes("x"))
        .task(1, "leave", ends("leave", TaskError::interrupt));
    let later = TaskSet::new("LaterInner").wait(constant(100.0)).on_stop(writes("exit")).task(
        1,
        "leave",
        ends("leave", TaskError::interrupt_then_wait),
    );
    let outer = TaskSet::sequential("Outer").task(1, "before", writes("before"));
    only(outer.set(1, inner).set(1, later), constant(1.0))
}

fn ending() -> Scenario<Writer> {
    let set = TaskSet::sequential("Ends")
        .task(2, "wait_first", ends("reschedule", TaskError::end_task))
        .task(1, "at_once", ends("immediately", TaskError::next_task))
        .task(1, "error", ends("error", || TaskError::message("oh")));
    only(set, constant(1.0)).on_stop(writes("stop"))
}

fn starting() -> Scenario<Writer> {
    let set =
        |name: &str| TaskSet::new(name).on_stop(writes("never")).task(1, "x", writes("never"));
    let refuses = set("Refuses").on_start(ends("no", TaskError::interrupt_then_wait));
    let breaks = set("Breaks").on_start(ends("broken", || TaskError::message("locked")));
    only(TaskSet::sequential("Both").set(1, refuses).set(1, breaks), constant(1.0))
}

fn scheduling() -> Scenario<Writer> {
    let set = TaskSet::sequential("Queue")
        .task(1, "a", async |writer: &mut Writer, user: &mut User| {
            writer.diary.write("a");
            user.schedule("b");
            user.schedule("c");
            user.schedule_first("d");
            Ok(())
        })
        .task(0, "b", writes("b"))
        .task(0, "c", writes("c"))
        .task(0, "d", writes("d"));
    only(set, constant(1.0))
}

fn paced() -> Scenario<Writer> {
    let steps = TaskSet::sequential("Steps")
        .task(1, "one", takes("one", 0.5))
        .task(1, "two", takes("two", 1.5))
        .task(1, "long", takes("long", 5.0));
    only(steps, pacing(2.0))
}

fn own_wait() -> Scenario<Writer> {
    let plain = TaskSet::sequential("Plain").task(1, "i", takes("i", 0.5)).task(
        1,
        "leave",
        ends("leave", TaskError::interrupt),
    );
    let paced = TaskSet::sequential("Pacing").wait(pacing(2.0)).task(1, "p", takes("p", 0.5));
    let around = TaskSet::sequential("Around").wait(constant(100.0)).set(1, plain).set(1, paced);
    only(around, constant(1.0))
}

fn stopping() -> Scenario<Writer> {
    let inner =
        TaskSet::new("In").on_stop(writes("inner")).task(1, "x", ends("x", TaskError::stop_user));
    let outer = TaskSet::new("Out").on_stop(writes("outer")).set(1, inner);
    only(outer, constant(1.0)).on_stop(writes("user"))
}

fn weighted() -> Scenario<Writer> {
    writer().wait(constant(1.0)).task(3, "a", writes("a")).task(1, "b", writes("b"))
}

fn chain() -> Scenario<Writer> {
    let visit = TaskSet::markov("Visit")
        .task(1, "home", writes("home"))
        .transitions([("search", 3), ("offers", 1)])
        .task(1, "search", writes("search"))
        .transitions([("home", 1)])
        .task(1, "offers", writes("offers"))
        .transitions([("home", 1)]);
    only(visit, constant(1.0))
}

fn tagged() -> Scenario<Writer> {
    let set = TaskSet::sequential("Set").task(1, "deep", writes("deep")).tags(["slow"]).task(
        1,
        "leave",
        ends("leave", TaskError::interrupt_then_wait),
    );
    writer()
        .wait(constant(1.0))
        .task(1, "read", writes("read"))
        .tags(["read", "quick"])
        .task(1, "write", writes("write"))
        .tags(["write"])
        .task(1, "bare", writes("bare"))
        .set(1, set)
        .tags(["nested"])
}

fn words_left(tags: &[&str], exclude: &[&str]) -> Vec<String> {
    let own = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    let options = Options { tags: own(tags), exclude_tags: own(exclude), ..alone(200.0) };
    let diary = Diary::default();
    run(swarm(&diary).scenario(tagged()), options, quick()).unwrap();
    let mut words = diary.words();
    words.sort();
    words.dedup();
    words
}

/// The 99.9 % point of chi-square with one degree of freedom, for two samples of equal size.
fn same_share(ours: &[String], theirs: &[String], word: &str) -> bool {
    let count = |words: &[String]| words.iter().filter(|other| *other == word).count();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let [our, of_our, their, of_their] =
        [count(ours), ours.len(), count(theirs), theirs.len()].map(|number| number as f64);
    let share = (our + their) / (of_our + of_their);
    let difference = our / of_our - their / of_their;
    difference.powi(2) / (share * (1.0 - share) * (1.0 / of_our + 1.0 / of_their)) < 10.83
}

#[test]
fn users_do_the_same_at_the_same_time() {
    let theirs = locust::run("locust_semantics.py", &json!({"tags": TAGS}).to_string());
    let theirs: Theirs = serde_json::from_str(&theirs).unwrap();

    let lives: [(&str, Scenario<Writer>, f64); 8] = [
        ("nested", nested(), 6.5),
        ("ends", ending(), 6.5),
        ("starts", starting(), 4.5),
        ("queue", scheduling(), 4.5),
        ("pacing", paced(), 12.25),
        ("throughput", writer().wait(constant_throughput(0.5)).task(1, "t", takes("t", 0.3)), 9.0),
        ("own_wait", own_wait(), 6.25),
        ("stop_user", stopping(), 9.0),
    ];
    assert_eq!(lives.len(), theirs.lives.len());
    for (name, scenario, seconds) in lives {
        let (diary, _) = lived(scenario, seconds);
        let ours = diary.entries();
        let theirs = &theirs.lives[name];
        let close =
            |(a, b): (&(f64, String), &(f64, String))| a.1 == b.1 && (a.0 - b.0).abs() < 0.01;
        assert!(
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(close),
            "{name}\n  ours: {ours:?}\ntheirs: {theirs:?}"
        );
    }

    for (name, scenario, words) in [
        ("weighted", weighted(), &["a", "b"][..]),
        ("chain", chain(), &["home", "search", "offers"][..]),
    ] {
        let (diary, _) = lived(scenario, 4000.0);
        let theirs: Vec<String> =
            theirs.shares[name].iter().map(|(_, word)| word.clone()).collect();
        for word in words {
            assert!(same_share(&diary.words(), &theirs, word), "{name}: share of {word}");
        }
    }

    for ((tags, exclude), theirs) in TAGS.iter().zip(&theirs.tags) {
        assert_eq!(
            &words_left(tags, exclude),
            theirs,
            "--tags {tags:?} --exclude-tags {exclude:?}"
        );
    }
}
