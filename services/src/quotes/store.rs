//! Queries of quotes-service. Every one names the organisation: another's row is no row.

use serde_json::Value;
use sqlx::{Any, Transaction};

use super::rules;
use super::types::{Filters, Quote, QuoteHistoryEntry, QuoteStatus};
use crate::shared::choices::{Choice as _, InsuranceType};
use crate::shared::db::{self, Db};
use crate::shared::failure::Outcome;
use crate::shared::filter::{self, Conditions};
use crate::shared::history::{Change, History};
use crate::shared::identity::Caller;
use crate::shared::ids;
use crate::shared::migrations::Schema;
use crate::shared::money::Cents;
use crate::shared::page::Paging;
use crate::shared::time::Time;

pub(crate) const SCHEMA: Schema = Schema {
    migrations: &[include_str!("../../migrations/quotes/1_quotes.sql")],
    tables: &["conversion_attempts", "quote_status_history", "quotes"],
};

pub(crate) const HISTORY: History = History { table: "quote_status_history", parent: "quote_id" };

pub(crate) async fn create(
    db: &Db,
    caller: &Caller,
    kind: InsuranceType,
    (coverage_amount, premium): (Cents, Cents),
    expires_at: Option<Time>,
) -> Outcome<Quote> {
    let now = Time::now();
    let insert = sqlx::query_as::<Any, Quote>(
        "INSERT INTO quotes (id, user_id, organization_id, quote_number, type, status, \
         coverage_amount, premium, expires_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING *",
    )
    .bind(ids::new_id())
    .bind(caller.user())
    .bind(caller.organization())
    .bind(ids::new_number("QUO", now))
    .bind(kind)
    .bind(QuoteStatus::Active)
    .bind(coverage_amount)
    .bind(premium)
    .bind(expires_at.unwrap_or(now.whole_millis().plus_days(rules::VALID_DAYS)))
    .bind(now);
    db::run("INSERT quotes", insert.fetch_one(db.writers())).await
}

pub(crate) async fn list(
    db: &Db,
    organization_id: &str,
    filters: &Filters,
    paging: Paging,
) -> Outcome<(Vec<Quote>, i64)> {
    let conditions = Conditions::of_organization(organization_id)
        .equal("status", filters.status.map(QuoteStatus::text))
        .equal("type", filters.kind.map(InsuranceType::text))
        .equal("user_id", filters.user_id.as_deref())
        .at_least("expires_at", filters.expires_after)
        .at_most("expires_at", filters.expires_before)
        .at_least("coverage_amount", filters.min_coverage)
        .at_most("coverage_amount", filters.max_coverage)
        .at_least("premium", filters.min_premium)
        .at_most("premium", filters.max_premium)
        .contains(&["quote_number"], filters.search.as_deref());
    filter::page(db, "quotes", conditions, paging).await
}

pub(crate) async fn find(db: &Db, organization_id: &str, id: &str) -> Outcome<Option<Quote>> {
    let query =
        sqlx::query_as::<Any, _>("SELECT * FROM quotes WHERE id = $1 AND organization_id = $2")
            .bind(id)
            .bind(organization_id);
    db::run("SELECT quotes", query.fetch_optional(db.readers())).await
}

pub(crate) async fn history(db: &Db, quote: &Quote) -> Outcome<Vec<QuoteHistoryEntry>> {
    HISTORY.list(db, &quote.id).await
}

/// Sets the status of a quote that was just read, with a history row. `None` when its status is no
/// longer the one that was read.
pub(crate) async fn change_status(
    db: &Db,
    quote: &Quote,
    new: QuoteStatus,
    caller: &Caller,
    reason: Option<&str>,
) -> Outcome<Option<Quote>> {
    let mut transaction = db.begin().await?;
    let update = sqlx::query_as::<Any, Quote>(
        "UPDATE quotes SET status = $1, updated_at = $2 WHERE id = $3 AND status = $4 RETURNING *",
    )
    .bind(new)
    .bind(Time::now())
    .bind(&quote.id)
    .bind(quote.status);
    let changed = db::run("UPDATE quotes", update.fetch_optional(&mut *transaction)).await?;
    if changed.is_some() {
        record(&mut transaction, quote, new, caller.user(), reason, None).await?;
        db::commit(transaction).await?;
    }
    Ok(changed)
}

/// Sets the organisation's overdue quotes to EXPIRED, with history rows; how many there were.
pub(crate) async fn expire_overdue(db: &Db, caller: &Caller) -> Outcome<usize> {
    let now = Time::now();
    let mut transaction = db.begin().await?;
    let update = sqlx::query_as::<Any, Quote>(
        "UPDATE quotes SET status = $1, updated_at = $2 \
         WHERE organization_id = $3 AND status = $4 AND expires_at < $2 \
         AND NOT EXISTS (SELECT 1 FROM conversion_attempts WHERE quote_id = quotes.id) RETURNING *",
    )
    .bind(QuoteStatus::Expired)
    .bind(now)
    .bind(caller.organization())
    .bind(QuoteStatus::Active);
    let expired = db::run("UPDATE quotes", update.fetch_all(&mut *transaction)).await?;
    for quote in &expired {
        let before = Quote { status: QuoteStatus::Active, ..quote.clone() };
        let reason = Some("Quote expired");
        record(&mut transaction, &before, quote.status, caller.user(), reason, None).await?;
    }
    db::commit(transaction).await?;
    Ok(expired.len())
}

pub(crate) async fn record(
    transaction: &mut Transaction<'static, Any>,
    quote: &Quote,
    new: QuoteStatus,
    changed_by: &str,
    reason: Option<&str>,
    metadata: Option<Value>,
) -> Outcome<()> {
    let change = Change {
        parent_id: &quote.id,
        organization_id: &quote.organization_id,
        old_status: quote.status.text(),
        new_status: new.text(),
        changed_by,
        reason,
        metadata,
    };
    HISTORY.record(transaction, change).await
}

/// Deletes a quote; `Ok(None)` while a conversion of it is open.
pub(crate) async fn delete(db: &Db, organization_id: &str, id: &str) -> Outcome<Option<bool>> {
    let delete = sqlx::query("DELETE FROM quotes WHERE id = $1 AND organization_id = $2")
        .bind(id)
        .bind(organization_id);
    let result = db::run("DELETE quotes", async {
        match delete.execute(db.writers()).await {
            Ok(done) => Ok(Some(done.rows_affected() > 0)),
            Err(error) if db::is_dangling(&error) => Ok(None),
            Err(error) => Err(error),
        }
    });
    result.await
}
