//! What people at the page want, and what they are told of the run beside its figures.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::load::Plan;
use crate::options::Options;
use crate::scenario::{ClassInfo, Override};

/// What a form says of a run. What it leaves out stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::option_option, reason = "left out, without an end, and with one are three things")]
pub(crate) struct Ask {
    pub(crate) users: Option<u32>,
    pub(crate) spawn_rate: Option<f64>,
    /// Base URL for all classes; empty: each class has its own, or in a run that goes on the one it has.
    pub(crate) host: Option<String>,
    /// `Some(None)`: without an end.
    pub(crate) run_time: Option<Option<Duration>>,
    /// Empty: none.
    pub(crate) profile: Option<String>,
    /// Names of classes; none: those chosen before, else all.
    pub(crate) classes: Option<Vec<String>>,
    /// Whether the workload's shape decides the number of users.
    pub(crate) shape: Option<bool>,
    /// As `--stages` takes them; empty: a plain number of users.
    pub(crate) stages: Option<String>,
    /// Tags of the tasks to run, and of those not to; none: all tasks.
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) exclude_tags: Option<Vec<String>>,
    /// Options of the workload by long name, as text.
    pub(crate) settings: Vec<(String, String)>,
}

/// A wish, and where its answer goes.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Begin a run.
    Start(Ask, oneshot::Sender<Result<Started, Problem>>),
    /// Change the one that goes on.
    Edit(Ask, oneshot::Sender<Result<Started, Problem>>),
    /// Change a user class: its weight and number from the next run on, all else for users that are started from now on.
    Adjust(Override, oneshot::Sender<Result<(), Problem>>),
    /// Say what would happen.
    Plan(Ask, oneshot::Sender<Result<Plan, Problem>>),
}

/// What was begun or changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Started {
    /// The shape that decides the number of users, if one does.
    pub(crate) shape: Option<String>,
}

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A field says something that cannot be.
    Invalid,
    /// It does not fit the state of the run.
    Conflict,
    /// The target or the workload is not ready.
    Failed,
}

/// Why a wish is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) reason: Reason,
    /// The field it is about, by its name in `/api/v1`.
    pub(crate) field: Option<String>,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn invalid(field: &str, text: impl Into<String>) -> Self {
        let field = Some(field.to_owned());
        Self { reason: Reason::Invalid, field, text: text.into(), hint: None }
    }

    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self { reason: Reason::Conflict, field: None, text: text.into(), hint: None }
    }
}

/// A user class as the next run has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClassFacts {
    pub(crate) info: ClassInfo,
    /// Names of all tasks that tags leave it; of those in `info` some may be switched off.
    pub(crate) all_tasks: Vec<String>,
    pub(crate) host: Option<String>,
    /// Whether its users are part of the run.
    pub(crate) is_chosen: bool,
}

/// What is known of the run that goes on, or of the next one, beside its figures.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) options: Arc<Options>,
    pub(crate) classes: Vec<ClassFacts>,
    /// The workload's shape, if it has one.
    pub(crate) shape: Option<String>,
    /// Whether it decides the number of users.
    pub(crate) uses_shape: bool,
    /// When the run began, seconds since the Unix epoch; `None` before the first.
    pub(crate) started: Option<f64>,
    /// When it ends by itself, if that is known.
    pub(crate) ends: Option<f64>,
}
