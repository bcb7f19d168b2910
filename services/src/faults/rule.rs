//! What a rule is, and which requests it meets.

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};

/// A service that can be disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The API gateway.
    Gateway,
    /// user-service.
    User,
    /// quotes-service.
    Quotes,
    /// policy-service.
    Policy,
    /// claims-service.
    Claims,
}

impl Service {
    /// All of them, in the order of the architecture.
    pub const ALL: [Self; 5] =
        [Self::Gateway, Self::User, Self::Quotes, Self::Policy, Self::Claims];

    /// The service of this name: `quotes`, `quotes-service`, `gateway`, `api-gateway`.
    pub fn named(name: &str) -> Option<Self> {
        let short = name.strip_suffix("-service").unwrap_or(name);
        let short = short.strip_prefix("api-").unwrap_or(short);
        Self::ALL.into_iter().find(|service| service.name() == short)
    }

    /// The name in rules.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::User => "user",
            Self::Quotes => "quotes",
            Self::Policy => "policy",
            Self::Claims => "claims",
        }
    }
}

/// One rule: which requests, and what happens to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// `None` means every service.
    pub service: Option<Service>,
    /// `None` means every method.
    pub method: Option<Method>,
    /// A path without `/api`, with `*` for any run of characters; `None` means every path.
    pub path: Option<String>,
    /// The share of the requests met, in percent, above 0 to 100.
    pub percent: f64,
    /// What happens, one after the other.
    pub faults: Vec<Fault>,
}

/// One thing that happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The request waits before it is worked on.
    Latency(Latency),
    /// It is answered with this status, and not worked on.
    Error(StatusCode),
    /// The connection is closed without an answer.
    Drop,
    /// Requests that arrive within the last `stall` of each `every` wait for its end.
    Stall {
        /// How long the service stands still.
        stall: Duration,
        /// From one stall's end to the next one's.
        every: Duration,
    },
}

/// How long an added latency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always this.
    Fixed(Duration),
    /// Evenly between the two.
    Uniform(Duration, Duration),
    /// Mean and standard deviation; below zero counts as zero.
    Normal(Duration, Duration),
    /// With this mean.
    Exponential(Duration),
}

impl Latency {
    /// A latency, from a source of numbers of 0 to below 1.
    pub(super) fn draw(self, mut chance: impl FnMut() -> f64) -> Duration {
        match self {
            Self::Fixed(latency) => latency,
            Self::Uniform(low, high) => low + high.saturating_sub(low).mul_f64(chance()),
            Self::Normal(mean, deviation) => {
                // Box and Muller; `1 - chance` is never 0.
                let radius = (-2.0 * (1.0 - chance()).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * chance()).cos();
                let seconds = mean.as_secs_f64() + deviation.as_secs_f64() * normal;
                Duration::from_secs_f64(seconds.max(0.0))
            }
            Self::Exponential(mean) => mean.mul_f64(-(1.0 - chance()).ln()),
        }
    }
}

impl Rule {
    /// Whether a request is one that the rule speaks of, share apart.
    pub(super) fn matches(&self, service: Service, method: &Method, path: &str) -> bool {
        self.service.is_none_or(|wanted| wanted == service)
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path.as_ref().is_none_or(|pattern| glob(pattern, without_api(path)))
    }
}

/// The path as rules name it, alike at the gateway (`/api/v1/…`) and at a service (`/api/…`).
pub(super) fn without_api(path: &str) -> &str {
    let shorter = ["/api/v1", "/api"].iter().find_map(|prefix| path.strip_prefix(prefix));
    shorter.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// Whether `text` is `pattern`, in which `*` stands for any run of characters.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.service.map_or("*", Service::name))?;
        if let Some(method) = &self.method {
            write!(f, " {method}")?;
        }
        if let Some(path) = &self.path {
            write!(f, " {path}")?;
        }
        if self.percent < 100.0 {
            write!(f, " {}%", self.percent)?;
        }
        for (place, fault) in self.faults.iter().enumerate() {
            write!(f, "{} {fault}", if place == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(Latency::Fixed(latency)) => write!(f, "latency {latency:?}"),
            Self::Latency(Latency::Uniform(low, high)) => write!(f, "latency {low:?}..{high:?}"),
            Self::Latency(Latency::Normal(mean, deviation)) => {
                write!(f, "latency normal {mean:?} {deviation:?}")
            }
            Self::Latency(Latency::Exponential(mean)) => write!(f, "latency exponential {mean:?}"),
            Self::Error(status) => write!(f, "error {}", status.as_u16()),
            Self::Drop => f.write_str("drop"),
            Self::Stall { stall, every } => write!(f, "stall {stall:?} every {every:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, matches) in [
            ("/quotes", "/quotes", true),
            ("/quotes", "/quotes/1", false),
            ("/quotes/*", "/quotes/1", true),
            ("/quotes/*", "/quotes/1/history", true),
            ("/quotes/*", "/quotes", false),
            ("/*/history", "/quotes/1/history", true),
            ("/*/x/*", "/a/x", false),
            ("*", "", true),
            ("/a*a", "/a", false),
            ("**", "anything", true),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn gateway_and_service_name_paths_alike() {
        assert_eq!(without_api("/api/v1/quotes/1"), "/quotes/1");
        assert_eq!(without_api("/api/quotes/1"), "/quotes/1");
        assert_eq!(without_api("/apiary"), "/apiary");
        assert_eq!(without_api("/"), "/");
    }

    #[test]
    fn latencies_have_the_means_asked_for() {
        use rand::{RngExt, SeedableRng};
        let ms = Duration::from_millis;
        for (latency, mean) in [
            (Latency::Fixed(ms(80)), 0.080),
            (Latency::Uniform(ms(50), ms(150)), 0.100),
            (Latency::Normal(ms(100), ms(20)), 0.100),
            (Latency::Exponential(ms(100)), 0.100),
        ] {
            let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(1);
            let total: f64 =
                (0..20_000).map(|_| latency.draw(|| random.random()).as_secs_f64()).sum();
            let found = total / 20_000.0;
            assert!((found - mean).abs() < 0.005, "{latency:?}: {found}");
        }
    }
}
