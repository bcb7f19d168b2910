//! Memory of users who wait with their connection open: the headline figure for big numbers of users.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::Arguments;
use crate::contender::beside;
use crate::section::{Limit, Section};
use crate::server::Nginx;

/// Users whose memory is measured.
const USERS: u32 = 5_000;

/// What one more waiting user costs.
///
/// # Errors
/// When the engine or the server cannot be started.
pub(crate) fn measure(_: &Arguments) -> Result<Section> {
    let server = Nginx::start()?;
    let mut section = Section::new(
        "memory",
        "Memory of waiting users",
        &format!(
            "{USERS} users more than 100, each of which has asked once and waits with its connection open."
        ),
    );
    let few = resident(100, &server)?;
    let many = resident(100 + USERS, &server)?;
    #[expect(clippy::cast_precision_loss, reason = "bytes of one process")]
    let each = many.saturating_sub(few) as f64 / f64::from(USERS);
    section.limited("swarmer", "memory per user", "bytes", &[each], Limit::AtMost(8_192.0));
    section.figure("swarmer", "memory with 100 users", "MiB", &[mib(few)]);
    Ok(section)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one process")]
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// Resident memory, in bytes, of a run with so many users after all have asked once.
fn resident(users: u32, server: &Nginx) -> Result<u64> {
    let mut process = Command::new(beside("hammer")?)
        .args([format!("--host={}", server.url()), format!("--users={users}")])
        .args([
            "--headless",
            "--only-summary",
            "--spawn-rate=5000",
            "--threads=1",
            "--run-time=60s",
            "Waiter",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    sleep(Duration::from_secs(4) + Duration::from_secs_f64(f64::from(users) / 5_000.0));
    let resident = resident_of(&process);
    terminate(&mut process)?;
    resident
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_of(process: &Child) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.split_whitespace().nth(1).context("no number after VmRSS")?.parse()?;
    Ok(kib * 1024)
}

/// Asks our own child to end, and waits until it has.
pub(crate) fn terminate(process: &mut Child) -> Result<()> {
    // SAFETY: a signal to our own child, which has not been waited for yet.
    unsafe { libc::kill(process.id().cast_signed(), libc::SIGTERM) };
    process.wait()?;
    Ok(())
}
