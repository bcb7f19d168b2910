//! User classes and what the command line changes about them: SEMANTICS §1, §2 (tags, equal weights) and `--config-users`.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

mod semantics_support;

use std::collections::BTreeMap;

use semantics_support::*;
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::testing::{run, steered};

fn class(name: &'static str) -> Scenario<Writer> {
    Scenario::new(name, Writer::arrive).wait(constant(1.0)).task(1, "t", writes(name))
}

/// Users by class after the ramp.
fn counts(swarm: Swarm, options: Options) -> BTreeMap<String, u64> {
    let users = std::cell::RefCell::default();
    steered(swarm.provide(Diary::default()), options, quick(), async |handle| {
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        *users.borrow_mut() = handle.summary().await.unwrap().users;
    })
    .unwrap();
    users.into_inner()
}

fn many(users: u32) -> Options {
    Options { users: Some(users), spawn_rate: Some(1000.0), ..Options::default() }
}

fn expected<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

#[test]
fn weights_are_shares_and_need_not_be_whole() {
    let swarm = Swarm::new("s", "0")
        .scenario(class("A").weight(2.5))
        .scenario(class("B").weight(0.5))
        .scenario(class("Idle").weight(0.0));
    assert_eq!(counts(swarm, many(12)), expected([("A", 10), ("B", 2)]));
}

#[test]
fn fixed_counts_come_first() {
    let swarm = || {
        Swarm::new("s", "0").scenario(class("A").weight(1000.0)).scenario(class("F").fixed_count(3))
    };
    assert_eq!(counts(swarm(), many(2)), expected([("A", 0), ("F", 2)]));
    assert_eq!(counts(swarm(), many(10)), expected([("A", 7), ("F", 3)]));
}

#[test]
fn all_weights_zero_and_names_given_twice_are_errors() {
    let error = |swarm: Swarm| run(swarm, alone(1.0), quick()).unwrap_err().to_string();
    let idle = Swarm::new("s", "0").scenario(class("A").weight(0.0));
    assert_eq!(error(idle), "no user class to run: every class has weight 0 and no fixed count");
    let twice = Swarm::new("s", "0").scenario(class("A")).scenario(class("A"));
    assert_eq!(error(twice), "two user classes are named A: names must be unique");
}

/// Tags in every place: on a task, on a set, within a set.
fn tagged() -> Scenario<Writer> {
    let inner = TaskSet::sequential("inner")
        .task(1, "deep", writes("deep"))
        .tags(["slow"])
        // It waits: a set of which only this is left would be entered and left without end at one moment of virtual time.
        .task(1, "leave", ends("leave", TaskError::interrupt_then_wait));
    Scenario::new("Tagged", Writer::arrive)
        .wait(constant(1.0))
        .task(1, "read", writes("read"))
        .tags(["read", "quick"])
        .task(1, "write", writes("write"))
        .tags(["write"])
        .task(1, "bare", writes("bare"))
        .set(1, inner)
        .tags(["nested"])
}

fn run_with(tags: &[&str], exclude: &[&str]) -> (Vec<String>, Vec<String>) {
    let own = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    let options = Options { tags: own(tags), exclude_tags: own(exclude), ..alone(200.0) };
    let diary = Diary::default();
    let summary = run(swarm(&diary).scenario(tagged()), options, quick()).unwrap();
    let mut words = diary.words();
    words.sort();
    words.dedup();
    (words, messages(&summary))
}

#[test]
fn tags_include_and_exclude_recursively() {
    let none: [String; 0] = [];
    for (tags, exclude, left) in [
        (&["read"][..], &[][..], &["read"][..]),
        (&["quick", "write"], &[], &["read", "write"]),
        (&["nested"], &[], &["deep", "leave"]),
        (&["slow"], &[], &["deep"]),
        (&[], &["write", "slow"], &["bare", "leave", "read"]),
        (&[], &["nested"], &["bare", "read", "write"]),
        (&["nested", "read"], &["slow", "quick"], &["leave"]),
    ] {
        let (words, messages) = run_with(tags, exclude);
        assert_eq!(words, left, "--tags {tags:?} --exclude-tags {exclude:?}");
        assert_eq!(messages, none);
    }
}

#[test]
fn a_class_left_without_tasks_stays_and_counts_exceptions() {
    let (words, messages) = run_with(&["nothing has this"], &[]);
    assert!(words.is_empty());
    assert_eq!(messages, ["201x No tasks defined on Tagged"]);
}

#[test]
fn a_chain_stays_or_goes_as_a_whole() {
    let chain = |name| {
        TaskSet::markov("chain")
            .task(1, "a", writes("a"))
            .transitions([("b", 1)])
            .task(1, "b", writes(name))
            .transitions([("a", 1)])
    };
    for (tags, left) in
        [(vec!["c".to_owned()], "a b a"), (vec!["x".to_owned()], "other other other")]
    {
        let diary = Diary::default();
        let scenario = writer()
            .wait(constant(1.0))
            .set(1, chain("b"))
            .tags(["c"])
            .task(1, "other", writes("other"))
            .tags(["x"]);
        let options = Options { tags, ..alone(2.5) };
        run(swarm(&diary).scenario(scenario), options, quick()).unwrap();
        assert_eq!(diary.text(), left);
    }
}

#[test]
fn equal_weights_flatten_sets_and_level_classes() {
    let scenario = || {
        let inner = TaskSet::sequential("inner").task(7, "c", writes("c")).task(
            9,
            "leave",
            ends("d", TaskError::interrupt_then_wait),
        );
        Scenario::new("A", Writer::arrive)
            .weight(9.0)
            .wait(constant(1.0))
            .task(50, "a", writes("a"))
            .task(3, "b", writes("b"))
            .set(2, inner)
    };
    let diary = Diary::default();
    let options = Options { equal_weights: true, ..alone(8000.0) };
    run(swarm(&diary).scenario(scenario()), options.clone(), quick()).unwrap();
    for word in ["a", "b", "c", "d"] {
        let count = diary.times(word).len();
        assert!((1_850..2_150).contains(&count), "{word}: {count}");
    }
    let both = Swarm::new("s", "0").scenario(scenario()).scenario(class("B"));
    let options = Options { equal_weights: true, ..many(10) };
    assert_eq!(counts(both, options), expected([("A", 5), ("B", 5)]));
}

fn config_users(texts: &[&str]) -> Options {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    Options { config_users: texts, ..many(12) }
}

fn two() -> Swarm {
    Swarm::new("s", "0").scenario(class("A")).scenario(class("B").task(1, "u", writes("u")))
}

#[test]
fn config_users_changes_classes_from_text_and_file() {
    let text =
        r#"[{"user_class_name": "A", "weight": 3}, {"user_class_name": "B", "colour": "red"}]"#;
    assert_eq!(counts(two(), config_users(&[text])), expected([("A", 9), ("B", 3)]));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("classes.json");
    std::fs::write(&file, r#"{"user_class_name": "B", "fixed_count": 2}"#).unwrap();
    let texts = [file.to_str().unwrap(), r#"{"user_class_name": "A", "weight": 0.5}"#];
    assert_eq!(counts(two(), config_users(&texts)), expected([("A", 10), ("B", 2)]));
}

#[test]
fn config_users_picks_tasks_and_sets_hosts() {
    let diary = Diary::default();
    let text = r#"{"user_class_name": "B", "tasks": ["u"], "host": "http://b.test"}"#;
    let options = Options { users: Some(8), ..config_users(&[text]) };
    let options = Options { run_time: Some(std::time::Duration::from_secs(20)), ..options };
    run(two().provide(diary.clone()), options, quick()).unwrap();
    let words = diary.words();
    assert!(words.contains(&"A".to_owned()) && words.contains(&"u".to_owned()));
    assert!(!words.contains(&"B".to_owned()), "the task of that name is not among those to keep");
}

#[test]
fn config_users_mistakes_are_named() {
    let error = |text: &str| run(two(), config_users(&[text]), quick()).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            error(r#"{"user_class_name": "C"}"#),
            error(r#"{"weight": 1}"#),
            error("no.json"),
            error("{"),
        ]
        .join("\n---\n"),
        @r#"
    Error applying user config, probably you tried to specify config for a User not present: 'C'
      hint: There are: A, B
    ---
    argument --config-users: The user config must specify a user_class_name, a text: `{"weight":1}`
    ---
    argument --config-users: cannot read `no.json`: No such file or directory (os error 2)
    ---
    argument --config-users: must be a valid JSON string or file: EOF while parsing an object at line 1 column 1 in `{`
    "#
    );
}

fn chain_error(chain: TaskSet<Writer>) -> String {
    let swarm = Swarm::new("s", "0").scenario(writer().set(1, chain)).provide(Diary::default());
    run(swarm, alone(1.0), quick()).unwrap_err().to_string()
}

#[test]
fn a_chain_is_checked_before_the_run() {
    let task = |chain: TaskSet<Writer>, name: &'static str| chain.task(1, name, writes(name));
    let chain = TaskSet::markov("m");
    let chain = task(chain, "a").transitions([("b", 1), ("nowhere", 2)]).tags(["t"]);
    let chain = task(chain, "b");
    let chain = task(chain, "a").transitions([("a", 1)]);
    insta::assert_snapshot!(chain_error(chain), @"
    Writer > m: `a` has tags (t), but without one of its tasks a Markov chain is another one: tag the whole set
    Writer > m: `a` has a transition to `nowhere`, which is no task of this set
    Writer > m: `b` has no transitions, so nothing can follow it
    Writer > m: two tasks are named `a`, so transitions to it are ambiguous
    ");
    insta::assert_snapshot!(chain_error(TaskSet::markov("empty")), @"Writer > empty: a Markov task set needs tasks, and has none");
}

#[test]
fn a_task_no_path_leads_to_is_only_a_warning() {
    let chain = TaskSet::markov("m")
        .task(1, "a", writes("a"))
        .transitions([("a", 1)])
        .task(1, "lonely", writes("lonely"))
        .transitions([("a", 1)]);
    let (diary, _) = lived(writer().wait(constant(1.0)).set(1, chain), 2.5);
    assert_eq!(diary.text(), "a a a");
}

#[test]
#[should_panic(expected = "tags(…) in `Writer`: it belongs to the task or set before it")]
fn tags_need_a_task_before_them() {
    let _ = writer().tags(["t"]);
}

#[test]
#[should_panic(expected = "only TaskSet::markov has transitions")]
fn transitions_need_a_chain() {
    let _ = TaskSet::new("set").task(1, "a", writes("a")).transitions([("a", 1)]);
}
