//! Who is started or stopped next, and where.

use super::classes::{LoadError, UserClass};
use super::pick::Picker;
use super::table::Table;
use super::workers::Workers;

/// One user's place: what it is, where it runs, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Index of the class in the list given to [`Dispatcher::new`].
    pub class: usize,
    /// Number of the worker: its index in the list given to [`Dispatcher::new`], or what
    /// [`Dispatcher::add_worker`] returned.
    pub worker: usize,
    /// The user's number: users are numbered from 0 in the order they are started, and no number comes twice.
    pub user: u64,
}

/// Decides which class is started next on which worker, and who is stopped first; keeps the table of who runs where.
///
/// Costs 24 bytes per user and O(classes) per start, so that a plan for 100,000 users is no concern.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    classes: Vec<UserClass>,
    /// The classes that may be started now, in order of name.
    pickable: Vec<usize>,
    weighted: Picker,
    fill: Fill,
    totals: Vec<u32>,
    workers: Workers,
    table: Table,
    /// Running users, oldest first: ramping down takes from the end.
    running: Vec<Placement>,
    started: u64,
}

impl Dispatcher {
    /// A dispatcher with no user running yet. Idle classes (weight 0, no fixed count) keep their index and get no user.
    ///
    /// # Errors
    /// If no class can get a user, a weight is negative or not finite, there is no worker, or a name comes twice.
    pub fn new<S: Into<String>>(
        classes: impl IntoIterator<Item = UserClass>,
        workers: impl IntoIterator<Item = S>,
    ) -> Result<Self, LoadError> {
        Self::over(classes.into_iter().collect(), Workers::new(workers)?)
    }

    /// A dispatcher that has no worker yet; until one is added nobody can be started.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn without_workers(
        classes: impl IntoIterator<Item = UserClass>,
    ) -> Result<Self, LoadError> {
        Self::over(classes.into_iter().collect(), Workers::default())
    }

    fn over(classes: Vec<UserClass>, workers: Workers) -> Result<Self, LoadError> {
        for class in &classes {
            if !class.weight.is_finite() || class.weight < 0.0 {
                return Err(LoadError::Weight { class: class.name.clone(), weight: class.weight });
            }
        }
        let mut by_name: Vec<usize> = (0..classes.len()).collect();
        by_name.sort_by(|&a, &b| classes[a].name.cmp(&classes[b].name));
        if let Some(pair) =
            by_name.windows(2).find(|pair| classes[pair[0]].name == classes[pair[1]].name)
        {
            return Err(LoadError::DuplicateClass(classes[pair[0]].name.clone()));
        }
        by_name.retain(|&class| !classes[class].is_idle());
        if by_name.is_empty() {
            return Err(LoadError::NoClasses);
        }
        Ok(Self {
            weighted: weighted(&classes, &by_name),
            fill: Fill::default(),
            totals: vec![0; classes.len()],
            table: Table::new(workers.ever(), classes.len()),
            pickable: by_name,
            classes,
            workers,
            running: Vec::new(),
            started: 0,
        })
    }

    /// The present workers under their numbers with these classes, nobody running and every sequence at its start.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn afresh(&self, classes: impl IntoIterator<Item = UserClass>) -> Result<Self, LoadError> {
        Self::over(classes.into_iter().collect(), self.workers.afresh())
    }

    /// The classes, in the order given.
    pub fn classes(&self) -> &[UserClass] {
        &self.classes
    }

    /// Numbers of the present workers, in the order in which users are placed on them.
    pub fn workers(&self) -> &[usize] {
        self.workers.order()
    }

    /// The name of a worker, also of one that left.
    pub fn worker_name(&self, worker: usize) -> Option<&str> {
        self.workers.name(worker)
    }

    /// How many users of which class run on which worker, as far as this plan knows.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Users that run, oldest first.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Placement> {
        self.running.iter()
    }

    /// The number of users that run.
    pub fn user_count(&self) -> u32 {
        u32::try_from(self.running.len()).unwrap_or(u32::MAX)
    }

    /// Users by class in order of name, without idle classes: what "All users spawned" prints.
    pub fn class_counts(&self) -> Vec<(&str, u32)> {
        let mut counts: Vec<(&str, u32)> = self
            .classes
            .iter()
            .zip(&self.totals)
            .filter(|(class, _)| !class.is_idle())
            .map(|(class, &total)| (class.name.as_str(), total))
            .collect();
        counts.sort_unstable();
        counts
    }

    /// Starts one user: missing fixed ones first, then by weight; `None` if no class or worker can take one.
    pub fn start_next(&mut self) -> Option<Placement> {
        if self.workers.order().is_empty() {
            return None;
        }
        let class = self.next_class()?;
        let worker = self.workers.next()?;
        let placement = Placement { class, worker, user: self.started };
        self.started += 1;
        self.note_start(placement);
        self.running.push(placement);
        Some(placement)
    }

    /// Stops the user that was started last; `None` if none runs.
    pub fn stop_next(&mut self) -> Option<Placement> {
        let placement = self.running.pop()?;
        self.note_stop(placement);
        Some(placement)
    }

    /// Starts a user of this class, whoever would be next: where somebody else decides who runs. It gets `user` as its
    /// number, or the next one; `None` if there is no worker.
    pub fn start_one(&mut self, class: usize, user: Option<u64>) -> Option<Placement> {
        let worker = self.workers.next()?;
        let user = user.unwrap_or(self.started);
        self.started = self.started.max(user.saturating_add(1));
        let placement = Placement { class, worker, user };
        self.note_start(placement);
        self.running.push(placement);
        Some(placement)
    }

    /// Counts a user that runs on a worker already, under its number; nothing if the worker is not present.
    ///
    /// Its class's turn in the sequence counts as taken.
    pub fn adopt(&mut self, place: Placement) {
        let Placement { class, worker, user } = place;
        if !self.workers.order().contains(&worker) || class >= self.classes.len() {
            return;
        }
        self.started = self.started.max(user.saturating_add(1));
        self.weighted.count(class);
        self.note_start(place);
        self.running.push(place);
    }

    /// Stops the user of this class that was started last; `None` if none runs.
    pub fn stop_one(&mut self, class: usize) -> Option<Placement> {
        self.stop_last(|place| place.class == class)
    }

    /// Stops this user; `None` if it does not run.
    pub fn stop_user(&mut self, class: usize, user: u64) -> Option<Placement> {
        self.stop_last(|place| place.user == user && place.class == class)
    }

    fn stop_last(&mut self, is_meant: impl Fn(&Placement) -> bool) -> Option<Placement> {
        let position = self.running.iter().rposition(is_meant)?;
        let placement = self.running.remove(position);
        self.note_stop(placement);
        Some(placement)
    }

    /// From now on only these classes are started; users of others stay until they are stopped.
    ///
    /// The sequence of classes restarts when the list differs from the present one.
    ///
    /// # Errors
    /// If a name is unknown, or none of the classes can get a user.
    pub fn restrict_to<S: AsRef<str>>(&mut self, names: &[S]) -> Result<(), LoadError> {
        let mut chosen = Vec::with_capacity(names.len());
        for name in names.iter().map(AsRef::as_ref) {
            let class = self.classes.iter().position(|class| class.name == name);
            chosen.push(class.ok_or_else(|| LoadError::UnknownClass(name.to_owned()))?);
        }
        chosen.sort_by(|&a, &b| self.classes[a].name.cmp(&self.classes[b].name));
        chosen.dedup();
        chosen.retain(|&class| !self.classes[class].is_idle());
        if chosen.is_empty() {
            return Err(LoadError::NoClasses);
        }
        if chosen != self.pickable {
            self.weighted = weighted(&self.classes, &chosen);
            self.pickable = chosen;
            self.fill = Fill::default();
        }
        Ok(())
    }

    /// Takes a new worker into the round robin and returns its number. Nobody is moved: see [`Self::move_one`].
    ///
    /// # Errors
    /// If a present worker has this name.
    pub fn add_worker(&mut self, name: impl Into<String>) -> Result<usize, LoadError> {
        let worker = self.workers.join(name.into())?;
        self.table.add_worker();
        Ok(worker)
    }

    /// Forgets a worker and the users on it; returns how many were lost.
    ///
    /// A new ramp to the same target then starts just the lost share on the workers that are left, class by class.
    pub fn remove_worker(&mut self, worker: usize) -> u32 {
        if !self.workers.leave(worker) {
            return 0;
        }
        let before = self.user_count();
        let Self { running, totals, weighted, .. } = self;
        running.retain(|place| {
            let lost = place.worker == worker;
            if lost {
                totals[place.class] -= 1;
                weighted.take_back(place.class);
            }
            !lost
        });
        self.fill = Fill::default();
        self.table.clear_worker(worker);
        before - self.user_count()
    }

    /// Moves one user from the fullest worker to the emptiest: where it stops, and where it starts again (under its
    /// own number). `None` when no two workers differ by more than one user.
    pub fn move_one(&mut self) -> Option<(Placement, Placement)> {
        let total = |&&worker: &&usize| self.table.worker_total(worker);
        // Of equals the first in dispatch order gives and takes, to be the same on every run.
        let &to = self.workers.order().iter().min_by_key(total)?;
        let &from = self.workers.order().iter().rev().max_by_key(total)?;
        if self.table.worker_total(from) <= self.table.worker_total(to) + 1 {
            return None;
        }
        let position = self.running.iter().rposition(|place| place.worker == from)?;
        let old = self.running[position];
        let new = Placement { worker: to, ..old };
        self.running[position] = new;
        *self.table.cell(from, old.class) -= 1;
        *self.table.cell(to, old.class) += 1;
        Some((old, new))
    }

    fn next_class(&mut self) -> Option<usize> {
        let Self { classes, pickable, totals, fill, .. } = self;
        let missing = |class: usize| classes[class].fixed_count.saturating_sub(totals[class]);
        if pickable.iter().any(|&class| missing(class) > 0) {
            if fill.left == 0 {
                *fill = Fill::new(pickable.iter().map(|&class| (class, missing(class))));
            }
            // A class that is complete only uses up its turns in the sequence.
            while let Some(class) = fill.sequence.pick() {
                if missing(class) > 0 {
                    fill.left -= 1;
                    return Some(class);
                }
            }
        }
        self.weighted.pick()
    }

    fn note_start(&mut self, place: Placement) {
        self.totals[place.class] += 1;
        *self.table.cell(place.worker, place.class) += 1;
    }

    fn note_stop(&mut self, place: Placement) {
        self.totals[place.class] -= 1;
        *self.table.cell(place.worker, place.class) -= 1;
    }
}

/// The sequence in which missing fixed users are started. Once begun it runs to its end; users that went missing in
/// the meantime make the next one.
#[derive(Clone, Debug, Default)]
struct Fill {
    sequence: Picker,
    /// Users of the sequence not started yet.
    left: u64,
}

impl Fill {
    fn new(missing: impl Iterator<Item = (usize, u32)> + Clone) -> Self {
        let left = missing.clone().map(|(_, count)| u64::from(count)).sum();
        let lacking = missing.filter(|&(_, count)| count > 0);
        Self { sequence: Picker::new(lacking.map(|(class, count)| (class, count.into()))), left }
    }
}

/// The sequence of weighted classes (those without a fixed count) over `pickable`.
fn weighted(classes: &[UserClass], pickable: &[usize]) -> Picker {
    Picker::new(
        pickable
            .iter()
            .filter(|&&class| classes[class].fixed_count == 0)
            .map(|&class| (class, classes[class].weight)),
    )
}
