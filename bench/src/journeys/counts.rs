//! How many requests of each name a generator says that it made.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// Requests and failures by name.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counts(BTreeMap<String, (f64, f64)>);

impl Counts {
    fn count(&mut self, name: &str, (requests, failures): (f64, f64)) {
        let (all, failed) = self.0.entry(name.to_owned()).or_default();
        (*all, *failed) = (*all + requests, *failed + failures);
    }

    pub(super) fn add(&mut self, others: &Self) {
        for (name, counts) in &others.0 {
            self.count(name, *counts);
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Requests and failures.
    pub(super) fn total(&self) -> (f64, f64) {
        self.0.values().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    pub(super) fn percent(&self, name: &str) -> f64 {
        self.0.get(name).map_or(0.0, |(requests, _)| requests / self.total().0 * 100.0)
    }
}

/// From a file `…_stats.csv`; no name of ours has a comma.
pub(super) fn of_csv(text: &str) -> Result<Counts> {
    let mut counts = Counts::default();
    for line in text.lines().skip(1).filter(|line| !line.starts_with(",Aggregated,")) {
        let mut fields = line.split(',').skip(1);
        let name = fields.next().context("a row of the CSV without a name")?;
        let mut number =
            || -> Result<f64> { Ok(fields.next().context("a short row of the CSV")?.parse()?) };
        counts.count(name, (number()?, number()?));
    }
    Ok(counts)
}

/// From what `--json` prints: unlike Locust's CSV files it has every request of a short run.
pub(super) fn of_locust(stdout: &str) -> Result<Counts> {
    let rows: Vec<Value> = serde_json::from_str(stdout).context("no JSON")?;
    let mut counts = Counts::default();
    for row in &rows {
        let name = row["name"].as_str().context("a row without a name")?;
        let number = |key: &str| row[key].as_f64().with_context(|| format!("no {key} of {name}"));
        counts.count(name, (number("num_requests")?, number("num_failures")?));
    }
    Ok(counts)
}

/// From Goose's report, where names follow their method.
pub(super) fn of_goose(report: &str) -> Result<Counts> {
    let report: Value = serde_json::from_str(report).context("no JSON")?;
    let requests = report["raw_metrics"]["requests"].as_object().context("no requests")?;
    let mut counts = Counts::default();
    for (key, row) in requests {
        let name = key.split_once(' ').map_or(&**key, |(_, name)| name);
        let number = |key: &str| row[key].as_f64().with_context(|| format!("no {key} of {name}"));
        let (successes, failures) = (number("success_count")?, number("fail_count")?);
        counts.count(name, (successes + failures, failures));
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_tell_the_same_in_their_ways() {
        let csv = "Type,Name,Request Count,Failure Count,…\nPOST,Login,30,2,1\nGET,1. Find,10,0,1\n,Aggregated,40,2,1\n";
        let counts = of_csv(csv).unwrap();
        assert_eq!(counts.total(), (40.0, 2.0));
        assert_eq!(counts.percent("Login").to_string(), "75");
        assert_eq!(counts.percent("other").to_string(), "0");
        let json = r#"[{"name": "Login", "num_requests": 30, "num_failures": 2}, {"name": "1. Find", "num_requests": 10, "num_failures": 0}]"#;
        assert_eq!(of_locust(json).unwrap(), counts);
        let goose = r#"{"raw_metrics": {"requests": {"POST Login": {"success_count": 28, "fail_count": 2},
            "GET 1. Find": {"success_count": 10, "fail_count": 0}}}}"#;
        assert_eq!(of_goose(goose).unwrap(), counts);
        let mut twice = Counts::default();
        twice.add(&counts);
        twice.add(&counts);
        assert_eq!(twice.total(), (80.0, 4.0));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(of_csv("head\nGET,x,1").unwrap_err().to_string().contains("short row"));
        assert!(of_locust("[{}]").unwrap_err().to_string().contains("without a name"));
        assert!(of_goose("{}").unwrap_err().to_string().contains("no requests"));
    }
}
