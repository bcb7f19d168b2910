//! The local fleet: the driver threads of this process.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use super::driver::{Birth, Command, Driver, Event, Setup};
use crate::http;
use crate::scenario::quiet_panics;

/// Why the fleet could not be started.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The operating system gave no thread or no runtime.
    #[error("cannot start a driver thread: {0}")]
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
    commands: Vec<UnboundedSender<Command>>,
    events: UnboundedReceiver<Event>,
    threads: Vec<JoinHandle<()>>,
}

impl Fleet {
    /// Starts `drivers` threads, each with its own runtime, and waits until all are ready.
    pub(crate) fn start(drivers: usize, setup: &Setup) -> Result<Self, FleetError> {
        let (event_sender, events) = unbounded_channel();
        let mut fleet = Self { commands: Vec::new(), events, threads: Vec::new() };
        let (ready_sender, ready) = std::sync::mpsc::channel();
        for index in 0..drivers {
            let (command_sender, commands) = unbounded_channel();
            let (setup, events, ready) =
                (setup.clone(), event_sender.clone(), ready_sender.clone());
            let thread =
                thread::Builder::new().name(format!("driver-{index}")).spawn(move || {
                    let result = drive(index, setup, events, commands, &ready);
                    let _ = ready.send(result);
                })?;
            fleet.commands.push(command_sender);
            fleet.threads.push(thread);
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
        let (command_sender, commands) = unbounded_channel();
        let driver = Driver::new(0, setup, event_sender)?;
        tokio::task::spawn_local(driver.run(commands));
        Ok(Self { commands: vec![command_sender], events, threads: Vec::new() })
    }

    /// How many drivers there are.
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    pub(crate) async fn next_event(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            // Every driver holds a sender for as long as it runs, and drivers end after this struct only.
            None => std::future::pending().await,
        }
    }

    pub(crate) fn start_users(&self, driver: usize, births: Vec<Birth>) {
        self.tell(driver, Command::Start(births));
    }

    pub(crate) fn stop_users(&self, driver: usize, class: usize, users: u32, grace: Duration) {
        self.tell(driver, Command::Stop { class, users, grace });
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
        // A driver only stops listening when it was told to quit.
        let _ = self.commands[driver].send(command);
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.tell_all(|| Command::Quit);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The body of a driver thread.
fn drive(
    index: usize,
    setup: Setup,
    events: UnboundedSender<Event>,
    commands: UnboundedReceiver<Command>,
    ready: &std::sync::mpsc::Sender<Result<(), FleetError>>,
) -> Result<(), FleetError> {
    quiet_panics();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let driver = Driver::new(index, setup, events)?;
    let _ = ready.send(Ok(()));
    LocalSet::new().block_on(&runtime, driver.run(commands));
    // Futures of users that were never dropped end here, with their sockets.
    drop(runtime);
    Ok(())
}

/// How many drivers this machine has room for: one for each core that this process may use.
pub(crate) fn default_drivers() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Names the drivers as the dispatcher wants workers named.
pub(crate) fn driver_names(drivers: usize) -> Vec<String> {
    (0..drivers).map(|index| format!("local_{index:04}")).collect()
}
