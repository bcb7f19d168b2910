//! The Locust release we compare with, in a virtual environment that is made once.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Python interpreter that has Locust 2.47.0; the first call of all makes the environment, which
/// needs the Python package index.
///
/// Its place is `target/venv-locust`, or `$SWARMER_VENV`.
pub(crate) fn python() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/locust_venv.sh");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("venv-locust");
    let output = Command::new(script).arg(place).output().expect("a POSIX shell");
    assert!(
        output.status.success(),
        "cannot make the Locust environment (it needs python3-venv and PyPI):\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("a UTF-8 path").trim_end().into()
}

/// Runs `tests/support/<script>` with `input` on its standard input and returns what it printed.
pub(crate) fn run(script: &str, input: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(script);
    let mut child = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter of the environment");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("the script reads all of its input");
    drop(stdin);
    let output = child.wait_with_output().expect("a child to wait for");
    assert!(output.status.success(), "the script failed, see its traceback above");
    String::from_utf8(output.stdout).expect("UTF-8")
}
