//! The open model: when which journey starts, whatever the target does.
//!
//! Every driver walks the same sequence of arrivals and takes its share of it. So nobody has to tell anybody of an
//! arrival, the sum over all drivers is exact, and a seed gives the same arrivals on one thread and on many.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::classes::UserClass;
use super::pick::Picker;
use super::rate::Rates;

/// How arrivals lie in time around their rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly: at a constant rate all gaps are equal. The arrivals of any span are the expected ones, up to rounding.
    #[default]
    Constant,
    /// At random and independent of each other, as strangers arrive (a Poisson process): gaps are exponential, the
    /// number of arrivals in a span of which `n` are expected scatters by √n.
    Poisson,
}

/// One journey that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the run, from 0 over all drivers.
    pub number: u64,
    /// When it is due, counted from the start of the run.
    pub due: Duration,
    /// Index of the user class, in the list given to [`Arrivals::new`].
    pub class: usize,
}

/// The part of the arrivals that one driver serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which driver, from 0.
    pub index: usize,
    /// How many drivers there are; not 0.
    pub of: usize,
}

impl Share {
    /// Everything: there is one driver.
    pub const ALL: Self = Self { index: 0, of: 1 };

    /// This driver's part of `total`, so that the parts of all drivers sum up to it.
    pub fn part(self, total: u32) -> u32 {
        let (index, of) = (as_u32(self.index), as_u32(self.of.max(1)));
        total / of + u32::from(index < total % of)
    }
}

fn as_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The arrivals of a run, in order, as one driver sees them.
#[derive(Clone, Debug)]
pub struct Arrivals {
    rates: Rates,
    /// Where the present moment lies in `rates`.
    stage: usize,
    order: Order,
    share: Share,
    /// Arrivals so far, by class: each class goes round the drivers on its own.
    by_class: Vec<usize>,
    number: u64,
    until: Option<Duration>,
    most: Option<u64>,
    made_of: Arc<Ingredients>,
}

/// What a sequence of arrivals follows from, beside its rates and limits.
#[derive(Debug)]
pub(crate) struct Ingredients {
    pub(crate) spacing: Spacing,
    /// By class.
    pub(crate) weights: Vec<f64>,
    pub(crate) seed: u64,
}

/// What decides over gaps and classes.
#[derive(Clone, Debug)]
enum Order {
    Constant(Picker),
    Poisson {
        rng: Box<Pcg64Mcg>,
        /// Arrivals expected up to the present one.
        position: f64,
        /// Class and cumulated weight.
        weights: Vec<(usize, f64)>,
    },
}

impl Arrivals {
    /// All arrivals of a run over `classes` by weight: with even spacing in the order in which users of these classes
    /// would be started, with random spacing drawn at random. Fixed counts mean nothing here.
    pub fn new(rates: Rates, spacing: Spacing, classes: &[UserClass], seed: u64) -> Self {
        let made_of = Arc::new(Ingredients {
            spacing,
            weights: classes.iter().map(|class| class.weight).collect(),
            seed,
        });
        let weights = classes
            .iter()
            .map(|class| class.weight)
            .enumerate()
            .filter(|(_, weight)| *weight > 0.0);
        let order = match spacing {
            Spacing::Constant => Order::Constant(Picker::new(weights)),
            Spacing::Poisson => Order::Poisson {
                // The constant keeps this sequence apart from those that users draw from the same seed.
                rng: Box::new(Pcg64Mcg::new(u128::from(seed) << 64 | 0x4152_5249_5641_4c53)),
                position: 0.0,
                weights: weights
                    .scan(0.0, |sum, (class, weight)| {
                        *sum += weight;
                        Some((class, *sum))
                    })
                    .collect(),
            },
        };
        let by_class = vec![0; classes.len()];
        Self {
            rates,
            stage: 0,
            order,
            share: Share::ALL,
            by_class,
            number: 0,
            until: None,
            most: None,
            made_of,
        }
    }

    /// The number of the next arrival, whoever serves it.
    pub(crate) fn next_number(&self) -> u64 {
        self.number
    }

    /// The limit of [`at_most`](Self::at_most).
    pub(crate) fn most(&self) -> Option<u64> {
        self.most
    }

    /// The next arrival, whoever serves it, and its place in the round of the drivers: `place % of` is the index of the
    /// driver that serves it.
    pub(crate) fn next_with_place(&mut self) -> Option<(Arrival, usize)> {
        let arrival = self.next_of_all()?;
        let turn = &mut self.by_class[arrival.class];
        // A class starts its round one driver on from the class before it: with few arrivals of many classes not all
        // would go to the first driver.
        let place = *turn + arrival.class;
        *turn += 1;
        Some((arrival, place))
    }

    /// Everything this follows from: with it another process can make the same sequence.
    pub(crate) fn terms(&self) -> (&Rates, &Ingredients, Option<Duration>, Option<u64>) {
        (&self.rates, &self.made_of, self.until, self.most)
    }

    /// Only those that one driver serves.
    #[must_use]
    pub fn share(mut self, share: Share) -> Self {
        self.share = share;
        self
    }

    /// Only those that are due before `until`.
    #[must_use]
    pub fn until(mut self, until: Option<Duration>) -> Self {
        self.until = until;
        self
    }

    /// Not more than `most`, over all drivers.
    #[must_use]
    pub fn at_most(mut self, most: Option<u64>) -> Self {
        self.most = most;
        self
    }

    /// Whether there are arrivals for this class.
    pub(crate) fn serves(&self, class: usize) -> bool {
        match &self.order {
            Order::Constant(picker) => picker.knows(class),
            Order::Poisson { weights, .. } => weights.iter().any(|(known, _)| *known == class),
        }
    }

    /// The next arrival, whoever serves it.
    fn next_of_all(&mut self) -> Option<Arrival> {
        if self.most.is_some_and(|most| self.number >= most) {
            return None;
        }
        let count = match &mut self.order {
            // Half an arrival early, so that the arrivals of every span are the expected ones to the nearest whole.
            #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 arrivals")]
            Order::Constant(_) => self.number as f64 + 0.5,
            Order::Poisson { rng, position, .. } => {
                *position -= (1.0 - rng.random::<f64>()).ln();
                *position
            }
        };
        let due = self.rates.moment(count, &mut self.stage)?;
        if self.until.is_some_and(|until| due >= until) {
            return None;
        }
        let class = match &mut self.order {
            Order::Constant(picker) => picker.pick()?,
            Order::Poisson { rng, weights, .. } => {
                let ticket = rng.random::<f64>() * weights.last()?.1;
                let at = weights.partition_point(|(_, sum)| *sum <= ticket);
                weights.get(at).or(weights.last())?.0
            }
        };
        let arrival = Arrival { number: self.number, due, class };
        self.number += 1;
        Some(arrival)
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        loop {
            let (arrival, place) = self.next_with_place()?;
            if place % self.share.of.max(1) == self.share.index {
                return Some(arrival);
            }
        }
    }
}
