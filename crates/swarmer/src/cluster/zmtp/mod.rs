//! ZMTP 3.1 over TCP, as much of it as Locust uses: a ROUTER for the master, a DEALER for each worker, NULL as mechanism.
//!
//! The protocol's first document is ZeroMQ's RFC 37. What is beyond it here: a peer must introduce itself in time, messages
//! have a limit, queues are bounded, and with a [`Token`] everything is encrypted (`seal`). Multi-part messages, which no
//! Locust sends, are read as Locust does: their first part counts.
//!
//! Differences to libzmq that one can see: a second peer of an identity in use is hung up on instead of left unheard; before
//! that, the first one is asked for a sign of life (PING), and if it gives none for two seconds, the second takes its place.

mod conn;
mod dealer;
mod link;
mod router;
mod seal;
mod wire;

pub use dealer::{ConnectOptions, connect};
pub use router::{BindOptions, bind};
pub use seal::{Token, WeakToken};

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Small messages at once, and a peer whose machine is gone is noticed.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10));
    SockRef::from(stream).set_tcp_keepalive(&probes)
}
