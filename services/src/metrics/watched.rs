//! Figures that another part keeps, read when Prometheus asks.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// The values of a metric, by the value of its one label.
type Values = Vec<(&'static str, u64)>;

pub(super) struct Watched {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    label: Option<&'static str>,
    read: Box<dyn Fn() -> Values + Send + Sync>,
}

impl Watched {
    pub(super) fn new(
        name: &'static str,
        help: &'static str,
        kind: Kind,
        label: Option<&'static str>,
        read: impl Fn() -> Values + Send + Sync + 'static,
    ) -> Self {
        Self { name, help, kind, label, read: Box::new(read) }
    }
}

impl Collector for Watched {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metric_type = match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, metric_type)?;
        for (value, number) in (self.read)() {
            let encode = |encoder| match self.kind {
                Kind::Counter => ConstCounter::new(number).encode(encoder),
                Kind::Gauge => {
                    ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX)).encode(encoder)
                }
            };
            match self.label {
                Some(label) => encode(metric.encode_family(&[(label, value)])?)?,
                None => encode(metric.encode_family::<[(&str, &str); 0]>(&[])?)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("name", &self.name).finish_non_exhaustive()
    }
}
