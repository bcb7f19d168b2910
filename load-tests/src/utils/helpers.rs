//! Groups by organisation, the speed of a person, and rotation over users as a wrapper around tasks.

use swarmer::prelude::*;

use crate::behaviors::base::Behavior;

/// The half of an A/B comparison that an organisation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The first `GROUP_A_PERCENTAGE` per cent of organisations.
    A,
    /// All others.
    B,
}

impl Group {
    /// `A` or `B`.
    pub fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }

    /// What agents of this group send as `User-Agent`.
    pub fn user_agent(self) -> &'static str {
        match self {
            Self::A => "DynaClaimz-API-Client/2.1.0 (Group-A)",
            Self::B => "DynaClaimz-API-Client/2.1.0 (Group-B)",
        }
    }
}

/// The group of an organisation: the same on every machine, in every process and release.
pub fn user_group(organization_id: &str, group_a_percentage: f64) -> Group {
    #[expect(clippy::cast_precision_loss, reason = "a number below 100")]
    let place = (stable_hash(organization_id) % 100) as f64;
    if place < group_a_percentage { Group::A } else { Group::B }
}

/// How fast a person works: a factor in 0.7..1.3 on think times that never changes for a user id.
pub fn speed_factor(user_id: &str) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit into the mantissa")]
    let share = (stable_hash(user_id) >> 11) as f64 / (1_u64 << 53) as f64;
    0.7 + 0.6 * share
}

/// FNV-1a over the bytes, then MurmurHash3's 64-bit finaliser so that ids that differ in one place spread out.
/// Part of the meaning of published results: it may never change.
fn stable_hash(text: &str) -> u64 {
    let mut hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// A task that is done by somebody who is signed in: rotates to another user first when that is due, and tries another
/// sign-in when the last one failed. Without a token the task does not run. A sign-in is no step of the task's journey.
pub fn with_rotation<B, F>(task: F) -> impl AsyncFn(&mut B, &mut User) -> TaskResult + Send + Sync
where
    B: Behavior,
    F: AsyncFn(&mut B, &mut User) -> TaskResult + Send + Sync,
{
    async move |behavior: &mut B, user: &mut User| {
        user.aside(async |user| behavior.agent().be_ready(user).await).await?;
        task(behavior, user).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_for_ever() {
        let ids = ["2f1c1f0e-8c34-4c63-9a0a-5b9a3c1d2e4f", "org-1", "org-2", "", "ü"];
        let groups: String = ids.iter().map(|id| user_group(id, 50.0).letter()).collect();
        assert_eq!(groups, "AABAA", "published comparisons rest on these");
    }

    #[test]
    fn the_percentage_is_met_and_its_ends_are_exact() {
        let ids: Vec<String> = (0..10_000).map(|n| format!("organisation-{n}")).collect();
        let share =
            |percentage| ids.iter().filter(|id| user_group(id, percentage) == Group::A).count();
        assert_eq!(share(0.0), 0);
        assert_eq!(share(100.0), ids.len());
        assert!((2_800..3_200).contains(&share(30.0)), "{}", share(30.0));
    }

    #[test]
    fn speeds_spread_over_their_range() {
        let speeds: Vec<f64> = (0..1000).map(|n| speed_factor(&format!("user-{n}"))).collect();
        assert!(speeds.iter().all(|s| (0.7..1.3).contains(s)));
        let mean = speeds.iter().sum::<f64>() / 1000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }
}
