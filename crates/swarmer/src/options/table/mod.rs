//! The options every swarmer binary has.

mod cluster;
mod load;
mod output;
mod web;

use super::documents::Document;
use super::opt::{Kind, Opt, Place, group};

/// Most users one run can ask for: far beyond what one machine carries, well within every counter.
const MAX_USERS: u64 = 10_000_000;

/// The table. Each option stands here once; its typed value is a field of [`Options`](super::Options).
pub(super) fn builtin() -> Vec<Opt> {
    [
        common(),
        load::load(),
        web::web(),
        cluster::master(),
        cluster::worker(),
        cluster::both(),
        tags(),
        output::statistics(),
        output::logging(),
        engine(),
        other(),
    ]
    .concat()
}

fn common() -> Vec<Opt> {
    let group = |opt: Opt| opt.group(group::COMMON);
    [
        Opt::new("help", Kind::Help)
            .short('h')
            .placed(Place::CommandLine)
            .help("Show this help and exit; -h is the short form of it"),
        Opt::text("locustfile")
            .short('f')
            .env("LOCUST_LOCUSTFILE")
            .value_name("FILE")
            .help("Accepted for scripts written for Locust; has no effect")
            .instead("the user classes are compiled into this program; --list shows them"),
        Opt::path("config").placed(Place::CommandLine).value_name("FILE").help(
            "Read further options from this file (.toml, or lines of `key = value`)",
        ),
        Opt::new("host", Kind::BaseUrl)
            .short('H')
            .env("LOCUST_HOST")
            .value_name("URL")
            .help("Base URL of the system under test")
            .details("Example: --host https://staging.example.com"),
        Opt::whole("users", 0..=MAX_USERS)
            .short('u')
            .env("LOCUST_USERS")
            .value_name("N")
            .help("Peak number of concurrent users (1 if not given)"),
        Opt::positive("spawn-rate", 1_000_000.0)
            .short('r')
            .env("LOCUST_SPAWN_RATE")
            .value_name("RATE")
            .help("Users started per second (1 if not given)")
            .details(
                "Fractions are welcome: 0.5 starts one user every two seconds. Within a second users are spread evenly.",
            ),
        Opt::span("run-time")
            .short('t')
            .env("LOCUST_RUN_TIME")
            .value_name("SPAN")
            .help("Stop after this time, such as 300, 20s, 3m, 1h30m (for ever if not given)")
            .details("Counted from the start of the run, ramp-up included. 0 means no limit."),
        Opt::words("config-users")
            .env("LOCUST_CONFIG_USERS")
            .value_name("JSON")
            .help("Change user classes: JSON, or paths of .json files, naming a class in user_class_name")
            .details(
                "Example: --config-users '{\"user_class_name\": \"Buyer\", \"weight\": 3, \"tasks\": [\"browse\"]}'",
            ),
        Opt::flag("list").short('l').help("List the user classes and exit"),
    ]
    .map(group)
    .to_vec()
}

fn tags() -> Vec<Opt> {
    [
        Opt::words("tags")
            .short('T')
            .env("LOCUST_TAGS")
            .value_name("TAG")
            .help("Run only tasks that carry one of these tags")
            .details("Example: --tags read slow. Tasks without a tag are then left out."),
        Opt::words("exclude-tags")
            .short('E')
            .env("LOCUST_EXCLUDE_TAGS")
            .value_name("TAG")
            .help("Run only tasks that carry none of these tags")
            .details("Example: --exclude-tags destructive"),
    ]
    .map(|opt| opt.group(group::TAGS))
    .to_vec()
}

fn engine() -> Vec<Opt> {
    [
        Opt::whole("threads", 1..=1024)
            .env("SWARMER_THREADS")
            .value_name("N")
            .help("Driver threads (one per core if not given)"),
        Opt::whole("seed", 0..=u64::MAX)
            .env("SWARMER_SEED")
            .value_name("N")
            .help("Seed of every random decision (drawn and shown if not given)")
            .details("The same seed gives the same tasks, waits and data for each user."),
        Opt::whole("replay", 0..=u64::MAX)
            .placed(Place::CommandLine)
            .value_name("N")
            .help("Run user N of an earlier run alone, and print its requests and answers to standard output")
            .details(
                "Give the options of that run and its --seed; the user then makes the same decisions. Users count from 0; \
                 reports name the user of each slow or failed request. Ends as the user does, or by --run-time, \
                 --iterations or Ctrl-C. Nothing else is written; what looks like a secret is masked.",
            ),
        Opt::flag("replay-fast")
            .placed(Place::CommandLine)
            .help("Skip waits and think times in a replay; they are printed all the same"),
        Opt::flag("replay-secrets")
            .placed(Place::CommandLine)
            .help("Print passwords, tokens and cookies in a replay as they are"),
        Opt::positive("time-scale", 1000.0)
            .env("SWARMER_TIME_SCALE")
            .default(1)
            .value_name("FACTOR")
            .help("Multiply every wait and think time by this")
            .details(
                "Example: --time-scale 0.1 runs journeys ten times as fast, for demos and tests.",
            ),
        Opt::choice("http2", &["off", "own", "shared"])
            .env("SWARMER_HTTP2")
            .default("off")
            .value_name("MODE")
            .help("Speak HTTP/2: own connections for each user, or shared ones for each thread")
            .details(
                "Over TLS the server decides (ALPN); without TLS it is taken for granted that it speaks HTTP/2. off: HTTP/1.1, \
                 as Locust.",
            ),
        Opt::choice("tls-sessions", &["own", "shared", "off"])
            .env("SWARMER_TLS_SESSIONS")
            .default("own")
            .value_name("MODE")
            .help("TLS sessions a new connection may resume: the user's own, shared ones, or none (off)")
            .details("A resumed handshake costs the target a fraction of a full one."),
        Opt::span("park-idle")
            .env("SWARMER_PARK_IDLE")
            .value_name("SPAN")
            .help("Close a user's idle connections when it is to wait this long or longer (never if not given)")
            .details(
                "Saves memory here and on the target with very many users; the next request pays for a new connection.",
            ),
        Opt::flag("health-check")
            .placed(Place::CommandLine)
            .help("Ask whether the swarm on this machine is well, and exit: 0 if so, else 1")
            .details(
                "For containers: the options are those of process 1 if that is this program. A page is asked for /health, a \
                 worker is well while it has a connection to its master.",
            ),
        Opt::flag("insecure")
            .env("SWARMER_INSECURE")
            .help("Accept any TLS certificate; every report says so"),
    ]
    .map(|opt| opt.group(group::ENGINE).addition())
    .to_vec()
}

fn other() -> Vec<Opt> {
    [
        Opt::flag("show-task-ratio").help("Print how often each task runs, as two trees, and exit"),
        Opt::flag("show-task-ratio-json").help("Print how often each task runs, as JSON, and exit"),
        Opt::whole("exit-code-on-error", 0..=255)
            .env("LOCUST_EXIT_CODE_ON_ERROR")
            .default(1)
            .value_name("CODE")
            .help("Exit code when a request failed or a task raised an error"),
        Opt::span("stop-timeout")
            .short('s')
            .env("LOCUST_STOP_TIMEOUT")
            .default(0)
            .value_name("SPAN")
            .help("Time a user gets to finish its task when it is stopped")
            .details("0 stops users at once. Accepts the formats of --run-time."),
        Opt::flag("equal-weights")
            .help("Give each user class and each task the same weight")
            .details(
                "Class weights and task weights of the workload are ignored; fixed counts are not.",
            ),
        Opt::text("profile")
            .value_name("LABEL")
            .help("Label this run; the log and the summary document carry it")
            .details("Example: --profile release-2.1-candidate"),
        Opt::flag("otel")
            .env("LOCUST_ENABLE_OPENTELEMETRY")
            .help("Push metrics to an OpenTelemetry collector (http://localhost:4318 if OTEL_… variables say nothing)")
            .details(
                "Implied by OTEL_EXPORTER_OTLP_ENDPOINT. OTLP over HTTP; also heeded: OTEL_EXPORTER_OTLP_HEADERS, \
                 OTEL_METRIC_EXPORT_INTERVAL (60000 ms if not given), OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES. Every \
                 request carries a traceparent header, with or without this.",
            ),
        Opt::choice("generate", Document::NAMES)
            .placed(Place::CommandLine)
            .addition()
            .hidden()
            .value_name("WHAT")
            .help("Print a manual page, completions of a shell or a reference page, and exit"),
        Opt::new("version", Kind::Version)
            .short('V')
            .long_first()
            .placed(Place::CommandLine)
            .help("Show the version and exit"),
        Opt::words("UserClass")
            .placed(Place::Positional)
            .env("LOCUST_USER_CLASSES")
            .help("User classes to run (all if none is named)"),
    ]
    .map(|opt| opt.group(group::OTHER))
    .to_vec()
}
