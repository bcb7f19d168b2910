//! The rate limit: so many requests per client address and window, told by the `RateLimit-*` headers of the IETF draft 6
//! (what express-rate-limit calls its standard headers) and refused with 429 and `Retry-After`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use super::config::RateLimit;
use super::reply;
use crate::telemetry::is_operational;

pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
pub(super) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
pub(super) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The most clients of one generation; two generations are kept, in about 8 MiB.
const MAX_CLIENTS: usize = 65_536;

#[derive(Debug)]
pub(super) struct Limiter {
    window: Duration,
    max_requests: u32,
    clients: Mutex<Clients>,
}

/// Clients seen lately. A generation ends after a window, or when it is full; the one before the last is forgotten
/// then, so memory is bounded and no sweep is ever needed. Only a flood of addresses makes a client forgotten early.
#[derive(Debug)]
struct Clients {
    current: HashMap<IpAddr, Window>,
    previous: HashMap<IpAddr, Window>,
    begun: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begun: Instant,
    used: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decision {
    allowed: bool,
    remaining: u32,
    reset: Duration,
}

impl Limiter {
    /// `None` if there is no limit.
    pub(super) fn new(limit: RateLimit) -> Option<Self> {
        let clients =
            Clients { current: HashMap::new(), previous: HashMap::new(), begun: Instant::now() };
        (limit.max_requests > 0).then(|| Self {
            window: limit.window,
            max_requests: limit.max_requests,
            clients: Mutex::new(clients),
        })
    }

    fn decide(&self, client: IpAddr, now: Instant) -> Decision {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let over = now.duration_since(clients.begun) >= self.window;
        if over || clients.current.len() >= MAX_CLIENTS {
            clients.previous = std::mem::take(&mut clients.current);
            clients.begun = now;
        }
        let known = clients.current.get(&client).or_else(|| clients.previous.get(&client)).copied();
        let alive = known.filter(|window| now.duration_since(window.begun) < self.window);
        let mut window = alive.unwrap_or(Window { begun: now, used: 0 });
        window.used = window.used.saturating_add(1);
        clients.current.insert(client, window);
        Decision {
            allowed: window.used <= self.max_requests,
            remaining: self.max_requests.saturating_sub(window.used),
            reset: self.window.saturating_sub(now.duration_since(window.begun)),
        }
    }

    fn describe(&self, decision: Decision, headers: &mut HeaderMap) {
        let reset = decision.reset.as_millis().div_ceil(1000);
        let window = self.window.as_millis().div_ceil(1000);
        let policy = format!("{};w={window}", self.max_requests);
        headers.insert(POLICY, HeaderValue::try_from(policy).expect("digits make a header value"));
        headers.insert(LIMIT, self.max_requests.into());
        headers.insert(REMAINING, decision.remaining.into());
        let reset = HeaderValue::from(u64::try_from(reset).unwrap_or(u64::MAX));
        if !decision.allowed {
            headers.insert(header::RETRY_AFTER, reset.clone());
        }
        headers.insert(RESET, reset);
    }
}

pub(super) async fn limit(
    State(limiter): State<Arc<Limiter>>,
    request: Request,
    next: Next,
) -> Response {
    // Probes must get through, or an orchestrator would restart a busy gateway.
    if is_operational(request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let client = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), network);
    let decision = limiter.decide(client, Instant::now());
    let mut response = if decision.allowed {
        next.run(request).await
    } else {
        reply::error(StatusCode::TOO_MANY_REQUESTS, "Too many requests, please try again later.")
    };
    limiter.describe(decision, response.headers_mut());
    response
}

/// Who counts as one client: an IPv4 address, or an IPv6 network of the size that one customer is given.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(seconds: u64, max_requests: u32) -> Limiter {
        Limiter::new(RateLimit { window: Duration::from_secs(seconds), max_requests }).unwrap()
    }

    fn client(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[tokio::test]
    async fn a_window_runs_from_the_clients_first_request() {
        let limiter = limiter(10, 2);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let ask = |seconds| {
            let decision = limiter.decide(client(1), at(seconds));
            (decision.allowed, decision.remaining, decision.reset.as_secs())
        };
        assert_eq!(ask(3), (true, 1, 10));
        assert_eq!(ask(9), (true, 0, 4));
        // A generation ended at 10 s: the window goes on.
        assert_eq!(ask(12), (false, 0, 1));
        assert_eq!(ask(13), (true, 1, 10));
        assert!(limiter.decide(client(2), at(13)).allowed);
    }

    #[tokio::test]
    async fn memory_is_bounded_under_a_flood_of_addresses() {
        let limiter = limiter(900, 1);
        let now = Instant::now();
        for number in 0..300_000 {
            assert!(limiter.decide(client(number), now).allowed);
        }
        assert!(!limiter.decide(client(299_999), now).allowed);
        let clients = limiter.clients.lock().unwrap();
        assert!(clients.current.len() + clients.previous.len() <= 2 * MAX_CLIENTS);
    }

    #[test]
    fn no_limit_means_no_limiter() {
        assert!(
            Limiter::new(RateLimit { window: Duration::from_secs(1), max_requests: 0 }).is_none()
        );
    }

    #[test]
    fn an_ipv6_customer_is_one_client() {
        let of = |address: &str| network(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:1.2.3.4"), of("1.2.3.4"));
    }
}
