//! Where log lines go: a bounded queue that never makes the caller wait, emptied by a thread of its own.
//!
//! Driver threads log too (a rotation, an error in a task). A terminal that was stopped or a slow disk must not stop
//! their users, so lines that do not fit are dropped, and the drop is logged.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines kept for [`recent`](super::recent).
const RECENT: usize = 500;

/// Most bytes of lines that wait to be written.
const MAX_WAITING: usize = 4 << 20;

/// How long [`Sink::flush`] waits for a destination that takes nothing.
const PATIENCE: Duration = Duration::from_secs(5);

type Destination = Box<dyn Write + Send>;

/// The queue, its writer thread's work and the newest lines.
#[derive(Clone)]
pub(super) struct Sink {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<str>>,
    bytes: usize,
    /// Lines dropped since the last one that was written.
    dropped: u64,
    /// Whether the writer holds a line it has not finished.
    writing: bool,
    /// A new destination the writer has yet to take.
    destination: Option<Destination>,
    recent: VecDeque<Arc<str>>,
    /// Lines so far.
    written: usize,
    closed: bool,
}

impl Sink {
    /// A sink with its thread. `dropped` makes the line that tells how many were dropped.
    pub(super) fn new(
        destination: Destination,
        dropped: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let writer = Arc::clone(&shared);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run(destination, &dropped))?;
        Ok(Self { shared })
    }

    /// Queues one line (without its end). Never waits for the destination.
    pub(super) fn push(&self, line: String) {
        let line: Arc<str> = line.into();
        let mut state = self.shared.lock();
        state.written += 1;
        if state.recent.len() == RECENT {
            state.recent.pop_front();
        }
        state.recent.push_back(Arc::clone(&line));
        if state.bytes + line.len() > MAX_WAITING {
            state.dropped += 1;
            return;
        }
        state.bytes += line.len();
        state.waiting.push_back(line);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// The newest lines, oldest first.
    /// How many lines there ever were.
    pub(super) fn written(&self) -> usize {
        self.shared.lock().written
    }

    pub(super) fn recent(&self) -> Vec<Arc<str>> {
        self.shared.lock().recent.iter().cloned().collect()
    }

    /// The newest lines from number `first` on, and the number of the first that is not there yet.
    pub(super) fn since(&self, first: u64) -> (u64, Vec<(u64, Arc<str>)>) {
        let state = self.shared.lock();
        let next = state.written as u64;
        let kept = next - state.recent.len() as u64;
        let numbered = (kept..).zip(&state.recent).filter(|(number, _)| *number >= first);
        let lines = numbered.map(|(number, line)| (number, Arc::clone(line))).collect();
        (next, lines)
    }

    /// Waits until everything queued so far is written, or the destination has taken nothing for five seconds.
    pub(super) fn flush(&self) {
        let state = self.shared.lock();
        let busy = |state: &mut State| {
            state.writing || !state.waiting.is_empty() || state.destination.is_some()
        };
        drop(self.shared.changed.wait_timeout_while(state, PATIENCE, busy));
    }

    /// Sends what is queued from now on to another destination; what was queued before still goes to the old one.
    pub(super) fn redirect(&self, destination: Destination) {
        self.flush();
        self.shared.lock().destination = Some(destination);
        self.shared.changed.notify_all();
        self.flush();
    }
}

#[cfg(test)]
impl Sink {
    fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the queue whole: every change is one push or pop.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut destination: Destination, dropped: &dyn Fn(u64) -> String) {
        let mut complained = false;
        let mut state = self.lock();
        loop {
            if let Some(new) = state.destination.take() {
                destination = new;
                complained = false;
                self.changed.notify_all();
            }
            let Some(line) = state.waiting.pop_front() else {
                if state.closed {
                    return;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.bytes -= line.len();
            state.writing = true;
            let lost = std::mem::take(&mut state.dropped);
            drop(state);
            let mut text = format!("{line}\n");
            if lost > 0 {
                text.push_str(&dropped(lost));
                text.push('\n');
            }
            // One write per line, so that tables printed beside it stay whole.
            let written = destination.write_all(text.as_bytes()).and_then(|()| destination.flush());
            if let Err(error) = written
                && !complained
            {
                complained = true;
                let _ = writeln!(io::stderr(), "cannot write to the log: {error}");
            }
            state = self.lock();
            state.writing = false;
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands each write on, and waits for a permit before it.
    struct Gate {
        permits: mpsc::Receiver<()>,
        written: mpsc::Sender<String>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Once the test drops its end, everything may pass.
            let _ = self.permits.recv();
            let _ = self.written.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (Sink, mpsc::Sender<()>, mpsc::Receiver<String>) {
        let (permit, permits) = mpsc::channel();
        let (written, lines) = mpsc::channel();
        let gate = Box::new(Gate { permits, written });
        let sink = Sink::new(gate, |count| format!("{count} dropped")).unwrap();
        (sink, permit, lines)
    }

    #[test]
    fn a_destination_that_takes_nothing_costs_lines_not_time() {
        let (sink, permit, lines) = gated();
        let long = "x".repeat(8192);
        for _ in 0..2000 {
            sink.push(long.clone());
        }
        sink.push("last".to_owned());
        drop(permit);
        sink.flush();
        let written: Vec<String> = lines.try_iter().collect();
        let long_lines = written.iter().filter(|text| text.starts_with('x')).count();
        assert!((MAX_WAITING / 8192..=MAX_WAITING / 8192 + 1).contains(&long_lines));
        let told = written.iter().any(|text| text.ends_with(" dropped\n"));
        assert!(told, "the drop is told");
        assert_eq!(sink.recent().len(), RECENT);
        assert_eq!(sink.recent().last().unwrap().as_ref(), "last");
        let (next, newest) = sink.since(2000);
        assert_eq!((next, newest), (2001, vec![(2000, "last".into())]));
        assert_eq!(sink.since(0).1.len(), RECENT);
        assert!(sink.since(u64::MAX).1.is_empty());
        sink.close();
    }

    #[test]
    fn lines_follow_the_destination_of_their_time() {
        let (sink, permit, first) = gated();
        drop(permit);
        sink.push("before".to_owned());
        let (open, permits) = mpsc::channel();
        drop(open);
        let (written, second) = mpsc::channel();
        sink.redirect(Box::new(Gate { permits, written }));
        sink.push("after".to_owned());
        sink.flush();
        assert_eq!(first.try_iter().collect::<String>(), "before\n");
        assert_eq!(second.try_iter().collect::<String>(), "after\n");
        sink.close();
    }

    #[test]
    fn a_full_disk_is_no_panic() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sink = Sink::new(Box::new(Full), |_| String::new()).unwrap();
        sink.push("one".to_owned());
        sink.push("two".to_owned());
        sink.flush();
        assert_eq!(sink.recent().len(), 2);
        sink.close();
    }
}
