//! A worker's side: one connection to the master, made anew whenever it is lost.

use std::io;
use std::mem::{Discriminant, discriminant};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::conn::{self, Ears, Out, Pulse, Queue, Waiting};
use super::link::{self, Link, Role, Room};
use super::seal::Token;
use super::wire::{self, Refusal};
use crate::cluster::limits;
use crate::cluster::transport::{Counters, Event, Identity, Sent, Socket, Tally, Transport, add};

/// The pause between two attempts: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];
/// A connection must be made by then.
const ATTEMPT: Duration = Duration::from_secs(5);
/// After such silence the master is asked for a sign of life.
const SILENCE: Duration = Duration::from_secs(5);
/// It must give one by then.
const PROOF: Duration = Duration::from_secs(10);

/// How a worker connects.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// The token that the master requires, if it does.
    pub token: Option<Token>,
}

/// Connects to the master at `host` and `port`, and again whenever the connection is lost. Never waits: the master may
/// be started later. A thread of its own does the work until the socket is closed or dropped.
///
/// # Errors
/// When there is no thread to be had.
pub fn connect(
    host: &str,
    port: u16,
    identity: &Identity,
    options: ConnectOptions,
) -> io::Result<Socket> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let (events, received) = mpsc::channel(limits::INCOMING_MESSAGES);
    let (close, closing) = oneshot::channel();
    let (queue, waiting) = conn::queue();
    let shared = Arc::new(Shared {
        queue: Mutex::new(Some(queue.clone())),
        tally: Arc::default(),
        again: Notify::new(),
        close: Mutex::new(Some(close)),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let dealer = Dealer {
        shared: Arc::clone(&shared),
        host: bare.to_owned(),
        port,
        role: Role::Worker(identity.clone()),
        token: options.token,
        events,
        queue,
        connected: AtomicBool::new(false),
        told: Mutex::default(),
    };
    thread::Builder::new().name("cluster".to_owned()).spawn(move || {
        runtime.block_on(dealer.run(waiting, closing));
        // A name server that does not answer must not hold up the end of the process.
        runtime.shutdown_background();
    })?;
    Ok(Socket::new(shared, received))
}

/// What sending needs, from any thread.
#[derive(Debug)]
struct Shared {
    /// None once the socket is closed.
    queue: Mutex<Option<Queue>>,
    tally: Arc<Tally>,
    /// Asks for another connection.
    again: Notify,
    close: Mutex<Option<oneshot::Sender<Duration>>>,
}

impl Transport for Shared {
    fn send(&self, _to: &Identity, payload: Vec<u8>) -> Sent {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = queue.as_ref().map_or(Sent::Closed, |queue| queue.push(Out::Message(payload)));
        if sent != Sent::Queued {
            add(&self.tally.dropped, 1);
        }
        sent
    }

    fn disconnect(&self, _peer: &Identity) {
        self.again.notify_waiters();
    }

    fn counters(&self) -> Counters {
        self.tally.counters()
    }

    fn close(&self, linger: Duration) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(close) = self.close.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A thread that is gone has closed already.
            let _ = close.send(linger);
        }
    }
}

/// What the thread has.
struct Dealer {
    shared: Arc<Shared>,
    host: String,
    port: u16,
    role: Role,
    token: Option<Token>,
    events: Sender<Event>,
    queue: Queue,
    connected: AtomicBool,
    /// What was logged last, so that it is said once and not with every attempt.
    told: Mutex<Option<Discriminant<Refusal>>>,
}

impl Dealer {
    async fn run(self, mut waiting: Waiting, closing: oneshot::Receiver<Duration>) {
        {
            let mut kept = pin!(self.keep(&mut waiting));
            let linger = tokio::select! {
                linger = closing => linger.unwrap_or_default(),
                () = &mut kept => Duration::ZERO,
            };
            if self.connected.load(Ordering::Relaxed) || !self.queue.is_empty() {
                self.queue.end();
                // What is not sent by then is counted as lost.
                let _ = timeout(linger, kept).await;
            }
        }
        add(&self.shared.tally.lost, waiting.left());
    }

    /// Connects over and over, until a connection has come to its intended end.
    async fn keep(&self, waiting: &mut Waiting) {
        let [first, longest] = PAUSES;
        let mut pause = first;
        loop {
            let began = Instant::now();
            match self.open().await {
                Ok(link) => match self.serve(link, waiting).await {
                    Ok(()) => return,
                    Err(refusal) => self.tell("lost", &refusal),
                },
                Err(refusal) => self.tell("have no", &refusal),
            }
            // A connection that held is made again at once; one that is refused every time is not.
            pause = if began.elapsed() > longest { first } else { longest.min(pause * 2) };
            sleep(pause).await;
        }
    }

    async fn open(&self) -> Result<Link, Refusal> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let late = || Refusal::Io(io::ErrorKind::TimedOut.into());
        let stream = timeout(ATTEMPT, connecting).await.map_err(|_| late())??;
        super::prepare(&stream)?;
        // What waits to be handled is the master's alone, so it needs no share.
        let met = link::introduce(stream, &self.role, self.token.as_ref(), Room::new());
        timeout(limits::INTRODUCTION, met).await.unwrap_or(Err(Refusal::Silent))
    }

    /// One connection. An error when it is lost.
    async fn serve(&self, link: Link, waiting: &mut Waiting) -> Result<(), Refusal> {
        let Link { mut reader, mut writer, peer, pings } = link;
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let again = self.shared.again.notified();
        add(&self.shared.tally.connections, 1);
        let ears = Ears {
            peer: peer.clone(),
            events: self.events.clone(),
            queue: self.queue.clone(),
            pulse: Arc::new(Pulse::default()),
            tally: Arc::clone(&self.shared.tally),
        };
        self.connected.store(true, Ordering::Relaxed);
        // A receiver that is gone has closed the socket.
        let _ = self.events.send(Event::Connected(peer.clone())).await;
        let mut reading = pin!(conn::read(&mut reader, &ears));
        let ended = tokio::select! {
            refusal = &mut reading => Err(refusal),
            written = conn::write(&mut writer, waiting, &self.shared.tally) => {
                if written.is_ok() {
                    // All is said; the master hangs up when it has heard it.
                    reading.await;
                }
                written
            }
            () = watch(&ears), if pings => Err(Refusal::Dead),
            () = again => Err(Refusal::Closed),
        };
        self.connected.store(false, Ordering::Relaxed);
        let _ = self.events.send(Event::Disconnected(peer)).await;
        ended
    }

    fn tell(&self, what: &str, refusal: &Refusal) {
        let kind = Some(discriminant(refusal));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Self { host, port, .. } = self;
        if std::mem::replace(&mut *told, kind) == kind {
            debug!("{what} connection to the master at {host}:{port}: {refusal}");
        } else {
            warn!("{what} connection to the master at {host}:{port}: {refusal}; trying again");
        }
    }
}

/// Ready when the master gives no sign of life although it was asked for one: its machine is gone, or cut off.
async fn watch(ears: &Ears) {
    loop {
        if timeout(SILENCE, ears.pulse.next()).await.is_ok() {
            continue;
        }
        ears.queue.push(Out::Command(wire::ping()));
        if timeout(PROOF, ears.pulse.next()).await.is_err() {
            return;
        }
    }
}
