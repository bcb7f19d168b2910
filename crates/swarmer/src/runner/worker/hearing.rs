//! What a master says, and what a worker does about it.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::{End, Link, News, Workshop};
use crate::clock;
use crate::cluster::{
    self, Custom, Envelope, Extra, Identity, Spawn, ToMaster, ToWorker, WorkerState, entry,
};
use crate::logging::RUNNERS;
use crate::runner::driver::Birth;
use crate::runner::gear::Reform;
use crate::runner::handle::Service;
use crate::runner::letters::{ACK, Acknowledged, DOWN, Down, Taken, Terms, Up};

impl<W: Workshop> Link<W> {
    pub(super) async fn hear(&mut self, event: cluster::Event) -> Option<End> {
        let payload = match event {
            cluster::Event::Message { payload, .. } => payload,
            cluster::Event::Connected(_) => {
                self.master.connected = true;
                if !self.master.acknowledged {
                    self.introduce();
                }
                return None;
            }
            cluster::Event::Disconnected(_) => {
                self.master.connected = false;
                return None;
            }
        };
        let decoded = Envelope::<ToWorker>::decode(&payload);
        drop(payload);
        let Envelope { message, extra, .. } = match decoded {
            Ok(envelope) => envelope,
            Err(problem) => {
                warn!(target: RUNNERS, "A message of the master cannot be read: {problem}");
                return None;
            }
        };
        match message {
            ToWorker::Ack(index) => self.acknowledged(index, &extra),
            ToWorker::Heartbeat => self.feel(&extra),
            ToWorker::Spawn(spawn) => self.spawn(*spawn).await,
            ToWorker::SpawningComplete(users) => {
                let users = u32::try_from(users).unwrap_or(u32::MAX);
                self.handle.serve(Service::Spawned(users));
            }
            ToWorker::Stop => {
                if self.handle.state().is_active() {
                    info!(target: RUNNERS, "Got stop message from master, stopping...");
                }
                self.run.stopping = true;
                self.stop_users();
            }
            ToWorker::Quit => {
                info!(target: RUNNERS, "Got quit message from master, shutting down...");
                if self.master.ours.is_none() {
                    // Locust's master listens for half a second more.
                    self.handle.serve(Service::Grace(Duration::ZERO));
                }
                return Some(End::Quit);
            }
            ToWorker::Reconnect => {
                warn!(target: RUNNERS, "Received reconnect message from master. Resetting RPC connection.");
                self.socket.transport().disconnect(&Identity::master());
            }
            ToWorker::Edit(edit) => {
                info!(target: RUNNERS, "The master changed user class {}", edit.class);
                if let Some(classes) = self.workshop.edit(&edit) {
                    self.handle.reform(Reform { classes, edit });
                }
            }
            ToWorker::Script(_) => {}
            ToWorker::Custom(custom) => self.read(custom).await,
        }
        None
    }

    /// At the end only this matters.
    pub(super) fn hear_acknowledgement(&mut self, event: &cluster::Event) {
        let cluster::Event::Message { payload, .. } = event else { return };
        if let Ok(Envelope { message: ToWorker::Custom(custom), .. }) = Envelope::decode(payload)
            && custom.name == ACK
            && let Some(ack) = Acknowledged::read(&custom.data)
        {
            self.outbox.acknowledged(ack);
        }
    }

    fn acknowledged(&mut self, index: Option<u64>, extra: &Extra) {
        let now = clock::now();
        self.master.last_heard.get_or_insert(now);
        if !std::mem::replace(&mut self.master.acknowledged, true) {
            self.accounts.next_logs = now;
        }
        self.master.tries = 0;
        self.master.ours = extra.whole(entry::BOOT);
        if let Some(index) = index {
            debug!(target: RUNNERS, "The master calls this worker number {index}");
        }
    }

    fn feel(&mut self, extra: &Extra) {
        let now = clock::now();
        self.master.last_heard = Some(now);
        let here = self.habits.anchor.epoch_seconds(now);
        if let (Some(sent), Some(echo)) = (extra.number(entry::SENT), extra.number(entry::ECHO)) {
            let round_trip = (here - echo).max(0.0);
            // The quickest answer says most; an old one is worth less each time.
            if round_trip <= self.master.round_trip {
                self.master.round_trip = round_trip;
                self.master.offset = sent - f64::midpoint(echo, here);
            }
            self.master.round_trip *= 1.01;
        }
        if let (Some(boot), true) = (extra.whole(entry::BOOT), self.master.acknowledged)
            && self.master.ours != Some(boot)
        {
            // Another master, or the same one after a restart, which does not know this worker.
            info!(target: RUNNERS, "There is a new master: introducing this worker");
            self.introduce();
        }
    }

    /// A master of Locust's kind says how many users shall run.
    async fn spawn(&mut self, spawn: Spawn) {
        self.say(ToMaster::Spawning);
        if spawn.timestamp <= self.run.last_spawn {
            info!(target: RUNNERS, "Discard spawn message with older or equal timestamp than timestamp of previous spawn message");
            return;
        }
        self.run.last_spawn = spawn.timestamp;
        self.vital.set_state(WorkerState::Spawning);
        let timeout = spawn.stop_timeout.unwrap_or_default();
        self.run.stop_timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        self.handle.serve(Service::Grace(self.run.stop_timeout));
        let terms = terms_of(&spawn, timeout, self.classes.clone());
        if self.handle.state().is_active() {
            let options = self.workshop.options(&terms.options, terms.host);
            self.handle.exchange(options);
        } else if let Err(problem) = self.begin(&terms).await {
            error!(target: RUNNERS, "The run cannot begin: {problem}");
            let exception = cluster::Exception { message: problem.clone(), traceback: problem };
            self.say(ToMaster::Exception(exception));
            return;
        }
        let mut counts = Vec::new();
        for (name, count) in &spawn.classes {
            match self.classes.iter().position(|class| class == name) {
                Some(class) => {
                    self.accounts.planned[class] = *count;
                    counts.push((class, u32::try_from(*count).unwrap_or(u32::MAX)));
                }
                None if *count == 0 => {}
                None => {
                    let problem = format!(
                        "The master wants users of a class that this workload does not have: {name}"
                    );
                    error!(target: RUNNERS, "{problem}");
                    let exception =
                        cluster::Exception { message: problem.clone(), traceback: problem };
                    self.say(ToMaster::Exception(exception));
                }
            }
        }
        let (handle, told) = (self.handle.clone(), self.told.clone());
        tokio::task::spawn_local(async move {
            handle.go_to(counts).await;
            let _ = told.send(News::Placed(spawn.timestamp));
        });
    }

    /// Begins a run on these terms.
    async fn begin(&mut self, terms: &Terms) -> Result<(), String> {
        let begin = self.workshop.make(terms).await?;
        self.run.budget.clone_from(&begin.gear.limits.all);
        (self.accounts.ended, self.accounts.ended_told) = (0, 0);
        self.vital.requests.store(0, std::sync::atomic::Ordering::Relaxed);
        self.accounts.deltas.clear();
        self.accounts.exceptions.clear();
        self.accounts.started = 0;
        self.handle.begin(begin).await.map_err(|refusal| refusal.to_string())
    }

    async fn read(&mut self, custom: Custom) {
        match custom.name.as_str() {
            ACK => {
                if let Some(ack) = Acknowledged::read(&custom.data) {
                    self.outbox.acknowledged(ack);
                }
            }
            DOWN => {
                let Some(taken) = self.inbox.take::<Down>(&custom.data) else { return };
                if self.master.ours.is_none() {
                    // Its greeting got lost. Only a master of ours writes letters; reports without a number could count twice.
                    self.master.ours = Some(self.inbox.sender());
                    self.master.acknowledged = true;
                    self.master.tries = 0;
                }
                let ack = self.inbox.acknowledgement().message();
                self.say(ToMaster::Custom(ack));
                match taken {
                    Taken::New(letter) => self.obey(letter).await,
                    Taken::NotNow => {}
                    Taken::Unreadable(problem) => {
                        error!(target: RUNNERS, "A letter of the master cannot be read: {problem}; is it a newer version?");
                    }
                }
            }
            name => {
                if !self.hooks.message("master", name, &custom.data) {
                    warn!(target: RUNNERS, "Unknown message type received: {name}");
                }
            }
        }
    }

    /// Does what a master of ours says.
    async fn obey(&mut self, letter: Down) {
        match letter {
            Down::Who => self.say_hello().await,
            Down::Begin(terms) => self.begin_for(*terms).await,
            Down::Start(births) => {
                let births = births.into_iter().filter_map(|(class, number, due)| {
                    let class = *self.run.classes.get(class as usize)?;
                    Some(Birth { due: self.moment(due), class, number })
                });
                let births = births.collect();
                self.handle.serve(Service::Start(births));
            }
            Down::Leave { class, users, grace } => {
                if let Some(class) = self.run.classes.get(class as usize) {
                    let grace = Duration::try_from_secs_f64(grace).unwrap_or_default();
                    self.handle.serve(Service::Leave { class: *class, users, grace });
                }
            }
            Down::Open(journeys) => {
                let began = self.moment(journeys.began);
                match journeys.plan(&self.master_classes(), began) {
                    Ok(plan) => self.handle.serve(Service::Open(Box::new(plan))),
                    Err(problem) => self.fail(format!("journeys cannot arrive: {problem}")),
                }
            }
            Down::Options { options, host } => {
                let options = self.workshop.options(&options, host);
                self.handle.exchange(options);
            }
            Down::Tasks(tasks) => self.grant(tasks),
            Down::Limit(max_rate) => {
                self.run.max_rate = Some(max_rate);
                self.handle.serve(Service::Limit(self.habits.max_rate(Some(max_rate))));
            }
            Down::Finish => self.finish(),
            Down::Spawned(users) => self.handle.serve(Service::Spawned(users)),
            Down::Stop { .. } => {
                self.run.stopping = true;
                self.stop_users();
            }
            Down::Abort => self.handle.abort(),
        }
    }

    fn master_classes(&self) -> Vec<String> {
        self.run.classes.iter().filter_map(|class| self.classes.get(*class)).cloned().collect()
    }

    async fn say_hello(&mut self) {
        let run = self.run.number.filter(|_| self.handle.state().is_active() && !self.run.leaving);
        let users = if run.is_some() { self.handle.roster().await } else { Vec::new() };
        let number = |class: usize| self.run.classes.iter().position(|known| *known == class);
        let users = users
            .into_iter()
            .filter_map(|(class, user)| Some((u32::try_from(number(class)?).ok()?, user)));
        let users = users.collect();
        let (boot, drivers) = (self.boot, self.habits.drivers);
        let held = run.map(|_| self.held()).unwrap_or_default();
        self.write(&Up::Hello { boot, drivers, run, users, held });
    }

    async fn begin_for(&mut self, terms: Terms) {
        if self.handle.state().is_active() {
            // Users of a run that the master knows nothing of, or has given up.
            self.handle.abort();
            self.handle.stop().await;
            while let Ok(news) = self.news.try_recv() {
                if !matches!(news, News::Stopped) {
                    self.note(news);
                }
            }
        }
        let classes =
            terms.classes.iter().map(|name| self.classes.iter().position(|own| own == name));
        let Some(classes) = classes.collect::<Option<Vec<_>>>() else {
            let theirs = terms.classes.join(", ");
            let ours = self.classes.join(", ");
            self.run.number = Some(terms.run);
            return self.fail(format!(
                "the master has the user classes {theirs}, this workload has {ours}"
            ));
        };
        self.run.classes = classes;
        self.run.stop_timeout = Duration::try_from_secs_f64(terms.stop_timeout).unwrap_or_default();
        self.run.number = Some(terms.run);
        self.run.max_rate = terms.max_rate;
        self.run.stopping = false;
        if let Err(problem) = self.begin(&terms).await {
            self.fail(problem);
        }
    }

    /// Tells the master that the run cannot go on here.
    fn fail(&mut self, reason: String) {
        error!(target: RUNNERS, "The run cannot begin: {reason}");
        if let Some(run) = self.run.number {
            self.write(&Up::Failed { run, reason });
        }
    }
}

/// What a `spawn` says about the run.
fn terms_of(spawn: &Spawn, stop_timeout: f64, classes: Vec<String>) -> Terms {
    let options =
        spawn.options.iter().filter_map(|(name, value)| Some((name.clone(), json_of(value)?)));
    let options = options.collect();
    // An empty host is what is left of a form that was not filled in.
    let host = spawn.host.clone().filter(|host| !host.is_empty());
    Terms { classes, host, stop_timeout, options, ..Terms::default() }
}

/// MessagePack as JSON, where there is such a thing.
pub(crate) fn json_of(value: &cluster::Value) -> Option<serde_json::Value> {
    use cluster::Value;
    Some(match value {
        Value::Nil => serde_json::Value::Null,
        Value::Bool(yes) => (*yes).into(),
        Value::Unsigned(number) => (*number).into(),
        Value::Signed(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => text.clone().into(),
        Value::List(list) => list.iter().map(json_of).collect::<Option<Vec<_>>>()?.into(),
        _ => return None,
    })
}
