//! What the control plane asks of the workers.

use std::sync::Arc;
use std::time::Duration;

use tracing::info;

use super::absent::Absent;
use super::peer::{Kind, Peer};
use super::{LINGER, LeftRun, Workers, as_u32, next_outgoing, telling};
use crate::clock;
use crate::cluster::{Extra, ToWorker};
use crate::logging::RUNNERS;
use crate::options::Options;
use crate::runner::driver::{Birth, Departure, Event};
use crate::runner::fleet::{Fleet, Loss, OpenPlan};
use crate::runner::gear::{Gear, Reform};
use crate::runner::letters::{Down, Terms};
use crate::stats::Worker;

impl Fleet for Workers {
    const OUTLIVES_NODES: bool = true;

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn node(&self, node: usize) -> &str {
        self.nodes.get(node).map_or("unknown", |node| node.identity.as_str())
    }

    fn present(&self) -> impl Iterator<Item = usize> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.present).map(|(index, _)| index)
    }

    fn lose(&mut self, node: usize, loss: Loss) -> Option<String> {
        let identity = self.identity(node)?;
        let what = match loss {
            Loss::Died(reason) => format!("died ({reason})"),
            Loss::Stuck => "did not say that its users have stopped".to_owned(),
            Loss::Silent => "did not hand in its last figures".to_owned(),
        };
        self.nodes[node].present = false;
        let peer = self.peers.get_mut(&identity)?;
        peer.node = None;
        peer.end_node(Departure::Lost);
        let why =
            format!("Worker {identity} {what}; what it did since its last report is not counted");
        self.write_down_gone(identity.as_str(), Departure::Lost, &why);
        Some(why)
    }

    async fn next_event(&mut self) -> Event {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return event;
            }
            tokio::select! {
                event = self.socket.receive() => match event {
                    Some(event) => self.hear(event),
                    None => std::future::pending().await,
                },
                Some(outgoing) = next_outgoing(self.outgoing.as_mut()) => self.send_out(&outgoing),
                _ = self.tick.tick() => self.look_after(),
            }
        }
    }

    fn equip(&mut self, gear: &Gear) {
        self.classes = gear.classes.iter().map(|class| class.name().to_owned()).collect();
        self.terms = Terms::of(&gear.options, self.classes.clone());
        // In the open model it is a number of journeys, which arrive by other rules.
        self.terms.iterations = self.terms.iterations.filter(|_| gear.limits.all.is_some());
        self.renew_options();
    }

    fn exchange(&mut self, options: &Arc<Options>) {
        let Terms { options, host, .. } = Terms::of(options, self.classes.clone());
        // Whoever joins later, or is of Locust's kind, is told the same.
        (self.terms.options, self.terms.host) = (options.clone(), host.clone());
        self.renew_options();
        self.write_all(&Down::Options { options, host });
    }

    fn reform(&mut self, reform: &Reform) {
        // A worker that comes later is told all of it, in the same order.
        self.command.edits.push(reform.edit.clone());
        for identity in self.of_kind(|_| true) {
            self.say(&identity, ToWorker::Edit(reform.edit.clone()), Extra::new());
        }
    }

    fn begin_run(&mut self) {
        let terms = Terms { run: rand::random(), ..self.terms.clone() };
        let ours = self.of_kind(|kind| matches!(kind, Kind::Ours { .. }));
        self.share_rate(&terms);
        self.share_tasks(&terms);
        for identity in &ours {
            let terms = self.terms_for(&terms, identity);
            self.write(identity, &Down::Begin(Box::new(terms)));
        }
        self.peers.values_mut().for_each(Peer::begin_run);
        (self.last_round, self.opened, self.stopping) = (None, None, None);
        if let Some(journal) = &mut self.journal {
            journal.begin(&terms, self.command.anchor.epoch_seconds(clock::now()));
            for (identity, peer) in self.peers.iter().filter(|(_, peer)| peer.node.is_some()) {
                journal.came(identity.as_str(), peer.is_ours(), false);
            }
        }
        self.run = Some(terms);
        info!(target: RUNNERS, "Sending spawn jobs to {} ready workers", self.present().count());
    }

    fn take_up(&mut self, left: LeftRun) {
        if let Some(journal) = &mut self.journal {
            journal.go_on(&left);
        }
        let LeftRun { terms, letters, tasks, open, workers, notes, .. } = left;
        self.letters = letters;
        self.absent = Absent::new(workers);
        self.lost_before = notes.into_iter().map(|(worker, _)| worker).collect();
        self.share_rate_again(&terms);
        self.share_tasks_again(&terms, tasks);
        self.run = Some(terms);
        if let Some(sharing) = open {
            self.open_again(sharing);
        }
    }

    fn aim(&mut self, users: u32, rate: f64) {
        if let Some(journal) = &mut self.journal {
            journal.aim(users, rate);
        }
    }

    fn reset(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.reset(self.command.anchor.epoch_seconds(clock::now()));
        }
    }

    fn ended(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.end();
        }
    }

    fn look_ahead(&self) -> Duration {
        telling::look_ahead(self.present().count())
    }

    fn start_users(&mut self, node: usize, births: Vec<Birth>) {
        let Some(identity) = self.identity(node) else { return };
        let anchor = self.command.anchor;
        let Some(peer) = self.peers.get_mut(&identity) else { return };
        match &mut peer.kind {
            Kind::Ours { .. } => {
                let births = births.iter().map(|birth| {
                    (as_u32(birth.class), birth.number, anchor.epoch_seconds(birth.due))
                });
                let births = births.collect();
                self.write(&identity, &Down::Start(births));
            }
            Kind::Locust(plan) => {
                plan.births.extend(births.iter().map(|birth| (birth.due, birth.class)));
                self.flush(&identity, clock::now());
            }
        }
    }

    fn stop_users(&mut self, node: usize, class: usize, users: Vec<u64>, grace: Duration) {
        let Some(identity) = self.identity(node) else { return };
        let Some(peer) = self.peers.get_mut(&identity) else { return };
        match &mut peer.kind {
            Kind::Ours { .. } => {
                let (class, grace) = (as_u32(class), grace.as_secs_f64());
                self.write(&identity, &Down::Leave { class, users, grace });
            }
            Kind::Locust(plan) => {
                let unborn = plan.stop(class, users.len());
                self.say_started(node, unborn);
                self.flush(&identity, clock::now());
            }
        }
    }

    fn spawned(&mut self, users: u32) {
        self.write_all(&Down::Spawned(users));
        for identity in self.of_kind(|kind| matches!(kind, Kind::Locust(_))) {
            self.say(&identity, ToWorker::SpawningComplete(users.into()), Extra::new());
        }
    }

    fn open(&mut self, plan: &OpenPlan) -> Vec<usize> {
        self.open_journeys(plan)
    }

    fn finish(&mut self) {
        self.write_all(&Down::Finish);
        // Users of Locust's never end by themselves.
        for identity in self.of_kind(|kind| matches!(kind, Kind::Locust(_))) {
            self.let_go(&identity);
        }
    }

    fn stop_all(&mut self, grace: Duration) {
        self.opened = None;
        self.stopping = self.run.take().map(|terms| terms.run);
        self.write_all(&Down::Stop { grace: grace.as_secs_f64() });
        for identity in self.of_kind(|kind| matches!(kind, Kind::Locust(_))) {
            self.say(&identity, ToWorker::Stop, Extra::new());
        }
        self.peers.values_mut().for_each(Peer::begin_stop);
    }

    fn abort(&mut self) {
        self.write_all(&Down::Abort);
        self.absent.give_up();
    }

    fn awaits(&self) -> bool {
        self.absent.awaits_any()
    }

    fn ask_for_reports(&mut self, number: u64, last: bool) {
        let last_round = last.then_some(number);
        let reported: Vec<usize> = self
            .peers
            .values()
            .filter(|peer| !(last && peer.owes_last_report()))
            .filter_map(|peer| peer.node)
            .collect();
        self.last_round = last_round;
        for node in reported {
            self.queue.push_back(Event::Reported { node, number });
        }
    }

    /// Waits until all have been told: a process that ends before leaves workers at work.
    async fn dismiss(&mut self) {
        for identity in self.peers.keys() {
            self.say(identity, ToWorker::Quit, Extra::new());
        }
        self.socket.transport().close(LINGER);
        while self.socket.receive().await.is_some() {}
    }

    fn workers(&self) -> Vec<Worker> {
        self.peers.iter().map(|(identity, peer)| peer.shown(identity)).collect()
    }
}
