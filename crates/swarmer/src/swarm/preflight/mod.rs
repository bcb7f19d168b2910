//! Before load starts: can it run at all? Each check that fails says what is wrong and how to mend it.

mod clock;
mod limits;
mod target;

use std::fmt::{self, Write};

use tracing::warn;

use super::setup::SetupError;
use crate::http::AllowList;
use crate::logging::MAIN;

/// What a check that did not fail found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Fine(String),
    /// The run can start, but its figures may suffer, or it may not be meant.
    Warning(String),
}

impl Finding {
    fn fine(text: impl Into<String>) -> Self {
        Self::Fine(text.into())
    }

    fn warning(text: impl Into<String>) -> Self {
        Self::Warning(text.into())
    }
}

/// The outcome of every check, by what was checked.
#[derive(Debug, Default)]
pub(super) struct Checklist(Vec<(&'static str, Result<Finding, SetupError>)>);

impl Checklist {
    /// What this machine has to have for `users` users, who may `park` their connections while they wait.
    pub(super) fn of_machine(users: u32, park: bool) -> Self {
        Self(vec![
            ("open files", limits::files(users, park)),
            ("local ports", Ok(limits::ports(users))),
            ("memory", Ok(limits::memory(users))),
            ("clock", Ok(clock::clock())),
        ])
    }

    /// What the machine of a master has to have.
    pub(super) fn of_master() -> Self {
        Self(vec![("clock", Ok(clock::clock()))])
    }

    /// What the targets have to do.
    pub(super) async fn of_targets(hosts: &[String], allowed: &AllowList) -> Self {
        let mut list = Self::default();
        for host in hosts {
            list.0.push(("target", target::answers(host, allowed).await));
        }
        list
    }

    /// The lists one after the other.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether nothing failed.
    pub(super) fn is_passed(&self) -> bool {
        self.0.iter().all(|(_, outcome)| outcome.is_ok())
    }

    /// Tells what there is to say before a run that starts: warnings.
    ///
    /// # Errors
    /// The first check that failed; nothing is told then.
    pub(super) fn warn(self) -> Result<(), SetupError> {
        let mut warnings = Vec::new();
        for (_, outcome) in self.0 {
            if let Finding::Warning(text) = outcome? {
                warnings.push(text);
            }
        }
        for warning in warnings {
            warn!(target: MAIN, "{warning}");
        }
        Ok(())
    }
}

impl fmt::Display for Checklist {
    /// A line for each check, remedies below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, outcome) in &self.0 {
            let (word, text) = match outcome {
                Ok(Finding::Fine(text)) => ("ok", text.clone()),
                Ok(Finding::Warning(text)) => ("warning", text.clone()),
                Err(error) => ("FAILED", error.to_string()),
            };
            let mut lines = text.lines();
            writeln!(f, "{word:<8} {what:<12} {}", lines.next().unwrap_or_default())?;
            lines.try_for_each(|line| {
                f.write_char(' ')?;
                writeln!(f, "{:<20} {}", "", line.trim_start())
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_what_is_wrong_and_how_to_mend_it() {
        let failed = SetupError::new("nobody answers").hint("Is it running?");
        let list = Checklist(vec![
            ("open files", Ok(Finding::fine("74 needed, 1024 allowed"))),
            ("memory", Ok(Finding::warning("may not fit"))),
            ("target", Err(failed.clone())),
        ]);
        insta::assert_snapshot!(list, @r#"
ok       open files   74 needed, 1024 allowed
warning  memory       may not fit
FAILED   target       nobody answers
                      hint: Is it running?
"#);
        assert!(!list.is_passed());
        assert_eq!(list.warn(), Err(failed));
    }
}
