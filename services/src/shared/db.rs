//! One set of queries for SQLite and PostgreSQL.
//!
//! `sqlx::Any` rather than a layer of our own: both databases take `$1`, `RETURNING`, partial indexes
//! and `BIGINT`, and with money in cents and times in microseconds no column needs a type that only one
//! of them has. What differs is here: how a pool is opened.
//!
//! SQLite allows one writer at a time and makes the others poll. A pool of one connection for writing
//! turns that into a fair queue; readers go on beside it (WAL).

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateDatabase as _;
use sqlx::{Any, AnyPool, ConnectOptions as _, Executor as _, Transaction};
use url::Url;

use super::failure::Outcome;
use super::migrations::{self, Schema};
use crate::metrics::PoolUse;
use crate::telemetry;

/// How long a request waits for a connection before it is answered with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);
const SQLITE: &str = "sqlite";
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

/// Each connection's setting; WAL mode itself stands in the file ([`migrations::run`] sets it). In WAL mode
/// `NORMAL` loses nothing when the process is killed.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL; \
     PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000;";

/// Where a service keeps its data.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgres(Url),
}

impl Database {
    /// The place without a password, for people to read.
    pub(crate) fn place(&self) -> String {
        match self {
            Database::Sqlite(path) => path.display().to_string(),
            Database::Postgres(url) => {
                let mut url = url.clone();
                let _ = url.set_password(None);
                url.to_string()
            }
        }
    }

    fn description(&self) -> telemetry::Database {
        match self {
            Database::Sqlite(path) => telemetry::Database {
                system: SQLITE,
                namespace: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                server: None,
            },
            Database::Postgres(url) => telemetry::Database {
                system: "postgresql",
                namespace: url.path().trim_start_matches('/').to_owned(),
                server: url.host_str().map(|host| (host.to_owned(), url.port().unwrap_or(5432))),
            },
        }
    }

    fn url(&self) -> String {
        match self {
            Database::Postgres(url) => url.to_string(),
            Database::Sqlite(path) => {
                let escaped: String = path
                    .to_string_lossy()
                    .chars()
                    .map(|c| match c {
                        '%' | '?' | '#' | ' ' => format!("%{:02X}", u32::from(c)),
                        _ => c.to_string(),
                    })
                    .collect();
                format!("sqlite://{escaped}?mode=rwc")
            }
        }
    }
}

/// A service's database: migrated and ready.
#[derive(Clone)]
pub(crate) struct Db {
    readers: AnyPool,
    writers: AnyPool,
    description: telemetry::Database,
}

impl Db {
    /// Opens the database, creates it where it is missing, and brings it up to date.
    pub(crate) async fn open(database: &Database, schema: &Schema) -> anyhow::Result<Db> {
        sqlx::any::install_default_drivers();
        let url = database.url();
        match database {
            Database::Sqlite(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)
                        .with_context(|| format!("cannot create folder {}", folder.display()))?;
                }
            }
            Database::Postgres(_) => create_database(&url)
                .await
                .with_context(|| format!("cannot reach database {}", database.place()))?,
        }
        migrations::run(database, &url, schema)
            .await
            .with_context(|| format!("cannot bring database {} up to date", database.place()))?;
        let description = database.description();
        let db = match database {
            Database::Sqlite(_) => Db {
                description,
                readers: pool(&url, SQLITE_READERS, Some(SQLITE_SETTINGS)).await?,
                writers: pool(&url, 1, Some(SQLITE_SETTINGS)).await?,
            },
            Database::Postgres(_) => {
                let pool = pool(&url, POSTGRES_CONNECTIONS, None).await?;
                Db { description, readers: pool.clone(), writers: pool }
            }
        };
        Ok(db)
    }

    /// The database in the words of its spans.
    pub(crate) fn description(&self) -> &telemetry::Database {
        &self.description
    }

    /// How many connections are open and at work.
    pub(crate) fn pool_use(&self) -> PoolUse {
        let of = |pool: &AnyPool| PoolUse {
            size: pool.size(),
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
            max: pool.options().get_max_connections(),
        };
        let (reading, writing) = (of(&self.readers), of(&self.writers));
        if self.description.system != SQLITE {
            // One pool for both.
            return reading;
        }
        PoolUse {
            size: reading.size + writing.size,
            idle: reading.idle + writing.idle,
            max: reading.max + writing.max,
        }
    }

    /// Connections for statements that only read.
    pub(crate) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// Connections for single statements that write.
    pub(crate) fn writers(&self) -> &AnyPool {
        &self.writers
    }

    /// A transaction that is going to write. Its first statement must be a write, so that SQLite takes
    /// the write lock at once instead of failing to upgrade a read lock later.
    ///
    /// Its span tells how long the wait for the connection was.
    pub(crate) async fn begin(&self) -> Outcome<Transaction<'static, Any>> {
        run("BEGIN", self.writers.begin()).await
    }

    pub(crate) async fn ping(&self) -> Outcome<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.writers.close().await;
        self.readers.close().await;
    }
}

async fn pool(url: &str, size: u32, settings: Option<&'static str>) -> anyhow::Result<AnyPool> {
    let options = url.parse::<AnyConnectOptions>()?.disable_statement_logging();
    let pool = AnyPoolOptions::new()
        .max_connections(size)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if let Some(settings) = settings {
                    connection.execute(settings).await?;
                }
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Creates a PostgreSQL database unless it is there, or another instance just made it.
async fn create_database(url: &str) -> anyhow::Result<()> {
    if Any::database_exists(url).await? {
        return Ok(());
    }
    match Any::create_database(url).await {
        Err(error) if !Any::database_exists(url).await? => Err(error.into()),
        _ => Ok(()),
    }
}

/// Runs one statement. `what` is its operation and table (`SELECT quotes`): the name of its span.
pub(crate) async fn run<T>(
    what: &'static str,
    statement: impl Future<Output = sqlx::Result<T>>,
) -> Outcome<T> {
    let (operation, table) = what.split_once(' ').unwrap_or((what, ""));
    run_on(operation, table, statement).await
}

/// The same, where the table is known only at run time.
pub(crate) async fn run_on<T>(
    operation: &'static str,
    table: &'static str,
    statement: impl Future<Output = sqlx::Result<T>>,
) -> Outcome<T> {
    Ok(telemetry::db(operation, table, statement).await?)
}

/// Ends a transaction for good.
pub(crate) async fn commit(transaction: Transaction<'static, Any>) -> Outcome<()> {
    run("COMMIT", transaction.commit()).await
}

/// Whether the statement failed because a unique column already holds the value.
pub(crate) fn is_taken(failure: &sqlx::Error) -> bool {
    failure.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Whether the statement failed because the row is referred to, or refers to a missing one.
pub(crate) fn is_dangling(failure: &sqlx::Error) -> bool {
    failure.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
}

/// Lets a type stand in a column of a plain type.
macro_rules! stored_as {
    ($name:ty, $plain:ty, $out:expr, $in:expr) => {
        impl sqlx::Type<sqlx::Any> for $name {
            fn type_info() -> sqlx::any::AnyTypeInfo {
                <$plain as sqlx::Type<sqlx::Any>>::type_info()
            }

            fn compatible(kind: &sqlx::any::AnyTypeInfo) -> bool {
                <$plain as sqlx::Type<sqlx::Any>>::compatible(kind)
            }
        }

        impl<'q> sqlx::Encode<'q, sqlx::Any> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <sqlx::Any as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let out: fn(&$name) -> $plain = $out;
                <$plain as sqlx::Encode<'q, sqlx::Any>>::encode(out(self), buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Any> for $name {
            fn decode(
                value: <sqlx::Any as sqlx::Database>::ValueRef<'r>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                let read: fn($plain) -> Option<$name> = $in;
                let plain = <$plain as sqlx::Decode<'r, sqlx::Any>>::decode(value)?;
                read(plain).ok_or_else(|| concat!("unknown ", stringify!($name)).into())
            }
        }
    };
}
pub(crate) use stored_as;
