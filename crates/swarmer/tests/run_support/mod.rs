//! Servers that count every request they see.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub, clippy::unwrap_used, reason = "code of tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;

/// A real server on threads of its own. `/slow/MS` takes that long, `/status/CODE` answers so, all else is 200 `ok`.
pub struct Target {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: AtomicU64,
    paths: Mutex<Vec<String>>,
    traces: Mutex<Vec<String>>,
}

impl Target {
    pub fn start() -> Self {
        let seen = Arc::new(Seen::default());
        let app = Router::new()
            .route("/slow/{ms}", any(slow))
            .route("/status/{code}", any(status))
            .fallback(fine)
            .with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, app).await.unwrap();
            });
        });
        Self { address, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests seen so far.
    pub fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// The values of `traceparent` seen so far; empty where there was none.
    pub fn traces(&self) -> Vec<String> {
        self.seen.traces.lock().unwrap().clone()
    }

    /// The paths seen so far, in order.
    pub fn paths(&self) -> Vec<String> {
        self.seen.paths.lock().unwrap().clone()
    }

    /// Blocks the thread until `enough` requests have come.
    pub fn wait_for(&self, enough: u64) {
        let start = Instant::now();
        while self.is_short_of(enough, start) {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until `enough` requests have come.
    pub async fn until(&self, enough: u64) {
        let start = Instant::now();
        while self.is_short_of(enough, start) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn is_short_of(&self, enough: u64, since: Instant) -> bool {
        let seen = self.requests();
        assert!(since.elapsed() < Duration::from_mins(1), "only {seen} requests came");
        seen < enough
    }
}

impl Seen {
    fn note(&self, request: &Request) {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let trace =
            request.headers().get("traceparent").map(|value| value.to_str().unwrap().to_owned());
        self.traces.lock().unwrap().push(trace.unwrap_or_default());
        self.paths.lock().unwrap().push(request.uri().path().to_owned());
    }
}

async fn fine(State(seen): State<Arc<Seen>>, request: Request) -> &'static str {
    seen.note(&request);
    "ok"
}

async fn slow(
    State(seen): State<Arc<Seen>>,
    Path(ms): Path<u64>,
    request: Request,
) -> &'static str {
    seen.note(&request);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    "ok"
}

async fn status(
    State(seen): State<Arc<Seen>>,
    Path(code): Path<u16>,
    request: Request,
) -> Response {
    seen.note(&request);
    StatusCode::from_u16(code).unwrap().into_response()
}

/// A server that closes each connection after `requests` answers, without a word of warning; its count of requests.
pub fn closing_after(requests: usize) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let counter = Arc::clone(&counter);
            thread::spawn(move || serve_some(stream, requests, &counter));
        }
    });
    (address, count)
}

fn serve_some(mut stream: TcpStream, requests: usize, counter: &AtomicU64) {
    let mut unread = Vec::new();
    let mut chunk = [0; 2048];
    for _ in 0..requests {
        let end = loop {
            if let Some(at) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read(&mut chunk) {
                Ok(read) if read > 0 => unread.extend_from_slice(&chunk[..read]),
                _ => return,
            }
        };
        unread.drain(..end);
        counter.fetch_add(1, Ordering::SeqCst);
        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

/// An address that neither accepts nor refuses: a listener whose queue is full. Keep what is returned.
pub fn black_hole() -> (SocketAddr, Vec<Box<dyn std::any::Any>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // SAFETY: the descriptor is that of the listener, which lives; listening again only sets the length of its queue.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let address = listener.local_addr().unwrap();
    let mut held: Vec<Box<dyn std::any::Any>> = vec![Box::new(listener)];
    loop {
        match TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            Ok(stream) => held.push(Box::new(stream)),
            Err(_) => return (address, held),
        }
        assert!(held.len() < 64, "the queue does not fill");
    }
}
