//! One request of a user: built step by step, sent, judged, recorded.

use std::fmt::Display;
use std::future::Future;
use std::ops::RangeInclusive;

use futures_util::{FutureExt, TryFutureExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::custom::Finished;
use super::error::{RequestFailed, TaskError};
use super::stop::StopSignal;
use super::{Env, User};
use crate::http::{self, Response};
use crate::report::python;
use crate::telemetry::{TRACEPARENT, TraceParent};

/// What a check on a reply says: fine, or why not.
pub type Verdict = Result<(), String>;

/// The status codes that count as success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect(Accept);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Accept {
    /// Locust's rule: anything below 400.
    BelowError,
    /// One of these; unused places hold 0.
    OneOf([u16; 4]),
    /// Any of the range.
    Within(RangeInclusive<u16>),
}

impl From<u16> for Expect {
    fn from(status: u16) -> Self {
        Self(Accept::OneOf([status, 0, 0, 0]))
    }
}

macro_rules! expect_array {
    ($($n:literal),*) => {$(
        impl From<[u16; $n]> for Expect {
            fn from(statuses: [u16; $n]) -> Self {
                let mut all = [0; 4];
                all[..$n].copy_from_slice(&statuses);
                Self(Accept::OneOf(all))
            }
        }
    )*};
}
expect_array!(1, 2, 3, 4);

impl From<RangeInclusive<u16>> for Expect {
    fn from(statuses: RangeInclusive<u16>) -> Self {
        Self(Accept::Within(statuses))
    }
}

impl Expect {
    /// `None` when `status` is fine, else the text of the failure in the words people's dashboards know.
    fn judge<'p>(
        &self,
        status: u16,
        phrase: impl FnOnce() -> &'p str,
        name: &str,
    ) -> Option<String> {
        let fine = match &self.0 {
            Accept::BelowError => status < 400,
            Accept::OneOf(statuses) => statuses.contains(&status),
            Accept::Within(range) => range.contains(&status),
        };
        if fine {
            return None;
        }
        Some(match &self.0 {
            Accept::BelowError => status_error(status, phrase(), name),
            Accept::OneOf(statuses) => {
                let expected: Vec<String> =
                    statuses.iter().filter(|&&s| s != 0).map(u16::to_string).collect();
                rejected(&format!("expected status {}, got {status}", expected.join(" or ")))
            }
            Accept::Within(range) => rejected(&format!(
                "expected a status from {} to {}, got {status}",
                range.start(),
                range.end()
            )),
        })
    }
}

/// What Locust's `HttpUser` says of a reply from 400 up.
fn status_error(status: u16, phrase: &str, name: &str) -> String {
    let side = if status < 500 { "Client" } else { "Server" };
    format!(
        "HTTPError({})",
        python::quoted(&format!("{status} {side} Error: {phrase} for url: {name}"))
    )
}

/// A verdict of the workload's own, in the wrapper that Locust gives it in its files.
fn rejected(reason: &str) -> String {
    format!("CatchResponseError({})", python::quoted(reason))
}

/// A request being built. Nothing happens until [`send`](Self::send) or [`fetch`](Self::fetch).
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'u, C = fn(&Response) -> Verdict> {
    user: &'u mut User,
    inner: http::Request,
    name: Option<&'u str>,
    expect: Expect,
    check: Option<C>,
    context: Vec<(Box<str>, Box<str>)>,
}

impl<C> std::fmt::Debug for Request<'_, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("name", &self.name)
            .field("expect", &self.expect)
            .finish_non_exhaustive()
    }
}

impl<'u> Request<'u> {
    pub(super) fn new(user: &'u mut User, inner: http::Request) -> Self {
        let (expect, context) = (Expect(Accept::BelowError), Vec::new());
        Self { user, inner, name: None, expect, check: None, context }
    }

    /// Judges the reply beyond its status: `Err(reason)` makes the request a failure under that reason.
    ///
    /// Runs before the request is recorded and after its time was taken, so it costs the figures nothing.
    pub fn check<D: FnOnce(&Response) -> Verdict>(self, check: D) -> Request<'u, D> {
        let Self { user, inner, name, expect, check: _, context } = self;
        Request { user, inner, name, expect, check: Some(check), context }
    }
}

impl<'u, C: FnOnce(&Response) -> Verdict> Request<'u, C> {
    /// The name under which the request is counted; its path and query when none is given.
    pub fn name(mut self, name: &'u str) -> Self {
        self.name = Some(name);
        self
    }

    /// The status, or statuses, that count as success: `200`, `[200, 201]`, `200..=299`. Without it anything below 400.
    pub fn expect(mut self, expect: impl Into<Expect>) -> Self {
        self.expect = expect.into();
        self
    }

    /// Says `value` under `key` to the hooks of [`Swarm::on_request`](crate::Swarm::on_request), with this request only.
    pub fn context(mut self, key: &str, value: &str) -> Self {
        self.context.push((key.into(), value.into()));
        self
    }

    /// Adds a header. Of `Authorization`, `User-Agent`, `Content-Type`, `Cookie` and `Host` the last one counts, also
    /// before a default of [`User::set_header`].
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.inner = self.inner.header(name, value);
        self
    }

    /// Adds `Authorization: Bearer …`.
    pub fn bearer(mut self, token: &str) -> Self {
        self.inner = self.inner.bearer(token);
        self
    }

    /// Appends `name=value` to the query, both percent-encoded.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.inner = self.inner.query(name, value);
        self
    }

    /// Sends `body` as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.inner = self.inner.json(body);
        self
    }

    /// Sends pairs as a form (`application/x-www-form-urlencoded`).
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        self.inner = self.inner.form(pairs.iter().copied());
        self
    }

    /// Sends `body` as it is.
    pub fn body(mut self, body: &[u8], content_type: &str) -> Self {
        self.inner = self.inner.body(body, content_type);
        self
    }

    /// The longest this request may take, redirects and all, instead of the client's limit.
    pub fn timeout(mut self, limit: std::time::Duration) -> Self {
        self.inner = self.inner.timeout(limit);
        self
    }

    /// Whether redirects are followed (they are, by default).
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.inner = self.inner.follow_redirects(follow);
        self
    }

    /// Sends the request and records it: one sample, successful or failed.
    ///
    /// # Errors
    /// [`RequestFailed`] when there was no reply, its status was not expected, or the check refused it.
    pub fn send(self) -> impl Future<Output = Result<Response, RequestFailed>> {
        self.exchange(|_| Ok(())).map_ok(|(response, ())| response)
    }

    /// Sends the request and decodes the JSON reply. A reply that does not decode is a failed request.
    ///
    /// # Errors
    /// As [`send`](Self::send), turned into a [`TaskError`] so that `?` ends the task.
    pub fn fetch<T: DeserializeOwned>(self) -> impl Future<Output = Result<T, TaskError>> {
        let decode = |response: &Response| {
            response.json().map_err(|error| format!("reply is not the JSON expected: {error}"))
        };
        self.exchange(decode).map(|outcome| Ok(outcome?.1))
    }

    /// What this future and those within it keep, a user keeps in each of its tasks, and an `async fn` keeps its arguments
    /// twice: so it is a plain function, of which a block is awaited.
    fn exchange<T>(
        self,
        decode: impl FnOnce(&Response) -> Result<T, String>,
    ) -> impl Future<Output = Result<(Response, T), RequestFailed>> {
        let Self { user, mut inner, name, expect, check, context } = self;
        async move {
            user.stop.checkpoint().await;
            if user.env.limiter.is_set() {
                user.env.limiter.pass().await;
                user.stop.checkpoint().await;
            }
            let method = inner.method();
            // Only a request without a name of its own has to remember its path: names are few, paths need not be.
            let path = if name.is_none() { Some(inner.target().to_owned()) } else { None };
            let name = name.or(path.as_deref()).unwrap_or_default();

            // Hooks are told where the request went.
            let url = user.env.on_request.is_some().then(|| inner.target().to_owned());
            if let Some(transcript) = &user.env.transcript {
                transcript.request(method.as_str(), inner.target(), name);
            }
            let trace = TraceParent::random(&mut *user.env.trace_rng.borrow_mut());
            inner.push_header(TRACEPARENT, &[trace.as_bytes()]);

            let exchange = {
                let in_flight = InFlight::begin(&user.stop, &user.env);
                let exchange = user.client.exchange(&mut inner).await;
                in_flight.finish();
                exchange
            };

            let completed = exchange.timings.started + exchange.timings.total;
            let bytes = exchange.result.as_ref().map_or(0, |response| response.body().len() as u64);
            let (response, verdict) = match exchange.result {
                Ok(response) => {
                    let verdict = judge(&response, name, &expect, check, decode);
                    (Some(response), verdict)
                }
                Err(error) => (None, Err(RequestFailed { status: 0, reason: error.repr() })),
            };
            user.account(&Finished {
                method: method.as_str(),
                name,
                response_time: Some(exchange.timings.total),
                bytes,
                failure: verdict.as_ref().err().map(|failed| failed.reason.as_str()),
                completed,
                is_http: true,
                url: url.as_deref(),
                response: response.as_ref(),
                trace: trace.trace_id(),
                context: &context,
            });
            user.stop.checkpoint().await;
            let value = verdict?;
            Ok((response.expect("only a response is judged to be fine"), value))
        }
    }
}

fn judge<T>(
    response: &Response,
    name: &str,
    expect: &Expect,
    check: Option<impl FnOnce(&Response) -> Verdict>,
    decode: impl FnOnce(&Response) -> Result<T, String>,
) -> Result<T, RequestFailed> {
    let status = response.status();
    if let Some(reason) = expect.judge(status, || response.reason(), name) {
        return Err(RequestFailed { status, reason });
    }
    check
        .map_or(Ok(()), |check| check(response))
        .and_then(|()| decode(response))
        .map_err(|reason| RequestFailed { status, reason: rejected(&reason) })
}

/// Marks the user as being in the middle of a request; one that is dropped unfinished counts as aborted.
pub(super) struct InFlight<'u> {
    stop: &'u StopSignal,
    env: &'u Env,
    finished: bool,
}

impl<'u> InFlight<'u> {
    pub(super) fn begin(stop: &'u StopSignal, env: &'u Env) -> Self {
        stop.set_in_flight(true);
        Self { stop, env, finished: false }
    }

    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.stop.set_in_flight(false);
        if !self.finished {
            self.env.recorder.borrow_mut().aborted();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locusts_rule_is_the_default() {
        let rule = Expect(Accept::BelowError);
        assert_eq!(rule.judge(399, || "", "/x"), None);
        assert_eq!(
            rule.judge(404, || "Not Found", "/x").as_deref(),
            Some("HTTPError('404 Client Error: Not Found for url: /x')")
        );
    }

    #[test]
    fn statuses_and_ranges_say_what_they_wanted() {
        assert_eq!(Expect::from([200, 201]).judge(201, || "", "n"), None);
        assert_eq!(
            Expect::from([200, 201]).judge(500, || "", "n").as_deref(),
            Some("CatchResponseError('expected status 200 or 201, got 500')")
        );
        assert_eq!(
            Expect::from(200..=299).judge(301, || "", "n").as_deref(),
            Some("CatchResponseError('expected a status from 200 to 299, got 301')")
        );
    }
}
