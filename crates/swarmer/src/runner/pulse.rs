//! How a driver watches itself: how late it is with what is ready, how much of a core it uses, how long it waits for one.
//!
//! An alarm of the operating system rings at moments that neither the driver nor its users have a part in choosing, about
//! a hundred times a second. It comes to the driver as a readable descriptor, the way a reply does, and stands in the same
//! queues: behind the thread's wake-up, and behind every task that is ahead of it. So the time from the moment the alarm was
//! due to the moment its task runs is the time by which a reply that arrived then would have been measured late.
//!
//! Alarms that were due while the driver was busy are counted with their own lateness, as the replies of that time would
//! have been: a thread that blocks for a second was late a hundred times, not once. A delay shorter than the gap between two
//! alarms is seen by chance only, in proportion to its share of the time.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::spawn_local;

use crate::clock::{self, Alarm};
use crate::stats::{Histogram, Pulse};

/// Alarms are this far apart at least, and twice as far at most: an even rhythm could keep step with what it measures.
const GAP: Duration = Duration::from_micros(6_700);

/// Room for the alarms of a second and a half; a thread that was blocked for longer has time to make more.
const ALARMS: usize = 256;

/// Watches the thread it was made on.
pub(super) struct Monitor {
    driver: u32,
    /// Nanoseconds; a list with room for a second of alarms, so that none of them allocates among the users' requests.
    late: Rc<RefCell<Vec<u64>>>,
    since: Instant,
    cpu: Duration,
    waited: Duration,
    /// Where the kernel says how long the thread waited for a core; `None` where there is no such place.
    schedule: Option<File>,
}

impl Monitor {
    /// Begins to watch. Needs a `LocalSet` around it.
    pub(super) fn begin(driver: usize) -> Self {
        let late = Rc::new(RefCell::new(Vec::with_capacity(ALARMS)));
        let heard = Rc::clone(&late);
        // Without an alarm the other figures are still worth having.
        spawn_local(async move { listen(&heard, driver).await.ok() });
        let schedule = File::open("/proc/thread-self/schedstat").ok();
        Self {
            driver: u32::try_from(driver).unwrap_or(u32::MAX),
            late,
            since: clock::now(),
            cpu: clock::thread_time(),
            waited: schedule.as_ref().and_then(waited_time).unwrap_or_default(),
            schedule,
        }
    }

    /// What was measured since the last call, of which the thread was awake for `idle` with nothing to do.
    pub(super) fn take(&mut self, idle: Duration) -> Pulse {
        let (now, cpu) = (clock::now(), clock::thread_time());
        let waited = self.schedule.as_ref().and_then(waited_time).unwrap_or(self.waited);
        let mut late = Histogram::new();
        for nanos in self.late.borrow_mut().drain(..) {
            late.record(nanos);
        }
        Pulse {
            driver: self.driver,
            wall: now - std::mem::replace(&mut self.since, now),
            cpu: cpu.saturating_sub(std::mem::replace(&mut self.cpu, cpu)).saturating_sub(idle),
            waited: waited.saturating_sub(std::mem::replace(&mut self.waited, waited)),
            late,
            // Told to the whole machine, not to a thread.
            stolen: Duration::ZERO,
        }
    }
}

/// Notes how late each alarm is heard, for ever.
async fn listen(late: &RefCell<Vec<u64>>, driver: usize) -> io::Result<()> {
    let alarm = Alarm::new()?;
    let mut gaps = Gaps(driver as u64);
    let mut due = clock::now() + gaps.next();
    loop {
        alarm.wait_until(due).await?;
        let (now, mut late) = (clock::now(), late.borrow_mut());
        while due <= now {
            late.push(u64::try_from((now - due).as_nanos()).unwrap_or(u64::MAX));
            due += gaps.next();
        }
    }
}

/// Gaps without a rhythm (Knuth's linear congruential generator; nothing hangs on its quality).
struct Gaps(u64);

impl Gaps {
    fn next(&mut self) -> Duration {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share =
            f64::from(u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        GAP + GAP.mul_f64(share)
    }
}

/// The second number of `schedstat`: nanoseconds for which the thread could have run and no core was free.
fn waited_time(schedule: &File) -> Option<Duration> {
    let mut text = [0; 96];
    let length = schedule.read_at(&mut text, 0).ok()?;
    let waited = str::from_utf8(&text[..length]).ok()?.split_ascii_whitespace().nth(1)?;
    waited.parse().ok().map(Duration::from_nanos)
}
