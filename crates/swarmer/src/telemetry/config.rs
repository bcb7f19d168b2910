//! What the `OTEL_…` variables say about pushing metrics.
//!
//! Names and defaults: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/> and
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

use std::collections::BTreeMap;
use std::time::Duration;

/// Where a collector listens that is on this machine.
const HERE: &str = "http://localhost:4318";

/// Where metrics are pushed to, and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Push {
    /// The whole address.
    pub(crate) endpoint: String,
    pub(crate) headers: Vec<(String, String)>,
    /// From push to push.
    pub(crate) interval: Duration,
    /// A push may take so long.
    pub(crate) timeout: Duration,
    /// What the figures belong to.
    pub(crate) resource: Vec<(String, String)>,
}

impl Push {
    /// Reads the variables through `get`; `None` when metrics are not to be pushed: no endpoint is given and they were
    /// not asked for (`--otel`), or the variables switch them off. `workload` names the service when nothing else does.
    ///
    /// # Errors
    /// When a variable says what cannot be; the text names it, its value, and what is allowed.
    pub(crate) fn from_env(
        get: impl Fn(&str) -> Option<String>,
        asked_for: bool,
        workload: &str,
    ) -> Result<Option<Self>, String> {
        let get = |name: &str| {
            get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let is =
            |name: &str, word: &str| get(name).is_some_and(|text| text.eq_ignore_ascii_case(word));
        let own = get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
        let base = get("OTEL_EXPORTER_OTLP_ENDPOINT");
        if own.is_none() && base.is_none() && !asked_for
            || is("OTEL_SDK_DISABLED", "true")
            || is("OTEL_METRICS_EXPORTER", "none")
        {
            return Ok(None);
        }
        for name in ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            if let Some(protocol) = get(name).filter(|text| !text.starts_with("http/")) {
                return Err(format!(
                    "{name} is '{protocol}'; allowed: http/protobuf or http/json (metrics are pushed over HTTP, as JSON, \
                     to the port that is usually 4318)"
                ));
            }
        }
        let named = if own.is_some() {
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
        } else {
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        };
        // The common address is a base, that of a signal is used as it is.
        let endpoint = own.unwrap_or_else(|| {
            format!("{}/v1/metrics", base.as_deref().unwrap_or(HERE).trim_end_matches('/'))
        });
        let is_web = url::Url::parse(&endpoint)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !is_web {
            return Err(format!(
                "{named} is '{endpoint}'; allowed: an http:// or https:// address"
            ));
        }
        Ok(Some(Self {
            endpoint,
            headers: pairs(
                &get,
                ["OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
            )?,
            interval: millis(&get, ["OTEL_METRIC_EXPORT_INTERVAL"], 60_000, 100)?,
            timeout: millis(
                &get,
                ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
                10_000,
                1,
            )?,
            resource: resource(&get, workload)?,
        }))
    }
}

fn resource(
    get: &impl Fn(&str) -> Option<String>,
    workload: &str,
) -> Result<Vec<(String, String)>, String> {
    let mut all: BTreeMap<String, String> =
        pairs(get, ["OTEL_RESOURCE_ATTRIBUTES"])?.into_iter().collect();
    if let Some(name) = get("OTEL_SERVICE_NAME") {
        all.insert("service.name".to_owned(), name);
    }
    all.entry("service.name".to_owned()).or_insert_with(|| workload.to_owned());
    Ok(all.into_iter().collect())
}

/// Milliseconds from the first of these variables that is set.
fn millis<const N: usize>(
    get: &impl Fn(&str) -> Option<String>,
    names: [&str; N],
    default: u64,
    least: u64,
) -> Result<Duration, String> {
    let Some((name, text)) = names.iter().find_map(|name| Some((name, get(name)?))) else {
        return Ok(Duration::from_millis(default));
    };
    match text.parse() {
        Ok(millis) if millis >= least => Ok(Duration::from_millis(millis)),
        _ => Err(format!(
            "{name} is '{text}'; allowed: a whole number of milliseconds from {least} on"
        )),
    }
}

/// `name=value` pairs parted by commas, percent-encoded, from the first of these variables that is set.
fn pairs<const N: usize>(
    get: &impl Fn(&str) -> Option<String>,
    names: [&str; N],
) -> Result<Vec<(String, String)>, String> {
    let Some((name, text)) = names.iter().find_map(|name| Some((name, get(name)?))) else {
        return Ok(Vec::new());
    };
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) =
            pair.split_once('=').filter(|(key, _)| !key.trim().is_empty()).ok_or_else(|| {
                // The value may be a secret: only the variable is named.
                format!(
                    "{name}: a part of it is no pair; allowed: name=value pairs parted by commas"
                )
            })?;
        Ok((decoded(key.trim()), decoded(value.trim())))
    });
    pairs.collect()
}

/// Percent-decoded, as the specification has it: a plus sign stays one.
fn decoded(text: &str) -> String {
    let pair = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(variables: &[(&str, &str)], asked_for: bool) -> Result<Option<Push>, String> {
        let get = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Push::from_env(get, asked_for, "shop")
    }

    #[test]
    fn nothing_is_pushed_unless_somebody_says_where() {
        assert_eq!(push(&[], false), Ok(None));
        let off =
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_METRICS_EXPORTER", "none")];
        assert_eq!(push(&off, true), Ok(None));
        let plain = push(&[], true).unwrap().unwrap();
        assert_eq!(plain.endpoint, "http://localhost:4318/v1/metrics");
        assert_eq!((plain.interval.as_secs(), plain.timeout.as_secs()), (60, 10));
        assert_eq!(plain.resource, [("service.name".to_owned(), "shop".to_owned())]);
    }

    #[test]
    fn variables_are_read() {
        let read = push(
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x=1+2"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
                ("OTEL_SERVICE_NAME", "load"),
                ("OTEL_RESOURCE_ATTRIBUTES", "team=web,service.name=other"),
            ],
            false,
        );
        let read = read.unwrap().unwrap();
        assert_eq!(read.endpoint, "http://c:4318/v1/metrics");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(read.headers, [pair("api-key", "a b"), pair("x", "1+2")]);
        assert_eq!(read.interval, Duration::from_millis(500));
        assert_eq!(read.resource, [pair("service.name", "load"), pair("team", "web")]);
        let own = [("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://c/metrics")];
        assert_eq!(push(&own, false).unwrap().unwrap().endpoint, "https://c/metrics");
    }

    #[test]
    fn what_cannot_be_is_named() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        for (variable, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "soon"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "-5"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "collector"),
        ] {
            let error = push(&[endpoint, (variable, value)], false).unwrap_err();
            assert!(error.contains(variable) && error.contains("allowed"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
