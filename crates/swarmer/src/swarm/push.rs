//! Pushes the figures to an OpenTelemetry collector, from a thread of its own that nobody waits for.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

use tracing::{info, warn};

use super::SetupError;
use crate::http;
use crate::logging::MAIN;
use crate::runner::{Handle, State};
use crate::stats::Summary;
use crate::telemetry::{self, Push};

/// The thread that pushes.
pub(super) struct Pusher {
    /// Hands over the last figures.
    last: Sender<Arc<Summary>>,
    thread: JoinHandle<()>,
}

impl Pusher {
    /// Begins to push what `handle` knows; the first time after one interval.
    ///
    /// # Errors
    /// When there can be no thread.
    pub(super) fn begin(push: Push, handle: Handle) -> Result<Self, SetupError> {
        info!(target: MAIN, "Pushing metrics to {} every {:?}", push.endpoint, push.interval);
        let (last, ending) = mpsc::channel();
        let work = move || {
            // Without a runtime there is no network: the run does not hang on that.
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => Work::new(push, runtime).go_on(&handle, &ending),
                Err(error) => warn!(target: MAIN, "Metrics are not pushed: {error}"),
            }
        };
        let thread = thread::Builder::new().name("push".to_owned()).spawn(work)?;
        Ok(Self { last, thread })
    }

    /// Pushes the last figures and waits for that, as long as one push may take.
    pub(super) fn finish(self, summary: &Summary) {
        // A thread that has ended has said why.
        let _ = self.last.send(Arc::new(summary.clone()));
        let _ = self.thread.join();
    }
}

struct Work {
    push: Push,
    runtime: tokio::runtime::Runtime,
    client: http::Client,
    /// The last push failed, and that was told.
    failing: bool,
}

impl Work {
    fn new(push: Push, runtime: tokio::runtime::Runtime) -> Self {
        let client = http::Client::new(&http::Shared::new(http::Config::default()), None);
        Self { push, runtime, client, failing: false }
    }

    fn go_on(mut self, handle: &Handle, ending: &Receiver<Arc<Summary>>) {
        loop {
            match ending.recv_timeout(self.push.interval) {
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(summary) = handle.latest() {
                        self.send(&summary, handle.state());
                    }
                }
                Ok(summary) => return self.send(&summary, State::Stopped),
                // The run failed to start; there are no figures.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Sends the figures; tells when that begins to fail, and when it works again.
    fn send(&mut self, summary: &Summary, state: State) {
        let body = telemetry::otlp::render(summary, state.word(), &self.push.resource);
        let request =
            http::Request::post(&self.push.endpoint).timeout(self.push.timeout).json(&body);
        let headers = self.push.headers.iter();
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        let outcome = match self.runtime.block_on(self.client.send(request)).result {
            Ok(response) if response.status() < 300 => Ok(()),
            Ok(response) => Err(format!("status {}", response.status())),
            Err(error) => Err(error.to_string()),
        };
        let is_failing = outcome.is_err();
        match outcome {
            Ok(()) if self.failing => info!(target: MAIN, "Metrics are pushed again"),
            Err(problem) if !self.failing => {
                let endpoint = &self.push.endpoint;
                warn!(target: MAIN, "Metrics could not be pushed to {endpoint}: {problem}. The run goes on, and so do attempts");
            }
            _ => {}
        }
        self.failing = is_failing;
    }
}
