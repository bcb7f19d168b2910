//! What the kernel says of processes that run.

use std::fs;
use std::process::Child;

use anyhow::{Context, Result};

/// User and system time of a process so far, in seconds; to a hundredth, as the kernel tells it.
///
/// # Errors
/// When there is no such process.
#[expect(clippy::cast_precision_loss, reason = "clock ticks")]
pub(crate) fn cpu_of(id: u32) -> Result<f64> {
    let stat = stat_of(id)?;
    let ticks = |at: usize| -> Result<u64> { Ok(stat.get(at).context("too short")?.parse()?) };
    // SAFETY: the call takes no pointer.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Ok((ticks(11)? + ticks(12)?) as f64 / per_second as f64)
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_of(process: &Child) -> Result<u64> {
    bytes_of(process, "VmRSS:")
}

/// Of its resident memory that which is no page of a file, in bytes: pages of the program itself come and go as the kernel
/// likes.
pub(crate) fn anonymous_of(process: &Child) -> Result<u64> {
    bytes_of(process, "RssAnon:")
}

/// The most that its resident memory was, in bytes. What the kernel says of one that has ended (`ru_maxrss`) is at least what
/// the process that started it had.
pub(crate) fn peak_of(process: &Child) -> Result<u64> {
    bytes_of(process, "VmHWM:")
}

fn bytes_of(process: &Child, what: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let line = line.with_context(|| format!("no {what}"))?;
    let kib: u64 = line.split_whitespace().next().context("no number there")?.parse()?;
    Ok(kib * 1024)
}

/// The processes that this one started and that still run.
///
/// # Errors
/// When processes cannot be listed.
pub(crate) fn children_of(id: u32) -> Result<Vec<u32>> {
    let processes = fs::read_dir("/proc")?.flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // One that has ended meanwhile is no child any more.
    let parent = |child: u32| stat_of(child).ok()?.get(1)?.parse::<u32>().ok();
    Ok(ids.filter(|child| parent(*child) == Some(id)).collect())
}

/// Asks our own child to end, and waits until it has.
pub(crate) fn terminate(process: &mut Child) -> Result<()> {
    // SAFETY: a signal to our own child, which has not been waited for yet.
    unsafe { libc::kill(process.id().cast_signed(), libc::SIGTERM) };
    process.wait()?;
    Ok(())
}

/// The fields of a process's `stat` from the third on: before it stands the name, which may hold anything.
fn stat_of(id: u32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))
        .with_context(|| format!("there is no process {id}"))?;
    let fields = stat.rsplit_once(')').context("no name")?.1;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn processor_time_grows_with_work_and_children_are_known() {
        let before = cpu_of(id()).unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while cpu_of(id()).unwrap() - before < 0.05 {
            assert!(Instant::now() < until, "no processor time in half a minute");
        }
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let children = children_of(id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(children.contains(&child.id()), "{children:?} without {}", child.id());
        assert!(!children_of(id()).unwrap().contains(&child.id()));
    }

    #[test]
    fn a_peak_is_the_process_s_own() {
        // Ours, which a child begins with by the count of those that have ended.
        let ballast = vec![1_u8; 64 << 20];
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while peak_of(&child).unwrap() > 32 << 20 && Instant::now() < until {}
        // It may still be starting, and the kernel's two figures are not of the same precision.
        let resident = resident_of(&child).unwrap();
        let peak = peak_of(&child).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let expected = resident / 2..32 << 20;
        assert!(expected.contains(&peak), "{peak} not in {expected:?}, {} here", ballast.len());
    }
}
