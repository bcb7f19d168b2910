//! Rules at work on requests.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::time::sleep;

use super::rule::{Fault, Service};
use super::{Faults, Plan};
use crate::telemetry::is_operational;

/// On an answer that is a fault on purpose, so that nobody hunts for its cause.
const MARK: HeaderName = HeaderName::from_static("x-injected-fault");

impl Faults {
    /// Wraps every route of a service, so that rules meet its requests.
    pub fn instrument(&self, router: Router, service: Service) -> Router {
        router.layer(from_fn_with_state((self.clone(), service), disturb))
    }
}

async fn disturb(
    State((faults, service)): State<(Faults, Service)>,
    request: Request,
    next: Next,
) -> Response {
    if !faults.is_on() || is_operational(request.uri().path()) {
        return next.run(request).await;
    }
    match faults.meet(service, request.method(), request.uri().path()).await {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}

impl Faults {
    /// Lets every rule that meets the request happen to it; an answer if one ends it.
    async fn meet(&self, service: Service, method: &Method, path: &str) -> Option<Response> {
        let plan = self.plan();
        for rule in plan.rules.iter().filter(|rule| rule.matches(service, method, path)) {
            let met = rule.percent >= 100.0 || self.chance() * 100.0 < rule.percent;
            if !met {
                continue;
            }
            for fault in &rule.faults {
                if let Some(answer) = self.happen(fault, &plan).await {
                    return Some(answer);
                }
            }
        }
        None
    }

    async fn happen(&self, fault: &Fault, plan: &Plan) -> Option<Response> {
        match fault {
            Fault::Latency(latency) => {
                self.count(fault);
                sleep(latency.draw(|| self.chance())).await;
                None
            }
            Fault::Stall { stall, every } => {
                let wait = stall_left(plan.since.elapsed(), *stall, *every)?;
                self.count(fault);
                sleep(wait).await;
                None
            }
            Fault::Error(status) => {
                self.count(fault);
                Some(error(*status))
            }
            Fault::Drop => {
                self.count(fault);
                Some(no_answer())
            }
        }
    }
}

/// The time to the end of the stall in progress, `elapsed` after the rules were set.
fn stall_left(elapsed: Duration, stall: Duration, every: Duration) -> Option<Duration> {
    let period = every.as_nanos().max(1);
    let left = period - elapsed.as_nanos() % period;
    let left = Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX));
    (left <= stall).then_some(left)
}

fn error(status: StatusCode) -> Response {
    let message = status.canonical_reason().unwrap_or("Fault on purpose");
    let body = serde_json::json!({ "success": false, "message": message });
    (status, [(MARK, HeaderValue::from_static("error"))], axum::Json(body)).into_response()
}

/// An answer that never leaves: its body fails before the head is written out, which makes the server close the
/// connection then and there.
fn no_answer() -> Response {
    let failure = std::io::Error::other("connection dropped on purpose");
    Response::new(Body::from_stream(stream::iter([Err::<bytes::Bytes, _>(failure)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_the_last_part_of_each_period() {
        let seconds = Duration::from_secs;
        let left = |elapsed| stall_left(Duration::from_millis(elapsed), seconds(2), seconds(20));
        assert_eq!(left(0), None);
        assert_eq!(left(17_999), None);
        assert_eq!(left(18_000), Some(seconds(2)));
        assert_eq!(left(19_500), Some(Duration::from_millis(500)));
        assert_eq!(left(20_000), None);
        assert_eq!(left(39_000), Some(seconds(1)));
    }
}
