//! Logging as a process sets it up: to a file, elsewhere, and where it cannot go.

use swarmer::logging::{self, Level};

#[test]
fn the_log_goes_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("missing").join("run.log");
    let error = logging::init(Level::Info, Some(&nowhere)).unwrap_err().to_string();
    let expected = format!(
        "cannot open the log file {}: No such file or directory (os error 2) \
         (--logfile needs a file that can be created or appended to)",
        nowhere.display()
    );
    assert_eq!(error, expected);
    assert!(logging::recent().is_empty());

    let first = folder.path().join("first.log");
    std::fs::write(&first, "kept\n").unwrap();
    let guard = logging::init(Level::Info, Some(&first)).unwrap();
    tracing::info!(target: logging::MAIN, "Starting swarmer {}", "0.1.0");
    tracing::debug!(target: logging::MAIN, "not shown");
    drop(guard);
    let text = std::fs::read_to_string(&first).unwrap();
    let host = logging::host_name();
    let (kept, line) = text.split_once('\n').unwrap();
    assert_eq!(kept, "kept");
    let shape = without_digits(line);
    assert_eq!(
        shape,
        format!("[0000-00-00 00:00:00,000] {host}/INFO/swarmer.main: Starting swarmer 0.0.0\n")
    );

    // A second set-up in one process, as an embedding program or a test may do.
    let second = folder.path().join("second.log");
    let guard = logging::init(Level::Debug, Some(&second)).unwrap();
    for number in 0..600 {
        tracing::debug!(target: logging::RUNNERS, "line {number}");
    }
    drop(guard);
    assert_eq!(std::fs::read_to_string(&first).unwrap(), text, "the first file is left alone");
    assert_eq!(std::fs::read_to_string(&second).unwrap().lines().count(), 600);
    let recent = logging::recent();
    assert_eq!(recent.len(), 500);
    assert!(recent[0].ends_with("swarmer.runners: line 100"));
    assert!(recent[499].ends_with("swarmer.runners: line 599"));
}

/// The line with every digit outside the host name made 0.
fn without_digits(line: &str) -> String {
    let host = logging::host_name();
    let zero = |part: &str| part.replace(|c: char| c.is_ascii_digit(), "0");
    line.split(&host).map(zero).collect::<Vec<_>>().join(&host)
}
