//! User classes as the dispatcher sees them, and what can be wrong with its input.

/// One user class: its name and its share of the users.
#[derive(Clone, Debug, PartialEq)]
pub struct UserClass {
    /// The name, unique within a run; classes are ordered by it.
    pub name: String,
    /// Share relative to the other weighted classes; finite and not negative. Unused when `fixed_count` is set.
    pub weight: f64,
    /// If not 0: exactly this many users of the class run, started before any weighted one.
    pub fixed_count: u32,
}

impl UserClass {
    /// A class that gets `weight / (sum of weights)` of the users.
    pub fn weighted(name: impl Into<String>, weight: f64) -> Self {
        Self { name: name.into(), weight, fixed_count: 0 }
    }

    /// A class of which exactly `count` users run, whatever the target (as far as the target allows).
    pub fn fixed(name: impl Into<String>, count: u32) -> Self {
        Self { name: name.into(), weight: 1.0, fixed_count: count }
    }

    /// Whether the class never gets a user: weight 0 and no fixed count.
    pub fn is_idle(&self) -> bool {
        self.fixed_count == 0 && self.weight == 0.0
    }
}

/// What can be wrong with the input of a [`Dispatcher`](super::Dispatcher) or [`Ramp`](super::Ramp).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Every class has weight 0 and no fixed count, or there is none.
    #[error("no user class to run: every class has weight 0 and no fixed count")]
    NoClasses,
    /// A weight is negative or not finite.
    #[error("user class {class}: invalid weight {weight} (allowed: a finite number, 0 or more)")]
    Weight {
        /// The class.
        class: String,
        /// The weight seen.
        weight: f64,
    },
    /// Two classes share one name.
    #[error("two user classes are named {0}: names must be unique")]
    DuplicateClass(String),
    /// A name that is no class of this dispatcher.
    #[error("unknown user class {0}")]
    UnknownClass(String),
    /// There is no worker to place users on.
    #[error("no worker to place users on")]
    NoWorkers,
    /// Two workers share one name.
    #[error("two workers are named {0}: names must be unique")]
    DuplicateWorker(String),
    /// A spawn rate that is not a finite number above 0.
    #[error("invalid spawn rate {0} (allowed: a finite number above 0, in users per second)")]
    Rate(f64),
}
