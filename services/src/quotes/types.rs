//! What clients send to and get from quotes-service.

use serde::Serialize;
use serde_json::{Number, Value};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};
use utoipa::{IntoParams, ToSchema};

use crate::shared::choices::{InsuranceType, choices};
use crate::shared::document::{AmountInput, TimeInput};
use crate::shared::fields::{Fields, FromFields, Read};
use crate::shared::history::history_row;
use crate::shared::money::Cents;
use crate::shared::rules;
use crate::shared::time::Time;

choices! {
    /// Where a quote stands.
    QuoteStatus { Active = "ACTIVE", Expired = "EXPIRED", Converted = "CONVERTED" }
}

/// An offer of cover at a price.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
pub(crate) struct Quote {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) organization_id: String,
    pub(crate) quote_number: String,
    #[serde(rename = "type")]
    pub(crate) kind: InsuranceType,
    pub(crate) status: QuoteStatus,
    pub(crate) coverage_amount: Cents,
    pub(crate) premium: Cents,
    pub(crate) expires_at: Time,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl FromRow<'_, AnyRow> for Quote {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Quote {
            id: row.try_get("id")?,
            user_id: row.try_get("user_id")?,
            organization_id: row.try_get("organization_id")?,
            quote_number: row.try_get("quote_number")?,
            kind: row.try_get("type")?,
            status: row.try_get("status")?,
            coverage_amount: row.try_get("coverage_amount")?,
            premium: row.try_get("premium")?,
            expires_at: row.try_get("expires_at")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

history_row! {
    /// A change of a quote's status.
    QuoteHistoryEntry, quote_id, QuoteStatus
}

/// A computed price.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Calculation {
    #[serde(rename = "type")]
    pub(crate) kind: InsuranceType,
    #[schema(value_type = f64)]
    pub(crate) coverage_amount: Number,
    #[schema(value_type = f64)]
    pub(crate) estimated_premium: Number,
    pub(crate) calculated_at: Time,
}

/// A quote and the policy made from it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversion {
    pub(crate) quote: Quote,
    /// The policy, as policy-service shows it.
    #[schema(value_type = crate::policy::types::Policy)]
    pub(crate) policy: Value,
}

/// How many quotes were found overdue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Expired {
    pub(crate) expired_count: usize,
}

/// What to price.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Calculate {
    #[schema(rename = "type")]
    pub(crate) kind: InsuranceType,
    #[schema(value_type = AmountInput)]
    pub(crate) coverage_amount: Cents,
}

impl FromFields for Calculate {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let kind = fields.required("type", rules::choice);
        let coverage_amount = fields.required("coverageAmount", rules::amount);
        Ok(Calculate { kind: kind?, coverage_amount: coverage_amount? })
    }
}

/// A new quote.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct CreateQuote {
    #[schema(rename = "type")]
    pub(crate) kind: InsuranceType,
    #[schema(value_type = AmountInput)]
    pub(crate) coverage_amount: Cents,
    /// 30 days from now when absent.
    #[schema(value_type = Option<TimeInput>)]
    pub(crate) expires_at: Option<Time>,
}

impl FromFields for CreateQuote {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let kind = fields.required("type", rules::choice);
        let coverage_amount = fields.required("coverageAmount", rules::amount);
        let expires_at = fields.optional("expiresAt", rules::time);
        Ok(CreateQuote { kind: kind?, coverage_amount: coverage_amount?, expires_at: expires_at? })
    }
}

/// A new status.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ChangeQuoteStatus {
    pub(crate) status: QuoteStatus,
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) status_change_reason: Option<String>,
}

impl FromFields for ChangeQuoteStatus {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let status = fields.required("status", rules::choice);
        let reason = fields.optional("statusChangeReason", rules::text(1_000));
        Ok(ChangeQuoteStatus { status: status?, status_change_reason: reason? })
    }
}

/// Which quotes to list.
#[derive(Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Filters {
    pub(crate) status: Option<QuoteStatus>,
    #[param(rename = "type")]
    pub(crate) kind: Option<InsuranceType>,
    #[param(min_length = 1, max_length = 100)]
    pub(crate) user_id: Option<String>,
    #[param(value_type = Option<TimeInput>)]
    pub(crate) expires_after: Option<Time>,
    #[param(value_type = Option<TimeInput>)]
    pub(crate) expires_before: Option<Time>,
    #[param(value_type = Option<f64>, minimum = 0, maximum = 9_999_999_999.0)]
    pub(crate) min_coverage: Option<Cents>,
    #[param(value_type = Option<f64>, minimum = 0, maximum = 9_999_999_999.0)]
    pub(crate) max_coverage: Option<Cents>,
    #[param(value_type = Option<f64>, minimum = 0, maximum = 9_999_999_999.0)]
    pub(crate) min_premium: Option<Cents>,
    #[param(value_type = Option<f64>, minimum = 0, maximum = 9_999_999_999.0)]
    pub(crate) max_premium: Option<Cents>,
    /// Part of the number, in any case.
    #[param(min_length = 1, max_length = 200)]
    pub(crate) search: Option<String>,
}

impl FromFields for Filters {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let status = fields.optional("status", rules::choice);
        let kind = fields.optional("type", rules::choice);
        let user_id = fields.optional("userId", rules::id);
        let expires_after = fields.optional("expiresAfter", rules::time);
        let expires_before = fields.optional("expiresBefore", rules::time);
        let min_coverage = fields.optional("minCoverage", rules::amount_in_query);
        let max_coverage = fields.optional("maxCoverage", rules::amount_in_query);
        let min_premium = fields.optional("minPremium", rules::amount_in_query);
        let max_premium = fields.optional("maxPremium", rules::amount_in_query);
        let search = fields.optional("search", rules::text(200));
        Ok(Filters {
            status: status?,
            kind: kind?,
            user_id: user_id?,
            expires_after: expires_after?,
            expires_before: expires_before?,
            min_coverage: min_coverage?,
            max_coverage: max_coverage?,
            min_premium: min_premium?,
            max_premium: max_premium?,
            search: search?,
        })
    }
}

/// Which of the caller's own quotes to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MyFilters {
    pub(crate) status: Option<QuoteStatus>,
}

impl FromFields for MyFilters {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        Ok(MyFilters { status: fields.optional("status", rules::choice)? })
    }
}
