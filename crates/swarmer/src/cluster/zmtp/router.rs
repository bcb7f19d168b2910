//! The master's side: listens, and keeps a connection to each worker.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::{Notify, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::conn::{self, Ears, Out, Pulse, Queue};
use super::link::{self, Link, Role, Room};
use super::seal::Token;
use super::wire::{self, Refusal};
use crate::cluster::limits;
use crate::cluster::transport::{Counters, Event, Identity, Sent, Socket, Tally, Transport, add};

/// How long a peer whose identity somebody else claims may take to show that it is alive.
const PROOF: Duration = Duration::from_secs(2);
/// Connections that the operating system keeps until they are taken.
const BACKLOG: i32 = 1024;
/// A stranger's refusal is logged once in this time; it may try ten times a second.
const QUIET: Duration = Duration::from_mins(10);
/// Addresses whose refusals are remembered.
const REMEMBERED: usize = 1_000;

/// How a master listens.
#[derive(Debug, Clone, Default)]
pub struct BindOptions {
    /// If there is one, only peers that have it too are taken.
    pub token: Option<Token>,
}

/// Listens for workers at `host` (`*` for every address, IPv6 and IPv4) and `port` (0 for any that is free).
/// Gives the address too. A thread of its own does the work until the socket is closed or dropped.
///
/// # Errors
/// When the host is unknown, the port is taken, or there is no thread to be had.
pub fn bind(host: &str, port: u16, options: BindOptions) -> io::Result<(Socket, SocketAddr)> {
    let listener = listen(host, port)?;
    let address = listener.local_addr()?;
    let (events, received) = mpsc::channel(limits::INCOMING_MESSAGES);
    let (close, closing) = oneshot::channel();
    let shared = Arc::new(Shared {
        peers: Mutex::default(),
        tally: Arc::default(),
        close: Mutex::new(Some(close)),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let router = Router {
        shared: Arc::clone(&shared),
        events,
        token: options.token.map(Arc::new),
        room: Room::new(),
        told: Mutex::default(),
    };
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    thread::Builder::new().name("cluster".to_owned()).spawn(move || {
        runtime.block_on(router.run(listener, closing));
        runtime.shutdown_background();
    })?;
    Ok((Socket::new(shared, received), address))
}

fn listen(host: &str, port: u16) -> io::Result<std::net::TcpListener> {
    if host == "*" {
        // A machine without IPv6 has IPv4 alone.
        return open((Ipv6Addr::UNSPECIFIED, port).into())
            .or_else(|_| open(([0, 0, 0, 0], port).into()));
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (bare, port).to_socket_addrs()? {
        match open(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn open(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    // A master that is started again gets its port at once.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What sending needs, from any thread.
#[derive(Debug)]
struct Shared {
    peers: Mutex<HashMap<Identity, Peer>>,
    tally: Arc<Tally>,
    close: Mutex<Option<oneshot::Sender<Duration>>>,
}

/// A connected worker.
#[derive(Debug, Clone)]
struct Peer {
    queue: Queue,
    pulse: Arc<Pulse>,
    pings: bool,
    /// Breaks the connection off.
    end: Arc<Notify>,
}

impl Shared {
    fn peers(&self) -> MutexGuard<'_, HashMap<Identity, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.close.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl Transport for Shared {
    fn send(&self, to: &Identity, payload: Vec<u8>) -> Sent {
        let queue = self.peers().get(to).map(|peer| peer.queue.clone());
        let sent = match queue {
            Some(queue) => queue.push(Out::Message(payload)),
            None if self.is_closed() => Sent::Closed,
            None => Sent::Unknown,
        };
        match sent {
            Sent::Queued => {}
            Sent::Unknown => add(&self.tally.unknown, 1),
            _ => add(&self.tally.dropped, 1),
        }
        sent
    }

    fn disconnect(&self, peer: &Identity) {
        if let Some(peer) = self.peers().get(peer) {
            peer.end.notify_one();
        }
    }

    fn counters(&self) -> Counters {
        self.tally.counters()
    }

    fn close(&self, linger: Duration) {
        let close = self.close.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(close) = close {
            // A thread that is gone has closed already.
            let _ = close.send(linger);
        }
    }
}

/// What the thread has.
struct Router {
    shared: Arc<Shared>,
    events: Sender<Event>,
    token: Option<Arc<Token>>,
    room: Room,
    /// When a refusal was logged, by address and text.
    told: Mutex<HashMap<(IpAddr, String), Instant>>,
}

impl Router {
    async fn run(self, listener: TcpListener, closing: oneshot::Receiver<Duration>) {
        let router = Arc::new(self);
        let mut tasks = JoinSet::new();
        let linger = tokio::select! {
            linger = closing => linger.unwrap_or_default(),
            () = router.accept(&listener, &mut tasks) => Duration::ZERO,
        };
        drop(listener);
        router.shared.peers().drain().for_each(|(_, peer)| peer.queue.end());
        let all = async { while tasks.join_next().await.is_some() {} };
        if timeout(linger, all).await.is_err() {
            tasks.shutdown().await;
        }
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener, tasks: &mut JoinSet<()>) {
        let mut strangers = VecDeque::<(Arc<Notify>, AbortHandle)>::new();
        loop {
            let (stream, address) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Out of file descriptors, most likely: some may become free.
                        self.refuse(None, &error.into());
                        sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
                Some(_) = tasks.join_next() => continue,
            };
            strangers.retain(|(known, task)| Arc::strong_count(known) > 1 && !task.is_finished());
            if strangers.len() >= limits::STRANGERS
                && let Some((_, oldest)) = strangers.pop_front()
            {
                add(&self.shared.tally.refused, 1);
                oldest.abort();
            }
            // Held by the task until its peer has introduced itself.
            let stranger = Arc::new(Notify::new());
            let (router, held) = (Arc::clone(self), Arc::clone(&stranger));
            let task = tasks.spawn(async move { router.serve(stream, address, held).await });
            strangers.push_back((stranger, task));
        }
    }

    /// One connection, from its first byte to its last.
    async fn serve(&self, stream: TcpStream, address: SocketAddr, stranger: Arc<Notify>) {
        let met = async {
            super::prepare(&stream)?;
            let room = self.room.clone();
            link::introduce(stream, &Role::Master, self.token.as_deref(), room).await
        };
        let met = timeout(limits::INTRODUCTION, met).await.unwrap_or(Err(Refusal::Silent));
        drop(stranger);
        let link = match met {
            Ok(link) => link,
            Err(refusal) => return self.refuse(Some(address), &refusal),
        };
        let identity = link.peer.clone();
        let (queue, mut waiting) = conn::queue();
        let (pulse, end) = (Arc::new(Pulse::default()), Arc::new(Notify::new()));
        let peer = Peer {
            queue: queue.clone(),
            pulse: Arc::clone(&pulse),
            pings: link.pings,
            end: Arc::clone(&end),
        };
        let Link { mut reader, mut writer, .. } = link;
        if let Err(refusal) = self.register(&identity, peer).await {
            // It is told as far as it listens.
            let _ = writer.write(&wire::error(&refusal.to_string())).await;
            writer.finish().await;
            return self.refuse(Some(address), &refusal);
        }
        add(&self.shared.tally.connections, 1);
        let ears = Ears {
            peer: identity.clone(),
            events: self.events.clone(),
            queue,
            pulse,
            tally: Arc::clone(&self.shared.tally),
        };
        if self.events.send(Event::Connected(identity.clone())).await.is_ok() {
            let writing = async {
                writer.write(&wire::ready("ROUTER", b"")).await?;
                conn::write(&mut writer, &mut waiting, &self.shared.tally).await
            };
            let mut reading = pin!(conn::read(&mut reader, &ears));
            let ended = tokio::select! {
                refusal = &mut reading => Err(refusal),
                written = writing => match written {
                    // All is said; the worker hangs up when it has heard it.
                    Ok(()) => Err(reading.await),
                    Err(refusal) => Err(refusal),
                },
                () = end.notified() => Ok(()),
            };
            match ended {
                Ok(()) => {}
                Err(Refusal::Closed | Refusal::Io(_)) => debug!("worker {identity} hung up"),
                Err(refusal) => self.refuse(Some(address), &refusal),
            }
        }
        self.unregister(&identity, &end);
        add(&self.shared.tally.lost, waiting.left());
        // The receiver may be gone already.
        let _ = self.events.send(Event::Disconnected(identity)).await;
    }

    /// Takes a peer in, if there is no other of its identity that still shows signs of life.
    async fn register(&self, identity: &Identity, peer: Peer) -> Result<(), Refusal> {
        let known = {
            let mut peers = self.shared.peers();
            if self.shared.is_closed() {
                return Err(Refusal::Closed);
            }
            if peers.len() >= limits::PEERS {
                return Err(Refusal::Crowded);
            }
            match peers.get(identity) {
                Some(known) => known.clone(),
                None => {
                    peers.insert(identity.clone(), peer);
                    return Ok(());
                }
            }
        };
        if known.pings {
            known.queue.push(Out::Command(wire::ping()));
        }
        let alive = timeout(PROOF, known.pulse.next()).await.is_ok();
        if alive || !known.pings {
            return Err(Refusal::Taken(identity.clone()));
        }
        known.end.notify_one();
        // It says that it is gone first, then this one that it is there.
        for _ in 0..50 {
            sleep(Duration::from_millis(10)).await;
            let mut peers = self.shared.peers();
            if !peers.contains_key(identity) && !self.shared.is_closed() {
                peers.insert(identity.clone(), peer);
                return Ok(());
            }
        }
        Err(Refusal::Taken(identity.clone()))
    }

    fn unregister(&self, identity: &Identity, end: &Arc<Notify>) {
        let mut peers = self.shared.peers();
        if peers.get(identity).is_some_and(|peer| Arc::ptr_eq(&peer.end, end)) {
            peers.remove(identity);
        }
    }

    /// Counts a refusal, and says so once in a while.
    fn refuse(&self, address: Option<SocketAddr>, refusal: &Refusal) {
        if matches!(refusal, Refusal::Closed) {
            // Port scanners and health checks connect and leave.
            return;
        }
        add(&self.shared.tally.refused, 1);
        let ip = address.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |address| address.ip());
        let from = address.map_or("a worker".to_owned(), |address| address.to_string());
        let kind = std::mem::discriminant(refusal);
        let key = (ip, format!("{kind:?}"));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= REMEMBERED {
            told.retain(|_, at| at.elapsed() < QUIET);
        }
        let again = told.get(&key).is_some_and(|at| at.elapsed() < QUIET);
        if again || told.len() >= REMEMBERED {
            debug!("refused the connection from {from}: {refusal}");
            return;
        }
        told.insert(key, Instant::now());
        warn!("refused the connection from {from}: {refusal}");
    }
}
