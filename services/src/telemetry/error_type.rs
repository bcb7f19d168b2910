//! The `error.type` attribute: a low-cardinality word for what went wrong.

use std::borrow::Cow;
use std::convert::Infallible;

/// An error that can say its kind in a word with few possible values, for the span attribute `error.type`.
pub trait ErrorType {
    /// The kind of error, such as `timeout` or `connect`.
    fn error_type(&self) -> Cow<'static, str>;

    /// The database's own code (`SQLSTATE` for `PostgreSQL`), if it answered with one.
    fn database_status(&self) -> Option<String> {
        None
    }
}

impl ErrorType for Infallible {
    fn error_type(&self) -> Cow<'static, str> {
        match *self {}
    }
}

impl ErrorType for hyper_util::client::legacy::Error {
    fn error_type(&self) -> Cow<'static, str> {
        if self.is_connect() { "connect".into() } else { "transport".into() }
    }
}

impl ErrorType for hyper::Error {
    fn error_type(&self) -> Cow<'static, str> {
        if self.is_timeout() { "timeout".into() } else { "transport".into() }
    }
}

impl ErrorType for tokio::time::error::Elapsed {
    fn error_type(&self) -> Cow<'static, str> {
        "timeout".into()
    }
}

impl ErrorType for anyhow::Error {
    fn error_type(&self) -> Cow<'static, str> {
        self.downcast_ref::<sqlx::Error>().map_or("_OTHER".into(), ErrorType::error_type)
    }

    fn database_status(&self) -> Option<String> {
        self.downcast_ref::<sqlx::Error>().and_then(ErrorType::database_status)
    }
}

impl ErrorType for sqlx::Error {
    fn error_type(&self) -> Cow<'static, str> {
        match self {
            sqlx::Error::RowNotFound => "row_not_found".into(),
            sqlx::Error::PoolTimedOut => "pool_timeout".into(),
            sqlx::Error::PoolClosed => "pool_closed".into(),
            sqlx::Error::Io(_) => "io".into(),
            sqlx::Error::Database(error) => {
                error.code().map_or("database".into(), |code| code.into_owned().into())
            }
            _ => "_OTHER".into(),
        }
    }

    fn database_status(&self) -> Option<String> {
        self.as_database_error().and_then(|error| Some(error.code()?.into_owned()))
    }
}
