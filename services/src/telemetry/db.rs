//! The database side: one client span around one query.

use std::borrow::Cow;

use super::context::Context;
use super::error_type::ErrorType;
use super::span::Span;

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

impl Database {
    fn describe(&self, span: &mut Span) {
        span.set("db.system.name", self.system);
        span.set("db.namespace", self.namespace.clone());
        if let Some((host, port)) = &self.server {
            span.set("server.address", host.clone());
            span.set("server.port", *port);
        }
    }
}

/// Runs a query in a client span. `operation` is the SQL verb (`SELECT`), `collection` the table, empty for what is done
/// to none (`COMMIT`); the database is the one of the service's tracer ([`Tracer::with_database`](super::Tracer::with_database)).
///
/// # Errors
/// Those of `query`.
pub async fn db<T, E: ErrorType>(
    operation: &'static str,
    collection: &'static str,
    query: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let context = Context::current();
    let name = || match collection {
        "" => Cow::Borrowed(operation),
        table => Cow::Owned(format!("{operation} {table}")),
    };
    let Some(mut span) = context.client_span(name) else { return query.await };
    if let Some(database) = context.database() {
        database.describe(&mut span);
    }
    span.set("db.operation.name", operation);
    if !collection.is_empty() {
        span.set("db.collection.name", collection);
    }
    span.set("db.query.summary", name());
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
