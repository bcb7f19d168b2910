//! The local fleet: the driver threads of this process.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use super::arrivals::Opening;
use super::driver::{Birth, Command, Driver, Event, Setup};
use super::fleet::{Fleet, Loss, OpenPlan, Part};
use super::gear::{Gear, Reform};
use super::stolen::Stolen;
use crate::http;
use crate::load::Share;
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
pub(crate) struct Drivers {
    locals: Vec<Local>,
    events: UnboundedReceiver<Event>,
    /// Of threads of their own.
    stolen: Option<Stolen>,
}

/// One driver.
struct Local {
    commands: UnboundedSender<Command>,
    /// None on the caller's own thread, and once it is given up.
    thread: Option<JoinHandle<()>>,
    lost: bool,
}

impl Drivers {
    /// Starts `drivers` threads, each with its own runtime, and waits until all are ready.
    pub(crate) fn start(drivers: usize, setup: &Setup) -> Result<Self, FleetError> {
        let (event_sender, events) = unbounded_channel();
        let mut fleet = Self { locals: Vec::new(), events, stolen: Some(Stolen::begin()) };
        let (ready_sender, ready) = mpsc::channel();
        for index in 0..drivers {
            let (commands, orders) = unbounded_channel();
            let (setup, events, ready) =
                (setup.clone(), event_sender.clone(), ready_sender.clone());
            let thread = thread::Builder::new()
                .name(format!("driver-{index}"))
                .spawn(move || drive(index, setup, &events, orders, &ready))?;
            fleet.locals.push(Local { commands, thread: Some(thread), lost: false });
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
        let locals = vec![Local { commands, thread: None, lost: false }];
        Ok(Self { locals, events, stolen: None })
    }

    /// How many drivers there are, lost ones included.
    fn len(&self) -> usize {
        self.locals.len()
    }

    fn tell_all(&self, command: impl Fn() -> Command) {
        (0..self.len()).for_each(|driver| self.tell(driver, command()));
    }

    fn tell(&self, driver: usize, command: Command) {
        // A driver that stopped listening was told to quit, or is lost and known to be.
        let _ = self.locals[driver].commands.send(command);
    }
}

impl Fleet for Drivers {
    fn names(&self) -> Vec<String> {
        driver_names(self.len())
    }

    fn node(&self, _: usize) -> &'static str {
        "local"
    }

    fn present(&self) -> impl Iterator<Item = usize> {
        let numbered = self.locals.iter().enumerate();
        numbered.filter(|(_, driver)| !driver.lost).map(|(index, _)| index)
    }

    fn lose(&mut self, node: usize, loss: Loss) -> Option<String> {
        let driver = &mut self.locals[node];
        // A thread that does not end by itself ends with the process.
        driver.thread = None;
        let news = !std::mem::replace(&mut driver.lost, true);
        news.then(|| match loss {
            Loss::Died(panic) => format!(
                "Driver thread {node} died of a defect in the engine ({panic}); its latest figures are lost"
            ),
            Loss::Stuck => format!(
                "Driver thread {node} did not stop: a task blocks its thread instead of awaiting; its latest \
                 figures are lost"
            ),
            Loss::Silent => format!("Driver thread {node} did not hand in its last figures"),
        })
    }

    async fn next_event(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            // Each driver says that it died before it lets go of its sender, so there is nothing left to hear.
            None => std::future::pending().await,
        }
    }

    fn equip(&mut self, gear: &Gear) {
        self.tell_all(|| Command::Equip(gear.clone()));
        self.limit(gear.options.max_rate);
    }

    /// Each driver keeps its part for itself.
    #[expect(clippy::cast_precision_loss, reason = "a number of threads")]
    fn limit(&mut self, max_rate: Option<f64>) {
        let part = max_rate.map(|rate| rate / self.len().max(1) as f64);
        self.tell_all(|| Command::Limit(part));
    }

    fn exchange(&mut self, options: &Arc<Options>) {
        self.tell_all(|| Command::Exchange(Arc::clone(options)));
    }

    fn reform(&mut self, reform: &Reform) {
        self.tell_all(|| Command::Reform(reform.clone()));
    }

    fn start_users(&mut self, node: usize, births: Vec<Birth>) {
        self.tell(node, Command::Start(births));
    }

    fn stop_users(&mut self, node: usize, class: usize, users: Vec<u64>, grace: Duration) {
        self.tell(node, Command::Stop { class, users, grace });
    }

    fn open(&mut self, plan: &OpenPlan) -> Vec<usize> {
        let room = plan.users as usize / plan.classes.max(1);
        let whole = Part { first: 0, drivers: self.len(), of: room.clamp(1, self.len()) };
        let Part { first, drivers, of } = plan.part.unwrap_or(whole);
        let drivers = drivers.min(of).min(self.len());
        let OpenPlan { began, turn, from, .. } = *plan;
        for index in 0..self.len() {
            let share = (index < drivers).then_some(Share { index: first + index, of });
            if share.is_none() && turn == 0 {
                break;
            }
            let users = share.map_or(0, |share| share.part(plan.users));
            let arrivals = plan.arrivals.clone();
            let opening = Opening { arrivals, share, from, turn, began, users };
            self.tell(index, Command::Open(Box::new(opening)));
        }
        (0..drivers).collect()
    }

    fn finish(&mut self) {
        self.tell_all(|| Command::Finish);
    }

    fn stop_all(&mut self, grace: Duration) {
        self.tell_all(|| Command::StopAll { grace });
    }

    fn abort(&mut self) {
        self.tell_all(|| Command::Abort);
    }

    fn ask_for_reports(&mut self, number: u64, _: bool) {
        let stolen = self.stolen.as_mut().map(Stolen::take).unwrap_or_default();
        self.tell_all(|| Command::Report { number, stolen });
    }
}

impl Drop for Drivers {
    fn drop(&mut self) {
        self.tell_all(|| Command::Quit);
        for driver in &mut self.locals {
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
    let run = || users.block_on(&runtime, driver.run_watched(orders));
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(run)) {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        let _ = events.send(Event::Died { node: index, panic: text.to_owned() });
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
fn driver_names(drivers: usize) -> Vec<String> {
    (0..drivers).map(|index| format!("local_{index:04}")).collect()
}
