//! The local fleet: the driver threads of this process.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use super::arrivals::Opening;
use super::driver::{Birth, Command, Driver, Event, Setup};
use super::gear::Gear;
use crate::http;
use crate::load::{Arrivals, Share};
use crate::options::Options;

/// Why the fleet could not be started.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The operating system gave no thread or no runtime.
    #[error("cannot start a driver thread: {0}; ask for fewer with --threads")]
    Thread(#[from] io::Error),
    /// The HTTP client could not be set up, or a host is no base URL.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// A driver thread died before it was ready.
    #[error("a driver thread died at its start")]
    Died,
}

/// The driver threads, seen from the control plane.
pub(crate) struct Fleet {
    drivers: Vec<Local>,
    events: UnboundedReceiver<Event>,
}

/// One driver.
struct Local {
    commands: UnboundedSender<Command>,
    /// None on the caller's own thread, and once it is given up.
    thread: Option<JoinHandle<()>>,
    lost: bool,
}

impl Fleet {
    /// Starts `drivers` threads, each with its own runtime, and waits until all are ready.
    pub(crate) fn start(drivers: usize, setup: &Setup) -> Result<Self, FleetError> {
        let (event_sender, events) = unbounded_channel();
        let mut fleet = Self { drivers: Vec::new(), events };
        let (ready_sender, ready) = mpsc::channel();
        for index in 0..drivers {
            let (commands, orders) = unbounded_channel();
            let (setup, events, ready) =
                (setup.clone(), event_sender.clone(), ready_sender.clone());
            let thread = thread::Builder::new()
                .name(format!("driver-{index}"))
                .spawn(move || drive(index, setup, &events, orders, &ready))?;
            fleet.drivers.push(Local { commands, thread: Some(thread), lost: false });
        }
        drop(ready_sender);
        for _ in 0..drivers {
            ready.recv().unwrap_or(Err(FleetError::Died))?;
        }
        Ok(fleet)
    }

    /// One driver on the caller's own `LocalSet`: for runs on virtual time.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn inline(setup: Setup) -> Result<Self, FleetError> {
        let (event_sender, events) = unbounded_channel();
        let (commands, orders) = unbounded_channel();
        let driver = Driver::new(0, setup, event_sender)?;
        tokio::task::spawn_local(driver.run(orders));
        Ok(Self { drivers: vec![Local { commands, thread: None, lost: false }], events })
    }

    /// How many drivers there are, lost ones included.
    pub(crate) fn len(&self) -> usize {
        self.drivers.len()
    }

    /// Drivers that are not lost.
    pub(crate) fn alive(&self) -> impl Iterator<Item = usize> {
        let numbered = self.drivers.iter().enumerate();
        numbered.filter(|(_, driver)| !driver.lost).map(|(index, _)| index)
    }

    /// Gives a driver up: nothing more is expected of it. `false` when it was given up before.
    pub(crate) fn lose(&mut self, driver: usize) -> bool {
        let driver = &mut self.drivers[driver];
        // A thread that does not end by itself ends with the process.
        driver.thread = None;
        !std::mem::replace(&mut driver.lost, true)
    }

    pub(crate) async fn next_event(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            // Each driver says that it died before it lets go of its sender, so there is nothing left to hear.
            None => std::future::pending().await,
        }
    }

    /// From now on users are made of this.
    pub(crate) fn equip(&self, gear: &Gear) {
        self.tell_all(|| Command::Equip(gear.clone()));
    }

    /// Lets users read these options.
    pub(crate) fn exchange(&self, options: &Arc<Options>) {
        self.tell_all(|| Command::Exchange(Arc::clone(options)));
    }

    pub(crate) fn start_users(&self, driver: usize, births: Vec<Birth>) {
        self.tell(driver, Command::Start(births));
    }

    pub(crate) fn stop_users(&self, driver: usize, class: usize, users: Vec<u64>, grace: Duration) {
        self.tell(driver, Command::Stop { class, users, grace });
    }

    /// Starts journeys as they arrive on as many drivers as there are users for.
    pub(crate) fn open(
        &self,
        arrivals: &Arrivals,
        users: u32,
        classes: usize,
        began: Instant,
    ) -> usize {
        let room = users as usize / classes.max(1);
        let of = room.clamp(1, self.len());
        for index in 0..of {
            let share = Share { index, of };
            let (arrivals, users) = (arrivals.clone(), share.part(users));
            self.tell(index, Command::Open(Box::new(Opening { arrivals, share, began, users })));
        }
        of
    }

    pub(crate) fn finish(&self) {
        self.tell_all(|| Command::Finish);
    }

    pub(crate) fn stop_all(&self, grace: Duration) {
        self.tell_all(|| Command::StopAll { grace });
    }

    pub(crate) fn abort(&self) {
        self.tell_all(|| Command::Abort);
    }

    pub(crate) fn ask_for_reports(&self, number: u64) {
        self.tell_all(|| Command::Report { number });
    }

    fn tell_all(&self, command: impl Fn() -> Command) {
        (0..self.len()).for_each(|driver| self.tell(driver, command()));
    }

    fn tell(&self, driver: usize, command: Command) {
        // A driver that stopped listening was told to quit, or is lost and known to be.
        let _ = self.drivers[driver].commands.send(command);
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.tell_all(|| Command::Quit);
        for driver in &mut self.drivers {
            if let Some(thread) = driver.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

/// The body of a driver thread.
fn drive(
    index: usize,
    setup: Setup,
    events: &UnboundedSender<Event>,
    orders: UnboundedReceiver<Command>,
    ready: &mpsc::Sender<Result<(), FleetError>>,
) {
    let made = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(FleetError::from)
        .and_then(|runtime| Ok((Driver::new(index, setup, events.clone())?, runtime)));
    let (driver, runtime) = match made {
        Ok(made) => made,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let users = LocalSet::new();
    let run = || users.block_on(&runtime, driver.run(orders));
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(run)) {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        let _ = events.send(Event::Died { driver: index, panic: text.to_owned() });
    }
    // Futures of users that were never dropped end here, with their sockets.
    drop(users);
    // A name server that does not answer must not hold up the end of the process.
    runtime.shutdown_background();
}

/// How many drivers this machine has room for: one for each core that this process may use.
pub(crate) fn default_drivers() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Names the drivers as the dispatcher wants workers named.
pub(crate) fn driver_names(drivers: usize) -> Vec<String> {
    (0..drivers).map(|index| format!("local_{index:04}")).collect()
}
