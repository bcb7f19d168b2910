//! The rules of policies: when they run, what a change touches, and what may be claimed on.

use serde_json::{Value, json};

use super::types::{ChangePolicy, Policy, PolicyStatus};
use crate::shared::failure::{Failure, Outcome};
use crate::shared::time::Time;

/// A policy ends after it starts.
pub(crate) fn check_period(start: Time, end: Time) -> Outcome<()> {
    if end > start {
        return Ok(());
    }
    Err(Failure::invalid_field("endDate", end.to_string().into(), "must be after startDate"))
}

/// The policy as it will be. The period is checked only when the change touches it.
pub(crate) fn changed(policy: &Policy, change: &ChangePolicy) -> Outcome<Policy> {
    if let Some(end) = change.end_date {
        check_period(policy.start_date, end)?;
    }
    Ok(Policy {
        status: change.status.unwrap_or(policy.status),
        premium: change.premium.unwrap_or(policy.premium),
        coverage_amount: change.coverage_amount.unwrap_or(policy.coverage_amount),
        end_date: change.end_date.unwrap_or(policy.end_date),
        ..policy.clone()
    })
}

/// What else changed together with the status.
pub(crate) fn change_metadata(before: &Policy, after: &Policy) -> Value {
    json!({
        "premiumChanged": before.premium != after.premium,
        "coverageChanged": before.coverage_amount != after.coverage_amount,
        "endDateChanged": before.end_date != after.end_date,
    })
}

pub(crate) fn may_claim(policy: &Policy) -> Outcome<()> {
    match policy.status {
        PolicyStatus::Active => Ok(()),
        _ => Err(Failure::bad_request("Claims can only be filed on ACTIVE policies")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::choices::{Choice as _, InsuranceType};
    use crate::shared::money::Cents;

    fn policy(status: PolicyStatus) -> Policy {
        Policy {
            id: String::new(),
            user_id: String::new(),
            organization_id: String::new(),
            policy_number: String::new(),
            kind: InsuranceType::Auto,
            status,
            start_date: Time(1_000),
            end_date: Time(2_000),
            premium: Cents(1),
            coverage_amount: Cents(2),
            created_at: Time(0),
            updated_at: Time(0),
        }
    }

    const NOTHING: ChangePolicy = ChangePolicy {
        status: None,
        premium: None,
        coverage_amount: None,
        end_date: None,
        status_change_reason: None,
    };

    #[test]
    fn only_active_policies_may_be_claimed_on() {
        for status in PolicyStatus::ALL {
            let accepted = may_claim(&policy(*status)).is_ok();
            assert_eq!(accepted, *status == PolicyStatus::Active, "{status}");
        }
    }

    #[test]
    fn what_is_absent_stays() {
        let before = policy(PolicyStatus::Pending);
        let after = changed(&before, &NOTHING).unwrap();
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }

    #[test]
    fn metadata_tells_what_really_changed() {
        let before = policy(PolicyStatus::Active);
        let change =
            ChangePolicy { premium: Some(Cents(9)), end_date: Some(Time(2_000)), ..NOTHING };
        let after = changed(&before, &change).unwrap();
        let expected =
            json!({"premiumChanged": true, "coverageChanged": false, "endDateChanged": false});
        assert_eq!(change_metadata(&before, &after), expected);
    }

    #[test]
    fn a_policy_ends_after_it_starts() {
        assert!(check_period(Time(1), Time(2)).is_ok());
        assert!(check_period(Time(1), Time(1)).is_err());
        let change = ChangePolicy { end_date: Some(Time(1_000)), ..NOTHING };
        assert!(changed(&policy(PolicyStatus::Active), &change).is_err());
    }
}
