//! Load generators as processes on cores of their own: watched while they run, and what they used when they have ended.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{anonymous_of, cpu_of, peak_of, resident_of};
use crate::tools::beside;

/// The longest that a run may take to reach any state that is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// How often is looked how much memory it has, and whether it has ended.
const LOOK_GAP: Duration = Duration::from_millis(50);

/// A generator under way; it is ended when dropped.
pub(crate) struct Generator {
    /// None once it has been waited for.
    process: Option<Child>,
    folder: TempDir,
    name: String,
}

/// A generator that has ended by itself.
pub(crate) struct Finished {
    /// User and system time, in seconds.
    pub(crate) cpu: f64,
    /// Largest resident set, in MiB.
    pub(crate) peak_mib: f64,
    pub(crate) stderr: String,
    folder: TempDir,
}

impl Generator {
    /// Starts `program` on these cores, as `taskset` takes them, in a folder of its own.
    pub(crate) fn start(cores: &str, program: &Path, arguments: &[String]) -> Result<Self> {
        Self::with_files(cores, program, arguments, &[])
    }

    /// The same, with files of these names and texts in its folder.
    pub(crate) fn with_files(
        cores: &str,
        program: &Path,
        arguments: &[String],
        files: &[(&str, &str)],
    ) -> Result<Self> {
        let name = program.display().to_string();
        let folder = tempfile::tempdir()?;
        for (name, text) in files {
            fs::write(folder.path().join(name), text)?;
        }
        let file = |name: &str| File::create(folder.path().join(name));
        let process = Command::new("taskset")
            .args(["-c", cores])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file("stdout")?)
            .stderr(file("stderr")?)
            .current_dir(folder.path())
            .spawn()
            .with_context(|| format!("cannot start {name} with taskset"))?;
        Ok(Self { process: Some(process), folder, name })
    }

    /// One of this workspace's programs, without a page; its figures are kept.
    pub(crate) fn ours(cores: &str, program: &str, arguments: &[String]) -> Result<Self> {
        Self::start(cores, &beside(program)?, &with_outputs(arguments))
    }

    fn process(&mut self) -> Result<&mut Child> {
        self.process.as_mut().context("it has ended")
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident(&mut self) -> Result<u64> {
        resident_of(self.process()?)
    }

    /// Of that what is no page of a file, in bytes.
    pub(crate) fn anonymous(&mut self) -> Result<u64> {
        anonymous_of(self.process()?)
    }

    /// User and system time so far, in seconds.
    pub(crate) fn cpu(&mut self) -> Result<f64> {
        cpu_of(self.process()?.id())
    }

    /// Waits until its log holds `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while !self.stderr().contains(text) {
            if let Some(status) = self.process()?.try_wait()? {
                bail!("{} ended with {status}: {}", self.name, self.stderr());
            }
            ensure!(Instant::now() < until, "no `{text}` from {}: {}", self.name, self.stderr());
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn finish(mut self) -> Result<Finished> {
        let process = self.process.take().context("it has ended")?;
        let (mut status, mut peak) = (0, 0);
        // SAFETY: a plain C struct of numbers, for which all zeros is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        let waited = loop {
            // It may have ended in between.
            peak = peak.max(peak_of(&process).unwrap_or_default());
            let (id, flags) = (process.id().cast_signed(), libc::WNOHANG);
            // SAFETY: both pointers are to locals that outlive the call; the pid is that of our own child, not yet waited for.
            let waited = unsafe { libc::wait4(id, &raw mut status, flags, &raw mut usage) };
            if waited != 0 {
                break waited;
            }
            sleep(LOOK_GAP);
        };
        ensure!(waited > 0, "cannot wait for {}: {}", self.name, io::Error::last_os_error());
        let stderr = self.stderr();
        let status = ExitStatus::from_raw(status);
        let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
        #[expect(clippy::cast_precision_loss, reason = "the memory of one process")]
        let peak_mib = peak as f64 / 1_048_576.0;
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir()?);
        let finished = Finished { cpu, peak_mib, stderr, folder };
        if !status.success() {
            let stdout = finished.file("stdout").unwrap_or_default();
            bail!("{} ended with {status}: {stdout}{}", self.name, finished.stderr);
        }
        Ok(finished)
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // It may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn with_outputs(arguments: &[String]) -> Vec<String> {
    let outputs = ["--headless", "--only-summary", "--csv=run", "--summary-json=summary.json"];
    outputs.into_iter().map(str::to_owned).chain(arguments.iter().cloned()).collect()
}

impl Finished {
    /// What stands in a file of its folder; `stdout` is one of them.
    pub(crate) fn file(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.folder.path().join(name))
            .with_context(|| format!("it left no file {name}"))
    }

    /// Requests, failures and requests per second, from the files of Locust's form that `--csv=run` made.
    pub(crate) fn totals(&self) -> Result<Totals> {
        Totals::read(&self.file("run_stats.csv")?)
    }

    /// The 99th percentile of the requests of this name, in milliseconds.
    pub(crate) fn p99(&self, name: &str) -> Result<f64> {
        p99_of(&self.row(name)?)
    }

    /// The same of the times from the moment that a request was due to its end.
    pub(crate) fn p99_from_due(&self, name: &str) -> Result<f64> {
        p99_of(&self.row(name)?["from_due"])
    }

    fn row(&self, name: &str) -> Result<Value> {
        row_of(serde_json::from_str(&self.file("summary.json")?)?, name)
    }
}

/// A whole run in three figures.
#[derive(Debug, PartialEq)]
pub(crate) struct Totals {
    pub(crate) requests: f64,
    pub(crate) failures: f64,
    /// Requests per second.
    pub(crate) rate: f64,
}

impl Totals {
    fn read(csv: &str) -> Result<Self> {
        let total = csv.lines().find(|line| line.starts_with(",Aggregated,"));
        let fields: Vec<&str> = total.context("no total in the CSV")?.split(',').collect();
        let field = |index: usize| -> Result<f64> {
            Ok(fields.get(index).context("a short row of the CSV")?.parse()?)
        };
        Ok(Self { requests: field(2)?, failures: field(3)?, rate: field(9)? })
    }
}

fn row_of(mut summary: Value, name: &str) -> Result<Value> {
    let rows = summary["rows"].as_array_mut().context("a summary without rows")?;
    let row = rows.iter_mut().find(|row| row["name"] == name);
    Ok(row.with_context(|| format!("no requests named {name}"))?.take())
}

fn p99_of(figures: &Value) -> Result<f64> {
    figures["percentiles"][P99].as_f64().context("nothing was timed")
}

/// The place of the 99th percentile among those of a summary document.
const P99: usize = 7;

#[expect(clippy::cast_precision_loss, reason = "seconds of one short process")]
fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_those_of_the_aggregated_row() {
        let csv = "Type,Name,Request Count,Failure Count,…\nGET,/,1,0,1,1,1,1,1,5.0\n\
                   ,Aggregated,1200,3,0.5,0.6,0.1,9.0,12.0,399.5,1.0";
        let totals = Totals::read(csv).unwrap();
        assert_eq!(totals, Totals { requests: 1200.0, failures: 3.0, rate: 399.5 });
        assert!(Totals::read("Type,Name").is_err());
    }

    #[test]
    fn a_percentile_is_that_of_its_row() {
        let row = |name: &str, p99: f64| serde_json::json!({"name": name, "percentiles": [1, 1, 1, 1, 1, 1, 1, p99, 9, 9, 9]});
        let summary = serde_json::json!({"rows": [row("early", 7.0), row("steady", 2.5)]});
        let p99 = |name| row_of(summary.clone(), name).and_then(|row| p99_of(&row));
        assert_eq!(p99("steady").unwrap().to_string(), "2.5");
        assert!(p99("other").is_err());
    }

    #[test]
    fn a_generator_that_fails_says_why() {
        let arguments =
            ["-c".to_owned(), "echo ready >&2; sleep 0.2; echo broken >&2; exit 3".into()];
        let mut shell = Generator::start("0", Path::new("sh"), &arguments).unwrap();
        shell.wait_for("ready").unwrap();
        assert!(shell.resident().unwrap() > 0);
        let error = shell.finish().map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("broken"), "{error}");
    }
}
