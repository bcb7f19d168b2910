//! Which single requests a recorder keeps: of each row the slowest, and some of the failed.
//!
//! A fast success costs one comparison: with the time of the slowest ones kept before. That time is forgotten every few
//! hand-overs, so that figures that were reset find slow requests again.

use std::sync::Arc;
use std::time::Instant;

use super::delta::RowKey;
use super::exemplar::{Exemplar, Why};
use super::limits;
use super::recorder::Detail;
use super::summary::ms;
use crate::clock::Anchor;

/// So many hand-overs a row remembers how slow the slowest were.
pub(super) const MEMORY: usize = 10;
/// So many failed requests of a row wait at most for the next hand-over, each with an error of its own.
const FAILED_WAITING: usize = 3;
const KEPT: usize = limits::EXEMPLARS_PER_ROW;

/// The requests of one row that wait to be handed over.
#[derive(Debug)]
pub(super) struct Picks {
    /// The longest times since they were forgotten.
    longest: [u64; KEPT],
    slow: Vec<Slow>,
    failed: Vec<Failed>,
}

/// A slow request; nothing of it is on the heap, so that picking it allocates nothing.
#[derive(Clone, Copy, Debug)]
struct Slow {
    nanos: u64,
    at: Instant,
    user: u64,
    status: u16,
    trace: Trace,
}

#[derive(Debug)]
struct Failed {
    nanos: Option<u64>,
    at: Instant,
    user: u64,
    status: u16,
    trace: Trace,
    error: Arc<str>,
    excerpt: Option<Box<str>>,
}

/// 32 hexadecimal digits, if there are any.
#[derive(Clone, Copy, Debug)]
struct Trace(Option<[u8; 32]>);

impl Trace {
    fn of(digits: &[u8]) -> Self {
        Self(digits.try_into().ok())
    }

    fn text(&self) -> Box<str> {
        let digits = self.0.as_ref().map_or(&[][..], |digits| digits);
        str::from_utf8(digits).unwrap_or_default().into()
    }
}

impl Default for Picks {
    fn default() -> Self {
        let (slow, failed) = (Vec::with_capacity(KEPT), Vec::new());
        Self { longest: [0; KEPT], slow, failed }
    }
}

impl Picks {
    /// Keeps a request that was slower than the one whose time was answered last; the time that the next one must exceed.
    pub(super) fn slow(&mut self, nanos: u64, at: Instant, detail: &Detail) -> u64 {
        if let Some(shortest) = self.longest.iter_mut().min() {
            *shortest = nanos;
        }
        let Detail { user, status, trace, .. } = *detail;
        let picked = Slow { nanos, at, user, status, trace: Trace::of(trace) };
        if self.slow.len() < KEPT {
            self.slow.push(picked);
        } else if let Some(fastest) = self.slow.iter_mut().min_by_key(|slow| slow.nanos)
            && fastest.nanos < nanos
        {
            *fastest = picked;
        }
        self.longest.into_iter().min().unwrap_or(0)
    }

    /// Keeps a failed request, unless enough of them wait, or one with the same error.
    pub(super) fn failed(&mut self, nanos: Option<u64>, at: Instant, detail: &Detail, error: &str) {
        let known = self.failed.iter().any(|failed| *failed.error == *error);
        if known || self.failed.len() >= FAILED_WAITING {
            return;
        }
        let Detail { user, status, trace, body } = *detail;
        self.failed.push(Failed {
            nanos,
            at,
            user,
            status,
            trace: Trace::of(trace),
            error: error.into(),
            excerpt: excerpt(body),
        });
    }

    /// From now on any request is among the slowest, until there are some again.
    pub(super) fn forget(&mut self) {
        self.longest = [0; KEPT];
    }

    /// Hands over what waits, at most as many as there is room for.
    pub(super) fn take(&mut self, key: &RowKey, anchor: &Anchor, into: &mut Vec<Exemplar>) {
        let of_row = || Exemplar {
            method: Arc::clone(&key.method),
            name: Arc::clone(&key.name),
            scenario: key.class.clone().unwrap_or_default(),
            segment: key.segment.clone(),
            ..Exemplar::default()
        };
        into.extend(self.slow.drain(..).map(|Slow { nanos, at, user, status, trace }| Exemplar {
            why: Why::Slow,
            at: anchor.epoch_seconds(at),
            time: Some(ms(nanos)),
            user,
            status,
            trace: trace.text(),
            ..of_row()
        }));
        into.extend(self.failed.drain(..).map(|failed| Exemplar {
            why: Why::Failed,
            at: anchor.epoch_seconds(failed.at),
            time: failed.nanos.map(ms),
            user: failed.user,
            status: failed.status,
            trace: failed.trace.text(),
            error: Some(failed.error),
            excerpt: failed.excerpt,
            ..of_row()
        }));
    }
}

/// The beginning of a body as text that is safe to show: what is no UTF-8 is marked, what controls a terminal or the
/// direction of writing is left out, and so is space beyond one.
fn excerpt(body: &[u8]) -> Option<Box<str>> {
    if body.is_empty() {
        return None;
    }
    let beginning = &body[..body.len().min(limits::EXCERPT_BYTES)];
    let text = String::from_utf8_lossy(beginning);
    let is_cut = beginning.len() < body.len();
    // A character that the cut went through is no fault of the body's.
    let text = if is_cut { text.trim_end_matches(char::REPLACEMENT_CHARACTER) } else { &text };
    let mut shown = String::with_capacity(text.len());
    for part in text.chars() {
        let steers = matches!(part, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if part.is_whitespace() || part.is_control() {
            if !shown.ends_with(' ') {
                shown.push(' ');
            }
        } else if !steers {
            shown.push(part);
        }
    }
    Some(shown.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        let shown = |body: &[u8]| excerpt(body).map(String::from);
        assert_eq!(shown(b""), None);
        let json = b"{\n  \"message\": \"no\x1b[31m quote\"\r\n}\0";
        assert_eq!(shown(json).as_deref(), Some("{ \"message\": \"no [31m quote\" }"));
        assert_eq!(shown("a\u{202e}b\u{85}c".as_bytes()).as_deref(), Some("ab c"));
        assert_eq!(shown(b"\xff\xfe!").as_deref(), Some("\u{fffd}\u{fffd}!"));
        let long = format!("a{}", "é".repeat(limits::EXCERPT_BYTES));
        let cut = shown(long.as_bytes()).unwrap();
        assert_eq!(cut.len(), limits::EXCERPT_BYTES - 1, "the last é was cut in two: {cut}");
        assert!(cut.ends_with('é'));
    }
}
