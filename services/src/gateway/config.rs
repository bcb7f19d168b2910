//! The gateway's settings, read from the environment and checked as a whole.

use std::str::FromStr;
use std::time::Duration;

use http::uri::Authority;
use http::{HeaderValue, Uri};

use crate::telemetry::ConfigError;

/// The gateway's settings.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The services behind it.
    pub upstreams: Upstreams,
    /// How long a service may keep silent (`PROXY_TIMEOUT` in ms, 5000).
    pub proxy_timeout: Duration,
    /// `RATE_LIMIT_WINDOW_MS` and `RATE_LIMIT_MAX_REQUESTS`.
    pub rate_limit: RateLimit,
    /// The web origins that may call with credentials (`ALLOWED_ORIGINS`).
    pub allowed_origins: Vec<HeaderValue>,
    /// The longest request body in bytes (`MAX_BODY_BYTES`, 1 MiB).
    pub body_limit: u64,
    /// Whether each request is logged (`ACCESS_LOG`, on).
    pub access_log: bool,
}

/// How many requests a client address may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The time for which requests are counted, from a client's first one.
    pub window: Duration,
    /// The requests of one window; 0 means no limit.
    pub max_requests: u32,
}

/// The four services' addresses.
#[derive(Clone, Debug)]
pub struct Upstreams {
    /// `USER_SERVICE_URL`.
    pub user: Upstream,
    /// `QUOTES_SERVICE_URL`.
    pub quotes: Upstream,
    /// `POLICY_SERVICE_URL`.
    pub policy: Upstream,
    /// `CLAIMS_SERVICE_URL`.
    pub claims: Upstream,
}

/// One service's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    pub(super) name: &'static str,
    pub(super) authority: Authority,
    /// Put before each path; without a slash at its end.
    pub(super) prefix: String,
}

impl Upstream {
    /// The service of this name at this `http://` address, which may have a path.
    pub fn new(name: &'static str, url: &str) -> Option<Self> {
        let uri = Uri::from_str(url).ok()?;
        let plain = uri.scheme_str() == Some("http") && uri.query().is_none();
        let authority = uri.authority().filter(|authority| {
            plain && !authority.host().is_empty() && !authority.as_str().contains('@')
        })?;
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Some(Self { name, authority: authority.clone(), prefix })
    }
}

impl Upstreams {
    /// The services at their usual ports of this machine.
    pub fn local() -> Self {
        Self::read(&|_| None, &mut Vec::new())
    }

    fn read(get: &dyn Fn(&str) -> Option<String>, problems: &mut Vec<ConfigError>) -> Self {
        let mut upstream = |name: &'static str, variable: &'static str, port: u16| {
            let local = || {
                let authority = Authority::try_from(format!("127.0.0.1:{port}"));
                let authority = authority.expect("an address and a port are an authority");
                Upstream { name, authority, prefix: String::new() }
            };
            let Some(url) = get(variable) else { return local() };
            Upstream::new(name, url.trim()).unwrap_or_else(|| {
                let allowed = format!("use an address like `http://127.0.0.1:{port}`");
                problems.push(ConfigError { variable, value: url, allowed });
                local()
            })
        };
        Self {
            user: upstream("user-service", "USER_SERVICE_URL", 3001),
            quotes: upstream("quotes-service", "QUOTES_SERVICE_URL", 3005),
            policy: upstream("policy-service", "POLICY_SERVICE_URL", 3003),
            claims: upstream("claims-service", "CLAIMS_SERVICE_URL", 3004),
        }
    }

    /// Which service answers which part of `/api/v1`.
    pub(super) fn routes(&self) -> [(&'static str, &Upstream); 6] {
        [
            ("auth", &self.user),
            ("users", &self.user),
            ("organizations", &self.user),
            ("quotes", &self.quotes),
            ("policies", &self.policy),
            ("claims", &self.claims),
        ]
    }

    pub(super) fn all(&self) -> [&Upstream; 4] {
        [&self.user, &self.quotes, &self.policy, &self.claims]
    }
}

impl Default for GatewayConfig {
    /// The settings of an empty environment.
    fn default() -> Self {
        Self::from_env(|_| None).expect("defaults are within their ranges")
    }
}

impl GatewayConfig {
    /// Reads the variables through `lookup`.
    ///
    /// # Errors
    /// Every variable whose value cannot be used.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let get = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let mut problems = Vec::new();
        let mut number = |variable, default: u64, range: std::ops::RangeInclusive<u64>| {
            let Some(value) = get(variable) else { return default };
            let parsed = value.trim().parse().ok().filter(|number| range.contains(number));
            parsed.unwrap_or_else(|| {
                let allowed =
                    format!("use a whole number from {} to {}", range.start(), range.end());
                problems.push(ConfigError { variable, value, allowed });
                default
            })
        };
        let day = 86_400_000;
        let timeout = number("PROXY_TIMEOUT", 5000, 1..=day);
        let window = number("RATE_LIMIT_WINDOW_MS", 900_000, 1..=day);
        let max_requests = number("RATE_LIMIT_MAX_REQUESTS", 100, 0..=u64::from(u32::MAX));
        let body_limit = number("MAX_BODY_BYTES", 1 << 20, 1..=1 << 30);
        let upstreams = Upstreams::read(&get, &mut problems);
        let allowed_origins = origins(&get, &mut problems);
        let access_log = switch(&get, "ACCESS_LOG", true, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            upstreams,
            proxy_timeout: Duration::from_millis(timeout),
            rate_limit: RateLimit {
                window: Duration::from_millis(window),
                max_requests: u32::try_from(max_requests).expect("checked against its range"),
            },
            allowed_origins,
            body_limit,
            access_log,
        })
    }
}

fn origins(
    get: &dyn Fn(&str) -> Option<String>,
    problems: &mut Vec<ConfigError>,
) -> Vec<HeaderValue> {
    const VARIABLE: &str = "ALLOWED_ORIGINS";
    let list = get(VARIABLE).unwrap_or_else(|| "http://localhost:3000".to_owned());
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let origins = entries.filter_map(|entry| {
        let origin = origin(entry);
        if origin.is_none() {
            let allowed = "use origins like `https://app.example.com`, separated by commas \
                           (`*` cannot go with credentials)";
            let allowed = allowed.to_owned();
            problems.push(ConfigError { variable: VARIABLE, value: entry.to_owned(), allowed });
        }
        origin
    });
    origins.collect()
}

fn origin(text: &str) -> Option<HeaderValue> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // Browsers send it in this form: lower case, without a default port, without a path.
    let origin = url.origin().ascii_serialization();
    let bare = text.trim_end_matches('/').matches('/').count() == 2 && url.query().is_none();
    if bare { HeaderValue::from_str(&origin).ok() } else { None }
}

fn switch(
    get: &dyn Fn(&str) -> Option<String>,
    variable: &'static str,
    default: bool,
    problems: &mut Vec<ConfigError>,
) -> bool {
    let Some(value) = get(variable) else { return default };
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => true,
        "false" | "0" | "off" | "no" => false,
        _ => {
            problems.push(ConfigError { variable, value, allowed: "use true or false".to_owned() });
            default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<GatewayConfig, Vec<ConfigError>> {
        GatewayConfig::from_env(|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_are_the_contracts() {
        let config = read(&[]).unwrap();
        assert_eq!(config.proxy_timeout, Duration::from_secs(5));
        let limit = RateLimit { window: Duration::from_mins(15), max_requests: 100 };
        assert_eq!(config.rate_limit, limit);
        assert_eq!(config.allowed_origins, ["http://localhost:3000"]);
        assert_eq!(config.body_limit, 1_048_576);
        let ports: Vec<_> =
            config.upstreams.routes().map(|(name, to)| (name, to.authority.port_u16())).into();
        assert_eq!(
            ports,
            [
                ("auth", Some(3001)),
                ("users", Some(3001)),
                ("organizations", Some(3001)),
                ("quotes", Some(3005)),
                ("policies", Some(3003)),
                ("claims", Some(3004)),
            ]
        );
    }

    #[test]
    fn everything_can_be_set() {
        let config = read(&[
            ("CLAIMS_SERVICE_URL", "http://claims.internal:9000/base/"),
            ("ALLOWED_ORIGINS", "https://App.example.com:443, http://localhost:5173/"),
            ("ACCESS_LOG", "off"),
            ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ]);
        let config = config.unwrap();
        assert_eq!(config.upstreams.claims.authority, "claims.internal:9000");
        assert_eq!(config.upstreams.claims.prefix, "/base");
        assert_eq!(config.allowed_origins, ["https://app.example.com", "http://localhost:5173"]);
        assert_eq!((config.access_log, config.rate_limit.max_requests), (false, 0));
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let problems = read(&[
            ("PROXY_TIMEOUT", "5s"),
            ("USER_SERVICE_URL", "https://users"),
            ("ALLOWED_ORIGINS", "*, http://ok, http://host/path"),
            ("ACCESS_LOG", "maybe"),
        ]);
        let problems: Vec<_> = problems.unwrap_err().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(problems.join("\n"), @r"
        PROXY_TIMEOUT: `5s` is not allowed: use a whole number from 1 to 86400000
        USER_SERVICE_URL: `https://users` is not allowed: use an address like `http://127.0.0.1:3001`
        ALLOWED_ORIGINS: `*` is not allowed: use origins like `https://app.example.com`, separated by commas (`*` cannot go with credentials)
        ALLOWED_ORIGINS: `http://host/path` is not allowed: use origins like `https://app.example.com`, separated by commas (`*` cannot go with credentials)
        ACCESS_LOG: `maybe` is not allowed: use true or false
        ");
    }
}
