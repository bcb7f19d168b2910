//! Making connections: name lookup, TCP to whichever address answers, TLS.
//!
//! All of this is rare beside requests, so it lives in boxed futures and costs waiting users nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::arrival;
use super::conn::Stream;
use super::error::{Error, ErrorKind};
use super::origin::Origin;
use super::timings::ConnectTimings;
use super::tls;
use crate::clock;

/// How long an address may keep silent before the next one is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Opens a connection to `origin`; `tls` is given if the origin is secure.
pub(super) async fn connect(
    origin: &Origin,
    tls: Option<Arc<ClientConfig>>,
) -> Result<(Stream, ConnectTimings), Error> {
    let started = clock::now();
    let mut timings = ConnectTimings::default();
    let addresses = origin.addresses.get().await?;
    let looked_up = clock::now();
    timings.lookup = looked_up - started;
    let stream = tcp(origin, &addresses).await?;
    // The request is one write; waiting for more would only delay it. A socket that refuses the option still works.
    let _ = stream.set_nodelay(true);
    arrival::note(&stream);
    let connected = clock::now();
    timings.tcp = connected - looked_up;
    let stream = match tls {
        None => Stream::Plain(stream),
        Some(config) => {
            let stream = handshake(origin, config, stream).await?;
            timings.tls = Some(clock::now() - connected);
            Stream::Tls(Box::new(stream))
        }
    };
    timings.total = clock::now() - started;
    Ok((stream, timings))
}

async fn tcp(origin: &Origin, addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let failed = |error: &io::Error| Error::os(ErrorKind::Connect, error);
    if let [address] = addresses {
        return TcpStream::connect(address).await.map_err(|error| failed(&error));
    }
    let mut untried = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let attempt = async |address| (address, TcpStream::connect(address).await);
    attempts.extend(untried.next().map(attempt));
    let mut dead = Vec::new();
    // The first error is the preferred address's, and the one worth telling.
    let mut first_error = None;
    loop {
        tokio::select! {
            biased;
            outcome = attempts.next() => match outcome {
                Some((_, Ok(stream))) => {
                    for address in dead {
                        origin.addresses.leave_out(address);
                    }
                    return Ok(stream);
                }
                Some((address, Err(error))) => {
                    dead.push(address);
                    first_error.get_or_insert(error);
                    attempts.extend(untried.next().map(attempt));
                }
                None => {
                    let none = || Error::new(ErrorKind::Resolve, "host without an address");
                    return Err(first_error.as_ref().map_or_else(none, failed));
                }
            },
            () = tokio::time::sleep(HEAD_START), if untried.len() > 0 => {
                attempts.extend(untried.next().map(attempt));
            }
        }
    }
}

async fn handshake(
    origin: &Origin,
    config: Arc<ClientConfig>,
    stream: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
    let name = ServerName::try_from(&*origin.host)
        .map_err(|_| Error::invalid("host is not a name that a certificate could be for"))?
        .to_owned();
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Error::new(ErrorKind::Tls, "connection closed during the TLS handshake");
        }
        tls::error(ErrorKind::Tls, &error)
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::http::{Config, Shared};

    async fn dead() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn the_first_address_that_answers_serves() {
        let shared = Shared::new(Config::default());
        let base = shared.base_url("http://many.test").unwrap();
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = alive.local_addr().map(|address| (alive, address)).unwrap();
        let addresses = [dead().await, dead().await, alive.1];
        let origin = &base.0.origin;
        origin.addresses.learn(Ok(addresses.to_vec()));
        let stream = tcp(origin, &addresses).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive.1);
        // The dead ones are not tried again for the time being.
        assert_eq!(origin.addresses.get().await.unwrap(), [alive.1]);
        let refused = tcp(origin, &addresses[..2]).await.unwrap_err();
        assert_eq!(refused.repr(), "ConnectionRefusedError(111, 'Connection refused')");
        let nowhere = tcp(origin, &[]).await.unwrap_err();
        assert_eq!(nowhere.kind(), ErrorKind::Resolve);
    }
}
