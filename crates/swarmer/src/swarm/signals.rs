//! The signals that end a run, and with it the process.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::SetupError;

/// The signals that end a run.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Does `work` unless a signal comes first.
    pub(super) async fn unless<T>(
        &mut self,
        work: impl Future<Output = Result<T, SetupError>>,
    ) -> Result<T, SetupError> {
        tokio::select! {
            result = work => result,
            name = self.next() => {
                Err(SetupError::new(format!("Got {name} signal before the first user started")))
            }
        }
    }
}
