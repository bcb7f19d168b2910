//! Queries of claims-service. Every one names the organisation: another's row is no row.

use sqlx::Any;

use super::rules::Transition;
use super::types::{Claim, ClaimHistoryEntry, ClaimStatus, CreateClaim, Filters};
use crate::shared::choices::Choice as _;
use crate::shared::db::{self, Db};
use crate::shared::failure::Outcome;
use crate::shared::filter::{self, Conditions};
use crate::shared::history::{Change, History};
use crate::shared::identity::Caller;
use crate::shared::ids;
use crate::shared::migrations::Schema;
use crate::shared::page::Paging;
use crate::shared::time::Time;

pub(crate) const SCHEMA: Schema = Schema {
    migrations: &[include_str!("../../migrations/claims/1_claims.sql")],
    tables: &["claim_status_history", "claims"],
};

pub(crate) const HISTORY: History = History { table: "claim_status_history", parent: "claim_id" };

pub(crate) async fn create(db: &Db, caller: &Caller, new: CreateClaim) -> Outcome<Claim> {
    let now = Time::now();
    let insert = sqlx::query_as::<Any, Claim>(
        "INSERT INTO claims (id, user_id, organization_id, policy_id, claim_number, status, \
         incident_date, description, claim_amount, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING *",
    )
    .bind(ids::new_id())
    .bind(caller.user())
    .bind(caller.organization())
    .bind(new.policy_id)
    .bind(ids::new_number("CLM", now))
    .bind(ClaimStatus::Submitted)
    .bind(new.incident_date)
    .bind(new.description)
    .bind(new.claim_amount)
    .bind(now);
    db::run("INSERT claims", insert.fetch_one(db.writers())).await
}

pub(crate) async fn list(
    db: &Db,
    organization_id: &str,
    filters: &Filters,
    paging: Paging,
) -> Outcome<(Vec<Claim>, i64)> {
    let conditions = Conditions::of_organization(organization_id)
        .equal("status", filters.status.map(ClaimStatus::text))
        .equal("policy_id", filters.policy_id.as_deref())
        .equal("user_id", filters.user_id.as_deref())
        .at_least("incident_date", filters.incident_date_from)
        .at_most("incident_date", filters.incident_date_to)
        .at_least("claim_amount", filters.min_claim_amount)
        .at_most("claim_amount", filters.max_claim_amount)
        .contains(&["claim_number", "description"], filters.search.as_deref());
    filter::page(db, "claims", conditions, paging).await
}

pub(crate) async fn find(db: &Db, organization_id: &str, id: &str) -> Outcome<Option<Claim>> {
    let query =
        sqlx::query_as::<Any, _>("SELECT * FROM claims WHERE id = $1 AND organization_id = $2")
            .bind(id)
            .bind(organization_id);
    db::run("SELECT claims", query.fetch_optional(db.readers())).await
}

pub(crate) async fn history(db: &Db, claim: &Claim) -> Outcome<Vec<ClaimHistoryEntry>> {
    HISTORY.list(db, &claim.id).await
}

/// Makes a transition of a claim that was just read, with a history row. `None` when its status is no
/// longer the one that was read.
pub(crate) async fn change_status(
    db: &Db,
    claim: &Claim,
    transition: &Transition,
    caller: &Caller,
) -> Outcome<Option<Claim>> {
    let mut transaction = db.begin().await?;
    let update = sqlx::query_as::<Any, Claim>(
        "UPDATE claims SET status = $1, approved_amount = COALESCE($2, approved_amount), \
         denial_reason = COALESCE($3, denial_reason), updated_at = $4 \
         WHERE id = $5 AND status = $6 RETURNING *",
    )
    .bind(transition.to)
    .bind(transition.approved_amount)
    .bind(&transition.denial_reason)
    .bind(Time::now())
    .bind(&claim.id)
    .bind(claim.status);
    let changed = db::run("UPDATE claims", update.fetch_optional(&mut *transaction)).await?;
    if changed.is_some() {
        let change = Change {
            parent_id: &claim.id,
            organization_id: &claim.organization_id,
            old_status: claim.status.text(),
            new_status: transition.to.text(),
            changed_by: caller.user(),
            reason: transition.reason.as_deref(),
            metadata: Some(transition.metadata(claim.status)),
        };
        HISTORY.record(&mut transaction, change).await?;
        db::commit(transaction).await?;
    }
    Ok(changed)
}

pub(crate) async fn delete(db: &Db, organization_id: &str, id: &str) -> Outcome<bool> {
    let delete = sqlx::query("DELETE FROM claims WHERE id = $1 AND organization_id = $2")
        .bind(id)
        .bind(organization_id);
    let done = db::run("DELETE claims", delete.execute(db.writers())).await?;
    Ok(done.rows_affected() > 0)
}
