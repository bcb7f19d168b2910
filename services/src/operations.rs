//! What is done to the whole beside serving it: seeding, emptying, checking, documenting.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::AssertSqlSafe;
use url::Url;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::all::Databases;
use crate::shared::db::{Database, Db};
use crate::shared::document;
use crate::shared::migrations::Schema;
use crate::shared::peer::{Answer, Onward, Peer};
use crate::{claims, policy, quotes, user};

/// How long `check` waits for a service.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

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

/// Opens every database and asks these services how they are; says for each whether it is well.
pub(crate) async fn check(
    databases: &Databases,
    peers: &[(&'static str, Url)],
) -> Result<String, String> {
    let mut report = String::new();
    let mut well = true;
    let mut note = |what: &str, state: anyhow::Result<()>| {
        let state = state.map_or_else(
            |error| {
                well = false;
                format!("FAILED: {error:#}")
            },
            |()| "ok".to_owned(),
        );
        let _ = writeln!(report, "{what}: {state}");
    };
    for (name, database, schema) in parts(databases) {
        let state = async {
            let db = Db::open(database, schema).await?;
            db.ping().await.ok().context("does not answer")?;
            db.close().await;
            anyhow::Ok(())
        };
        note(&format!("{name} database {}", database.place()), state.await);
    }
    for (name, url) in peers {
        let answer = Peer::new(url, HEALTH_TIMEOUT).get("/health", &Onward::default()).await;
        note(
            &format!("{name} at {url}"),
            answer.map_err(Into::into).and_then(|a| is_well(name, &a)),
        );
    }
    let report = report.trim_end().to_owned();
    if well { Ok(report) } else { Err(report) }
}

/// Whether it is this service that answered, and well.
fn is_well(name: &str, answer: &Answer) -> anyhow::Result<()> {
    anyhow::ensure!(answer.status.is_success(), "it answers {}", answer.status);
    let service = answer.body["service"].as_str().unwrap_or("something else");
    anyhow::ensure!(service == name, "that is {service}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Every route of the contract and no other, as clients call them.
    #[test]
    fn the_document_lists_the_routes_of_the_contract() {
        let document = serde_json::to_value(api_document()).unwrap();
        let mut routes = String::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let methods: Vec<_> =
                item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            writeln!(routes, "{path} {}", methods.join(" ")).unwrap();
        }
        insta::assert_snapshot!(routes);
    }

    #[test]
    fn operations_have_names_of_their_own_and_schemas_exist() {
        let document = serde_json::to_value(api_document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let mut names = BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name}");
            }
        }
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert_ne!(document["components"]["schemas"][name], Value::Null, "{name}");
        }
    }

    /// Two services must not give one name to two schemas: merging would keep only one.
    #[test]
    fn services_agree_on_what_a_schema_is() {
        let mut seen = std::collections::BTreeMap::new();
        for (service, api) in service_documents() {
            let document = serde_json::to_value(api).unwrap();
            for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
                let first = seen.entry(name.clone()).or_insert_with(|| schema.clone());
                assert_eq!(first, schema, "{name} of {service}");
            }
        }
    }

    /// The contract's indexes: each of these columns leads an index, alone or behind the organisation.
    #[tokio::test]
    async fn columns_that_are_searched_have_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let databases = Databases::in_folder(folder.path());
        let wanted: [(&str, &[&str]); 8] = [
            ("organizations", &["id", "slug"]),
            ("users", &["id", "email", "organization_id"]),
            (
                "quotes",
                &["id", "user_id", "organization_id", "quote_number", "status", "expires_at"],
            ),
            ("quote_status_history", &["quote_id", "changed_at"]),
            (
                "policies",
                &["id", "user_id", "organization_id", "policy_number", "status", "end_date"],
            ),
            ("policy_status_history", &["policy_id", "changed_at"]),
            (
                "claims",
                &["id", "user_id", "organization_id", "claim_number", "status", "policy_id"],
            ),
            ("claim_status_history", &["claim_id", "changed_at"]),
        ];
        let mut found = BTreeSet::new();
        for (_, database, schema) in parts(&databases) {
            let db = Db::open(database, schema).await.unwrap();
            let query = "SELECT m.tbl_name, i.name FROM sqlite_master m, pragma_index_info(m.name) i \
                 WHERE m.type = 'index' AND (i.seqno = 0 OR i.seqno = 1 AND EXISTS (SELECT 1 FROM \
                 pragma_index_info(m.name) first WHERE first.seqno = 0 AND first.name IN \
                 ('organization_id', 'status')))";
            let rows = sqlx::query_as::<_, (String, String)>(query);
            found.extend(rows.fetch_all(db.readers()).await.unwrap());
            let journal = sqlx::query_scalar::<_, String>("PRAGMA journal_mode");
            assert_eq!(journal.fetch_one(db.readers()).await.unwrap(), "wal");
            db.close().await;
        }
        for (table, columns) in wanted {
            for column in columns {
                let index = ((*table).to_owned(), (*column).to_owned());
                assert!(found.contains(&index), "no index leads to {table}.{column}");
            }
        }
    }
}
