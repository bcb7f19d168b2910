//! The command line of `dynaclaimz`.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::all::{AllConfig, Databases, start_all};
use crate::gateway::Counters;
use crate::shared::config::Vars;
use crate::shared::instruments::Instruments;
use crate::shared::serve::{self, Server};
use crate::shared::{ids, logs};
use crate::{claims, edge, health, operations, policy, quotes, user};

/// DynaClaimz: a gateway and four services, the system under test.
#[derive(Parser)]
#[command(name = "dynaclaimz", version, after_long_help = SETTINGS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run gateway and all services in one process, with real HTTP between them
    All {
        /// Show it off: a random JWT secret, no rate limit, cheap passwords, and temporary data
        /// unless the environment says where to keep it
        #[arg(long)]
        demo: bool,
    },
    /// Run the gateway (port 3000)
    Gateway,
    /// Run user-service (port 3001): organizations, users, sign-in
    User,
    /// Run quotes-service (port 3005)
    Quotes,
    /// Run policy-service (port 3003)
    Policy,
    /// Run claims-service (port 3004)
    Claims,
    /// Create the databases and, if there are no organizations, 30 of them with their users
    Seed,
    /// Empty all databases and seed them anew, for instance between long test runs
    Reset {
        /// Needed when a database is not a local file
        #[arg(long)]
        yes: bool,
    },
    /// Check settings, databases and, where the URL of a service is set, that service's health; change nothing but missing
    /// tables
    Check,
    /// Ask the service on this machine's PORT whether it is up; for health checks of containers
    Health {
        /// Ask whether it can work, too: whether its database answers, or behind the gateway every service
        #[arg(long)]
        ready: bool,
    },
}

const SETTINGS: &str = "\
Settings are environment variables; all are checked before a port is taken.

  BIND_ADDRESS         address to listen on [127.0.0.1]
  PORT                 port of the gateway or of the single service
  USER_PORT, QUOTES_PORT, POLICY_PORT, CLAIMS_PORT
                       ports of the services behind `all` [3001, 3005, 3003, 3004]
  DATA_DIR             folder of the SQLite files [./data]
  DATABASE_URL         PostgreSQL instead of files: the service's database, or for `all`, `seed`,
                       `reset` and `check` the server, where user_db, quotes_db, policy_db and
                       claims_db are created when missing
  USER_DATABASE_URL, QUOTES_DATABASE_URL, POLICY_DATABASE_URL, CLAIMS_DATABASE_URL
                       single databases behind `all`
  JWT_SECRET           signs tokens; required by `all` (unless --demo), `user` and `quotes`
  JWT_EXPIRES_IN       life of a token [7d]
  BCRYPT_COST          work of a sign-in, 4 to 15 [10]
  USER_SERVICE_URL, QUOTES_SERVICE_URL, POLICY_SERVICE_URL, CLAIMS_SERVICE_URL
                       where a single service finds the others [http://127.0.0.1:<port>]
  PEER_TIMEOUT         how long a service waits for another, in ms [5000]
  PROXY_TIMEOUT        how long the gateway waits for a service, in ms [5000]
  RATE_LIMIT_WINDOW_MS, RATE_LIMIT_MAX_REQUESTS
                       requests of one client address in a window [900000, 100; 0 is no limit]
  ALLOWED_ORIGINS      web origins that may call with credentials [http://localhost:3000]
  MAX_BODY_BYTES       the longest request body that the gateway passes on [1048576]
  ACCESS_LOG           a log line for each request to the gateway [true]
  OTEL_EXPORTER_OTLP_ENDPOINT
                       trace collector (OTLP over http/protobuf), such as http://localhost:4318;
                       further OTEL_ variables as OpenTelemetry defines them [no traces]
  FAULTS, FAULTS_FILE  faults on purpose, such as `claims: stall 2s every 20s` [none]
  FAULTS_SEED          makes the chances of faults repeatable
  FAULT_ADMIN_TOKEN    switches PUT, GET and DELETE /admin/faults on, for those who send it as
                       x-fault-admin-token [off]
  RUST_LOG             which log lines [info]
  LOG_FORMAT           text or json [text]

Everyone who was seeded has the password `password123`.";

/// Runs the program with these arguments; the exit code is 0, 1 for a failure or 2 for a wrong call.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // When even that cannot be printed there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    logs::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(arguments.command.run()),
        Err(error) => Err(anyhow::Error::from(error).context("cannot start the runtime")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Command {
    async fn run(self) -> anyhow::Result<()> {
        let mut vars = Vars::from_env();
        match self {
            Command::All { demo } => all(vars, demo).await,
            Command::Gateway => gateway(vars).await,
            Command::User => {
                let instruments = Instruments::read(&mut vars);
                let config = user::Config::read(vars)?;
                let bound = serve::bind(config.address, "PORT").await?;
                let service = user::Users::open(&config).await?;
                let db = service.db.clone();
                let routes = user::routes();
                until_told(serve::start(bound, user::NAME, &db, routes, service, &instruments))
                    .await
            }
            Command::Quotes => {
                let instruments = Instruments::read(&mut vars);
                let config = quotes::Config::read(vars)?;
                let bound = serve::bind(config.address, "PORT").await?;
                let service = quotes::Quotes::open(&config).await?;
                let db = service.db.clone();
                let routes = quotes::routes();
                until_told(serve::start(bound, quotes::NAME, &db, routes, service, &instruments))
                    .await
            }
            Command::Policy => {
                let instruments = Instruments::read(&mut vars);
                let config = policy::Config::read(vars)?;
                let bound = serve::bind(config.address, "PORT").await?;
                let service = policy::Policies::open(&config).await?;
                let db = service.db.clone();
                let routes = policy::routes();
                until_told(serve::start(bound, policy::NAME, &db, routes, service, &instruments))
                    .await
            }
            Command::Claims => {
                let instruments = Instruments::read(&mut vars);
                let config = claims::Config::read(vars)?;
                let bound = serve::bind(config.address, "PORT").await?;
                let service = claims::Claims::open(&config).await?;
                let db = service.db.clone();
                let routes = claims::routes();
                until_told(serve::start(bound, claims::NAME, &db, routes, service, &instruments))
                    .await
            }
            Command::Seed => {
                let databases = Databases::read(&mut vars);
                let cost = vars.bcrypt_cost();
                vars.checked(())?;
                say(&operations::seed(&databases, cost).await?)
            }
            Command::Reset { yes } => {
                let databases = Databases::read(&mut vars);
                let cost = vars.bcrypt_cost();
                vars.checked(())?;
                if !yes && let Some(place) = databases.remote() {
                    anyhow::bail!("{place} is not a local file: add --yes to empty it");
                }
                say(&operations::reset(&databases, cost).await?)
            }
            Command::Health { ready } => {
                let address = vars.address("PORT", 3000);
                vars.checked(())?;
                say(&health::ask(address, ready).await?)
            }
            Command::Check => {
                let peers = vars.peers_set();
                let config = AllConfig::read(vars, false)?;
                let report = operations::check(config.databases(), &peers).await;
                say(report.as_deref().unwrap_or_else(|report| report))?;
                report.map(drop).map_err(|_| anyhow::anyhow!("not everything is well"))
            }
        }
    }
}

/// Runs the gateway alone until told to stop.
async fn gateway(mut vars: Vars) -> anyhow::Result<()> {
    let address = vars.address("PORT", 3000);
    let instruments = Instruments::read(&mut vars);
    let config = edge::read(&mut vars);
    let config = vars.checked(config)?;
    let bound = serve::bind(address, "PORT").await?;
    until_told(edge::start(bound, &config, &instruments, &Counters::default())).await
}

/// Runs everything until told to stop.
async fn all(mut vars: Vars, demo: bool) -> anyhow::Result<()> {
    let temporary =
        (demo && vars.text("DATA_DIR").is_none() && vars.text("DATABASE_URL").is_none())
            .then(|| std::env::temp_dir().join(format!("dynaclaimz-{}", ids::new_id())));
    if let Some(folder) = &temporary {
        vars.set("DATA_DIR", &folder.to_string_lossy());
    }
    let config = AllConfig::read(vars, demo)?;
    let running = start_all(config).await?;
    tracing::info!("DynaClaimz is ready at {}", running.gateway_url);
    let told = serve::told_to_stop().await;
    running.shutdown().await;
    if let Some(folder) = temporary {
        remove(&folder);
    }
    told
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::warn!("temporary folder {} was left behind: {error}", folder.display());
    }
}

async fn until_told(server: Server) -> anyhow::Result<()> {
    let told = serve::told_to_stop().await;
    server.stop().await;
    told
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}
