//! Conditions of a list, with every value bound, and the page that they select.

use std::fmt::Write as _;

use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, FromRow};

use super::db::{self, Db};
use super::failure::Outcome;
use super::money::Cents;
use super::page::Paging;
use super::time::Time;

/// A value to compare with.
pub(crate) enum Bound {
    Text(String),
    Number(i64),
}

impl From<&str> for Bound {
    fn from(text: &str) -> Self {
        Bound::Text(text.to_owned())
    }
}

impl From<Cents> for Bound {
    fn from(amount: Cents) -> Self {
        Bound::Number(amount.0)
    }
}

impl From<Time> for Bound {
    fn from(time: Time) -> Self {
        Bound::Number(time.0)
    }
}

/// Conditions joined by AND. Columns are names of ours, values are bound.
pub(crate) struct Conditions {
    sql: String,
    values: Vec<Bound>,
}

impl Conditions {
    /// Rows of this organisation: the condition that no list goes without.
    pub(crate) fn of_organization(organization_id: &str) -> Conditions {
        Conditions { sql: String::new(), values: Vec::new() }
            .equal("organization_id", Some(organization_id))
    }

    pub(crate) fn equal(self, column: &'static str, value: Option<impl Into<Bound>>) -> Self {
        self.compare(column, "=", value)
    }

    pub(crate) fn at_least(self, column: &'static str, value: Option<impl Into<Bound>>) -> Self {
        self.compare(column, ">=", value)
    }

    pub(crate) fn at_most(self, column: &'static str, value: Option<impl Into<Bound>>) -> Self {
        self.compare(column, "<=", value)
    }

    /// Any of the columns contains the text, in any case.
    pub(crate) fn contains(mut self, columns: &[&'static str], text: Option<&str>) -> Self {
        let Some(text) = text else { return self };
        let mut pattern = String::with_capacity(text.len() + 2);
        pattern.push('%');
        for c in text.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        let place = self.bind(Bound::Text(pattern));
        let alternatives: Vec<_> = columns
            .iter()
            .map(|column| format!("LOWER({column}) LIKE LOWER(${place}) ESCAPE '\\'"))
            .collect();
        let _ = write!(self.sql, "({})", alternatives.join(" OR "));
        self
    }

    fn compare(
        mut self,
        column: &'static str,
        operator: &'static str,
        value: Option<impl Into<Bound>>,
    ) -> Self {
        if let Some(value) = value {
            let place = self.bind(value.into());
            let _ = write!(self.sql, "{column} {operator} ${place}");
        }
        self
    }

    fn bind(&mut self, value: Bound) -> usize {
        self.values.push(value);
        self.sql.push_str(if self.values.len() == 1 { " WHERE " } else { " AND " });
        self.values.len()
    }
}

/// A page of the rows that meet the conditions, newest first, and how many there are in all.
pub(crate) async fn page<T>(
    db: &Db,
    table: &'static str,
    conditions: Conditions,
    paging: Paging,
) -> Outcome<(Vec<T>, i64)>
where
    T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
{
    let Conditions { sql, values } = conditions;
    let (limit, offset) = (values.len() + 1, values.len() + 2);
    let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}{sql}"));
    let rows = AssertSqlSafe(format!(
        "SELECT * FROM {table}{sql} ORDER BY created_at DESC, id DESC LIMIT ${limit} OFFSET ${offset}"
    ));

    let mut count = sqlx::query_scalar::<Any, i64>(count);
    let mut rows = sqlx::query_as::<Any, T>(rows);
    for value in values {
        match value {
            Bound::Text(text) => {
                count = count.bind(text.clone());
                rows = rows.bind(text);
            }
            Bound::Number(number) => {
                count = count.bind(number);
                rows = rows.bind(number);
            }
        }
    }
    let total = db::run_on("SELECT", table, count.fetch_one(db.readers())).await?;
    if total <= paging.offset() {
        return Ok((Vec::new(), total));
    }
    let rows = rows.bind(paging.limit).bind(paging.offset());
    Ok((db::run_on("SELECT", table, rows.fetch_all(db.readers())).await?, total))
}
