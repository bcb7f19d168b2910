//! What the next run of this process is made of: the workload, and the options as they are at present.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::model::{self, Load};
use super::preflight::Checklist;
use super::preparation::{Preparation, Prepared};
use super::reception::from_now;
use super::{SetupError, Swarm, classes};
use crate::load::{self, Plan, Shape, ShapeTime, Target};
use crate::options::{Kind, Options};
use crate::runner::{Begin, Gear, Reform};
use crate::scenario::{Override, UserClass, ratio};
use crate::stats::RunInfo;
use crate::web::{Ask, ClassFacts, Facts, Problem};

/// Makes runs ready, one after the other.
pub(super) struct Desk {
    swarm: Swarm,
    shape: Option<Lent>,
    preparation: Preparation,
    paper: Paper,
    /// When the present run began and will end, seconds since the Unix epoch.
    started: Option<f64>,
    ends: Option<f64>,
    facts: watch::Sender<Arc<Facts>>,
}

/// What a form changes.
#[derive(Clone)]
pub(super) struct Paper {
    options: Arc<Options>,
    /// The classes that have users; all if none is named.
    chosen: Vec<String>,
    uses_shape: bool,
    /// Changes to classes, by name.
    changes: BTreeMap<String, Override>,
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
        let changes = BTreeMap::new();
        let paper = Paper { options, chosen: Vec::new(), uses_shape: shape.is_some(), changes };
        let facts = facts(&swarm, &paper, None, None);
        let (started, ends) = (None, None);
        let facts = watch::Sender::new(Arc::new(facts));
        Self { swarm, shape, preparation, paper, started, ends, facts }
    }

    pub(super) fn swarm(&self) -> &Swarm {
        &self.swarm
    }

    pub(super) fn options(&self) -> &Arc<Options> {
        &self.paper.options
    }

    /// What the web page is told.
    pub(super) fn facts(&self) -> watch::Receiver<Arc<Facts>> {
        self.facts.subscribe()
    }

    /// The load of the next run.
    ///
    /// # Errors
    /// When options are wrong or do not fit the workload.
    pub(super) fn load(&self) -> Result<Load, SetupError> {
        let shape = self.shape.clone().filter(|_| self.paper.uses_shape);
        let shape = shape.map(|shape| Box::new(shape) as Box<dyn Shape>);
        model::load(shape, &self.shares(), self.options())
    }

    /// The base URLs of the next run.
    ///
    /// # Errors
    /// When there is a class that has none.
    pub(super) fn hosts(&self) -> Result<Vec<String>, SetupError> {
        if self.is_master() {
            // It need not reach the target.
            return Ok(Vec::new());
        }
        hosts_of(self.classes().iter().filter(|class| self.is_chosen(class)), self.options())
    }

    /// What this machine needs for a load; a master runs no user.
    pub(super) fn checklist(&self, load: &Load) -> Checklist {
        if self.is_master() {
            return Checklist::of_master();
        }
        Checklist::of_machine(load.users, self.options().park_idle.is_some())
    }

    fn is_master(&self) -> bool {
        self.options().cluster.master
    }

    /// Looks at the targets of the next run and has the workload set up, unless that has been done.
    ///
    /// # Errors
    /// When the run cannot start.
    pub(super) async fn prepare(&mut self) -> Result<Prepared, SetupError> {
        let hosts = self.hosts()?;
        self.preparation.make(&self.paper.options, &hosts).await
    }

    /// The next run.
    pub(super) fn run_of(&self, load: &Load, prepared: &Prepared) -> Begin {
        let gear = Gear {
            classes: self.classes().into(),
            options: Arc::clone(self.options()),
            provided: Arc::clone(&prepared.provided),
            limits: load.limits.clone(),
        };
        Begin { gear, shares: self.shares(), info: self.info(prepared.requests) }
    }

    /// Says what of the next run will do nothing.
    pub(super) fn warn_of_idle(&self) {
        let classes = self.classes();
        classes::warn_of_idle(classes.iter().filter(|c| self.is_chosen(c)), self.options());
    }

    /// Notes that a run with this load has begun.
    pub(super) fn note_begun(&mut self, load: &Load) {
        let planned = load.plan.as_ref().and_then(Plan::duration);
        let ends = load.run_time.into_iter().chain(planned).min();
        (self.started, self.ends) = (from_now(Some(Duration::ZERO)), from_now(ends));
        self.tell();
    }

    /// Notes when the run will end from now on.
    pub(super) fn note_end(&mut self, after: Option<Duration>) {
        self.ends = from_now(after);
        self.tell();
    }

    /// Whether something else than a number of users decides how many there are.
    pub(super) fn follows_a_plan(&self) -> bool {
        let options = self.options();
        let by_options =
            options.stages.is_some() || options.rate.is_some() || options.rate_stages.is_some();
        by_options || self.shape_in_use().is_some()
    }

    /// The shape that decides the number of users, if one does.
    pub(super) fn shape_in_use(&self) -> Option<String> {
        let options = self.options();
        let other =
            options.stages.is_some() || options.rate.is_some() || options.rate_stages.is_some();
        shape_name(&self.swarm).filter(|_| self.paper.uses_shape && !other)
    }

    /// Takes over what a form says of the next run; gives what was there before.
    ///
    /// # Errors
    /// When something in it cannot be; nothing is changed then.
    pub(super) fn put(&mut self, ask: &Ask) -> Result<Paper, Problem> {
        let mut paper = self.paper.clone();
        let mut options = Options::clone(&paper.options);
        self.apply_common(ask, &mut options)?;
        if ask.host.is_some() {
            options.host = host_of(ask)?;
        }
        if let Some(limit) = ask.run_time {
            options.run_time = limit;
        }
        for (name, asked, tags) in [
            ("tags", &ask.tags, &mut options.tags),
            ("exclude-tags", &ask.exclude_tags, &mut options.exclude_tags),
        ] {
            let Some(asked) = asked else { continue };
            tags.clone_from(asked);
            options.given.remove(name);
            if !asked.is_empty() {
                options.given.insert(name.to_owned(), asked.join(" "));
            }
        }
        if let Some(profile) = &ask.profile {
            options.profile = Some(profile.clone()).filter(|profile| !profile.is_empty());
        }
        match &ask.stages {
            Some(stages) => {
                options.stages = Some(stages.clone()).filter(|stages| !stages.trim().is_empty());
            }
            // A number of users is asked for, and nothing else.
            None if ask.users.is_some() => options.stages = None,
            None => {}
        }
        if let Some(mistake) = model::mistake(&options) {
            return Err(Problem::invalid("stages", mistake));
        }
        if let Some(chosen) = ask.classes.as_ref().filter(|chosen| !chosen.is_empty()) {
            let is_known = |name: &&String| self.swarm.classes.iter().any(|c| c.name() == *name);
            if let Some(unknown) = chosen.iter().find(|name| !is_known(name)) {
                let text = format!("there is no user class '{unknown}'");
                return Err(Problem::invalid("classes", text));
            }
            paper.chosen.clone_from(chosen);
        }
        paper.uses_shape = self.shape.is_some() && ask.shape.unwrap_or(paper.uses_shape);
        paper.options = Arc::new(options);
        let before = std::mem::replace(&mut self.paper, paper);
        self.tell();
        Ok(before)
    }

    /// Goes back to what was there before.
    pub(super) fn put_back(&mut self, before: Paper) {
        self.paper = before;
        self.tell();
    }

    /// Looks at the target to which a run that goes on shall turn, if it shall.
    ///
    /// # Errors
    /// When it is no base URL, or does not answer.
    pub(super) async fn look_at_host(&self, ask: &Ask) -> Result<(), Problem> {
        let Some(host) = host_of(ask)? else { return Ok(()) };
        if self.options().host.as_deref() == Some(&host) {
            return Ok(());
        }
        Ok(self.preparation.look_at(&host).await?)
    }

    /// Takes over what can be changed while a run goes on; gives the options as they are then.
    ///
    /// # Errors
    /// When something in it cannot be; nothing is changed then.
    pub(super) fn change(&mut self, ask: &Ask) -> Result<Arc<Options>, Problem> {
        let mut options = Options::clone(self.options());
        self.apply_common(ask, &mut options)?;
        options.host = host_of(ask)?.or(options.host);
        self.paper.options = Arc::new(options);
        self.tell();
        Ok(Arc::clone(self.options()))
    }

    /// What a form says that may change at any time.
    fn apply_common(&self, ask: &Ask, options: &mut Options) -> Result<(), Problem> {
        if let Some(rate) = ask.spawn_rate {
            if !rate.is_finite() || rate <= 0.0 {
                let text = format!("invalid spawn rate: {rate} (allowed: a finite number above 0)");
                return Err(Problem::invalid("spawn_rate", text));
            }
            options.spawn_rate = Some(rate);
        }
        options.users = ask.users.or(options.users);
        for (name, text) in &ask.settings {
            let field = format!("settings.{name}");
            let opt = self.swarm.options.iter().find(|opt| opt.long() == name && opt.is_editable());
            let opt = opt
                .ok_or_else(|| Problem::invalid(&field, format!("there is no setting '{name}'")))?;
            // An empty field of a secret, whose value nobody is shown, means the present one.
            if opt.is_secret() && text.is_empty() {
                continue;
            }
            options.change(opt, text).map_err(|problem| Problem::invalid(&field, problem))?;
        }
        Ok(())
    }

    /// Changes a class: its weight and number from the next run on, all else for users that are started from now on.
    ///
    /// # Errors
    /// When no class would have users.
    pub(super) fn adjust(&mut self, change: &Override) -> Result<Reform, Problem> {
        let before = self.paper.clone();
        self.paper.changes.entry(change.class.clone()).or_default().merge(change);
        if let Err(error) = load::Dispatcher::new(self.shares(), ["local"]) {
            self.paper = before;
            return Err(Problem::invalid("user_class_name", error.to_string()));
        }
        self.tell();
        Ok(Reform { classes: self.classes().into(), edit: classes::as_edit(change) })
    }

    /// What a run would do that is begun with this form.
    ///
    /// # Errors
    /// When something in it cannot be.
    pub(super) fn plan_of(&mut self, ask: &Ask) -> Result<Plan, Problem> {
        let before = self.put(ask)?;
        let load = self.load();
        // A shape is not asked before its time: it may count its ticks.
        let plan = match load {
            Ok(load) if self.shape_in_use().is_some() => Ok(load.plan),
            Ok(load) => Ok(load.into_plan()),
            Err(error) => Err(error),
        };
        self.put_back(before);
        plan?
            .ok_or_else(|| Problem::conflict("a load shape written as code is drawn while it runs"))
    }

    /// The classes with the changes that were asked for, and the tasks that the tags leave.
    pub(super) fn classes(&self) -> Vec<UserClass> {
        changed(&self.swarm, &self.paper)
    }

    /// The values of secret options, of which no output tells.
    pub(super) fn secrets(&self) -> impl Iterator<Item = String> {
        let secret = self.swarm.options.iter().filter(|opt| opt.is_secret());
        secret.filter_map(|opt| self.options().custom.text(opt.long()).map(str::to_owned))
    }

    fn is_chosen(&self, class: &UserClass) -> bool {
        is_chosen(&self.paper, class.name())
    }

    /// How users are given to classes; those that have no part in the run get none.
    pub(super) fn shares(&self) -> Vec<load::UserClass> {
        let share = |class: UserClass| {
            let info = class.info();
            let takes_part = self.is_chosen(&class);
            load::UserClass {
                name: info.name,
                weight: if takes_part { info.weight } else { 0.0 },
                fixed_count: if takes_part { info.fixed_count } else { 0 },
            }
        };
        self.classes().into_iter().map(share).collect()
    }

    /// What reports say of the next run.
    pub(super) fn info(&self, setup_requests: u64) -> RunInfo {
        let options = self.options();
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
            tasks: self.ratios(),
        }
    }

    /// The ratio trees of the classes that take part.
    fn ratios(&self) -> serde_json::Value {
        let chosen = self.classes().into_iter().filter(|class| self.is_chosen(class));
        let classes: Vec<_> = chosen.map(|class| class.info()).collect();
        let shares = ratio::shares(&classes, self.options().users.unwrap_or(1));
        ratio::json(&classes, &shares)
    }

    fn tell(&self) {
        let facts = facts(&self.swarm, &self.paper, self.started, self.ends);
        self.facts.send_replace(Arc::new(facts));
    }
}

/// The base URL that a form gives, if it gives one.
fn host_of(ask: &Ask) -> Result<Option<String>, Problem> {
    let host = ask.host.as_ref().filter(|host| !host.is_empty());
    if let Some(host) = host {
        Kind::BaseUrl.check(host).map_err(|problem| Problem::invalid("host", problem))?;
    }
    Ok(host.cloned())
}

fn facts(swarm: &Swarm, paper: &Paper, started: Option<f64>, ends: Option<f64>) -> Facts {
    let declared = classes::tagged(&swarm.classes, &paper.options);
    let class = |(class, declared): (UserClass, UserClass)| {
        let tasks = declared.info().tasks.into_iter().map(|task| task.name);
        ClassFacts {
            info: class.info(),
            all_tasks: tasks.collect(),
            host: class.host().map(str::to_owned),
            is_chosen: is_chosen(paper, class.name()),
        }
    };
    Facts {
        options: Arc::clone(&paper.options),
        classes: changed(swarm, paper).into_iter().zip(declared).map(class).collect(),
        shape: shape_name(swarm),
        uses_shape: paper.uses_shape,
        started,
        ends,
    }
}

fn changed(swarm: &Swarm, paper: &Paper) -> Vec<UserClass> {
    let with_change = |class: &UserClass| match paper.changes.get(class.name()) {
        Some(change) => class.overridden(change),
        None => class.clone(),
    };
    let classes: Vec<UserClass> = swarm.classes.iter().map(with_change).collect();
    classes::tagged(&classes, &paper.options)
}

fn is_chosen(paper: &Paper, class: &str) -> bool {
    paper.chosen.is_empty() || paper.chosen.iter().any(|name| name == class)
}

/// The name of the shape's type, without its path; closures have none.
fn shape_name(swarm: &Swarm) -> Option<String> {
    let plain = swarm.shape_name.split('<').next()?;
    let name = plain.rsplit("::").next()?;
    match name {
        "" => None,
        name if name.starts_with('{') => Some("LoadShape".to_owned()),
        name => Some(name.to_owned()),
    }
}

/// The base URLs that users of these classes send requests to, each once.
///
/// # Errors
/// When there is a class that has none.
pub(super) fn hosts_of<'a>(
    classes: impl Iterator<Item = &'a UserClass> + Clone,
    options: &Options,
) -> Result<Vec<String>, SetupError> {
    let mut needy = classes.filter(|class| class.needs_host()).peekable();
    if needy.peek().is_none() {
        return Ok(Vec::new());
    }
    if let Some(host) = &options.host {
        return Ok(vec![host.clone()]);
    }
    let mut hosts: Vec<String> = Vec::new();
    for class in needy {
        let host = class.host().ok_or_else(|| {
            let name = class.name();
            SetupError::new(format!("no host to send requests to: user class {name} has none"))
                .hint("Give the base URL of the system under test: --host http://localhost:3000")
        })?;
        if !hosts.iter().any(|known| known == host) {
            hosts.push(host.to_owned());
        }
    }
    Ok(hosts)
}
