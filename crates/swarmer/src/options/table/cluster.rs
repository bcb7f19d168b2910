//! Master and workers.

use crate::options::opt::{Opt, group};

/// About a hundred years, as for time spans.
const MAX_SECONDS: u64 = 100 * 365 * 24 * 3600;

/// The options of a master.
pub(super) fn master() -> Vec<Opt> {
    [
        Opt::flag("master")
            .env("LOCUST_MODE_MASTER")
            .help("Run as the master, to which workers connect"),
        Opt::text("master-bind-host")
            .env("LOCUST_MASTER_BIND_HOST")
            .default("*")
            .value_name("ADDRESS")
            .help("Address the master listens at (* for all)"),
        Opt::whole("master-bind-port", 0..=65_535)
            .env("LOCUST_MASTER_BIND_PORT")
            .default(5557)
            .value_name("PORT")
            .help("Port the master listens at"),
        Opt::whole("expect-workers", 1..=100_000)
            .env("LOCUST_EXPECT_WORKERS")
            .default(1)
            .value_name("N")
            .help("Start only when this many workers are ready"),
        Opt::whole("expect-workers-max-wait", 0..=MAX_SECONDS)
            .env("LOCUST_EXPECT_WORKERS_MAX_WAIT")
            .default(0)
            .value_name("SECONDS")
            .help("Give up when --expect-workers takes longer than this (0: never)"),
        Opt::flag("enable-rebalancing")
            .help("Spread the users anew when workers come or go (always done)"),
        Opt::path("journal")
            .env("SWARMER_JOURNAL")
            .value_name("FILE")
            .help("Keep what a master needs to go on with the run after a restart")
            .details(
                "A master that is started with the journal of a run that has not ended takes that run up: its figures, its \
                 number of users and its workers, which go on meanwhile.",
            ),
        Opt::flag("expect-slaves")
            .removed("The --expect-slaves parameter has been renamed --expect-workers"),
    ]
    .map(|opt| opt.group(group::MASTER))
    .to_vec()
}

/// The options of a worker.
pub(super) fn worker() -> Vec<Opt> {
    [
        Opt::flag("worker")
            .env("LOCUST_MODE_WORKER")
            .help("Run as a worker, which a master tells what to do"),
        Opt::integer("processes", i64::from(i32::MIN)..=1024)
            .env("LOCUST_PROCESSES")
            .value_name("N")
            .help("Driver threads, as --threads; -1 means one per core")
            .details(
                "Locust starts that many processes, because one process of it uses one core. This program needs only \
                 one; each driver thread does what a process did there.",
            ),
        Opt::flag("slave").removed("The --slave parameter has been renamed --worker"),
        Opt::text("master-host")
            .env("LOCUST_MASTER_NODE_HOST")
            .default("127.0.0.1")
            .value_name("HOST")
            .help("Host of the master a worker connects to"),
        Opt::whole("master-port", 1..=65_535)
            .env("LOCUST_MASTER_NODE_PORT")
            .default(5557)
            .value_name("PORT")
            .help("Port of the master a worker connects to"),
    ]
    .map(|opt| opt.group(group::WORKER))
    .to_vec()
}

/// The options of both.
pub(super) fn both() -> Vec<Opt> {
    [
        Opt::text("cluster-token")
            .env("SWARMER_CLUSTER_TOKEN")
            .secret()
            .value_name("TOKEN")
            .help("Take only peers that have this token too, and encrypt what is said (at least 16 characters)")
            .details("Locust's own masters and workers cannot take part then."),
        Opt::whole("master-timeout", 5..=MAX_SECONDS)
            .env("SWARMER_MASTER_TIMEOUT")
            .default(60)
            .value_name("SECONDS")
            .help("How long a worker goes on without hearing of its master"),
    ]
    .map(|opt| opt.group(group::WORKER))
    .to_vec()
}
