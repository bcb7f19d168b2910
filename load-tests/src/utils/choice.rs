//! Which quote, policy or claim an agent works on, and the amounts and reasons it gives.

use jiff::Timestamp;
use rand::{Rng, RngExt};
use serde::Deserialize;
use swarmer::prelude::TaskError;

/// One entry of a list, as far as the journeys need it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its id.
    pub id: String,
    /// Its status.
    #[serde(default)]
    pub status: String,
    /// A claim's amount; the API sends money as text.
    #[serde(default)]
    pub claim_amount: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

impl Item {
    /// A claim's amount.
    ///
    /// # Errors
    /// When the API gave none, or no number.
    pub fn amount(&self) -> Result<f64, TaskError> {
        let text = self.claim_amount.as_deref().unwrap_or_default();
        text.parse()
            .map_err(|_| TaskError::message(format!("claim {} has no amount: `{text}`", self.id)))
    }
}

/// How old a thing should be when an agent comes back to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetAge {
    /// The age aimed at, in seconds of simulated time.
    pub target: f64,
    /// Real seconds for each simulated one.
    pub time_scale: f64,
}

/// Nothing younger than this, in simulated seconds, is taken when a target age is set.
const YOUNGEST: f64 = 60.0;

/// A random item; with a target age, weighted by `exp(-0.3 * |age - target| / target)`. `None` when nothing fits.
pub fn choose<'i>(
    items: &'i [Item],
    age: Option<TargetAge>,
    now: Timestamp,
    rng: &mut impl Rng,
) -> Option<&'i Item> {
    let Some(age) = age else {
        return pick(items, rng);
    };
    let weights: Vec<f64> = items.iter().map(|item| weight(item, age, now)).collect();
    weighted(items, &weights, rng)
}

fn weight(item: &Item, TargetAge { target, time_scale }: TargetAge, now: Timestamp) -> f64 {
    let Some(created) = item.created_at else { return 0.0 };
    // At ten times real speed a thing made a minute ago is ten minutes old.
    let age = now.duration_since(created).as_secs_f64() / time_scale;
    if age < YOUNGEST { 0.0 } else { (-0.3 * (age - target).abs() / target).exp() }
}

/// One of `items`, all equally likely; `None` when there are none.
fn pick<'i, T>(items: &'i [T], rng: &mut impl Rng) -> Option<&'i T> {
    (!items.is_empty()).then(|| &items[rng.random_range(0..items.len())])
}

/// One of a fixed choice, all equally likely.
pub fn one_of<T: Copy, const N: usize>(items: [T; N], rng: &mut impl Rng) -> T {
    const { assert!(N > 0, "a choice of nothing") };
    items[rng.random_range(0..N)]
}

/// A path with those of the parameters that have a value.
pub fn list(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let given: Vec<String> = parameters
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={value}")))
        .collect();
    format!("{path}?{}", given.join("&"))
}

/// One of `items`, in proportion to `weights`; `None` when they sum to nothing.
pub fn weighted<'i, T>(items: &'i [T], weights: &[f64], rng: &mut impl Rng) -> Option<&'i T> {
    let total: f64 = weights.iter().sum();
    let mut left = rng.random::<f64>() * total;
    let mut last = None;
    for (item, &weight) in items.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
        last = Some(item);
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    last
}

/// The kinds of insurance.
pub const KINDS: [&str; 5] = ["AUTO", "HOME", "LIFE", "HEALTH", "BUSINESS"];

/// What is insured, and the coverage amounts agents quote for it (for HEALTH the deductible).
const COVERAGE: [(&str, &[u32]); 5] = [
    ("AUTO", &[25_000, 50_000, 100_000, 250_000, 500_000]),
    ("HOME", &[200_000, 300_000, 400_000, 500_000, 750_000, 1_000_000]),
    ("LIFE", &[100_000, 250_000, 500_000, 1_000_000, 2_000_000, 3_000_000]),
    ("HEALTH", &[1_000, 2_500, 5_000, 7_500, 10_000, 15_000]),
    ("BUSINESS", &[500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000]),
];

/// A type of insurance and an amount for it.
pub fn cover(rng: &mut impl Rng) -> (&'static str, u32) {
    let (kind, amounts) = one_of(COVERAGE, rng);
    (kind, amounts[rng.random_range(0..amounts.len())])
}

/// How likely an agent denies a claim of this amount.
pub fn denial_probability(amount: f64) -> f64 {
    match amount {
        a if a < 5_000.0 => 0.10,
        a if a < 20_000.0 => 0.15,
        a if a < 50_000.0 => 0.25,
        _ => 0.35,
    }
}

/// Between 80 and 100 per cent of what was claimed, to the cent.
pub fn approved_amount(claimed: f64, rng: &mut impl Rng) -> f64 {
    let share = 0.8 + 0.2 * rng.random::<f64>();
    (claimed * share * 100.0).round() / 100.0
}

const INCIDENTS: [&str; 8] = [
    "Rear-end collision at a traffic light, bumper and tailgate damaged",
    "Burst pipe in the kitchen, floor and cabinets soaked",
    "Hail storm dented roof and bonnet",
    "Break-in through the back door, electronics stolen",
    "Fire in the storage room, stock damaged by smoke",
    "Fall on a wet staircase, hospital stay of three days",
    "Tree fell on the garage during a storm",
    "Customer slipped in the shop and broke a wrist",
];

/// What happened, as a customer tells it.
pub fn incident(rng: &mut impl Rng) -> &'static str {
    one_of(INCIDENTS, rng)
}

/// Why a policy is set to `status`.
pub fn status_reason(status: &str, rng: &mut impl Rng) -> &'static str {
    const ACTIVE: [&str; 4] = [
        "Premium received, cover resumed",
        "Renewal confirmed by the customer",
        "Documents complete, policy put in force",
        "Cancellation withdrawn by the customer",
    ];
    const CANCELLED: [&str; 4] = [
        "Customer asked to cancel",
        "Insured property was sold",
        "Premium unpaid after two reminders",
        "Customer moved to another insurer",
    ];
    one_of(if status == "ACTIVE" { ACTIVE } else { CANCELLED }, rng)
}

/// Why claims are denied, and how often each is the reason.
const DENIALS: [(&str, f64); 12] = [
    ("The damage was there before the policy began", 12.0),
    ("This kind of event is excluded from the cover", 14.0),
    ("Documents asked for were not handed in", 16.0),
    ("The claim reached us after the notice period", 9.0),
    ("The amount lies below the deductible", 10.0),
    ("The premium was unpaid on the day of the incident", 7.0),
    ("Reports of the incident contradict each other", 8.0),
    ("Normal wear, no sudden damage", 9.0),
    ("The same incident was settled by an earlier claim", 5.0),
    ("Upkeep required by the policy was neglected", 4.0),
    ("The cover's yearly limit is used up", 4.0),
    ("Handed to the fraud desk, which advised against payment", 2.0),
];

/// A reason to deny a claim.
pub fn denial_reason(rng: &mut impl Rng) -> &'static str {
    let weights = DENIALS.map(|(_, weight)| weight);
    weighted(&DENIALS, &weights, rng).map_or(DENIALS[0].0, |(reason, _)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::Pcg64Mcg;

    fn item(id: &str, age_seconds: i64, now: Timestamp) -> Item {
        let created_at = Some(now - jiff::SignedDuration::from_secs(age_seconds));
        Item { id: id.into(), status: String::new(), claim_amount: None, created_at }
    }

    #[test]
    fn ages_near_the_target_are_preferred_and_the_newest_left_alone() {
        let now = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(1000);
        let items = [item("new", 30, now), item("right", 720, now), item("old", 7_200, now)];
        let age = Some(TargetAge { target: 720.0, time_scale: 1.0 });
        let mut rng = Pcg64Mcg::new(3);
        let mut hits = [0; 3];
        for _ in 0..10_000 {
            let chosen = choose(&items, age, now, &mut rng).unwrap();
            hits[items.iter().position(|i| i.id == chosen.id).unwrap()] += 1;
        }
        assert_eq!(hits[0], 0);
        // exp(-0.3 * 9) = 0.0672 to 1: 6.3 % of all choices.
        assert!((500..760).contains(&hits[2]), "{hits:?}");
    }

    #[test]
    fn ages_follow_the_time_scale() {
        let now = Timestamp::now();
        let items = [item("x", 10, now)];
        let mut rng = Pcg64Mcg::new(3);
        let mut at = |time_scale| {
            choose(&items, Some(TargetAge { target: 720.0, time_scale }), now, &mut rng).is_some()
        };
        assert!(!at(1.0), "ten seconds old");
        assert!(at(0.1), "a hundred simulated seconds old");
    }

    #[test]
    fn nothing_to_choose_from_is_no_choice() {
        let mut rng = Pcg64Mcg::new(3);
        assert!(choose(&[], None, Timestamp::now(), &mut rng).is_none());
        assert!(weighted(&[1, 2], &[0.0, 0.0], &mut rng).is_none());
    }

    #[test]
    fn larger_claims_are_denied_more_often() {
        let at = [4_999.0, 5_000.0, 19_999.0, 20_000.0, 49_999.0, 50_000.0];
        let percent = at.map(|amount| format!("{:.0}", denial_probability(amount) * 100.0));
        assert_eq!(percent, ["10", "15", "15", "25", "25", "35"]);
    }

    #[test]
    fn approvals_are_whole_cents_within_their_range() {
        let mut rng = Pcg64Mcg::new(3);
        for _ in 0..1_000 {
            let amount = approved_amount(12_345.67, &mut rng);
            assert!((9_876.53..=12_345.67).contains(&amount), "{amount}");
            assert!(((amount * 100.0).round() - amount * 100.0).abs() < 1e-6);
        }
    }
}
