//! What is written down is read again, whole and once, wherever the process was when it died.

use std::time::{Duration, Instant};

use super::*;
use crate::clock::Anchor;
use crate::stats::{Class, Kind, Recorder, RecorderOptions, Sample, Segment};

fn delta(requests: u32) -> Delta {
    let mut recorder = Recorder::new(Anchor::now(), RecorderOptions::default());
    for _ in 0..requests {
        recorder.record(&Sample {
            kind: Kind::Request,
            method: "GET",
            name: "/page",
            segment: Segment::NONE,
            class: Class::NONE,
            response_time: Some(Duration::from_millis(5)),
            bytes: 10,
            failure: None,
            completed: Instant::now(),
            detail: None,
        });
    }
    recorder.take()
}

fn counted(left: &LeftRun) -> u64 {
    let mut sum = 0;
    left.figures(|_, delta| sum += delta.requests()).unwrap();
    sum
}

/// A run with a report of each of these numbers of requests, in pieces.
fn written(path: &Path, reports: &[&[u32]]) {
    let mut journal = Journal::new(path.to_owned());
    journal.begin(&Terms { run: 7, ..Terms::default() }, 1e9);
    for report in reports {
        let deltas: Vec<_> = report.iter().map(|requests| delta(*requests)).collect();
        let requests = u64::from(report.iter().sum::<u32>());
        journal.report("worker", Inbox::default(), (requests, (0, 0)), &deltas);
    }
}

#[test]
fn a_report_is_in_the_file_with_its_number_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    written(&path, &[&[3, 4]]);
    let before = std::fs::metadata(&path).unwrap().len();
    written(&path, &[&[3, 4], &[5, 6]]);
    let bytes = std::fs::read(&path).unwrap();
    // The process may die at any byte of the second report.
    for end in usize::try_from(before).unwrap()..=bytes.len() {
        std::fs::write(&path, &bytes[..end]).unwrap();
        let left = left_run(&path).unwrap().unwrap();
        let whole = end == bytes.len();
        let expected = if whole { 18 } else { 7 };
        assert_eq!(counted(&left), expected, "at byte {end}");
        assert_eq!(left.letters["worker"].1, expected, "acknowledged is what is counted");
        if whole {
            continue;
        }
        let mut journal = Journal::new(path.clone());
        journal.go_on(&left);
        journal.report("worker", Inbox::default(), (11, (0, 0)), &[delta(11)]);
        drop(journal);
        let again = left_run(&path).unwrap().unwrap();
        assert_eq!(counted(&again), 18, "what was cut off at byte {end} hides nothing");
    }
}

#[test]
fn figures_before_a_reset_are_left_out_and_an_ended_run_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::new(path.clone());
    journal.begin(&Terms::default(), 1e9);
    journal.report("worker", Inbox::default(), (3, (0, 0)), &[delta(3)]);
    journal.reset(1e9 + 5.0);
    journal.figures("other", &delta(2));
    let left = left_run(&path).unwrap().unwrap();
    assert_eq!((counted(&left), left.counts_from, left.began), (2, 1e9 + 5.0, 1e9));
    assert_eq!(left.letters["worker"].1, 3, "how far the letters came is not reset");
    journal.end();
    assert!(left_run(&path).unwrap().is_none());
    assert!(!path.exists());
}

#[test]
fn who_was_there_is_known_and_what_is_missing_for_those_who_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::new(path.clone());
    journal.begin(&Terms::default(), 1e9);
    for worker in ["stays", "leaves", "lost", "back", "anew"] {
        journal.came(worker, worker != "stays", false);
    }
    journal.gone("leaves", None);
    for worker in ["lost", "back", "anew"] {
        journal.gone(worker, Some(&format!("figures of {worker} are missing")));
    }
    journal.came("back", true, true);
    journal.came("anew", true, false);
    let left = left_run(&path).unwrap().unwrap();
    let there: Vec<_> = left.workers.iter().map(|(name, ours)| (name.as_str(), *ours)).collect();
    assert_eq!(there, [("anew", true), ("back", true), ("stays", false)]);
    let notes: Vec<_> = left.notes().collect();
    assert_eq!(notes, ["figures of lost are missing", "figures of anew are missing"]);
}

/// A disk without room: writing to it fails, whatever is written.
#[cfg(target_os = "linux")]
#[test]
fn a_journal_that_cannot_be_written_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    written(&path, &[&[3]]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut journal = Journal { path: path.clone(), file: Some(full) };
    journal.report("worker", Inbox::default(), (1, (0, 0)), &[delta(1)]);
    assert!(!path.exists(), "nobody takes up a run whose figures are not all there");
    assert!(journal.file.is_none());
}
