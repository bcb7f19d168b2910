//! Which class comes next: a deterministic sequence whose every prefix is as close to the weights as it can be.
//!
//! Each class has a pseudo-count `c` that starts at its weight `w` and grows by one per pick. The Kullback-Leibler
//! divergence between weights and counts changes by `w·log2(c / (c + 1))` when a class is picked, so the class with the
//! smallest such value is taken; ties go to the smaller count, then the smaller weight, then the earlier class.

/// The picker: one small entry per class, O(classes) per pick.
#[derive(Clone, Debug, Default)]
pub(super) struct Picker {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    class: usize,
    weight: f64,
    count: f64,
    /// `weight * log2(count / (count + 1))`, kept because only the picked entry's changes.
    gain: f64,
}

impl Entry {
    fn set_count(&mut self, count: f64) {
        self.count = count;
        self.gain = self.weight * (count / (count + 1.0)).log2();
    }

    fn before(&self, other: &Self) -> bool {
        (self.gain, self.count, self.weight) < (other.gain, other.count, other.weight)
    }
}

impl Picker {
    /// A fresh sequence over `(class, weight)` in the order that settles ties; weights must be finite and above 0.
    pub(super) fn new(weights: impl IntoIterator<Item = (usize, f64)>) -> Self {
        let entries = weights
            .into_iter()
            .map(|(class, weight)| {
                let mut entry = Entry { class, weight, count: weight, gain: 0.0 };
                entry.set_count(weight);
                entry
            })
            .collect();
        Self { entries }
    }

    /// The next class, or `None` if there is none to pick from.
    pub(super) fn pick(&mut self) -> Option<usize> {
        let best = self
            .entries
            .iter_mut()
            .reduce(|best, next| if next.before(best) { next } else { best })?;
        best.set_count(best.count + 1.0);
        Some(best.class)
    }

    /// Whether `class` may be picked.
    pub(super) fn knows(&self, class: usize) -> bool {
        self.entries.iter().any(|entry| entry.class == class)
    }

    /// Counts a pick of `class` that was made elsewhere.
    pub(super) fn count(&mut self, class: usize) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.class == class) {
            entry.set_count(entry.count + 1.0);
        }
    }

    /// Takes one pick of `class` back, so that the class is made good for next.
    pub(super) fn take_back(&mut self, class: usize) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.class == class) {
            // Picks made before the sequence was restarted are unknown to it: never fall below the start.
            entry.set_count((entry.count - 1.0).max(entry.weight));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pick_taken_back_comes_again() {
        let mut picker = Picker::new([(0, 5.0), (1, 1.0)]);
        let first: Vec<_> = (0..3).filter_map(|_| picker.pick()).collect();
        assert_eq!(first, [0, 0, 1]);
        picker.take_back(1);
        assert_eq!(picker.pick(), Some(1));
        assert_eq!(picker.pick(), Some(0));
    }

    #[test]
    fn nothing_to_pick_from() {
        assert_eq!(Picker::new([]).pick(), None);
    }
}
