//! What is done to the whole beside serving it: seeding, emptying, checking, documenting.

use std::fmt::Write as _;

use anyhow::Context as _;
use sqlx::AssertSqlSafe;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::all::Databases;
use crate::shared::db::{Database, Db};
use crate::shared::document;
use crate::shared::migrations::Schema;
use crate::{claims, policy, quotes, user};

/// The API document of gateway and services: OpenAPI 3.1, paths as clients use them (`/api/v1/…`).
pub fn api_document() -> OpenApi {
    document::through_gateway(service_documents().into_iter().map(|(_, api)| api).collect())
}

/// Each service's own document, by its name; paths as the service answers them (`/api/…`).
pub fn service_documents() -> Vec<(&'static str, OpenApi)> {
    fn of<S: Clone + Send + Sync + 'static>(
        name: &'static str,
        routes: OpenApiRouter<S>,
    ) -> (&'static str, OpenApi) {
        let api = OpenApiRouter::new().nest("/api", routes).into_openapi();
        (name, document::complete(name, api))
    }
    vec![
        of(user::NAME, user::routes()),
        of(quotes::NAME, quotes::routes()),
        of(policy::NAME, policy::routes()),
        of(claims::NAME, claims::routes()),
    ]
}

fn parts(databases: &Databases) -> [(&'static str, &Database, &'static Schema); 4] {
    [
        ("claims", &databases.claims, &claims::store::SCHEMA),
        ("policy", &databases.policy, &policy::store::SCHEMA),
        ("quotes", &databases.quotes, &quotes::store::SCHEMA),
        ("user", &databases.user, &user::store::SCHEMA),
    ]
}

/// Creates what is missing and fills an empty user database; says what was done.
pub(crate) async fn seed(databases: &Databases, bcrypt_cost: u32) -> anyhow::Result<String> {
    for (_, database, schema) in parts(databases) {
        Db::open(database, schema).await?.close().await;
    }
    let db = Db::open(&databases.user, &user::store::SCHEMA).await?;
    let seeded = user::seed::when_empty(&db, bcrypt_cost).await?;
    db.close().await;
    let done = if seeded { "seeded" } else { "holds organizations already: left as it is" };
    Ok(format!("user database {}: {done}", databases.user.place()))
}

/// Empties all four databases and seeds anew. Services may be running meanwhile.
pub(crate) async fn reset(databases: &Databases, bcrypt_cost: u32) -> anyhow::Result<String> {
    let mut report = String::new();
    for (name, database, schema) in parts(databases) {
        let db = Db::open(database, schema).await?;
        let mut transaction = db.writers().begin().await?;
        let mut rows = 0;
        for table in schema.tables {
            let sql = AssertSqlSafe(format!("DELETE FROM {table}"));
            rows += sqlx::query(sql).execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        db.close().await;
        writeln!(report, "{name} database {}: {rows} rows deleted", database.place())?;
    }
    Ok(report + &seed(databases, bcrypt_cost).await?)
}

/// Opens every database; says for each whether it is well.
pub(crate) async fn check(databases: &Databases) -> Result<String, String> {
    let mut report = String::new();
    let mut well = true;
    for (name, database, schema) in parts(databases) {
        let state = async {
            let db = Db::open(database, schema).await?;
            db.ping().await.ok().context("does not answer")?;
            db.close().await;
            anyhow::Ok(())
        };
        let line = match state.await {
            Ok(()) => "ok".to_owned(),
            Err(error) => {
                well = false;
                format!("FAILED: {error:#}")
            }
        };
        let _ = writeln!(report, "{name} database {}: {line}", database.place());
    }
    let report = report.trim_end().to_owned();
    if well { Ok(report) } else { Err(report) }
}
