//! The target: may it be loaded, is it found, does it answer?

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::Finding;
use crate::http::AllowList;
use crate::swarm::setup::SetupError;

/// How long the target may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Sees to it that somebody listens at the target, and that it may be sent load to.
///
/// # Errors
/// When it is not allowed, its name does not resolve, or nobody accepts a connection there.
pub(super) async fn answers(host: &str, allowed: &AllowList) -> Result<Finding, SetupError> {
    let url = url::Url::parse(host)
        .map_err(|error| SetupError::new(format!("--host {host} is no URL: {error}")))?;
    let (Some(name), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(SetupError::new(format!("--host {host} names no host and port")));
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if !allowed.permits(name, port) {
        return Err(SetupError::new(format!(
            "--host {host} is not among the hosts of --allow-host"
        ))
        .hint("Name it there if you may send load to it."));
    }
    let addresses = lookup_host((name, port)).await.map_err(|error| {
        SetupError::new(format!("the name `{name}` of --host {host} does not resolve: {error}"))
            .hint("Is the name spelled right, and does this machine reach its name server?")
    })?;
    let mut cause = "it has no address".to_owned();
    for address in addresses {
        cause = match timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(found(host, address, allowed)),
            Ok(Err(error)) => format!("{address}: {error}"),
            Err(_) => format!("{address}: no connection within {} s", CONNECT_LIMIT.as_secs()),
        };
    }
    Err(SetupError::new(format!("nobody answers at --host {host}: {cause}"))
        .hint("Is the target running, and is this its port?"))
}

/// Load on a machine that everybody can reach is often a slip of the keyboard; a list of hosts says that it is not.
fn found(host: &str, address: SocketAddr, allowed: &AllowList) -> Finding {
    if allowed.is_empty() && is_public(address.ip()) {
        return Finding::warning(format!(
            "{host} has the public address {}: be sure that you may send load to it (--allow-host says that you are)",
            address.ip()
        ));
    }
    Finding::fine(format!("{host} is answered by {address}"))
}

/// Whether an address is neither of this machine nor of a private network.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified())
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public(address.into()),
            None => {
                !(address.is_loopback()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
                    || address.is_unspecified())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[tokio::test]
    async fn a_listener_is_found_and_a_closed_port_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        assert_eq!(
            answers(&host, &AllowList::default()).await,
            Ok(Finding::fine(format!("{host} is answered by {}", listener.local_addr().unwrap())))
        );
        drop(listener);
        let error = answers(&host, &AllowList::default()).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("nobody answers at --host {host}")), "{error}");
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named() {
        let error = answers("http://no-such-host.invalid:80", &AllowList::default())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("the name `no-such-host.invalid`"), "{error}");
    }

    #[tokio::test]
    async fn a_host_that_is_not_allowed_is_not_even_looked_up() {
        let allowed = AllowList::new(["localhost"]).unwrap();
        let error = answers("http://no-such-host.invalid", &allowed).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "--host http://no-such-host.invalid is not among the hosts of --allow-host\n  \
             hint: Name it there if you may send load to it."
        );
    }

    #[test]
    fn only_public_addresses_are_public() {
        for address in
            ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.1.1", "::1", "fd00::1", "fe80::1"]
        {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "2001:4860:4860::8888", "172.32.0.1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        let public = "8.8.8.8:80".parse().unwrap();
        let listed = AllowList::new(["dns.example"]).unwrap();
        assert!(matches!(
            found("http://dns.example", public, &AllowList::default()),
            Finding::Warning(_)
        ));
        assert!(matches!(found("http://dns.example", public, &listed), Finding::Fine(_)));
    }
}
