//! What the kernel says of processes that run.

use std::fs;

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
}
