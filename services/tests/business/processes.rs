//! The program itself: its settings, its start, its end, and what it does to databases.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::support::postgres::Cluster;
use crate::support::{Actor, Bed};

const PROGRAM: &str = env!("CARGO_BIN_EXE_dynaclaimz");

/// A running `dynaclaimz`, killed when dropped.
pub(crate) struct Process {
    pub(crate) url: String,
    pub(crate) child: Child,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The program with nothing of this process's environment but the PATH.
fn program(command: &str, settings: &[(&str, &str)]) -> Command {
    let mut program = Command::new(PROGRAM);
    program.args(command.split(' ')).env_clear().envs(settings.iter().copied());
    program.env("BCRYPT_COST", "4").env("RUST_LOG", "warn,dynaclaimz=info");
    program
}

fn run(command: &str, settings: &[(&str, &str)]) -> Output {
    program(command, settings).output().unwrap()
}

pub(crate) fn spawn(command: &str, port: u16, settings: &[(&str, &str)]) -> Process {
    let child = program(command, settings)
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Process { url: format!("http://127.0.0.1:{port}"), child }
}

impl Process {
    /// Waits until it answers.
    pub(crate) async fn ready(mut self) -> Process {
        let probe = Actor::at(self.url.clone());
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let ask = probe.try_send(axum::http::Method::GET, "/ready", axum::body::Body::empty());
            if ask.await.is_ok_and(|reply| reply.status == 200) {
                return self;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything it logged; ends it.
    fn log(&mut self) -> String {
        let _ = self.child.kill();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }
}

/// A quotes-service of its own that shares user-service with the bed and finds no policy-service.
pub(crate) async fn quotes_without_policies(bed: &Bed) -> (Process, TempDir) {
    let users = bed.running.service_urls.iter().find(|(name, _)| *name == "user").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let settings = [
        ("DATA_DIR", folder.path().to_str().unwrap()),
        ("JWT_SECRET", "not the one of the bed"),
        ("USER_SERVICE_URL", &users.1),
        ("POLICY_SERVICE_URL", &nobody),
    ];
    (spawn("quotes", free_port(), &settings).ready().await, folder)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_bad_setting_is_named_before_a_port_is_taken() {
    let settings = [
        ("PORT", "0x50"),
        ("DATABASE_URL", "oracle://x"),
        ("JWT_EXPIRES_IN", "forever"),
        ("PEER_TIMEOUT", "-1"),
        ("RATE_LIMIT_MAX_REQUESTS", "many"),
    ];
    let output = run("all", &settings);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    for (variable, _) in settings.iter().chain(&[("JWT_SECRET", "")]) {
        assert!(error.contains(variable), "{variable} is not named in: {error}");
    }
}

#[test]
fn a_known_secret_is_refused_on_a_public_address() {
    let settings = [("JWT_SECRET", "changeme"), ("BIND_ADDRESS", "0.0.0.0")];
    for command in ["all", "user", "quotes"] {
        let output = run(command, &settings);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("JWT_SECRET is a well-known default"));
    }
}

#[test]
fn a_taken_port_is_named_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let settings = [("PORT", &*port), ("DATA_DIR", folder.path().to_str().unwrap())];
    let output = run("claims", &settings);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("PORT"), "{error}");
}

#[test]
fn help_teaches() {
    let output = run("--help", &[]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    for word in
        ["all", "reset", "JWT_SECRET", "DATABASE_URL", "DATA_DIR", "RATE_LIMIT", "password123"]
    {
        assert!(help.contains(word), "{word}");
    }
    assert_eq!(run("nonsense", &[]).status.code(), Some(2));
}

/// `seed` fills an empty database once, `check` says whether all is well, `reset` starts anew.
fn a_life(settings: &[(&str, &str)]) {
    let done = |command: &str| {
        let output = run(command, settings);
        assert!(output.status.success(), "{command}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(done("seed").contains("seeded"));
    assert!(done("seed").contains("left as it is"));
    assert_eq!(done("check").matches(": ok").count(), 4);
    let report = done("reset --yes");
    assert!(report.contains("rows deleted") && report.contains("seeded"), "{report}");
}

#[test]
fn databases_are_seeded_checked_and_reset_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new folder 100%?#");
    a_life(&[("DATA_DIR", data.to_str().unwrap()), ("JWT_SECRET", "x")]);
    assert!(data.join("quotes.db").exists());
}

#[test]
fn databases_are_seeded_checked_and_reset_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    let settings = [("DATABASE_URL", &*cluster.url), ("JWT_SECRET", "x")];
    a_life(&settings);
    let refused = run("reset", &settings);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("--yes"));

    let nowhere = format!("postgres://postgres@127.0.0.1:{}", free_port());
    let failed = run("check", &[("DATABASE_URL", &nowhere), ("JWT_SECRET", "x")]);
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(text(&failed.stdout).matches("FAILED").count(), 4);
}

/// `check` also asks the services whose addresses are set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_asks_the_services() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DATA_DIR", folder.path().to_str().unwrap()), ("JWT_SECRET", "x")];
    let user = spawn("user", free_port(), &settings).ready().await;
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let checked = |more: &[(&str, &str)]| {
        let output = run("check", &[&settings[..], more].concat());
        (output.status.code(), text(&output.stdout))
    };
    let (code, report) = checked(&[("USER_SERVICE_URL", &user.url)]);
    assert!(code == Some(0) && report.contains("user-service at http"), "{report}");
    assert_eq!(report.matches(": ok").count(), 5, "{report}");
    let (code, report) =
        checked(&[("CLAIMS_SERVICE_URL", &user.url), ("QUOTES_SERVICE_URL", &nowhere)]);
    assert_eq!(code, Some(1));
    assert!(report.contains("FAILED: that is user-service"), "{report}");
    assert!(report.contains("cannot be reached"), "{report}");
}

/// `health` is what a container's health check runs: it needs nothing but the settings of the service beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_asks_the_service_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let (port, nobody) = (free_port(), free_port().to_string());
    let (port_text, data) = (port.to_string(), folder.path().to_str().unwrap());
    let asked = |command: &str, port: &str, address: &str| {
        let output = run(command, &[("PORT", port), ("BIND_ADDRESS", address)]);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let _user = spawn("user", port, &[("DATA_DIR", data), ("JWT_SECRET", "x")]).ready().await;
    for (command, word) in [("health", "\"ok\""), ("health --ready", "\"ready\"")] {
        for address in ["127.0.0.1", "0.0.0.0"] {
            let (code, said) = asked(command, &port_text, address);
            assert!(code == Some(0) && said.contains(word), "{command}: {code:?} {said}");
        }
    }
    let (code, said) = asked("health", &nobody, "0.0.0.0");
    assert!(code == Some(1) && said.contains("is silent"), "{said}");

    // A gateway without services is there, but it cannot work.
    let gateway = free_port();
    let nobody = format!("http://127.0.0.1:{nobody}");
    let gone = ["USER", "QUOTES", "POLICY", "CLAIMS"].map(|name| format!("{name}_SERVICE_URL"));
    let gone: Vec<(&str, &str)> = gone.iter().map(|name| (&**name, &*nobody)).collect();
    let _gateway = spawn("gateway", gateway, &gone);
    let deadline = Instant::now() + Duration::from_secs(30);
    while asked("health", &gateway.to_string(), "").0 != Some(0) {
        assert!(Instant::now() < deadline, "the gateway does not start");
    }
    let (code, said) = asked("health --ready", &gateway.to_string(), "");
    assert!(code == Some(1) && said.contains("503"), "{said}");
}

/// `JWT_EXPIRES_IN`: after it a token is good for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_expire() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("DATA_DIR", folder.path().to_str().unwrap()),
        ("JWT_SECRET", "x"),
        ("JWT_EXPIRES_IN", "2 seconds"),
    ];
    let user = spawn("user", free_port(), &settings).ready().await;
    let agent = Actor::at(format!("{}/api", user.url)).new_agent().await;
    let token = json!({ "token": agent.token });
    let deadline = Instant::now() + Duration::from_secs(10);
    while agent.post("/auth/verify", token.clone()).await.status == 200 {
        assert!(Instant::now() < deadline, "still accepted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    agent.post("/auth/verify", token).await.refused(401, "Invalid token");
    agent.get("/auth/me").await.refused(401, "Authentication failed");
}

/// Several instances may start at the same moment on the same empty databases.
fn start_together(settings: &[(&str, &str)]) {
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let mut seed = program("seed", settings);
            seed.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for start in starts {
        let output = start.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let report = text(&run("reset --yes", settings).stdout);
    // 30 organisations and their 1 to 3 users each, once.
    let rows = report.lines().find(|line| line.starts_with("user")).unwrap();
    let rows: usize = rows.split_whitespace().rev().nth(2).unwrap().parse().unwrap();
    assert!((60..=120).contains(&rows), "{report}");
}

#[test]
fn instances_start_together_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    start_together(&[("DATA_DIR", folder.path().to_str().unwrap())]);
}

#[test]
fn instances_start_together_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    start_together(&[("DATABASE_URL", &*cluster.url)]);
}

/// Requests in flight are answered, then the process ends by itself with code 0.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_drains() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let settings = [("DATA_DIR", folder.path().to_str().unwrap()), ("JWT_SECRET", "x")];
        let mut process = spawn("user", free_port(), &settings).ready().await;
        let actor = Actor::at(format!("{}/api", process.url));
        // The head and half the body are there; the rest comes after the signal.
        let (sender, body) = tokio::sync::mpsc::channel::<String>(1);
        let stream = futures_util::stream::unfold(body, async |mut body| {
            body.recv().await.map(|part| (Ok::<_, std::io::Error>(part), body))
        });
        let body = axum::body::Body::from_stream(stream);
        let login = tokio::spawn(async move {
            actor.try_send(axum::http::Method::POST, "/auth/login", body).await
        });
        sender.send("{\"email\": \"a@b.co\",".to_owned()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        process.signal(signal);
        tokio::time::sleep(Duration::from_millis(200)).await;
        sender.send("\"password\": \"x\"}".to_owned()).await.unwrap();
        drop(sender);
        let reply = login.await.unwrap().unwrap();
        assert_eq!(reply.body, json!({"success": false, "message": "Invalid credentials"}));
        let deadline = Instant::now() + Duration::from_secs(9);
        let status = loop {
            if let Some(status) = process.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "still running after SIG{signal}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(status.code(), Some(0), "SIG{signal}");
    }
}
