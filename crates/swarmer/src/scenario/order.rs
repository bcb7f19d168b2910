//! In which order a task set runs its tasks.

use rand::{Rng, RngExt};

/// How the next task is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// At random, in proportion to the weights.
    Random,
    /// As declared, each as often in a row as its weight says, round and round.
    Sequential,
    /// The first declared task first; then at random along the transitions of the task before.
    Markov,
}

/// What a choice needs to know of one task.
pub(super) struct Candidate<'a> {
    pub(super) name: &'a str,
    pub(super) weight: u32,
    pub(super) transitions: &'a [(String, u32)],
}

/// An [`Order`] over given tasks, ready to choose.
#[derive(Clone, Debug)]
pub(super) enum Chooser {
    /// Cumulated weights.
    Random(Vec<u32>),
    /// Numbers of tasks with how often each runs in a row.
    Sequential(Vec<(usize, u32)>),
    /// For each task the targets of its transitions, and their cumulated weights.
    Markov(Vec<(Vec<usize>, Vec<u32>)>),
}

/// Where one running task set stands in its order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    at: usize,
    done: u32,
}

impl Chooser {
    /// Transitions to tasks that do not exist are left out: the check of the definition reports them.
    pub(super) fn new(order: Order, tasks: &[Candidate]) -> Self {
        match order {
            Order::Random => Self::Random(cumulated(tasks.iter().map(|task| task.weight))),
            Order::Sequential => {
                let repeats = tasks.iter().map(|task| task.weight).enumerate();
                Self::Sequential(repeats.filter(|&(_, weight)| weight > 0).collect())
            }
            Order::Markov => {
                let links = |task: &Candidate| {
                    let known = task.transitions.iter().filter_map(|(target, weight)| {
                        Some((tasks.iter().position(|task| task.name == target)?, *weight))
                    });
                    let (targets, weights): (Vec<_>, Vec<_>) = known.unzip();
                    (targets, cumulated(weights.into_iter()))
                };
                Self::Markov(tasks.iter().map(links).collect())
            }
        }
    }

    /// The number of the next task; `None` when there is none to choose.
    pub(super) fn next(&self, cursor: &mut Cursor, rng: &mut impl Rng) -> Option<usize> {
        match self {
            Self::Random(sums) => draw(sums, rng),
            Self::Sequential(runs) => {
                let &(task, repeats) = runs.get(cursor.at)?;
                cursor.done += 1;
                if cursor.done >= repeats {
                    *cursor = Cursor { at: (cursor.at + 1) % runs.len(), done: 0 };
                }
                Some(task)
            }
            Self::Markov(links) => {
                let task = cursor.at;
                let (targets, sums) = links.get(task)?;
                cursor.at = targets[draw(sums, rng)?];
                Some(task)
            }
        }
    }
}

fn cumulated(weights: impl Iterator<Item = u32>) -> Vec<u32> {
    weights
        .scan(0_u32, |sum, weight| {
            *sum = sum.saturating_add(weight);
            Some(*sum)
        })
        .collect()
}

/// A place, each in proportion to its weight: exactly a uniform draw from a list in which a place of weight n stands n
/// times.
fn draw(sums: &[u32], rng: &mut impl Rng) -> Option<usize> {
    let total = sums.last().copied().filter(|&total| total > 0)?;
    let ticket = rng.random_range(0..total);
    Some(sums.partition_point(|&sum| sum <= ticket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::Pcg64Mcg;

    fn chosen(order: Order, tasks: &[Candidate], count: usize) -> Vec<usize> {
        let (chooser, mut cursor) = (Chooser::new(order, tasks), Cursor::default());
        let mut rng = Pcg64Mcg::new(1);
        std::iter::from_fn(|| chooser.next(&mut cursor, &mut rng)).take(count).collect()
    }

    fn plain(name: &str, weight: u32) -> Candidate<'_> {
        Candidate { name, weight, transitions: &[] }
    }

    #[test]
    fn a_sequence_repeats_and_cycles_and_skips_weight_zero() {
        let tasks = [plain("a", 1), plain("never", 0), plain("b", 3)];
        assert_eq!(chosen(Order::Sequential, &tasks, 9), [0, 2, 2, 2, 0, 2, 2, 2, 0]);
    }

    #[test]
    fn random_never_takes_weight_zero_and_nothing_is_taken_of_nothing() {
        let tasks = [plain("never", 0), plain("a", 2), plain("b", 1)];
        let all = chosen(Order::Random, &tasks, 3000);
        assert!(!all.contains(&0));
        let share = all.iter().filter(|&&task| task == 1).count();
        assert!((1_900..2_100).contains(&share), "{share}");
        for order in [Order::Random, Order::Sequential, Order::Markov] {
            assert_eq!(chosen(order, &[], 3), Vec::<usize>::new());
        }
        assert_eq!(chosen(Order::Random, &[plain("never", 0)], 3), Vec::<usize>::new());
    }

    #[test]
    fn a_chain_begins_with_the_first_task_and_follows_its_transitions() {
        let to = |target: &str| vec![(target.to_owned(), 1)];
        let (to_b, to_a) = (to("b"), to("a"));
        let tasks = [
            Candidate { transitions: &to_b, ..plain("a", 1) },
            Candidate { transitions: &to_a, ..plain("b", 1) },
        ];
        assert_eq!(chosen(Order::Markov, &tasks, 5), [0, 1, 0, 1, 0]);
    }
}
