//! The moments that charts mark, in a bounded number; and the watch over the target that makes some of them.

use super::mark::{Mark, MarkKind};
use super::window::Seconds;

/// Marks that are kept. Beyond them every second one of the middle goes: how a run began and how it goes on matters most.
const KEPT: usize = 500;
/// Marks at the beginning that are never thinned.
const FIRST: usize = 50;
/// Marks at the end that are not thinned yet.
const LAST: usize = 250;

/// All marks of a run, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Vec<Mark>);

impl Marks {
    pub(super) fn add(&mut self, at: f64, kind: MarkKind, text: String) {
        // Marks of workers may come with some delay.
        let place = self.0.partition_point(|mark| mark.at <= at);
        self.0.insert(place, Mark { at, kind, text });
        if self.0.len() > KEPT {
            let middle = FIRST..self.0.len() - LAST;
            let mut at = 0;
            self.0.retain(|_| {
                at += 1;
                !middle.contains(&(at - 1)) || at % 2 == 0
            });
        }
    }

    pub(super) fn all(&self) -> &[Mark] {
        &self.0
    }
}

/// Seconds over which the target is watched.
const WATCHED: u64 = 3;
/// Fewer requests than that in these seconds say nothing.
const FEW: u64 = 5;

/// Notices when a target begins to fail, and when it has recovered.
#[derive(Clone, Debug, Default)]
pub(super) struct TargetWatch {
    failing: bool,
}

impl TargetWatch {
    /// Looks at the seconds before `now`; says what has changed.
    pub(super) fn look(&mut self, now: u64, seconds: &Seconds) -> Option<String> {
        let counts = (now.saturating_sub(WATCHED)..now).map(|second| seconds.get(second));
        let (requests, failures) = counts.fold((0, 0), |(requests, failures), count| {
            (requests + count.requests, failures + count.failures)
        });
        if requests < FEW {
            return None;
        }
        match self.failing {
            false if failures == requests => {
                self.failing = true;
                Some(format!("Every request fails: {failures} in {WATCHED} s"))
            }
            false if failures * 2 >= requests => {
                self.failing = true;
                let percent = failures * 100 / requests;
                Some(format!("{percent} % of all requests fail: {failures} in {WATCHED} s"))
            }
            true if failures * 4 <= requests => {
                self.failing = false;
                Some("The target answers again".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::delta::SecondCount;

    #[test]
    fn the_first_and_the_last_marks_stay() {
        let mut marks = Marks::default();
        for number in 0..10_000_u32 {
            marks.add(f64::from(number), MarkKind::Plan, number.to_string());
        }
        let all = marks.all();
        assert!((KEPT / 2..=KEPT).contains(&all.len()), "{}", all.len());
        assert!(all[..FIRST].iter().enumerate().all(|(at, mark)| mark.text == at.to_string()));
        assert!(
            all[all.len() - LAST..].windows(2).all(|two| (two[1].at - two[0].at - 1.0).abs() < 0.1)
        );
        assert!(all.is_sorted_by(|a, b| a.at < b.at));
        marks.add(0.5, MarkKind::Worker, "late".to_owned());
        assert_eq!(marks.all()[1].text, "late");
    }

    #[test]
    fn a_target_that_fails_is_noticed_once_and_so_is_its_recovery() {
        let mut watch = TargetWatch::default();
        let mut seconds = Seconds::default();
        let mut said = Vec::new();
        let course = [
            (10, 0),
            (10, 1),
            (10, 10),
            (10, 10),
            (10, 10),
            (2, 2),
            (10, 4),
            (10, 0),
            (10, 0),
            (1, 1),
        ];
        for (second, (requests, failures)) in (100..).zip(course) {
            seconds.add(&SecondCount { second, requests, failures });
            said.extend(watch.look(second + 1, &seconds).map(|text| (second, text)));
        }
        let said: Vec<_> = said.iter().map(|(second, text)| (*second, text.as_str())).collect();
        assert_eq!(
            said,
            [(103, "70 % of all requests fail: 21 in 3 s"), (108, "The target answers again")]
        );
    }

    #[test]
    fn a_single_failure_is_no_failing_target() {
        let (mut watch, mut seconds) = (TargetWatch::default(), Seconds::default());
        seconds.add(&SecondCount { second: 7, requests: 4, failures: 4 });
        assert_eq!(watch.look(8, &seconds), None);
        seconds.add(&SecondCount { second: 8, requests: 4, failures: 4 });
        let said = watch.look(9, &seconds);
        assert_eq!(said.as_deref(), Some("Every request fails: 8 in 3 s"));
    }
}
