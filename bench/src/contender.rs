//! The programs that are measured. Each runs as a process of its own, pinned to the second core.

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

use crate::figures::Outcome;

/// Stands for the server's address in arguments.
pub(crate) const URL: &str = "{url}";
/// Stands for a folder for files, emptied after each run, in arguments.
pub(crate) const OUT: &str = "{out}";

/// What a contender says that it did.
#[derive(Debug, PartialEq)]
pub(crate) struct Count {
    /// Requests that were answered with success.
    pub(crate) requests: f64,
    /// Of these, per second.
    pub(crate) rate: f64,
}

/// Reads what a run left on its standard output, or in the folder.
pub(crate) type Reader = fn(&Ended, &Path) -> Result<Count>;

/// A program, how it is called, and how to read what it says.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    program: PathBuf,
    /// With [`URL`] and [`OUT`] in them.
    arguments: Vec<String>,
    /// Name and text of files that are laid into the folder before each run.
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

    /// As one would type it, paths and ports replaced by words in capitals.
    pub(crate) fn command(&self) -> String {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy();
        let quoted = |argument: &String| {
            let shown = argument.replace(URL, "URL").replace(OUT, "FOLDER");
            if shown.contains(' ') { format!("'{shown}'") } else { shown }
        };
        let arguments: Vec<_> = self.arguments.iter().map(quoted).collect();
        format!("taskset -c 1 {name} {}", arguments.join(" "))
    }

    /// One run against `url`.
    ///
    /// # Errors
    /// When it cannot be started, fails, or says that a request failed.
    pub(crate) fn run(&self, url: &str) -> Result<Outcome> {
        let folder = tempfile::tempdir()?;
        for (name, text) in &self.files {
            std::fs::write(folder.path().join(name), text)?;
        }
        let out = folder.path().display().to_string();
        let filled = |argument: &String| argument.replace(URL, url).replace(OUT, &out);
        let arguments: Vec<_> = self.arguments.iter().map(filled).collect();
        let ended = on_second_core(&self.program.display().to_string(), &arguments)?;
        let Ended { status, stdout, stderr, .. } = &ended;
        ensure!(status.success(), "{} failed ({status}):\n{stdout}\n{stderr}", self.name);
        let count = (self.read)(&ended, folder.path())
            .with_context(|| format!("{} said:\n{stdout}\n{stderr}", self.name))?;
        Ok(ended.outcome(count.rate, count.requests))
    }
}

/// What everybody is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
}

/// wrk, Debian's package, with one thread.
pub(crate) fn wrk_with(Load { connections, seconds }: Load) -> Contender {
    let arguments =
        ["-t1".to_owned(), format!("-c{connections}"), format!("-d{seconds}s"), URL.to_owned()];
    Contender::new("wrk", "wrk", arguments, |ended, _| read_wrk(&ended.stdout))
}

/// One run of wrk with more header lines.
pub(crate) fn wrk(
    url: &str,
    connections: u32,
    seconds: u32,
    headers: &[String],
) -> Result<Outcome> {
    let headers = headers.iter().flat_map(|header| ["-H".to_owned(), header.clone()]);
    wrk_with(Load { connections, seconds }).with(headers).run(url)
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
        format!("--csv={OUT}/hammer"),
    ];
    Ok(Contender::new("swarmer", beside("hammer")?, arguments, |_, folder| {
        read_csv(&std::fs::read_to_string(folder.join("hammer_stats.csv"))?)
    }))
}

/// The version of a program as it says it itself: the first line of what it prints.
pub(crate) fn version(program: impl AsRef<Path>, option: &str) -> Result<String> {
    let program = program.as_ref();
    let output = Command::new(program)
        .arg(option)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned())
}

/// wrk's own words: `wrk debian/4.1.0-3`.
pub(crate) fn wrk_version() -> Result<String> {
    let said = version("wrk", "-v")?;
    Ok(said.split(" [").next().unwrap_or_default().to_owned())
}

/// The version of this engine.
pub(crate) fn own_version() -> String {
    format!("swarmer {}", env!("CARGO_PKG_VERSION"))
}

/// A program of this workspace, built beside this one.
pub(crate) fn beside(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built", path.display());
    Ok(path)
}

fn read_wrk(stdout: &str) -> Result<Count> {
    ensure!(!stdout.contains("Non-2xx"), "not every reply was a success");
    let rate = number_after(stdout, "Requests/sec:")?;
    let requests = stdout.lines().find_map(|line| line.split_once(" requests in "));
    let requests = requests.context("no number of requests")?.0.trim().parse()?;
    Ok(Count { requests, rate })
}

/// The file `*_stats.csv` of Locust, which this engine writes as well.
pub(crate) fn read_csv(text: &str) -> Result<Count> {
    let total = text.lines().find(|line| line.starts_with(",Aggregated,"));
    let total: Vec<_> = total.context("no total in the CSV")?.split(',').collect();
    let field = |index: usize| -> Result<f64> {
        Ok(total.get(index).context("a short row in the CSV")?.parse()?)
    };
    let (requests, failures) = (field(2)?, field(3)?);
    ensure!(failures == 0.0, "{failures} of {requests} requests failed");
    Ok(Count { requests, rate: field(9)? })
}

/// The number that follows `label`.
pub(crate) fn number_after(text: &str, label: &str) -> Result<f64> {
    let rest = text.split(label).nth(1).with_context(|| format!("no `{label}`"))?;
    let word = rest.split_whitespace().next().unwrap_or_default();
    word.parse().with_context(|| format!("no number after `{label}`, but `{word}`"))
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

/// Runs a program on the second core until it ends.
pub(crate) fn on_second_core(program: &str, arguments: &[String]) -> Result<Ended> {
    on_second_core_with(program, arguments, &[])
}

/// The same, with these variables added to its environment.
pub(crate) fn on_second_core_with(
    program: &str,
    arguments: &[String],
    variables: &[(&str, String)],
) -> Result<Ended> {
    let mut child = Command::new("taskset")
        .args(["-c", "1", program])
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program} with taskset"))?;
    let mut stderr_pipe = child.stderr.take();
    // Beside the other: a program that fills one pipe while we read the other would wait forever.
    let stderr = std::thread::spawn(move || read_all(stderr_pipe.as_mut()));
    let stdout = read_all(child.stdout.as_mut())?;
    let stderr = stderr.join().unwrap_or_else(|_| Ok(String::new()))?;
    let (mut status, mut usage) = (0, zeroed_usage());
    // SAFETY: both pointers are to locals that outlive the call; the pid is that of our own child, not yet waited for.
    let waited =
        unsafe { libc::wait4(child.id().cast_signed(), &raw mut status, 0, &raw mut usage) };
    ensure!(waited > 0, "cannot wait for {program}: {}", io::Error::last_os_error());
    Ok(Ended { status: ExitStatus::from_raw(status), stdout, stderr, usage })
}

fn read_all(pipe: Option<&mut impl Read>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn zeroed_usage() -> libc::rusage {
    // SAFETY: a plain C struct of numbers, for which all zeros is a value.
    unsafe { std::mem::zeroed() }
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

    #[test]
    fn the_total_of_our_csv_is_read_and_a_failure_is_not_passed_over() {
        let row =
            |failures: u32| format!("Type,Name\n,Aggregated,120,{failures},1,1,1,1,136,60.5,0\n");
        assert_eq!(read_csv(&row(0)).unwrap(), Count { requests: 120.0, rate: 60.5 });
        assert_eq!(read_csv(&row(7)).unwrap_err().to_string(), "7 of 120 requests failed");
    }
}
