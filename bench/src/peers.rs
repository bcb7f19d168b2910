//! Peers that `tools/install-bench-tools` installs, and how to read what they say.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::contender::{Contender, Count, Load, OUT, URL, number_after, read_csv, version};

/// oha, one worker per connection.
pub(crate) fn oha(Load { connections, seconds }: Load) -> Result<Contender> {
    let arguments = [
        "--no-tui".to_owned(),
        "--output-format=json".to_owned(),
        "--worker-threads=1".to_owned(),
        "-c".to_owned(),
        connections.to_string(),
        "-z".to_owned(),
        format!("{seconds}s"),
        URL.to_owned(),
    ];
    Ok(Contender::new("oha", oha_program()?, arguments, |ended, _| read_oha(&ended.stdout)))
}

/// As it says it itself.
pub(crate) fn oha_version() -> Result<String> {
    version(oha_program()?, "--version")
}

fn oha_program() -> Result<PathBuf> {
    installed("bench-tools/bin/oha")
}

/// Goose, with the journey in `bench/peers/goose`.
pub(crate) fn goose(Load { connections, seconds }: Load) -> Result<Contender> {
    let arguments = [
        format!("--host={URL}"),
        format!("--users={connections}"),
        "--increase-rate=100000".to_owned(),
        format!("--run-time={seconds}s"),
        "--quiet".to_owned(),
        format!("--report-file={OUT}/report.json"),
    ];
    let program = installed("bench-tools/bin/goose-hammer")?;
    Ok(Contender::new("Goose", program, arguments, |_, folder| {
        read_goose(&std::fs::read_to_string(folder.join("report.json"))?)
    }))
}

/// The release that `bench/peers/goose` is built with.
pub(crate) fn goose_version() -> Result<String> {
    let manifest = include_str!("../peers/goose/Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix("goose = \"="));
    Ok(format!("Goose {}", line.context("no pinned goose")?.trim_matches('"')))
}

/// Locust with one of the two users in `bench/peers/locust/hammer.py`.
pub(crate) fn locust(
    name: &'static str,
    user: &str,
    Load { connections, seconds }: Load,
) -> Result<Contender> {
    let arguments = [
        format!("--locustfile={OUT}/hammer.py"),
        format!("--host={URL}"),
        "--headless".to_owned(),
        "--only-summary".to_owned(),
        format!("--users={connections}"),
        format!("--spawn-rate={connections}"),
        format!("--run-time={seconds}s"),
        format!("--csv={OUT}/hammer"),
        user.to_owned(),
    ];
    let contender = Contender::new(name, locust_program()?, arguments, |_, folder| {
        read_csv(&std::fs::read_to_string(folder.join("hammer_stats.csv"))?)
    });
    Ok(contender.file("hammer.py", include_str!("../peers/locust/hammer.py")))
}

/// Its release and that of Python.
pub(crate) fn locust_version() -> Result<String> {
    // `locust 2.47.0 from /somewhere (Python 3.11.7, ...)`
    let said = version(locust_program()?, "--version")?;
    let (release, rest) = said.split_once(" from ").unwrap_or((&said, ""));
    let python = rest.split_once("(Python ").map_or("", |(_, rest)| rest);
    let python = python.split([',', ')']).next().unwrap_or_default();
    Ok(format!("{release} (Python {python})"))
}

fn locust_program() -> Result<PathBuf> {
    match std::env::var_os("SWARMER_VENV") {
        Some(place) => Ok(Path::new(&place).join("bin/locust")),
        None => installed("venv-locust/bin/locust"),
    }
}

/// k6, if it is on the path: no registry that we use has it.
pub(crate) fn k6(Load { connections, seconds }: Load) -> Option<Contender> {
    version("k6", "version").ok()?;
    let arguments = [
        "run".to_owned(),
        "--quiet".to_owned(),
        format!("--vus={connections}"),
        format!("--duration={seconds}s"),
        format!("--env=TARGET={URL}"),
        format!("{OUT}/hammer.js"),
    ];
    let contender = Contender::new("k6", "k6", arguments, |ended, _| read_k6(&ended.stdout));
    Some(contender.file("hammer.js", include_str!("../peers/k6/hammer.js")))
}

/// As it says it itself.
pub(crate) fn k6_version() -> Result<String> {
    version("k6", "version")
}

/// h2load over so many connections with so many requests at once on each.
pub(crate) fn h2load(Load { connections, seconds }: Load, streams: u32) -> Contender {
    let arguments = [
        "-t1".to_owned(),
        format!("-c{connections}"),
        format!("-m{streams}"),
        format!("-D{seconds}"),
        URL.to_owned(),
    ];
    Contender::new("h2load", "h2load", arguments, |ended, _| read_h2load(&ended.stdout))
}

/// As it says it itself.
pub(crate) fn h2load_version() -> Result<String> {
    version("h2load", "--version")
}

/// A file below the build folder.
fn installed(place: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program is in no build folder")?;
    let path = target.join(place);
    ensure!(path.exists(), "{} is not there; tools/install-bench-tools makes it", path.display());
    Ok(path)
}

/// Requests that the deadline cut off count neither as answered nor as failed.
fn read_oha(stdout: &str) -> Result<Count> {
    let said: Value = serde_json::from_str(stdout).context("no JSON")?;
    let counts = |key: &str| said[key].as_object().cloned().unwrap_or_default();
    for (error, count) in &counts("errorDistribution") {
        ensure!(error == "aborted due to deadline", "{count} times: {error}");
    }
    let codes = counts("statusCodeDistribution");
    ensure!(codes.keys().all(|code| code == "200"), "not every reply was a success: {codes:?}");
    let requests = codes.get("200").and_then(Value::as_f64).context("no reply with code 200")?;
    let seconds = said["summary"]["total"].as_f64().context("no duration")?;
    Ok(Count { requests, rate: requests / seconds })
}

fn read_k6(stdout: &str) -> Result<Count> {
    let said: Value = serde_json::from_str(stdout).context("no JSON")?;
    let failed = said["failed"]["passes"].as_f64().context("no number of failures")?;
    ensure!(failed == 0.0, "{failed} requests failed");
    let number = |key: &str| said["requests"][key].as_f64().context("no number of requests");
    Ok(Count { requests: number("count")?, rate: number("rate")? })
}

fn read_h2load(stdout: &str) -> Result<Count> {
    // finished in 3.00s, 125000.33 req/s, 21.46MB/s
    let failed = stdout.lines().find(|line| line.starts_with("requests:"));
    let (requests, failed) = succeeded_and_failed(failed.context("no line `requests:`")?)?;
    ensure!(failed == 0.0, "{failed} requests failed");
    let finished = stdout.lines().find(|line| line.starts_with("finished in "));
    let rate = number_after(finished.context("no line `finished in`")?, "s, ")?;
    Ok(Count { requests, rate })
}

/// Of `requests: 12 total, 12 started, 12 done, 12 succeeded, 0 failed, ...`.
fn succeeded_and_failed(line: &str) -> Result<(f64, f64)> {
    let before = |word: &str| -> Result<f64> {
        let end = line.find(word).with_context(|| format!("no number {word} in `{line}`"))?;
        Ok(line[..end].split_whitespace().next_back().unwrap_or_default().parse()?)
    };
    Ok((before(" succeeded")?, before(" failed")?))
}
