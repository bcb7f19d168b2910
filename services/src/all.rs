//! Gateway and four services in one process: real HTTP between them, a database each.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use url::Url;

use crate::faults;
use crate::gateway::{Counters, GatewayConfig, Upstream};
use crate::shared::config::{BadSettings, Vars, postgres_url, service_url};
use crate::shared::db::{Database, Db};
use crate::shared::instruments::Instruments;
use crate::shared::serve::{self, Bound, Server};
use crate::shared::token::Keys;
use crate::telemetry::ExportConfig;
use crate::{claims, edge, policy, quotes, user};

/// bcrypt's lowest cost: demonstrations sign in all the time.
const DEMO_BCRYPT_COST: u32 = 4;

/// Where the four services keep their data.
#[derive(Clone, Debug)]
pub(crate) struct Databases {
    pub(crate) user: Database,
    pub(crate) quotes: Database,
    pub(crate) policy: Database,
    pub(crate) claims: Database,
}

impl Databases {
    /// Files in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Databases {
        let file = |name: &str| Database::Sqlite(folder.join(format!("{name}.db")));
        Databases {
            user: file("user"),
            quotes: file("quotes"),
            policy: file("policy"),
            claims: file("claims"),
        }
    }

    /// The databases `user_db`, `quotes_db`, `policy_db` and `claims_db` of a PostgreSQL server.
    fn on_server(server: &Url) -> Databases {
        let database = |name: &str| {
            let mut url = server.clone();
            url.set_path(name);
            Database::Postgres(url)
        };
        Databases {
            user: database("user_db"),
            quotes: database("quotes_db"),
            policy: database("policy_db"),
            claims: database("claims_db"),
        }
    }

    /// One that is not a local file, if there is any.
    pub(crate) fn remote(&self) -> Option<String> {
        [&self.user, &self.quotes, &self.policy, &self.claims]
            .into_iter()
            .find(|database| matches!(database, Database::Postgres(_)))
            .map(Database::place)
    }

    /// `DATABASE_URL` is the server of all four, `USER_DATABASE_URL` and so on are single databases.
    pub(crate) fn read(vars: &mut Vars) -> Databases {
        let files = Databases::in_folder(&vars.data_dir());
        let allowed = "a URL such as postgres://user:password@host:5432";
        let all = vars.read("DATABASE_URL", files, allowed, |text| {
            postgres_url(text).map(|server| Databases::on_server(&server))
        });
        let mut one = |variable: &str, common: Database| {
            let allowed = "a URL such as postgres://user:password@host:5432/database";
            vars.read(variable, common, allowed, |text| postgres_url(text).map(Database::Postgres))
        };
        Databases {
            user: one("USER_DATABASE_URL", all.user),
            quotes: one("QUOTES_DATABASE_URL", all.quotes),
            policy: one("POLICY_DATABASE_URL", all.policy),
            claims: one("CLAIMS_DATABASE_URL", all.claims),
        }
    }
}

/// What [`start_all`] must be told.
#[derive(Clone)]
pub struct AllConfig {
    gateway: SocketAddr,
    user: SocketAddr,
    quotes: SocketAddr,
    policy: SocketAddr,
    claims: SocketAddr,
    databases: Databases,
    keys: Keys,
    token_life: Duration,
    bcrypt_cost: u32,
    peer_timeout: Duration,
    edge: GatewayConfig,
    instruments: Instruments,
}

impl AllConfig {
    /// For demonstrations and tests: free ports of this machine, SQLite files in `folder`, a random secret,
    /// no rate limit, and passwords that cost little to check.
    pub fn demo(folder: &Path) -> AllConfig {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        AllConfig {
            gateway: free,
            user: free,
            quotes: free,
            policy: free,
            claims: free,
            databases: Databases::in_folder(folder),
            keys: Keys::new(&rand::random::<u128>().to_string()),
            token_life: Duration::from_hours(7 * 24),
            bcrypt_cost: DEMO_BCRYPT_COST,
            peer_timeout: Duration::from_secs(5),
            edge: edge::for_demo(),
            instruments: Instruments::none(),
        }
    }

    /// The same with faults on purpose, such as `claims: stall 2s every 20s`.
    ///
    /// # Errors
    /// When the rules cannot be read; the text says what is wrong.
    pub fn with_faults(self, rules: &str) -> anyhow::Result<AllConfig> {
        self.instruments.faults.set(faults::parse(rules)?);
        Ok(self)
    }

    /// The same with traces sent to this collector, such as `http://localhost:4318`.
    ///
    /// # Errors
    /// When it is not an `http://` address.
    pub fn with_collector(mut self, endpoint: &str) -> anyhow::Result<AllConfig> {
        self.instruments.export = Some(ExportConfig::to(endpoint)?);
        Ok(self)
    }

    /// The same on a PostgreSQL server: the databases `user_db`, `quotes_db`, `policy_db` and `claims_db`
    /// are created there when missing.
    ///
    /// # Errors
    /// When `server` is not a URL such as `postgres://user:password@host:5432`.
    pub fn on_postgres(self, server: &str) -> anyhow::Result<AllConfig> {
        let url = postgres_url(server).ok_or_else(|| {
            anyhow::anyhow!("`{server}` is not a URL such as postgres://user:password@host:5432")
        })?;
        Ok(AllConfig { databases: Databases::on_server(&url), ..self })
    }

    /// From the environment. In a demo the secret, the rate limit and bcrypt's cost are as in
    /// [`AllConfig::demo`].
    pub(crate) fn read(mut vars: Vars, demo: bool) -> Result<AllConfig, BadSettings> {
        let gateway = vars.address("PORT", 3000);
        let bind = gateway.ip();
        let shown = AllConfig::demo(Path::new("."));
        let instruments = Instruments::read(&mut vars);
        if demo {
            edge::set_demo_defaults(&mut vars);
        }
        let edge = edge::read(&mut vars);
        let config = AllConfig {
            gateway,
            user: vars.address("USER_PORT", 3001),
            quotes: vars.address("QUOTES_PORT", 3005),
            policy: vars.address("POLICY_PORT", 3003),
            claims: vars.address("CLAIMS_PORT", 3004),
            databases: Databases::read(&mut vars),
            keys: if demo { shown.keys } else { vars.keys(bind) },
            token_life: vars.token_life(),
            bcrypt_cost: if demo { DEMO_BCRYPT_COST } else { vars.bcrypt_cost() },
            peer_timeout: vars.peer_timeout(),
            edge,
            instruments,
        };
        vars.checked(config)
    }

    pub(crate) fn databases(&self) -> &Databases {
        &self.databases
    }

    fn services(
        &self,
        at: &Addresses,
    ) -> (user::Config, quotes::Config, policy::Config, claims::Config) {
        let user_service = service_url(at.user);
        let peer_timeout = self.peer_timeout;
        (
            user::Config {
                address: at.user,
                database: self.databases.user.clone(),
                keys: self.keys.clone(),
                token_life: self.token_life,
                bcrypt_cost: self.bcrypt_cost,
            },
            quotes::Config {
                address: at.quotes,
                database: self.databases.quotes.clone(),
                user_service: user_service.clone(),
                policy_service: service_url(at.policy),
                peer_timeout,
                keys: self.keys.clone(),
            },
            policy::Config {
                address: at.policy,
                database: self.databases.policy.clone(),
                user_service: user_service.clone(),
                claims_service: service_url(at.claims),
                peer_timeout,
            },
            claims::Config {
                address: at.claims,
                database: self.databases.claims.clone(),
                user_service,
                policy_service: service_url(at.policy),
                peer_timeout,
            },
        )
    }
}

/// Where everything listens; an unspecified address (0.0.0.0) is called by its loopback.
struct Addresses {
    gateway: SocketAddr,
    user: SocketAddr,
    quotes: SocketAddr,
    policy: SocketAddr,
    claims: SocketAddr,
}

impl Addresses {
    fn of(bound: [&Bound; 5]) -> Addresses {
        let [gateway, user, quotes, policy, claims] = bound.map(|bound| {
            let mut address = bound.address;
            if address.ip().is_unspecified() {
                address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
            }
            address
        });
        Addresses { gateway, user, quotes, policy, claims }
    }

    /// The gateway's settings with the services at these addresses.
    fn behind(&self, mut edge: GatewayConfig) -> GatewayConfig {
        let at = |name, address: SocketAddr| Upstream::new(name, service_url(address).as_str());
        for (upstream, found) in [
            (&mut edge.upstreams.user, at(user::NAME, self.user)),
            (&mut edge.upstreams.quotes, at(quotes::NAME, self.quotes)),
            (&mut edge.upstreams.policy, at(policy::NAME, self.policy)),
            (&mut edge.upstreams.claims, at(claims::NAME, self.claims)),
        ] {
            *upstream = found.expect("an address makes an upstream");
        }
        edge
    }
}

/// Gateway and services at work.
pub struct Running {
    /// Where clients go: `http://address:port`, without a slash at the end.
    pub gateway_url: String,
    /// The services behind it by name, for tests that ask them directly.
    pub service_urls: [(&'static str, String); 4],
    counters: Counters,
    servers: [Server; 5],
    databases: [Db; 4],
}

impl Running {
    /// The gateway's own count of requests, to hold a load engine's figures against.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Stops from the outside in: the gateway first, user-service, which all others ask, last. Each takes no
    /// new connection and finishes its requests in flight.
    pub async fn shutdown(self) {
        for server in self.servers {
            server.stop().await;
        }
        for database in self.databases {
            database.close().await;
        }
    }
}

/// Starts gateway and services: migrates and seeds their databases, and returns once all are served.
///
/// # Errors
/// When a port is taken or a database cannot be opened; the text names which.
pub async fn start_all(config: AllConfig) -> anyhow::Result<Running> {
    // All ports first: a service's address is part of the others' configuration.
    let gateway_port = serve::bind(config.gateway, "PORT").await?;
    let user_port = serve::bind(config.user, "USER_PORT").await?;
    let quotes_port = serve::bind(config.quotes, "QUOTES_PORT").await?;
    let policy_port = serve::bind(config.policy, "POLICY_PORT").await?;
    let claims_port = serve::bind(config.claims, "CLAIMS_PORT").await?;
    let at = Addresses::of([&gateway_port, &user_port, &quotes_port, &policy_port, &claims_port]);
    let (user_config, quotes_config, policy_config, claims_config) = config.services(&at);

    let instruments = &config.instruments;
    // Each starts after those that it asks at its own start.
    let users = user::Users::open(&user_config).await?;
    let user_server =
        serve::start(user_port, user::NAME, &users.db, user::routes(), users.clone(), instruments);
    let policies = policy::Policies::open(&policy_config).await?;
    let policy_server = serve::start(
        policy_port,
        policy::NAME,
        &policies.db,
        policy::routes(),
        policies.clone(),
        instruments,
    );
    let claims = claims::Claims::open(&claims_config).await?;
    let claims_server = serve::start(
        claims_port,
        claims::NAME,
        &claims.db,
        claims::routes(),
        claims.clone(),
        instruments,
    );
    let quotes = quotes::Quotes::open(&quotes_config).await?;
    let quotes_server = serve::start(
        quotes_port,
        quotes::NAME,
        &quotes.db,
        quotes::routes(),
        quotes.clone(),
        instruments,
    );

    let counters = Counters::default();
    let gateway_server = edge::start(gateway_port, &at.behind(config.edge), instruments, &counters);
    let url = |address: SocketAddr| format!("http://{address}");
    Ok(Running {
        gateway_url: url(at.gateway),
        service_urls: [
            ("user", url(at.user)),
            ("quotes", url(at.quotes)),
            ("policy", url(at.policy)),
            ("claims", url(at.claims)),
        ],
        servers: [gateway_server, quotes_server, claims_server, policy_server, user_server],
        counters,
        databases: [quotes.db, claims.db, policies.db, users.db],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars() -> Vars {
        Vars::from_pairs([("JWT_SECRET".to_owned(), "x".to_owned())])
    }

    #[test]
    fn ports_and_names_are_the_contracts() {
        let all = AllConfig::read(vars(), false).unwrap();
        let together = [all.gateway, all.user, all.policy, all.claims, all.quotes];
        assert_eq!(together.map(|address| address.port()), [3000, 3001, 3003, 3004, 3005]);
        let user = user::Config::read(vars()).unwrap();
        let policy = policy::Config::read(vars()).unwrap();
        let claims = claims::Config::read(vars()).unwrap();
        let quotes = quotes::Config::read(vars()).unwrap();
        let alone = [user.address, policy.address, claims.address, quotes.address];
        assert_eq!(alone.map(|address| address.port()), [3001, 3003, 3004, 3005]);
        let peers = [&policy.user_service, &policy.claims_service, &claims.policy_service];
        assert_eq!(peers.map(|url| url.port().unwrap()), [3001, 3004, 3003]);

        let server = Url::parse("postgres://server").unwrap();
        let databases = Databases::on_server(&server);
        let names = [&databases.user, &databases.quotes, &databases.policy, &databases.claims];
        let names = names.map(|database| database.place().rsplit('/').next().unwrap().to_owned());
        assert_eq!(names, ["user_db", "quotes_db", "policy_db", "claims_db"]);
    }
}
