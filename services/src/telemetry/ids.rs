//! Trace and span ids, and their W3C `traceparent` form (<https://www.w3.org/TR/trace-context/>).

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// One span's place in a trace, as `traceparent` carries it. Neither id is ever zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    /// Whether the caller records this trace; a service that records follows its decision.
    pub(crate) sampled: bool,
}

impl TraceContext {
    /// The root of a new trace.
    pub(crate) fn root(sampled: bool) -> Self {
        Self { trace_id: rand::random_range(1..=u128::MAX), span_id: span_id(), sampled }
    }

    /// A new span in the same trace.
    pub(crate) fn child(self) -> Self {
        Self { span_id: span_id(), ..self }
    }

    /// Reads `traceparent`; `None` if it is absent, repeated or not valid by the standard, which says to go on
    /// as if there were none.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        if values.next().is_some() { None } else { Self::parse(value.as_bytes()) }
    }

    /// Reads the text of a `traceparent` header.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let version = hex(text.get(0..2)?)?;
        // Version 00 is exactly this long; a later one may go on after a dash.
        let well_ended = match version {
            0 => text.len() == 55,
            0xff => false,
            _ => text.len() == 55 || text.get(55) == Some(&b'-'),
        };
        let dashes = [2, 35, 52].iter().all(|&at| text.get(at) == Some(&b'-'));
        if !well_ended || !dashes {
            return None;
        }
        let trace_id = hex(text.get(3..35)?)?;
        let span_id = u64::try_from(hex(text.get(36..52)?)?).ok()?;
        let flags = hex(text.get(53..55)?)?;
        (trace_id != 0 && span_id != 0).then_some(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }

    pub(crate) fn to_header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string())
            .expect("hex digits and dashes are a valid header value")
    }

    /// The trace's id as 32 hex digits, as logs and APMs show it.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, sampled } = self;
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(*sampled))
    }
}

fn span_id() -> u64 {
    rand::random_range(1..=u64::MAX)
}

/// Lower-case hex only, as the standard demands.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn reads_what_it_writes() {
        let context = TraceContext::parse(GOOD.as_bytes()).unwrap();
        assert!(context.sampled);
        assert_eq!(context.to_string(), GOOD);
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.child().trace_id, context.trace_id);
        assert_ne!(context.child().span_id, context.span_id);
    }

    #[test]
    fn refuses_what_the_standard_refuses() {
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        ] {
            assert_eq!(TraceContext::parse(bad.as_bytes()), None, "{bad}");
        }
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-what-else";
        assert_eq!(TraceContext::parse(later.as_bytes()).map(|c| c.sampled), Some(false));
    }

    #[test]
    fn a_repeated_header_counts_as_none() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert!(TraceContext::from_headers(&headers).is_some());
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert!(TraceContext::from_headers(&headers).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(context) = TraceContext::parse(&bytes) {
                prop_assert!(context.trace_id != 0 && context.span_id != 0);
            }
        }
    }
}
