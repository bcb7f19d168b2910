//! What all handlers share.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::live::Live;
use super::login::Gate;
use super::wish::{Facts, Problem, Wish};
use crate::options::Opt;
use crate::runner::Handle;
use crate::stats::Summary;

/// What stays the same as long as the process runs.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) workload: String,
    pub(crate) version: String,
    /// The workload's own options.
    pub(crate) settings: Vec<Opt>,
}

/// The site: where figures come from and where wishes go.
pub(super) struct Site {
    pub(super) about: About,
    /// Empty, or such as `/load`.
    pub(super) base_path: String,
    /// Whether others than this machine can reach it.
    pub(super) is_exposed: bool,
    /// Who may come in; everybody where there is none.
    pub(super) gate: Option<Gate>,
    pub(super) handle: Handle,
    pub(super) live: Live,
    wishes: mpsc::Sender<Wish>,
    facts: watch::Receiver<Arc<Facts>>,
    /// Whether the process is about to end.
    pub(super) closing: watch::Receiver<bool>,
}

impl Site {
    #[expect(clippy::too_many_arguments, reason = "made in one place")]
    pub(super) fn new(
        about: About,
        base_path: String,
        is_exposed: bool,
        gate: Option<Gate>,
        handle: Handle,
        live: Live,
        wishes: mpsc::Sender<Wish>,
        facts: watch::Receiver<Arc<Facts>>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self { about, base_path, is_exposed, gate, handle, live, wishes, facts, closing }
    }

    pub(super) fn facts(&self) -> Arc<Facts> {
        Arc::clone(&self.facts.borrow())
    }

    /// The figures of the last second; those of this moment before the first.
    pub(super) async fn summary(&self) -> Option<Arc<Summary>> {
        match self.handle.latest() {
            Some(summary) => Some(summary),
            None => self.handle.summary().await.map(Arc::from),
        }
    }

    /// Hands a wish over and waits for its answer.
    pub(super) async fn wish<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, Problem>>) -> Wish,
    ) -> Result<T, Problem> {
        let (answer, outcome) = oneshot::channel();
        let ended = || Problem::conflict("the program is about to end");
        self.wishes.send(make(answer)).await.map_err(|_| ended())?;
        outcome.await.unwrap_or_else(|_| Err(ended()))
    }
}
