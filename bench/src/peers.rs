//! Peers that `tools/install-bench-tools` installs, and how to read what they say.

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::Value;

use crate::contender::{Contender, Count, Load, URL, number_after};
use crate::tools::peer;

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
    Ok(Contender::new("oha", peer("oha")?, arguments, |run| read_oha(&run.file("stdout")?)))
}

/// Goose, with the journey in `bench/peers/goose`.
pub(crate) fn goose(Load { connections, seconds }: Load) -> Result<Contender> {
    let arguments = [
        format!("--host={URL}"),
        format!("--users={connections}"),
        "--increase-rate=100000".to_owned(),
        format!("--run-time={seconds}s"),
        "--quiet".to_owned(),
        "--report-file=report.json".to_owned(),
    ];
    let program = peer("goose-hammer")?;
    Ok(Contender::new("Goose", program, arguments, |run| read_goose(&run.file("report.json")?)))
}

/// Locust with one of the two users in `bench/peers/locust/hammer.py`.
pub(crate) fn locust(
    name: &'static str,
    user: &str,
    Load { connections, seconds }: Load,
) -> Result<Contender> {
    let arguments = [
        "--locustfile=hammer.py".to_owned(),
        format!("--host={URL}"),
        "--headless".to_owned(),
        "--json".to_owned(),
        format!("--users={connections}"),
        format!("--spawn-rate={connections}"),
        format!("--run-time={seconds}s"),
        user.to_owned(),
    ];
    let program = peer("locust")?;
    let contender =
        Contender::new(name, program, arguments, |run| read_locust(&run.file("stdout")?));
    Ok(contender.file("hammer.py", include_str!("../peers/locust/hammer.py")))
}

/// What k6 is always told: nothing is to be said of a run but by the script, and to nobody else.
pub(crate) const K6: [&str; 3] = ["run", "--quiet", "--no-usage-report"];

/// k6, with the journey in `bench/peers/k6`.
pub(crate) fn k6(Load { connections, seconds }: Load) -> Result<Contender> {
    let arguments = [
        format!("--vus={connections}"),
        format!("--duration={seconds}s"),
        format!("--env=TARGET={URL}"),
        "hammer.js".to_owned(),
    ];
    let contender =
        Contender::new("k6", peer("k6")?, K6, |run| read_k6(&run.file("stdout")?)).with(arguments);
    Ok(contender.file("hammer.js", include_str!("../peers/k6/hammer.js")))
}

/// h2load over so many connections with so many requests at once on each.
pub(crate) fn h2load(Load { connections, seconds }: Load, streams: u32) -> Result<Contender> {
    let arguments = [
        "-t1".to_owned(),
        format!("-c{connections}"),
        format!("-m{streams}"),
        format!("-D{seconds}"),
        URL.to_owned(),
    ];
    Ok(Contender::new("h2load", peer("h2load")?, arguments, |run| {
        read_h2load(&run.file("stdout")?)
    }))
}

/// Goose's report. Its own `duration` is in whole seconds, so that the time is taken from its history: from the moment
/// when all users are there, at which it begins to count, to that at which they begin to leave.
fn read_goose(report: &str) -> Result<Count> {
    let said: Value = serde_json::from_str(report).context("no JSON")?;
    let said = &said["raw_metrics"];
    let (mut requests, mut failed) = (0.0, 0.0);
    for (name, counts) in said["requests"].as_object().context("no requests")? {
        let number =
            |key: &str| counts[key].as_f64().with_context(|| format!("no {key} of `{name}`"));
        requests += number("success_count")?;
        failed += number("fail_count")?;
    }
    ensure!(failed == 0.0, "{failed} requests failed");
    let steps = said["history"].as_array().context("no history")?;
    let began = steps.iter().position(|step| step["action"] == "Maintaining");
    let began = began.context("not all users were there before the end")?;
    let at = |index: usize| -> Result<Timestamp> {
        let time = steps.get(index).and_then(|step| step["timestamp"].as_str());
        Ok(time.context("no time of a step")?.parse()?)
    };
    let seconds = at(began + 1)?.duration_since(at(began)?).as_secs_f64();
    Ok(Count { requests, rate: requests / seconds })
}

/// What `--json` prints: unlike the CSV files, it has every request of a short run.
fn read_locust(stdout: &str) -> Result<Count> {
    let said: Vec<Value> = serde_json::from_str(stdout).context("no JSON")?;
    let [row] = said.as_slice() else { bail!("{} rows instead of one", said.len()) };
    let number = |key: &str| row[key].as_f64().with_context(|| format!("no {key}"));
    let (requests, failed) = (number("num_requests")?, number("num_failures")?);
    ensure!(failed == 0.0, "{failed} of {requests} requests failed");
    let seconds = number("last_request_timestamp")? - number("start_time")?;
    Ok(Count { requests, rate: requests / seconds })
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
    let failed = stdout.lines().find(|line| line.starts_with("requests:"));
    let (requests, failed) = succeeded_and_failed(failed.context("no line `requests:`")?)?;
    ensure!(failed == 0.0, "{failed} requests failed");
    let finished = stdout.lines().find(|line| line.starts_with("finished in "));
    // finished in 3.00s, 125000.33 req/s, 21.46MB/s
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2load_says_how_many_requests_succeeded_and_how_quickly() {
        let said = "\nfinished in 1.01s, 11899.00 req/s, 825.28KB/s\n\
            requests: 11899 total, 11999 started, 11899 done, 11899 succeeded, 0 failed, 0 errored, 0 timeout\n";
        let read = read_h2load(said).unwrap();
        assert_eq!(read, Count { requests: 11_899.0, rate: 11_899.0 });
        let failed = read_h2load(&said.replace("0 failed", "3 failed")).unwrap_err();
        assert_eq!(failed.to_string(), "3 requests failed");
    }

    #[test]
    fn the_time_of_a_goose_run_is_from_the_last_arrival_to_the_first_departure() {
        let said = r#"{"raw_metrics": {"duration": 3, "history": [
            {"action": "Increasing", "timestamp": "2026-11-23T23:26:27.559527113Z", "users": 0},
            {"action": "Maintaining", "timestamp": "2026-11-23T23:26:27.500Z", "users": 20},
            {"action": "Decreasing", "timestamp": "2026-11-23T23:26:30.000Z", "users": 20},
            {"action": "Finished", "timestamp": "2026-11-23T23:26:31.577057173Z", "users": 0}],
            "requests": {"GET page": {"success_count": 85591, "fail_count": 0}}}}"#;
        let read = read_goose(said).unwrap();
        assert_eq!(read, Count { requests: 85_591.0, rate: 34_236.4 });
        let failed = read_goose(&said.replace(r#""fail_count": 0"#, r#""fail_count": 2"#));
        assert_eq!(failed.unwrap_err().to_string(), "2 requests failed");
    }

    #[test]
    fn the_rate_of_locust_is_over_the_time_between_its_first_and_last_request() {
        let said = r#"[{"name": "page", "method": "GET", "last_request_timestamp": 1795474886.0,
            "start_time": 1795474884.0, "num_requests": 4045, "num_none_requests": 0, "num_failures": 0,
            "num_reqs_per_sec": {"1795474884": 1983, "1795474885": 2055, "1795474886": 7}}]"#;
        assert_eq!(read_locust(said).unwrap(), Count { requests: 4_045.0, rate: 2_022.5 });
        let failed = read_locust(&said.replace(r#""num_failures": 0"#, r#""num_failures": 1"#));
        assert_eq!(failed.unwrap_err().to_string(), "1 of 4045 requests failed");
    }

    #[test]
    fn what_the_deadline_cut_off_is_no_failure_of_oha() {
        let said = r#"{"summary": {"total": 2.0}, "statusCodeDistribution": {"200": 52908},
            "errorDistribution": {"aborted due to deadline": 5}}"#;
        assert_eq!(read_oha(said).unwrap(), Count { requests: 52_908.0, rate: 26_454.0 });
        let failed = read_oha(&said.replace("aborted due to deadline", "connection refused"));
        assert_eq!(failed.unwrap_err().to_string(), "5 times: connection refused");
    }
}
