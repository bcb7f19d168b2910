//! A transport in memory, for tests: what goes wrong in a network goes wrong here on demand and from a seed.
//!
//! Delays use tokio's clock, so that they pass at once in a test that pauses it; with delays, sockets must be used within
//! a tokio runtime.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender, error::TrySendError};
use tokio::time::{Instant, sleep_until};

use super::limits;
use super::transport::{Counters, Event, Identity, Payload, Sent, Socket, Tally, Transport, add};

/// What goes wrong, on all connections of a [`Network`]. By default nothing does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    /// How long a message is on its way. Order is kept.
    pub delay: Range<Duration>,
    /// Share of messages that never arrive, from 0 to 1.
    pub drop: f64,
    /// Share of messages that arrive twice.
    pub duplicate: f64,
    /// Share of messages that are held up by another such delay, so that later ones overtake them.
    pub reorder: f64,
}

/// One master and any number of workers, joined by nothing but memory.
#[derive(Debug, Clone)]
pub struct Network(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    faults: Faults,
    random: StdRng,
    master: Option<End>,
    /// Bindings so far: an old master's end must not hear what is meant for the new one.
    masters: u64,
    workers: HashMap<Identity, Worker>,
}

/// Where events for one socket go, and what it counts.
#[derive(Debug, Clone)]
struct End {
    events: Sender<Event>,
    tally: Arc<Tally>,
}

#[derive(Debug)]
struct Worker {
    end: End,
    partitioned: bool,
    to_master: Link,
    from_master: Link,
}

/// One direction of a connection: messages with the moment at which they arrive.
#[derive(Debug, Clone, Default)]
struct Link {
    /// Runs once there was a delay.
    queue: Option<UnboundedSender<(Instant, Event)>>,
    last: Option<Instant>,
}

impl Network {
    /// A network whose random decisions follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            faults: Faults::default(),
            random: StdRng::seed_from_u64(seed),
            master: None,
            masters: 0,
            workers: HashMap::new(),
        })))
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// The master's socket. A second call replaces the first master, as a restart on the same port does.
    pub fn bind(&self) -> Socket {
        let (end, socket) = self.socket(None);
        let mut state = self.state();
        if let Some(old) = state.master.replace(end.clone()) {
            state.gone_for_workers();
            drop(old);
        }
        state.masters += 1;
        let workers = state.workers.iter().filter(|(_, worker)| !worker.partitioned);
        for (identity, worker) in workers {
            end.tell(Event::Connected(identity.clone()));
            worker.end.tell(Event::Connected(Identity::master()));
        }
        socket
    }

    /// A worker's socket; none when a worker of this identity is there already.
    pub fn connect(&self, identity: &Identity) -> Option<Socket> {
        let (end, socket) = self.socket(Some(identity.clone()));
        let mut state = self.state();
        if state.workers.contains_key(identity) {
            // Closing it takes the lock.
            drop(state);
            return None;
        }
        if let Some(master) = &state.master {
            master.tell(Event::Connected(identity.clone()));
            end.tell(Event::Connected(Identity::master()));
        }
        let (to_master, from_master) = (Link::default(), Link::default());
        let worker = Worker { end, partitioned: false, to_master, from_master };
        state.workers.insert(identity.clone(), worker);
        Some(socket)
    }

    /// While partitioned, a worker's messages vanish in both directions, and neither side is told.
    pub fn partition(&self, identity: &Identity, partitioned: bool) {
        if let Some(worker) = self.state().workers.get_mut(identity) {
            worker.partitioned = partitioned;
        }
    }

    /// Breaks a worker's connection, which both sides see, and joins it again at once. What is on its way is lost.
    pub fn reset(&self, identity: &Identity) {
        let mut state = self.state();
        let master = state.master.clone();
        let Some(worker) = state.workers.get_mut(identity) else { return };
        (worker.to_master, worker.from_master) = Default::default();
        for (end, peer) in [(master.as_ref(), identity), (Some(&worker.end), &Identity::master())] {
            let Some(end) = end else { continue };
            end.tell(Event::Disconnected(peer.clone()));
            end.tell(Event::Connected(peer.clone()));
        }
    }

    fn socket(&self, identity: Option<Identity>) -> (End, Socket) {
        let (events, receiver) = mpsc::channel(limits::INCOMING_MESSAGES);
        let end = End { events, tally: Arc::default() };
        let number = self.state().masters + 1;
        let side = identity.map_or(Side::Master(number), Side::Worker);
        let place = Place { network: self.clone(), side, tally: Arc::clone(&end.tally) };
        (end, Socket::new(Arc::new(place), receiver))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn gone_for_workers(&mut self) {
        for worker in self.workers.values_mut() {
            (worker.to_master, worker.from_master) = Default::default();
            worker.end.tell(Event::Disconnected(Identity::master()));
        }
    }

    /// Sends a message between the master and a worker.
    fn pass(&mut self, worker: &Identity, up: bool, payload: &[u8]) -> Sent {
        let Some(master) = self.master.clone() else { return Sent::Queued };
        let Some(at) = self.workers.get_mut(worker) else { return Sent::Unknown };
        if at.partitioned || self.random.random_bool(self.faults.drop) {
            return Sent::Queued;
        }
        let from = if up { worker.clone() } else { Identity::master() };
        let (link, end) =
            if up { (&mut at.to_master, &master) } else { (&mut at.from_master, &at.end) };
        let copies = 1 + u32::from(self.random.random_bool(self.faults.duplicate));
        for _ in 0..copies {
            let payload = Payload::new(payload.to_vec(), None);
            let event = Event::Message { from: from.clone(), payload };
            link.pass(event, end, &self.faults, &mut self.random);
        }
        Sent::Queued
    }
}

impl Link {
    fn pass(&mut self, event: Event, end: &End, faults: &Faults, random: &mut StdRng) {
        let mut delay = || match &faults.delay {
            none if none.is_empty() => none.start,
            range => random.random_range(range.clone()),
        };
        if self.queue.is_none() && faults.delay.end.is_zero() && faults.delay.start.is_zero() {
            end.tell(event);
            return;
        }
        let due = Instant::now() + delay();
        let held = delay();
        if random.random_bool(faults.reorder) {
            let end = end.clone();
            tokio::spawn(async move {
                sleep_until(due + held).await;
                end.tell(event);
            });
            return;
        }
        let due = self.last.map_or(due, |last| last.max(due));
        self.last = Some(due);
        let queue = self.queue.get_or_insert_with(|| {
            let (queue, arriving) = mpsc::unbounded_channel();
            tokio::spawn(deliver(arriving, end.clone()));
            queue
        });
        // The task ends only with the queue.
        let _ = queue.send((due, event));
    }
}

async fn deliver(mut arriving: UnboundedReceiver<(Instant, Event)>, end: End) {
    while let Some((due, event)) = arriving.recv().await {
        sleep_until(due).await;
        end.tell(event);
    }
}

impl End {
    fn tell(&self, event: Event) {
        let bytes = match &event {
            Event::Message { payload, .. } => Some(payload.len() as u64),
            _ => None,
        };
        match (self.events.try_send(event), bytes) {
            (Ok(()), Some(bytes)) => {
                add(&self.tally.received, 1);
                add(&self.tally.received_bytes, bytes);
            }
            (Err(TrySendError::Full(_)), _) => add(&self.tally.lost, 1),
            _ => {}
        }
    }
}

/// The sending side of one socket.
#[derive(Debug)]
struct Place {
    network: Network,
    side: Side,
    tally: Arc<Tally>,
}

#[derive(Debug)]
enum Side {
    /// Which binding it was.
    Master(u64),
    Worker(Identity),
}

impl Transport for Place {
    fn send(&self, to: &Identity, payload: Vec<u8>) -> Sent {
        if payload.len() > limits::FRAME {
            add(&self.tally.dropped, 1);
            return Sent::TooLarge;
        }
        let mut state = self.network.state();
        let sent = match &self.side {
            Side::Master(number) if *number != state.masters || state.master.is_none() => {
                Sent::Closed
            }
            Side::Master(_) => state.pass(to, false, &payload),
            Side::Worker(identity) if state.workers.contains_key(identity) => {
                state.pass(&identity.clone(), true, &payload)
            }
            Side::Worker(_) => Sent::Closed,
        };
        match sent {
            Sent::Queued => {
                add(&self.tally.sent, 1);
                add(&self.tally.sent_bytes, payload.len() as u64);
            }
            Sent::Unknown => add(&self.tally.unknown, 1),
            _ => add(&self.tally.dropped, 1),
        }
        sent
    }

    fn disconnect(&self, peer: &Identity) {
        match &self.side {
            Side::Master(_) => self.network.reset(peer),
            Side::Worker(identity) => self.network.reset(identity),
        }
    }

    fn counters(&self) -> Counters {
        self.tally.counters()
    }

    fn close(&self, _linger: Duration) {
        let mut state = self.network.state();
        match &self.side {
            Side::Master(number) => {
                if *number == state.masters && state.master.take().is_some() {
                    state.gone_for_workers();
                }
            }
            Side::Worker(identity) => {
                // A later socket of the same identity is not this one's to close.
                let own = |worker: &Worker| Arc::ptr_eq(&worker.end.tally, &self.tally);
                if state.workers.get(identity).is_some_and(own) {
                    state.workers.remove(identity);
                    if let Some(master) = &state.master {
                        master.tell(Event::Disconnected(identity.clone()));
                    }
                }
            }
        }
    }
}
