//! This very binary, started as a workload.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Tells the binary to be the workload.
pub(crate) const AS_WORKLOAD: &str = "SWARMER_TEST_AS_WORKLOAD";

/// A run is given up after so long: nothing here may hang.
const LIMIT: Duration = Duration::from_mins(1);

/// A workload to start, in a folder of its own.
pub(crate) struct Workload {
    command: Command,
    pub(crate) folder: TempDir,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    folder: TempDir,
}

impl Workload {
    /// With these arguments, separated by blanks.
    pub(crate) fn new(arguments: &str) -> Self {
        Self::through(Command::new(std::env::current_exe().unwrap()), arguments)
    }

    /// As [`new`](Self::new), with room for so many open files only.
    pub(crate) fn with_open_files(files: u32, arguments: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]);
        command.arg(std::env::current_exe().unwrap());
        Self::through(command, arguments)
    }

    /// Another program, in the same surroundings.
    pub(crate) fn through(mut command: Command, arguments: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOCUST_") {
                command.env_remove(name);
            }
        }
        command.args(arguments.split_whitespace()).env(AS_WORKLOAD, "1").env("HOME", folder.path());
        command.current_dir(folder.path()).stdin(Stdio::null());
        // Output goes to files: nobody empties pipes while a test does something else.
        for (name, set) in [
            ("out", Command::stdout as fn(&mut Command, Stdio) -> &mut Command),
            ("err", Command::stderr),
        ] {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            set(&mut command, file.into());
        }
        Self { command, folder }
    }

    /// A path in the folder it runs in.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn start(mut self) -> Started {
        let child = self.command.spawn().unwrap();
        Started { child: Own(child), since: Instant::now(), folder: self.folder }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ended {
        self.start().wait()
    }
}

/// A workload that runs.
pub(crate) struct Started {
    child: Own,
    since: Instant,
    folder: TempDir,
}

/// A child that does not outlive its test, however that ends.
struct Own(Child);

impl Drop for Own {
    fn drop(&mut self) {
        let Self(child) = self;
        // One that has been waited for is left alone by both.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Started {
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    pub(crate) fn signal(&self, signal: i32) {
        let id = i32::try_from(self.id()).unwrap();
        // SAFETY: sends a signal to a child that has not been waited for, so its id is its own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    /// What it has said on stderr so far.
    pub(crate) fn said(&self) -> String {
        read(&self.folder.path().join("err"))
    }

    /// Waits until it has said so on stderr.
    pub(crate) fn wait_for(&mut self, text: &str) {
        loop {
            let said = self.said();
            if said.contains(text) {
                return;
            }
            let ended = self.child.0.try_wait().unwrap();
            assert!(ended.is_none() && self.since.elapsed() < LIMIT, "no {text:?} in:\n{said}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end of one that was killed.
    pub(crate) fn reap(mut self) {
        self.child.0.wait().unwrap();
    }

    pub(crate) fn wait(mut self) -> Ended {
        let from = Instant::now();
        let status = loop {
            if let Some(status) = self.child.0.try_wait().unwrap() {
                break status;
            }
            if from.elapsed() > LIMIT {
                self.child.0.kill().unwrap();
                panic!("it hangs:\n{}", read(&self.folder.path().join("err")));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let ended = Ended {
            code: status.code(),
            stdout: read(&self.folder.path().join("out")),
            stderr: read(&self.folder.path().join("err")),
            took: from.elapsed(),
            folder: self.folder,
        };
        assert!(!ended.stderr.contains("panicked at"), "a panic showed:\n{}", ended.stderr);
        ended
    }
}

impl Ended {
    /// The number of requests in `NAME_stats.csv`: the sum of the rows, which must be the total's.
    pub(crate) fn requests_in_csv(&self, name: &str) -> u64 {
        let rows = self.rows(&format!("{name}_stats.csv"));
        let (total, rows) = rows.split_last().unwrap();
        assert_eq!(total[1], "Aggregated");
        let sum = rows.iter().map(|row| row[2].parse::<u64>().unwrap()).sum();
        assert_eq!(total[2].parse(), Ok(sum));
        sum
    }

    /// The rows of a file without quoted commas, header left out.
    pub(crate) fn rows(&self, name: &str) -> Vec<Vec<String>> {
        let text = read(&self.folder.path().join(name));
        text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    /// A file of the folder it ran in.
    pub(crate) fn read(&self, name: &str) -> String {
        read(&self.folder.path().join(name))
    }

    /// The messages of log lines, without their time and place.
    pub(crate) fn log(&self) -> Vec<&str> {
        let line = |line: &'_ str| -> Option<usize> {
            line.starts_with('[').then(|| line.find("swarmer.")).flatten()
        };
        self.stderr.lines().filter_map(|text| line(text).map(|at| &text[at..])).collect()
    }

    /// Asserts the exit code, with all that was said if it is another one.
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stderr has each of these texts.
    pub(crate) fn expect_said(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in:\n{}", self.stderr);
        }
        self
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}
