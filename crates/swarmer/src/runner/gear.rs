//! What a run is made of, and what of that may differ from the run before.

use std::sync::Arc;

use super::turns::Limits;
use crate::cluster::UserClassEdit;
use crate::load::{self, LoadError};
use crate::options::Options;
use crate::scenario::UserClass;
use crate::stats::RunInfo;
use crate::user::Provided;

/// What drivers need to know of a run. Classes keep their number and their places for the life of the process; those
/// that have no part in a run get no user.
#[derive(Clone)]
pub(crate) struct Gear {
    pub(crate) classes: Arc<[UserClass]>,
    pub(crate) options: Arc<Options>,
    pub(crate) provided: Arc<Provided>,
    /// On the number of tasks: counted anew in each run.
    pub(crate) limits: Limits,
}

impl std::fmt::Debug for Gear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gear").field("classes", &self.classes.len()).finish_non_exhaustive()
    }
}

/// User classes that were changed. They keep their number and their places.
#[derive(Clone)]
pub(crate) struct Reform {
    /// All classes of this process, as they are now.
    pub(crate) classes: Arc<[UserClass]>,
    /// The change, for workers, which have classes of their own.
    pub(crate) edit: UserClassEdit,
}

impl std::fmt::Debug for Reform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reform").field("edit", &self.edit).finish_non_exhaustive()
    }
}

/// A run to begin.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) gear: Gear,
    /// The classes as users are given to them, in the order of those in `gear`.
    pub(crate) shares: Vec<load::UserClass>,
    /// What reports say of the run.
    pub(crate) info: RunInfo,
}

/// Why a run does not begin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a run goes on")]
    Running,
    #[error("users are still being stopped; start again when they are gone")]
    Stopping,
    #[error("no new run: a driver thread is lost")]
    DriverLost,
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("there is no worker to run users on")]
    NoWorkers,
    #[error("the engine has ended")]
    Ended,
}
