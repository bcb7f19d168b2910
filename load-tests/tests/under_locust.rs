//! The program as a worker of a stock Locust master, against a real DynaClaimz.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dynaclaimz::{AllConfig, start_all};

/// A master needs the names of the classes, and nothing else of them.
const STUB: &str = "
from locust import User

class QuoteAgent(User):
    pass

class ClaimsAgent(User):
    pass
";

/// A Python that has Locust.
fn python() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/swarmer/tests/support/locust_venv.sh");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("venv-locust");
    let output = Command::new(script).arg(place).output().expect("a POSIX shell");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no Locust (it needs python3-venv and PyPI):\n{errors}");
    String::from_utf8(output.stdout).expect("a UTF-8 path").trim_end().into()
}

/// Ends with the test, however that ends.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        // It has ended already if all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    // Variables of whoever runs the tests must not change what the programs do.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

#[test]
fn a_stock_locust_master_with_two_workers_of_ours_drives_dynaclaimz_without_failures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = AllConfig::demo(folder.path());
    let system = runtime.block_on(start_all(config)).expect("a system");
    std::fs::write(folder.path().join("stub.py"), STUB).expect("a file");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    let port = port.port().to_string();

    let mut master = command(python());
    let arguments = "-m locust -f stub.py --master --headless --master-bind-host 127.0.0.1 --expect-workers 2 \
                     --expect-workers-max-wait 30 -u 20 -r 20 -t 8s --csv run --only-summary";
    master.args(arguments.split_whitespace()).args(["--master-bind-port", &port]);
    master.env("HOME", folder.path()).current_dir(folder.path());
    master.stdout(Stdio::piped()).stderr(Stdio::piped());
    let master = master.spawn().expect("Locust starts");
    let workers: Vec<Worker> = (0..2)
        .map(|_| {
            let mut worker = command(env!("CARGO_BIN_EXE_load-tests"));
            worker.args(["--worker", "--master-port", &port, "--host", &system.gateway_url]);
            worker.args(["--threads", "1", "--time-scale", "0.02"]);
            worker.stdout(Stdio::null()).stderr(Stdio::null());
            Worker(worker.spawn().expect("the program starts"))
        })
        .collect();

    let ended = master.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "no failure and no exception: {said}");
    assert!(said.contains("(20 total users)"), "{said}");
    for mut worker in workers {
        let status = worker.0.wait().expect("an end");
        assert_eq!(status.code(), Some(0), "{said}");
    }
    let csv = std::fs::read_to_string(folder.path().join("run_stats.csv")).expect("the CSV");
    let total = csv.lines().last().expect("a total").split(',').collect::<Vec<_>>();
    assert_eq!(total[1], "Aggregated");
    let (requests, failures) = (total[2].parse::<u64>().expect("a count"), total[3]);
    assert_eq!(failures, "0", "{csv}");
    assert!(requests > 100, "{requests} requests are hardly a load");
    for name in ["Login", "2. Create Quote", "2. File Claim"] {
        assert!(csv.lines().any(|line| line.split(',').nth(1) == Some(name)), "no {name}: {csv}");
    }
    // Each of the two workers sets up with two requests of its own.
    assert_eq!(system.counters().snapshot().received_api, requests + 4, "{csv}");
    runtime.block_on(system.shutdown());
}
