//! What DynaClaimz can take: a read by id through the gateway beside the same read from the bare service, and its memory.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Arguments;
use crate::contender::{Load, Target, wrk};
use crate::memory::mib;
use crate::process::{resident_of, terminate};
use crate::section::Section;
use crate::tools::{beside, own_version, version};

/// Connections that read all the time.
const CONNECTIONS: u32 = 32;

/// Both rates, their ratio, and the memory at rest and after the load.
///
/// # Errors
/// When the services or wrk cannot be started, or a request fails.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let (rounds, seconds) = (arguments.rounds.min(2), arguments.seconds);
    let system = System::start(None, None)?;
    let at_rest = resident_of(&system.process)?;
    let (token, quote) = system.quote()?;
    let load = Load { connections: CONNECTIONS, seconds };
    let reader = wrk(load)?.with(["-H".to_owned(), format!("Authorization: Bearer {token}")]);
    let (through, bare) = (
        format!("http://127.0.0.1:{}/api/v1/quotes/{quote}", system.gateway),
        format!("http://127.0.0.1:{}/api/quotes/{quote}", system.quotes),
    );
    let mut section = Section::new(
        "services",
        "DynaClaimz, the target itself",
        &format!(
            "All services in one process, on SQLite; wrk reads one quote over {CONNECTIONS} connections, {rounds} rounds of \
             {seconds} s, through the gateway and from the bare service by turns."
        ),
    );
    section.versions = vec![own_version(), version("wrk")?];
    let process = system.id();
    let (mut gateway, mut service) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        gateway.push(reader.run(Target { url: &through, process })?.rate);
        service.push(reader.run(Target { url: &bare, process })?.rate);
    }
    section.figure("through the gateway", "requests", "/s", &gateway);
    section.figure("bare service", "requests", "/s", &service);
    section.ratio(
        "requests/s",
        ("through the gateway", &gateway),
        ("bare service", &service),
        None,
    );
    let loaded = resident_of(&system.process)?;
    section.figure("services", "memory at rest", "MiB", &[mib(at_rest)]);
    section.figure("services", "memory under this load", "MiB", &[mib(loaded)]);
    Ok(section)
}

/// `dynaclaimz all` as a process of its own.
pub(crate) struct System {
    process: Child,
    gateway: u16,
    quotes: u16,
    _data: TempDir,
}

impl System {
    /// On these cores, as `taskset` takes them, or on all; with another cost of a sign-in than it has by itself.
    pub(crate) fn start(cores: Option<&str>, bcrypt_cost: Option<u32>) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let ports = free_ports()?;
        let program = beside("dynaclaimz")?;
        let mut command = match cores {
            None => Command::new(program),
            Some(cores) => {
                let mut pinned = Command::new("taskset");
                pinned.args(["-c", cores]).arg(program);
                pinned
            }
        };
        let process = command
            .arg("all")
            .env("DATA_DIR", data.path())
            .env("JWT_SECRET", "a-secret-of-the-benchmark-0123456789")
            .env("RATE_LIMIT_MAX_REQUESTS", "0")
            .env("RUST_LOG", "warn")
            .envs(bcrypt_cost.map(|cost| ("BCRYPT_COST", cost.to_string())))
            .envs(
                ["PORT", "USER_PORT", "POLICY_PORT", "CLAIMS_PORT", "QUOTES_PORT"]
                    .into_iter()
                    .zip(ports.map(|p| p.to_string())),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let system = Self { process, gateway: ports[0], quotes: ports[4], _data: data };
        system.wait_until_ready()?;
        Ok(system)
    }

    pub(crate) fn gateway_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway)
    }

    /// The process in which all services are.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Requests under `/api/v1` so far, as the gateway counts them.
    pub(crate) fn requests(&self) -> Result<f64> {
        let metrics = self.ask_plain("GET", "/metrics", None, &Value::Null)?;
        let line = metrics.lines().find(|line| line.starts_with("gateway_api_requests_total{"));
        let number = line.and_then(|line| line.rsplit(' ').next());
        Ok(number.context("the gateway does not count its requests")?.parse()?)
    }

    fn wait_until_ready(&self) -> Result<()> {
        for _ in 0..150 {
            if self.ask("GET", "/ready", None, &Value::Null).is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
        anyhow::bail!("dynaclaimz is not ready after fifteen seconds")
    }

    /// A token, and the id of a quote that it may read.
    fn quote(&self) -> Result<(String, String)> {
        let users = self.ask("GET", "/api/v1/users", None, &Value::Null)?;
        let email = &users["data"][0]["email"];
        let login = json!({"email": email, "password": "password123"});
        let signed_in = self.ask("POST", "/api/v1/auth/login", None, &login)?;
        let token = signed_in["data"]["token"].as_str().context("no token")?.to_owned();
        let quote = json!({"type": "AUTO", "coverageAmount": 100_000});
        let made = self.ask("POST", "/api/v1/quotes", Some(&token), &quote)?;
        let id = made["data"]["id"].as_str().context("no quote id")?.to_owned();
        Ok((token, id))
    }

    /// One request over a connection of its own; its JSON reply.
    fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
        let reply = self.ask_plain(method, path, token, body)?;
        serde_json::from_str(&reply).with_context(|| format!("{method} {path}: {reply}"))
    }

    /// The same with the text of the reply.
    fn ask_plain(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.gateway))?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let bearer =
            token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{bearer}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        ensure!(reply.starts_with("HTTP/1.1 2"), "{method} {path}: {reply}");
        let start = reply.find("\r\n\r\n").context("no head")? + 4;
        // A chunked body would begin with its length; ours have a Content-Length.
        Ok(reply.split_off(start))
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = terminate(&mut self.process);
    }
}

/// Five ports that nobody listens on now.
fn free_ports() -> Result<[u16; 5]> {
    let mut ports = [0; 5];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
