//! Requests of other protocols, timed by the task or by the engine, and the workload's own metrics.

use std::time::{Duration, Instant};

use super::User;
use super::error::{Reason, RequestFailed, TaskError};
use super::request::InFlight;
use crate::clock;
use crate::events::{Context, RequestEvent};
use crate::http::Response;
use crate::stats::{Detail, Kind, Sample};

/// A request that the engine did not send itself, for [`User::record`].
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is counted until it is recorded"]
pub struct CustomRequest<'a> {
    method: &'a str,
    name: &'a str,
    response_time: Option<Duration>,
    bytes: u64,
    failure: Option<&'a str>,
}

impl<'a> CustomRequest<'a> {
    /// A successful request of type `method` (a protocol's name, as a rule) under `name`, without a time and a size.
    pub fn new(method: &'a str, name: &'a str) -> Self {
        Self { method, name, response_time: None, bytes: 0, failure: None }
    }

    /// How long it took. Without it the request counts, but is part of no time and no percentile.
    pub fn response_time(mut self, time: Duration) -> Self {
        self.response_time = Some(time);
        self
    }

    /// The size of the answer.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Makes it a failed one.
    pub fn failure(mut self, reason: &'a str) -> Self {
        self.failure = Some(reason);
        self
    }
}

/// A finished request of any protocol.
pub(super) struct Finished<'a> {
    pub(super) method: &'a str,
    pub(super) name: &'a str,
    pub(super) response_time: Option<Duration>,
    pub(super) bytes: u64,
    pub(super) failure: Option<&'a str>,
    pub(super) completed: Instant,
    /// The engine sent it.
    pub(super) is_http: bool,
    pub(super) url: Option<&'a str>,
    pub(super) response: Option<&'a Response>,
    /// The trace id it was sent with; empty when it had none.
    pub(super) trace: &'a [u8],
    pub(super) context: &'a [(Box<str>, Box<str>)],
}

impl User {
    /// Counts a request that the task made and timed by itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use swarmer::prelude::*;
    ///
    /// # struct Listener;
    /// # impl Listener {
    /// async fn listen(&mut self, user: &mut User) -> TaskResult {
    ///     // … wait for a message, and read from it how long it was on its way …
    ///     user.record(CustomRequest::new("MQTT", "price").response_time(Duration::from_millis(12)).bytes(80));
    ///     user.record(CustomRequest::new("MQTT", "heartbeat")); // counted without a time
    ///     user.record(CustomRequest::new("MQTT", "order").failure("not acknowledged"));
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub fn record(&mut self, request: CustomRequest) {
        let CustomRequest { method, name, response_time, bytes, failure } = request;
        let completed = clock::now();
        let (url, response, trace, context) = (None, None, &[][..], &[][..]);
        self.account(&Finished {
            method,
            name,
            response_time,
            bytes,
            failure,
            completed,
            is_http: false,
            url,
            response,
            trace,
            context,
        });
    }

    /// Times `block` and counts it as one request of type `method` under `name`. Its error makes the request a failed one
    /// and is, like that of any failed request, not counted as an exception as well.
    ///
    /// A stop treats the block as a request in flight: it may end, as far as there is time, and is counted as aborted if
    /// it does not. What ends a task without an error ([`TaskError::end_task`], [`TaskError::stop_user`] and their like)
    /// is no failure and passes through. Requests within the block are counted under their own names as well.
    ///
    /// ```
    /// use swarmer::prelude::*;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// use tokio::net::TcpStream;
    ///
    /// struct Caller { line: TcpStream }
    ///
    /// impl Caller {
    ///     async fn echo(&mut self, user: &mut User) -> TaskResult {
    ///         let echoed = user
    ///             .measure("TCP", "echo", async |_user| {
    ///                 self.line.write_all(b"hello").await?;
    ///                 let mut answer = [0; 5];
    ///                 self.line.read_exact(&mut answer).await?;
    ///                 Ok(answer)
    ///             })
    ///             .await?;
    ///         assert_eq!(&echoed, b"hello");
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The block's own, as that of a [`RequestFailed`] where it was a failure.
    pub async fn measure<T>(
        &mut self,
        method: &str,
        name: &str,
        block: impl AsyncFnOnce(&mut User) -> Result<T, TaskError>,
    ) -> Result<T, TaskError> {
        self.stop.checkpoint().await;
        let (stop, env) = (self.stop.clone(), std::rc::Rc::clone(&self.env));
        let started = clock::now();
        let result = {
            let in_flight = InFlight::begin(&stop, &env);
            let result = block(self).await;
            in_flight.finish();
            result
        };
        let completed = clock::now();
        let result = result.map_err(failed);
        let failure = match &result {
            Err(error) => error.failure(),
            Ok(_) => None,
        };
        self.account(&Finished {
            method,
            name,
            response_time: Some(completed.duration_since(started)),
            bytes: 0,
            failure,
            completed,
            is_http: false,
            url: None,
            response: None,
            trace: &[],
            context: &[],
        });
        stop.checkpoint().await;
        result
    }

    /// Adds to the counter `name`.
    ///
    /// Counters, gauges and timings are merged over all users and threads and shown beside the statistics of requests.
    ///
    /// ```
    /// use std::time::Duration;
    /// use swarmer::prelude::*;
    ///
    /// # struct Writer;
    /// # impl Writer {
    /// async fn write(&mut self, user: &mut User) -> TaskResult {
    ///     user.count("tokens", 118);
    ///     user.gauge("queue length", 4.0);
    ///     user.timing("first token", Duration::from_millis(320));
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub fn count(&self, name: &str, amount: u64) {
        self.env.recorder.borrow_mut().metrics().count(name, amount);
    }

    /// Sets the gauge `name`: the last value counts, smallest, largest and mean are kept. A value that is not finite is
    /// ignored.
    pub fn gauge(&self, name: &str, value: f64) {
        self.env.recorder.borrow_mut().metrics().gauge(name, value, clock::now());
    }

    /// Adds a duration to the timing `name`, of which percentiles are shown.
    pub fn timing(&self, name: &str, time: Duration) {
        self.env.recorder.borrow_mut().metrics().timing(name, time);
    }

    /// Says `value` under `key` with every request from now on, to the hooks of [`Swarm::on_request`](crate::Swarm::on_request).
    pub fn set_context(&mut self, key: &str, value: &str) {
        match self.context.iter_mut().find(|(known, _)| **known == *key) {
            Some((_, old)) => *old = value.into(),
            None => self.context.push((key.into(), value.into())),
        }
    }

    /// Counts a finished request and tells the hooks.
    pub(super) fn account(&mut self, done: &Finished) {
        let Finished { method, name, response_time, bytes, failure, completed, .. } = *done;
        let sample = Sample {
            kind: Kind::Request,
            method,
            name,
            segment: self.segment,
            class: self.class,
            response_time,
            bytes,
            failure: failure.as_ref().map(|text| text as &dyn std::fmt::Display),
            completed,
            detail: Some(Detail {
                user: self.number,
                status: done.response.map_or(0, Response::status),
                trace: done.trace,
                body: done.response.map_or(&[], Response::body),
            }),
        };
        self.env.recorder.borrow_mut().record(&sample);
        self.step(&sample);
        if let Some(due) = self.due.take() {
            let since_due = completed.saturating_duration_since(due);
            self.env.recorder.borrow_mut().from_due(&sample, since_due);
        }
        if let Some(transcript) = &self.env.transcript {
            transcript.finished(done);
        }
        let Some(hooks) = &self.env.on_request else { return };
        hooks.request(&RequestEvent {
            user: self.number,
            method,
            name,
            response_time,
            response_length: bytes,
            failure,
            // Not as moments: a task may claim any time, also one longer than the machine has run.
            start_time: self.env.anchor.epoch_seconds(completed)
                - response_time.unwrap_or_default().as_secs_f64(),
            url: done.url,
            response: done.response,
            context: Context { own: done.context, user: &self.context },
        });
    }
}

/// An exception within a measured block is a failed request.
fn failed(error: TaskError) -> TaskError {
    match error.into_reason() {
        Reason::Exception(error) => RequestFailed { status: 0, reason: error.to_string() }.into(),
        other => TaskError::from_reason(other),
    }
}
