//! Requests over connections in HTTP/2 that users share: which one takes them, and what comes after one that fails.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use super::{Client, Run};
use crate::http::buffer::Buf;
use crate::http::conn::Connection;
use crate::http::error::{Error, ErrorKind};
use crate::http::head::Head;
use crate::http::http2::{Multiplexed, Seen};
use crate::http::origin::Origin;
use crate::http::protocol::{Http2, is_http2};
use crate::http::request::{Method, Request};

/// A server that refuses a request so often does not want it.
const MOST_TRIES: u32 = 5;

/// What connecting gave: over TLS the server decides.
enum Opened {
    Many(Multiplexed),
    One(Connection),
}

impl Client {
    /// One request, one answer, over HTTP/2 if the server speaks it.
    pub(super) async fn attempt_multiplexed(
        &mut self,
        origin: &Rc<Origin>,
        request: &Request,
        run: &mut Run,
    ) -> Result<(Head, Buf), Error> {
        let mut tries = 0;
        loop {
            let kept = self.multiplexed(origin);
            run.timings.reused = kept.is_some();
            let connection = match kept {
                Some(connection) => {
                    self.shared.count(|counters| counters.reused += 1);
                    connection
                }
                // A connection that speaks HTTP/1.1 is kept where the server wanted that.
                None if self.idle.iter().any(|idle| Rc::ptr_eq(&idle.origin, origin)) => {
                    return self.attempt(origin, request, run).await;
                }
                None => match self.open_or_join(origin, run).await? {
                    Opened::Many(connection) => connection,
                    Opened::One(fresh) => {
                        run.fresh = Some(fresh);
                        return self.attempt(origin, request, run).await;
                    }
                },
            };
            run.timings.first_byte = None;
            let (wire, limit) =
                (self.render(request, origin)?, self.shared.config.max_response_body);
            let answers_head = request.method == Method::HEAD;
            let exchange = connection.exchange(wire, answers_head, limit, &mut run.timings);
            let outcome = self.in_time(exchange, run.deadline).await;
            let outcome =
                outcome.ok_or_else(|| Error::timeout(ErrorKind::Timeout, "no answer", run.limit));
            match outcome? {
                Ok(answer) => return Ok(answer),
                // Once more, if nothing can happen twice by that.
                Err((error, seen)) => {
                    tries += 1;
                    let again = match seen {
                        Seen::No => tries < MOST_TRIES,
                        Seen::Perhaps => tries < MOST_TRIES && request.method.is_idempotent(),
                        Seen::Yes => false,
                    };
                    if !(run.timings.reused && again && error.kind() == ErrorKind::Closed) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// What `exchange` comes to; `None` if that takes too long.
    async fn in_time<T>(&mut self, exchange: impl Future<Output = T>, until: Instant) -> Option<T> {
        let mut exchange = pin!(exchange);
        poll_fn(|cx| match exchange.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if self.timer.poll_passed(cx, until) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// A connection to `origin` that takes a request at once.
    fn multiplexed(&self, origin: &Rc<Origin>) -> Option<Multiplexed> {
        let mut many = self.shared.multiplexed.borrow_mut();
        many.retain(|connection| !connection.is_closed());
        let fits = |c: &&Multiplexed| Rc::ptr_eq(&c.origin, origin) && c.has_room();
        many.iter().find(fits).cloned()
    }

    /// Opens a connection, or waits for the one that somebody else is opening.
    async fn open_or_join(&mut self, origin: &Rc<Origin>, run: &mut Run) -> Result<Opened, Error> {
        let shared = Rc::clone(&self.shared);
        let turn = tokio::time::timeout_at(run.deadline.into(), shared.opening.lock()).await;
        let _turn =
            turn.map_err(|_| Error::timeout(ErrorKind::Timeout, "no connection", run.limit))?;
        if let Some(connection) = self.multiplexed(origin) {
            shared.count(|counters| counters.reused += 1);
            run.timings.reused = true;
            return Ok(Opened::Many(connection));
        }
        let opened = self.open_any(origin, run).await?;
        if let Opened::Many(connection) = &opened {
            shared.multiplexed.borrow_mut().push(connection.clone());
        }
        Ok(opened)
    }

    async fn open_any(&mut self, origin: &Rc<Origin>, run: &mut Run) -> Result<Opened, Error> {
        let connection = self.open(origin, run).await?;
        if !is_http2(Http2::Shared, &connection.stream) {
            return Ok(Opened::One(connection));
        }
        let Connection { origin, stream, .. } = connection;
        Ok(Opened::Many(Multiplexed::over(origin, stream)))
    }
}
