//! What is shared out over workers, on virtual time and over a network that loses, doubles and delays.

use std::collections::BTreeMap;

use super::*;
use crate::cluster::memory::{Faults, Network};
use crate::cluster::{self, Heartbeat, Ready, ToMaster, WorkerState};
use crate::options::Options;
use crate::runner::fleet::Fleet;
use crate::runner::gear::Gear;
use crate::runner::letters::{ACK, Acknowledged, DOWN, Held, Outbox, Taken, UP, Up};
use crate::runner::turns::{Budget, Limits};

/// What a worker of ours does with letters, and nothing else.
struct Hand {
    identity: Identity,
    socket: Socket,
    outbox: Outbox,
    inbox: Inbox,
    boot: u64,
    run: Option<u64>,
    /// What it keeps to at this moment.
    rate: f64,
    ready: bool,
    next_heartbeat: Instant,
}

impl Hand {
    fn come(network: &Network, number: u64) -> Self {
        let identity = Identity::new(&format!("host_{number}")).unwrap();
        Self {
            socket: network.connect(&identity).unwrap(),
            outbox: Outbox::new(UP, number),
            inbox: Inbox::default(),
            boot: number,
            run: None,
            rate: 0.0,
            ready: false,
            next_heartbeat: clock::now(),
            identity,
        }
    }

    fn say(&self, message: ToMaster) {
        let envelope = Envelope::new(message, self.identity.as_str());
        self.socket.send(&Identity::master(), envelope.encode());
    }

    fn write(&mut self, letter: &Up) {
        let custom = self.outbox.write(letter, clock::now());
        self.say(ToMaster::Custom(custom));
    }

    /// Does what there is to do now.
    fn step(&mut self) {
        let now = clock::now();
        while let Some(event) = self.socket.try_receive() {
            let cluster::Event::Message { payload, .. } = event else { continue };
            match Envelope::<ToWorker>::decode(&payload).unwrap().message {
                ToWorker::Ack(_) => self.ready = true,
                ToWorker::Custom(custom) if custom.name == ACK => {
                    self.outbox.acknowledged(Acknowledged::read(&custom.data).unwrap());
                }
                ToWorker::Custom(custom) if custom.name == DOWN => {
                    let Some(taken) = self.inbox.take::<Down>(&custom.data) else { continue };
                    let ack = self.inbox.acknowledgement().message();
                    self.say(ToMaster::Custom(ack));
                    if let Taken::New(letter) = taken {
                        self.obey(letter);
                    }
                }
                _ => {}
            }
        }
        for letter in self.outbox.overdue(now) {
            self.say(ToMaster::Custom(letter));
        }
        if now >= self.next_heartbeat {
            // More often than in earnest: who is there shall not be taken for lost, whatever the weather.
            self.next_heartbeat = now + Duration::from_millis(200);
            if !self.ready {
                self.say(ToMaster::Ready(Ready::ours()));
            }
            let heartbeat = Heartbeat { state: WorkerState::Ready, cpu: 1.0, memory: None };
            self.say(ToMaster::Heartbeat(heartbeat));
        }
    }

    fn obey(&mut self, letter: Down) {
        match letter {
            Down::Who => {
                let held = Held { max_rate: self.run.map(|_| self.rate) };
                let (boot, run, users) = (self.boot, self.run, Vec::new());
                self.write(&Up::Hello { boot, drivers: 1, run, users, held });
            }
            Down::Begin(terms) => {
                self.run = Some(terms.run);
                self.rate = terms.max_rate.unwrap();
            }
            Down::Limit(rate) => self.rate = rate,
            _ => {}
        }
    }
}

/// A master, its workers, and the network between them.
struct World {
    network: Network,
    master: Workers,
    hands: Vec<Hand>,
    events: Vec<Event>,
    came: u64,
}

impl World {
    fn new(seed: u64, options: Options) -> Self {
        let network = Network::new(seed);
        let command = Command {
            anchor: Anchor::now(),
            hooks: Arc::default(),
            coarse: false,
            journal: None,
            edits: Vec::new(),
        };
        let mut master = Workers::new(network.bind(), command, vec!["A".to_owned()]);
        master.equip(&Gear {
            classes: [].into(),
            limits: Limits { all: options.iterations.map(Budget::new), each: None },
            options: Arc::new(options),
            provided: Arc::default(),
        });
        Self { network, master, hands: Vec::new(), events: Vec::new(), came: 0 }
    }

    fn come(&mut self) {
        self.came += 1;
        let hand = Hand::come(&self.network, self.came);
        self.hands.push(hand);
    }

    /// Lets so much time pass, and looks at everything each time something may have changed.
    async fn pass(&mut self, seconds: f64, mut look: impl FnMut(&Self)) {
        let until = clock::now() + Duration::from_secs_f64(seconds);
        while clock::now() < until {
            self.hands.iter_mut().for_each(Hand::step);
            look(self);
            let moment = tokio::time::sleep(Duration::from_millis(10));
            tokio::pin!(moment);
            loop {
                tokio::select! {
                    event = self.master.next_event() => self.events.push(event),
                    () = &mut moment => break,
                }
            }
        }
    }

    fn rate(&self) -> f64 {
        self.hands.iter().map(|hand| hand.rate).sum()
    }

    fn present(&self) -> usize {
        self.master.present().count()
    }
}

fn bad_weather() -> Faults {
    let delay = Duration::ZERO..Duration::from_millis(300);
    Faults { delay, drop: 0.2, duplicate: 0.2, reorder: 0.2 }
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_ceiling_are_never_above_it_and_come_to_all_of_it() {
    const WHOLE: f64 = 100.0;
    for seed in 0..6 {
        let options = Options { max_rate: Some(WHOLE), ..Options::default() };
        let mut world = World::new(seed, options);
        if seed > 0 {
            world.network.set_faults(bad_weather());
        }
        world.come();
        world.come();
        world.pass(10.0, |_| {}).await;
        assert_eq!(world.present(), 2);
        world.master.begin_run();
        let is_kept = |world: &World| {
            let rates: Vec<f64> = world.hands.iter().map(|hand| hand.rate).collect();
            let known = &world.master.ceiling;
            assert!(world.rate() <= WHOLE * (1.0 + 1e-6), "seed {seed}: {rates:?}, {known:?}");
        };
        let is_shared = |world: &World, by: usize| {
            assert_eq!(world.hands.len(), by);
            for hand in &world.hands {
                let part = WHOLE / f64::from(u32::try_from(by).unwrap());
                assert!((hand.rate - part).abs() < 1e-6, "{} of {part}, seed {seed}", hand.rate);
            }
        };
        world.pass(8.0, is_kept).await;
        is_shared(&world, 2);
        // They come one by one and together.
        world.come();
        world.pass(0.4, is_kept).await;
        world.come();
        world.come();
        world.pass(20.0, is_kept).await;
        is_shared(&world, 5);
        // One is killed: it sends nothing any more.
        drop(world.hands.remove(1));
        world.pass(20.0, is_kept).await;
        is_shared(&world, 4);
        // One leaves in order, which takes it some time, and meanwhile another comes.
        world.hands[0].write(&Up::Leaving);
        world.pass(3.0, is_kept).await;
        assert!(world.hands[0].rate >= WHOLE / 5.0, "it may finish what it does");
        world.come();
        world.pass(10.0, is_kept).await;
        let kept = world.hands[0].rate;
        assert!((world.rate() - WHOLE).abs() < 1e-6, "the others have the rest");
        assert!(kept > 0.0);
        // It may take some time until a farewell gets through.
        let leaver = world.hands.remove(0);
        leaver.say(ToMaster::Quit);
        drop(leaver);
        world.pass(20.0, is_kept).await;
        is_shared(&world, 4);
    }
}
