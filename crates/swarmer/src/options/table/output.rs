//! What is measured, shown, written and logged.

use crate::options::opt::{Kind, Opt, group};

/// Words of `--loglevel`.
const LEVELS: &[&str] = &["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// Options of what is measured and written.
pub(super) fn statistics() -> Vec<Opt> {
    [
        Opt::path("csv")
            .env("LOCUST_CSV")
            .value_name("PREFIX")
            .help("Write statistics to CSV files whose names begin with this")
            .details(
                "Example: --csv results/night writes results/night_stats.csv, results/night_stats_history.csv, \
                 results/night_failures.csv and results/night_exceptions.csv.",
            ),
        Opt::flag("csv-full-history")
            .env("LOCUST_CSV_FULL_HISTORY")
            .help("Keep each entry's history in the CSV, not only the total's (needs --csv)"),
        Opt::flag("print-stats")
            .env("LOCUST_PRINT_STATS")
            .help("Print tables while the test runs with a web UI; without one they are printed anyway"),
        Opt::flag("only-summary")
            .env("LOCUST_ONLY_SUMMARY")
            .help("Print no table while the test runs, only the summary"),
        Opt::flag("tui")
            .env("SWARMER_TUI")
            .addition()
            .help("Fill the terminal with charts, a latency heat map and tables while the test runs")
            .details(
                "Keys: w W s S change the number of users, q stops the run, ? shows all keys. The usual tables follow \
                 at the end. Needs a terminal.",
            ),
        Opt::flag("reset-stats")
            .env("LOCUST_RESET_STATS")
            .help("Reset statistics once all users are started"),
        Opt::path("html")
            .env("LOCUST_HTML")
            .value_name("FILE")
            .help("Write a report in HTML at the end; {u}, {r} and {t} in its name are replaced"),
        Opt::flag("json").help("Print the final figures as JSON to stdout, in Locust's shape").details(
            "Nothing else goes to stdout. Example: --json --only-summary 2>run.log | jq '.[].num_requests'",
        ),
        Opt::path("json-file")
            .value_name("FILE")
            .help("Write the final figures as JSON to FILE.json, in Locust's shape, instead of printing tables")
            .details("Example: --json-file out/night writes out/night.json. Folders are made as needed."),
        Opt::path("summary-json")
            .env("SWARMER_SUMMARY_JSON")
            .value_name("FILE")
            .addition()
            .help("Write everything known of the run to FILE as one JSON document, at its end")
            .details(
                "Its shape is versioned and described by schema/summary.schema.json. Example: --summary-json out/night.json",
            ),
        Opt::new("trace-url", Kind::TraceUrl)
            .env("SWARMER_TRACE_URL")
            .value_name("URL")
            .addition()
            .help("Link slow and failed requests to their traces; {trace} stands for the trace id")
            .details("Example: --trace-url 'http://localhost:16686/trace/{trace}' for Jaeger."),
        Opt::flag("locust-percentiles")
            .env("SWARMER_LOCUST_PERCENTILES")
            .addition()
            .help("Round response times to Locust's coarse buckets, to compare with its old runs")
            .details(
                "Percentiles then carry Locust's error of up to 5 % (nothing below 1 ms, two digits above 100 ms); \
                 every report says so.",
            ),
    ]
    .map(|opt| opt.group(group::STATISTICS))
    .to_vec()
}

/// Options of the log.
pub(super) fn logging() -> Vec<Opt> {
    [
        Opt::flag("skip-log-setup")
            .env("LOCUST_SKIP_LOG_SETUP")
            .help("Accepted for scripts written for Locust; has no effect")
            .instead("this program always sets up its own log; use --loglevel, --logfile and --only-summary"),
        Opt::choice("loglevel", LEVELS)
            .short('L')
            .long_first()
            .env("LOCUST_LOGLEVEL")
            .default("INFO")
            .value_name("LEVEL")
            .help("Least severe level logged: DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        Opt::path("logfile")
            .env("LOCUST_LOGFILE")
            .value_name("FILE")
            .help("Log to this file instead of stderr (appends; tables stay on stderr)"),
    ]
    .map(|opt| opt.group(group::LOGGING))
    .to_vec()
}
