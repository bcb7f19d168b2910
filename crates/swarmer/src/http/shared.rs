//! What all users of a driver thread share: settings, origins, counters.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use rustls::ClientConfig;
use url::Url;

use super::config::Config;
use super::error::Error;
use super::http2::Multiplexed;
use super::origin::{BaseUrl, Origin, authority, parse_url};
use super::tap::Tap;
use super::tls;

/// Origins remembered before those without a user are forgotten: bounds the memory of a workload that meets
/// ever new hosts.
const ORIGINS_KEPT: usize = 1024;

/// What the clients of one thread share: settings, addresses of hosts, counts of connections.
#[derive(Debug)]
pub struct Shared {
    pub(super) config: Config,
    origins: RefCell<HashMap<String, Rc<Origin>>>,
    tls: OnceCell<Result<ClientConfig, Error>>,
    /// Connections that all users of the thread share.
    pub(super) multiplexed: RefCell<Vec<Multiplexed>>,
    /// Whose turn it is to open another of those.
    pub(super) opening: tokio::sync::Mutex<()>,
    pub(super) counters: Cell<Counters>,
    /// Who is shown every exchange.
    pub(super) tap: Option<Rc<dyn Tap>>,
}

/// How many connections were made and how many requests they served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections opened.
    pub opened: u64,
    /// Requests sent over a connection that an earlier request had opened.
    pub reused: u64,
    /// TLS handshakes among the connections opened.
    pub handshakes: u64,
    /// Handshakes that resumed a session of the same user.
    pub resumed: u64,
}

impl Shared {
    /// For the clients of the present thread.
    pub fn new(config: Config) -> Rc<Self> {
        Self::tapped(config, None)
    }

    /// As [`new`](Self::new), with somebody who is shown every exchange.
    pub(crate) fn tapped(config: Config, tap: Option<Rc<dyn Tap>>) -> Rc<Self> {
        Rc::new(Self {
            tap,
            config,
            origins: RefCell::default(),
            tls: OnceCell::new(),
            multiplexed: RefCell::default(),
            opening: tokio::sync::Mutex::default(),
            counters: Cell::default(),
        })
    }

    /// Parses the URL that the paths of requests are appended to.
    ///
    /// A path in it stands before each request's path; user and password become basic authentication; a query or
    /// fragment is ignored.
    ///
    /// # Errors
    /// Of kind [`Invalid`](super::ErrorKind::Invalid) if it is not an absolute `http` or `https` URL, of kind
    /// [`Tls`](super::ErrorKind::Tls) if it is `https` and the trusted roots are unusable.
    pub fn base_url(&self, text: &str) -> Result<BaseUrl, Error> {
        let url = parse_url(text)?;
        let origin = self.origin(&url)?;
        if origin.secure {
            // Reading the roots takes milliseconds: now, not in the middle of the first requests.
            self.tls()?;
        }
        Ok(BaseUrl::new(origin, &url))
    }

    /// The counts so far.
    pub fn counters(&self) -> Counters {
        self.counters.get()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counters)) {
        let mut counters = self.counters.get();
        change(&mut counters);
        self.counters.set(counters);
    }

    /// The origin of `url`, always the same one while anybody uses it.
    pub(super) fn origin(&self, url: &Url) -> Result<Rc<Origin>, Error> {
        let key = format!("{}://{}", url.scheme(), authority(url));
        let mut origins = self.origins.borrow_mut();
        if let Some(origin) = origins.get(&key) {
            return Ok(Rc::clone(origin));
        }
        if origins.len() >= ORIGINS_KEPT {
            origins.retain(|_, origin| Rc::strong_count(origin) > 1);
        }
        let origin = Rc::new(Origin::new(&self.config, url)?);
        origins.insert(key, Rc::clone(&origin));
        Ok(origin)
    }

    /// TLS settings for one more user.
    pub(super) fn tls_for_one_user(&self) -> Result<Arc<ClientConfig>, Error> {
        self.tls().map(|shared| tls::for_one_user(shared, self.config.tls_sessions))
    }

    fn tls(&self) -> Result<&ClientConfig, Error> {
        let shared = self.tls.get_or_init(|| tls::client_config(&self.config));
        shared.as_ref().map_err(Error::clone)
    }
}
