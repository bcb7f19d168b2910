//! The rules of claims: how their status may change, and on what they may be made.

use serde_json::{Value, json};

use super::types::{ChangeClaimStatus, Claim, ClaimStatus};
use crate::shared::failure::{Failure, Outcome};
use crate::shared::money::Cents;

/// Where a claim may go from here.
pub(crate) fn next(from: ClaimStatus) -> &'static [ClaimStatus] {
    match from {
        ClaimStatus::Submitted => &[ClaimStatus::UnderReview, ClaimStatus::Denied],
        ClaimStatus::UnderReview => &[ClaimStatus::Approved, ClaimStatus::Denied],
        ClaimStatus::Approved => &[ClaimStatus::Paid],
        ClaimStatus::Denied | ClaimStatus::Paid => &[],
    }
}

/// A change of status.
#[derive(Clone, Debug)]
pub(crate) struct Transition {
    pub(crate) to: ClaimStatus,
    pub(crate) approved_amount: Option<Cents>,
    pub(crate) denial_reason: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Transition {
    pub(crate) fn approval(approved_amount: Cents, reason: Option<String>) -> Transition {
        Transition {
            to: ClaimStatus::Approved,
            approved_amount: Some(approved_amount),
            denial_reason: None,
            reason,
        }
    }

    pub(crate) fn denial(reason: String) -> Transition {
        Transition {
            to: ClaimStatus::Denied,
            approved_amount: None,
            denial_reason: Some(reason.clone()),
            reason: Some(reason),
        }
    }

    /// What the history keeps beside the reason.
    pub(crate) fn metadata(&self, from: ClaimStatus) -> Value {
        let amount = self.approved_amount.map(Cents::to_number);
        json!({ "approvedAmount": amount, "previousStatus": from })
    }
}

pub(crate) fn check_transition(from: ClaimStatus, to: ClaimStatus) -> Outcome<()> {
    if next(from).contains(&to) {
        return Ok(());
    }
    Err(Failure::bad_request(format!("Invalid status transition from {from} to {to}")))
}

/// What a change of status asks for: the transition itself comes first, then what belongs to it.
pub(crate) fn transition(claim: &Claim, change: &ChangeClaimStatus) -> Outcome<Transition> {
    check_transition(claim.status, change.status)?;
    match change.status {
        ClaimStatus::Approved => change
            .approved_amount
            .map(|amount| Transition::approval(amount, None))
            .ok_or_else(|| Failure::bad_request("Approved amount required for APPROVED status")),
        ClaimStatus::Denied => change
            .denial_reason
            .clone()
            .map(Transition::denial)
            .ok_or_else(|| Failure::bad_request("Denial reason required for DENIED status")),
        to => Ok(Transition { to, approved_amount: None, denial_reason: None, reason: None }),
    }
}

/// A claim needs an active policy that its caller can see.
pub(crate) fn may_claim_on(policy: Option<&Value>) -> Outcome<()> {
    if policy.is_some_and(|policy| policy["status"] == "ACTIVE") {
        return Ok(());
    }
    Err(Failure::bad_request("Policy not found or not active"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::choices::Choice as _;
    use crate::shared::time::Time;

    fn claim(status: ClaimStatus) -> Claim {
        Claim {
            id: String::new(),
            user_id: String::new(),
            organization_id: String::new(),
            policy_id: String::new(),
            claim_number: String::new(),
            status,
            incident_date: Time(0),
            description: String::new(),
            claim_amount: Cents(1),
            approved_amount: None,
            denial_reason: None,
            created_at: Time(0),
            updated_at: Time(0),
        }
    }

    fn asked(status: ClaimStatus, amount: Option<i64>, reason: Option<&str>) -> ChangeClaimStatus {
        ChangeClaimStatus {
            status,
            approved_amount: amount.map(Cents),
            denial_reason: reason.map(str::to_owned),
        }
    }

    fn message(result: Outcome<Transition>) -> String {
        match result {
            Ok(transition) => format!("{} {:?}", transition.to, transition.reason),
            Err(Failure::Refused(_, message)) => message.into_owned(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_pairs_but_five_are_refused_by_name() {
        use ClaimStatus::{Approved, Denied, Paid, Submitted, UnderReview};
        let allowed = [
            (Submitted, UnderReview),
            (Submitted, Denied),
            (UnderReview, Approved),
            (UnderReview, Denied),
            (Approved, Paid),
        ];
        for from in ClaimStatus::ALL {
            for to in ClaimStatus::ALL {
                let result = transition(&claim(*from), &asked(*to, Some(1), Some("why")));
                if allowed.contains(&(*from, *to)) {
                    assert_eq!(result.unwrap().to, *to);
                } else {
                    let text = format!("Invalid status transition from {from} to {to}");
                    assert_eq!(message(result), text);
                }
            }
        }
    }

    #[test]
    fn approval_needs_an_amount_and_denial_a_reason() {
        let review = claim(ClaimStatus::UnderReview);
        assert_eq!(
            message(transition(&review, &asked(ClaimStatus::Approved, None, Some("why")))),
            "Approved amount required for APPROVED status"
        );
        assert_eq!(
            message(transition(&review, &asked(ClaimStatus::Denied, Some(1), None))),
            "Denial reason required for DENIED status"
        );
        // The transition is asked for first.
        assert_eq!(
            message(transition(&claim(ClaimStatus::Paid), &asked(ClaimStatus::Denied, None, None))),
            "Invalid status transition from PAID to DENIED"
        );
    }

    #[test]
    fn history_keeps_amount_and_previous_status() {
        let approval = Transition::approval(Cents(80_050), None);
        let expected = json!({"approvedAmount": 800.5, "previousStatus": "UNDER_REVIEW"});
        assert_eq!(approval.metadata(ClaimStatus::UnderReview), expected);
        let denial = Transition::denial("fraud".into());
        assert_eq!(denial.reason.as_deref(), Some("fraud"));
        assert_eq!(denial.denial_reason.as_deref(), Some("fraud"));
    }

    #[test]
    fn only_an_active_policy_that_is_seen_will_do() {
        assert!(may_claim_on(Some(&json!({"status": "ACTIVE"}))).is_ok());
        for policy in [None, Some(json!({"status": "PENDING"})), Some(json!({}))] {
            let Err(Failure::Refused(_, message)) = may_claim_on(policy.as_ref()) else { panic!() };
            assert_eq!(message, "Policy not found or not active");
        }
    }
}
