//! quotes-service: what cover costs, quotes, and their conversion to policies.

mod attempts;
mod conversion;
mod handlers;
mod rules;
pub(crate) mod store;
mod types;

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
use crate::shared::token::Keys;

pub(crate) const NAME: &str = "quotes-service";

/// What quotes-service must be told.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) address: SocketAddr,
    pub(crate) database: Database,
    pub(crate) user_service: Url,
    pub(crate) policy_service: Url,
    pub(crate) peer_timeout: Duration,
    /// To complete an interrupted conversion in the name of the user who began it.
    pub(crate) keys: Keys,
}

impl Config {
    pub(crate) fn read(mut vars: Vars) -> Result<Config, BadSettings> {
        let address = vars.address("PORT", 3005);
        let config = Config {
            address,
            database: vars.database("DATABASE_URL", "quotes"),
            user_service: vars.peer("USER_SERVICE_URL", 3001),
            policy_service: vars.peer("POLICY_SERVICE_URL", 3003),
            peer_timeout: vars.peer_timeout(),
            keys: vars.keys(address.ip()),
        };
        vars.checked(config)
    }
}

/// The state of quotes-service.
#[derive(Clone)]
pub(crate) struct Quotes {
    pub(crate) db: Db,
    users: Users,
    policies: Peer,
    peer_timeout: Duration,
    keys: Keys,
}

impl FromRef<Quotes> for Users {
    fn from_ref(service: &Quotes) -> Users {
        service.users.clone()
    }
}

impl Quotes {
    /// Opens the database and completes the conversions that an earlier life left open.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Quotes> {
        let service = Quotes {
            db: Db::open(&config.database, &store::SCHEMA).await?,
            users: Users(Peer::new(&config.user_service, config.peer_timeout)),
            policies: Peer::new(&config.policy_service, config.peer_timeout),
            peer_timeout: config.peer_timeout,
            keys: config.keys.clone(),
        };
        if let Err(failure) = conversion::settle_at_start(&service).await {
            tracing::warn!("conversions could not be settled: {failure:?}");
        }
        tokio::spawn(conversion::settler(service.clone()));
        Ok(service)
    }
}

/// The routes below `/api`.
pub(crate) fn routes() -> OpenApiRouter<Quotes> {
    OpenApiRouter::new()
        .routes(routes!(handlers::list, handlers::create))
        .routes(routes!(handlers::calculate))
        .routes(routes!(handlers::mine))
        .routes(routes!(handlers::expire_overdue))
        .routes(routes!(handlers::get, handlers::delete))
        .routes(routes!(handlers::history))
        .routes(routes!(handlers::change_status))
        .routes(routes!(handlers::convert))
}
