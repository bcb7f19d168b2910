//! What the host of a virtual machine takes: its cores are ready to work, and the host lets other machines have them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Watches how much is taken, for as long as it lives.
pub(super) struct Stolen {
    /// Where the kernel tells; none where there is no such place.
    stat: Option<File>,
    /// Of one core on average, up to the last look.
    before: Duration,
}

impl Stolen {
    /// Begins to watch.
    pub(super) fn begin() -> Self {
        let mut stolen = Self { stat: File::open("/proc/stat").ok(), before: Duration::ZERO };
        stolen.take();
        stolen
    }

    /// What was taken of a core, on average over all of them, since the last call; zero where the system does not tell.
    pub(super) fn take(&mut self) -> Duration {
        let Some(now) = self.stat.as_ref().and_then(look) else { return Duration::ZERO };
        now.saturating_sub(std::mem::replace(&mut self.before, now))
    }
}

fn look(stat: &File) -> Option<Duration> {
    let mut text = [0; 256];
    let length = stat.read_at(&mut text, 0).ok()?;
    let ticks = ticks(str::from_utf8(&text[..length]).ok()?)?;
    #[expect(clippy::cast_precision_loss, reason = "ticks of a few years")]
    let seconds = ticks as f64 / setting(libc::_SC_CLK_TCK)? / setting(libc::_SC_NPROCESSORS_ONLN)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The eighth number of the first line, that of all cores: `steal` (proc(5)).
fn ticks(text: &str) -> Option<u64> {
    text.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace().nth(7)?.parse().ok()
}

/// A number that the system knows of itself, if it is one to divide by.
#[expect(clippy::cast_precision_loss, reason = "a count of cores, or of ticks in a second")]
fn setting(name: libc::c_int) -> Option<f64> {
    // SAFETY: the call takes a number and gives one, and touches no memory of ours.
    let value = unsafe { libc::sysconf(name) };
    (value > 0).then_some(value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_the_eighth_number_of_all_cores() {
        let text = "cpu  187621 0 19744 41556 791 0 3185 9252 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(ticks(text), Some(9_252));
        assert_eq!(ticks("cpu  1 2 3 4\n"), None, "a kernel older than the word");
        assert_eq!(ticks("intr 1 2 3 4 5 6 7 8 9\n"), None);
    }

    #[test]
    fn what_was_told_once_is_not_told_again() {
        let mut stolen = Stolen::begin();
        // In a second no more than a second can have been taken of a core.
        assert!(stolen.take() < Duration::from_secs(1));
        stolen.stat = None;
        assert_eq!(stolen.take(), Duration::ZERO);
    }
}
