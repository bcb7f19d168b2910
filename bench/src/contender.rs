//! The programs that are measured. Each runs as a process of its own, pinned to the second core.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::figures::Outcome;
use crate::generator::{Finished, Generator, Totals};
use crate::process::cpu_of;
use crate::tools::{beside, peer};

/// Stands for the server's address in arguments.
pub(crate) const URL: &str = "{url}";

/// Who is loaded: an address, and the process that answers there.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) url: &'a str,
    pub(crate) process: u32,
}

/// What a contender says that it did.
#[derive(Debug, PartialEq)]
pub(crate) struct Count {
    /// Requests that were answered with success.
    pub(crate) requests: f64,
    /// Of these, per second.
    pub(crate) rate: f64,
}

/// Reads what a run left on its standard output, or in files.
pub(crate) type Reader = fn(&Finished) -> Result<Count>;

/// A program, how it is called, and how to read what it says.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    program: PathBuf,
    /// With [`URL`] in them.
    arguments: Vec<String>,
    /// Name and text of files that are laid into the folder of each run.
    files: Vec<(&'static str, &'static str)>,
    read: Reader,
}

impl Contender {
    pub(crate) fn new<A: Into<String>>(
        name: &'static str,
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
        read: Reader,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { name, program: program.into(), arguments, files: Vec::new(), read }
    }

    /// The same with more arguments.
    pub(crate) fn with<A: Into<String>>(mut self, more: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(more.into_iter().map(Into::into));
        self
    }

    /// The same with a file in its folder.
    pub(crate) fn file(mut self, name: &'static str, text: &'static str) -> Self {
        self.files.push((name, text));
        self
    }

    /// The same under another name.
    pub(crate) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// As one would type it, the address replaced by a word in capitals.
    pub(crate) fn command(&self) -> String {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy();
        let quoted = |argument: &String| {
            let shown = argument.replace(URL, "URL");
            if shown.contains(' ') { format!("'{shown}'") } else { shown }
        };
        let arguments: Vec<_> = self.arguments.iter().map(quoted).collect();
        format!("taskset -c 1 {name} {}", arguments.join(" "))
    }

    /// Begins a run against `url`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&self, url: &str) -> Result<Generator> {
        let arguments: Vec<_> =
            self.arguments.iter().map(|argument| argument.replace(URL, url)).collect();
        Generator::with_files("1", &self.program, &arguments, &self.files)
    }

    /// One run.
    ///
    /// # Errors
    /// When it cannot be started, fails, or says that a request failed.
    pub(crate) fn run(&self, target: Target) -> Result<Outcome> {
        let before = cpu_of(target.process)?;
        let finished = self.start(target.url)?.finish()?;
        let server_cpu = cpu_of(target.process)? - before;
        let Count { requests, rate } = (self.read)(&finished).with_context(|| {
            let stdout = finished.file("stdout").unwrap_or_default();
            format!("{} said:\n{stdout}\n{}", self.name, finished.stderr)
        })?;
        let Finished { cpu, peak_mib, .. } = finished;
        Ok(Outcome { rate, requests, cpu, peak_mib, server_cpu })
    }
}

/// What everybody is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
}

/// wrk with one thread.
pub(crate) fn wrk(Load { connections, seconds }: Load) -> Result<Contender> {
    let arguments =
        ["-t1".to_owned(), format!("-c{connections}"), format!("-d{seconds}s"), URL.to_owned()];
    Ok(Contender::new("wrk", peer("wrk")?, arguments, |run| read_wrk(&run.file("stdout")?)))
}

/// This engine with full statistics, the workload `hammer`, one driver thread.
pub(crate) fn swarmer(Load { connections, seconds }: Load) -> Result<Contender> {
    let arguments = [
        "Hammer".into(),
        format!("--host={URL}"),
        "--headless".into(),
        "--only-summary".into(),
        format!("--users={connections}"),
        "--spawn-rate=100000".into(),
        format!("--run-time={seconds}s"),
        "--threads=1".into(),
        "--csv=run".into(),
    ];
    Ok(Contender::new("swarmer", beside("hammer")?, arguments, |run| {
        let Totals { requests, failures, rate } = run.totals()?;
        ensure!(failures == 0.0, "{failures} of {requests} requests failed");
        Ok(Count { requests, rate })
    }))
}

fn read_wrk(stdout: &str) -> Result<Count> {
    ensure!(!stdout.contains("Non-2xx"), "not every reply was a success");
    let rate = number_after(stdout, "Requests/sec:")?;
    let requests = stdout.lines().find_map(|line| line.split_once(" requests in "));
    let requests = requests.context("no number of requests")?.0.trim().parse()?;
    Ok(Count { requests, rate })
}

/// The number that follows `label`.
pub(crate) fn number_after(text: &str, label: &str) -> Result<f64> {
    let rest = text.split(label).nth(1).with_context(|| format!("no `{label}`"))?;
    let word = rest.split_whitespace().next().unwrap_or_default();
    word.parse().with_context(|| format!("no number after `{label}`, but `{word}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrk_says_how_many_requests_it_made_and_how_quickly() {
        let said = "  16204 requests in 1.04s, 2.35MB read\nRequests/sec:  15580.78\nTransfer/sec:      2.26MB\n";
        assert_eq!(read_wrk(said).unwrap(), Count { requests: 16_204.0, rate: 15_580.78 });
        let failed = read_wrk(&format!("{said}  Non-2xx or 3xx responses: 4\n")).unwrap_err();
        assert_eq!(failed.to_string(), "not every reply was a success");
    }
}
