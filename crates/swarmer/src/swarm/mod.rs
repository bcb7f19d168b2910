//! The builder a workload's `main` calls: scenarios and options in, exit code out.

mod classes;
mod conductor;
mod desk;
mod documents;
mod face;
mod health_check;
mod hooks;
mod keys;
mod launch;
mod master;
mod model;
mod output;
mod pages;
mod preflight;
mod preparation;
mod push;
mod reception;
mod replay;
mod report_page;
mod setup;
mod signals;
mod terminal;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;

#[cfg(any(test, feature = "testing"))]
pub(crate) use model::max_rate;
pub use output::Narrator;
use setup::SetupFn;
pub use setup::{Setup, SetupError};

use crate::events::Hooks;
use crate::load::{self, Dispatcher};
use crate::options::{Opt, Options, Program, group};
use crate::runner::{Limits, Settings};
use crate::scenario::{ClassInfo, Panic, Scenario, UserClass, catch};
use crate::stats::Summary;
use crate::user::Provided;

/// Something the workload needs around it while it runs: a system under test, a collector.
///
/// It is started after the options are known and before anything else, and ended after the last figure is in; when the
/// run cannot start it is dropped without that. What a
/// person should know of that is told through a [`Narrator`].
pub trait Environment {
    /// Options of its own.
    fn options(&self) -> Vec<Opt> {
        Vec::new()
    }

    /// Starts it, if the options ask for it; it may change options, for example point `host` at itself.
    ///
    /// # Errors
    /// When it cannot be started; the run then ends with exit code 1.
    fn start(&mut self, options: &mut Options) -> Result<(), SetupError>;

    /// Ends it, in the knowledge of the run's last figures.
    fn finish(&mut self, summary: &Summary);
}

/// What [`Swarm::configure`] calls.
type Configure = Box<dyn FnOnce(Swarm, &Options) -> Result<Swarm, SetupError>>;

/// A workload: its scenarios, its options, its set-up. See [`Swarm::run`].
pub struct Swarm {
    name: String,
    version: String,
    about: String,
    options: Vec<Opt>,
    pub(crate) classes: Vec<UserClass>,
    pub(crate) provided: Provided,
    configure: Option<Configure>,
    setup: Option<Box<dyn SetupFn>>,
    environment: Option<Box<dyn Environment>>,
    shape: Option<Box<dyn load::Shape>>,
    /// The name of the shape's type.
    shape_name: &'static str,
    pub(crate) catch_exceptions: bool,
    pub(crate) hooks: Arc<Hooks>,
}

impl std::fmt::Debug for Swarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swarm").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Swarm {
    /// A workload of this name and version, as `--version` prints them.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            about: String::new(),
            options: vec![progress()],
            classes: Vec::new(),
            provided: Provided::default(),
            configure: None,
            setup: None,
            environment: None,
            shape: None,
            shape_name: "",
            catch_exceptions: true,
            hooks: Arc::default(),
        }
    }

    /// One line for the top of `--help`.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// Adds options of the workload's own.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = Opt>) -> Self {
        self.options.extend(options);
        self
    }

    /// Adds a kind of user.
    #[must_use]
    pub fn scenario<S: 'static>(mut self, scenario: Scenario<S>) -> Self {
        self.classes.push(scenario.into());
        self
    }

    /// Hands `value` to all users: [`User::provided`](crate::User::provided) finds it by its type.
    #[must_use]
    pub fn provide<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.provided.insert(value);
        self
    }

    /// Completes the workload once the options are known: scenarios whose weights or waits are options belong here.
    #[must_use]
    pub fn configure<F>(mut self, configure: F) -> Self
    where
        F: FnOnce(Self, &Options) -> Result<Self, SetupError> + 'static,
    {
        self.configure = Some(Box::new(configure));
        self
    }

    /// What is done once before the first user starts: data is loaded, the target prepared.
    #[must_use]
    pub fn setup<F>(mut self, setup: F) -> Self
    where
        F: AsyncFn(&mut Setup) -> Result<(), SetupError> + 'static,
    {
        self.setup = Some(Box::new(setup));
        self
    }

    /// How many users there are when, as code: see [`load::Shape`]. Without one the options say it.
    ///
    /// ```
    /// use swarmer::load::ShapeTime;
    /// use swarmer::prelude::*;
    ///
    /// // Ten users for a minute, fifty for another, then the end.
    /// let swarm = Swarm::new("shop-test", "1.0").shape(|time: &ShapeTime| {
    ///     match time.run_time.as_secs() {
    ///         0..60 => Some((10, 10.0)),
    ///         60..120 => Some((50, 10.0)),
    ///         _ => None,
    ///     }
    /// });
    /// # let _ = swarm;
    /// ```
    #[must_use]
    pub fn shape<S: load::Shape + 'static>(mut self, shape: S) -> Self {
        self.shape = Some(Box::new(shape));
        self.shape_name = std::any::type_name::<S>();
        self
    }

    /// Whether a user goes on after an exception in one of its tasks, as it does unless told otherwise. With `false` that
    /// user ends there, without any `on_stop`, and is not replaced: for runs in which an exception means that the workload
    /// itself is wrong.
    #[must_use]
    pub fn catch_exceptions(mut self, go_on: bool) -> Self {
        self.catch_exceptions = go_on;
        self
    }

    /// What runs around the workload.
    #[must_use]
    pub fn environment(mut self, environment: impl Environment + 'static) -> Self {
        self.options.extend(environment.options());
        self.environment = Some(Box::new(environment));
        self
    }

    /// The workload's command line: what its manual page, completions and reference page are made from.
    pub fn program(&self) -> Program {
        let program =
            Program::new(self.name.clone(), self.version.clone()).about(self.about.clone());
        self.options.iter().cloned().fold(program, Program::option)
    }

    /// Reads the command line, runs, and says how the process should exit: 0 for a clean run, 1 (or
    /// `--exit-code-on-error`) when a request failed or a task threw; else 1 when the run could not start or a file could
    /// not be written, and 2 for a wrong command line or figures lost by a defect.
    pub fn run(self) -> ExitCode {
        launch::main(self)
    }

    /// As [`run`](Self::run), with options that have been read already.
    pub fn run_with(self, options: Options) -> ExitCode {
        launch::with_options(self, options)
    }

    pub(crate) fn configured(mut self, options: &Options) -> Result<Self, SetupError> {
        let mut swarm = match self.configure.take() {
            Some(configure) => catch(|| configure(self, options))
                .map_err(|panic| workload("configuration", &panic))??,
            None => self,
        };
        classes::check(&swarm.classes)?;
        let declared: Vec<String> = swarm.classes.iter().map(|c| c.name().to_owned()).collect();
        swarm.keep_classes(&options.user_classes)?;
        classes::adjust(&mut swarm.classes, &declared, options)?;
        // What cannot be dispatched is told before anything is started.
        Dispatcher::new(swarm.load_classes(), ["local"])?;
        Ok(swarm)
    }

    /// Leaves only the classes named on the command line; all when none is named.
    fn keep_classes(&mut self, wanted: &[String]) -> Result<(), SetupError> {
        let known: Vec<String> = self.classes.iter().map(|class| class.name().to_owned()).collect();
        if known.is_empty() {
            return Err(SetupError::new("No User class found!")
                .hint("Add one to the workload: Swarm::scenario(Scenario::new(…))."));
        }
        let unknown: Vec<&str> =
            wanted.iter().filter(|name| !known.contains(name)).map(String::as_str).collect();
        if !unknown.is_empty() {
            return Err(SetupError::new(format!("Unknown User(s): {}", unknown.join(", ")))
                .hint(format!("There are: {}", known.join(", "))));
        }
        if !wanted.is_empty() {
            self.classes.retain(|class| wanted.iter().any(|name| name == class.name()));
        }
        Ok(())
    }

    /// What the control plane needs to know of the workload and the options.
    pub(crate) fn settings(&self, options: &Options, limits: Limits) -> Settings {
        Settings {
            classes: self.load_classes(),
            stop_timeout: options.stop_timeout,
            reset_stats: options.reset_stats,
            limits,
            hooks: Arc::clone(&self.hooks),
        }
    }

    /// The load of a run with these options, over all classes.
    ///
    /// # Errors
    /// When options are wrong or do not fit the workload.
    pub(crate) fn load(&mut self, options: &Options) -> Result<model::Load, SetupError> {
        model::load(self.shape.take(), &self.load_classes(), options)
    }

    fn load_classes(&self) -> Vec<load::UserClass> {
        let classes = self.infos().into_iter().map(|info| load::UserClass {
            name: info.name,
            weight: info.weight,
            fixed_count: info.fixed_count,
        });
        classes.collect()
    }

    /// The base URLs that users send requests to, each once.
    ///
    /// # Errors
    /// When there is a class that has none.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn hosts(&self, options: &Options) -> Result<Vec<String>, SetupError> {
        desk::hosts_of(self.classes.iter(), options)
    }

    fn infos(&self) -> Vec<ClassInfo> {
        self.classes.iter().map(UserClass::info).collect()
    }

    /// The workload with the tasks that the options' tags leave.
    pub(crate) fn tagged(self, options: &Options) -> Self {
        Self { classes: classes::tagged(&self.classes, options), ..self }
    }
}

/// A panic of the workload's code before the run.
fn workload(step: &str, panic: &Panic) -> SetupError {
    SetupError::new(format!("the workload's {step} {panic}"))
}

/// A line now and then for logs and slow terminals, where tables would be too much.
fn progress() -> Opt {
    Opt::span(output::PROGRESS)
        .env("SWARMER_PROGRESS")
        .value_name("SPAN")
        .group(group::STATISTICS)
        .help("Print a line of progress every so often, such as 5s (none if not given)")
}
