//! Settings from the environment, checked whole: every bad one is named before a port is bound.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::db::Database;
use super::token::Keys;

/// Secrets that stand in examples all over the world.
const KNOWN_SECRETS: [&str; 10] = [
    "secret",
    "changeme",
    "change-me",
    "jwt-secret",
    "jwt_secret",
    "your-secret-key",
    "your-jwt-secret",
    "your-super-secret-jwt-key-change-this-in-production",
    "dev-secret",
    "dynaclaimz",
];

/// The variables of a process, and what was found wrong with them.
pub(crate) struct Vars {
    values: HashMap<String, String>,
    problems: Vec<String>,
}

/// Every bad setting, one a line.
#[derive(Debug, thiserror::Error)]
pub(crate) struct BadSettings(Vec<String>);

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad settings:\n  {}", self.0.join("\n  "))
    }
}

impl Vars {
    /// The process's own. An empty variable counts as absent.
    pub(crate) fn from_env() -> Vars {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Vars::from_pairs(std::env::vars_os().filter_map(text))
    }

    pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Vars {
        let values = pairs.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        Vars { values, problems: Vec::new() }
    }

    /// Reads what `read` makes of the variable's text; a bad one is noted and replaced by the default.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        default: T,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        let Some(text) = self.values.get(name) else { return default };
        if let Some(value) = read(text.trim()) {
            return value;
        }
        self.problems.push(format!("{name} is `{text}`, must be {allowed}"));
        default
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|text| text.trim())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// The value, unless anything at all was wrong.
    pub(crate) fn checked<T>(self, value: T) -> Result<T, BadSettings> {
        if self.problems.is_empty() { Ok(value) } else { Err(BadSettings(self.problems)) }
    }

    /// `BIND_ADDRESS` and the port of this variable.
    pub(crate) fn address(&mut self, port: &str, default: u16) -> SocketAddr {
        let host = self.read(
            "BIND_ADDRESS",
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "an IP address such as 127.0.0.1 or 0.0.0.0",
            |text| text.parse().ok(),
        );
        let port = self.read(port, default, "a port from 0 to 65535", |text| text.parse().ok());
        SocketAddr::new(host, port)
    }

    /// The database that this variable names, or a file `name.db` in `DATA_DIR`.
    pub(crate) fn database(&mut self, variable: &str, name: &str) -> Database {
        let file = Database::Sqlite(self.data_dir().join(format!("{name}.db")));
        let allowed = "a URL such as postgres://user:password@host:5432/database";
        self.read(variable, file, allowed, |text| postgres_url(text).map(Database::Postgres))
    }

    pub(crate) fn data_dir(&mut self) -> PathBuf {
        self.read("DATA_DIR", PathBuf::from("./data"), "a folder", |text| Some(text.into()))
    }

    /// Where another service is.
    pub(crate) fn peer(&mut self, variable: &str, port: u16) -> Url {
        let default = service_url(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        self.read(variable, default, "a URL such as http://127.0.0.1:3001", |text| {
            Url::parse(text).ok().filter(|url| url.scheme() == "http" && url.has_host())
        })
    }

    /// The other services whose addresses are set, by name.
    pub(crate) fn peers_set(&mut self) -> Vec<(&'static str, Url)> {
        const PEERS: [(&str, &str, u16); 4] = [
            ("user-service", "USER_SERVICE_URL", 3001),
            ("quotes-service", "QUOTES_SERVICE_URL", 3005),
            ("policy-service", "POLICY_SERVICE_URL", 3003),
            ("claims-service", "CLAIMS_SERVICE_URL", 3004),
        ];
        let set = PEERS.into_iter().filter(|(_, variable, _)| self.values.contains_key(*variable));
        set.collect::<Vec<_>>()
            .into_iter()
            .map(|(name, variable, port)| (name, self.peer(variable, port)))
            .collect()
    }

    /// How long a service waits for another one, `PEER_TIMEOUT` in milliseconds.
    pub(crate) fn peer_timeout(&mut self) -> Duration {
        self.read("PEER_TIMEOUT", Duration::from_secs(5), "milliseconds from 1 to 600000", |text| {
            let millis = text.parse().ok().filter(|millis| (1..=600_000).contains(millis))?;
            Some(Duration::from_millis(millis))
        })
    }

    /// `JWT_SECRET`, which has no default; one from the textbooks is refused where strangers can call.
    pub(crate) fn keys(&mut self, bind: IpAddr) -> Keys {
        let secret = self.text("JWT_SECRET").unwrap_or_default().to_owned();
        if secret.is_empty() {
            self.problem(
                "JWT_SECRET is not set: give a long random text, the same to user-service and \
                 quotes-service (openssl rand -hex 32)"
                    .to_owned(),
            );
        } else if !bind.is_loopback() && KNOWN_SECRETS.contains(&secret.to_lowercase().as_str()) {
            self.problem(format!(
                "JWT_SECRET is a well-known default, which is refused on the public address {bind}: \
                 choose a long random text (openssl rand -hex 32)"
            ));
        }
        Keys::new(&secret)
    }

    /// `JWT_EXPIRES_IN`, such as `7d`.
    pub(crate) fn token_life(&mut self) -> Duration {
        let allowed = "a time such as 7d, 12h, 30m or 90s";
        self.read("JWT_EXPIRES_IN", Duration::from_hours(7 * 24), allowed, span)
    }

    /// `BCRYPT_COST`: each step doubles the work of a sign-in.
    pub(crate) fn bcrypt_cost(&mut self) -> u32 {
        self.read("BCRYPT_COST", 10, "a whole number from 4 to 15", |text| {
            text.parse().ok().filter(|cost| (4..=15).contains(cost))
        })
    }
}

/// The URL of a service at this address.
pub(crate) fn service_url(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}")).expect("an address makes a URL")
}

pub(crate) fn postgres_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "postgres" | "postgresql") && url.has_host()).then_some(url)
}

/// A whole number with its unit, in the forms that Node's `ms` reads: `7d`, `7 days`, `12h`, `90s`, `1y`. A bare number
/// is refused: some read it as seconds, others as milliseconds.
fn span(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        "y" | "yr" | "yrs" | "year" | "years" => 31_557_600,
        _ => return None,
    };
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    // A century is as good as for ever, and keeps `exp` far from overflow.
    let seconds = count.checked_mul(unit).filter(|seconds| *seconds <= 100 * 366 * 86_400)?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        Vars::from_pairs(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn every_bad_setting_is_named_at_once() {
        let mut vars = vars(&[
            ("PORT", "eighty"),
            ("DATABASE_URL", "mysql://x/y"),
            ("PEER_TIMEOUT", "0"),
            ("JWT_EXPIRES_IN", "7"),
            ("BCRYPT_COST", "99"),
            ("USER_SERVICE_URL", "localhost:3001"),
        ]);
        let address = vars.address("PORT", 3000);
        vars.database("DATABASE_URL", "user");
        vars.peer_timeout();
        vars.token_life();
        vars.bcrypt_cost();
        vars.peer("USER_SERVICE_URL", 3001);
        vars.keys(address.ip());
        insta::assert_snapshot!(vars.checked(()).unwrap_err(), @r"
        bad settings:
          PORT is `eighty`, must be a port from 0 to 65535
          DATABASE_URL is `mysql://x/y`, must be a URL such as postgres://user:password@host:5432/database
          PEER_TIMEOUT is `0`, must be milliseconds from 1 to 600000
          JWT_EXPIRES_IN is `7`, must be a time such as 7d, 12h, 30m or 90s
          BCRYPT_COST is `99`, must be a whole number from 4 to 15
          USER_SERVICE_URL is `localhost:3001`, must be a URL such as http://127.0.0.1:3001
          JWT_SECRET is not set: give a long random text, the same to user-service and quotes-service (openssl rand -hex 32)
        ");
    }

    #[test]
    fn defaults_are_the_contracts() {
        let mut vars = vars(&[("JWT_SECRET", "x")]);
        assert_eq!(vars.address("PORT", 3001), SocketAddr::from(([127, 0, 0, 1], 3001)));
        assert_eq!(vars.database("DATABASE_URL", "quotes").place(), "./data/quotes.db");
        assert_eq!(vars.token_life(), Duration::from_hours(7 * 24));
        assert_eq!(vars.bcrypt_cost(), 10);
        assert_eq!(vars.peer("USER_SERVICE_URL", 3001).as_str(), "http://127.0.0.1:3001/");
        assert!(vars.checked(()).is_ok());
    }

    #[test]
    fn a_known_secret_is_refused_on_a_public_address_only() {
        for (bind, accepted) in [("0.0.0.0", false), ("127.0.0.1", true)] {
            let mut vars = vars(&[("JWT_SECRET", "Your-Secret-Key")]);
            vars.keys(bind.parse().unwrap());
            assert_eq!(vars.checked(()).is_ok(), accepted, "{bind}");
        }
    }

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(span("7d"), Some(Duration::from_hours(168)));
        assert_eq!(span("90s"), Some(Duration::from_secs(90)));
        assert_eq!(span("2 days"), Some(Duration::from_hours(48)));
        assert_eq!(span("1y"), Some(Duration::from_hours(8_766)));
        for text in
            ["", "7", "d", "0d", "-1d", "7 dd", "99999999999999999999d", "9999w9", "7é", "200y"]
        {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
