//! Typed options of the web UI, of master and workers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::value::Values;

/// A text that is not shown where options are.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Where and how the web UI is served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct WebOptions {
    /// Address; `None` means all.
    pub host: Option<String>,
    /// What the log calls the address when it is not given.
    pub host_display_name: Option<String>,
    /// Port; 0 takes any that is free.
    pub port: u16,
    /// Path below which it is served: empty, or beginning with a slash.
    pub base_path: String,
    /// Start at once, and keep the web UI.
    pub autostart: bool,
    /// Quit this long after the run has ended; `None` means never.
    pub autoquit: Option<Duration>,
    /// Ask for a login, also when only `users` or `token` are given.
    pub login: bool,
    /// File of users who may sign in.
    pub users: Option<PathBuf>,
    /// What programs show to be let in.
    pub token: Option<Secret>,
    /// Certificate in PEM.
    pub tls_cert: Option<PathBuf>,
    /// Private key in PEM.
    pub tls_key: Option<PathBuf>,
    /// Let people choose user classes.
    pub class_picker: bool,
    /// Let GET stop runs and reset figures, as old clients of Locust do.
    pub allow_get: bool,
    /// The one foreign origin whose pages may use the interface; `*` means any.
    pub cors: Option<String>,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            host: None,
            host_display_name: None,
            port: 8089,
            base_path: String::new(),
            autostart: false,
            autoquit: None,
            login: false,
            users: None,
            token: None,
            tls_cert: None,
            tls_key: None,
            class_picker: false,
            allow_get: false,
            cors: None,
        }
    }
}

impl WebOptions {
    pub(super) fn from_values(values: &Values) -> Self {
        let default = Self::default();
        let text = |long| values.text(long).filter(|text| !text.is_empty()).map(str::to_owned);
        let path = |long| text(long).map(PathBuf::from);
        Self {
            host: text("web-host").filter(|host| host != "*"),
            host_display_name: text("web-host-display-name"),
            port: port(values, "web-port", default.port),
            base_path: text("web-base-path").unwrap_or_default(),
            autostart: values.flag("autostart"),
            autoquit: values
                .integer("autoquit")
                .and_then(|seconds| seconds.try_into().ok())
                .map(Duration::from_secs),
            login: values.flag("web-login"),
            users: path("web-users"),
            token: text("web-token").map(Secret),
            tls_cert: path("tls-cert"),
            tls_key: path("tls-key"),
            class_picker: values.flag("class-picker"),
            allow_get: values.flag("web-allow-get"),
            cors: text("web-cors"),
        }
    }
}

/// What concerns master and workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Run as the master.
    pub master: bool,
    /// Address the master listens at; `None` means all.
    pub bind_host: Option<String>,
    /// Port the master listens at.
    pub bind_port: u16,
    /// Start only when this many workers are ready.
    pub expect_workers: u32,
    /// Give up when that takes longer; `None` means never.
    pub expect_workers_max_wait: Option<Duration>,
    /// Spread the users anew when workers come or go.
    pub enable_rebalancing: bool,
    /// Run as a worker.
    pub worker: bool,
    /// Host of the master.
    pub master_host: String,
    /// Port of the master.
    pub master_port: u16,
    /// Only peers with this token take part.
    pub token: Option<String>,
    /// A worker goes on for so long without hearing of its master.
    pub master_timeout: Duration,
    /// What a master needs to go on after a restart is kept here.
    pub journal: Option<PathBuf>,
    /// What `--processes` said, for the rules; its effect is in [`Options::threads`](super::Options::threads).
    pub processes: Option<i64>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            master: false,
            bind_host: None,
            bind_port: 5557,
            expect_workers: 1,
            expect_workers_max_wait: None,
            enable_rebalancing: false,
            worker: false,
            master_host: "127.0.0.1".to_owned(),
            master_port: 5557,
            token: None,
            master_timeout: Duration::from_mins(1),
            journal: None,
            processes: None,
        }
    }
}

impl ClusterOptions {
    pub(super) fn from_values(values: &Values) -> Self {
        let default = Self::default();
        let wait = values.whole("expect-workers-max-wait").filter(|&seconds| seconds > 0);
        Self {
            master: values.flag("master"),
            bind_host: values
                .text("master-bind-host")
                .filter(|host| *host != "*")
                .map(str::to_owned),
            bind_port: port(values, "master-bind-port", default.bind_port),
            expect_workers: values
                .whole("expect-workers")
                .and_then(|workers| workers.try_into().ok())
                .unwrap_or(default.expect_workers),
            expect_workers_max_wait: wait.map(Duration::from_secs),
            enable_rebalancing: values.flag("enable-rebalancing"),
            worker: values.flag("worker"),
            master_host: values.text("master-host").map_or(default.master_host, str::to_owned),
            master_port: port(values, "master-port", default.master_port),
            token: values.text("cluster-token").map(str::to_owned),
            master_timeout: values
                .whole("master-timeout")
                .map_or(default.master_timeout, Duration::from_secs),
            journal: values.path("journal").map(Path::to_owned),
            processes: values.integer("processes").filter(|&processes| processes != 0),
        }
    }
}

fn port(values: &Values, long: &str, default: u16) -> u16 {
    values.whole(long).and_then(|port| port.try_into().ok()).unwrap_or(default)
}
