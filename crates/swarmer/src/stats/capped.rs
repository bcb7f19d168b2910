//! Distinct texts whose number stops growing: what comes after the cap is counted, not kept.

use std::fmt::{self, Write};
use std::hash::{BuildHasher, Hash};
use std::vec::Drain;

use hashbrown::{HashSet, HashTable};

/// Hashes are compared between recorders and collectors, so every table uses the same fixed seed.
pub(super) fn hash_of(key: &impl Hash) -> u64 {
    foldhash::fast::FixedState::with_seed(0).hash_one(key)
}

/// Distinct texts are remembered by hash up to this number; beyond it the count of distinct ones is a lower bound.
const MAX_REMEMBERED: usize = 65_536;

/// What did not fit under a cap.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Folded {
    /// Hashes of the distinct keys that were folded.
    #[serde(with = "hashes")]
    distinct: HashSet<u64, foldhash::fast::FixedState>,
    /// How often they occurred.
    pub(super) occurrences: u64,
}

/// Hashes as a plain list.
mod hashes {
    use hashbrown::HashSet;
    use serde::{Deserialize, Deserializer, Serializer};

    type Hashes = HashSet<u64, foldhash::fast::FixedState>;

    pub(super) fn serialize<S: Serializer>(hashes: &Hashes, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(hashes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hashes, D::Error> {
        let list = Vec::<u64>::deserialize(from)?;
        Ok(list.into_iter().take(super::MAX_REMEMBERED).collect())
    }
}

impl Folded {
    pub(super) fn add(&mut self, hash: u64, occurrences: u64) {
        if self.distinct.len() < MAX_REMEMBERED {
            self.distinct.insert(hash);
        }
        self.occurrences += occurrences;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for hash in &other.distinct {
            self.add(*hash, 0);
        }
        self.occurrences += other.occurrences;
    }

    pub(super) fn distinct(&self) -> u64 {
        self.distinct.len() as u64
    }
}

/// Where distinct texts stand in a list that others keep, by hash: at most `cap` of them, of at most `budget` bytes together.
#[derive(Debug)]
pub(super) struct Places {
    index: HashTable<(u64, usize)>,
    pub(super) folded: Folded,
    cap: usize,
    budget: usize,
    bytes: usize,
}

/// Where an entry is, or belongs.
pub(super) enum Place {
    Known(usize),
    /// At the end of the list.
    New,
}

impl Places {
    pub(super) fn new(cap: usize, budget: usize) -> Self {
        let (index, folded) = (HashTable::new(), Folded::default());
        Self { index, folded, cap, budget, bytes: 0 }
    }

    /// The place of the entry with this hash for which `same` holds; a new one if there is none, and room for its
    /// `bytes`. Without room the `occurrences` are folded and there is no place.
    pub(super) fn find(
        &mut self,
        hash: u64,
        occurrences: u64,
        bytes: usize,
        same: impl Fn(usize) -> bool,
    ) -> Option<Place> {
        if let Some((_, at)) = self.index.find(hash, |(_, at)| same(*at)) {
            return Some(Place::Known(*at));
        }
        if self.index.len() >= self.cap || bytes > self.budget - self.bytes {
            self.folded.add(hash, occurrences);
            return None;
        }
        self.index.insert_unique(hash, (hash, self.index.len()), |(hash, _)| *hash);
        self.bytes += bytes;
        Some(Place::New)
    }

    /// Forgets all places, and hands out what was folded.
    pub(super) fn clear(&mut self) -> Folded {
        self.index.clear();
        self.bytes = 0;
        std::mem::take(&mut self.folded)
    }
}

/// Entries in order of first appearance, found by [`Places`].
#[derive(Debug)]
pub(super) struct CappedTable<T> {
    entries: Vec<T>,
    places: Places,
}

impl<T> CappedTable<T> {
    pub(super) fn new(cap: usize, budget: usize) -> Self {
        Self { entries: Vec::new(), places: Places::new(cap, budget) }
    }

    /// The entry with this hash for which `same` holds, made by `make` if it is new and there is room for
    /// its `bytes`. Without room the `occurrences` are folded and there is no entry.
    pub(super) fn entry(
        &mut self,
        hash: u64,
        occurrences: u64,
        bytes: usize,
        same: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        let entries = &self.entries;
        match self.places.find(hash, occurrences, bytes, |at| same(&entries[at]))? {
            Place::Known(at) => self.entries.get_mut(at),
            Place::New => {
                self.entries.push(make());
                self.entries.last_mut()
            }
        }
    }

    /// Empties the table and hands out what it held; its room stays for what comes next.
    pub(super) fn take(&mut self) -> (Drain<'_, T>, Folded) {
        (self.entries.drain(..), self.places.clear())
    }
}

/// A text that is rendered up to a number of bytes and cut on a character boundary, with `…` as the mark of the cut.
#[derive(Debug)]
pub(super) struct CappedText {
    text: String,
    cap: usize,
    cut: bool,
}

impl CappedText {
    pub(super) fn new(cap: usize) -> Self {
        Self { text: String::new(), cap, cut: false }
    }

    /// Renders `value` in place of what was there; the buffer is reused.
    pub(super) fn render(&mut self, value: &dyn fmt::Display) -> &str {
        self.text.clear();
        self.cut = false;
        // An error only means that the cap was reached (or that `Display` gave up): what is there is used.
        let _ = write!(self, "{value}");
        if self.cut {
            self.text.push('…');
        }
        &self.text
    }
}

impl fmt::Write for CappedText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = self.cap - self.text.len();
        if part.len() <= room {
            self.text.push_str(part);
            return Ok(());
        }
        self.text.push_str(&part[..part.floor_char_boundary(room)]);
        self.cut = true;
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_on_a_character_boundary() {
        let mut text = CappedText::new(5);
        assert_eq!(text.render(&"abcde"), "abcde");
        assert_eq!(text.render(&"abcdef"), "abcde…");
        assert_eq!(text.render(&"abcdé"), "abcd…", "é needs two bytes, one is left");
        assert_eq!(text.render(&format_args!("{}{}", "abc", "déf")), "abcd…");
        assert_eq!(text.render(&"ok"), "ok", "an earlier cut leaves no trace");
    }

    #[test]
    fn a_full_table_folds_and_counts() {
        let mut table = CappedTable::new(2, 100);
        for key in ["a", "b", "a", "c", "d", "c"] {
            if let Some(entry) =
                table.entry(hash_of(&key), 1, 1, |e: &(_, u32)| e.0 == key, || (key, 0))
            {
                entry.1 += 1;
            }
        }
        assert_eq!(table.entries, [("a", 2), ("b", 1)]);
        assert_eq!((table.places.folded.distinct(), table.places.folded.occurrences), (2, 3));
    }

    #[test]
    fn bytes_are_limited_and_the_room_is_kept() {
        let mut table = CappedTable::new(100, 10);
        let add = |table: &mut CappedTable<_>, key: &'static str| {
            let made = table.entry(hash_of(&key), 2, key.len(), |e| *e == key, || key);
            made.is_some()
        };
        assert!(add(&mut table, "sixsix"));
        assert!(!add(&mut table, "fives"), "eleven bytes");
        assert!(add(&mut table, "four") && add(&mut table, "sixsix"), "ten; a known one is free");
        assert!(!add(&mut table, "x"));
        assert_eq!((table.places.folded.distinct(), table.places.folded.occurrences), (2, 4));
        let room = table.entries.capacity();
        let (entries, folded) = table.take();
        assert_eq!((entries.collect::<Vec<_>>(), folded.occurrences), (vec!["sixsix", "four"], 4));
        assert_eq!((table.entries.capacity(), table.places.folded.occurrences), (room, 0));
        assert!(add(&mut table, "fives"), "its bytes are free again");
    }
}
