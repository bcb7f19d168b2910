//! What clients send to and get from claims-service.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};
use utoipa::{IntoParams, ToSchema};

use crate::shared::choices::choices;
use crate::shared::document::{PositiveAmountInput, TimeInput};
use crate::shared::fields::{Fields, FromFields, Read};
use crate::shared::history::history_row;
use crate::shared::money::Cents;
use crate::shared::rules;
use crate::shared::time::Time;

choices! {
    /// Where a claim stands.
    ClaimStatus {
        Submitted = "SUBMITTED",
        UnderReview = "UNDER_REVIEW",
        Approved = "APPROVED",
        Denied = "DENIED",
        Paid = "PAID",
    }
}

/// What someone asks for under a policy.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the contract")]
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) organization_id: String,
    pub(crate) policy_id: String,
    pub(crate) claim_number: String,
    pub(crate) status: ClaimStatus,
    pub(crate) incident_date: Time,
    pub(crate) description: String,
    pub(crate) claim_amount: Cents,
    pub(crate) approved_amount: Option<Cents>,
    pub(crate) denial_reason: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl FromRow<'_, AnyRow> for Claim {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Claim {
            id: row.try_get("id")?,
            user_id: row.try_get("user_id")?,
            organization_id: row.try_get("organization_id")?,
            policy_id: row.try_get("policy_id")?,
            claim_number: row.try_get("claim_number")?,
            status: row.try_get("status")?,
            incident_date: row.try_get("incident_date")?,
            description: row.try_get("description")?,
            claim_amount: row.try_get("claim_amount")?,
            approved_amount: row.try_get("approved_amount")?,
            denial_reason: row.try_get("denial_reason")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

history_row! {
    /// A change of a claim's status.
    ClaimHistoryEntry, claim_id, ClaimStatus
}

/// A new claim.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct CreateClaim {
    #[schema(format = Uuid)]
    pub(crate) policy_id: String,
    #[schema(value_type = TimeInput)]
    pub(crate) incident_date: Time,
    #[schema(min_length = 1, max_length = 5000)]
    pub(crate) description: String,
    #[schema(value_type = PositiveAmountInput)]
    pub(crate) claim_amount: Cents,
}

impl FromFields for CreateClaim {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let policy_id = fields.required("policyId", rules::id);
        let incident_date = fields.required("incidentDate", rules::time);
        let description = fields.required("description", rules::text(5_000));
        let claim_amount = fields.required("claimAmount", rules::positive_amount);
        Ok(CreateClaim {
            policy_id: policy_id?,
            incident_date: incident_date?,
            description: description?,
            claim_amount: claim_amount?,
        })
    }
}

/// A new status.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ChangeClaimStatus {
    pub(crate) status: ClaimStatus,
    /// Needed for APPROVED, not kept otherwise.
    #[schema(value_type = Option<PositiveAmountInput>)]
    pub(crate) approved_amount: Option<Cents>,
    /// Needed for DENIED, not kept otherwise.
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) denial_reason: Option<String>,
}

impl FromFields for ChangeClaimStatus {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let status = fields.required("status", rules::choice);
        let approved_amount = fields.optional("approvedAmount", rules::positive_amount);
        let denial_reason = fields.optional("denialReason", rules::text(1_000));
        Ok(ChangeClaimStatus {
            status: status?,
            approved_amount: approved_amount?,
            denial_reason: denial_reason?,
        })
    }
}

/// An approval.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Approve {
    #[schema(value_type = PositiveAmountInput)]
    pub(crate) approved_amount: Cents,
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) reason: Option<String>,
}

impl FromFields for Approve {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let approved_amount = fields.required("approvedAmount", rules::positive_amount);
        let reason = fields.optional("reason", rules::text(1_000));
        Ok(Approve { approved_amount: approved_amount?, reason: reason? })
    }
}

/// A denial.
#[derive(ToSchema)]
pub(crate) struct Deny {
    #[schema(min_length = 1, max_length = 1000)]
    pub(crate) reason: String,
}

impl FromFields for Deny {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        Ok(Deny { reason: fields.required("reason", rules::text(1_000))? })
    }
}

/// Which claims to list.
#[derive(Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(crate) struct Filters {
    pub(crate) status: Option<ClaimStatus>,
    #[param(min_length = 1, max_length = 100)]
    pub(crate) policy_id: Option<String>,
    #[param(min_length = 1, max_length = 100)]
    pub(crate) user_id: Option<String>,
    #[param(value_type = Option<TimeInput>)]
    pub(crate) incident_date_from: Option<Time>,
    #[param(value_type = Option<TimeInput>)]
    pub(crate) incident_date_to: Option<Time>,
    #[param(value_type = Option<f64>, minimum = 0, maximum = 9_999_999_999.0)]
    pub(crate) min_claim_amount: Option<Cents>,
    #[param(value_type = Option<f64>, minimum = 0, maximum = 9_999_999_999.0)]
    pub(crate) max_claim_amount: Option<Cents>,
    /// Part of the number or of the description, in any case.
    #[param(min_length = 1, max_length = 200)]
    pub(crate) search: Option<String>,
}

impl FromFields for Filters {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        let status = fields.optional("status", rules::choice);
        let policy_id = fields.optional("policyId", rules::id);
        let user_id = fields.optional("userId", rules::id);
        let incident_date_from = fields.optional("incidentDateFrom", rules::time);
        let incident_date_to = fields.optional("incidentDateTo", rules::time);
        let min_claim_amount = fields.optional("minClaimAmount", rules::amount_in_query);
        let max_claim_amount = fields.optional("maxClaimAmount", rules::amount_in_query);
        let search = fields.optional("search", rules::text(200));
        Ok(Filters {
            status: status?,
            policy_id: policy_id?,
            user_id: user_id?,
            incident_date_from: incident_date_from?,
            incident_date_to: incident_date_to?,
            min_claim_amount: min_claim_amount?,
            max_claim_amount: max_claim_amount?,
            search: search?,
        })
    }
}

/// Which of the caller's own claims to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MyFilters {
    pub(crate) status: Option<ClaimStatus>,
}

impl FromFields for MyFilters {
    fn from_fields(fields: &mut Fields) -> Read<Self> {
        Ok(MyFilters { status: fields.optional("status", rules::choice)? })
    }
}
