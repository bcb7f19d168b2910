//! Addresses of a host: looked up off the thread, remembered for a while, handed out in turn.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::error::{Error, ErrorKind};
use crate::clock;

/// How long found addresses serve. The system's resolver tells no lifetime; DNS records that matter to load tests
/// (fail-over, rolling deployments) usually live 30 to 60 s.
const FRESH: Duration = Duration::from_secs(30);
/// How long a failed look-up stands, so that thousands of waiting users do not repeat it one after the other.
const FAILED: Duration = Duration::from_secs(1);

/// The addresses of one host.
#[derive(Debug)]
pub(super) struct Addresses {
    host: Box<str>,
    port: u16,
    known: RefCell<Known>,
    turn: Cell<usize>,
    /// Held while a look-up runs: users that need the same name wait for that one.
    looking_up: Mutex<()>,
}

#[derive(Debug)]
struct Known {
    list: Vec<SocketAddr>,
    /// When `list` or `failure` is out of date; `None` for an address literal, which never is.
    until: Option<Instant>,
    failure: Option<Error>,
}

impl Addresses {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let (list, until) = match host.parse::<IpAddr>() {
            Ok(address) => (vec![SocketAddr::new(address, port)], None),
            Err(_) => (Vec::new(), Some(clock::now())),
        };
        Self {
            host: host.into(),
            port,
            known: RefCell::new(Known { list, until, failure: None }),
            turn: Cell::new(0),
            looking_up: Mutex::const_new(()),
        }
    }

    /// The addresses to try, best first: those of the family the system prefers take turns, the other family's
    /// stand behind as a fallback.
    pub(super) async fn get(&self) -> Result<Vec<SocketAddr>, Error> {
        if let Some(answer) = self.fresh() {
            return answer;
        }
        let _one_at_a_time = self.looking_up.lock().await;
        if let Some(answer) = self.fresh() {
            return answer;
        }
        let found = tokio::net::lookup_host((&*self.host, self.port)).await;
        self.learn(found.map(Iterator::collect));
        self.fresh().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Leaves `bad` out for as long as the present addresses serve: another one answered, this one did not.
    pub(super) fn leave_out(&self, bad: SocketAddr) {
        let mut known = self.known.borrow_mut();
        if let Some(at) = known.list.iter().position(|&address| address == bad)
            && known.list.len() > 1
        {
            known.list.remove(at);
        }
    }

    fn fresh(&self) -> Option<Result<Vec<SocketAddr>, Error>> {
        let known = self.known.borrow();
        if known.until.is_some_and(|until| clock::now() >= until) {
            return None;
        }
        if let Some(failure) = &known.failure {
            return Some(Err(failure.clone()));
        }
        let mut list = known.list.clone();
        let family = list.first().is_some_and(SocketAddr::is_ipv6);
        list.sort_by_key(|address| address.is_ipv6() != family);
        let preferred = list.iter().filter(|address| address.is_ipv6() == family).count();
        if preferred > 1 {
            let turn = self.turn.get();
            self.turn.set(turn.wrapping_add(1));
            list[..preferred].rotate_left(turn % preferred);
        }
        Some(Ok(list))
    }

    pub(super) fn learn(&self, found: std::io::Result<Vec<SocketAddr>>) {
        let mut known = self.known.borrow_mut();
        let now = clock::now();
        match found {
            Ok(list) if !list.is_empty() => {
                *known = Known { list, until: Some(now + FRESH), failure: None };
            }
            // What was known before is likelier to serve than nothing.
            _ if !known.list.is_empty() => known.until = Some(now + FAILED),
            other => {
                let reason = match other {
                    Err(error) => error.to_string(),
                    Ok(_) => "the name has no address".to_owned(),
                };
                // The standard library's preface says nothing that the kind of the error does not.
                let reason = reason
                    .strip_prefix("failed to lookup address information: ")
                    .unwrap_or(&reason);
                let text = format!("host `{}` not found: {reason}", self.host);
                known.failure = Some(Error::new(ErrorKind::Resolve, text));
                known.until = Some(now + FAILED);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(list: &[&str]) -> Addresses {
        let addresses = Addresses::new("example.test", 80);
        addresses.learn(Ok(list.iter().map(|text| text.parse().unwrap()).collect()));
        addresses
    }

    fn order(addresses: &Addresses) -> Vec<String> {
        addresses.fresh().unwrap().unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_preferred_family_takes_turns_and_the_other_stands_by() {
        let addresses = learned(&["[::1]:80", "127.0.0.1:80", "[::2]:80"]);
        assert_eq!(order(&addresses), ["[::1]:80", "[::2]:80", "127.0.0.1:80"]);
        assert_eq!(order(&addresses), ["[::2]:80", "[::1]:80", "127.0.0.1:80"]);
        assert_eq!(order(&addresses), ["[::1]:80", "[::2]:80", "127.0.0.1:80"]);
    }

    #[test]
    fn a_dead_address_is_left_out_but_never_the_last() {
        let addresses = learned(&["[::1]:80", "127.0.0.1:80"]);
        addresses.leave_out("[::1]:80".parse().unwrap());
        assert_eq!(order(&addresses), ["127.0.0.1:80"]);
        addresses.leave_out("127.0.0.1:80".parse().unwrap());
        assert_eq!(order(&addresses), ["127.0.0.1:80"]);
    }

    #[test]
    fn old_addresses_outlive_a_failed_lookup() {
        let addresses = learned(&["127.0.0.1:80"]);
        addresses.learn(Err(std::io::Error::other("no answer")));
        assert_eq!(order(&addresses), ["127.0.0.1:80"]);
        let unknown = Addresses::new("example.test", 80);
        unknown.learn(Err(std::io::Error::other(
            "failed to lookup address information: Name or service not known",
        )));
        assert_eq!(
            unknown.fresh().unwrap().unwrap_err().repr(),
            "ResolveError('host `example.test` not found: Name or service not known')"
        );
    }

    #[tokio::test]
    async fn literals_need_no_lookup() {
        for (host, expected) in [("127.0.0.1", "127.0.0.1:8080"), ("::1", "[::1]:8080")] {
            let found = Addresses::new(host, 8080).get().await.unwrap();
            assert_eq!(found, [expected.parse().unwrap()]);
        }
    }
}
