//! The journey on virtual time: ten minutes pass in milliseconds, and a script answers instead of a server.

use std::time::Duration;

use swarmer::options::Options;
use swarmer::testing::{Script, ScriptedReply, run};

use super::workload;

#[test]
fn visitors_look_at_two_pages_each_time() {
    let options = Options {
        users: Some(10),
        spawn_rate: Some(10.0),
        run_time: Some(Duration::from_secs(600)),
        ..Options::default()
    };
    let script = Script::new(|_| ScriptedReply::new(200).after(Duration::from_millis(20)));

    let summary = run(workload(), options, script).unwrap();

    let pages: Vec<(&str, u64)> = summary
        .requests()
        .map(|row| (&*row.name, row.figures.requests))
        .collect();
    let [("1. Front page", first), ("2. Next page", second)] = pages[..] else {
        panic!("other requests than expected: {pages:?}");
    };
    // Whoever is between two pages when the run ends has not seen the second one yet.
    assert!(
        first > 1_000 && first - second <= 10,
        "{first} front pages, {second} next pages"
    );
    assert_eq!(summary.total.figures.failures, 0);
}
