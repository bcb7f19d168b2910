//! Faults on purpose: latency, errors, dropped connections and stalls, for demonstrations and for testing load tests.
//!
//! Off by default. One [`Faults`] serves the whole process; each service wraps its router by
//! [`Faults::instrument`]. Rules come from `FAULTS`, the file named by `FAULTS_FILE`, or the guarded admin routes
//! ([`Faults::admin_routes`]), one rule a line (or `;` between them):
//!
//! ```text
//! claims: stall 2s every 20s             # all requests of the last 2 of each 20 seconds wait for their end
//! quotes /quotes/* 5%: error 500         # one in twenty
//! policy: latency 50ms..200ms            # uniform; also 80ms, `normal 80ms 20ms`, `exponential 80ms`
//! user POST /auth/login 1%: latency 3s, error 503
//! gateway 0.1%: drop                     # the connection closes without an answer
//! ```
//!
//! Probes, metrics and the admin routes are never disturbed. The gateway asks again, once, when a service closes the
//! connection under a request that may be repeated, as it must for kept-alive connections: a service's `drop` of a
//! share p shows as p² for reads through the gateway.

mod admin;
mod grammar;
mod inject;
mod rule;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::time::Instant;

pub use grammar::{FaultError, parse};
pub use rule::{Fault, Latency, Rule, Service};

/// The faults of this process; cheap to clone, all clones share them.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Whether there is any rule: all that a request reads while faults are off.
    on: AtomicBool,
    plan: RwLock<Arc<Plan>>,
    random: Mutex<Pcg64Mcg>,
    injected: [AtomicU64; KINDS.len()],
}

#[derive(Debug)]
struct Plan {
    rules: Vec<Rule>,
    /// The windows of stalls are counted from here.
    since: Instant,
}

/// The kinds of fault, as they are counted.
const KINDS: [&str; 4] = ["latency", "error", "drop", "stall"];

impl Faults {
    /// No faults; a seed makes the sequence of chances repeatable.
    pub fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(rand::random);
        Self(Arc::new(Shared {
            on: AtomicBool::new(false),
            plan: RwLock::new(Arc::new(Plan { rules: Vec::new(), since: Instant::now() })),
            random: Mutex::new(Pcg64Mcg::seed_from_u64(seed)),
            injected: Default::default(),
        }))
    }

    /// The faults that `FAULTS` and `FAULTS_FILE` ask for (both together if both are set), with `FAULTS_SEED`.
    ///
    /// # Errors
    /// A rule that cannot be read, a file that cannot, or a seed that is no number; the text names the variable.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, FaultError> {
        let get = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let seed = get("FAULTS_SEED")
            .map(|seed| {
                let bad = || {
                    format!("FAULTS_SEED: `{seed}` is not a whole number from 0 to {}", u64::MAX)
                };
                seed.trim().parse().map_err(|_| FaultError(bad()))
            })
            .transpose()?;
        let mut rules = Vec::new();
        if let Some(text) = get("FAULTS") {
            rules.extend(parse(&text).map_err(|error| FaultError(format!("FAULTS: {error}")))?);
        }
        if let Some(path) = get("FAULTS_FILE") {
            let in_file = |error: &dyn std::fmt::Display| {
                FaultError(format!("FAULTS_FILE `{path}`: {error}"))
            };
            let text = std::fs::read_to_string(&path).map_err(|error| in_file(&error))?;
            rules.extend(parse(&text).map_err(|error| in_file(&error))?);
        }
        let faults = Self::new(seed);
        if !rules.is_empty() {
            faults.set(rules);
        }
        Ok(faults)
    }

    /// Replaces all rules, and says so in the log. None switches faults off.
    pub fn set(&self, rules: Vec<Rule>) {
        if rules.is_empty() {
            tracing::warn!("faults on purpose are OFF");
        }
        for rule in &rules {
            tracing::warn!("FAULT ON PURPOSE is ON: {rule}");
        }
        let on = !rules.is_empty();
        let plan = Arc::new(Plan { rules, since: Instant::now() });
        *self.0.plan.write().unwrap_or_else(PoisonError::into_inner) = plan;
        self.0.on.store(on, Ordering::Release);
    }

    /// The rules in force.
    pub fn rules(&self) -> Vec<Rule> {
        self.plan().rules.clone()
    }

    /// How often each kind of fault was set off so far.
    pub fn injected(&self) -> [(&'static str, u64); KINDS.len()] {
        std::array::from_fn(|kind| (KINDS[kind], self.0.injected[kind].load(Ordering::Relaxed)))
    }

    fn is_on(&self) -> bool {
        self.0.on.load(Ordering::Acquire)
    }

    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.0.plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number of 0 to below 1.
    fn chance(&self) -> f64 {
        self.0.random.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    fn count(&self, fault: &Fault) {
        let kind = match fault {
            Fault::Latency(_) => 0,
            Fault::Error(_) => 1,
            Fault::Drop => 2,
            Fault::Stall { .. } => 3,
        };
        self.0.injected[kind].fetch_add(1, Ordering::Relaxed);
    }
}
