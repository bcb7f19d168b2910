//! Every setting of the workload, in one place: a flag, an environment variable, a configuration key of the same name.

use std::time::Duration;

use rand::{Rng, RngExt};
use swarmer::options::{Opt, Options};
use swarmer::prelude::*;

use crate::utils::choice::TargetAge;

/// Percentage of organisations in group A; all users of one organisation are in the same group.
pub const GROUP_A_PERCENTAGE: f64 = 50.0;
/// Fewest tasks an agent does before somebody else takes over.
pub const MIN_TASKS_BEFORE_ROTATION: u32 = 5;
/// Most tasks an agent does before somebody else takes over; 0 and 0 switch rotation off.
pub const MAX_TASKS_BEFORE_ROTATION: u32 = 15;
/// Share of quote agents among all users.
pub const QUOTE_AGENT_WEIGHT: f64 = 50.0;
/// Share of claims agents among all users.
pub const CLAIMS_AGENT_WEIGHT: f64 = 50.0;
/// Shortest wait between tasks, in seconds.
pub const WAIT_MIN: f64 = 2.0;
/// Longest wait between tasks, in seconds.
pub const WAIT_MAX: f64 = 5.0;
/// Shortest think time between the steps of a task, in seconds.
pub const THINK_MIN: f64 = 1.0;
/// Longest think time between the steps of a task, in seconds.
pub const THINK_MAX: f64 = 7.0;
/// The password of all seeded users.
pub const DEFAULT_PASSWORD: &str = "password123";

/// A day, in seconds: no wait is longer.
const DAY: f64 = 86_400.0;

/// The settings of a run, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Percentage of organisations in group A.
    pub group_a_percentage: f64,
    /// Rotation: fewest and most tasks; 0 and 0 for none.
    pub rotation: (u32, u32),
    /// Weight of quote agents.
    pub quote_agent_weight: f64,
    /// Weight of claims agents.
    pub claims_agent_weight: f64,
    /// Between tasks.
    pub wait: Wait,
    /// Between steps.
    pub think: Wait,
    /// What all users sign in with.
    pub default_password: String,
    /// Age of quotes that are converted.
    pub quote_age: Option<TargetAge>,
    /// Age of claims that are processed.
    pub claim_age: Option<TargetAge>,
    /// Age of policies that are updated or claimed on.
    pub policy_age: Option<TargetAge>,
    /// Whether people differ in how fast they think.
    pub speed_spread: bool,
}

/// The definitions of the workload's own options.
pub fn options() -> Vec<Opt> {
    vec![
        Opt::number("group-a-percentage", 0.0..=100.0)
            .env("GROUP_A_PERCENTAGE")
            .default(GROUP_A_PERCENTAGE)
            .help("Share of organisations in group A, in percent; the rest is group B"),
        Opt::whole("min-tasks-before-rotation", 0..=1_000_000)
            .env("MIN_TASKS_BEFORE_ROTATION")
            .default(MIN_TASKS_BEFORE_ROTATION)
            .help("Fewest tasks before an agent signs in as somebody else; 0 and 0 switch rotation off"),
        Opt::whole("max-tasks-before-rotation", 0..=1_000_000)
            .env("MAX_TASKS_BEFORE_ROTATION")
            .default(MAX_TASKS_BEFORE_ROTATION)
            .help("Most tasks before an agent signs in as somebody else"),
        Opt::number("quote-agent-weight", 0.0..=1e6)
            .env("QUOTE_AGENT_WEIGHT")
            .default(QUOTE_AGENT_WEIGHT)
            .help("Weight of quote agents among all users"),
        Opt::number("claims-agent-weight", 0.0..=1e6)
            .env("CLAIMS_AGENT_WEIGHT")
            .default(CLAIMS_AGENT_WEIGHT)
            .help("Weight of claims agents among all users"),
        seconds("wait-min", "WAIT_MIN", WAIT_MIN, "Shortest wait between tasks, in seconds"),
        seconds("wait-max", "WAIT_MAX", WAIT_MAX, "Longest wait between tasks, in seconds"),
        seconds("think-min", "THINK_MIN", THINK_MIN, "Shortest think time between steps, in seconds"),
        seconds("think-max", "THINK_MAX", THINK_MAX, "Longest think time between steps, in seconds"),
        Opt::text("default-password")
            .secret()
            .env("DEFAULT_PASSWORD")
            .default(DEFAULT_PASSWORD)
            .help("Password that all users of the API sign in with"),
        age("quote-target-age", "QUOTE_TARGET_AGE", "Age of the quotes that are converted; realistic: 12m"),
        age("claim-target-age", "CLAIM_TARGET_AGE", "Age of the claims that are processed; realistic: 18m"),
        age("policy-target-age", "POLICY_TARGET_AGE", "Age of the policies that are worked on; realistic: 30m"),
        Opt::flag("no-speed-spread")
            .env("NO_SPEED_SPREAD")
            .help("All agents think equally fast; by default each is 0.7 to 1.3 times as slow as the average"),
    ]
}

fn seconds(long: &'static str, env: &'static str, default: f64, help: &'static str) -> Opt {
    Opt::number(long, 0.0..=DAY).env(env).default(default).help(help)
}

fn age(long: &'static str, env: &'static str, help: &'static str) -> Opt {
    Opt::span(long).env(env).help(help)
}

/// Two settings that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction(String);

impl std::fmt::Display for Contradiction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Contradiction {}

impl Settings {
    /// Reads the settings from the options of the run.
    ///
    /// # Errors
    /// When a smallest value is above its largest, or no agent has a weight.
    pub fn from_options(options: &Options) -> Result<Self, Contradiction> {
        let custom = &options.custom;
        let number = |long, default| custom.number(long).unwrap_or(default);
        let whole = |long, default: u32| {
            custom.whole(long).map_or(default, |value| u32::try_from(value).unwrap_or(u32::MAX))
        };
        let range = |min: &'static str, low, max: &'static str, high| {
            let (low, high) = (number(min, low), number(max, high));
            ordered(min, low, max, high).map(|()| between(low, high))
        };
        let target = |long| {
            let age: Option<Duration> = custom.span(long).filter(|age| !age.is_zero());
            age.map(|age| TargetAge { target: age.as_secs_f64(), time_scale: options.time_scale })
        };
        let rotation = (
            whole("min-tasks-before-rotation", MIN_TASKS_BEFORE_ROTATION),
            whole("max-tasks-before-rotation", MAX_TASKS_BEFORE_ROTATION),
        );
        ordered(
            "min-tasks-before-rotation",
            f64::from(rotation.0),
            "max-tasks-before-rotation",
            f64::from(rotation.1),
        )?;
        let settings = Self {
            group_a_percentage: number("group-a-percentage", GROUP_A_PERCENTAGE),
            rotation,
            quote_agent_weight: number("quote-agent-weight", QUOTE_AGENT_WEIGHT),
            claims_agent_weight: number("claims-agent-weight", CLAIMS_AGENT_WEIGHT),
            wait: range("wait-min", WAIT_MIN, "wait-max", WAIT_MAX)?,
            think: range("think-min", THINK_MIN, "think-max", THINK_MAX)?,
            default_password: custom
                .text("default-password")
                .unwrap_or(DEFAULT_PASSWORD)
                .to_owned(),
            quote_age: target("quote-target-age"),
            claim_age: target("claim-target-age"),
            policy_age: target("policy-target-age"),
            speed_spread: !custom.flag("no-speed-spread"),
        };
        if settings.quote_agent_weight + settings.claims_agent_weight <= 0.0 {
            return Err(Contradiction(
                "--quote-agent-weight and --claims-agent-weight are both 0: no agent would ever start".into(),
            ));
        }
        Ok(settings)
    }

    /// After how many tasks somebody else takes over; 0 means never.
    pub fn draw_threshold(&self, rng: &mut impl Rng) -> u32 {
        let (min, max) = self.rotation;
        rng.random_range(min..=max)
    }
}

fn ordered(min: &str, low: f64, max: &str, high: f64) -> Result<(), Contradiction> {
    if low <= high {
        return Ok(());
    }
    Err(Contradiction(format!("--{min} {low} is above --{max} {high}: it must not be")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::Pcg64Mcg;

    #[test]
    fn defaults_are_those_of_the_journeys() {
        let settings = Settings::from_options(&Options::default()).unwrap();
        assert_eq!(settings.rotation, (5, 15));
        assert_eq!((settings.wait, settings.think), (between(2.0, 5.0), between(1.0, 7.0)));
        assert_eq!((settings.quote_agent_weight, settings.claims_agent_weight), (50.0, 50.0));
        assert_eq!(settings.quote_age, None);
        assert!(settings.speed_spread);
    }

    #[test]
    fn thresholds_cover_their_whole_range() {
        let settings = Settings::from_options(&Options::default()).unwrap();
        let mut rng = Pcg64Mcg::new(9);
        let drawn: std::collections::BTreeSet<u32> =
            (0..1000).map(|_| settings.draw_threshold(&mut rng)).collect();
        assert_eq!(drawn, (5..=15).collect());
    }

    #[test]
    fn a_reversed_range_names_both_options() {
        let error = ordered("wait-min", 6.0, "wait-max", 5.0).unwrap_err();
        assert_eq!(error.to_string(), "--wait-min 6 is above --wait-max 5: it must not be");
    }
}
