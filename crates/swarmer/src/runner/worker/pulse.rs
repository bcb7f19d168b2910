//! Signs of life, from a thread of their own that load cannot starve.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::extra;
use crate::clock::{self, Anchor};
use crate::cluster::{Envelope, Heartbeat, Identity, ToMaster, Transport, WorkerState};

/// How often a sign of life is given.
const EVERY: Duration = Duration::from_secs(1);

/// What signs of life tell, kept by the link.
#[derive(Debug, Default)]
pub(crate) struct Vital {
    state: AtomicU8,
    /// Requests recorded in this run.
    pub(super) requests: AtomicU64,
    stopped: AtomicBool,
}

const STATES: [WorkerState; 4] =
    [WorkerState::Ready, WorkerState::Spawning, WorkerState::Running, WorkerState::Stopping];

impl Vital {
    pub(super) fn set_state(&self, state: WorkerState) {
        let number = STATES.iter().position(|known| *known == state).unwrap_or(0);
        self.state.store(u8::try_from(number).unwrap_or(0), Ordering::Relaxed);
    }

    fn state(&self) -> WorkerState {
        let number = usize::from(self.state.load(Ordering::Relaxed));
        STATES.get(number).copied().unwrap_or(WorkerState::Ready)
    }
}

/// What the thread needs.
pub(super) struct Beat {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) identity: Identity,
    pub(super) vital: Arc<Vital>,
    pub(super) anchor: Anchor,
    pub(super) boot: u64,
}

/// The thread.
pub(super) struct Pulse {
    vital: Arc<Vital>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Without a thread, which the system may refuse, the master takes this worker for missing and says so.
    pub(super) fn start(beat: Beat) -> Self {
        let vital = Arc::clone(&beat.vital);
        let thread =
            thread::Builder::new().name("heartbeat".to_owned()).spawn(move || run(&beat)).ok();
        Self { vital, thread }
    }

    pub(super) fn stop(mut self) {
        self.vital.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn run(beat: &Beat) {
    let mut cpu = Cpu::default();
    let mut next = Instant::now();
    while !beat.vital.stopped.load(Ordering::Relaxed) {
        let heartbeat =
            Heartbeat { state: beat.vital.state(), cpu: cpu.percent(), memory: resident_bytes() };
        let requests = beat.vital.requests.load(Ordering::Relaxed);
        let envelope = Envelope::new(ToMaster::Heartbeat(heartbeat), beat.identity.as_str())
            .with(extra(beat.anchor, beat.boot, requests));
        let _ = beat.transport.send(&Identity::master(), envelope.encode());
        next += EVERY;
        let now = Instant::now();
        if next < now {
            next = now + EVERY; // This process was stopped: there is nothing to catch up with.
        }
        while let Some(rest) = next.checked_duration_since(Instant::now())
            && !rest.is_zero()
            && !beat.vital.stopped.load(Ordering::Relaxed)
        {
            thread::park_timeout(rest);
        }
    }
}

/// The processor time of this process.
#[derive(Default)]
struct Cpu {
    last: Option<(Instant, Duration)>,
}

impl Cpu {
    /// Percent of one core since the last call; 0 at the first.
    fn percent(&mut self) -> f64 {
        let (now, used) = (Instant::now(), clock::process_time());
        let last = self.last.replace((now, used));
        last.map_or(0.0, |(at, before)| {
            let passed = now.saturating_duration_since(at).as_secs_f64().max(1e-3);
            let worked = used.saturating_sub(before).as_secs_f64();
            (worked / passed * 1000.0).round() / 10.0
        })
    }
}

/// Resident memory; `None` where the system does not tell.
fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: sysconf reads a constant of the system and touches no memory of ours.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(page).ok()?)
}
