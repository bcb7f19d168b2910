//! What the next run of this process is made of: the workload, and the options as they are at present.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::model::{self, Load};
use super::preparation::{Preparation, Prepared};
use super::{SetupError, Swarm};
use crate::load::{self, Shape, ShapeTime, Target};
use crate::options::Options;
use crate::runner::{Begin, Gear};
use crate::stats::RunInfo;

/// Makes runs ready, one after the other.
pub(super) struct Desk {
    swarm: Swarm,
    shape: Option<Lent>,
    options: Arc<Options>,
    preparation: Preparation,
}

/// A shape that one run after the other uses.
#[derive(Clone)]
struct Lent(Rc<RefCell<Box<dyn Shape>>>);

impl Shape for Lent {
    fn tick(&mut self, time: &ShapeTime) -> Option<Target> {
        self.0.borrow_mut().tick(time)
    }

    fn uses_common_options(&self) -> bool {
        self.0.borrow().uses_common_options()
    }
}

impl Desk {
    /// A desk for a workload that is configured.
    pub(super) fn new(mut swarm: Swarm, options: Arc<Options>, preparation: Preparation) -> Self {
        let shape = swarm.shape.take().map(|shape| Lent(Rc::new(RefCell::new(shape))));
        Self { swarm, shape, options, preparation }
    }

    pub(super) fn swarm(&self) -> &Swarm {
        &self.swarm
    }

    pub(super) fn options(&self) -> &Arc<Options> {
        &self.options
    }

    /// The load of the next run.
    ///
    /// # Errors
    /// When options are wrong or do not fit the workload.
    pub(super) fn load(&self) -> Result<Load, SetupError> {
        let shape = self.shape.clone().map(|shape| Box::new(shape) as Box<dyn Shape>);
        model::load(shape, &self.shares(), &self.options)
    }

    /// The base URLs of the next run.
    ///
    /// # Errors
    /// When there is a class that has none.
    pub(super) fn hosts(&self) -> Result<Vec<String>, SetupError> {
        self.swarm.hosts(&self.options)
    }

    /// Looks at the targets of the next run and has the workload set up, unless that has been done.
    ///
    /// # Errors
    /// When the run cannot start.
    pub(super) async fn prepare(&mut self) -> Result<Prepared, SetupError> {
        let hosts = self.hosts()?;
        self.preparation.make(&self.options, &hosts).await
    }

    /// The next run.
    pub(super) fn run_of(&self, load: &Load, prepared: &Prepared) -> Begin {
        let gear = Gear {
            classes: self.swarm.classes.clone().into(),
            options: Arc::clone(&self.options),
            provided: Arc::clone(&prepared.provided),
            limits: load.limits.clone(),
        };
        Begin { gear, shares: self.shares(), info: self.info(prepared.requests) }
    }

    /// How users are given to classes.
    fn shares(&self) -> Vec<load::UserClass> {
        self.swarm.load_classes()
    }

    /// What reports say of the next run.
    pub(super) fn info(&self, setup_requests: u64) -> RunInfo {
        let options = &self.options;
        let insecure = "TLS certificates were not verified (--insecure)".to_owned();
        RunInfo {
            host: options.host.clone(),
            profile: options.profile.clone(),
            seed: options.seed,
            setup_requests,
            notes: options.insecure.then_some(insecure).into_iter().collect(),
            workload: format!("{} {}", self.swarm.name, self.swarm.version),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            settings: options.given.clone(),
            trace_url: options.trace_url.clone(),
        }
    }
}
