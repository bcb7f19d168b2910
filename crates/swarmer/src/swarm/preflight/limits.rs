//! What this machine allows: open files, local ports, memory.

use std::fs;
use std::io;

use super::Finding;
use crate::swarm::setup::SetupError;

/// Descriptors the process needs beside the users' connections: logs, files, sockets of the runtimes.
const OWN_FILES: u64 = 64;

/// Memory of a user with a connection, buffers and the kernel's sockets included: more than it needs on the whole, as a
/// guess before the run ought to be.
const USER_BYTES: u64 = 32 << 10;

/// Sees to it that `users` users can each have a connection open; those who `park` close theirs while they wait.
///
/// # Errors
/// When the hard limit of open files is too low for connections that stay; a soft limit that is too low is raised.
pub(super) fn files(users: u32, park: bool) -> Result<Finding, SetupError> {
    let needed = u64::from(users) + OWN_FILES;
    let (soft, hard) = open_files()?;
    if needed <= soft {
        return Ok(Finding::fine(format!("{needed} needed, {soft} allowed")));
    }
    if needed <= hard {
        raise_open_files(hard, hard)?;
        return Ok(Finding::fine(format!("{needed} needed, {hard} allowed (raised from {soft})")));
    }
    if park {
        raise_open_files(hard, hard)?;
        // How many of them are connected at once hangs on waits and target, and nobody knows it before the run.
        return Ok(Finding::warning(format!(
            "{users} users and only {hard} open files: with --park-idle users who wait need none, but a request that finds \
             none left fails"
        )));
    }
    Err(SetupError::new(format!(
        "{users} users need about {needed} open files, but this process may open only {hard}"
    ))
    .hint(format!(
        "Raise the limit in this shell with `ulimit -n {needed}` (as root, or by `nofile` in /etc/security/limits.conf), \
         or ask for at most {} users, or close connections \
         while users wait (--park-idle).",
        hard.saturating_sub(OWN_FILES)
    )))
}

/// The soft and the hard limit of open files.
fn open_files() -> Result<(u64, u64), SetupError> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes into `limit`, which lives on this stack frame, and nowhere else.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(os_error("cannot read the limit of open files"));
    }
    Ok((limit.rlim_cur, limit.rlim_max))
}

fn raise_open_files(soft: u64, hard: u64) -> Result<(), SetupError> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the call only reads `limit`.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
        return Err(os_error("cannot raise the limit of open files"));
    }
    Ok(())
}

fn os_error(what: &str) -> SetupError {
    SetupError::new(format!("{what}: {}", io::Error::last_os_error()))
}

/// Whether one local address has as many ports as `users` connections to one target need.
pub(super) fn ports(users: u32) -> Finding {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut ends = range.split_whitespace().filter_map(|end| end.parse::<u32>().ok());
    let (Some(low), Some(high)) = (ends.next(), ends.next()) else {
        return Finding::fine("their number is unknown here");
    };
    let ports = high.saturating_sub(low) + 1;
    if users <= ports {
        return Finding::fine(format!("{users} needed for one address, {ports} there"));
    }
    Finding::warning(format!(
        "{users} users may want more connections to one address than this machine has local ports for ({ports}); \
         widen net.ipv4.ip_local_port_range, or spread the users over more machines"
    ))
}

/// Whether `users` users fit into what is free.
pub(super) fn memory(users: u32) -> Finding {
    let needed = u64::from(users) * USER_BYTES;
    let Some(free) = free_memory() else {
        return Finding::fine("what is free is unknown here");
    };
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let both = format!("about {} MiB needed, {} MiB free", mib(needed), mib(free));
    if needed <= free {
        return Finding::fine(both);
    }
    Finding::warning(format!(
        "{users} users may not fit into memory ({both}); ask for fewer, or spread them over more machines"
    ))
}

/// Bytes that can be had without swapping: of the machine, or of the control group if that has less.
fn free_memory() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10;
    let number = |name: &str| {
        fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok()
    };
    let group = number("memory.max").zip(number("memory.current"));
    let group = group.map(|(limit, used)| limit.saturating_sub(used));
    Some(group.map_or(machine, |group| group.min(machine)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_users_than_files_is_told_with_numbers() {
        let error = files(u32::MAX, false).unwrap_err().to_string();
        assert!(error.contains("4294967295 users need about 4294967359 open files"), "{error}");
        assert!(error.contains("hint: Raise the limit"), "{error}");
        assert!(matches!(files(1, false), Ok(Finding::Fine(_))));
        let parked = files(u32::MAX, true);
        assert!(
            matches!(&parked, Ok(Finding::Warning(text)) if text.contains("--park-idle")),
            "{parked:?}"
        );
    }

    #[test]
    fn more_users_than_ports_or_memory_is_a_warning() {
        assert!(matches!(ports(1), Finding::Fine(_)));
        assert!(matches!(ports(100_000), Finding::Warning(_)));
        assert!(matches!(memory(1), Finding::Fine(_)));
        assert!(matches!(memory(u32::MAX), Finding::Warning(_)));
    }
}
