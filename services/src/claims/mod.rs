//! claims-service: claims on policies, and how they are decided.

mod handlers;
mod rules;
pub(crate) mod store;
pub(crate) mod types;

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::FromRef;
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::shared::config::{BadSettings, Vars};
use crate::shared::db::{Database, Db};
use crate::shared::identity::Users;
use crate::shared::peer::Peer;

pub(crate) const NAME: &str = "claims-service";

/// What claims-service must be told.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) address: SocketAddr,
    pub(crate) database: Database,
    pub(crate) user_service: Url,
    pub(crate) policy_service: Url,
    pub(crate) peer_timeout: Duration,
}

impl Config {
    pub(crate) fn read(mut vars: Vars) -> Result<Config, BadSettings> {
        let config = Config {
            address: vars.address("PORT", 3004),
            database: vars.database("DATABASE_URL", "claims"),
            user_service: vars.peer("USER_SERVICE_URL", 3001),
            policy_service: vars.peer("POLICY_SERVICE_URL", 3003),
            peer_timeout: vars.peer_timeout(),
        };
        vars.checked(config)
    }
}

/// The state of claims-service.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) db: Db,
    users: Users,
    policies: Peer,
}

impl FromRef<Claims> for Users {
    fn from_ref(service: &Claims) -> Users {
        service.users.clone()
    }
}

impl Claims {
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Claims> {
        Ok(Claims {
            db: Db::open(&config.database, &store::SCHEMA).await?,
            users: Users(Peer::new(&config.user_service, config.peer_timeout)),
            policies: Peer::new(&config.policy_service, config.peer_timeout),
        })
    }
}

/// The routes below `/api`.
pub(crate) fn routes() -> OpenApiRouter<Claims> {
    OpenApiRouter::new()
        .routes(routes!(handlers::list, handlers::create))
        .routes(routes!(handlers::mine))
        .routes(routes!(handlers::get, handlers::delete))
        .routes(routes!(handlers::history))
        .routes(routes!(handlers::change_status))
        .routes(routes!(handlers::approve))
        .routes(routes!(handlers::deny))
}
