//! What other systems are told: trace context with every request, figures for Prometheus and OpenTelemetry.

mod config;
mod instruments;
pub(crate) mod otlp;
pub(crate) mod prometheus;

pub(crate) use config::Push;
use rand::{Rng, RngExt};

/// Names the trace of a request in its header (W3C Trace Context).
pub(crate) const TRACEPARENT: &str = "traceparent";

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
        text[3..19].copy_from_slice(&hex(rng.random()));
        text[19..35].copy_from_slice(&hex(rng.random::<u64>() | 1));
        text[36..52].copy_from_slice(&hex(rng.random::<u64>() | 1));
        Self(text)
    }

    /// The header's value: ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The trace id: 32 hexadecimal digits in ASCII.
    pub fn trace_id(&self) -> &[u8] {
        &self.0[3..35]
    }
}

impl std::fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Sixteen digits, eight at a time: each request has three such numbers.
fn hex(value: u64) -> [u8; 16] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let eight = |half: u64| {
        // A nibble to each byte.
        let spread = (half << 16 | half) & 0x0000_ffff_0000_ffff;
        let spread = (spread << 8 | spread) & 0x00ff_00ff_00ff_00ff;
        let spread = (spread << 4 | spread) & (EACH * 0x0f);
        // From ten on a byte reaches 16 when six are added.
        let letters = (spread + EACH * 6) >> 4 & EACH;
        spread + EACH * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10)
    };
    let digits = u128::from(eight(value >> 32)) << 64 | u128::from(eight(value & 0xffff_ffff));
    digits.to_be_bytes()
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
        let text = format!("{a:?}");
        let parts: Vec<&str> = text.split('-').collect();
        assert_eq!([parts[0], parts[3]], ["00", "01"]);
        assert_eq!([parts[1].len(), parts[2].len()], [32, 16]);
        assert!(parts.iter().all(|p| p.bytes().all(|b| b.is_ascii_hexdigit())));
        assert_eq!(parts[1].as_bytes(), a.trace_id());
    }

    #[test]
    fn digits_are_those_of_the_number() {
        let mut rng = Pcg64Mcg::new(7);
        let some = [0, 1, 9, 10, 15, 16, u64::MAX, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];
        for value in some.into_iter().chain(std::iter::repeat_with(|| rng.random()).take(1000)) {
            assert_eq!(hex(value), *format!("{value:016x}").as_bytes(), "{value:#x}");
        }
    }
}
