//! Servers that do exactly as told, byte by byte, and clients to meet them.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub, clippy::unwrap_used, reason = "code of tests")]

pub mod authority;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use swarmer::http::{Client, Config, Shared};

/// A TCP server: each connection runs the given function on a thread of its own.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

/// One connection as the server's function sees it.
pub struct Peer {
    pub stream: TcpStream,
    /// Which connection to this server it is, from 0.
    pub number: usize,
    requests: Arc<Mutex<Vec<String>>>,
    unread: Vec<u8>,
}

impl Server {
    pub fn start(serve: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (counter, log, serve) =
            (Arc::clone(&connections), Arc::clone(&requests), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let mut peer =
                    Peer { stream, number, requests: Arc::clone(&log), unread: Vec::new() };
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(&mut peer));
            }
        });
        Self { address, connections, requests }
    }

    /// A server that answers every request of a connection with the same bytes.
    pub fn answering(answer: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::start(move |peer| {
            while peer.request().is_some() {
                peer.send(answer.as_ref());
            }
        })
    }

    /// A server that answers each request by the function's word.
    pub fn replying(reply: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(move |peer| {
            while let Some(request) = peer.request() {
                peer.send(reply(&request));
            }
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Every request read so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub fn client(&self) -> Client {
        self.client_with(Config::default())
    }

    pub fn client_with(&self, config: Config) -> Client {
        client(config, &self.url()).1
    }
}

pub fn client(config: Config, base: &str) -> (Rc<Shared>, Client) {
    let shared = Shared::new(config);
    let base = shared.base_url(base).unwrap();
    let client = Client::new(&shared, Some(&base));
    (shared, client)
}

/// Time limits short enough for tests of them.
pub fn impatient() -> Config {
    Config {
        request_timeout: Duration::from_millis(300),
        connect_timeout: Duration::from_millis(300),
        ..Config::default()
    }
}

impl Peer {
    /// Reads one request with its body; `None` once the client has gone.
    pub fn request(&mut self) -> Option<String> {
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&self.unread).into_owned();
            if let Some(head) = text.find("\r\n\r\n") {
                let length = text.lines().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("content-length")
                        .then(|| value.parse::<usize>().unwrap())
                });
                let end = head + 4 + length.unwrap_or(0);
                if self.unread.len() >= end {
                    let request: Vec<u8> = self.unread.drain(..end).collect();
                    let request = String::from_utf8_lossy(&request).into_owned();
                    self.requests.lock().unwrap().push(request.clone());
                    return Some(request);
                }
            }
            let read = self.stream.read(&mut buffer).ok().filter(|&read| read > 0)?;
            self.unread.extend_from_slice(&buffer[..read]);
        }
    }

    /// Sends bytes; a client that has gone is none of the server's business.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Waits until the client closes, so that a test sees its own time limit work, not the server's goodbye.
    pub fn wait_for_close(&mut self) {
        while self.stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    }

    /// Closes with a reset instead of a proper end.
    pub fn reset(&mut self) {
        let linger = socket2::SockRef::from(&self.stream);
        linger.set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// A plain answer with this body.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
