//! Before load starts: can it run at all? Each check that fails says what is wrong and how to mend it.

use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::setup::SetupError;

/// Descriptors the process needs beside the users' connections: logs, files, sockets of the runtimes.
const OWN_FILES: u64 = 64;

/// How long the target may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Sees to it that `users` users can each have a connection open.
///
/// # Errors
/// When the hard limit of open files is too low; a soft limit that is too low is raised.
pub(super) fn file_limit(users: u32) -> Result<(), SetupError> {
    let needed = u64::from(users) + OWN_FILES;
    let (soft, hard) = open_files()?;
    if needed <= soft {
        return Ok(());
    }
    if needed <= hard {
        return raise_open_files(hard, hard);
    }
    Err(SetupError::new(format!(
        "{users} users need about {needed} open files, but this process may open only {hard}"
    ))
    .hint(format!(
        "Raise the limit in this shell with `ulimit -n {needed}` (as root, or by `nofile` in /etc/security/limits.conf), \
         or ask for at most {} users.",
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

/// A warning when one local address has fewer ports than `users` connections to one target need.
pub(super) fn port_warning(users: u32) -> Option<String> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_whitespace().map(|end| end.parse::<u32>().ok());
    let (low, high) = (ends.next()??, ends.next()??);
    let ports = high.saturating_sub(low) + 1;
    (users > ports).then(|| {
        format!(
            "{users} users may want more connections to one address than this machine has local ports for ({ports}); \
             widen net.ipv4.ip_local_port_range, or spread the users over more machines"
        )
    })
}

/// Sees to it that somebody listens at each of the targets.
///
/// # Errors
/// When a name does not resolve, or nobody accepts a connection there.
pub(super) async fn targets(hosts: &[String]) -> Result<(), SetupError> {
    for host in hosts {
        target(host).await?;
    }
    Ok(())
}

async fn target(host: &str) -> Result<(), SetupError> {
    let url = url::Url::parse(host)
        .map_err(|error| SetupError::new(format!("--host {host} is no URL: {error}")))?;
    let (Some(name), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(SetupError::new(format!("--host {host} names no host and port")));
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let addresses = lookup_host((name, port)).await.map_err(|error| {
        SetupError::new(format!("the name `{name}` of --host {host} does not resolve: {error}"))
            .hint("Is the name spelled right, and does this machine reach its name server?")
    })?;
    let mut cause = "it has no address".to_owned();
    for address in addresses {
        cause = match timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => format!("{address}: {error}"),
            Err(_) => format!("{address}: no connection within {} s", CONNECT_LIMIT.as_secs()),
        };
    }
    Err(SetupError::new(format!("nobody answers at --host {host}: {cause}"))
        .hint("Is the target running, and is this its port?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn more_users_than_files_is_told_with_numbers() {
        let error = file_limit(u32::MAX).unwrap_err().to_string();
        assert!(error.contains("4294967295 users need about 4294967359 open files"), "{error}");
        assert!(error.contains("hint: Raise the limit"), "{error}");
    }

    #[tokio::test]
    async fn a_listener_is_found_and_a_closed_port_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        assert_eq!(target(&host).await, Ok(()));
        drop(listener);
        let error = target(&host).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("nobody answers at --host {host}")), "{error}");
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named() {
        let error = target("http://no-such-host.invalid:80").await.unwrap_err().to_string();
        assert!(error.starts_with("the name `no-such-host.invalid`"), "{error}");
    }
}
