//! user-service: organisations, users, and the tokens that the other services have checked here.
//! It is "backstage": no route asks for a sign-in but `/auth/me`.

mod handlers;
mod rules;
pub(crate) mod seed;
pub(crate) mod store;
mod types;

use std::net::SocketAddr;
use std::time::Duration;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::rules::Passwords;
use crate::shared::config::{BadSettings, Vars};
use crate::shared::db::{Database, Db};
use crate::shared::token::Keys;

pub(crate) const NAME: &str = "user-service";

/// What user-service must be told.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) address: SocketAddr,
    pub(crate) database: Database,
    pub(crate) keys: Keys,
    pub(crate) token_life: Duration,
    pub(crate) bcrypt_cost: u32,
}

impl Config {
    pub(crate) fn read(mut vars: Vars) -> Result<Config, BadSettings> {
        let address = vars.address("PORT", 3001);
        let config = Config {
            address,
            database: vars.database("DATABASE_URL", "user"),
            keys: vars.keys(address.ip()),
            token_life: vars.token_life(),
            bcrypt_cost: vars.bcrypt_cost(),
        };
        vars.checked(config)
    }
}

/// The state of user-service.
#[derive(Clone)]
pub(crate) struct Users {
    pub(crate) db: Db,
    passwords: Passwords,
    keys: Keys,
    token_life: Duration,
}

impl Users {
    /// Opens the database and, when it is empty, seeds it.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Users> {
        let db = Db::open(&config.database, &store::SCHEMA).await?;
        seed::when_empty(&db, config.bcrypt_cost).await?;
        Ok(Users {
            db,
            passwords: Passwords::new(config.bcrypt_cost)?,
            keys: config.keys.clone(),
            token_life: config.token_life,
        })
    }
}

/// The routes below `/api`.
pub(crate) fn routes() -> OpenApiRouter<Users> {
    OpenApiRouter::new()
        .routes(routes!(handlers::login))
        .routes(routes!(handlers::register))
        .routes(routes!(handlers::verify))
        .routes(routes!(handlers::me))
        .routes(routes!(handlers::create_organization))
        .routes(routes!(handlers::organizations))
        .routes(routes!(
            handlers::organization,
            handlers::change_organization,
            handlers::delete_organization
        ))
        .routes(routes!(handlers::organization_by_slug))
        .routes(routes!(handlers::members))
        .routes(routes!(handlers::stats))
        .routes(routes!(handlers::users))
        .routes(routes!(handlers::user, handlers::change_user, handlers::delete_user))
}
