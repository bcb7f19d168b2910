//! The programs that are measured. Each runs as a process of its own, pinned to the second core.

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

use crate::figures::Outcome;

/// wrk, Debian's package: loads `url` over so many connections for so many seconds.
pub(crate) fn wrk(
    url: &str,
    connections: u32,
    seconds: u32,
    headers: &[String],
) -> Result<Outcome> {
    let mut arguments =
        vec!["-t1".to_owned(), format!("-c{connections}"), format!("-d{seconds}s"), url.to_owned()];
    arguments.extend(headers.iter().flat_map(|header| ["-H".to_owned(), header.clone()]));
    let ended = on_second_core("wrk", &arguments, &[])?;
    ensure!(ended.status.success(), "wrk failed: {}", ended.stdout);
    ensure!(!ended.stdout.contains("Non-2xx"), "not every reply was a success: {}", ended.stdout);
    let rate: f64 = after(&ended.stdout, "Requests/sec:")?;
    Ok(ended.outcome(rate, rate * f64::from(seconds)))
}

/// This engine, with full statistics: loads `url` over so many connections for so many seconds.
pub(crate) fn hammer(url: &str, connections: u32, seconds: u32) -> Result<Outcome> {
    let folder = tempfile::tempdir()?;
    let prefix = folder.path().join("hammer").display().to_string();
    let arguments = [
        format!("--host={url}"),
        "--headless".into(),
        "--only-summary".into(),
        format!("--users={connections}"),
        "--spawn-rate=100000".into(),
        format!("--run-time={seconds}s"),
        "--threads=1".into(),
        format!("--csv={prefix}"),
        "Hammer".into(),
    ];
    let ended = on_second_core(&beside("hammer")?.display().to_string(), &arguments, &[])?;
    ensure!(ended.status.success(), "hammer failed: {}", ended.stderr);
    let csv = std::fs::read_to_string(format!("{prefix}_stats.csv"))?;
    let total =
        csv.lines().find(|line| line.starts_with(",Aggregated,")).context("no total in the CSV")?;
    let field =
        |index| -> Result<f64> { Ok(total.split(',').nth(index).context("a short row")?.parse()?) };
    let (requests, failures) = (field(2)?, field(3)?);
    ensure!(failures == 0.0, "{failures} requests failed");
    Ok(ended.outcome(field(9)?, requests))
}

/// A program of this workspace, built beside this one.
pub(crate) fn beside(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built", path.display());
    Ok(path)
}

/// A process that has ended, and what it used.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    usage: libc::rusage,
}

impl Ended {
    pub(crate) fn outcome(&self, rate: f64, requests: f64) -> Outcome {
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds and kibibytes of one short process"
        )]
        let (cpu, peak_mib) = (
            seconds(self.usage.ru_utime) + seconds(self.usage.ru_stime),
            self.usage.ru_maxrss as f64 / 1024.0,
        );
        Outcome { rate, requests, cpu, peak_mib }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of one short process")]
fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

/// Runs a program to its end, with these variables added to its environment.
pub(crate) fn on_second_core(
    program: &str,
    arguments: &[String],
    variables: &[(&str, String)],
) -> Result<Ended> {
    let mut child = Command::new("taskset")
        .args(["-c", "1", program])
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program} with taskset"))?;
    let (mut stdout, mut stderr) = (String::new(), String::new());
    if let Some(pipe) = child.stdout.as_mut() {
        pipe.read_to_string(&mut stdout)?;
    }
    if let Some(pipe) = child.stderr.as_mut() {
        pipe.read_to_string(&mut stderr)?;
    }
    let (mut status, mut usage) = (0, zeroed_usage());
    // SAFETY: both pointers are to locals that outlive the call; the pid is that of our own child, not yet waited for.
    let waited =
        unsafe { libc::wait4(child.id().cast_signed(), &raw mut status, 0, &raw mut usage) };
    ensure!(waited > 0, "cannot wait for {program}: {}", io::Error::last_os_error());
    Ok(Ended { status: ExitStatus::from_raw(status), stdout, stderr, usage })
}

fn zeroed_usage() -> libc::rusage {
    // SAFETY: a plain C struct of numbers, for which all zeros is a value.
    unsafe { std::mem::zeroed() }
}

fn after(text: &str, label: &str) -> Result<f64> {
    let rest = text.split(label).nth(1).with_context(|| format!("no `{label}` in:\n{text}"))?;
    Ok(rest.split_whitespace().next().unwrap_or_default().parse()?)
}
