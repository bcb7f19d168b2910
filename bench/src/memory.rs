//! Memory of users who wait with their connection open: the headline figure for big numbers of users.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::contender::beside;
use crate::server::Nginx;

/// Prints the bytes that one more waiting user costs.
#[expect(clippy::print_stdout, reason = "the figure is what the program is for")]
pub(crate) fn report(users: u32, server: &Nginx) -> Result<()> {
    let few = resident(100, server)?;
    let many = resident(100 + users, server)?;
    #[expect(clippy::cast_precision_loss, reason = "bytes of one process")]
    let each = many.saturating_sub(few) as f64 / f64::from(users);
    println!(
        "Memory: {users} more users, each waiting with its connection open, cost {each:.0} bytes each \
         ({:.1} MiB with {}, {:.1} MiB with 100).",
        mib(many),
        100 + users,
        mib(few)
    );
    Ok(())
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
