//! What a master bears: hundreds of workers, hundreds of names, and somebody who looks on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::Arguments;
use crate::process::cpu_of;
use crate::section::{Limit, Section};
use crate::tools::beside;

/// Users of the run; none of them is real.
const USERS: u32 = 5_000;
/// They start within two seconds.
const SPAWN_RATE: u32 = 2_500;
/// The steady time is measured twice: with nobody looking on, and with one request a second for each page.
const STRETCH: Duration = Duration::from_secs(9);
/// What goes on right after the start is over by then.
const SETTLING: Duration = Duration::from_secs(3);
/// Hundreds of workers have come and work by then.
const PATIENCE: Duration = Duration::from_secs(90);
/// What is looked at once a second: what scripts for Locust read, and the largest thing that the page reads.
const LOOKS: [(&str, &str); 2] =
    [("/stats/requests", "a GET of /stats/requests"), ("/api/v1/summary", "the page's summary")];

/// What a master takes for each kind of worker.
///
/// # Errors
/// When a request that was reported is missing in the master's total, or when anything cannot be started.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let workers = arguments.workers;
    let mut section = Section::new(
        "cluster",
        "A master and its workers",
        &format!(
            "One master on this machine, and {workers} pretended workers in a process beside it: each has its own connection over \
             loopback, speaks the real protocol and reports 200 names with 10 requests each, workers of our kind every second \
             (full histograms, numbered and acknowledged), workers of Locust's kind every three; both give a heartbeat a second. \
             Processor time (user and system, in cores) is that of the whole master over {0} s with nobody looking on, and over \
             {0} s with one request a second for each of {1} and {2}. Memory is the largest resident set up to the end, the last \
             reports included. A run in which the master's total differs from what was reported by one request fails.",
            STRETCH.as_secs(),
            LOOKS[0].0,
            LOOKS[1].0
        ),
    );
    for (form, name) in [("swarmer", "workers of swarmer"), ("locust", "workers of Locust's kind")]
    {
        let burden = bear(form, workers).with_context(|| format!("with {name}"))?;
        let mut limited = |what, unit, value, most| {
            section.limited(name, what, unit, &[value], Limit::AtMost(most));
        };
        limited("processor time of the master", "cores", burden.alone, 1.0);
        limited("the same while looked at", "cores", burden.watched, 1.0);
        limited("peak memory of the master", "MB", burden.peak, 500.0);
        limited("workers not working at the end", "", burden.absent, 0.0);
        section.figure(name, "reports", "/s", &[burden.reports]);
        section.figure(name, "bytes of a report", "KiB", &[burden.report_kib]);
        section.figure(name, "requests, all of them counted", "", &[burden.requests]);
        section.figure(name, "messages to start users", "for each worker", &[burden.starts]);
        section.figure(name, "reports sent again", "", &[burden.repeated]);
        for ((_, what), times) in LOOKS.iter().zip(&burden.looks) {
            section.figure(name, what, "ms", times);
        }
    }
    Ok(section)
}

/// What one run took.
struct Burden {
    /// Cores of the master with nobody looking on.
    alone: f64,
    watched: f64,
    /// The master's largest resident set, in MB.
    peak: f64,
    /// Reports of all workers, per second.
    reports: f64,
    report_kib: f64,
    requests: f64,
    /// Messages of the master that start users, for each worker.
    starts: f64,
    /// Letters that a worker sent more than once.
    repeated: f64,
    /// Workers that were not at work when the run was stopped.
    absent: f64,
    /// Milliseconds of each answer.
    looks: [Vec<f64>; 2],
}

fn bear(form: &str, workers: u32) -> Result<Burden> {
    let mut master = Master::start(workers)?;
    let pretenders = Command::new(beside("pretend_workers")?)
        .args([format!("--port={}", master.port), format!("--form={form}")])
        .arg(format!("--workers={workers}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut pretenders = Guard(pretenders);
    let met = master.wait_until_all_work(workers).and_then(|()| look_on(&mut master, workers));
    let met = met.with_context(|| format!("the master said:\n{}", master.log()));
    let (alone, watched, looks, absent) = met?;
    let peak = master.end().with_context(|| format!("the master said:\n{}", master.log()))?;
    let said = output_of(&mut pretenders.0)
        .with_context(|| format!("the master said:\n{}", master.log()))?;
    let told: Value = serde_json::from_str(&said)?;
    let number = |name: &str| told[name].as_f64().with_context(|| format!("no {name} in {said}"));
    let requests = number("requests")?;
    let counted = master.counted()?;
    ensure!(
        requests.to_bits() == counted.to_bits(),
        "{requests} requests were reported, the master counts {counted}; it said:\n{}",
        master.log()
    );
    ensure!(requests > 0.0, "nothing was reported; the master said:\n{}", master.log());
    Ok(Burden {
        alone,
        watched,
        peak,
        reports: number("reports")? / number("seconds")?,
        report_kib: number("bytes")? / number("reports")? / 1024.0,
        requests,
        starts: number("starts")? / f64::from(workers),
        repeated: number("repeated")?,
        absent,
        looks,
    })
}

/// The steady time: cores alone and looked at, milliseconds of each answer, and how many workers are not at work at its end.
fn look_on(master: &mut Master, workers: u32) -> Result<(f64, f64, [Vec<f64>; 2], f64)> {
    sleep(SETTLING);
    let alone = master.cores_of(STRETCH, |_| Ok(()))?;
    let mut looks = [Vec::new(), Vec::new()];
    let watched = master.cores_of(STRETCH, |master| {
        for ((path, _), times) in LOOKS.iter().zip(&mut looks) {
            let asked = Instant::now();
            master.get(path)?;
            times.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        Ok(())
    })?;
    let absent = workers.saturating_sub(master.at_work()?.1);
    Ok((alone, watched, looks, f64::from(absent)))
}

/// A process that ends with this value, whatever happens.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// The master of a run.
struct Master {
    process: Guard,
    folder: TempDir,
    /// For workers, and for those who look on.
    port: u16,
    web: u16,
}

impl Master {
    fn start(workers: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
        let [port, web] = [listeners[0].local_addr()?.port(), listeners[1].local_addr()?.port()];
        drop(listeners);
        let process = Command::new(beside("hammer")?)
            .args(["--master", "--autostart", "--only-summary", "--master-bind-host=127.0.0.1"])
            .args([format!("--master-bind-port={port}"), format!("--web-port={web}")])
            .args([format!("--expect-workers={workers}"), format!("--users={USERS}")])
            .args([format!("--spawn-rate={SPAWN_RATE}"), "--web-host=127.0.0.1".to_owned()])
            .args(["--host=http://127.0.0.1:9", "--stop-timeout=5", "--summary-json"])
            .args([folder.path().join("summary.json").as_os_str(), "Hammer".as_ref()])
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("master.log"))?)
            .spawn()?;
        Ok(Self { process: Guard(process), folder, port, web })
    }

    /// The end of what it logged.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("master.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// What its page answers.
    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.web))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        ensure!(reply.starts_with("HTTP/1.1 200"), "GET {path}: {reply}");
        let body = reply.split_once("\r\n\r\n").context("no head")?.1;
        Ok(body.to_owned())
    }

    /// The run's state, and how many workers say that they work.
    fn at_work(&self) -> Result<(String, u32)> {
        let stats: Value = serde_json::from_str(&self.get("/stats/requests")?)?;
        let workers = stats["workers"].as_array().context("no workers")?;
        let working = workers.iter().filter(|worker| worker["state"] == "running").count();
        let state = stats["state"].as_str().context("no state")?.to_owned();
        Ok((state, u32::try_from(working)?))
    }

    fn wait_until_all_work(&mut self, workers: u32) -> Result<()> {
        let (begun, mut seen) = (Instant::now(), String::from("nothing"));
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.process.0.try_wait()? {
                bail!("the master ended at once: {status}");
            }
            // Its page may not be there yet.
            if let Ok((state, working)) = self.at_work() {
                if state == "running" && working == workers {
                    return Ok(());
                }
                seen = format!("{working} workers at work and a run that is {state}");
            }
            sleep(Duration::from_millis(500));
        }
        bail!("{seen} after {PATIENCE:?}, not {workers} workers at work");
    }

    /// Cores it takes in this time, during which something is done once a second.
    fn cores_of(&self, time: Duration, mut each: impl FnMut(&Self) -> Result<()>) -> Result<f64> {
        let (begun, before) = (Instant::now(), cpu_of(self.process.0.id())?);
        for second in 1.. {
            each(self)?;
            let next = Duration::from_secs(second).min(time);
            sleep(next.saturating_sub(begun.elapsed()));
            if begun.elapsed() >= time {
                break;
            }
        }
        Ok((cpu_of(self.process.0.id())? - before) / begun.elapsed().as_secs_f64())
    }

    /// Stops it in order; its peak memory in MB.
    fn end(&mut self) -> Result<f64> {
        let process = &mut self.process.0;
        // SAFETY: a signal to our own child, which has not been waited for yet.
        unsafe { libc::kill(process.id().cast_signed(), libc::SIGTERM) };
        let (begun, mut peak) = (Instant::now(), 0.0_f64);
        while process.try_wait()?.is_none() {
            ensure!(begun.elapsed() < PATIENCE, "the master did not end within {PATIENCE:?}");
            // It may have ended by now.
            peak = peak.max(peak_of(process).unwrap_or(0.0));
            sleep(Duration::from_millis(20));
        }
        ensure!(peak > 0.0, "the master ended before it was asked to");
        Ok(peak)
    }

    /// Requests in its summary.
    fn counted(&self) -> Result<f64> {
        let text = fs::read_to_string(self.folder.path().join("summary.json"))
            .with_context(|| format!("no summary; the master said:\n{}", self.log()))?;
        let summary: Value = serde_json::from_str(&text)?;
        summary["total"]["requests"].as_f64().context("no total")
    }
}

fn output_of(child: &mut Child) -> Result<String> {
    let (mut out, mut err) = (String::new(), String::new());
    if let Some(pipe) = &mut child.stdout {
        pipe.read_to_string(&mut out)?;
    }
    if let Some(pipe) = &mut child.stderr {
        pipe.read_to_string(&mut err)?;
    }
    let status = child.wait()?;
    ensure!(status.success(), "the pretended workers failed: {err}");
    Ok(out)
}

/// The largest resident set of a process so far, in MB.
fn peak_of(process: &Child) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number after VmHWM")?.parse()?;
    Ok(kib * 1024.0 / 1e6)
}
