//! Masters and workers of different make, all handled alike.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use swarmer::cluster::memory::Network;
use swarmer::cluster::zmtp::{self, BindOptions, ConnectOptions};
use swarmer::cluster::{Event, Identity, Socket};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// What came: from whom, how many bytes, and the first of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Got {
    pub(crate) from: String,
    pub(crate) length: usize,
    pub(crate) start: String,
}

/// A socket of pyzmq in a process of its own.
pub(crate) struct Pyzmq {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Pyzmq {
    pub(crate) fn open(order: Value) -> (Self, u16) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/zmq_peer.py");
        let mut child = Command::new(crate::locust::python())
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut peer = Self { child, answers };
        let mut order = order;
        order["do"] = "open".into();
        let port = peer.order(&order)["port"].as_u64().unwrap();
        (peer, port.try_into().unwrap())
    }

    pub(crate) fn order(&mut self, order: &Value) -> Value {
        let stdin = self.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("pyzmq failed at {order}"))
    }

    fn receive(&mut self, within: Duration) -> Option<Got> {
        let answer = self.order(
            &json!({"do": "receive", "within_ms": u64::try_from(within.as_millis()).unwrap()}),
        );
        Some(Got {
            from: answer["from"].as_str()?.to_owned(),
            length: usize::try_from(answer["length"].as_u64()?).unwrap(),
            start: answer["start"].as_str()?.to_owned(),
        })
    }
}

impl Drop for Pyzmq {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One end of whatever make.
pub(crate) enum End {
    Ours(Option<Socket>, Runtime),
    Pyzmq(Pyzmq),
}

impl End {
    pub(crate) fn ours(socket: Socket) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self::Ours(Some(socket), runtime)
    }

    /// Sends `repeat` times `text`.
    pub(crate) fn send(&mut self, to: &str, text: &str, repeat: usize) {
        match self {
            Self::Ours(socket, _) => {
                let to = Identity::new(to).unwrap();
                socket.as_ref().unwrap().send(&to, text.repeat(repeat).into_bytes());
            }
            Self::Pyzmq(peer) => {
                let to = (to != "master").then_some(to);
                peer.order(&json!({"do": "send", "to": to, "text": text, "repeat": repeat}));
            }
        }
    }

    /// The next message within a time.
    pub(crate) fn receive(&mut self, within: Duration) -> Option<Got> {
        match self {
            Self::Ours(socket, runtime) => {
                let socket = socket.as_mut().unwrap();
                let end = Instant::now() + within;
                loop {
                    let left = end.saturating_duration_since(Instant::now());
                    let event = async { timeout(left, socket.receive()).await };
                    let Event::Message { from, payload } = runtime.block_on(event).ok()?? else {
                        continue;
                    };
                    return Some(Got {
                        from: from.to_string(),
                        length: payload.len(),
                        start: String::from_utf8_lossy(&payload[..payload.len().min(64)]).into(),
                    });
                }
            }
            Self::Pyzmq(peer) => peer.receive(within),
        }
    }

    pub(crate) fn socket(&mut self) -> &mut Socket {
        match self {
            Self::Ours(socket, _) => socket.as_mut().unwrap(),
            Self::Pyzmq(_) => panic!("not ours"),
        }
    }

    /// Ends it as a program does that ends.
    pub(crate) fn close(self) {
        match self {
            Self::Ours(mut socket, runtime) => {
                runtime.block_on(socket.take().unwrap().close(Duration::from_secs(2)));
            }
            Self::Pyzmq(mut peer) => {
                peer.order(&json!({"do": "close"}));
            }
        }
    }
}

/// Which make the two sides are of.
#[derive(Debug, Clone)]
pub(crate) enum World {
    Ours,
    PyzmqMaster,
    PyzmqWorkers,
    Memory(Network),
}

impl World {
    pub(crate) fn bind(&self, port: u16) -> (End, u16) {
        match self {
            Self::PyzmqMaster => {
                // Locust binds by this pattern too, but IPv6 may be off here.
                let address = format!(
                    "tcp://127.0.0.1:{}",
                    if port == 0 { "*".into() } else { port.to_string() }
                );
                let (peer, port) = Pyzmq::open(json!({"kind": "router", "address": address}));
                (End::Pyzmq(peer), port)
            }
            Self::Memory(network) => (End::ours(network.bind()), 1),
            _ => {
                let (socket, address) =
                    zmtp::bind("127.0.0.1", port, BindOptions::default()).unwrap();
                (End::ours(socket), address.port())
            }
        }
    }

    pub(crate) fn connect(&self, port: u16, identity: &str) -> End {
        match self {
            Self::PyzmqWorkers => {
                let address = format!("tcp://127.0.0.1:{port}");
                let order = json!({"kind": "dealer", "address": address, "identity": identity});
                End::Pyzmq(Pyzmq::open(order).0)
            }
            Self::Memory(network) => {
                End::ours(network.connect(&Identity::new(identity).unwrap()).unwrap())
            }
            _ => {
                let identity = Identity::new(identity).unwrap();
                let options = ConnectOptions::default();
                End::ours(zmtp::connect("127.0.0.1", port, &identity, options).unwrap())
            }
        }
    }
}
