//! Queries of policy-service. Every one names the organisation: another's row is no row.

use serde_json::Value;
use sqlx::Any;

use super::types::{CreatePolicy, Filters, Policy, PolicyHistoryEntry, PolicyStatus};
use crate::shared::choices::{Choice as _, InsuranceType};
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
    migrations: &[include_str!("../../migrations/policy/1_policies.sql")],
    tables: &["policy_status_history", "policies"],
};

pub(crate) const HISTORY: History = History { table: "policy_status_history", parent: "policy_id" };

/// Creates a policy. With an idempotency key that the organisation used before, gives the policy that
/// was created then.
pub(crate) async fn create(
    db: &Db,
    caller: &Caller,
    new: CreatePolicy,
    idempotency_key: Option<&str>,
) -> Outcome<Policy> {
    let now = Time::now();
    // The empty update makes the row that is already there come back.
    let insert = sqlx::query_as::<Any, Policy>(
        "INSERT INTO policies (id, user_id, organization_id, policy_number, type, status, start_date, \
         end_date, premium, coverage_amount, idempotency_key, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12) \
         ON CONFLICT (organization_id, idempotency_key) \
         DO UPDATE SET idempotency_key = excluded.idempotency_key RETURNING *",
    )
    .bind(ids::new_id())
    .bind(caller.user())
    .bind(caller.organization())
    .bind(ids::new_number("POL", now))
    .bind(new.kind)
    .bind(new.status.unwrap_or(PolicyStatus::Pending))
    .bind(new.start_date)
    .bind(new.end_date)
    .bind(new.premium)
    .bind(new.coverage_amount)
    .bind(idempotency_key)
    .bind(now);
    db::run("INSERT policies", insert.fetch_one(db.writers())).await
}

pub(crate) async fn list(
    db: &Db,
    organization_id: &str,
    filters: &Filters,
    paging: Paging,
) -> Outcome<(Vec<Policy>, i64)> {
    let conditions = Conditions::of_organization(organization_id)
        .equal("status", filters.status.map(PolicyStatus::text))
        .equal("type", filters.kind.map(InsuranceType::text))
        .equal("user_id", filters.user_id.as_deref())
        .at_least("start_date", filters.start_date_from)
        .at_most("start_date", filters.start_date_to)
        .at_least("end_date", filters.end_date_from)
        .at_most("end_date", filters.end_date_to)
        .at_least("premium", filters.min_premium)
        .at_most("premium", filters.max_premium)
        .contains(&["policy_number"], filters.search.as_deref());
    filter::page(db, "policies", conditions, paging).await
}

pub(crate) async fn find(db: &Db, organization_id: &str, id: &str) -> Outcome<Option<Policy>> {
    let query =
        sqlx::query_as::<Any, _>("SELECT * FROM policies WHERE id = $1 AND organization_id = $2")
            .bind(id)
            .bind(organization_id);
    db::run("SELECT policies", query.fetch_optional(db.readers())).await
}

pub(crate) async fn history(db: &Db, policy: &Policy) -> Outcome<Vec<PolicyHistoryEntry>> {
    HISTORY.list(db, &policy.id).await
}

/// Writes a changed policy, with a history row if its status changed. `None` when it is no longer what
/// was read.
pub(crate) async fn change(
    db: &Db,
    before: &Policy,
    after: &Policy,
    caller: &Caller,
    reason: Option<&str>,
    metadata: Value,
) -> Outcome<Option<Policy>> {
    let mut transaction = db.begin().await?;
    let update = sqlx::query_as::<Any, Policy>(
        "UPDATE policies SET status = $1, premium = $2, coverage_amount = $3, end_date = $4, \
         updated_at = $5 WHERE id = $6 AND updated_at = $7 RETURNING *",
    )
    .bind(after.status)
    .bind(after.premium)
    .bind(after.coverage_amount)
    .bind(after.end_date)
    // One that was changed in the same microsecond must differ too.
    .bind(Time::now().max(Time(before.updated_at.0 + 1)))
    .bind(&before.id)
    .bind(before.updated_at);
    let changed = db::run("UPDATE policies", update.fetch_optional(&mut *transaction)).await?;
    if changed.is_some() {
        if before.status != after.status {
            let change = Change {
                parent_id: &before.id,
                organization_id: &before.organization_id,
                old_status: before.status.text(),
                new_status: after.status.text(),
                changed_by: caller.user(),
                reason,
                metadata: Some(metadata),
            };
            HISTORY.record(&mut transaction, change).await?;
        }
        db::commit(transaction).await?;
    }
    Ok(changed)
}

pub(crate) async fn delete(db: &Db, organization_id: &str, id: &str) -> Outcome<bool> {
    let delete = sqlx::query("DELETE FROM policies WHERE id = $1 AND organization_id = $2")
        .bind(id)
        .bind(organization_id);
    let done = db::run("DELETE policies", delete.execute(db.writers())).await?;
    Ok(done.rows_affected() > 0)
}
