//! What clients send to and get from policy-service.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};
use utoipa::{IntoParams, ToSchema};

use crate::shared::choices::{InsuranceType, choices};
use crate::shared::document::{AmountInput, PositiveAmountInput, TimeInput};
use crate::shared::fields::{Fields, FromFields, Read};
use crate::shared::history::history_row;
use crate::shared::money::Cents;
use crate::shared::rules;
use crate::shared::time::Time;

choices! {
    /// Where a policy stands.
    PolicyStatus { Active = "ACTIVE", Expired = "EXPIRED", Cancelled = "CANCELLED", Pending = "PENDING" }
}

/// Cover for a time at a price.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
pub(crate) struct Policy {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) organization_id: String,
    pub(crate) policy_number: String,
    #[serde(rename = "type")]
    pub(crate) kind: InsuranceType,
    pub(crate) status: PolicyStatus,
    pub(crate) start_date: Time,
    pub(crate) end_date: Time,
    pub(crate) premium: Cents,
    pub(crate) coverage_amount: Cents,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl FromRow<'_, AnyRow> for Policy {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Policy {
            id: row.try_get("id")?,
            user_id: row.try_get("user_id")?,
            organization_id: row.try_get("organization_id")?,
            policy_number: row.try_get("policy_number")?,
            kind: row.try_get("type")?,
            status: row.try_get("status")?,
            start_date: row.try_get("start_date")?,
            end_date: row.try_get("end_date")?,
            premium: row.try_get("premium")?,
            coverage_amount: row.try_get("coverage_amount")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

history_row! {
    /// A change of a policy's status.
    PolicyHistoryEntry, policy_id, PolicyStatus
}

/// A new policy.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct CreatePolicy {
    #[schema(rename = "type")]
    pub(crate) kind: InsuranceType,
    #[schema(value_type = TimeInput)]
    pub(crate) start_date: Time,
    /// After startDate.
    #[schema(value_type = TimeInput)]
    pub(crate) end_date: Time,
    #[schema(value_type = AmountInput)]
    pub(crate) premium: Cents,
    #[schema(value_type = AmountInput)]
    pub(crate) coverage_amount: Cents,
    /// PENDING when absent.
    pub(crate) status: Option<PolicyStatus>,
}

impl FromFields for CreatePolicy {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let kind = fields.required("type", rules::choice);
        let start_date = fields.required("startDate", rules::time);
        let end_date = fields.required("endDate", rules::time);
        let premium = fields.required("premium", rules::amount);
        let coverage_amount = fields.required("coverageAmount", rules::amount);
        let status = fields.optional("status", rules::choice);
        Ok(CreatePolicy {
            kind: kind?,
            start_date: start_date?,
            end_date: end_date?,
            premium: premium?,
            coverage_amount: coverage_amount?,
            status: status?,
        })
    }
}

/// Changes to a policy; what is absent stays.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ChangePolicy {
    pub(crate) status: Option<PolicyStatus>,
    #[schema(value_type = Option<AmountInput>)]
    pub(crate) premium: Option<Cents>,
    #[schema(value_type = Option<AmountInput>)]
    pub(crate) coverage_amount: Option<Cents>,
    /// After startDate.
    #[schema(value_type = Option<TimeInput>)]
    pub(crate) end_date: Option<Time>,
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) status_change_reason: Option<String>,
}

impl FromFields for ChangePolicy {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let status = fields.optional("status", rules::choice);
        let premium = fields.optional("premium", rules::amount);
        let coverage_amount = fields.optional("coverageAmount", rules::amount);
        let end_date = fields.optional("endDate", rules::time);
        let reason = fields.optional("statusChangeReason", rules::text(1_000));
        Ok(ChangePolicy {
            status: status?,
            premium: premium?,
            coverage_amount: coverage_amount?,
            end_date: end_date?,
            status_change_reason: reason?,
        })
    }
}

/// A claim on the policy of the route.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct FileClaim {
    #[schema(value_type = TimeInput)]
    pub(crate) incident_date: Time,
    #[schema(min_length = 1, max_length = 5000)]
    pub(crate) description: String,
    #[schema(value_type = PositiveAmountInput)]
    pub(crate) claim_amount: Cents,
}

impl FromFields for FileClaim {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let incident_date = fields.required("incidentDate", rules::time);
        let description = fields.required("description", rules::text(5_000));
        let claim_amount = fields.required("claimAmount", rules::positive_amount);
        Ok(FileClaim {
            incident_date: incident_date?,
            description: description?,
            claim_amount: claim_amount?,
        })
    }
}

/// Which policies to list.
#[derive(Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Filters {
    pub(crate) status: Option<PolicyStatus>,
    #[param(rename = "type")]
    pub(crate) kind: Option<InsuranceType>,
    #[param(min_length = 1, max_length = 100)]
    pub(crate) user_id: Option<String>,
    #[param(value_type = Option<TimeInput>)]
    pub(crate) start_date_from: Option<Time>,
    #[param(value_type = Option<TimeInput>)]
    pub(crate) start_date_to: Option<Time>,
    #[param(value_type = Option<TimeInput>)]
    pub(crate) end_date_from: Option<Time>,
    #[param(value_type = Option<TimeInput>)]
    pub(crate) end_date_to: Option<Time>,
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
        let start_date_from = fields.optional("startDateFrom", rules::time);
        let start_date_to = fields.optional("startDateTo", rules::time);
        let end_date_from = fields.optional("endDateFrom", rules::time);
        let end_date_to = fields.optional("endDateTo", rules::time);
        let min_premium = fields.optional("minPremium", rules::amount_in_query);
        let max_premium = fields.optional("maxPremium", rules::amount_in_query);
        let search = fields.optional("search", rules::text(200));
        Ok(Filters {
            status: status?,
            kind: kind?,
            user_id: user_id?,
            start_date_from: start_date_from?,
            start_date_to: start_date_to?,
            end_date_from: end_date_from?,
            end_date_to: end_date_to?,
            min_premium: min_premium?,
            max_premium: max_premium?,
            search: search?,
        })
    }
}

/// Which of the caller's own policies to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MyFilters {
    pub(crate) status: Option<PolicyStatus>,
}

impl FromFields for MyFilters {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        Ok(MyFilters { status: fields.optional("status", rules::choice)? })
    }
}
