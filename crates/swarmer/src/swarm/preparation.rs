//! What is done once for a target before its first user: it is looked at, and the workload's set-up works with it.

use std::pin::pin;
use std::sync::Arc;

use super::preflight::Checklist;
use super::setup::SetupFn;
use super::{Setup, SetupError};
use crate::events::Hooks;
use crate::http;
use crate::options::Options;
use crate::scenario::caught;
use crate::user::Provided;

/// Makes ready for a target, once for each.
pub(super) struct Preparation {
    http: http::Config,
    workload: Option<Box<dyn SetupFn>>,
    /// What the workload provides without its set-up.
    given: Provided,
    hooks: Arc<Hooks>,
    has_begun: bool,
    /// Workers do it, where their users run.
    elsewhere: bool,
    done: Option<Prepared>,
}

/// What set-up came to.
#[derive(Clone)]
pub(super) struct Prepared {
    /// The base URL it was for.
    host: Option<String>,
    pub(super) provided: Arc<Provided>,
    /// Requests that it took.
    pub(super) requests: u64,
}

impl Preparation {
    pub(super) fn new(
        http: http::Config,
        workload: Option<Box<dyn SetupFn>>,
        given: Provided,
        hooks: Arc<Hooks>,
    ) -> Self {
        Self { http, workload, given, hooks, has_begun: false, elsewhere: false, done: None }
    }

    /// Leaves target and set-up to the workers.
    pub(super) fn elsewhere(self) -> Self {
        Self { elsewhere: true, ..self }
    }

    /// Makes ready for the target that `options` name, unless that has been done; `hosts` are all that users will send
    /// requests to.
    ///
    /// # Errors
    /// When a target does not answer, the set-up fails, or a hook says no.
    pub(super) async fn make(
        &mut self,
        options: &Arc<Options>,
        hosts: &[String],
    ) -> Result<Prepared, SetupError> {
        if let Some(done) = &self.done
            && done.host == options.host
        {
            return Ok(done.clone());
        }
        let (provided, requests) = if self.elsewhere {
            (self.given.clone(), 0)
        } else {
            Checklist::of_targets(hosts, &self.http.allowed).await.warn()?;
            let setup = Setup::new(self.http.clone(), Arc::clone(options), self.given.clone())?;
            self.set_up(setup).await?
        };
        if !std::mem::replace(&mut self.has_begun, true) {
            let begun = self.hooks.init(options);
            begun.map_err(|problem| SetupError::new(format!("on_init: {problem}")))?;
        }
        let host = options.host.clone();
        let done = Prepared { host, provided: Arc::new(provided), requests };
        Ok(self.done.insert(done).clone())
    }

    /// Looks at a target to which a run that goes on shall turn; the set-up is not made anew.
    ///
    /// # Errors
    /// When it does not answer or may not be loaded.
    pub(super) async fn look_at(&self, host: &str) -> Result<(), SetupError> {
        if self.elsewhere {
            return Ok(());
        }
        Checklist::of_targets(&[host.to_owned()], &self.http.allowed).await.warn()
    }

    async fn set_up(&self, mut setup: Setup) -> Result<(Provided, u64), SetupError> {
        if let Some(workload) = &self.workload {
            let prepared = caught(pin!(workload.call(&mut setup))).await;
            prepared.map_err(|panic| super::workload("set-up", &panic))??;
        }
        Ok(setup.finish())
    }
}
