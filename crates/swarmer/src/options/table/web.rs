//! Where and how the web UI is served.

use crate::options::opt::{Opt, group};

/// A day of waiting after a run is more than anybody means.
const MAX_SECONDS: i64 = 100 * 365 * 24 * 3600;

/// The options of the web UI.
pub(super) fn web() -> Vec<Opt> {
    [
        Opt::text("web-host")
            .env("LOCUST_WEB_HOST")
            .value_name("ADDRESS")
            .may_be_empty()
            .help("Address the web UI listens at (all if not given, or *)"),
        Opt::text("web-host-display-name")
            .env("LOCUST_WEB_HOST_DISPLAY_NAME")
            .may_be_empty()
            .hidden()
            .help("What the log calls the web UI's address when it listens at all"),
        Opt::whole("web-port", 0..=65_535)
            .short('P')
            .long_first()
            .env("LOCUST_WEB_PORT")
            .default(8089)
            .value_name("PORT")
            .help("Port of the web UI"),
        Opt::flag("headless")
            .env("LOCUST_HEADLESS")
            .help("Start at once and run without a web UI"),
        Opt::flag("autostart")
            .env("LOCUST_AUTOSTART")
            .help("Start at once, and keep the web UI"),
        Opt::integer("autoquit", -1..=MAX_SECONDS)
            .env("LOCUST_AUTOQUIT")
            .default(-1)
            .value_name("SECONDS")
            .help("Quit this long after the run has ended; only with --autostart (-1: never)"),
        Opt::flag("headful")
            .env("LOCUST_HEADFUL")
            .hidden()
            .help("Cancel --headless, for example one from a configuration file"),
        Opt::text("web-auth")
            .env("LOCUST_WEB_AUTH")
            .removed("The --web-auth parameter has been replaced by --web-login"),
        Opt::flag("web-login")
            .env("LOCUST_WEB_LOGIN")
            .help("Ask for a login before the web UI is shown"),
        Opt::path("tls-cert")
            .env("LOCUST_TLS_CERT")
            .value_name("FILE")
            .may_be_empty()
            .help("Certificate (PEM) to serve the web UI over HTTPS; needs --tls-key"),
        Opt::path("tls-key")
            .env("LOCUST_TLS_KEY")
            .value_name("FILE")
            .may_be_empty()
            .help("Private key (PEM) of --tls-cert"),
        Opt::flag("class-picker")
            .env("LOCUST_USERCLASS_PICKER")
            .help("Let people choose user classes in the web UI"),
        Opt::path("build-path")
            .env("LOCUST_BUILD_PATH")
            .may_be_empty()
            .hidden()
            .help("Accepted for scripts written for Locust; has no effect")
            .instead("the web UI is part of this program and cannot be exchanged"),
        Opt::flag("legacy-ui")
            .env("LOCUST_LEGACY_UI")
            .removed("--legacy-ui is no longer supported, remove the parameter to continue"),
        Opt::text("web-base-path")
            .env("LOCUST_WEB_BASE_PATH")
            .value_name("PATH")
            .may_be_empty()
            .help("Path below which the web UI is served, such as /swarm"),
        Opt::flag("web-allow-get")
            .env("SWARMER_WEB_ALLOW_GET")
            .addition()
            .help("Let GET /stop and GET /stats/reset do what POST does, for old scripts")
            .details("Any page that a person opens can then stop a run: not for browsers that are used for anything else."),
        Opt::text("web-cors")
            .env("SWARMER_WEB_CORS")
            .addition()
            .value_name("ORIGIN")
            .help("Let pages of this origin use the interface, such as https://tools.example.com")
            .details("* lets any page do so, as Locust does. Without it, only the web UI's own pages may."),
    ]
    .map(|opt| opt.group(group::WEB))
    .into_iter()
    .chain(sign_in())
    .collect()
}

/// Who may come in, beyond Locust's flag.
fn sign_in() -> [Opt; 2] {
    [
        Opt::path("web-users")
            .env("SWARMER_WEB_USERS")
            .addition()
            .value_name("FILE")
            .help("Who may sign in: name:hash lines, as swarmer hash-password prints them")
            .details("Asks for a login, as --web-login. Files of `htpasswd -B` are understood as well."),
        Opt::text("web-token")
            .env("SWARMER_WEB_TOKEN")
            .addition()
            .secret()
            .value_name("TOKEN")
            .help("What programs send as Authorization: Bearer TOKEN to be let in")
            .details(
                "Asks for a login, as --web-login. Other users of this machine can read command lines: the environment \
                 variable is the better place.",
            ),
    ]
    .map(|opt| opt.group(group::WEB))
}
