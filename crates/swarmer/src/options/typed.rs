//! The engine's options with their types.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::places::{ClusterOptions, WebOptions};
use super::value::Values;
use crate::logging::Level;

/// Every option of the engine, read and checked, and the workload's own in [`Self::custom`].
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct Options {
    /// Base URL of the system under test.
    pub host: Option<String>,
    /// Peak number of users; a run that starts by itself takes 1 if there is none.
    pub users: Option<u32>,
    /// Users started per second, finite and above 0; a run that starts by itself takes 1 if there is none.
    pub spawn_rate: Option<f64>,
    /// When to stop, counted from the start of the run; `None` means never.
    pub run_time: Option<Duration>,
    /// Users over time, as `2m:50, 1m:200@20`; not checked yet.
    pub stages: Option<String>,
    /// Journeys started per second or minute, as `100/s`; not checked yet.
    pub rate: Option<String>,
    /// Journeys over time, as `1m:10/s, 5m:100/s`; not checked yet.
    pub rate_stages: Option<String>,
    /// How journeys are spread over time: `constant` or `poisson`; `None` means `constant`.
    pub arrivals: Option<String>,
    /// Tasks after which the run ends, all users together.
    pub iterations: Option<u64>,
    /// Tasks after which a user stops.
    pub iterations_per_user: Option<u64>,
    /// Requests per second that are never exceeded, finite and above 0.
    pub max_rate: Option<f64>,
    /// The only hosts load may be sent to; empty means any. Not checked yet.
    pub allow_hosts: Vec<String>,
    /// Print users or rate over time as planned, and exit.
    pub plan: bool,
    /// Check only whether the run could start, and exit.
    pub check: bool,
    /// Ask whether a swarm on this machine is well, and exit.
    pub health_check: bool,
    /// Run only tasks with one of these tags; empty means all.
    pub tags: Vec<String>,
    /// Run no task with one of these tags.
    pub exclude_tags: Vec<String>,
    /// Give each class and each task the same weight.
    pub equal_weights: bool,
    /// Changes to user classes: JSON texts, or paths that end in `.json`; not read yet.
    pub config_users: Vec<String>,
    /// The run's label.
    pub profile: Option<String>,
    /// Start at once and without a web UI.
    pub headless: bool,
    /// Where and how the web UI is served.
    pub web: WebOptions,
    /// What concerns master and workers.
    pub cluster: ClusterOptions,
    /// Print tables while the test runs with a web UI.
    pub print_stats: bool,
    /// Print no table while the test runs.
    pub only_summary: bool,
    /// Fill the terminal with a live view while the test runs.
    pub tui: bool,
    /// What the names of the CSV files begin with; no files without it.
    pub csv: Option<PathBuf>,
    /// The HTML report's file; `{u}`, `{r}` and `{t}` in it not replaced yet.
    pub html: Option<PathBuf>,
    /// Print the final figures as JSON to stdout, in Locust's shape.
    pub json: bool,
    /// Where the final figures go in Locust's shape, `.json` to be added.
    pub json_file: Option<PathBuf>,
    /// Push metrics to an OpenTelemetry collector, also when no variable says where.
    pub otel: bool,
    /// Where traces are found, `{trace}` standing for the trace id.
    pub trace_url: Option<String>,
    /// Where the whole summary goes.
    pub summary_json: Option<PathBuf>,
    /// Keep every entry's history in the CSV files.
    pub csv_full_history: bool,
    /// Reset statistics once all users are started.
    pub reset_stats: bool,
    /// Take percentiles from Locust's coarse buckets.
    pub locust_percentiles: bool,
    /// Time a user gets to finish its task when it is stopped; zero stops it at once.
    pub stop_timeout: Duration,
    /// The least severe level logged.
    pub log_level: Level,
    /// Where the log goes instead of stderr.
    pub log_file: Option<PathBuf>,
    /// Exit code when a failure or an exception was recorded.
    pub exit_code_on_error: u8,
    /// Print the names of the user classes and exit.
    pub list: bool,
    /// Print how often each task runs, as two trees, and exit.
    pub show_task_ratio: bool,
    /// Print how often each task runs, as JSON, and exit.
    pub show_task_ratio_json: bool,
    /// The user classes to run, as named by the user and not checked yet; empty means all.
    pub user_classes: Vec<String>,
    /// Driver threads, from `--threads` or `--processes`; `None` means one per core.
    pub threads: Option<usize>,
    /// Seed of every random decision; `None` means that the engine draws one.
    pub seed: Option<u64>,
    /// Run the user of this number alone and print what it does.
    pub replay: Option<u64>,
    /// Skip the pauses of a replay.
    pub replay_fast: bool,
    /// Show secrets in the transcript of a replay.
    pub replay_secrets: bool,
    /// Factor on every wait and think time, finite and above 0.
    pub time_scale: f64,
    /// Whether HTTP/2 is spoken, and who shares connections: `off`, `own` or `shared`; `None` means `off`.
    pub http2: Option<String>,
    /// Which TLS sessions a new connection may resume: `own`, `shared` or `off`; `None` means `own`.
    pub tls_sessions: Option<String>,
    /// Close a user's idle connections when it is to wait this long or longer.
    pub park_idle: Option<Duration>,
    /// Accept any TLS certificate.
    pub insecure: bool,
    /// The options the workload added, by long name.
    pub custom: Values,
    /// The options that were given anywhere, by long name, as they were written; `…` for secret ones.
    pub given: BTreeMap<String, String>,
    /// What to tell the user about options that were given and have no effect, one sentence each.
    pub notices: Vec<String>,
}

impl Default for Options {
    /// What a command line without arguments gives.
    fn default() -> Self {
        Self {
            host: None,
            users: None,
            spawn_rate: None,
            run_time: None,
            stages: None,
            rate: None,
            rate_stages: None,
            arrivals: None,
            iterations: None,
            iterations_per_user: None,
            max_rate: None,
            allow_hosts: Vec::new(),
            plan: false,
            check: false,
            health_check: false,
            tags: Vec::new(),
            exclude_tags: Vec::new(),
            equal_weights: false,
            config_users: Vec::new(),
            profile: None,
            headless: false,
            web: WebOptions::default(),
            cluster: ClusterOptions::default(),
            print_stats: false,
            only_summary: false,
            tui: false,
            csv: None,
            html: None,
            json: false,
            json_file: None,
            otel: false,
            trace_url: None,
            summary_json: None,
            csv_full_history: false,
            reset_stats: false,
            locust_percentiles: false,
            stop_timeout: Duration::ZERO,
            log_level: Level::Info,
            log_file: None,
            exit_code_on_error: 1,
            list: false,
            show_task_ratio: false,
            show_task_ratio_json: false,
            user_classes: Vec::new(),
            threads: None,
            seed: None,
            replay: None,
            replay_fast: false,
            replay_secrets: false,
            time_scale: 1.0,
            http2: Some("off".to_owned()),
            tls_sessions: Some("own".to_owned()),
            park_idle: None,
            insecure: false,
            custom: Values::default(),
            given: BTreeMap::new(),
            notices: Vec::new(),
        }
    }
}

impl Options {
    /// Values as read by the table, whose ranges make every conversion here lossless.
    pub(super) fn from_values(values: &Values, custom: Values) -> Self {
        let default = Self::default();
        let text = |long| values.text(long).map(str::to_owned);
        Self {
            host: text("host"),
            users: values.whole("users").and_then(|users| users.try_into().ok()),
            spawn_rate: values.number("spawn-rate"),
            run_time: values.span("run-time").filter(|span| !span.is_zero()),
            stages: text("stages"),
            rate: text("rate"),
            rate_stages: text("rate-stages"),
            arrivals: text("arrivals"),
            iterations: values.whole("iterations"),
            iterations_per_user: values.whole("iterations-per-user"),
            max_rate: values.number("max-rate"),
            allow_hosts: values.words("allow-host").to_vec(),
            plan: values.flag("plan"),
            check: values.flag("check"),
            health_check: values.flag("health-check"),
            tags: values.words("tags").to_vec(),
            exclude_tags: values.words("exclude-tags").to_vec(),
            equal_weights: values.flag("equal-weights"),
            config_users: values.words("config-users").to_vec(),
            profile: text("profile"),
            headless: values.flag("headless") && !values.flag("headful"),
            web: WebOptions::from_values(values),
            cluster: ClusterOptions::from_values(values),
            print_stats: values.flag("print-stats"),
            only_summary: values.flag("only-summary"),
            tui: values.flag("tui"),
            csv: values.path("csv").map(Path::to_owned),
            html: values.path("html").map(Path::to_owned),
            json: values.flag("json"),
            json_file: values.path("json-file").map(Path::to_owned),
            otel: values.flag("otel"),
            trace_url: text("trace-url"),
            summary_json: values.path("summary-json").map(Path::to_owned),
            csv_full_history: values.flag("csv-full-history"),
            reset_stats: values.flag("reset-stats"),
            locust_percentiles: values.flag("locust-percentiles"),
            stop_timeout: values.span("stop-timeout").unwrap_or(default.stop_timeout),
            log_level: values
                .text("loglevel")
                .and_then(Level::from_name)
                .unwrap_or(default.log_level),
            log_file: values.path("logfile").map(Path::to_owned),
            exit_code_on_error: values
                .whole("exit-code-on-error")
                .and_then(|code| code.try_into().ok())
                .unwrap_or(default.exit_code_on_error),
            list: values.flag("list"),
            show_task_ratio: values.flag("show-task-ratio"),
            show_task_ratio_json: values.flag("show-task-ratio-json"),
            user_classes: values.words("UserClass").to_vec(),
            threads: threads(values),
            seed: values.whole("seed"),
            replay: values.whole("replay"),
            replay_fast: values.flag("replay-fast"),
            replay_secrets: values.flag("replay-secrets"),
            time_scale: values.number("time-scale").unwrap_or(default.time_scale),
            http2: text("http2"),
            tls_sessions: text("tls-sessions"),
            park_idle: values.span("park-idle"),
            insecure: values.flag("insecure"),
            custom,
            given: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// The names in [`Self::user_classes`] that are not among `known`, in the order given.
    pub fn unknown_user_classes<S: AsRef<str>>(&self, known: &[S]) -> Vec<&str> {
        let is_known = |name: &str| known.iter().any(|known| known.as_ref() == name);
        self.user_classes.iter().map(String::as_str).filter(|name| !is_known(name)).collect()
    }
}

/// The threads `--threads` or `--processes` asks for; as many as there are cores when neither does.
fn threads(values: &Values) -> Option<usize> {
    let threads = values.whole("threads").and_then(|threads| threads.try_into().ok());
    threads.or_else(|| {
        values.integer("processes").and_then(|n| n.try_into().ok()).filter(|&threads| threads > 0)
    })
}
