//! The first inhabitants: 30 invented organisations with one to three users each.
//!
//! The same on every machine, ids included, so that runs can be compared and that instances which seed
//! at the same moment write the same rows once.

use anyhow::Context as _;
use fake::Fake as _;
use fake::faker::address::en::{CityName, StateAbbr, StreetName};
use fake::faker::name::en::{FirstName, LastName};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sqlx::{Any, Transaction};
use uuid::Builder;

use super::types::{OrgRole, OrganizationStatus, Plan, Role};
use crate::shared::db::Db;
use crate::shared::time::Time;

/// Everyone's password.
pub(crate) const PASSWORD: &str = "password123";
const ORGANIZATIONS: usize = 30;

const FIRST_WORDS: [&str; ORGANIZATIONS] = [
    "Amber",
    "Beacon",
    "Cedar",
    "Delta",
    "Evergreen",
    "Falcon",
    "Granite",
    "Harbor",
    "Ironwood",
    "Juniper",
    "Keystone",
    "Lakeside",
    "Meridian",
    "Northgate",
    "Oakridge",
    "Pinnacle",
    "Quarry",
    "Riverbend",
    "Silverline",
    "Tidewater",
    "Union Hill",
    "Vanguard",
    "Westbrook",
    "Yellowstone",
    "Zephyr",
    "Bluestone",
    "Copperfield",
    "Driftwood",
    "Eastport",
    "Foxglove",
];
const SECOND_WORDS: [&str; 6] =
    ["Insurance", "Mutual", "Assurance", "Risk Partners", "Underwriters", "Coverage"];

struct Organization {
    id: String,
    name: String,
    slug: String,
    plan: Plan,
}

struct Person {
    id: String,
    first_name: String,
    last_name: String,
    role: Role,
    org_role: OrgRole,
}

/// Seeds a database that holds no organisation; whether it did.
pub(crate) async fn when_empty(db: &Db, bcrypt_cost: u32) -> anyhow::Result<bool> {
    let count = sqlx::query_scalar::<Any, i64>("SELECT COUNT(*) FROM organizations");
    if count.fetch_one(db.readers()).await? > 0 {
        return Ok(false);
    }
    // One hash for all: they share the password, and 60 hashes at full cost would take seconds.
    let hash = tokio::task::spawn_blocking(move || bcrypt::hash(PASSWORD, bcrypt_cost)).await??;
    let mut rng = Pcg64Mcg::seed_from_u64(0xD14A_C1A1);
    let start = Time::now();
    let mut transaction = db.begin().await.map_err(|_| anyhow::anyhow!("database is busy"))?;
    let mut users = 0;
    for index in 0..ORGANIZATIONS {
        // A microsecond apart, so that "newest first" is an order.
        let now = Time(start.0 + i64::try_from(index)? * 10);
        let organization = organization(index, &mut rng);
        insert_organization(&mut transaction, &organization, now).await.context("organization")?;
        for (place, person) in people(&mut rng).into_iter().enumerate() {
            let now = Time(now.0 + i64::try_from(place)?);
            insert_user(&mut transaction, &organization, &person, &hash, &mut rng, now)
                .await
                .context("user")?;
            users += 1;
        }
    }
    transaction.commit().await?;
    tracing::info!("seeded {ORGANIZATIONS} organizations with {users} users");
    Ok(true)
}

fn organization(index: usize, rng: &mut Pcg64Mcg) -> Organization {
    const PLANS: [Plan; 4] = [Plan::Free, Plan::Starter, Plan::Professional, Plan::Enterprise];
    let second = SECOND_WORDS[rng.random_range(0..SECOND_WORDS.len())];
    let name = format!("{} {second}", FIRST_WORDS[index]);
    let slug = name.to_lowercase().replace(' ', "-");
    Organization { id: id(rng), name, slug, plan: PLANS[rng.random_range(0..PLANS.len())] }
}

/// One to three people: an owner, an agent, and someone else.
fn people(rng: &mut Pcg64Mcg) -> Vec<Person> {
    let third = if rng.random_bool(0.5) { Role::Agent } else { Role::Customer };
    let posts =
        [(Role::Admin, OrgRole::Owner), (Role::Agent, OrgRole::Admin), (third, OrgRole::Member)];
    let mut people: Vec<Person> = Vec::new();
    for (role, org_role) in posts.into_iter().take(rng.random_range(1..=3)) {
        let (first_name, last_name) = loop {
            let name: (String, String) =
                (FirstName().fake_with_rng(rng), LastName().fake_with_rng(rng));
            // E-mail addresses are made of the names: they must differ, and be plain letters.
            let differs =
                people.iter().all(|p| (&p.first_name, &p.last_name) != (&name.0, &name.1));
            if differs
                && [&name.0, &name.1].iter().all(|n| n.bytes().all(|b| b.is_ascii_alphabetic()))
            {
                break name;
            }
        };
        people.push(Person { id: id(rng), first_name, last_name, role, org_role });
    }
    people
}

fn id(rng: &mut Pcg64Mcg) -> String {
    Builder::from_random_bytes(rng.random()).into_uuid().to_string()
}

async fn insert_organization(
    transaction: &mut Transaction<'static, Any>,
    new: &Organization,
    now: Time,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO organizations (id, name, slug, plan, status, settings, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, '{}', $6, $6) ON CONFLICT DO NOTHING",
    )
    .bind(&new.id)
    .bind(&new.name)
    .bind(&new.slug)
    .bind(new.plan)
    .bind(OrganizationStatus::Active)
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn insert_user(
    transaction: &mut Transaction<'static, Any>,
    organization: &Organization,
    person: &Person,
    hash: &str,
    rng: &mut Pcg64Mcg,
    now: Time,
) -> sqlx::Result<()> {
    let domain = organization.slug.replace('-', "");
    let name = format!("{}.{}", person.first_name, person.last_name).to_lowercase();
    let street: String = StreetName().fake_with_rng(rng);
    // Between 18 and 68 years before 2026.
    let born = Time(i64::from(rng.random_range(-4_383..13_879_i32)) * 86_400_000_000);
    sqlx::query(
        "INSERT INTO users (id, email, password_hash, first_name, last_name, role, organization_id, \
         org_role, date_of_birth, phone, street, city, state, zip_code, country, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'USA', $15, $15) \
         ON CONFLICT DO NOTHING",
    )
    .bind(&person.id)
    .bind(format!("{name}@{domain}.com"))
    .bind(hash)
    .bind(&person.first_name)
    .bind(&person.last_name)
    .bind(person.role)
    .bind(&organization.id)
    .bind(person.org_role)
    .bind(born)
    .bind(format!("+1-555-01{:02}-{:04}", rng.random_range(0..100), rng.random_range(0..10_000)))
    .bind(format!("{} {street}", rng.random_range(1..2_000)))
    .bind(CityName().fake_with_rng::<String, _>(rng))
    .bind(StateAbbr().fake_with_rng::<String, _>(rng))
    .bind(format!("{:05}", rng.random_range(1_000..99_951)))
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
