//! The gateway's own count of requests, against which a load engine's figures are checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

/// Counts every request that reached the gateway; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    received: AtomicU64,
    received_api: AtomicU64,
    responses: [AtomicU64; CLASSES.len()],
}

/// The classes of answers; the last one is no answer at all: the client went away first.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];
const NONE: usize = CLASSES.len() - 1;

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All requests.
    pub received: u64,
    /// Those under `/api/v1`.
    pub received_api: u64,
    /// The answers of classes 1xx to 5xx, and the requests whose client left before the answer's head.
    pub responses: [u64; CLASSES.len()],
}

impl Snapshot {
    /// The answers by the name of their class.
    pub fn by_class(&self) -> [(&'static str, u64); CLASSES.len()] {
        std::array::from_fn(|class| (CLASSES[class], self.responses[class]))
    }
}

impl Counters {
    /// Puts the count around a router: outermost of all layers, so that nothing that arrives is missed.
    pub fn count(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), count))
    }

    /// The counts so far.
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            received: read(&self.0.received),
            received_api: read(&self.0.received_api),
            responses: self.0.responses.each_ref().map(read),
        }
    }

    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

async fn count(State(counters): State<Counters>, request: Request, next: Next) -> Response {
    Counters::add(&counters.0.received);
    let path = request.uri().path();
    if path.strip_prefix("/api/v1").is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        Counters::add(&counters.0.received_api);
    }
    let mut outcome = Outcome { counters, class: NONE };
    let response = next.run(request).await;
    let class = usize::from(response.status().as_u16() / 100);
    outcome.class = class.saturating_sub(1).min(NONE);
    response
}

/// Counts the answer when dropped, so also that of a request whose client left.
struct Outcome {
    counters: Counters,
    class: usize,
}

impl Drop for Outcome {
    fn drop(&mut self) {
        Counters::add(&self.counters.0.responses[self.class]);
    }
}
