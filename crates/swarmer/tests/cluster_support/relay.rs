//! A bad network between a worker and its master: a relay that knows ZMTP just well enough to handle whole messages.

use std::collections::BinaryHeap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What happens to messages, both ways.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// Each is late by a random time up to this, so that some overtake others.
    pub(crate) delay: Duration,
    /// One in so many comes twice; 0: none.
    pub(crate) doubled: u64,
    /// One in so many never comes; 0: all do.
    pub(crate) lost: u64,
    /// The identity under which whoever connects is known to the master.
    pub(crate) identity: Option<String>,
}

/// Listens for one worker after the other.
pub(crate) struct Relay {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    weather: Weather,
    /// Nothing gets through, and nobody is told.
    hole: AtomicBool,
    /// Connections are refused.
    cut: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
    doubled: AtomicU64,
    lost: AtomicU64,
    overtaken: AtomicU64,
}

impl Relay {
    pub(crate) fn start(master: u16, weather: Weather) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            weather,
            hole: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            connections: Mutex::default(),
            doubled: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            overtaken: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for worker in listener.incoming() {
                let Ok(worker) = worker else { return };
                if shared.cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(master) = TcpStream::connect(("127.0.0.1", master)) else { continue };
                let mut connections = shared.connections.lock().unwrap();
                for stream in [&worker, &master] {
                    stream.set_nodelay(true).unwrap();
                    connections.push(stream.try_clone().unwrap());
                }
                drop(connections);
                let (up, down) = (worker.try_clone().unwrap(), master.try_clone().unwrap());
                pass_on(worker, master, Arc::clone(&shared), 1);
                pass_on(down, up, Arc::clone(&shared), 2);
            }
        });
        Self { port, state }
    }

    /// From now on nothing gets through, or everything again, what was held up first.
    pub(crate) fn set_hole(&self, hole: bool) {
        self.state.hole.store(hole, Ordering::SeqCst);
    }

    /// Breaks all connections and takes no more, or takes them again.
    pub(crate) fn set_cut(&self, cut: bool) {
        self.state.cut.store(cut, Ordering::SeqCst);
        if cut {
            for connection in self.state.connections.lock().unwrap().drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
    }

    /// Messages that came twice, never, and after a later one.
    pub(crate) fn mischief(&self) -> (u64, u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (of(&self.state.doubled), of(&self.state.lost), of(&self.state.overtaken))
    }
}

/// Bytes that are to be passed on; the greatest is the next.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due(std::cmp::Reverse<(Instant, u64)>, Vec<u8>);

fn pass_on(from: TcpStream, to: TcpStream, state: Arc<State>, seed: u64) {
    let (sender, receiver) = channel();
    let shared = Arc::clone(&state);
    thread::spawn(move || {
        // Either side's end is the other's, once all is passed on.
        let _ = read(from, &sender, &shared.weather, &shared, seed);
    });
    thread::spawn(move || write(to, &receiver, &state));
}

fn read(
    mut from: TcpStream,
    sender: &Sender<Due>,
    weather: &Weather,
    state: &State,
    seed: u64,
) -> io::Result<()> {
    let mut number = 0;
    let mut say = |late: Duration, bytes: Vec<u8>| {
        number += 1;
        let due = Due(std::cmp::Reverse((Instant::now() + late, number)), bytes);
        sender.send(due).map_err(|_| io::ErrorKind::BrokenPipe)
    };
    let mut greeting = vec![0; 64];
    from.read_exact(&mut greeting)?;
    say(Duration::ZERO, greeting)?;
    let mut random = seed;
    let mut below = |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % limit.max(1)
    };
    loop {
        let (is_command, mut message) = next_message(&mut from)?;
        if is_command {
            if let Some(identity) = &weather.identity {
                rename(&mut message, identity);
            }
            say(Duration::ZERO, message)?;
            continue;
        }
        if weather.lost > 0 && below(weather.lost) == 0 {
            state.lost.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let longest = u64::try_from(weather.delay.as_millis()).unwrap();
        if weather.doubled > 0 && below(weather.doubled) == 0 {
            state.doubled.fetch_add(1, Ordering::SeqCst);
            say(Duration::from_millis(below(longest)), message.clone())?;
        }
        say(Duration::from_millis(below(longest)), message)?;
    }
}

/// The next message, as it came, and whether it is the protocol's own.
fn next_message(from: &mut TcpStream) -> io::Result<(bool, Vec<u8>)> {
    const MORE: u8 = 1;
    const LONG: u8 = 2;
    const COMMAND: u8 = 4;
    let mut message = Vec::new();
    loop {
        let mut flags = [0];
        from.read_exact(&mut flags)?;
        let mut size = vec![0; if flags[0] & LONG > 0 { 8 } else { 1 }];
        from.read_exact(&mut size)?;
        let length = size.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        message.extend(flags);
        message.extend(size);
        message.extend(body);
        if flags[0] & MORE == 0 {
            return Ok((flags[0] & COMMAND > 0, message));
        }
    }
}

/// Puts another identity of the same length into a command that has one.
fn rename(command: &mut [u8], identity: &str) {
    const PROPERTY: &[u8] = b"\x08Identity";
    let Some(at) = command.windows(PROPERTY.len()).position(|part| part == PROPERTY) else {
        return;
    };
    let start = at + PROPERTY.len() + 4;
    let length =
        command[start - 4..start].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    if length > 0 {
        assert_eq!(length, identity.len(), "workers of one machine have names of one length");
        command[start..start + length].copy_from_slice(identity.as_bytes());
    }
}

fn write(mut to: TcpStream, receiver: &Receiver<Due>, state: &State) {
    const EVERY: Duration = Duration::from_millis(5);
    let (mut waiting, mut ended, mut latest) = (BinaryHeap::<Due>::new(), false, 0);
    while !(ended && waiting.is_empty()) {
        match receiver.recv_timeout(EVERY) {
            Ok(due) => waiting.push(due),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                ended = true;
                thread::sleep(EVERY);
            }
        }
        let is_due = |due: &Due| due.0.0.0 <= Instant::now();
        while !state.hole.load(Ordering::SeqCst) && waiting.peek().is_some_and(is_due) {
            let Some(Due(std::cmp::Reverse((_, number)), bytes)) = waiting.pop() else { break };
            if number < latest {
                state.overtaken.fetch_add(1, Ordering::SeqCst);
            }
            latest = latest.max(number);
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
