//! The event stream: one tick a second.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::IntoParams;

use super::figures::bad_query;
use crate::web::auth::Visit;
use crate::web::live::{self, Second};
use crate::web::reply::ApiError;
use crate::web::site::Site;

/// Proxies close what is silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a reader has had.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct From {
    /// As the header `Last-Event-ID`, which is stronger.
    last: Option<u64>,
}

/// One reader. It is told the newest second when it is ready for one; what it missed meanwhile comes with it, so
/// nothing waits anywhere for a slow reader.
struct Reader {
    site: Arc<Site>,
    newest: watch::Receiver<Option<Arc<Second>>>,
    closing: watch::Receiver<bool>,
    /// The session it belongs to: it ends with it.
    visit: Option<Visit>,
    /// The id of the last event it had.
    last: Option<u64>,
}

/// Ticks, one a second.
#[utoipa::path(get, path = "/api/v1/events", params(From), responses((status = 200, description = "text/event-stream of `tick` events")))]
pub(in crate::web) async fn events(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    from: Result<Query<From>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(from) = from.map_err(|rejection| bad_query(&rejection))?;
    let header = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let mut newest = site.live.newest.clone();
    // What there is already is told at once.
    newest.mark_changed();
    let closing = site.closing.clone();
    let visit = site.gate.as_ref().and_then(|gate| gate.visit(&headers));
    let reader = Reader { site, newest, closing, visit, last: header.or(from.last) };
    let ticks = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let keep_alive = KeepAlive::new().interval(HEARTBEAT).text("still here");
    let mut response = Sse::new(ticks).keep_alive(keep_alive).into_response();
    // Proxies that collect replies would hold ticks back.
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

/// Returns when the session has ended; never where there is none.
async fn signed_out(visit: Option<&mut Visit>) {
    match visit {
        Some(visit) => visit.signed_out().await,
        None => std::future::pending().await,
    }
}

impl Reader {
    /// Waits for a second that is newer than the last one told; `None` when there will be none.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = signed_out(self.visit.as_mut()) => return None,
            }
            // Sessions also end of age.
            if self.visit.as_ref().is_some_and(|visit| !visit.goes_on()) {
                return None;
            }
            let Some(second) = self.newest.borrow_and_update().clone() else { continue };
            let text = match self.last {
                Some(last) if last != second.previous && last < second.id => {
                    self.since(&second, last).await?
                }
                _ => second.text.clone(),
            };
            self.last = Some(second.id);
            return Some(Event::default().event("tick").id(second.id.to_string()).data(text));
        }
    }

    /// The newest second with all that was missed.
    async fn since(&self, second: &Second, last: u64) -> Option<String> {
        let history =
            self.site.handle.ask(move |collector| collector.history().since(last)).await?;
        let summary = self.site.handle.latest()?;
        Some(second.text_since(&history, &live::marks_since(&summary, last)))
    }
}
