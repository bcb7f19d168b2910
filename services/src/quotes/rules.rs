//! The rules of quotes: what cover costs, and what may be converted.

use super::types::{Quote, QuoteStatus};
use crate::shared::choices::InsuranceType;
use crate::shared::failure::{Failure, Outcome};
use crate::shared::money::Cents;
use crate::shared::time::Time;

/// How long a quote holds when nothing else is said.
pub(crate) const VALID_DAYS: i64 = 30;
/// How long a policy made from a quote runs.
pub(crate) const POLICY_DAYS: i64 = 365;

/// The yearly premium, rounded to cents.
///
/// AUTO 500 + 0.3 % of the cover; HOME 0.4 %; LIFE 0.1 %; BUSINESS 1 %; HEALTH, whose cover is the
/// deductible, 8000 − cover / 15000 × 2000 (below zero for deductibles above 60,000).
pub(crate) fn yearly_premium(kind: InsuranceType, coverage: Cents) -> Cents {
    let Cents(cover) = coverage;
    Cents(match kind {
        InsuranceType::Auto => 50_000 + rounded(3 * cover, 1_000),
        InsuranceType::Home => rounded(4 * cover, 1_000),
        InsuranceType::Life => rounded(cover, 1_000),
        InsuranceType::Health => 800_000 - rounded(2 * cover, 15),
        InsuranceType::Business => rounded(cover, 100),
    })
}

/// `dividend / divisor`, halves up; for a dividend from zero on.
fn rounded(dividend: i64, divisor: i64) -> i64 {
    (2 * dividend + divisor) / (2 * divisor)
}

/// The premium of a quote that is to be stored: it must not be negative.
pub(crate) fn quotable_premium(kind: InsuranceType, coverage: Cents) -> Outcome<Cents> {
    let premium = yearly_premium(kind, coverage);
    if premium < Cents(0) {
        let value = coverage.to_number().into();
        let msg = "is the deductible of HEALTH and must be at most 60000";
        return Err(Failure::invalid_field("coverageAmount", value, msg));
    }
    Ok(premium)
}

/// Only an active quote that has not expired may become a policy.
pub(crate) fn may_convert(quote: &Quote, now: Time) -> Outcome<()> {
    if quote.status != QuoteStatus::Active {
        return Err(only_active());
    }
    if quote.expires_at < now {
        return Err(Failure::bad_request("Quote has expired"));
    }
    Ok(())
}

pub(crate) fn only_active() -> Failure {
    Failure::bad_request("Only ACTIVE quotes can be converted to policies")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::choices::Choice as _;
    use proptest::prelude::*;

    #[test]
    fn premiums_of_the_contract() {
        for (kind, cover, premium) in [
            (InsuranceType::Auto, 50_000, "650"),
            (InsuranceType::Home, 250_000, "1000"),
            (InsuranceType::Life, 500_000, "500"),
            (InsuranceType::Health, 5_000, "7333.33"),
            (InsuranceType::Health, 1_000, "7866.67"),
            (InsuranceType::Business, 1_000_000, "10000"),
        ] {
            assert_eq!(yearly_premium(kind, Cents(cover * 100)).to_string(), premium);
        }
    }

    #[test]
    fn premiums_are_rounded_to_cents() {
        // 0.4 % of 1.25 is half a cent.
        assert_eq!(yearly_premium(InsuranceType::Home, Cents(125)), Cents(1));
        assert_eq!(yearly_premium(InsuranceType::Home, Cents(124)), Cents(0));
    }

    #[test]
    fn a_negative_premium_is_not_quotable() {
        assert!(quotable_premium(InsuranceType::Health, Cents(6_000_000)).is_ok());
        assert!(quotable_premium(InsuranceType::Health, Cents(6_000_100)).is_err());
    }

    proptest! {
        #[test]
        fn more_cover_never_costs_less_and_a_higher_deductible_never_more(
            cover in 0..Cents::MAX.0, more in 0..1_000_000_i64,
        ) {
            for kind in InsuranceType::ALL {
                let less = yearly_premium(*kind, Cents(cover));
                let greater = yearly_premium(*kind, Cents(cover + more));
                match kind {
                    InsuranceType::Health => prop_assert!(greater <= less),
                    _ => prop_assert!(greater >= less && less >= Cents(0)),
                }
            }
        }
    }

    fn quote(status: QuoteStatus, expires_at: Time) -> Quote {
        Quote {
            id: String::new(),
            user_id: String::new(),
            organization_id: String::new(),
            quote_number: String::new(),
            kind: InsuranceType::Auto,
            status,
            coverage_amount: Cents(0),
            premium: Cents(0),
            expires_at,
            created_at: Time(0),
            updated_at: Time(0),
        }
    }

    #[test]
    fn status_is_asked_before_expiry() {
        let message = |quote: Quote| match may_convert(&quote, Time(100)) {
            Ok(()) => String::new(),
            Err(Failure::Refused(_, message)) => message.into_owned(),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(message(quote(QuoteStatus::Active, Time(100))), "");
        assert_eq!(message(quote(QuoteStatus::Active, Time(99))), "Quote has expired");
        for status in [QuoteStatus::Expired, QuoteStatus::Converted] {
            let text = "Only ACTIVE quotes can be converted to policies";
            assert_eq!(message(quote(status, Time(99))), text);
        }
    }
}
