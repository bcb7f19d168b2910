//! The clients whose percentiles are held against the truth: how each is run, and where its percentiles are found.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use swarmer::stats::{Histogram, Record, Row};

use super::truth::{PERCENTILES, Times};
use crate::generator::Generator;
use crate::peers::K6;

/// What a client says of its run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reported {
    /// Microseconds.
    pub(crate) times: Times,
    /// The longest, in microseconds.
    pub(crate) most: f64,
}

/// What this engine says of its run.
pub(crate) struct Own {
    pub(crate) service: Reported,
    /// In the open model.
    pub(crate) from_due: Option<Reported>,
    pub(crate) requests: u64,
    /// Journeys that found no free user.
    pub(crate) dropped: u64,
    /// The median of how late journeys were started, in microseconds.
    pub(crate) late: f64,
    /// Whether the engine trusts its own figures.
    pub(crate) suspect: bool,
    /// The client's processor time in seconds.
    pub(crate) cpu: f64,
}

/// This engine, one user class of `truth_asker`; `model` says how many users or journeys, and for how long.
pub(crate) fn swarmer(url: &str, tag: u8, class: &str, model: &[String]) -> Result<Own> {
    let mut arguments = vec![format!("--host={url}/{tag}"), "--threads=1".to_owned()];
    arguments.extend_from_slice(model);
    arguments.push(class.to_owned());
    let run = Generator::ours("1", "truth_asker", &arguments)?.finish()?;
    own(&Record::read(&run.file("summary.json")?)?, run.cpu)
}

fn own(record: &Record, cpu: f64) -> Result<Own> {
    let summary = &record.summary;
    let page = |row: &&Row| &*row.name == "page";
    let row = summary.requests().find(page).context("no request was counted")?;
    ensure!(row.figures.failures == 0, "{} requests failed", row.figures.failures);
    let from_due = row.figures.from_due.as_ref();
    let schedule = summary.schedule.as_ref();
    Ok(Own {
        service: of_histogram(&row.figures.times)?,
        from_due: from_due.map(|due| of_histogram(&due.times)).transpose()?,
        requests: row.figures.requests,
        dropped: schedule.map_or(0, |schedule| schedule.dropped),
        late: schedule.map_or(0.0, |schedule| schedule.late_starts.median * 1e3),
        suspect: !summary.health.suspect.is_empty(),
        cpu,
    })
}

#[expect(clippy::cast_precision_loss, reason = "hours in nanoseconds")]
fn of_histogram(times: &Histogram) -> Result<Reported> {
    let micros = |p| times.quantile(p).map(|nanos| nanos as f64 / 1e3);
    let most = micros(1.0).context("nothing was timed")?;
    Ok(Reported { times: PERCENTILES.map(|p| micros(p).unwrap_or(most)), most })
}

/// wrk, or what has its command line.
pub(crate) fn wrk(program: &Path, url: &str, options: &[String]) -> Result<Reported> {
    let mut arguments = vec!["-t1".into(), "-sdone.lua".into(), "--latency".into()];
    // Its own limit is two seconds, and what takes longer would be missing in its figures.
    arguments.push("--timeout=10s".into());
    arguments.extend_from_slice(options);
    arguments.push(url.to_owned());
    let files = [("done.lua", include_str!("done.lua"))];
    let run = Generator::with_files("1", program, &arguments, &files)?.finish()?;
    of_wrk(&run.file("stdout")?)
}

/// From the lines that `done.lua` prints.
fn of_wrk(text: &str) -> Result<Reported> {
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("no `{label}` in:\n{text}"))?.trim().parse()?)
    };
    let times = each(|p| after(&format!("P{p}")))?;
    Ok(Reported { times, most: after("Pmax")? })
}

/// oha.
pub(crate) fn oha(program: &Path, url: &str, options: &[String]) -> Result<Reported> {
    let mut arguments: Vec<String> = vec!["--no-tui".into(), "--output-format=json".into()];
    arguments.extend_from_slice(options);
    arguments.push(url.to_owned());
    of_oha(&Generator::start("1", program, &arguments)?.finish()?.file("stdout")?)
}

fn of_oha(json: &str) -> Result<Reported> {
    let whole: Value = serde_json::from_str(json).context("oha's answer is no JSON")?;
    let micros = |pointer: &str| {
        let seconds = whole.pointer(pointer).and_then(Value::as_f64);
        Ok(seconds.with_context(|| format!("oha does not say {pointer}"))? * 1e6)
    };
    let times = each(|p| micros(&format!("/latencyPercentiles/p{p}")))?;
    Ok(Reported { times, most: micros("/summary/slowest")? })
}

/// Locust's `FastHttpUser`; `pace` seconds from task to task, 0 for no wait.
pub(crate) fn locust(
    program: &Path,
    url: &str,
    tag: u8,
    users: u32,
    seconds: u32,
    pace: f64,
) -> Result<Reported> {
    let arguments = [
        "--locustfile=locustfile.py".to_owned(),
        format!("--host={url}"),
        "--headless".to_owned(),
        "--only-summary".to_owned(),
        format!("--users={users}"),
        "--spawn-rate=1000".to_owned(),
        format!("--run-time={seconds}s"),
        "--csv=run".to_owned(),
        // Options of the file's own.
        format!("--target=/{tag}"),
        format!("--pace={pace}"),
    ];
    let files = [("locustfile.py", include_str!("locustfile.py"))];
    let run = Generator::with_files("1", program, &arguments, &files)?.finish()?;
    of_locust(&run.file("run_stats.csv")?)
}

/// From `run_stats.csv`, the row named `page`; Locust rounds to whole milliseconds from 100 of them on, and more above.
fn of_locust(csv: &str) -> Result<Reported> {
    let split = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = csv.lines();
    let head = split(lines.next().context("an empty CSV file")?);
    let row = lines.map(split).find(|row| row.get(1).is_some_and(|name| name == "page"));
    let row = row.context("no row `page` in Locust's CSV file")?;
    let micros = |column: &str| {
        let at = head.iter().position(|name| name == column);
        let text = at.and_then(|at| row.get(at));
        let millis = text.with_context(|| format!("no column `{column}`"))?.parse::<f64>();
        Ok(millis.with_context(|| format!("column `{column}`"))? * 1e3)
    };
    let times = each(|p| micros(&format!("{p}%")))?;
    Ok(Reported { times, most: micros("Max Response Time")? })
}

/// k6, with one scenario as its documentation describes them.
pub(crate) fn k6(program: &Path, url: &str, scenario: &Value) -> Result<Reported> {
    let mut arguments = K6.map(str::to_owned).to_vec();
    arguments.extend([format!("--env=TARGET={url}"), format!("--env=SCENARIO={scenario}")]);
    arguments.push("asker.js".to_owned());
    let files = [("asker.js", include_str!("asker.js"))];
    of_k6(&Generator::with_files("1", program, &arguments, &files)?.finish()?.file("stdout")?)
}

/// From the line that `asker.js` prints, in milliseconds.
fn of_k6(json: &str) -> Result<Reported> {
    let whole: Value = serde_json::from_str(json).context("k6's answer is no JSON")?;
    ensure!(whole["failed"] == 0, "{} requests of k6's failed", whole["failed"]);
    let micros = |key: &str| {
        let millis = whole["times"][key].as_f64();
        Ok(millis.with_context(|| format!("k6 does not say {key}"))? * 1e3)
    };
    Ok(Reported { times: each(|p| micros(&format!("p({p})")))?, most: micros("max")? })
}

/// Asks for each percentile by its name in percent: `50`, `99.9`.
fn each(find: impl Fn(f64) -> Result<f64>) -> Result<Times> {
    let mut times = Times::default();
    for (time, p) in times.iter_mut().zip(PERCENTILES) {
        *time = find((p * 1_000.0).round() / 10.0)?;
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_found_in_what_clients_print() {
        let expected = Reported { times: [5e3, 7.5e3, 9e3, 9.5e3, 9.9e3, 12e3], most: 13_000.0 };
        let wrk = "Requests/sec: 1\nP50 5000\nP75 7500\nP90 9000\nP95 9500\nP99 9900\nP99.9 12000\nPmax 13000\n";
        assert_eq!(of_wrk(wrk).expect("all are there"), expected);
        let locust = "Type,Name,Max Response Time,50%,75%,90%,95%,99%,99.9%\n\
                      GET,warm,1,1,1,1,1,1,1\nGET,page,13.0,5,7.5,9,9.5,9.9,12\n,Aggregated,9,9,9,9,9,9,9\n";
        assert_eq!(of_locust(locust).expect("all are there"), expected);
        let oha = r#"{"summary": {"slowest": 0.5}, "latencyPercentiles":
            {"p50": 0.25, "p75": 0.25, "p90": 0.25, "p95": 0.25, "p99": 0.25, "p99.9": 0.5}}"#;
        let halves = [2.5e5, 2.5e5, 2.5e5, 2.5e5, 2.5e5, 5e5];
        assert_eq!(of_oha(oha).expect("all are there"), Reported { times: halves, most: 5e5 });
        let k6 = r#"{"times": {"p(50)": 5, "p(75)": 7.5, "p(90)": 9, "p(95)": 9.5, "p(99)": 9.9, "p(99.9)": 12, "max": 13}, "failed": 0}"#;
        assert_eq!(of_k6(k6).expect("all are there"), expected);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |found: Result<Reported>| found.expect_err("something is missing").to_string();
        assert!(error(of_wrk("P50 1\n")).contains("`P75`"));
        assert!(error(of_oha("{}")).contains("/latencyPercentiles/p50"));
        assert!(error(of_locust("Type,Name,50%\nGET,page,1\n")).contains("`75%`"));
        assert!(error(of_locust("Type,Name,50%\n")).contains("no row"));
        assert!(error(of_k6(r#"{"times": {}, "failed": 0}"#)).contains("p(50)"));
        assert!(error(of_k6(r#"{"times": {}, "failed": 2}"#)).contains("2 requests"));
    }
}
