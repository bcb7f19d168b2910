//! A summary as the body of an OTLP metrics request, in its JSON encoding.
//!
//! Format: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>. Sums are cumulative from the start of
//! the run or the last reset, which is their start time.

use serde_json::{Value, json};

use super::instruments::{self, BOUNDS, Buckets, Labels, Series};
use crate::stats::Summary;

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`
const CUMULATIVE: u8 = 2;

/// The body; `resource` says what the figures belong to (`service.name` and the like).
pub(crate) fn render(
    summary: &Summary,
    state: &'static str,
    resource: &[(String, String)],
) -> Value {
    let (start, at) = (nanos(summary.start), nanos(summary.at));
    let metrics: Vec<Value> = instruments::of(summary, state)
        .into_iter()
        .map(|instrument| {
            let number = |(labels, value): &(Labels, f64)| {
                json!({
                    "attributes": attributes(labels),
                    "startTimeUnixNano": start,
                    "timeUnixNano": at,
                    "asDouble": value,
                })
            };
            let times = |(labels, times): &(Labels, Buckets)| {
                json!({
                    "attributes": attributes(labels),
                    "startTimeUnixNano": start,
                    "timeUnixNano": at,
                    "count": times.count.to_string(),
                    "sum": times.sum,
                    "bucketCounts": times.counts.map(|count| count.to_string()),
                    "explicitBounds": BOUNDS,
                })
            };
            let mut metric = json!({
                "name": format!("swarmer.{}", instrument.name),
                "description": instrument.help,
                "unit": instrument.unit,
            });
            let (kind, data) = match &instrument.series {
                Series::Sum(points) => (
                    "sum",
                    json!({
                        "aggregationTemporality": CUMULATIVE,
                        "isMonotonic": true,
                        "dataPoints": points.iter().map(number).collect::<Vec<_>>(),
                    }),
                ),
                Series::Level(points) => {
                    ("gauge", json!({"dataPoints": points.iter().map(number).collect::<Vec<_>>()}))
                }
                Series::Times(points) => (
                    "histogram",
                    json!({
                        "aggregationTemporality": CUMULATIVE,
                        "dataPoints": points.iter().map(times).collect::<Vec<_>>(),
                    }),
                ),
            };
            metric[kind] = data;
            metric
        })
        .collect();
    let resource: Vec<Value> = resource.iter().map(|(key, value)| attribute(key, value)).collect();
    json!({
        "resourceMetrics": [{
            "resource": {"attributes": resource},
            "scopeMetrics": [{
                "scope": {"name": "swarmer", "version": env!("CARGO_PKG_VERSION")},
                "metrics": metrics,
            }],
        }],
    })
}

fn attributes(labels: &Labels) -> Vec<Value> {
    labels.iter().map(|(key, value)| attribute(key, value)).collect()
}

fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// 64-bit numbers are texts in this encoding.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "moments after 1970")]
fn nanos(seconds: f64) -> String {
    ((seconds * 1e9) as u64).to_string()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;

    use super::*;
    use crate::tui::samples;

    /// Decoded with the official definitions, the figures are those of the summary.
    #[test]
    #[expect(clippy::cast_precision_loss, reason = "requests of a short run")]
    fn a_collector_reads_what_is_sent() {
        let summary = samples::summary(20);
        let resource = [("service.name".to_owned(), "shop".to_owned())];
        let body = render(&summary, "running", &resource).to_string();
        let request: ExportMetricsServiceRequest = serde_json::from_str(&body).unwrap();
        let all = &request.resource_metrics[0];
        assert_eq!(all.resource.as_ref().unwrap().attributes[0].key, "service.name");
        let metric = |name: &str| {
            let metrics = &all.scope_metrics[0].metrics;
            metrics.iter().find(|metric| metric.name == name).and_then(|m| m.data.clone()).unwrap()
        };
        let Data::Sum(requests) = metric("swarmer.requests") else { panic!("a sum") };
        assert!(requests.is_monotonic && requests.aggregation_temporality == 2);
        let value = |point: &Option<Value>| match point {
            Some(Value::AsDouble(value)) => *value,
            other => panic!("a float, not {other:?}"),
        };
        let sum: f64 = requests.data_points.iter().map(|point| value(&point.value)).sum();
        assert!((sum - summary.total.figures.requests as f64).abs() < 0.5);
        assert!(
            requests.data_points[0].start_time_unix_nano < requests.data_points[0].time_unix_nano
        );
        let Data::Histogram(times) = metric("swarmer.response.time") else { panic!("a histogram") };
        let point = &times.data_points[0];
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
        let Data::Gauge(users) = metric("swarmer.users") else { panic!("a gauge") };
        assert!(
            (users.data_points.iter().map(|p| value(&p.value)).sum::<f64>() - 20.0).abs() < 0.5
        );
    }
}
