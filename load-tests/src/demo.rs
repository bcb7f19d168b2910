//! `--demo`: DynaClaimz started by the workload itself, on free ports, with its data in a temporary folder.

use dynaclaimz::{AllConfig, Running, start_all};
use swarmer::options::{Opt, Options};
use swarmer::stats::Summary;
use swarmer::{Environment, Narrator, SetupError};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// DynaClaimz around a run, if `--demo` asks for it.
pub fn environment() -> impl Environment {
    Demo { system: None }
}

struct Demo {
    system: Option<System>,
}

/// The running system, with what it lives on.
struct System {
    running: Running,
    runtime: Runtime,
    folder: TempDir,
    narrator: Narrator,
}

impl Environment for Demo {
    fn options(&self) -> Vec<Opt> {
        vec![
            Opt::flag("demo")
                .env("DEMO")
                .help("Start DynaClaimz in this process and work in it; takes the place of --host"),
            Opt::text("demo-database")
                .env("DEMO_DATABASE_URL")
                .value_name("URL")
                .help("PostgreSQL server for --demo: postgres://user:password@host:5432 (else SQLite files)"),
            Opt::text("fault")
                .env("DEMO_FAULT")
                .value_name("RULES")
                .help("Faults on purpose in --demo, such as \"claims: stall 2s every 20s\"; several with ;"),
            Opt::text("otlp-endpoint")
                .env("OTEL_EXPORTER_OTLP_ENDPOINT")
                .value_name("URL")
                .help("Where --demo's services send their traces, such as http://localhost:4318"),
        ]
    }

    fn start(&mut self, options: &mut Options) -> Result<(), SetupError> {
        if !options.custom.flag("demo") {
            return Ok(());
        }
        if let Some(host) = &options.host {
            return Err(SetupError::new(format!(
                "--demo brings its own target, and --host {host} names another"
            ))
            .hint("Leave one of the two out."));
        }
        let system = System::start(options).map_err(|error| {
            SetupError::new(format!("DynaClaimz does not start: {error:#}"))
                .hint("To see more, start it by itself: `dynaclaimz all`.")
        })?;
        options.host = Some(system.running.gateway_url.clone());
        self.system = Some(system);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) {
        if let Some(system) = self.system.take() {
            system.stop(summary);
        }
    }
}

impl System {
    fn start(options: &Options) -> anyhow::Result<Self> {
        let narrator = Narrator::new(options);
        narrator
            .say("Starting DynaClaimz: a gateway and four services, seeded with 30 organisations");
        let folder = tempfile::Builder::new().prefix("dynaclaimz-").tempdir()?;
        let mut config = AllConfig::demo(folder.path());
        if let Some(url) = options.custom.text("demo-database") {
            config = config.on_postgres(url)?;
        }
        if let Some(rules) = options.custom.text("fault") {
            config = config.with_faults(rules)?;
            narrator.say(&format!("Faults on purpose: {rules}"));
        }
        if let Some(endpoint) = options.custom.text("otlp-endpoint") {
            config = config.with_collector(endpoint)?;
        }
        // Threads of its own, so that the system under test and the load do not wait for each other's tasks.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("dynaclaimz")
            .build()?;
        let running = runtime.block_on(start_all(config))?;
        narrator.say(&format!("DynaClaimz is up at {}", running.gateway_url));
        Ok(Self { running, runtime, folder, narrator })
    }

    /// Stops everything; says how many requests the gateway counted.
    fn stop(self, summary: &Summary) {
        let Self { running, runtime, folder, narrator } = self;
        let counted = running.counters().snapshot().received_api;
        runtime.block_on(running.shutdown());
        drop(folder);
        let (sent, setup, cut) =
            (summary.total.figures.requests, summary.info.setup_requests, summary.aborted);
        narrator.say(&format!(
            "DynaClaimz's gateway counted {counted} API requests; the agents' statistics hold {sent}, set-up sent {setup}, \
             {cut} were cut off at the end"
        ));
    }
}
