//! The user classes of a run: those that the workload declares, as the command line changes them.

use std::collections::BTreeMap;

use tracing::warn;

use super::SetupError;
use crate::cluster::{UserClassEdit, Value};
use crate::logging::MAIN;
use crate::options::Options;
use crate::runner::value_of;
use crate::scenario::{Findings, Override, OverrideError, TagFilter, UserClass};

/// The exit code when `--config-users` names a class that there is not: Locust's −1.
const UNKNOWN_CLASS: u8 = 255;

/// The exit code of a mistake on the command line.
const USAGE: u8 = 2;

/// Checks the classes a workload declares.
///
/// # Errors
/// When a definition cannot work; the text has all that is wrong, a line each.
pub(super) fn check(classes: &[UserClass]) -> Result<(), SetupError> {
    let mut findings = Findings::default();
    for class in classes {
        class.check(&mut findings);
    }
    for warning in findings.warnings {
        warn!(target: MAIN, "{warning}");
    }
    if findings.errors.is_empty() {
        return Ok(());
    }
    Err(SetupError::new(findings.errors.join("\n")))
}

/// Applies `--config-users` and `--equal-weights`, in this order, which is Locust's. Tags come after them, with each run:
/// see [`tagged`].
///
/// `chosen` are the classes to run, `declared` the names of all there are.
///
/// # Errors
/// When `--config-users` cannot be read (code 2) or names an unknown class (code 255).
pub(super) fn adjust(
    chosen: &mut Vec<UserClass>,
    declared: &[String],
    options: &Options,
) -> Result<(), SetupError> {
    let usage = |error: OverrideError| SetupError::new(error.to_string()).exit_code(USAGE);
    for change in Override::read_all(&options.config_users).map_err(usage)? {
        override_class(chosen, declared, &change)?;
    }
    let is_idle = |class: &UserClass| {
        let info = class.info();
        info.weight == 0.0 && info.fixed_count == 0
    };
    // A run of idle classes only is an error with words of its own, later.
    if !chosen.iter().all(is_idle) {
        chosen.retain(|class| !is_idle(class));
    }
    if options.equal_weights {
        for class in chosen.iter_mut() {
            *class = class.equally_weighted();
        }
    }
    Ok(())
}

/// The classes with the tasks that these options' `--tags` and `--exclude-tags` leave.
pub(super) fn tagged(classes: &[UserClass], options: &Options) -> Vec<UserClass> {
    let filter = TagFilter { include: &options.tags, exclude: &options.exclude_tags };
    if filter.is_empty() {
        return classes.to_vec();
    }
    classes.iter().map(|class| class.tagged(filter)).collect()
}

/// Says which classes have lost all their tasks to the tags.
pub(super) fn warn_of_idle<'a>(classes: impl Iterator<Item = &'a UserClass>, options: &Options) {
    if options.tags.is_empty() && options.exclude_tags.is_empty() {
        return;
    }
    for class in classes.filter(|class| class.info().tasks.is_empty()) {
        let name = class.name();
        warn!(
            target: MAIN,
            "{name} had no tasks left after filtering, its users will do nothing but count an exception a second"
        );
    }
}

/// The `declared` classes with all changes that a master asked for: those before, and this one in the form of
/// `--config-users`, which is added to them.
///
/// # Errors
/// When the change cannot be read or the class is unknown; nothing is added then.
pub(super) fn edited(
    declared: &[UserClass],
    changes: &mut BTreeMap<String, Override>,
    change: &str,
) -> Result<Vec<UserClass>, SetupError> {
    let names: Vec<String> = declared.iter().map(|class| class.name().to_owned()).collect();
    let mut merged = changes.clone();
    let read = Override::read_all(&[change.to_owned()]);
    for change in read.map_err(|error| SetupError::new(error.to_string()))? {
        merged.entry(change.class.clone()).or_default().merge(&change);
    }
    let mut classes = declared.to_vec();
    for change in merged.values() {
        override_class(&mut classes, &names, change)?;
    }
    *changes = merged;
    Ok(classes)
}

/// A change in the form in which it travels to workers.
pub(super) fn as_edit(change: &Override) -> UserClassEdit {
    let Override { class, weight, fixed_count, host, tasks, others } = change;
    let attributes = [
        ("weight", weight.map(Value::Float)),
        ("fixed_count", fixed_count.map(|count| Value::Unsigned(count.into()))),
        ("host", host.clone().map(Value::Text)),
    ];
    let attributes =
        attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    // Workers of Locust's kind set whatever they are told.
    let others = others.iter().map(|(name, value)| (name.clone(), value_of(value)));
    let attributes = attributes.chain(others);
    UserClassEdit { class: class.clone(), attributes: attributes.collect(), tasks: tasks.clone() }
}

fn override_class(
    chosen: &mut [UserClass],
    declared: &[String],
    change: &Override,
) -> Result<(), SetupError> {
    let name = &change.class;
    if !declared.contains(name) {
        let known = declared.join(", ");
        return Err(SetupError::new(format!(
            "Error applying user config, probably you tried to specify config for a User not present: '{name}'"
        ))
        .hint(format!("There are: {known}"))
        .exit_code(UNKNOWN_CLASS));
    }
    for key in change.others.keys() {
        warn!(
            target: MAIN,
            "--config-users: `{key}` of {name} means nothing but to workers of Locust's, there are: weight, fixed_count, host, tasks"
        );
    }
    let Some(class) = chosen.iter_mut().find(|class| class.name() == name) else {
        return Ok(()); // It does not run anyway.
    };
    let info = class.info();
    for task in change.tasks.iter().flatten() {
        if !info.tasks.iter().any(|known| known.name == *task) {
            warn!(target: MAIN, "--config-users: {name} has no task `{task}`");
        }
    }
    *class = class.overridden(change);
    Ok(())
}
