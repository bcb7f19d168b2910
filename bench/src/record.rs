//! The raw figures as a file: sections that were measured anew take the place of their older selves.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::section::Section;

/// All that is published.
#[derive(Serialize, Deserialize, Debug, Default)]
pub(crate) struct Record {
    /// Processor, cores, memory and kernel.
    pub(crate) machine: String,
    pub(crate) sections: Vec<Section>,
}

impl Record {
    /// # Errors
    /// When the file cannot be read or is not a record.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the figures in {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} does not hold figures of this program", path.display()))
    }

    /// Takes a section in, in the order of `names`.
    pub(crate) fn take(&mut self, section: Section, names: &[&str]) {
        self.sections.retain(|known| known.name != section.name);
        self.sections.push(section);
        self.sections.sort_by_key(|known| names.iter().position(|name| *name == known.name));
    }

    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text)
            .with_context(|| format!("cannot write the figures to {}", path.display()))
    }
}

/// Processor, cores, memory and kernel of this machine.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let line = |text: &str, label: &str| {
        let line = text.lines().find(|line| line.starts_with(label)).unwrap_or_default();
        line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = line(&read("/proc/cpuinfo"), "model name");
    let memory = line(&read("/proc/meminfo"), "MemTotal");
    let gib = memory.split(' ').next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default()
        / 1_048_576.0;
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{processor}, {cores} cores, {gib:.0} GiB of memory, Linux {}", kernel.trim())
}

/// When a section begins: date, time and load average.
pub(crate) fn beginning() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    format!("{}, load average {load}", jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC"))
}

/// Processor time of the whole machine since it started, in ticks of its cores.
#[derive(Clone, Copy)]
pub(crate) struct Ticks {
    all: u64,
    /// What the host gave to other machines while this one had work to do.
    stolen: u64,
}

impl Ticks {
    /// Of now; none where the kernel does not tell.
    pub(crate) fn now() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/stat").ok()?)
    }

    fn read(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        // user nice system idle iowait irq softirq steal; what follows is part of the first two.
        let ticks: Option<Vec<u64>> =
            line.split_whitespace().take(8).map(|word| word.parse().ok()).collect();
        let ticks = ticks.filter(|ticks| ticks.len() == 8)?;
        Some(Self { all: ticks.iter().sum(), stolen: ticks[7] })
    }

    /// The share that was stolen since `before`, in percent.
    #[expect(clippy::cast_precision_loss, reason = "ticks of a few years")]
    pub(crate) fn stolen_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        Some(self.stolen.saturating_sub(before.stolen) as f64 / all as f64 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Ticks;

    #[test]
    fn stolen_time_is_a_share_of_all_time() {
        let read = |line: &str| Ticks::read(&format!("cpu  {line}\ncpu0 1 1 1 1 1 1 1 1 1 1\n"));
        let before = read("100 0 100 100 0 0 0 50 7 7").unwrap();
        let after = read("200 0 150 150 0 0 0 100 9 9").unwrap();
        assert_eq!(after.stolen_since(before), Some(20.0));
        assert_eq!(before.stolen_since(before), None);
        assert!(read("1 2 3").is_none());
        assert!(Ticks::now().is_some());
    }
}
