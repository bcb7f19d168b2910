//! The server whose answers are late on purpose, and that knows how late: it answers after scripted delays and keeps the
//! moments of arrival and departure of every request.
//!
//! One thread that never sleeps while somebody is connected, so that neither a timer nor a wake-up adds to what was
//! scripted. A request arrives when its bytes have reached the kernel, by the kernel's own note; its answer departs right
//! before it is handed to the kernel. Says its port on standard output. When standard input closes it writes its log and the share of its
//! time in which it had something to do, and ends.

mod connection;
mod poll;
mod script;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use clap::Parser;

use connection::{Ask, Connection};
use poll::{Poll, now};
use script::{Delays, Stalls};

/// Answers after scripted delays and keeps when each request came and its answer left.
#[derive(Parser, Debug)]
struct Arguments {
    /// Where the log goes: for each request its tag, its id, its arrival and its departure (0 when the client had gone),
    /// 64 bits each, least byte first; moments in nanoseconds of the monotonic clock.
    log: PathBuf,
    /// nothing, constant:MICROS, bimodal:FAST:SLOW:SHARE or pareto:LEAST:SHAPE.
    delays: Delays,
    /// Stand still this many milliseconds after the first request,
    #[arg(long, value_name = "MILLIS", requires = "stall_for")]
    stall_at: Option<u64>,
    /// for this long,
    #[arg(long, value_name = "MILLIS", requires = "stall_at")]
    stall_for: Option<u64>,
    /// and again every so many milliseconds.
    #[arg(long, value_name = "MILLIS", value_parser = clap::value_parser!(u64).range(1..))]
    stall_every: Option<u64>,
}

/// Numbers of sources that are no connection.
const LISTENER: u64 = u64::MAX;
const STDIN: u64 = u64::MAX - 1;
/// So many requests are taken in, and so many answers sent, before the other gets its turn.
const AT_A_TIME: usize = 32;

struct Server {
    delays: Delays,
    stalls: Option<Stalls>,
    /// By number; `None` where one was closed.
    connections: Vec<Option<Connection>>,
    open: usize,
    /// Moment and connection of answers that are to leave. Numbers of connections are not used twice.
    leaving: BinaryHeap<Reverse<(u64, usize)>>,
    /// When the first request arrived.
    began: Option<u64>,
    arrived: u64,
    log: Vec<[u64; 4]>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let millis = |millis: u64| millis * 1_000_000;
    let stalls = arguments.stall_at.zip(arguments.stall_for).map(|(first, length)| Stalls {
        first: millis(first),
        length: millis(length),
        every: arguments.stall_every.map(millis),
    });
    let mut server = Server {
        delays: arguments.delays,
        stalls,
        connections: Vec::new(),
        open: 0,
        leaving: BinaryHeap::new(),
        began: None,
        arrived: 0,
        // Address space only, until it is filled: growing would copy everything in the middle of a run.
        log: Vec::with_capacity(8_000_000),
    };
    let busy = server.run()?;
    let mut file = BufWriter::new(File::create(&arguments.log)?);
    for entry in server.log.iter().flatten() {
        file.write_all(&entry.to_le_bytes())?;
    }
    file.flush()?;
    writeln!(io::stdout(), "busy {busy:.3}")
}

impl Server {
    /// Serves until standard input closes; the share of the time in which there was something to do.
    fn run(&mut self) -> io::Result<f64> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let mut poll = Poll::new(AT_A_TIME)?;
        poll.add(&listener, LISTENER)?;
        poll.add(&io::stdin(), STDIN)?;
        writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
        io::stdout().flush()?;
        // Only while requests come, or idle moments before and after a run would flatter it.
        let (mut busy, mut idle) = (0, 0);
        let mut before = now();
        loop {
            let ready = poll.wait(if self.open == 0 { 100 } else { 0 })?;
            let moment = now();
            let answered = self.answer_due(moment);
            for number in &ready {
                match *number {
                    LISTENER => self.accept(&listener, &poll)?,
                    STDIN => return Ok(share(busy, idle)),
                    number => self.hear(usize::try_from(number).unwrap_or(usize::MAX)),
                }
            }
            let after = now();
            let worked = answered || !ready.is_empty();
            *(if worked { &mut busy } else { &mut idle }) +=
                if self.open > 0 { after - before } else { 0 };
            before = after;
        }
    }

    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> io::Result<()> {
        while let Ok((stream, _)) = listener.accept() {
            let connection = Connection::new(stream)?;
            poll.add(connection.stream(), self.connections.len() as u64)?;
            self.connections.push(Some(connection));
            self.open += 1;
        }
        Ok(())
    }

    /// Takes in what has come on a connection.
    fn hear(&mut self, number: usize) {
        let Some(Some(connection)) = self.connections.get_mut(number) else { return };
        match connection.receive() {
            Some(arrival) => self.take_up(number, arrival),
            None => self.close(number),
        }
    }

    /// Sets the next request of a connection, which came at `moment`, to be answered.
    fn take_up(&mut self, number: usize, moment: u64) {
        let Some(Some(connection)) = self.connections.get_mut(number) else { return };
        let Some(ask) = connection.next() else { return };
        connection.pending = Some((ask, moment));
        if ask == Ask::Unlogged {
            self.leaving.push(Reverse((moment, number)));
            return;
        }
        let began = *self.began.get_or_insert(moment);
        let ready = moment.saturating_sub(began) + self.delays.of(self.arrived);
        self.arrived += 1;
        let leaves = began + self.stalls.map_or(ready, |stalls| stalls.released(ready));
        self.leaving.push(Reverse((leaves, number)));
    }

    /// Sends the answers that were to leave by `moment`; whether there was one. Only some, so that what arrives while a
    /// stall dissolves is noticed in time.
    fn answer_due(&mut self, moment: u64) -> bool {
        let mut any = false;
        for _ in 0..AT_A_TIME {
            let due = self.leaving.peek().is_some_and(|Reverse((leaves, _))| *leaves <= moment);
            let Some(Reverse((_, number))) = (if due { self.leaving.pop() } else { None }) else {
                break;
            };
            any = true;
            let Some(Some(connection)) = self.connections.get_mut(number) else { continue };
            let departure = now();
            let sent = connection.answer();
            if let Some((Ask::Logged { tag, id }, arrival)) = connection.pending.take() {
                self.log.push([tag.into(), id, arrival, if sent { departure } else { 0 }]);
            }
            if sent {
                self.take_up(number, now());
            } else {
                self.close(number);
            }
        }
        any
    }

    fn close(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(number).and_then(Option::take) else {
            return;
        };
        self.open -= 1;
        if let Some((Ask::Logged { tag, id }, arrival)) = connection.pending {
            self.log.push([tag.into(), id, arrival, 0]);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "minutes in nanoseconds")]
fn share(busy: u64, idle: u64) -> f64 {
    busy as f64 / (busy + idle).max(1) as f64
}
