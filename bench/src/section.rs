//! What one part of the harness found: figures by round, ratios of neighbouring runs, and how they came about. Terminal,
//! raw JSON and the published page are made from this and from nothing else.

use serde::{Deserialize, Serialize};

use crate::figures::Spread;

/// One part of the harness and what it found.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Section {
    /// As `--only` takes it.
    pub(crate) name: String,
    pub(crate) title: String,
    /// How it was measured, in whole sentences.
    pub(crate) method: String,
    /// What was run, as one would type it; paths and ports replaced by words in capitals.
    pub(crate) commands: Vec<String>,
    /// Versions of the programs that were measured.
    pub(crate) versions: Vec<String>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) ratios: Vec<Ratio>,
    /// Figures that are read side by side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tables: Vec<Table>,
    /// What a reader must know beside the figures, and what was not measured and why.
    pub(crate) notes: Vec<String>,
    /// Date and time (UTC) at which the measurement began, and the load average of one minute then.
    #[serde(default)]
    pub(crate) began: String,
    /// Of the machine's processor time meanwhile, the part that its host gave to others, in percent; if it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stolen: Option<f64>,
}

impl Section {
    pub(crate) fn new(name: &str, title: &str, method: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            method: method.to_owned(),
            commands: Vec::new(),
            versions: Vec::new(),
            figures: Vec::new(),
            ratios: Vec::new(),
            tables: Vec::new(),
            notes: Vec::new(),
            began: String::new(),
            stolen: None,
        }
    }

    /// The values of one figure, by round; what was not measured is not shown.
    pub(crate) fn figure(&mut self, contender: &str, what: &str, unit: &str, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        let limit = None;
        let (contender, what, unit) = (contender.to_owned(), what.to_owned(), unit.to_owned());
        self.figures.push(Figure { contender, what, unit, values: values.to_vec(), limit });
    }

    /// The same, with what it may be at most or must be at least.
    pub(crate) fn limited(
        &mut self,
        contender: &str,
        what: &str,
        unit: &str,
        values: &[f64],
        limit: Limit,
    ) {
        self.figure(contender, what, unit, values);
        if let Some(last) = self.figures.last_mut().filter(|_| !values.is_empty()) {
            last.limit = Some(limit);
        }
    }

    /// Ours over theirs, pair by pair; both have a value for each round.
    pub(crate) fn ratio(
        &mut self,
        what: &str,
        (ours, our_values): (&str, &[f64]),
        (theirs, their_values): (&str, &[f64]),
        limit: Option<Limit>,
    ) {
        let values = our_values.iter().zip(their_values).map(|(ours, theirs)| ours / theirs);
        self.ratios.push(Ratio {
            what: what.to_owned(),
            ours: ours.to_owned(),
            theirs: theirs.to_owned(),
            values: values.collect(),
            limit,
        });
    }
}

/// What a figure or a ratio is held against.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    /// It must be at least this.
    AtLeast(f64),
    /// It may be at most this.
    AtMost(f64),
}

/// What measured values say about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every value keeps it.
    Kept,
    /// The median keeps it, some values do not.
    KeptByMedian,
    /// The median does not keep it, some values do.
    MissedByMedian,
    /// No value keeps it.
    Missed,
}

impl Limit {
    pub(crate) fn judge(self, values: &[f64]) -> Verdict {
        let keeps = |value: f64| match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        };
        let Spread { least, median, most } = Spread::of(values);
        match (keeps(median), keeps(least) && keeps(most), keeps(least) || keeps(most)) {
            (true, true, _) => Verdict::Kept,
            (true, ..) => Verdict::KeptByMedian,
            (false, _, true) => Verdict::MissedByMedian,
            (false, ..) => Verdict::Missed,
        }
    }
}

/// A figure of one contender, by round.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) contender: String,
    pub(crate) what: String,
    pub(crate) unit: String,
    pub(crate) values: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<Limit>,
}

/// Figures of one run each.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// What they are, and their unit.
    pub(crate) caption: String,
    /// Names of the columns, but for the first, which names the row.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<f64>)>,
}

/// One contender's figure over another's, by round.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) theirs: String,
    pub(crate) values: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<Limit>,
}

impl Ratio {
    /// Whose figure is greater, unless rounds disagree.
    pub(crate) fn greater(&self) -> Option<&str> {
        let Spread { least, most, .. } = Spread::of(&self.values);
        if least > 1.0 {
            Some(&self.ours)
        } else if most < 1.0 {
            Some(&self.theirs)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_that_disagree_name_no_winner() {
        let mut section = Section::new("x", "x", "x");
        section.ratio("requests/s", ("a", &[1.1, 0.9]), ("b", &[1.0, 1.0]), None);
        section.ratio("requests/s", ("a", &[1.1, 1.2]), ("b", &[1.0, 1.0]), None);
        section.ratio("requests/s", ("a", &[0.5, 0.9]), ("b", &[1.0, 1.0]), None);
        let greater: Vec<_> = section.ratios.iter().map(Ratio::greater).collect();
        assert_eq!(greater, [None, Some("a"), Some("b")]);
    }

    #[test]
    fn a_limit_is_judged_by_the_median_and_by_every_round() {
        let judged = [[1.0, 1.1, 1.2], [0.9, 1.1, 1.2], [0.8, 0.9, 1.2], [0.7, 0.8, 0.9]]
            .map(|values| Limit::AtLeast(1.0).judge(&values));
        let expected =
            [Verdict::Kept, Verdict::KeptByMedian, Verdict::MissedByMedian, Verdict::Missed];
        assert_eq!(judged, expected);
        assert_eq!(Limit::AtMost(2.0).judge(&[1.0, 3.0, 4.0]), Verdict::MissedByMedian);
    }
}
