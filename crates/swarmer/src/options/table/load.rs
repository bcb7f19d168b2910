//! Load models: how many users or journeys when, and where it ends.

use crate::options::opt::{Opt, group};

/// More journeys a second than any machine starts.
const MAX_RATE: f64 = 10_000_000.0;

/// The options of how many users or journeys there are when.
pub(super) fn load() -> Vec<Opt> {
    [
        Opt::text("stages")
            .env("SWARMER_STAGES")
            .value_name("STAGES")
            .help("Go through these numbers of users, as SPAN:USERS or SPAN:USERS@SPAWN_RATE, by comma")
            .details(
                "Example: --stages \"2m:50, 5m:50, 1m:200@20\". A configuration file in TOML may hold an array \
                 [[stages]] instead, with duration, users and spawn-rate in each.",
            ),
        Opt::text("rate")
            .env("SWARMER_RATE")
            .value_name("RATE")
            .help("Start journeys at this rate, however slow the target is (open model)")
            .details(
                "Examples: --rate 100/s, --rate 30/m. --users is then the most users that may be busy at once; what \
                 cannot start because all are busy is counted as dropped.",
            ),
        Opt::text("rate-stages")
            .env("SWARMER_RATE_STAGES")
            .value_name("STAGES")
            .help("Go through these rates of journeys, as SPAN:RATE, by comma (open model)")
            .details(
                "Example: --rate-stages \"1m:10/s, 5m:100/s\". A configuration file in TOML may hold an array \
                 [[rate-stages]] instead, with duration and rate in each.",
            ),
        Opt::choice("arrivals", &["constant", "poisson"])
            .env("SWARMER_ARRIVALS")
            .value_name("KIND")
            .help("How starts are spread over time with --rate: constant (evenly) or poisson (at random)")
            .details("Example: --rate 100/s --arrivals poisson. Evenly if not given."),
        Opt::whole("iterations", 1..=u64::MAX)
            .env("SWARMER_ITERATIONS")
            .value_name("N")
            .help("Stop after this many tasks of all users together")
            .details(
                "Example: --users 10 --iterations 1000 runs 1000 tasks in all, whoever gets to them. On a master: of all \
                 workers together.",
            ),
        Opt::whole("iterations-per-user", 1..=u64::MAX)
            .env("SWARMER_ITERATIONS_PER_USER")
            .value_name("N")
            .help("Stop each user after this many tasks of its own")
            .details("Example: --users 10 --iterations-per-user 5 runs 50 tasks."),
        Opt::positive("max-rate", MAX_RATE)
            .env("SWARMER_MAX_RATE")
            .value_name("RATE")
            .help("Never send more requests per second than this, whatever users would do")
            .details(
                "Example: --max-rate 500 protects a shared staging system from a wrong --users. On a master it holds for \
                 all workers together (not for Locust's), on a worker for itself.",
            ),
        Opt::list("allow-host")
            .env("SWARMER_ALLOW_HOST")
            .value_name("HOST")
            .help("Send load to these hosts only; anything else ends the run before it starts")
            .details(
                "Example: --allow-host \"staging.example.com, *.test.example.com\"; may be given more than once.",
            ),
        Opt::flag("plan").help("Print the number of users or the rate over time as planned, and exit").details(
            "Example: --stages \"2m:50, 5m:50\" --plan.",
        ),
        Opt::flag("check")
            .help("Check only whether the run could start (target, limits, ports, memory), and exit"),
    ]
    .map(|opt| opt.group(group::LOAD).addition())
    .to_vec()
}
