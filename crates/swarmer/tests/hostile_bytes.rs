//! Answers and messages of all kinds that the fuzzer begins with, and those with which something once failed.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "support/hostile.rs"]
mod hostile;

use std::fs;
use std::path::Path;

fn each(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut tried = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let outcome = std::panic::catch_unwind(|| check(&fs::read(&path).unwrap()));
        assert!(outcome.is_ok(), "{}", path.display());
        tried += 1;
    }
    assert!(tried > 10, "only {tried} in {}", folder.display());
}

#[test]
fn answers() {
    each("answer", hostile::answer);
}

#[test]
fn frames() {
    each("frames", hostile::frames);
}

#[test]
fn messages_between_nodes() {
    each("message", hostile::message);
}
