//! What is shared out over workers, on virtual time and over a network that loses, doubles and delays.

use super::*;
use crate::cluster::memory::{Faults, Network};
use crate::cluster::{self, Heartbeat, Ready, ToMaster, WorkerState};
use crate::options::Options;
use crate::runner::fleet::Fleet;
use crate::runner::gear::Gear;
use crate::runner::letters::{ACK, Acknowledged, DOWN, Figures, Held, Outbox, Taken, UP, Up};
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
    /// Users, and how many tasks they begin each time they look.
    users: u32,
    pace: u64,
    granted: u64,
    begun: u64,
    /// What it has told of that.
    told: u64,
    hungry: bool,
    next_report: Instant,
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
            users: 0,
            pace: 1,
            granted: 0,
            begun: 0,
            told: 0,
            hungry: false,
            next_report: clock::now(),
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
        self.work(now);
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

    /// Begins tasks; each is over at once.
    fn work(&mut self, now: Instant) {
        let Some(run) = self.run.filter(|_| self.users > 0) else { return };
        let left = self.granted - self.begun;
        self.begun += left.min(self.pace);
        let (granted, begun) = (self.granted, self.begun);
        if left < self.pace && !std::mem::replace(&mut self.hungry, true) {
            self.told = begun;
            self.write(&Up::Tasks { run, granted, begun, hungry: true });
        }
        if now >= self.next_report {
            self.next_report = now + Duration::from_secs(1);
            self.told = begun;
            let (users, deltas) = (vec![self.users], Vec::new());
            let figures =
                Figures { run, deltas, users, started: 0, requests: 0, begun, ended: begun };
            self.write(&Up::Report(Box::new(figures)));
        }
    }

    fn grant(&mut self, tasks: u64) {
        self.hungry &= tasks <= self.granted;
        self.granted = tasks.max(self.begun);
        let (granted, begun) = (self.granted, self.begun);
        self.told = begun;
        if let Some(run) = self.run {
            self.write(&Up::Tasks { run, granted, begun, hungry: false });
        }
    }

    fn obey(&mut self, letter: Down) {
        match letter {
            Down::Who => {
                let (granted, begun) = (self.granted, self.begun);
                let max_rate = self.run.map(|_| self.rate);
                let held = Held { max_rate, granted, begun, ended: begun };
                let (boot, run, users) = (self.boot, self.run, Vec::new());
                self.write(&Up::Hello { boot, drivers: 1, run, users, held });
            }
            Down::Begin(terms) => {
                self.run = Some(terms.run);
                self.rate = terms.max_rate.unwrap_or_default();
                (self.granted, self.begun) = (terms.iterations.unwrap_or_default(), 0);
            }
            Down::Tasks(tasks) => self.grant(tasks),
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

    fn begun(&self) -> u64 {
        self.hands.iter().map(|hand| hand.begun).sum()
    }

    /// Whether the master has said that all tasks are begun.
    fn is_spent(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Spent))
    }

    /// Lets time pass until it has; a minute at most.
    async fn until_spent(&mut self, look: impl Fn(&Self)) {
        for _ in 0..60 {
            if self.is_spent() {
                return;
            }
            self.pass(1.0, &look).await;
        }
        let hands: Vec<_> = self.hands.iter().map(|h| (h.granted, h.begun, h.hungry)).collect();
        let known = &self.master.budget;
        panic!("of {TASKS} tasks {} were begun: {hands:?}, {known:?}", self.begun());
    }

    fn present(&self) -> usize {
        self.master.present().count()
    }
}

const TASKS: u64 = 6_000;

/// A run of [`TASKS`] tasks over two workers, of which one is much slower.
async fn with_tasks(seed: u64) -> World {
    let options = Options { iterations: Some(TASKS), ..Options::default() };
    let mut world = World::new(seed, options);
    if seed > 0 {
        world.network.set_faults(bad_weather());
    }
    world.come();
    world.come();
    world.pass(10.0, |_| {}).await;
    world.master.begin_run();
    (world.hands[0].users, world.hands[0].pace) = (3, 10);
    world.hands[1].users = 3;
    world
}

#[tokio::test(start_paused = true)]
async fn as_many_tasks_are_begun_as_were_asked_for_whoever_comes_and_goes_in_order() {
    for seed in 0..6 {
        let mut world = with_tasks(seed).await;
        let most = |world: &World| assert!(world.begun() <= TASKS, "{}", world.begun());
        world.pass(1.0, most).await;
        world.come();
        world.pass(0.5, most).await;
        (world.hands[2].users, world.hands[2].pace) = (3, 7);
        world.pass(2.5, most).await;
        // One leaves, and takes nothing along that it has not begun.
        let leaver = &mut world.hands[1];
        leaver.users = 0;
        leaver.grant(0);
        leaver.write(&Up::Leaving);
        let began = leaver.begun;
        world.until_spent(most).await;
        assert_eq!((world.begun(), world.hands[1].begun), (TASKS, began), "seed {seed}");
        let begun: Vec<u64> = world.hands.iter().map(|hand| hand.begun).collect();
        // In bad weather most may be done before the late one hears of it.
        assert!(seed > 0 || begun[2] > TASKS / 8, "who came late has its part: {begun:?}");
        assert!(begun[0] > TASKS / 3, "who is quick does more: {begun:?}");
        // Nobody is told once more.
        world.pass(5.0, most).await;
        assert_eq!(world.events.iter().filter(|e| matches!(e, Event::Spent)).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_worker_had_not_begun_as_far_as_it_told_is_begun_by_others() {
    for seed in 0..6 {
        let mut world = with_tasks(seed).await;
        world.pass(3.3, |_| {}).await;
        let lost = world.hands.remove(1);
        assert!(lost.begun > 100 && lost.granted > lost.begun, "{}", lost.begun);
        let (told, began) = (lost.told, lost.begun);
        drop(lost);
        world.until_spent(|_| {}).await;
        // What it told last may have been lost with it.
        let begun = world.begun();
        assert!((TASKS - told..=TASKS).contains(&begun), "{begun} and {told}, seed {seed}");
        assert!(begun + began >= TASKS, "seed {seed}");
        if seed == 0 {
            assert_eq!(begun, TASKS - told);
        }
        let left = world.events.iter().find_map(|event| match event {
            Event::Left { why, .. } => Some(why.clone()),
            _ => None,
        });
        assert!(left.unwrap().contains("are done by the others"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_back_goes_on_with_what_it_has() {
    for seed in 0..6 {
        let mut world = with_tasks(seed).await;
        world.pass(2.0, |_| {}).await;
        let away = world.hands[1].identity.clone();
        world.network.partition(&away, true);
        world.pass(8.0, |_| {}).await;
        assert_eq!(world.present(), 1);
        world.network.partition(&away, false);
        world.until_spent(|_| {}).await;
        // What it could not tell meanwhile comes first, each piece as the weather allows.
        world.pass(60.0, |_| {}).await;
        assert_eq!(world.present(), 2);
        let (begun, twice) = (world.begun(), world.hands[1].begun);
        assert!((TASKS..=TASKS + twice).contains(&begun), "{begun}, {twice}, seed {seed}");
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
