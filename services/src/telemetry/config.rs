//! Where spans go, from OpenTelemetry's own environment variables.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::ids::TraceContext;

/// A variable whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: `{value}` is not allowed: {allowed}")]
pub struct ConfigError {
    /// The variable's name.
    pub variable: &'static str,
    /// What it was set to.
    pub value: String,
    /// What may stand there.
    pub allowed: String,
}

/// How spans reach the collector.
#[derive(Clone, Debug)]
pub struct ExportConfig {
    /// The full address for traces, such as `http://localhost:4318/v1/traces`.
    pub endpoint: Uri,
    /// Sent with every batch (an API token, for instance).
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The time limit of one attempt to send a batch.
    pub timeout: Duration,
    /// How long a span waits at most for its batch to fill.
    pub schedule_delay: Duration,
    /// The most spans of one batch.
    pub max_batch: usize,
    /// The most spans that wait; further ones are dropped and counted.
    pub max_queue: usize,
    /// How often a batch is tried again while the collector is away, at growing distances from half a second.
    pub retries: u32,
    /// Attributes of the service beside its name.
    pub resource: Vec<(String, String)>,
    /// Which traces are recorded.
    pub sampler: Sampler,
}

/// Which traces are recorded (`OTEL_TRACES_SAMPLER`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Follow the decision of a caller that made one.
    pub parent_based: bool,
    /// The share of traces recorded otherwise, 0 to 1, decided by the trace id so that all services agree.
    pub ratio: f64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self { parent_based: true, ratio: 1.0 }
    }
}

impl Sampler {
    pub(super) fn samples(self, parent: Option<TraceContext>, trace_id: u128) -> bool {
        if let (true, Some(parent)) = (self.parent_based, parent) {
            return parent.sampled;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a ratio of 0 to 1 stays within the range of the id's low 63 bits"
        )]
        let bound = (self.ratio * (1_u64 << 63) as f64) as u128;
        (trace_id & ((1 << 63) - 1)) < bound
    }
}

impl ExportConfig {
    /// A collector at this base address (`http://host:4318`), everything else as by default.
    ///
    /// # Errors
    /// If it is not an `http://` address.
    pub fn to(base: &str) -> Result<Self, ConfigError> {
        Self::with_endpoint(ENDPOINT, base, &format!("{}/v1/traces", base.trim_end_matches('/')))
    }

    /// Reads the variables through `lookup`; `None` if no endpoint is set or the SDK is disabled.
    ///
    /// # Errors
    /// The first variable whose value cannot be used.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let off = |name: &str, word: &str| get(name).is_some_and(|v| v.eq_ignore_ascii_case(word));
        if off("OTEL_SDK_DISABLED", "true") || off("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let mut config = match (get(TRACES_ENDPOINT), get(ENDPOINT)) {
            (Some(endpoint), _) => Self::with_endpoint(TRACES_ENDPOINT, &endpoint, &endpoint)?,
            (None, Some(base)) => Self::to(&base)?,
            (None, None) => return Ok(None),
        };
        config.timeout = millis(&get, "OTEL_EXPORTER_OTLP_TIMEOUT", config.timeout)?;
        config.schedule_delay = millis(&get, "OTEL_BSP_SCHEDULE_DELAY", config.schedule_delay)?;
        config.max_queue = number(&get, "OTEL_BSP_MAX_QUEUE_SIZE", config.max_queue)?;
        config.max_batch = number(&get, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", config.max_batch)?;
        config.headers = headers(&get)?;
        config.resource = resource(&get)?;
        config.sampler = sampler(&get)?;
        Ok(Some(config))
    }

    fn with_endpoint(
        variable: &'static str,
        value: &str,
        endpoint: &str,
    ) -> Result<Self, ConfigError> {
        let uri = Uri::from_str(endpoint).ok();
        let uri = uri.filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
        let endpoint = uri.ok_or_else(|| ConfigError {
            variable,
            value: value.to_owned(),
            allowed:
                "an address like `http://localhost:4318` (OTLP over http/protobuf; for https, \
                      put a collector in between)"
                    .to_owned(),
        })?;
        Ok(Self {
            endpoint,
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            schedule_delay: Duration::from_secs(1),
            max_batch: 512,
            max_queue: 8192,
            retries: 4,
            resource: Vec::new(),
            sampler: Sampler::default(),
        })
    }
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

fn problem(variable: &'static str, value: &str, allowed: impl Display) -> ConfigError {
    ConfigError { variable, value: value.to_owned(), allowed: allowed.to_string() }
}

fn number(
    get: &impl Fn(&str) -> Option<String>,
    variable: &'static str,
    default: usize,
) -> Result<usize, ConfigError> {
    let Some(value) = get(variable) else { return Ok(default) };
    let parsed = value.trim().parse().ok().filter(|number| (1..=1_000_000).contains(number));
    parsed.ok_or_else(|| problem(variable, &value, "a whole number from 1 to 1000000"))
}

fn millis(
    get: &impl Fn(&str) -> Option<String>,
    variable: &'static str,
    default: Duration,
) -> Result<Duration, ConfigError> {
    let Some(value) = get(variable) else { return Ok(default) };
    let parsed = value.trim().parse().ok().filter(|number| (1..=3_600_000).contains(number));
    let parsed = parsed.map(Duration::from_millis);
    parsed.ok_or_else(|| problem(variable, &value, "milliseconds from 1 to 3600000"))
}

/// `key=value,key2=value2`, values percent-encoded.
fn pairs(variable: &'static str, value: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let parts = value.split(',').filter(|part| !part.trim().is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').ok_or_else(|| {
                problem(variable, value, "pairs like `key=value`, separated by commas")
            })?;
            Ok((key.trim().to_owned(), percent_decoded(value.trim())))
        })
        .collect()
}

fn percent_decoded(text: &str) -> String {
    // `form_urlencoded` also turns a plus sign into a space, which this syntax does not.
    let protected = format!("={}", text.replace('+', "%2B"));
    let mut decoded = url::form_urlencoded::parse(protected.as_bytes());
    decoded.next().map_or_else(String::new, |(_, value)| value.into_owned())
}

fn headers(
    get: &impl Fn(&str) -> Option<String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, ConfigError> {
    let Some(value) = get(HEADERS) else { return Ok(Vec::new()) };
    let pairs = pairs(HEADERS, &value)?;
    // The value may hold a secret: the message names the key only.
    let bad =
        |key: &str| problem(HEADERS, key, "a header's name and a value of visible characters");
    pairs
        .into_iter()
        .map(|(key, value)| {
            let name = HeaderName::from_str(&key).map_err(|_| bad(&key))?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| bad(&key))?;
            value.set_sensitive(true);
            Ok((name, value))
        })
        .collect()
}

fn resource(get: &impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, ConfigError> {
    let mut pairs = get(RESOURCE).map_or(Ok(Vec::new()), |value| pairs(RESOURCE, &value))?;
    // Each service of the process has its own.
    pairs.retain(|(key, _)| key != "service.name");
    Ok(pairs)
}

fn sampler(get: &impl Fn(&str) -> Option<String>) -> Result<Sampler, ConfigError> {
    let Some(name) = get(SAMPLER) else { return Ok(Sampler::default()) };
    let (parent_based, rest) = match name.trim().strip_prefix("parentbased_") {
        Some(rest) => (true, rest),
        None => (false, name.trim()),
    };
    let ratio = match rest {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => {
            let value = get(SAMPLER_ARG).unwrap_or_else(|| "1".to_owned());
            let parsed = value.trim().parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            parsed.ok_or_else(|| problem(SAMPLER_ARG, &value, "a number from 0 to 1"))?
        }
        _ => {
            let allowed =
                "always_on, always_off or traceidratio, each also with `parentbased_` before it";
            return Err(problem(SAMPLER, &name, allowed));
        }
    };
    Ok(Sampler { parent_based, ratio })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Option<ExportConfig>, ConfigError> {
        ExportConfig::from_env(|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_an_endpoint_nothing_is_exported() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[(ENDPOINT, " ")]).unwrap().is_none());
        assert!(
            read(&[(ENDPOINT, "http://c:4318"), ("OTEL_SDK_DISABLED", "TRUE")]).unwrap().is_none()
        );
    }

    #[test]
    fn the_base_gets_the_path_and_the_signals_own_address_does_not() {
        let base = read(&[(ENDPOINT, "http://c:4318/")]).unwrap().unwrap();
        assert_eq!(base.endpoint, "http://c:4318/v1/traces");
        let own = read(&[(ENDPOINT, "http://c:4318"), (TRACES_ENDPOINT, "http://t/x")]);
        assert_eq!(own.unwrap().unwrap().endpoint, "http://t/x");
    }

    #[test]
    fn everything_is_read() {
        let config = read(&[
            (ENDPOINT, "http://c:4318"),
            (HEADERS, "authorization=Api-Token%20a+b, x-b = 2"),
            (RESOURCE, "service.name=other,deployment.environment.name=test"),
            (SAMPLER, "parentbased_traceidratio"),
            (SAMPLER_ARG, "0.25"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "7"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
        ]);
        let config = config.unwrap().unwrap();
        let headers: Vec<_> =
            config.headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        assert_eq!(headers, [("authorization", "Api-Token a+b"), ("x-b", "2")]);
        assert_eq!(config.resource, [("deployment.environment.name".into(), "test".into())]);
        assert_eq!(config.sampler, Sampler { parent_based: true, ratio: 0.25 });
        assert_eq!((config.max_queue, config.timeout.as_millis()), (7, 1500));
    }

    #[test]
    fn errors_name_the_variable_and_what_is_allowed() {
        let message = |vars: &[(&str, &str)]| read(vars).unwrap_err().to_string();
        let https = message(&[(ENDPOINT, "https://c:4318")]);
        assert!(
            https.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: `https://c:4318` is not allowed: ")
        );
        let base = (ENDPOINT, "http://c");
        insta::assert_snapshot!(
            message(&[base, ("OTEL_BSP_SCHEDULE_DELAY", "soon")]),
            @"OTEL_BSP_SCHEDULE_DELAY: `soon` is not allowed: milliseconds from 1 to 3600000"
        );
        insta::assert_snapshot!(
            message(&[base, (SAMPLER, "traceidratio"), (SAMPLER_ARG, "NaN")]),
            @"OTEL_TRACES_SAMPLER_ARG: `NaN` is not allowed: a number from 0 to 1"
        );
        let secret = message(&[base, (HEADERS, "authorization=se%0Acret")]);
        assert!(secret.contains("`authorization`") && !secret.contains("cret"), "{secret}");
    }

    #[test]
    fn a_ratio_is_kept_and_a_parents_decision_followed() {
        let tenth = Sampler { parent_based: true, ratio: 0.1 };
        let sampled = (0..10_000).filter(|_| tenth.samples(None, rand::random())).count();
        // Five standard deviations of the binomial distribution.
        assert!((850..=1150).contains(&sampled), "{sampled}");
        let parent = |sampled| Some(TraceContext { trace_id: 1, span_id: 1, sampled });
        assert!(Sampler::default().samples(parent(true), 1));
        assert!(!Sampler::default().samples(parent(false), 1));
        assert!(Sampler { parent_based: false, ratio: 1.0 }.samples(parent(false), u128::MAX));
        assert!(!Sampler { parent_based: false, ratio: 0.0 }.samples(parent(true), 0));
    }
}
