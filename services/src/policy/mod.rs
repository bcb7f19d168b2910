//! policy-service: policies, and the claims filed on them.

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

pub(crate) const NAME: &str = "policy-service";

/// What policy-service must be told.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) address: SocketAddr,
    pub(crate) database: Database,
    pub(crate) user_service: Url,
    pub(crate) claims_service: Url,
    pub(crate) peer_timeout: Duration,
}

impl Config {
    pub(crate) fn read(mut vars: Vars) -> Result<Config, BadSettings> {
        let config = Config {
            address: vars.address("PORT", 3003),
            database: vars.database("DATABASE_URL", "policy"),
            user_service: vars.peer("USER_SERVICE_URL", 3001),
            claims_service: vars.peer("CLAIMS_SERVICE_URL", 3004),
            peer_timeout: vars.peer_timeout(),
        };
        vars.checked(config)
    }
}

/// The state of policy-service.
#[derive(Clone)]
pub(crate) struct Policies {
    pub(crate) db: Db,
    users: Users,
    claims: Peer,
}

impl FromRef<Policies> for Users {
    fn from_ref(service: &Policies) -> Users {
        service.users.clone()
    }
}

impl Policies {
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Policies> {
        Ok(Policies {
            db: Db::open(&config.database, &store::SCHEMA).await?,
            users: Users(Peer::new(&config.user_service, config.peer_timeout)),
            claims: Peer::new(&config.claims_service, config.peer_timeout),
        })
    }
}

/// The routes below `/api`.
pub(crate) fn routes() -> OpenApiRouter<Policies> {
    OpenApiRouter::new()
        .routes(routes!(handlers::list, handlers::create))
        .routes(routes!(handlers::mine))
        .routes(routes!(handlers::get, handlers::change, handlers::delete))
        .routes(routes!(handlers::history))
        .routes(routes!(handlers::file_claim))
}
