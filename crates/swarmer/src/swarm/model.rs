//! From options to the load of a run: which model, what it comes to, and what does not go together.

use std::time::Duration;

use super::SetupError;
use crate::http::AllowList;
use crate::load::{Arrivals, Plan, Rates, Shape, Spacing, Stages, TextError, UserClass};
use crate::options::Options;
use crate::runner::{Budget, Ending, Limits, Model};

/// Users of a run that does not say how many.
pub(super) const ONE_USER: u32 = 1;

/// A pool without a limit of its own holds as many users as arrive in so many seconds, between these bounds: enough
/// for a target that answers within that time, and no machine is filled up because a target hangs.
const POOL_SECONDS: f64 = 10.0;
const POOL: (f64, f64) = (100.0, 10_000.0);

/// What the options ask for.
#[derive(Debug)]
enum Wanted {
    Users,
    Stages(Stages),
    Rates(Rates),
}

/// The load of a run.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) model: Model,
    /// What is shown before the run, where it is more than a number of users.
    pub(super) plan: Option<Plan>,
    /// The largest number of users, as far as it is known.
    pub(super) users: u32,
    /// When the run ends at the latest.
    pub(super) run_time: Option<Duration>,
    /// On the number of tasks.
    pub(crate) limits: Limits,
    /// What to tell people before the run: options that have no say in it.
    pub(super) warnings: Vec<String>,
}

/// The share of each driver in `--max-rate`.
#[expect(clippy::cast_precision_loss, reason = "a number of threads")]
pub(crate) fn max_rate(options: &Options, drivers: usize) -> Option<f64> {
    options.max_rate.map(|rate| rate / drivers.max(1) as f64)
}

/// What is wrong with the options of load models, alone and together.
pub(super) fn mistake(options: &Options) -> Option<String> {
    let hosts = AllowList::new(&options.allow_hosts).err();
    let hosts = hosts.map(|error| format!("argument --allow-host: {error}"));
    wanted(options).err().or(hosts)
}

fn wanted(options: &Options) -> Result<Wanted, String> {
    let Options { stages, rate, rate_stages, arrivals, iterations_per_user, .. } = options;
    let given: Vec<&str> = [("--stages", stages), ("--rate", rate), ("--rate-stages", rate_stages)]
        .into_iter()
        .filter_map(|(name, text)| text.as_ref().map(|_| name))
        .collect();
    if let [one, other, ..] = given[..] {
        return Err(format!("argument {other}: not allowed with argument {one}"));
    }
    let named = |name: &str| {
        let name = name.to_owned();
        move |error: TextError| format!("argument {name}: {error}")
    };
    if let Some(text) = stages {
        return Ok(Wanted::Stages(text.parse().map_err(named("--stages"))?)).and_then(|wanted| {
            no_arrivals(arrivals.as_ref())?;
            Ok(wanted)
        });
    }
    let rates = match (rate, rate_stages) {
        (Some(text), _) => text.parse().and_then(Rates::constant).map_err(named("--rate"))?,
        (_, Some(text)) => text.parse().map_err(named("--rate-stages"))?,
        (None, None) => {
            no_arrivals(arrivals.as_ref())?;
            return Ok(Wanted::Users);
        }
    };
    if iterations_per_user.is_some() {
        let [name] = given[..] else { return Ok(Wanted::Rates(rates)) };
        return Err(format!(
            "argument --iterations-per-user: not allowed with argument {name}, whose journeys go to any user that is free"
        ));
    }
    Ok(Wanted::Rates(rates))
}

fn no_arrivals(arrivals: Option<&String>) -> Result<(), String> {
    match arrivals {
        Some(_) => Err("argument --arrivals: needs --rate or --rate-stages".to_owned()),
        None => Ok(()),
    }
}

/// The load that `options` ask for; if they do not, that of the workload's `shape` or a plain number of users.
///
/// # Errors
/// When options are wrong or do not fit the workload.
pub(crate) fn load(
    shape: Option<Box<dyn Shape>>,
    classes: &[UserClass],
    options: &Options,
) -> Result<Load, SetupError> {
    let wanted = wanted(options).map_err(SetupError::new)?;
    let mut warnings = Vec::new();
    if shape.is_some() && !matches!(wanted, Wanted::Users) {
        let text = "The load shape of the workload is not used: the options ask for another load";
        warnings.push(text.to_owned());
    }
    let limits = Limits {
        all: options.iterations.filter(|_| !matches!(wanted, Wanted::Rates(_))).map(Budget::new),
        each: options.iterations_per_user,
    };
    let run_time = options.run_time;
    match (wanted, shape) {
        (Wanted::Rates(rates), _) => of_rates(rates, classes, options, warnings),
        (Wanted::Stages(stages), _) => {
            let given = [("--users", options.users.is_some()), spawn_rate(options)];
            warnings.extend(ignored(&given));
            let users = stages.peak();
            let plan = Some(Plan::Stages { stages: stages.clone(), run_time });
            Ok(Load { model: Model::Stages(stages), plan, users, run_time, limits, warnings })
        }
        (Wanted::Users, Some(shape)) => Ok(of_shape(shape, options, limits)),
        (Wanted::Users, None) => {
            let users = options.users.unwrap_or(ONE_USER);
            let model = Model::Users { users, rate: options.spawn_rate.unwrap_or(1.0) };
            Ok(Load { model, plan: None, users, run_time, limits, warnings })
        }
    }
}

impl Load {
    /// The load as people read it before the run. A shape is asked for all its answers, which uses it up.
    pub(super) fn into_plan(self) -> Option<Plan> {
        let Self { model, plan, run_time, .. } = self;
        plan.or_else(|| match model {
            Model::Shape(mut shape) => Some(Plan::of_shape(&mut *shape)),
            Model::Users { users, rate } => Some(Plan::Users { users, rate, run_time }),
            // These have one.
            Model::Stages(_) | Model::Arrivals { .. } => None,
        })
    }

    /// Whether the run ends by itself, whatever the run time.
    pub(super) fn ends_by_itself(&self) -> bool {
        matches!(self.model, Model::Stages(_) | Model::Shape(_))
            || self.plan.as_ref().is_some_and(|plan| plan.duration().is_some())
    }
}

/// What the log says when a model is at its end.
pub(super) fn said(ending: Ending) -> &'static str {
    match ending {
        Ending::Shape => "Shape test completed",
        Ending::Stages => "All stages are over",
        Ending::Arrivals => "All journeys have arrived",
    }
}

fn spawn_rate(options: &Options) -> (&'static str, bool) {
    ("--spawn-rate", options.spawn_rate.is_some())
}

fn ignored(options: &[(&str, bool)]) -> Option<String> {
    let given: Vec<&str> =
        options.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    let text = format!("The following option(s) will be ignored: {}", given.join(", "));
    (!given.is_empty()).then_some(text)
}

fn of_shape(shape: Box<dyn Shape>, options: &Options, limits: Limits) -> Load {
    let users = options.users.unwrap_or(ONE_USER);
    let mut warnings = Vec::new();
    if !shape.uses_common_options() {
        let given = [
            ("--users", options.users.is_some()),
            spawn_rate(options),
            ("--run-time", options.run_time.is_some()),
        ];
        let no_impact = "--run-time, --users or --spawn-rate have no impact on LoadShapes unless the shape class \
                         explicitly reads them.";
        if let Some(ignored) = ignored(&given) {
            warnings.extend([no_impact.to_owned(), ignored]);
        }
    }
    Load { model: Model::Shape(shape), plan: None, users, run_time: None, limits, warnings }
}

fn of_rates(
    rates: Rates,
    classes: &[UserClass],
    options: &Options,
    mut warnings: Vec<String>,
) -> Result<Load, SetupError> {
    warnings.extend(ignored(&[spawn_rate(options)]));
    if let Some(class) = classes.iter().find(|class| class.fixed_count > 0) {
        return Err(SetupError::new(format!(
            "user class {} has a fixed count, which means nothing where journeys arrive at a rate",
            class.name
        ))
        .hint("Name the user classes to run, without this one."));
    }
    let served = classes.iter().filter(|class| !class.is_idle()).count();
    let users = options.users.unwrap_or_else(|| pool(&rates));
    if (users as usize) < served {
        return Err(SetupError::new(format!(
            "--users {users}: journeys of {served} user classes need at least {served} users"
        ))
        .hint("Raise --users, or name fewer user classes."));
    }
    let spacing = match options.arrivals.as_deref() {
        Some("poisson") => Spacing::Poisson,
        _ => Spacing::Constant,
    };
    let (run_time, most) = (options.run_time, options.iterations);
    let plan = Plan::Arrivals { rates: rates.clone(), spacing, run_time, most, users };
    let duration = plan.duration();
    let seed = options.seed.unwrap_or_default();
    let arrivals = Arrivals::new(rates, spacing, classes, seed).until(duration).at_most(most);
    let model = Model::Arrivals { arrivals: Box::new(arrivals), users, duration };
    Ok(Load { model, plan: Some(plan), users, run_time, limits: Limits::default(), warnings })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds")]
fn pool(rates: &Rates) -> u32 {
    (rates.peak() * POOL_SECONDS).ceil().clamp(POOL.0, POOL.1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(set: impl FnOnce(&mut Options)) -> Options {
        let mut options = Options::default();
        set(&mut options);
        options
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let text = |text: &str| Some(text.to_owned());
        let cases: [(Options, &str); 6] = [
            (
                options(|o| (o.stages, o.rate) = (text("1m:5"), text("5/s"))),
                "argument --rate: not allowed with argument --stages",
            ),
            (
                options(|o| (o.rate, o.rate_stages) = (text("5/s"), text("1m:5/s"))),
                "argument --rate-stages: not allowed with argument --rate",
            ),
            (
                options(|o| o.arrivals = text("poisson")),
                "argument --arrivals: needs --rate or --rate-stages",
            ),
            (
                options(|o| (o.rate, o.iterations_per_user) = (text("5/s"), Some(3))),
                "argument --iterations-per-user: not allowed with argument --rate, whose journeys go to any user that is free",
            ),
            (
                options(|o| o.rate = text("0/s")),
                "argument --rate: invalid rate '0/s' (allowed: a rate above 0)",
            ),
            (
                options(|o| o.stages = text("")),
                "argument --stages: '': a stage is written DURATION:USERS or DURATION:USERS@RATE",
            ),
        ];
        for (options, expected) in cases {
            assert_eq!(mistake(&options).as_deref(), Some(expected));
        }
        assert_eq!(mistake(&Options::default()), None);
    }

    #[test]
    fn a_pool_without_a_limit_follows_the_rate() {
        for (rates, users) in [("1m:1/s", 100), ("1m:0->80/s", 800), ("1m:90000/s", 10_000)] {
            assert_eq!(pool(&rates.parse().unwrap()), users);
        }
    }
}
