//! Queries about conversion attempts.

use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{Any, FromRow, Row as _};

use super::store;
use super::types::{Quote, QuoteStatus};
use crate::shared::db::{self, Db};
use crate::shared::failure::Outcome;
use crate::shared::ids;
use crate::shared::time::Time;
use crate::shared::token::Identity;

/// A conversion that may have made a policy.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) quote_id: String,
    /// For whom, so that the attempt can be brought to its end without them.
    pub(crate) identity: Identity,
    pub(crate) started_at: Time,
}

impl FromRow<'_, AnyRow> for Attempt {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let identity: String = row.try_get("identity")?;
        Ok(Attempt {
            id: row.try_get("id")?,
            quote_id: row.try_get("quote_id")?,
            identity: serde_json::from_str(&identity)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            started_at: row.try_get("started_at")?,
        })
    }
}

/// Opens an attempt; `None` when the quote is gone.
pub(crate) async fn open(
    db: &Db,
    quote: &Quote,
    identity: &Identity,
    due_at: Time,
) -> Outcome<Option<Attempt>> {
    let attempt = Attempt {
        id: ids::new_id(),
        quote_id: quote.id.clone(),
        identity: identity.clone(),
        started_at: Time::now().whole_millis(),
    };
    let insert = sqlx::query(
        "INSERT INTO conversion_attempts (id, quote_id, identity, started_at, due_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&attempt.id)
    .bind(&attempt.quote_id)
    .bind(serde_json::to_string(identity).map_err(anyhow::Error::from)?)
    .bind(attempt.started_at)
    .bind(due_at);
    let result = db::run("INSERT conversion_attempts", async {
        match insert.execute(db.writers()).await {
            Ok(_) => Ok(true),
            Err(error) if db::is_dangling(&error) => Ok(false),
            Err(error) => Err(error),
        }
    });
    Ok(result.await?.then_some(attempt))
}

/// Ends an attempt that made no policy for certain.
pub(crate) async fn close(db: &Db, attempt: &Attempt) -> Outcome<()> {
    let delete = sqlx::query("DELETE FROM conversion_attempts WHERE id = $1").bind(&attempt.id);
    db::run("DELETE conversion_attempts", delete.execute(db.writers())).await?;
    Ok(())
}

/// Leaves an attempt of unknown outcome to the settler, at once.
pub(crate) async fn hand_over(db: &Db, attempt: &Attempt) -> Outcome<()> {
    let update = sqlx::query("UPDATE conversion_attempts SET due_at = 0 WHERE id = $1");
    let update = update.bind(&attempt.id);
    db::run("UPDATE conversion_attempts", update.execute(db.writers())).await?;
    Ok(())
}

/// Leaves every open attempt to the settler, at once.
pub(crate) async fn hand_over_all(db: &Db) -> Outcome<()> {
    let update = sqlx::query("UPDATE conversion_attempts SET due_at = 0");
    db::run("UPDATE conversion_attempts", update.execute(db.writers())).await?;
    Ok(())
}

/// Marks the quote CONVERTED by this attempt, once. Whoever holds this attempt gets the quote, also when
/// the settler was faster; the others get `None`.
pub(crate) async fn mark_converted(
    db: &Db,
    attempt: &Attempt,
    policy: &serde_json::Value,
) -> Outcome<Option<Quote>> {
    let mut transaction = db.begin().await?;
    // The lock of this row orders everyone who wants to convert the quote.
    let lock = sqlx::query_as::<Any, Quote>(
        "UPDATE quotes SET updated_at = updated_at WHERE id = $1 AND status <> $2 RETURNING *",
    )
    .bind(&attempt.quote_id)
    .bind(QuoteStatus::Converted);
    if let Some(before) = db::run("UPDATE quotes", lock.fetch_optional(&mut *transaction)).await? {
        let update = sqlx::query(
            "UPDATE quotes SET status = $1, converted_by = $2, updated_at = $3 WHERE id = $4",
        )
        .bind(QuoteStatus::Converted)
        .bind(&attempt.id)
        .bind(Time::now())
        .bind(&attempt.quote_id);
        db::run("UPDATE quotes", update.execute(&mut *transaction)).await?;
        let number = policy["policyNumber"].as_str().unwrap_or_default();
        let reason = format!("Converted to policy {number}");
        let metadata = json!({ "policyId": policy["id"], "policyNumber": number });
        let by = &attempt.identity.user_id;
        let new = QuoteStatus::Converted;
        store::record(&mut transaction, &before, new, by, Some(&reason), Some(metadata)).await?;
    }
    let delete = sqlx::query("DELETE FROM conversion_attempts WHERE id = $1").bind(&attempt.id);
    db::run("DELETE conversion_attempts", delete.execute(&mut *transaction)).await?;
    db::commit(transaction).await?;

    let mine =
        sqlx::query_as::<Any, Quote>("SELECT * FROM quotes WHERE id = $1 AND converted_by = $2")
            .bind(&attempt.quote_id)
            .bind(&attempt.id);
    db::run("SELECT quotes", mine.fetch_optional(db.readers())).await
}

/// The open attempts that are due, oldest first.
pub(crate) async fn due(db: &Db, now: Time) -> Outcome<Vec<Attempt>> {
    let query = sqlx::query_as::<Any, _>(
        "SELECT * FROM conversion_attempts WHERE due_at <= $1 ORDER BY started_at LIMIT 100",
    )
    .bind(now);
    db::run("SELECT conversion_attempts", query.fetch_all(db.readers())).await
}

/// The open attempts of one quote, oldest first.
pub(crate) async fn of_quote(db: &Db, quote_id: &str) -> Outcome<Vec<Attempt>> {
    let query = sqlx::query_as::<Any, _>(
        "SELECT * FROM conversion_attempts WHERE quote_id = $1 ORDER BY started_at",
    )
    .bind(quote_id);
    db::run("SELECT conversion_attempts", query.fetch_all(db.readers())).await
}

/// The quote of an attempt, of whatever organisation.
pub(crate) async fn quote(db: &Db, attempt: &Attempt) -> Outcome<Option<Quote>> {
    let query = sqlx::query_as::<Any, _>("SELECT * FROM quotes WHERE id = $1");
    let query = query.bind(&attempt.quote_id);
    db::run("SELECT quotes", query.fetch_optional(db.readers())).await
}
