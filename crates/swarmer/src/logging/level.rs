//! Levels in Python's words, which Locust's users know.

/// How severe a log line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who look into the engine.
    Debug,
    /// The course of a run.
    #[default]
    Info,
    /// Something to look at; the run goes on.
    Warning,
    /// Something failed.
    Error,
    /// The run cannot go on.
    Critical,
}

impl Level {
    /// The word in log lines and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    /// The level of a word in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical]
            .into_iter()
            .find(|level| level.as_str() == name)
    }
}
