//! The database side: one client span around one query.

use super::context::Context;
use super::error_type::ErrorType;

/// The database that a service talks to, in the words of the semantic conventions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// `sqlite` or `postgresql`.
    pub system: &'static str,
    /// The database's name, such as `quotes_db`.
    pub namespace: String,
    /// Host and port, for a database behind a network.
    pub server: Option<(String, u16)>,
}

/// Runs a query in a client span. `operation` is the SQL verb (`SELECT`), `collection` the table.
///
/// ```ignore
/// db(&self.database, "SELECT", "quotes", sqlx::query(BY_ID).bind(id).fetch_optional(&self.pool)).await?
/// ```
///
/// # Errors
/// Those of `query`.
pub async fn db<T, E: ErrorType>(
    database: &Database,
    operation: &'static str,
    collection: &'static str,
    query: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(context) = Some(Context::current()).filter(Context::is_recorded) else {
        return query.await;
    };
    let summary = format!("{operation} {collection}");
    let Some(mut span) = context.client_span(summary.clone()) else { return query.await };
    span.set("db.system.name", database.system);
    span.set("db.namespace", database.namespace.clone());
    span.set("db.operation.name", operation);
    span.set("db.collection.name", collection);
    span.set("db.query.summary", summary);
    if let Some((host, port)) = &database.server {
        span.set("server.address", host.clone());
        span.set("server.port", *port);
    }
    let outcome = query.await;
    if let Err(error) = &outcome {
        if let Some(status) = error.database_status() {
            span.set("db.response.status_code", status);
        }
        span.fail(error.error_type());
    }
    span.end();
    outcome
}
