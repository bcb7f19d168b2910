//! What these tests share.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The workload under test.
pub(crate) const LOAD_TESTS: &str = env!("CARGO_BIN_EXE_load-tests");

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The system under test's program, beside the workload's; built if nobody has yet.
pub(crate) fn dynaclaimz() -> PathBuf {
    use std::sync::Once;
    static BUILT: Once = Once::new();
    let program = Path::new(LOAD_TESTS).with_file_name("dynaclaimz");
    BUILT.call_once(|| {
        let folder = program.parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "dynaclaimz", "--target-dir"]);
        cargo.arg(folder.parent().unwrap()).current_dir(root());
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "dynaclaimz does not build");
    });
    program
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that is gone when its test is.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}")))
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.0.id(), name);
    }

    /// Its exit code, when it has ended by itself within `limit`.
    pub(crate) fn ended(&mut self, limit: Duration) -> Option<i32> {
        let mut status = None;
        eventually(limit, || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn signal(id: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status();
    assert!(status.unwrap().success(), "kill -{name} {id}");
}

/// Whether `what` comes true within `limit`.
pub(crate) fn eventually(limit: Duration, mut what: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if what() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a script of `support/` in an environment of Python that has what it needs; its output as JSON.
pub(crate) fn python(script: &str, input: &str, words: &[&str]) -> Value {
    let output = python_output(script, input, words);
    assert!(output.status.success(), "{script}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// As [`python`], whatever comes of it.
pub(crate) fn python_output(script: &str, input: &str, words: &[&str]) -> std::process::Output {
    use std::io::Write as _;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deployment/support");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("venv-deployment");
    let made = Command::new(folder.join("venv.sh")).arg(place).output().unwrap();
    assert!(made.status.success(), "no environment of Python:\n{}", text(&made.stderr));
    let mut child = Command::new(text(&made.stdout).trim_end())
        .arg(folder.join(script))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
