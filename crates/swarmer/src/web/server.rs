//! The server: a thread, a runtime, a port, and one task for each connection.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Extension;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::auth::{Auth, AuthError};
use super::live::Live;
use super::login::Gate;
use super::site::{About, Site};
use super::tls::{self, TlsError};
use super::wish::{Facts, Wish};
use super::{live, routes};
use crate::options::WebOptions;
use crate::runner::Handle;

/// Connections at a time; more wait in the system's queue.
const CONNECTIONS: usize = 1_024;

/// A TLS handshake, and the head of a request, has to be there within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// At the end of the process connections get so long for what they are doing.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why there is no web interface.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error("cannot serve the web interface at {address}: {source}")]
    Bind { address: String, source: io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error("cannot start the thread of the web interface: {0}")]
    Thread(io::Error),
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// It is a process of this machine.
    pub(super) is_here: bool,
}

/// The port, before anybody is served.
pub(crate) struct Door {
    listener: TcpListener,
    auth: Option<Auth>,
    tls: Option<TlsAcceptor>,
    base_path: String,
    display_name: Option<String>,
    /// `--web-host`, if it was given.
    host: Option<String>,
    allow_get: bool,
    cors: Option<String>,
}

impl Door {
    /// Takes the port that the options name.
    ///
    /// # Errors
    /// When it is taken, or the certificate cannot be used.
    pub(crate) fn open(web: &WebOptions) -> Result<Self, ServerError> {
        let tls = tls::acceptor(web.tls_cert.as_deref(), web.tls_key.as_deref())?;
        let auth = Auth::new(web)?;
        let listener = listen(web.host.as_deref(), web.port)?;
        Ok(Self {
            listener,
            auth,
            tls,
            base_path: web.base_path.trim_end_matches('/').to_owned(),
            display_name: web.host_display_name.clone(),
            host: web.host.clone(),
            allow_get: web.allow_get,
            cors: web.cors.clone(),
        })
    }

    /// Where people find the page.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let (port, base) = (self.port(), &self.base_path);
        match (&self.host, &self.display_name) {
            (Some(host), _) if host.contains(':') => format!("{scheme}://[{host}]:{port}{base}"),
            (Some(host), _) => format!("{scheme}://{host}:{port}{base}"),
            (None, Some(name)) => format!("{scheme}://{name}:{port}{base}"),
            (None, None) => format!("{scheme}://0.0.0.0:{port}{base}"),
        }
    }

    /// Whether others than this machine can reach it.
    pub(crate) fn is_exposed(&self) -> bool {
        !self.listener.local_addr().is_ok_and(|address| address.ip().is_loopback())
    }

    /// Whether people and programs have to say who they are.
    pub(crate) fn asks_for_sign_in(&self) -> bool {
        self.auth.is_some()
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().map(|address| address.port()).unwrap_or_default()
    }
}

/// Listens at `host`, or at all addresses of both families.
fn listen(host: Option<&str>, port: u16) -> Result<TcpListener, ServerError> {
    let named = |address: String| move |source| ServerError::Bind { address, source };
    let Some(host) = host else {
        // Where there is no IPv6, all addresses are those of IPv4.
        let (six, four) = (IpAddr::from([0_u16; 8]), IpAddr::from([0_u8; 4]));
        return match TcpListener::bind((six, port)) {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind((four, port)).map_err(named(format!("0.0.0.0:{port}")))
            }
            bound => bound.map_err(named(format!("*:{port}"))),
        };
    };
    TcpListener::bind((host, port)).map_err(named(format!("{host}:{port}")))
}

/// The server, as long as this lives.
pub(crate) struct Server {
    closing: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves everybody who comes through `door`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        door: Door,
        about: About,
        handle: Handle,
        wishes: mpsc::Sender<Wish>,
        facts: watch::Receiver<Arc<Facts>>,
    ) -> Result<Self, ServerError> {
        let (closing, closed) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ServerError::Thread)?;
        door.listener.set_nonblocking(true).map_err(ServerError::Thread)?;
        let serve = async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(door.listener) else { return };
            let is_exposed = !listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
            let port = listener.local_addr().map(|address| address.port()).unwrap_or_default();
            let (base, is_secure) = (door.base_path.clone(), door.tls.is_some());
            let gate = door.auth.map(|auth| Gate::new(auth, port, &base, is_secure));
            let (live, second) = Live::new();
            let site = Arc::new(Site::new(
                about,
                door.base_path,
                is_exposed,
                gate,
                handle,
                live,
                wishes,
                facts,
                closed.clone(),
            ));
            tokio::spawn(live::render_each_second(Arc::clone(&site), second));
            let router = routes::router(&site, door.allow_get, door.cors.as_deref());
            accept(listener, door.tls, router, closed).await;
        };
        let thread = thread::Builder::new()
            .name("web".to_owned())
            .spawn(move || {
                runtime.block_on(serve);
                runtime.shutdown_background();
            })
            .map_err(ServerError::Thread)?;
        Ok(Self { closing, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // It ends within its farewell; a defect in it was told by the panic's own message.
            let _ = thread.join();
        }
    }
}

/// Takes connections until the process is about to end.
async fn accept(
    listener: tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    mut closed: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Nobody closes the semaphore.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = closed.wait_for(|closing| *closing) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (tls, router, closed) = (tls.clone(), router.clone(), closed.clone());
                tokio::spawn(async move {
                    serve(stream, peer, tls, router, closed).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: users of the run need them as well.
                warn!("cannot accept a connection to the web interface: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    // Whoever is still there is cut off.
    let _ = tokio::time::timeout(FAREWELL, places.acquire_many(all)).await;
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    closed: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let is_own = stream.local_addr().is_ok_and(|own| own.ip() == peer.ip());
    let is_here = is_own || peer.ip().to_canonical().is_loopback();
    let router = router.layer(Extension(Peer { address: peer, is_here }));
    match tls {
        None => answer(TokioIo::new(stream), router, closed).await,
        Some(tls) => match tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
            Ok(Ok(stream)) => answer(TokioIo::new(stream), router, closed).await,
            Ok(Err(error)) => warn!("no TLS from {peer} at the web interface: {error}"),
            Err(_) => debug!("no TLS handshake from {peer} within {PATIENCE:?}"),
        },
    }
}

async fn answer<I>(io: I, router: Router, mut closed: watch::Receiver<bool>)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
{
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let closing = async { drop(closed.wait_for(|closing| *closing).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!("a connection to the web interface ended: {error}");
    }
}
