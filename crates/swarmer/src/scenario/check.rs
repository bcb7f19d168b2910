//! What can be wrong with a definition: found before the first user starts.

use super::order::Order;
use super::set::{Body, Item, SetDef};

/// What a check found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The run cannot start.
    pub(crate) errors: Vec<String>,
    /// The run can start, but hardly as meant.
    pub(crate) warnings: Vec<String>,
}

impl<S: 'static> SetDef<S> {
    /// `place` names the set with what it is in: `Shopper > Cart`.
    pub(super) fn check(&self, place: &str, findings: &mut Findings) {
        let weights: u64 = self.items.iter().map(|item| u64::from(item.weight)).sum();
        if weights > u64::from(u32::MAX) {
            let most = u32::MAX;
            findings
                .errors
                .push(format!("{place}: task weights sum to {weights}, allowed: {most}"));
        }
        if self.order == Order::Markov {
            self.check_chain(place, findings);
        }
        for item in &self.items {
            if let Body::Set(set) = &item.body {
                set.check(&format!("{place} > {}", item.name), findings);
            }
        }
    }

    fn check_chain(&self, place: &str, findings: &mut Findings) {
        let mut error = |text: String| findings.errors.push(format!("{place}: {text}"));
        if self.items.is_empty() {
            error("a Markov task set needs tasks, and has none".to_owned());
        }
        for (at, item) in self.items.iter().enumerate() {
            let Item { name, tags, transitions, .. } = item;
            if self.items[..at].iter().any(|other| other.name == *name) {
                error(format!("two tasks are named `{name}`, so transitions to it are ambiguous"));
            }
            if !tags.is_empty() {
                let tags = tags.join(", ");
                error(format!(
                    "`{name}` has tags ({tags}), but without one of its tasks a Markov chain is another one: tag the whole set"
                ));
            }
            if transitions.iter().all(|(_, weight)| *weight == 0) {
                error(format!("`{name}` has no transitions, so nothing can follow it"));
            }
            for (target, _) in transitions {
                if !self.items.iter().any(|item| item.name == *target) {
                    error(format!(
                        "`{name}` has a transition to `{target}`, which is no task of this set"
                    ));
                }
            }
        }
        let unreachable = self.unreachable();
        if !unreachable.is_empty() {
            let list = unreachable.join(", ");
            findings.warnings.push(format!("{place}: no path of transitions leads to: {list}"));
        }
    }

    /// Tasks that no path from the first one leads to.
    fn unreachable(&self) -> Vec<&str> {
        let mut reached = vec![false; self.items.len()];
        let mut next: Vec<usize> = if self.items.is_empty() { Vec::new() } else { vec![0] };
        while let Some(at) = next.pop() {
            if std::mem::replace(&mut reached[at], true) {
                continue;
            }
            let targets = self.items[at].transitions.iter().filter(|(_, weight)| *weight > 0);
            next.extend(
                targets.filter_map(|(target, _)| {
                    self.items.iter().position(|item| item.name == *target)
                }),
            );
        }
        let left = self.items.iter().zip(reached).filter(|(_, reached)| !reached);
        left.map(|(item, _)| &*item.name).collect()
    }
}
