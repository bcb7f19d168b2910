//! Queries of user-service.

use sqlx::{Any, Row as _};

use super::types::{
    ChangeOrganization, ChangeProfile, CreateOrganization, OrgRole, Organization,
    OrganizationStatus, Plan, Register, Role, User, WholeOrganization,
};
use crate::shared::db::{self, Db};
use crate::shared::failure::Outcome;
use crate::shared::ids;
use crate::shared::migrations::Schema;
use crate::shared::page::Paging;
use crate::shared::time::Time;

pub(crate) const SCHEMA: Schema = Schema {
    migrations: &[include_str!("../../migrations/user/1_organizations_users.sql")],
    tables: &["users", "organizations"],
};

macro_rules! organizations {
    ($rest:literal) => {
        concat!(
            "SELECT o.*, (SELECT COUNT(*) FROM users u WHERE u.organization_id = o.id) AS user_count \
             FROM organizations o ",
            $rest
        )
    };
}

/// Why a row was not written.
pub(crate) enum Conflict {
    /// The e-mail address or slug belongs to another row.
    Taken,
    /// The organisation it belongs to does not exist.
    Dangling,
}

fn conflict<T>(result: sqlx::Result<T>) -> Outcome<Result<T, Conflict>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) if db::is_taken(&error) => Ok(Err(Conflict::Taken)),
        Err(error) if db::is_dangling(&error) => Ok(Err(Conflict::Dangling)),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn all_organizations(db: &Db) -> Outcome<Vec<Organization>> {
    let query = sqlx::query_as::<Any, _>(organizations!("ORDER BY o.created_at DESC, o.id"));
    db::run("SELECT organizations", query.fetch_all(db.readers())).await
}

pub(crate) async fn organization(db: &Db, id: &str) -> Outcome<Option<Organization>> {
    let query = sqlx::query_as::<Any, _>(organizations!("WHERE o.id = $1")).bind(id);
    db::run("SELECT organizations", query.fetch_optional(db.readers())).await
}

pub(crate) async fn whole_organization(db: &Db, id: &str) -> Outcome<Option<WholeOrganization>> {
    let query = sqlx::query_as::<Any, _>(organizations!("WHERE o.id = $1")).bind(id);
    db::run("SELECT organizations", query.fetch_optional(db.readers())).await
}

pub(crate) async fn organization_by_slug(db: &Db, slug: &str) -> Outcome<Option<Organization>> {
    let query = sqlx::query_as::<Any, _>(organizations!("WHERE o.slug = $1")).bind(slug);
    db::run("SELECT organizations", query.fetch_optional(db.readers())).await
}

pub(crate) async fn create_organization(
    db: &Db,
    new: CreateOrganization,
) -> Outcome<Result<String, Conflict>> {
    let id = ids::new_id();
    let now = Time::now();
    let insert = sqlx::query(
        "INSERT INTO organizations (id, name, slug, plan, status, settings, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, '{}', $6, $6)",
    )
    .bind(&id)
    .bind(new.name)
    .bind(new.slug)
    .bind(new.plan.unwrap_or(Plan::Free))
    .bind(OrganizationStatus::Active)
    .bind(now);
    let result =
        db::run("INSERT organizations", async { Ok(conflict(insert.execute(db.writers()).await)) });
    Ok(result.await??.map(|_| id))
}

/// Whether there was such an organisation.
pub(crate) async fn change_organization(
    db: &Db,
    id: &str,
    change: ChangeOrganization,
) -> Outcome<Result<bool, Conflict>> {
    let update = sqlx::query(
        "UPDATE organizations SET name = COALESCE($2, name), slug = COALESCE($3, slug), \
         plan = COALESCE($4, plan), updated_at = $5 WHERE id = $1",
    )
    .bind(id)
    .bind(change.name)
    .bind(change.slug)
    .bind(change.plan)
    .bind(Time::now());
    let result =
        db::run("UPDATE organizations", async { Ok(conflict(update.execute(db.writers()).await)) });
    Ok(result.await??.map(|done| done.rows_affected() > 0))
}

/// Deletes the organisation unless it has users; whether a row went.
pub(crate) async fn delete_organization(db: &Db, id: &str) -> Outcome<bool> {
    let delete = sqlx::query(
        "DELETE FROM organizations WHERE id = $1 \
         AND NOT EXISTS (SELECT 1 FROM users WHERE organization_id = $1)",
    )
    .bind(id);
    let result =
        db::run("DELETE organizations", async { Ok(conflict(delete.execute(db.writers()).await)) });
    Ok(result.await??.is_ok_and(|done| done.rows_affected() > 0))
}

pub(crate) async fn members(db: &Db, organization_id: &str) -> Outcome<Vec<User>> {
    let query = sqlx::query_as::<Any, _>(
        "SELECT * FROM users WHERE organization_id = $1 ORDER BY created_at DESC, id",
    )
    .bind(organization_id);
    db::run("SELECT users", query.fetch_all(db.readers())).await
}

pub(crate) async fn users_by_role(db: &Db, organization_id: &str) -> Outcome<Vec<(String, i64)>> {
    let query = sqlx::query(
        "SELECT role, COUNT(*) AS users FROM users WHERE organization_id = $1 GROUP BY role",
    )
    .bind(organization_id);
    let rows = db::run("SELECT users", query.fetch_all(db.readers())).await?;
    let pair = |row: &sqlx::any::AnyRow| Ok((row.try_get("role")?, row.try_get("users")?));
    Ok(rows.iter().map(pair).collect::<sqlx::Result<_>>()?)
}

/// All users, or one page of them, and how many there are.
pub(crate) async fn users(db: &Db, paging: Option<Paging>) -> Outcome<(Vec<User>, i64)> {
    let query = match paging {
        None => sqlx::query_as::<Any, _>("SELECT * FROM users ORDER BY created_at DESC, id"),
        Some(paging) => sqlx::query_as::<Any, _>(
            "SELECT * FROM users ORDER BY created_at DESC, id LIMIT $1 OFFSET $2",
        )
        .bind(paging.limit)
        .bind(paging.offset()),
    };
    let users: Vec<User> = db::run("SELECT users", query.fetch_all(db.readers())).await?;
    Ok((users, if paging.is_some() { count(db).await? } else { 0 }))
}

async fn count(db: &Db) -> Outcome<i64> {
    let count = sqlx::query_scalar::<Any, i64>("SELECT COUNT(*) FROM users");
    db::run("SELECT users", count.fetch_one(db.readers())).await
}

pub(crate) async fn user(db: &Db, id: &str) -> Outcome<Option<User>> {
    let query = sqlx::query_as::<Any, _>("SELECT * FROM users WHERE id = $1").bind(id);
    db::run("SELECT users", query.fetch_optional(db.readers())).await
}

/// The user of this e-mail address, with the password's hash.
pub(crate) async fn credentials(db: &Db, email: &str) -> Outcome<Option<(User, String)>> {
    let query = sqlx::query("SELECT * FROM users WHERE email = $1").bind(email);
    let row = db::run("SELECT users", query.fetch_optional(db.readers())).await?;
    let read = |row: sqlx::any::AnyRow| {
        Ok((sqlx::FromRow::from_row(&row)?, row.try_get("password_hash")?))
    };
    Ok(row.map(read).transpose().map_err(|error: sqlx::Error| error)?)
}

pub(crate) async fn create_user(
    db: &Db,
    new: Register,
    password_hash: String,
) -> Outcome<Result<User, Conflict>> {
    let insert = sqlx::query_as::<Any, User>(
        "INSERT INTO users (id, email, password_hash, first_name, last_name, role, organization_id, \
         org_role, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING *",
    )
    .bind(ids::new_id())
    .bind(new.email)
    .bind(password_hash)
    .bind(new.first_name)
    .bind(new.last_name)
    .bind(new.role.unwrap_or(Role::Customer))
    .bind(new.organization_id)
    .bind(new.org_role.unwrap_or(OrgRole::Member))
    .bind(Time::now());
    db::run("INSERT users", async { Ok(conflict(insert.fetch_one(db.writers()).await)) }).await?
}

/// Writes the changed profile of a user that was just read.
pub(crate) async fn change_profile(
    db: &Db,
    user: User,
    change: ChangeProfile,
) -> Outcome<Option<User>> {
    let old = user.profile;
    let update = sqlx::query_as::<Any, User>(
        "UPDATE users SET first_name = COALESCE($2, first_name), last_name = COALESCE($3, last_name), \
         date_of_birth = $4, phone = $5, street = $6, city = $7, state = $8, zip_code = $9, \
         country = $10, updated_at = $11 WHERE id = $1 RETURNING *",
    )
    .bind(old.id)
    .bind(change.first_name)
    .bind(change.last_name)
    .bind(change.date_of_birth.applied_to(old.date_of_birth))
    .bind(change.phone.applied_to(old.phone))
    .bind(change.street.applied_to(old.street))
    .bind(change.city.applied_to(old.city))
    .bind(change.state.applied_to(old.state))
    .bind(change.zip_code.applied_to(old.zip_code))
    .bind(change.country.applied_to(old.country))
    .bind(Time::now());
    db::run("UPDATE users", update.fetch_optional(db.writers())).await
}

pub(crate) async fn delete_user(db: &Db, id: &str) -> Outcome<bool> {
    let delete = sqlx::query("DELETE FROM users WHERE id = $1").bind(id);
    let done = db::run("DELETE users", delete.execute(db.writers())).await?;
    Ok(done.rows_affected() > 0)
}
