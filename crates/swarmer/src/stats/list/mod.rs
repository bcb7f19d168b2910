//! A list that is handed out every second, long as it may be: those who have it share what has not changed.

mod tree;

use std::cmp::Ordering;
use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tree::Tree;

/// Entries in an order. A copy costs as much as a pointer, however long the list is, and a change as much as the one entry.
///
/// In a document it is a plain array.
#[derive(Clone)]
pub struct List<T> {
    /// By number: in the order in which they came.
    entries: Tree<Arc<T>>,
    /// Numbers of entries as they stand in the list.
    order: Tree<u32>,
    revision: u64,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { entries: Tree::default(), order: Tree::default(), revision: 0 }
    }
}

impl<T> List<T> {
    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entry at this place, from 0.
    pub fn get(&self, place: usize) -> Option<&T> {
        self.order.get(place).and_then(|number| self.numbered(*number as usize))
    }

    /// All entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    /// A number that grows with each change: two states of a run's list with the same number are the same.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The entry that came as the `number`th, from 0.
    pub(super) fn numbered(&self, number: usize) -> Option<&T> {
        self.entries.get(number).map(|entry| &**entry)
    }
}

impl<T: Clone> List<T> {
    /// Adds an entry at the end; its number is the length before.
    pub(super) fn push(&mut self, entry: T) {
        // Lists have limits far below.
        self.order.push(u32::try_from(self.len()).unwrap_or(u32::MAX));
        self.entries.push(Arc::new(entry));
        self.revision += 1;
    }

    /// The entry with this number, to be changed.
    pub(super) fn change(&mut self, number: usize) -> Option<&mut T> {
        self.revision += 1;
        self.entries.get_mut(number).map(Arc::make_mut)
    }

    /// Takes all entries out.
    pub(super) fn clear(&mut self) {
        *self = Self { revision: self.revision + 1, ..Self::default() };
    }

    /// Sorts the list, entries that are equal by their numbers; `is_before` holds for those at its beginning that are
    /// sorted already and come before all others. What it costs depends on the others.
    pub(super) fn sort_end(
        &mut self,
        is_before: impl Fn(&T) -> bool,
        compare: impl Fn(&T, &T) -> Ordering,
    ) {
        let from = self.first(|entry| !is_before(entry));
        let mut end: Vec<u32> =
            (from..self.len()).filter_map(|at| self.order.get(at).copied()).collect();
        let of = |number: u32| self.numbered(number as usize);
        end.sort_by(|&a, &b| match (of(a), of(b)) {
            (Some(one), Some(other)) => compare(one, other).then(a.cmp(&b)),
            _ => Ordering::Equal,
        });
        for (place, number) in (from..).zip(end) {
            if self.order.get(place) != Some(&number)
                && let Some(known) = self.order.get_mut(place)
            {
                *known = number;
            }
        }
    }

    /// The first place from which on all entries are as wanted.
    fn first(&self, is_wanted: impl Fn(&T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.get(middle).is_some_and(&is_wanted) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

impl<T> Index<usize> for List<T> {
    type Output = T;

    /// # Panics
    /// When there is no such place, as with a slice.
    fn index(&self, place: usize) -> &T {
        match self.get(place) {
            Some(entry) => entry,
            None => panic!("place {place} of a list of {}", self.len()),
        }
    }
}

impl<T: Clone> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut list = Self::default();
        entries.into_iter().for_each(|entry| list.push(entry));
        list
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    /// Revisions do not count.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de, T: Deserialize<'de> + Clone> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(from)?.into_iter().collect())
    }
}
