//! The program against a real DynaClaimz: its sums beside the gateway's, its exit codes, its words when something is wrong.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use dynaclaimz::{AllConfig, Running, start_all};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A running DynaClaimz.
struct System {
    running: Running,
    runtime: Runtime,
    _data: TempDir,
}

impl System {
    fn start() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let runtime = Runtime::new().expect("a runtime");
        let running = runtime.block_on(start_all(AllConfig::demo(data.path()))).expect("a system");
        Self { running, runtime, _data: data }
    }

    /// Requests under /api/v1 that reached the gateway.
    fn counted(&self) -> u64 {
        self.running.counters().snapshot().received_api
    }

    fn stop(self) {
        self.runtime.block_on(self.running.shutdown());
    }
}

fn load_tests(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_load-tests"));
    // Variables of whoever runs the tests must not change what the program does.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ran(args: &[&str]) -> (i32, String) {
    ended(load_tests(args).output().expect("the program starts"))
}

fn ended(output: Output) -> (i32, String) {
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code().unwrap_or(-1), stderr)
}

/// Request and failure counts by name, from the CSV.
fn csv(prefix: &Path) -> BTreeMap<String, (u64, u64)> {
    let text = fs::read_to_string(format!("{}_stats.csv", prefix.display())).expect("the CSV");
    let number = |field: &str| field.parse().expect("a count");
    text.lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|row| (row[1].to_owned(), (number(row[2]), number(row[3]))))
        .collect()
}

/// Set-up asks for the organisations and for the users.
const SETUP: u64 = 2;

#[test]
fn the_demo_ends_clean_with_every_name_in_the_csv() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let prefix = folder.path().join("sub/demo");
    let csv_option = format!("--csv={}", prefix.display());
    let args = [
        "--demo",
        "--headless",
        "-u",
        "50",
        "-r",
        "25",
        "-t",
        "20s",
        "--time-scale",
        "0.02",
        "--seed",
        "1",
        "--only-summary",
        &csv_option,
    ];
    let (code, stderr) = ran(&args);
    assert_eq!(code, 0, "{stderr}");
    let counts = csv(&prefix);
    assert_eq!(counts.len(), 25, "24 names and the total: {counts:?}");
    assert!(
        counts.values().all(|(requests, failures)| *requests > 0 && *failures == 0),
        "{counts:?}"
    );
    let (sent, _) = counts["Aggregated"];
    let line = format!(
        "counted {} API requests; the agents' statistics hold {sent}, set-up sent 2, 0 were cut",
        sent + SETUP
    );
    assert!(stderr.contains(&line), "no `{line}` in\n{stderr}");
    assert_eq!(
        fs::read_to_string(format!("{}_exceptions.csv", prefix.display()))
            .expect("the CSV")
            .lines()
            .count(),
        1
    );
}

#[test]
fn the_demo_speaks_http2_too() {
    for sharing in ["own", "shared"] {
        let load = ["-u", "20", "-r", "20", "-t", "5s", "--time-scale", "0.02", "--only-summary"];
        let (code, stderr) =
            ran(&[&["--demo", "--headless", "--http2", sharing], &load[..]].concat());
        assert_eq!(code, 0, "{stderr}");
        let counts = stderr.split("gateway counted ").nth(1).expect("counts");
        let numbers: Vec<u64> = counts
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        let [counted, sent, setup, cut] = numbers[..] else { panic!("{stderr}") };
        assert!(sent > 300, "{sent} requests are hardly a load");
        assert_eq!((counted, setup, cut), (sent + SETUP, SETUP, 0), "--http2 {sharing}");
    }
}

#[test]
fn sums_agree_with_the_gateway_to_the_last_request() {
    let system = System::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let prefix = folder.path().join("run");
    let (host, csv_option) =
        (system.running.gateway_url.clone(), format!("--csv={}", prefix.display()));
    let args = [
        "--host",
        &host,
        "--headless",
        "-u",
        "60",
        "-r",
        "60",
        "--time-scale",
        "0.01",
        "--only-summary",
        &csv_option,
    ];

    let (code, stderr) = ran(&[&args[..], &["-t", "5s"]].concat());
    assert_eq!(code, 0, "{stderr}");
    let sent = csv(&prefix)["Aggregated"].0;
    assert!(sent > 500, "{sent} requests are hardly a load");
    assert_eq!(system.counted(), sent + SETUP, "at the end of the run time");

    for (signal, stop_timeout) in [("-INT", "0"), ("-TERM", "0"), ("-INT", "2")] {
        let before = system.counted();
        let child = load_tests(&[&args[..], &["--stop-timeout", stop_timeout]].concat())
            .spawn()
            .expect("a start");
        sleep(Duration::from_secs(3));
        send(signal, &child);
        let (code, stderr) = ended(child.wait_with_output().expect("an end"));
        assert_eq!(code, 0, "{stderr}");
        let sent = csv(&prefix)["Aggregated"].0;
        assert!(sent > 200, "{sent} requests are hardly a load");
        assert_eq!(
            system.counted() - before,
            sent + SETUP,
            "after {signal}, stop timeout {stop_timeout}"
        );
    }
    system.stop();
}

fn send(signal: &str, child: &Child) {
    let killed =
        Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
}

#[test]
fn a_target_that_is_down_is_named_with_what_to_check() {
    let port =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    let (code, stderr) =
        ran(&["--headless", "-t", "1s", "--host", &format!("http://127.0.0.1:{port}")]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains(&format!("nobody answers at --host http://127.0.0.1:{port}")),
        "{stderr}"
    );
    assert!(stderr.contains("Is the target running"), "{stderr}");
}

/// A server that gives every request this answer; its base URL.
fn answering(answer: &'static str) -> String {
    use std::io::{Read, Write};
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("its number");
    std::thread::spawn(move || {
        for stream in server.incoming().take(8) {
            let Ok(mut stream) = stream else { return };
            // The first is only the check that somebody listens; it says nothing.
            if stream.read(&mut [0; 4096]).unwrap_or(0) > 0 {
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    format!("http://{address}")
}

#[test]
fn a_server_that_is_not_dynaclaimz_is_told_by_its_answer() {
    let host =
        answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let (code, stderr) = ran(&["--headless", "-t", "1s", "--host", &host]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains(&format!("GET {host}/api/v1/organizations was answered with status 404")),
        "{stderr}"
    );
    assert!(stderr.contains("Failed to fetch organizations/users"), "{stderr}");
}

#[test]
fn an_empty_list_of_users_is_told_with_a_remedy() {
    let host = answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 26\r\nConnection: close\r\n\r\n{\"success\":true,\"data\":[]}",
    );
    let (code, stderr) = ran(&["--headless", "-t", "1s", "--host", &host]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains(&format!("{host}/api/v1/users lists no users, so nobody can sign in")),
        "{stderr}"
    );
    assert!(stderr.contains("Hint: Is the database seeded?"), "{stderr}");
}

#[test]
fn a_refused_sign_in_shows_as_failures_and_exit_code_one() {
    let system = System::start();
    let (code, stderr) = ran(&[
        "--host",
        &system.running.gateway_url,
        "--headless",
        "-u",
        "3",
        "-r",
        "3",
        "-t",
        "3s",
        "--time-scale",
        "0.1",
        "--only-summary",
        "--default-password",
        "wrong",
    ]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("POST Login: expected status 200, got 401"), "{stderr}");
    system.stop();
}

#[test]
fn mistakes_on_the_command_line_name_the_option() {
    let cases: [(&[&str], i32, &str); 6] = [
        (&["--wait-min", "9"], 1, "--wait-min 9 is above --wait-max 5"),
        (
            &["--quote-agent-weight", "0", "--claims-agent-weight", "0"],
            1,
            "no agent would ever start",
        ),
        (&["--group-a-percentage", "101"], 2, "--group-a-percentage"),
        (&["--demo", "--host", "http://localhost:1"], 1, "--demo brings its own target"),
        (&["--demo", "--fault", "claims: explode"], 1, "explode"),
        (&["--headless"], 1, "no host to send requests to"),
    ];
    for (args, code, text) in cases {
        let (ended, stderr) = ran(args);
        assert_eq!(ended, code, "{args:?}: {stderr}");
        assert!(stderr.contains(text), "{args:?}: {stderr}");
    }
}
