//! Status histories: one row per change, written in the transaction of the change itself.

use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, FromRow, Transaction};

use super::db::{self, Db};
use super::failure::Outcome;
use super::ids;
use super::time::Time;

/// A service's history: its table and the column that names the entity.
pub(crate) struct History {
    pub(crate) table: &'static str,
    pub(crate) parent: &'static str,
}

/// A change of status about to be recorded.
pub(crate) struct Change<'a> {
    pub(crate) parent_id: &'a str,
    pub(crate) organization_id: &'a str,
    pub(crate) old_status: &'static str,
    pub(crate) new_status: &'static str,
    pub(crate) changed_by: &'a str,
    pub(crate) reason: Option<&'a str>,
    pub(crate) metadata: Option<Value>,
}

impl History {
    pub(crate) async fn record(
        &self,
        transaction: &mut Transaction<'static, Any>,
        change: Change<'_>,
    ) -> Outcome<()> {
        let History { table, parent } = self;
        let sql = format!(
            "INSERT INTO {table} (id, {parent}, organization_id, old_status, new_status, changed_by, \
             changed_at, reason, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        );
        let insert = sqlx::query(AssertSqlSafe(sql))
            .bind(ids::new_id())
            .bind(change.parent_id)
            .bind(change.organization_id)
            .bind(change.old_status)
            .bind(change.new_status)
            .bind(change.changed_by)
            .bind(Time::now())
            .bind(change.reason)
            .bind(change.metadata.map(|metadata| metadata.to_string()));
        db::run_on("INSERT", table, insert.execute(&mut **transaction)).await?;
        Ok(())
    }

    /// An entity's changes, newest first.
    pub(crate) async fn list<T>(&self, db: &Db, parent_id: &str) -> Outcome<Vec<T>>
    where
        T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        let History { table, parent } = self;
        let sql = format!("SELECT * FROM {table} WHERE {parent} = $1 ORDER BY changed_at DESC, id");
        let query = sqlx::query_as::<Any, T>(AssertSqlSafe(sql)).bind(parent_id);
        db::run_on("SELECT", table, query.fetch_all(db.readers())).await
    }
}

/// Metadata as it stands in the database.
pub(crate) fn metadata(text: Option<String>) -> Option<Value> {
    text.and_then(|text| serde_json::from_str(&text).ok())
}

/// Defines the history row of an entity, as clients see it.
macro_rules! history_row {
    ($(#[$doc:meta])* $name:ident, $parent:ident, $status:ty) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            id: String,
            $parent: String,
            organization_id: String,
            old_status: Option<$status>,
            new_status: $status,
            /// The user who made the change.
            changed_by: String,
            changed_at: $crate::shared::time::Time,
            reason: Option<String>,
            metadata: Option<serde_json::Value>,
        }

        impl sqlx::FromRow<'_, sqlx::any::AnyRow> for $name {
            fn from_row(row: &sqlx::any::AnyRow) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                Ok($name {
                    id: row.try_get("id")?,
                    $parent: row.try_get(stringify!($parent))?,
                    organization_id: row.try_get("organization_id")?,
                    old_status: row.try_get("old_status")?,
                    new_status: row.try_get("new_status")?,
                    changed_by: row.try_get("changed_by")?,
                    changed_at: row.try_get("changed_at")?,
                    reason: row.try_get("reason")?,
                    metadata: $crate::shared::history::metadata(row.try_get("metadata")?),
                })
            }
        }
    };
}
pub(crate) use history_row;
