//! The fleet of a master: workers over the network, of Locust's kind and of ours.
//!
//! Locust's workers are told how many users of each class they are to run, ours which users and when exactly
//! ([`super::letters`]). What both say becomes [`Event`]s, so that the control plane does not know the difference.

mod absent;
mod budget;
mod ceiling;
mod fleet;
mod hearing;
mod journal;
mod peer;
mod sharing;
mod telling;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::warn;

use super::driver::{Departure, Event};
use super::letters::{Down, Inbox, Terms};
use crate::clock::{self, Anchor};
use crate::cluster::{
    Custom, Envelope, Extra, Identity, Message, Socket, ToWorker, UserClassEdit, Value, entry,
};
use crate::events::{Hooks, Outgoing};
use crate::logging::RUNNERS;
use absent::Absent;
use budget::Budget;
use ceiling::Ceiling;
use journal::Journal;
pub(crate) use journal::{LeftRun, left_run};
use peer::{Kind, Peer};
use sharing::Opened;

/// A worker that was silent for so long is missing: 4 to 5 seconds in Locust.
const SILENCE: Duration = Duration::from_millis(4_500);

/// A worker that was silent for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(65);

/// At the end workers are told so within this time, as far as they can be reached.
const LINGER: Duration = Duration::from_secs(1);

/// Messages that are heard in one go: what they bring waits in memory until the control plane has had its turn.
const AT_ONCE: usize = 16;

/// How often workers are looked after.
const TICK: Duration = Duration::from_millis(100);

/// What a master needs to know of the workload and the options.
pub(crate) struct Command {
    pub(crate) anchor: Anchor,
    pub(crate) hooks: Arc<Hooks>,
    /// Keep Locust's buckets beside the fine histograms.
    pub(crate) coarse: bool,
    pub(crate) journal: Option<PathBuf>,
    /// Changes to classes that every worker is told of.
    pub(crate) edits: Vec<UserClassEdit>,
}

/// The workers, seen from the control plane.
pub(crate) struct Workers {
    socket: Socket,
    command: Command,
    /// Names of the classes, by number.
    classes: Vec<String>,
    /// What holds for the next run; its number and shares are filled in.
    terms: Terms,
    /// The options that travel to Locust's workers, by Python's names.
    options: Vec<(String, Value)>,
    /// What the workload wants to send.
    outgoing: Option<UnboundedReceiver<Outgoing>>,
    /// A number of this process's own.
    boot: u64,
    /// By identity: those that are known, present or not.
    peers: BTreeMap<Identity, Peer>,
    nodes: Vec<Node>,
    queue: VecDeque<Event>,
    tick: Interval,
    /// The run that goes on, until it is stopped.
    run: Option<Terms>,
    /// The number of the run that is being stopped.
    stopping: Option<u64>,
    /// Its journeys, in the open model.
    opened: Option<Opened>,
    /// Its ceiling on requests per second.
    ceiling: Option<Ceiling>,
    /// Its tasks, where their number is limited in the closed model.
    budget: Option<Budget>,
    /// The number of the last round of a run, as long as reports are missing.
    last_round: Option<u64>,
    next_index: u64,
    journal: Option<Journal>,
    /// How far the letters of workers had come with the master before, and the requests in them.
    letters: BTreeMap<String, (Inbox, u64)>,
    /// Workers of a run that was taken up which have not come back.
    absent: Absent,
    /// Workers of which a note tells that they were lost, and that may come back to this master for the first time.
    lost_before: BTreeSet<String>,
}

/// A worker's time from its coming to its going.
struct Node {
    identity: Identity,
    present: bool,
}

impl Workers {
    /// `classes`: the names of the user classes.
    pub(crate) fn new(socket: Socket, command: Command, classes: Vec<String>) -> Self {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            outgoing: command.hooks.post.outgoing(),
            journal: command.journal.clone().map(Journal::new),
            letters: BTreeMap::new(),
            absent: Absent::default(),
            lost_before: BTreeSet::new(),
            socket,
            command,
            classes,
            terms: Terms::default(),
            options: Vec::new(),
            boot: rand::random(),
            peers: BTreeMap::new(),
            nodes: Vec::new(),
            queue: VecDeque::new(),
            tick,
            run: None,
            stopping: None,
            opened: None,
            ceiling: None,
            budget: None,
            last_round: None,
            next_index: 0,
        }
    }

    fn say(&self, to: &Identity, message: ToWorker, extra: Extra) {
        // What cannot be sent is missed by its absence: the worker falls silent, or the letter is sent again.
        let _ = self.socket.send(to, Envelope::new(message, to.as_str()).with(extra).encode());
    }

    fn write(&mut self, to: &Identity, letter: &Down) {
        let now = clock::now();
        let Some(Kind::Ours { outbox, .. }) = self.peers.get_mut(to).map(|peer| &mut peer.kind)
        else {
            return;
        };
        let custom = outbox.write(letter, now);
        self.say(to, ToWorker::Custom(custom), Extra::new());
    }

    /// Writes to every present worker of our kind.
    fn write_all(&mut self, letter: &Down) {
        for identity in self.of_kind(|kind| matches!(kind, Kind::Ours { .. })) {
            self.write(&identity, letter);
        }
    }

    fn of_kind(&self, wanted: impl Fn(&Kind) -> bool) -> Vec<Identity> {
        let present = self.peers.iter().filter(|(_, peer)| peer.node.is_some());
        present
            .filter(|(_, peer)| wanted(&peer.kind))
            .map(|(identity, _)| identity.clone())
            .collect()
    }

    fn identity(&self, node: usize) -> Option<Identity> {
        self.nodes.get(node).filter(|node| node.present).map(|node| node.identity.clone())
    }

    /// Users by class index, in the order the control plane knows.
    fn by_class(&self, counts: &BTreeMap<String, u64>) -> Vec<u32> {
        let count = |class: &String| counts.get(class).copied().unwrap_or_default();
        let classes = self.classes.iter();
        classes.map(|class| u32::try_from(count(class)).unwrap_or(u32::MAX)).collect()
    }

    /// Takes a worker into the fleet.
    fn join(&mut self, identity: &Identity, users: Vec<(usize, u64)>) {
        let node = self.nodes.len();
        let Some(peer) = self.peers.get_mut(identity) else { return };
        let (recovered, is_ours) = (peer.was_lost, peer.is_ours());
        peer.begin_node(node, self.classes.len());
        let early = std::mem::take(&mut peer.early);
        let running = peer.users.clone();
        self.nodes.push(Node { identity: identity.clone(), present: true });
        self.absent.has_come(identity);
        self.write_down_came(identity, is_ours, recovered);
        let name = identity.as_str().to_owned();
        self.queue.push_back(Event::Joined { node, name, users, recovered });
        for delta in early {
            let (delta, users) = (Box::new(delta), running.clone());
            self.queue.push_back(Event::Report { node, number: 0, delta, users });
        }
        if is_ours {
            self.share_soon();
        } else if let Some(terms) = self.run.clone() {
            self.tell_unlimited(identity);
            self.tell_uncounted(identity, &terms);
        }
    }

    /// Takes a worker out of the fleet; the peer stays known.
    fn part(&mut self, identity: &Identity, mut why: String, news: Departure) {
        let Some(peer) = self.peers.get_mut(identity) else { return };
        let Some(node) = peer.node.take() else { return };
        peer.end_node(news);
        self.nodes[node].present = false;
        if peer.is_ours() {
            if news == Departure::Lost {
                why.extend(self.journeys_left(identity));
                why.extend(self.tasks_left(identity));
            }
            self.tasks_gone(identity);
            // Said first, so that the run does not end with the worker that served last.
            self.share_anew();
        }
        self.write_down_gone(identity.as_str(), news, &why);
        self.queue.push_back(Event::Left { node, why, news });
    }

    /// What people are told of a worker that fell silent.
    fn silence(identity: &Identity, peer: &Peer) -> String {
        let unknown = match peer.unreported() {
            Some(0) => "all that it had announced is counted; what it did since its last sign of life is unknown".to_owned(),
            Some(requests) => format!("{requests} requests that it had announced, and what came after, are not counted"),
            None => {
                let since = clock::now().saturating_duration_since(peer.last_report).as_secs_f64();
                format!("what it did since its last report, {since:.1} s ago, is not counted")
            }
        };
        format!("Worker {identity} went missing: {unknown}")
    }

    /// Hears what has come meanwhile; whether that was all.
    fn catch_up(&mut self) -> bool {
        for _ in 0..AT_ONCE {
            match self.socket.try_receive() {
                Some(event) => self.hear(event),
                None => return true,
            }
        }
        false
    }

    /// What is to be done ten times a second.
    fn look_after(&mut self) {
        // A master that is behind must not take for silent whom it has not listened to.
        let heard_all = self.catch_up();
        let now = clock::now();
        let silent = |peer: &Peer| now.saturating_duration_since(peer.last_heard);
        let missing: Vec<Identity> = self
            .peers
            .iter()
            .filter(|(_, peer)| heard_all && peer.node.is_some() && silent(peer) > SILENCE)
            .map(|(identity, _)| identity.clone())
            .collect();
        for identity in missing {
            warn!(target: RUNNERS, "Worker {identity} failed to send heartbeat, setting state to missing.");
            let why = Self::silence(&identity, &self.peers[&identity]);
            self.part(&identity, why, Departure::Lost);
        }
        // One that may come back with what it has to say is known longer.
        self.peers
            .retain(|_, peer| peer.node.is_some() || silent(peer) <= FORGOTTEN || peer.is_ours());
        self.share_if_due(now);
        self.look_after_rate(now);
        self.look_after_tasks(now);
        self.look_after_absent(now);
        let known: Vec<Identity> = self.peers.keys().cloned().collect();
        for identity in known {
            self.flush(&identity, now);
            let Some(peer) = self.peers.get_mut(&identity) else { continue };
            let overdue = match &mut peer.kind {
                Kind::Ours { outbox, .. } if peer.node.is_some() || peer.is_new => {
                    outbox.overdue(now)
                }
                _ => Vec::new(),
            };
            for letter in overdue {
                self.say(&identity, ToWorker::Custom(letter), Extra::new());
            }
        }
    }

    /// Sends a message of the workload's own to a worker, or to all.
    fn send_out(&self, outgoing: &Outgoing) {
        let Outgoing { to, name, data } = outgoing;
        for (identity, _) in self.peers.iter().filter(|(_, peer)| peer.node.is_some()) {
            if to.as_ref().is_none_or(|to| to == identity.as_str()) {
                let custom = Custom { name: name.clone(), data: data.clone() };
                self.say(identity, ToWorker::Custom(custom), Extra::new());
            }
        }
    }

    fn seconds(&self, at: Instant) -> f64 {
        self.command.anchor.epoch_seconds(at)
    }

    /// The run's terms as they are for a worker.
    fn terms_for(&self, terms: &Terms, worker: &Identity) -> Terms {
        let (iterations, max_rate) = (self.tasks_of(worker), self.rate_of(worker));
        Terms { iterations, max_rate, ..terms.clone() }
    }

    fn extra(&self, echo: Option<f64>) -> Extra {
        let extra = Extra::new()
            .with(entry::VERSION, 1_u64)
            .with(entry::BOOT, self.boot)
            .with(entry::SENT, self.seconds(clock::now()));
        match echo {
            Some(echo) => extra.with(entry::ECHO, echo),
            None => extra,
        }
    }
}

fn as_u32(class: usize) -> u32 {
    u32::try_from(class).unwrap_or(u32::MAX)
}

/// The next message that the workload sends.
async fn next_outgoing(outgoing: Option<&mut UnboundedReceiver<Outgoing>>) -> Option<Outgoing> {
    match outgoing {
        Some(outgoing) => outgoing.recv().await,
        None => None,
    }
}

/// JSON as MessagePack.
pub(crate) fn value_of(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Nil,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => Value::Unsigned(whole),
            (None, Some(whole)) => Value::Signed(whole),
            (None, None) => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(list) => Value::List(list.iter().map(value_of).collect()),
        Json::Object(map) => {
            map.iter().map(|(name, value)| (name.as_str(), value_of(value))).collect()
        }
    }
}

/// A message with nothing in addition.
fn bare<M: Message>(message: M, node: &Identity) -> Envelope<M> {
    Envelope::new(message, node.as_str())
}

#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;
