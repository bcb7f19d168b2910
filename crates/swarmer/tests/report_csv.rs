//! The CSV files on real disks, full ones and forbidden ones among them.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use swarmer::clock::Anchor;
use swarmer::report::CsvWriter;
use swarmer::stats::{
    Class, Collector, Kind, Recorder, RecorderOptions, Sample, Segment, Summary, Users,
};

/// The statistics of a run whose seconds pass when the test says so.
struct Run {
    start: Instant,
    recorder: Recorder,
    collector: Collector,
}

impl Run {
    fn new() -> Self {
        let anchor = Anchor::now();
        let now = Instant::now();
        let into = Duration::from_nanos(u64::from(anchor.since_epoch(now).subsec_nanos()));
        let start = now + Duration::from_secs(1).saturating_sub(into);
        let recorder = Recorder::new(anchor, RecorderOptions::default());
        Self { start, recorder, collector: Collector::new(anchor, start) }
    }

    fn at(&mut self, seconds: f64) -> Summary {
        let now = self.start + Duration::from_secs_f64(seconds);
        self.recorder.record(&Sample {
            kind: Kind::Request,
            method: "GET",
            name: "/",
            segment: Segment::NONE,
            class: Class::NONE,
            detail: None,
            response_time: Some(Duration::from_nanos(1_234_567)),
            bytes: 10,
            failure: None,
            completed: now,
        });
        self.collector.merge(self.recorder.take());
        self.collector.summary(now, Users::new())
    }
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn files_exist_from_the_start_and_end_with_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::new();
    fs::create_dir(folder.path().join("new")).unwrap();
    fs::write(folder.path().join("new/x_failures.csv"), "of an older run").unwrap();
    let mut csv = CsvWriter::create(folder.path().join("new/deep/x"), false).unwrap();
    drop(CsvWriter::create(folder.path().join("new/x"), false).unwrap());
    assert_eq!(
        read(folder.path(), "new/x_failures.csv"),
        "Method,Name,Error,Occurrences,First Seen,Last Seen\r\n"
    );
    csv.tick(&run.at(1.0)).unwrap();
    csv.tick(&run.at(2.0)).unwrap();
    csv.finish(&run.at(2.5)).unwrap();

    let deep = folder.path().join("new/deep");
    let mut names: Vec<_> = fs::read_dir(&deep)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "x_exceptions.csv",
        "x_failures.csv",
        "x_health.csv",
        "x_stats.csv",
        "x_stats_history.csv",
    ];
    assert_eq!(names, expected, "nothing else is left behind");
    let history = read(&deep, "x_stats_history.csv");
    let counts: Vec<_> = history.split("\r\n").map(|row| row.split(',').nth(17)).collect();
    let expected = [Some("Total Request Count"), Some("1"), Some("3"), None];
    assert_eq!(counts, expected, "the last row of a second replaces an earlier one");
    let stats = read(&deep, "x_stats.csv");
    let rows: Vec<_> = stats.split("\r\n").collect();
    assert!(
        rows[1].starts_with("GET,/,3,0,1.234567,1.234567,1.234567,1.234567,10.0,1.2,0.0,1.234567,")
    );
    assert!(rows[2].starts_with(",Aggregated,3,0,"), "{}", rows[2]);
}

#[test]
fn a_full_disk_is_reported_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::new();
    let mut csv = CsvWriter::create(folder.path().join("x"), false).unwrap();
    // The disk is full for one file, from now on.
    let stats = folder.path().join("x_stats.csv.tmp");
    symlink("/dev/full", &stats).unwrap();
    let error = csv.tick(&run.at(1.0)).unwrap_err();
    assert_eq!(error.path().file_name().unwrap(), "x_stats.csv");
    let text = error.to_string();
    assert!(text.contains("x_stats.csv`: No space left on device"), "{text}");
    assert!(text.ends_with("make room on that disk or choose another place with --csv"), "{text}");
    assert_eq!(read(folder.path(), "x_stats_history.csv").lines().count(), 2, "others go on");
    // There is room again.
    let _ = fs::remove_file(&stats);
    csv.finish(&run.at(2.0)).unwrap();
    assert_eq!(read(folder.path(), "x_stats.csv").lines().count(), 3);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    symlink("/dev/full", folder.path().join("x_stats_history.csv")).unwrap();
    let error = CsvWriter::create(folder.path().join("x"), false).unwrap_err().to_string();
    assert!(error.starts_with("cannot create `"), "{error}");
    assert!(error.contains("x_stats_history.csv`: No space left on device"), "{error}");
}

#[test]
fn links_and_devices_are_written_to_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::new();
    symlink("elsewhere.csv", folder.path().join("x_stats.csv")).unwrap();
    symlink("/dev/null", folder.path().join("x_failures.csv")).unwrap();
    symlink("/dev/null", folder.path().join("x_stats_history.csv")).unwrap();
    let mut csv = CsvWriter::create(folder.path().join("x"), false).unwrap();
    csv.tick(&run.at(1.0)).unwrap();
    csv.finish(&run.at(2.0)).unwrap();
    assert!(read(folder.path(), "elsewhere.csv").contains("Aggregated,2"));
    for link in ["x_stats.csv", "x_failures.csv"] {
        assert!(folder.path().join(link).is_symlink(), "{link} is still a link");
    }
}

#[test]
fn places_that_cannot_be_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = CsvWriter::create(folder.path().join("file/x"), false).unwrap_err().to_string();
    assert!(error.starts_with("cannot create the folder `"), "{error}");
    assert!(error.ends_with("choose another place with --csv"), "{error}");
    fs::create_dir(folder.path().join("x_stats.csv")).unwrap();
    let error = CsvWriter::create(folder.path().join("x"), false).unwrap_err().to_string();
    assert!(error.contains("x_stats.csv`: Is a directory"), "{error}");
}
