//! Memory of users in great numbers: waiting with their connection open, waiting without one, and at full rate.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::Arguments;
use crate::generator::Generator;
use crate::section::{Limit, Section};
use crate::server::{Nginx, Speaks};

/// Users with their connections open.
const CONNECTED: u32 = 50_000;

/// Users whose connections are closed while they wait.
const PARKED: u32 = 200_000;

/// Users in the run that more are compared with.
const FEW: u32 = 100;

/// Files that a process needs beside one for each connection.
const OTHER_FILES: u64 = 200;

/// How long the run at full rate takes, the one of all parts and the long one, and how much of its beginning does not count.
const FULL_RATE: Duration = Duration::from_secs(75);
const HOUR: Duration = Duration::from_hours(1);
const WARM_UP: Duration = Duration::from_secs(15);

/// The allocator takes pages and gives them back in lots of half a MiB, now and then: what is needed is the least of so many
/// seconds, and all above it is its business. A line through every sample had half a lot for its slope.
const LULL: usize = 15;

/// # Errors
/// When the engine or the server cannot be started.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let processes = processes_for(CONNECTED, open_files()?);
    let mut section = Section::new(
        "memory",
        "Memory of users",
        &format!(
            "Resident memory (VmRSS) above that of {FEW} users, all on the second core, nginx on the first. {CONNECTED} users each \
             ask once in 5 s over a connection that stays open; {PARKED} users each ask once a minute, at one of eight addresses of \
             the server, and have no connection between (`--park-idle 1s`). At full rate: {} connections ask all the time for {} s; memory is sampled every \
             second after the first {} s, without the pages of the program's file, which the kernel drops and brings back \
             (RssAnon). The growth is the slope of a straight line through the least of each {LULL} s: the \
             allocator keeps up to half a MiB more for a while, which the spread of all samples shows. In the first half hour the \
             run's course has a point more each second, about 0.9 kB, until there are 1,800 and points are united; that half a \
             day takes no more than the first hour, a test on virtual time proves with a counting allocator (`run_memory`).",
            arguments.connections,
            FULL_RATE.as_secs(),
            WARM_UP.as_secs()
        ),
    );
    section.versions.push(format!("swarmer {}", env!("CARGO_PKG_VERSION")));
    connected(&mut section, processes)?;
    parked(&mut section)?;
    let run = full_rate(&mut section, arguments.connections, FULL_RATE)?;
    let each_second: Vec<f64> = run.samples.iter().map(|(_, kib)| kib / 1_024.0).collect();
    section.figure("swarmer", "anonymous memory at full rate, each second", "MiB", &each_second);
    section.notes.push(
        "The kernel's memory for sockets is not part of a process's resident memory, of no generator's.".to_owned(),
    );
    Ok(section)
}

fn connected(section: &mut Section, processes: u32) -> Result<()> {
    let servers = (0..processes).map(|_| Nginx::start()).collect::<Result<Vec<_>>>()?;
    let settle = Duration::from_secs(11);
    let of = |users: u32, rate: u32| {
        let crowds = servers.iter().map(|server| Crowd {
            class: "Waiter",
            users: users.div_ceil(processes),
            rate,
            server,
            park: false,
        });
        resident(&crowds.collect::<Vec<_>>(), settle)
    };
    let few = of(FEW * processes, FEW)?;
    let many = of(FEW * processes + CONNECTED, 5_000 / processes)?;
    let each = per_user(few, many, CONNECTED);
    let limit = Limit::AtMost(8_192.0);
    section.limited("swarmer", "memory per user, connected", "bytes", &[each], limit);
    section.figure("swarmer", &format!("memory with {CONNECTED} connected"), "MiB", &[mib(many)]);
    section.figure("swarmer", "memory with few", "MiB", &[mib(few)]);
    section.commands.push(format!(
        "crowd --host=SERVER --users={CONNECTED} --spawn-rate=5000 --threads=1 --headless Waiter"
    ));
    if processes > 1 {
        section.notes.push(format!(
            "One process may open only {} files here: the connected users are shared by {processes} processes with a server \
             each, and {FEW} users of each process are what more are compared with.",
            open_files()?
        ));
    }
    Ok(())
}

fn parked(section: &mut Section) -> Result<()> {
    let server = Nginx::speaking(Speaks::PlainAtEight)?;
    let of = |users: u32, rate: u32| {
        let crowd = Crowd { class: "Rare", users, rate, server: &server, park: true };
        resident(&[crowd], Duration::from_secs(5))
    };
    let few = of(FEW, FEW)?;
    let many = of(FEW + PARKED, 10_000)?;
    let each = per_user(few, many, PARKED);
    section.limited("swarmer", "memory per user, parked", "bytes", &[each], Limit::AtMost(2_048.0));
    section.figure("swarmer", &format!("memory with {PARKED} parked"), "MiB", &[mib(many)]);
    section.commands.push(format!(
        "crowd --host=SERVER --users={PARKED} --spawn-rate=10000 --threads=1 --park-idle=1s --elsewhere=SERVER/,… --headless Rare"
    ));
    Ok(())
}

/// Users of one process.
struct Crowd<'s> {
    class: &'static str,
    users: u32,
    /// Started per second.
    rate: u32,
    server: &'s Nginx,
    park: bool,
}

impl Crowd<'_> {
    fn start(&self) -> Result<Generator> {
        let mut arguments = vec![
            format!("--host={}", self.server.url()),
            format!("--users={}", self.users),
            format!("--spawn-rate={}", self.rate),
            "--threads=1".to_owned(),
            "--run-time=180s".to_owned(),
        ];
        if self.park {
            arguments.push("--park-idle=1s".to_owned());
            arguments.push(format!("--elsewhere={}", self.server.pages()));
        }
        arguments.push(self.class.to_owned());
        Generator::ours("1", "crowd", &arguments)
    }
}

/// Resident memory, in bytes, of all these together, so long after the last user was started.
fn resident(crowds: &[Crowd], settle: Duration) -> Result<u64> {
    let mut generators = crowds.iter().map(Crowd::start).collect::<Result<Vec<_>>>()?;
    for generator in &mut generators {
        generator.wait_for("All users spawned")?;
    }
    sleep(settle);
    generators.iter_mut().map(Generator::resident).sum()
}

/// The same run at full rate for an hour.
///
/// # Errors
/// When the engine or the server cannot be started.
pub(crate) fn measure_hour(arguments: &Arguments) -> Result<Section> {
    let mut section = Section::new(
        "hour",
        "An hour at full rate",
        &format!(
            "As the run at full rate above, {} connections for an hour. Other work on the machine makes the rate lower, not the memory. \
             A minute's value is the least of its seconds. Measured when it is asked for, with `--only hour`.",
            arguments.connections
        ),
    );
    section.versions.push(format!("swarmer {}", env!("CARGO_PKG_VERSION")));
    let run = full_rate(&mut section, arguments.connections, HOUR)?;
    section.figure("swarmer", "requests in all", "", &[run.requests]);
    let minute = |minute: u32| {
        let until = f64::from(minute) * 60.0;
        let of_it = run.samples.iter().filter(|(at, _)| (until - 60.0..until).contains(at));
        of_it.map(|(_, kib)| kib / 1_024.0).min_by(f64::total_cmp)
    };
    for at in [1, 10, 20, 30, 40, 50, 60] {
        let least = minute(at).with_context(|| format!("no sample of minute {at}"))?;
        section.figure("swarmer", &format!("anonymous memory in minute {at}"), "MiB", &[least]);
    }
    Ok(section)
}

/// A run at full rate.
struct FullRate {
    requests: f64,
    /// Seconds since the start, and anonymous memory in KiB.
    samples: Vec<(f64, f64)>,
}

/// How the memory grows while requests are sent as fast as they can be.
fn full_rate(section: &mut Section, connections: u32, length: Duration) -> Result<FullRate> {
    let server = Nginx::start()?;
    let arguments = [
        format!("--host={}", server.url()),
        format!("--users={connections}"),
        "--spawn-rate=100000".to_owned(),
        "--threads=1".to_owned(),
        format!("--run-time={}s", length.as_secs()),
        "Hammer".to_owned(),
    ];
    section.commands.push(format!("hammer --headless {}", arguments[1..].join(" ")));
    let began = Instant::now();
    let mut generator = Generator::ours("1", "hammer", &arguments)?;
    let mut samples = Vec::new();
    sleep(WARM_UP);
    while began.elapsed() < length.saturating_sub(Duration::from_millis(500)) {
        samples.push((began.elapsed().as_secs_f64(), kib(generator.anonymous()?)));
        sleep(Duration::from_secs(1));
    }
    let totals = generator.finish()?.totals()?;
    let per_second = slope(&lulls(&samples)).context("too few samples of the memory")?;
    section.figure("swarmer", "requests at full rate", "/s", &[totals.rate]);
    section.limited(
        "swarmer",
        "growth at full rate",
        "KiB per million requests",
        &[per_second / (totals.rate / 1e6)],
        Limit::AtMost(64.0),
    );
    Ok(FullRate { requests: totals.requests, samples })
}

/// Of each so many samples the least.
fn lulls(samples: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let least = |some: &[(f64, f64)]| some.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    samples.chunks(LULL).filter_map(least).collect()
}

/// Of a straight line through these points, by least squares; none through fewer than two moments.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a few samples")]
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let width: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let rise: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (width > 0.0).then(|| rise / width)
}

/// How many processes have room for so many connections, if each may open so many files.
fn processes_for(connections: u32, files: u64) -> u32 {
    let room = files.saturating_sub(OTHER_FILES + u64::from(FEW)).max(1);
    u32::try_from(u64::from(connections).div_ceil(room)).unwrap_or(u32::MAX)
}

/// The hard limit of open files.
fn open_files() -> Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes into `limit`, which lives on this stack frame, and nowhere else.
    let outcome = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    anyhow::ensure!(outcome == 0, "cannot read the limit of open files");
    Ok(limit.rlim_max)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a few processes")]
fn per_user(few: u64, many: u64, users: u32) -> f64 {
    many.saturating_sub(few) as f64 / f64::from(users)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one process")]
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one process")]
fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1_024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_that_of_the_line() {
        let rising = slope(&[(10.0, 5.0), (11.0, 7.0), (12.0, 9.0)]).unwrap();
        assert!((rising - 2.0).abs() < 1e-9, "{rising}");
        let flat = slope(&[(1.0, 5.0), (2.0, 6.0), (3.0, 6.0), (4.0, 5.0)]).unwrap();
        assert!(flat.abs() < 1e-9, "{flat}");
        assert_eq!(slope(&[(1.0, 5.0)]), None);
        assert_eq!(slope(&[]), None);
    }

    #[test]
    fn what_the_allocator_keeps_for_a_while_is_no_growth() {
        let kept = |second: f64| if (40.0..50.0).contains(&(second % 100.0)) { 512.0 } else { 0.0 };
        let samples = |growth: f64| -> Vec<_> {
            (0..120).map(f64::from).map(|second| (second, second * growth + kept(second))).collect()
        };
        assert!(slope(&samples(0.0)).unwrap().abs() > 0.1);
        for growth in [0.0, 5.0] {
            let found = slope(&lulls(&samples(growth))).unwrap();
            assert!((found - growth).abs() < 1e-9, "{found} instead of {growth}");
        }
    }

    #[test]
    fn connections_beyond_the_limit_of_files_need_more_processes() {
        assert_eq!(processes_for(50_000, 1_000_000), 1);
        assert_eq!(processes_for(50_000, 20_000), 3);
        assert_eq!(processes_for(1, 0), 1);
    }
}
