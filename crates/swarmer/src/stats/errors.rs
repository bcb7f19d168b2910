//! The distinct errors of a run.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::delta::Kind;
use super::list::List;
use super::summary::ErrorRow;

/// Distinct errors in order of first appearance: a [`List`] that knows how many of them are about requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Errors {
    list: List<ErrorRow>,
    requests: usize,
}

impl Errors {
    /// Those of requests: an error of a journey is mostly one of its requests, told a second time.
    pub fn of_requests(&self) -> impl Iterator<Item = &ErrorRow> {
        self.list.iter().filter(|error| error.kind == Kind::Request)
    }

    /// How many of them are of requests.
    pub const fn requests(&self) -> usize {
        self.requests
    }

    pub(super) fn push(&mut self, error: ErrorRow) {
        self.requests += usize::from(error.kind == Kind::Request);
        self.list.push(error);
    }

    /// The error with this number, whose kind stays as it is.
    pub(super) fn change(&mut self, number: usize) -> Option<&mut ErrorRow> {
        self.list.change(number)
    }

    pub(super) fn clear(&mut self) {
        self.requests = 0;
        self.list.clear();
    }

    /// Puts those right that came or changed, of which the first appeared at `earliest`.
    pub(super) fn sort_from(&mut self, earliest: f64) {
        self.list.sort_end(
            |error| error.first_seen < earliest,
            |a, b| a.first_seen.total_cmp(&b.first_seen),
        );
    }
}

impl Deref for Errors {
    type Target = List<ErrorRow>;

    fn deref(&self) -> &List<ErrorRow> {
        &self.list
    }
}

impl FromIterator<ErrorRow> for Errors {
    fn from_iter<I: IntoIterator<Item = ErrorRow>>(errors: I) -> Self {
        let mut all = Self::default();
        errors.into_iter().for_each(|error| all.push(error));
        all
    }
}

impl Serialize for Errors {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Errors {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(from)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(number: usize, first_seen: f64) -> ErrorRow {
        ErrorRow {
            kind: if number.is_multiple_of(3) { Kind::Journey } else { Kind::Request },
            method: "GET".into(),
            name: "/".into(),
            error: number.to_string().into(),
            occurrences: 1,
            first_seen,
            last_seen: first_seen,
        }
    }

    proptest! {
        /// Each round brings errors, and news that old ones were seen earlier; whoever looks sees them in order.
        #[test]
        fn the_order_is_that_of_first_appearance(
            rounds in prop::collection::vec(prop::collection::vec((0_u8..50, any::<bool>(), any::<u8>()), 1..40), 1..12)
        ) {
            let (mut errors, mut plain) = (Errors::default(), Vec::<ErrorRow>::new());
            for round in rounds {
                let mut earliest = f64::MAX;
                for (at, is_new, which) in round {
                    let first = f64::from(at);
                    if is_new || plain.is_empty() {
                        let row = error(plain.len(), first);
                        errors.push(row.clone());
                        plain.push(row);
                        earliest = earliest.min(first);
                    } else {
                        let number = usize::from(which) % plain.len();
                        if first < plain[number].first_seen {
                            errors.change(number).unwrap().first_seen = first;
                            plain[number].first_seen = first;
                            earliest = earliest.min(first);
                        }
                    }
                }
                errors.sort_from(earliest);
                let mut expected = plain.clone();
                expected.sort_by(|a, b| a.first_seen.total_cmp(&b.first_seen));
                prop_assert!(errors.iter().eq(expected.iter()), "{errors:?} is not {expected:?}");
                prop_assert_eq!(errors.requests(), errors.of_requests().count());
            }
        }
    }

    #[test]
    fn each_change_has_a_revision_of_its_own_and_none_comes_again() {
        let mut errors = Errors::default();
        let mut seen = vec![errors.revision()];
        let mut is_new = |errors: &Errors| {
            let is_new = !seen.contains(&errors.revision());
            seen.push(errors.revision());
            is_new
        };
        errors.push(error(1, 1.0));
        assert!(is_new(&errors));
        errors.change(0).unwrap().occurrences += 1;
        assert!(is_new(&errors));
        let copy = errors.clone();
        assert!(!is_new(&copy));
        errors.clear();
        assert!(is_new(&errors));
        errors.push(error(1, 1.0));
        assert!(is_new(&errors) && errors == [error(1, 1.0)].into_iter().collect());
    }
}
