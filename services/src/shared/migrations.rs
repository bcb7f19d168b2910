//! Migrations: run at every start, safe when several instances start at once.

use std::borrow::Cow;
use std::fs::File;

use anyhow::Context as _;
use sqlx::any::AnyConnectOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection as _, Executor as _, SqlStr};

use super::db::Database;

/// A service's tables: its migrations in order, and the tables to empty, children first.
pub(crate) struct Schema {
    pub(crate) migrations: &'static [&'static str],
    pub(crate) tables: &'static [&'static str],
}

/// Applies what is missing. PostgreSQL instances wait for each other on sqlx's advisory lock; SQLite has
/// none, so instances wait on a lock file beside the database.
pub(crate) async fn run(database: &Database, url: &str, schema: &Schema) -> anyhow::Result<()> {
    let _turn = match database {
        Database::Sqlite(path) => Some(lock_file(path.with_extension("lock")).await?),
        Database::Postgres(_) => None,
    };
    let migrations = (1..).zip(schema.migrations).map(|(version, sql)| {
        let sql = SqlStr::from_static(sql);
        Migration::new(version, Cow::Borrowed("schema"), MigrationType::Simple, sql, false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    let options: AnyConnectOptions = url.parse()?;
    let mut connection = AnyConnection::connect_with(&options).await?;
    if matches!(database, Database::Sqlite(_)) {
        // Here, where everyone else waits: turning WAL on needs the file for oneself, and two connections
        // that try it at once get `database is locked` without any wait.
        connection.execute("PRAGMA journal_mode = WAL").await?;
    }
    migrator.run_direct(None, &mut connection, false).await?;
    connection.close().await?;
    Ok(())
}

/// Held until dropped; the operating system lets go of it when the process dies.
async fn lock_file(path: std::path::PathBuf) -> anyhow::Result<File> {
    let open = move || {
        let file = File::options().create(true).append(true).open(&path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    };
    tokio::task::spawn_blocking(open).await?.context("cannot lock the database for migration")
}
