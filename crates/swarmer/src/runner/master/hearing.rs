//! What workers say, and what comes of it.

use tracing::{debug, error, info, warn};

use super::{Kind, Peer, Workers, bare};
use crate::clock;
use crate::cluster::{
    self, Custom, Envelope, Extra, Heartbeat, Identity, Ready, Report, ToMaster, ToWorker,
    WorkerState, entry,
};
use crate::logging::{self, RUNNERS};
use crate::runner::driver::{Departure, Event};
use crate::runner::letters::{ACK, Acknowledged, Down, Figures, Held, Taken, UP, Up};
use crate::stats::Delta;

/// What Locust's master compares with its own.
const OUR_LOCUST: &str = "2.47";

impl Workers {
    pub(super) fn hear(&mut self, event: cluster::Event) {
        let (from, payload) = match event {
            cluster::Event::Message { from, payload } => (from, payload),
            cluster::Event::Connected(_) | cluster::Event::Disconnected(_) => return,
        };
        let decoded = Envelope::<ToMaster>::decode(&payload);
        drop(payload);
        match decoded {
            Ok(Envelope { message, extra, .. }) => self.take(&from, message, &extra),
            Err(problem) => {
                warn!(target: RUNNERS, "A message of worker {from} cannot be read: {problem}");
                if self.peers.contains_key(&from) {
                    self.say(&from, ToWorker::Reconnect, Extra::new());
                }
            }
        }
    }

    fn take(&mut self, from: &Identity, message: ToMaster, extra: &Extra) {
        match message {
            ToMaster::Ready(ready) => return self.greet(from, &ready),
            ToMaster::Script(_) => return self.refuse_script(from),
            ToMaster::Quit => return self.say_goodbye(from),
            _ => {}
        }
        if !self.is_known(from, &message, extra) {
            return;
        }
        match message {
            ToMaster::Heartbeat(heartbeat) => self.feel(from, &heartbeat, extra),
            ToMaster::Spawning => self.set_state(from, WorkerState::Spawning),
            ToMaster::SpawningComplete(classes, _) => {
                let users = self.by_class(&classes);
                self.has_spawned(from, users);
            }
            ToMaster::Stats(report) => self.report(from, *report),
            ToMaster::Exception(exception) => {
                let delta = Delta::of_exception(&exception.message, &exception.traceback);
                self.merge(from, delta);
            }
            ToMaster::Logs(logs) => logging::of_workers().replace(from.as_str(), logs.lines),
            ToMaster::Stopped => self.has_stopped(from),
            ToMaster::Custom(custom) => self.read(from, custom),
            ToMaster::Ready(_) | ToMaster::Script(_) | ToMaster::Quit => {}
        }
    }

    /// Whether the sender is in the fleet or on its way there. One that came back is taken in again; a stranger is told off where
    /// Locust's master does that.
    fn is_known(&mut self, from: &Identity, message: &ToMaster, extra: &Extra) -> bool {
        let Some(peer) = self.peers.get_mut(from) else {
            match message {
                ToMaster::Spawning | ToMaster::SpawningComplete(..) => {
                    self.say(from, ToWorker::Quit, Extra::new());
                }
                // One of ours that worked for another master before: it will introduce itself.
                ToMaster::Heartbeat(_) if extra.whole(entry::VERSION).is_some() => {
                    let extra = self.extra(extra.number(entry::SENT));
                    self.say(from, ToWorker::Heartbeat, extra);
                }
                ToMaster::Stats(_) => {
                    info!(target: RUNNERS, "Discarded report from unrecognized worker {from}");
                }
                _ => {}
            }
            return false;
        };
        peer.last_heard = clock::now();
        let is_away = peer.node.is_none() && !peer.is_new && !peer.leaves;
        if is_away && matches!(message, ToMaster::Heartbeat(_)) {
            info!(target: RUNNERS, "Worker {from} self-healed with heartbeat, setting state to {}.", peer.state);
            self.take_back(from);
        }
        true
    }

    /// A worker that was missing is there again.
    fn take_back(&mut self, from: &Identity) {
        self.tell_edits(from);
        let Some(peer) = self.peers.get_mut(from) else { return };
        if peer.is_ours() {
            peer.is_new = true;
            self.write(from, &Down::Who);
            return;
        }
        let works = matches!(peer.state, WorkerState::Spawning | WorkerState::Running);
        self.join(from, Vec::new());
        if self.run.is_none() && works {
            self.say(from, ToWorker::Stop, Extra::new());
            self.await_farewell(from);
        } else if let Some(Kind::Locust(plan)) = self.peers.get_mut(from).map(|peer| &mut peer.kind)
        {
            // Whom it still runs have been started elsewhere.
            plan.changed = works;
            self.flush(from, clock::now());
        }
    }

    fn greet(&mut self, from: &Identity, ready: &Ready) {
        let version = match ready {
            Ready::Unusable => {
                error!(target: RUNNERS, "Worker {from} sent no version and is not taken");
                return;
            }
            Ready::Version(version) if !ready.is_swarmer() && !version.starts_with(OUR_LOCUST) => {
                warn!(target: RUNNERS, "A worker ({from}) running a different version ({version}) connected, master version is {OUR_LOCUST}");
                version
            }
            Ready::Version(version) => version,
            Ready::Foreign => "foreign",
        };
        debug!(target: RUNNERS, "Worker {from} has version {version}");
        let index = match self.peers.get(from) {
            Some(peer) => peer.index,
            None => {
                self.next_index += 1;
                self.next_index - 1
            }
        };
        let ours = ready.is_swarmer();
        let known = self.peers.get(from);
        let same_kind = known.is_some_and(|peer| peer.is_ours() == ours);
        let works = known.is_some_and(|peer| peer.users.iter().any(|users| *users > 0));
        if known.is_some_and(|peer| peer.node.is_some()) && !ours && works && self.run.is_some() {
            // It would not be ready if it had not lost its users.
            let why = format!(
                "Worker {from} started anew; what it did since its last report is not counted"
            );
            self.part(from, why, Departure::Lost);
        }
        if !same_kind {
            let why = format!("Worker {from} is another one now");
            self.part(from, why, Departure::Lost);
            let mut peer = Peer::new(ours.then_some(0), self.boot, index);
            if let Some((letters, requests)) = self.letters.remove(from.as_str()) {
                peer.go_on(letters, requests);
            }
            peer.was_lost = self.lost_before.remove(from.as_str());
            self.peers.insert(from.clone(), peer);
        }
        let Some(peer) = self.peers.get_mut(from) else { return };
        peer.last_heard = clock::now();
        peer.state = WorkerState::Ready;
        let extra = if ours { self.extra(None) } else { Extra::new() };
        self.say(from, ToWorker::Ack(Some(index)), extra);
        self.tell_edits(from);
        if ours {
            self.write(from, &Down::Who);
        } else if let Some(peer) = self.peers.get_mut(from).filter(|peer| peer.node.is_none()) {
            // It begins anew: what it had not reported is gone.
            peer.was_lost = false;
            self.join(from, Vec::new());
            self.announce(from, index);
        }
    }

    fn announce(&self, from: &Identity, index: u64) {
        let workers = self.nodes.iter().filter(|node| node.present).count();
        info!(target: RUNNERS, "{from} (index {index}) reported as ready. {workers} workers connected.");
    }

    fn refuse_script(&self, from: &Identity) {
        let reason = "this master is no Python program: it has no locustfile to send".to_owned();
        // Its own connection, not known otherwise.
        let _ = self.socket.send(from, bare(ToWorker::Script(Err(reason)), from).encode());
    }

    fn say_goodbye(&mut self, from: &Identity) {
        if !self.peers.contains_key(from) {
            return;
        }
        let why = format!("Worker {from} quit.");
        self.part(from, why, Departure::InOrder);
        self.peers.remove(from);
    }

    fn feel(&mut self, from: &Identity, heartbeat: &Heartbeat, extra: &Extra) {
        let Some(peer) = self.peers.get_mut(from) else { return };
        peer.state = heartbeat.state;
        peer.cpu = heartbeat.cpu;
        peer.memory = heartbeat.memory.unwrap_or(peer.memory);
        if heartbeat.cpu > 90.0 * peer.cores() && !std::mem::replace(&mut peer.warned, true) {
            warn!(
                target: RUNNERS,
                "Worker {from} exceeded cpu threshold (will only log this once per worker)"
            );
        }
        let mut extra_back = Extra::new();
        if peer.is_ours() {
            if let (Kind::Ours { announced, .. }, Some(requests)) =
                (&mut peer.kind, extra.whole("requests"))
            {
                *announced = (*announced).max(requests);
            }
            extra_back = self.extra(extra.number(entry::SENT));
        }
        self.say(from, ToWorker::Heartbeat, extra_back);
    }

    fn set_state(&mut self, from: &Identity, state: WorkerState) {
        if let Some(peer) = self.peers.get_mut(from) {
            peer.state = state;
        }
    }

    fn has_spawned(&mut self, from: &Identity, users: Vec<u32>) {
        let Some(peer) = self.peers.get_mut(from) else { return };
        peer.state = WorkerState::Running;
        peer.users = users;
        if let Kind::Locust(plan) = &mut peer.kind {
            plan.completed = true;
        }
        self.flush(from, clock::now());
    }

    /// A worker's report in Locust's form.
    fn report(&mut self, from: &Identity, report: Report) {
        let users = self.by_class(&report.classes);
        let delta = report.into_delta(self.seconds(clock::now()));
        let Some(peer) = self.peers.get_mut(from) else { return };
        peer.users = users;
        let (node, last) = (peer.node, peer.has_reported());
        self.merge(from, delta);
        if let (Some(number), Some(node), true) = (self.last_round, node, last) {
            self.queue.push_back(Event::Reported { node, number });
        }
        self.flush(from, clock::now());
    }

    /// Hands figures to the control plane that were not written down yet.
    fn merge(&mut self, from: &Identity, mut delta: Delta) {
        if !self.command.coarse {
            delta.drop_coarse();
        }
        if let Some(journal) = &mut self.journal {
            journal.figures(from.as_str(), &delta);
        }
        self.hand_over(from, delta);
    }

    /// Hands figures to the control plane, also those of a worker that is not in the fleet any more.
    fn hand_over(&mut self, from: &Identity, delta: Delta) {
        let latest = self.nodes.iter().rposition(|node| node.identity == *from);
        let Some(peer) = self.peers.get_mut(from) else { return };
        let Some(node) = latest else {
            // What it could not tell the master before this one; it introduces itself right after.
            peer.early.push(delta);
            return;
        };
        let users = peer.users.clone();
        self.queue.push_back(Event::Report { node, number: 0, delta: Box::new(delta), users });
    }

    fn has_stopped(&mut self, from: &Identity) {
        let Some(peer) = self.peers.get_mut(from) else { return };
        peer.state = WorkerState::Ready;
        let (node, asked) = (peer.node, peer.has_stopped());
        if let (Some(node), true) = (node, asked) {
            self.queue.push_back(Event::Drained { node });
        } else if self.run.is_some() && node.is_some() {
            // It has lost its users: it says so when it is ready again.
            let why = format!("Worker {from} stopped by itself.");
            self.part(from, why, Departure::InOrder);
        }
    }

    fn read(&mut self, from: &Identity, custom: Custom) {
        let Some(peer) = self.peers.get_mut(from) else { return };
        match (&mut peer.kind, custom.name.as_str()) {
            (Kind::Ours { outbox, .. }, ACK) => {
                if let Some(ack) = Acknowledged::read(&custom.data) {
                    outbox.acknowledged(ack);
                }
            }
            (Kind::Ours { inbox, .. }, UP) => {
                let Some(taken) = inbox.take::<Up>(&custom.data) else { return };
                let ack = inbox.acknowledgement().message();
                match taken {
                    Taken::New(letter) => self.open_letter(from, letter),
                    Taken::NotNow => {}
                    Taken::Unreadable(problem) => {
                        warn!(target: RUNNERS, "A letter of worker {from} cannot be read and is lost: {problem}");
                    }
                }
                self.say(from, ToWorker::Custom(ack), Extra::new());
            }
            _ => {
                let Custom { name, data } = custom;
                if !self.command.hooks.message(from.as_str(), &name, &data) {
                    warn!(target: RUNNERS, "Unknown message type received from worker {from}: {name}");
                }
            }
        }
    }

    fn open_letter(&mut self, from: &Identity, letter: Up) {
        let current = self.run.as_ref().map(|terms| terms.run);
        let node = self.peers.get(from).and_then(|peer| peer.node);
        match letter {
            Up::Hello { boot, drivers, run, users, held } => {
                self.know(from, (boot, drivers), (run, held), &users);
            }
            Up::Report(figures) => {
                self.count_tasks(from, &figures);
                self.figures(from, *figures);
            }
            Up::Tasks { run, granted, begun, hungry } => {
                self.tasks_told(from, run, (granted, begun, hungry));
            }
            Up::Drained { .. } => self.has_stopped(from),
            Up::Leaving => {
                if let Some(peer) = self.peers.get_mut(from) {
                    peer.leaves = true;
                }
                self.part(from, format!("Worker {from} is leaving."), Departure::InOrder);
            }
            Up::Served { run, turn } if current == Some(run) => {
                self.queue.extend(node.map(|node| Event::Served { node, turn }));
            }
            Up::StopTest { run, reason } if current == Some(run) => {
                self.queue.push_back(Event::StopTest { reason });
            }
            Up::Failed { run, reason } if current == Some(run) => {
                error!(target: RUNNERS, "Worker {from} cannot work: {reason}");
                self.part(from, format!("Worker {from} cannot work: {reason}"), Departure::Lost);
                self.say(from, ToWorker::Quit, Extra::new());
            }
            Up::Served { .. } | Up::StopTest { .. } | Up::Failed { .. } => {}
        }
    }

    /// One of ours has introduced itself: it is taken in, with its users if it runs any for us.
    fn know(
        &mut self,
        from: &Identity,
        (theirs, cores): (u64, u32),
        (run, held): (Option<u64>, Held),
        users: &[(u32, u64)],
    ) {
        let Some(peer) = self.peers.get_mut(from) else { return };
        let Kind::Ours { boot, drivers, announced, reported, .. } = &mut peer.kind else { return };
        // Of 0 nothing was known yet.
        let anew = *boot != 0 && *boot != theirs;
        (*boot, *drivers) = (theirs, cores);
        if anew {
            (*announced, *reported) = (0, 0);
        } else if peer.node.is_some() {
            return; // It asked twice.
        }
        if anew && peer.node.is_some() {
            let why = format!(
                "Worker {from} started anew; what it did since its last report is not counted"
            );
            self.part(from, why, Departure::Lost);
        }
        let current = self.run.clone();
        let ours = run.is_some() && run == current.as_ref().map(|terms| terms.run);
        let users = users.iter().filter(|_| ours);
        let users = users.map(|(class, user)| (*class as usize, *user)).collect();
        let index = self.peers.get(from).map_or(0, |peer| peer.index);
        if anew && let Some(peer) = self.peers.get_mut(from) {
            peer.was_lost = false;
        }
        self.join(from, users);
        self.announce(from, index);
        match current {
            Some(_) if ours => {
                self.rate_held(from, held.max_rate);
                self.tasks_held(from, Some(held));
            }
            Some(terms) => {
                self.rate_held(from, None);
                self.tasks_held(from, None);
                let terms = self.terms_for(&terms, from);
                self.write(from, &Down::Begin(Box::new(terms)));
            }
            None if run.is_some() => {
                self.write(from, &Down::Stop { grace: 0.0 });
                if run == self.stopping {
                    self.await_farewell(from);
                }
            }
            _ => {}
        }
    }

    /// A worker came back while users are being stopped: what it did counts as what the others did.
    fn await_farewell(&mut self, from: &Identity) {
        if self.stopping.is_none() {
            return;
        }
        let Some(peer) = self.peers.get_mut(from) else { return };
        peer.begin_stop();
        self.queue.extend(peer.node.map(|node| Event::Stopping { node }));
    }

    fn figures(&mut self, from: &Identity, figures: Figures) {
        let Some(peer) = self.peers.get_mut(from) else { return };
        peer.has_reported();
        if let Kind::Ours { reported, .. } = &mut peer.kind {
            *reported += figures.requests;
        }
        peer.users = figures.users;
        peer.users.resize(self.classes.len(), 0);
        let node = peer.node;
        let unpacked = figures.deltas.iter().map(|blob| Delta::unpack(blob));
        let (mut deltas, mut problems) = (Vec::new(), Vec::new());
        for delta in unpacked {
            match delta {
                Ok(mut delta) => {
                    if !self.command.coarse {
                        delta.drop_coarse();
                    }
                    deltas.push(delta);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if let (Some(journal), Kind::Ours { inbox, .. }) = (&mut self.journal, &peer.kind) {
            let counts = (figures.requests, (figures.begun, figures.ended));
            journal.report(from.as_str(), *inbox, counts, &deltas);
        }
        for problem in problems {
            warn!(target: RUNNERS, "Figures of worker {from} cannot be read and are lost: {problem}");
        }
        for delta in deltas {
            self.count_journeys(from, delta.journeys_due());
            self.hand_over(from, delta);
        }
        if let Some(node) = node {
            self.say_started(node, figures.started);
        }
    }
}
