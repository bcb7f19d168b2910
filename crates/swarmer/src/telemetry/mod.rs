//! What other systems are told: trace context with every request, figures for Prometheus and OpenTelemetry.

mod config;
mod instruments;
pub(crate) mod otlp;
pub(crate) mod prometheus;

pub(crate) use config::Push;
use rand::{Rng, RngExt};

/// A W3C `traceparent` header value: version 00, a random trace id and parent id, sampled.
///
/// 55 bytes on the stack; making one costs a few nanoseconds and no allocation.
/// Format: <https://www.w3.org/TR/trace-context/#traceparent-header>.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent([u8; 55]);

impl TraceParent {
    /// A fresh one; neither id is ever all zeros, which the format forbids.
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-01";
        hex(
            &mut text[3..35],
            u128::from(rng.random::<u64>()) << 64 | u128::from(rng.random::<u64>() | 1),
        );
        hex(&mut text[36..52], u128::from(rng.random::<u64>() | 1));
        Self(text)
    }

    /// The header's value.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The trace id, 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.as_str()[3..35]
    }
}

impl std::fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

fn hex(out: &mut [u8], mut value: u128) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::Pcg64Mcg;

    #[test]
    fn has_the_shape_the_standard_asks_for() {
        let mut rng = Pcg64Mcg::new(7);
        let (a, b) = (TraceParent::random(&mut rng), TraceParent::random(&mut rng));
        assert_ne!(a.trace_id(), b.trace_id());
        let parts: Vec<&str> = a.as_str().split('-').collect();
        assert_eq!([parts[0], parts[3]], ["00", "01"]);
        assert_eq!([parts[1].len(), parts[2].len()], [32, 16]);
        assert!(parts.iter().all(|p| p.bytes().all(|b| b.is_ascii_hexdigit())));
    }
}
