//! A small server that answers as its paths say, and remembers what it was asked; and the tool as a process.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its part, and panics are its failures"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// Answers 500 below `/bad`, else 200, until the test ends.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let memory = Arc::clone(&memory);
                thread::spawn(move || serve(stream, &memory));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// One connection; ends with it.
fn serve(stream: TcpStream, memory: &Mutex<Vec<Seen>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone().ok()?), stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let length = lines.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        let line = lines.remove(0);
        let status = if line.contains("/bad") { "500 Broken" } else { "200 OK" };
        memory.lock().unwrap().push(Seen { line, headers: lines, body });
        // A server that needs no time at all would leave the machine's other tests none.
        thread::sleep(std::time::Duration::from_millis(5));
        write!(writer, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok").ok()?;
    }
}

/// The tool, without options from this machine's environment.
pub(crate) fn swarmer(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarmer"));
    for (name, _) in std::env::vars().filter(|(name, _)| is_option(name)) {
        command.env_remove(name);
    }
    command.args(args);
    command
}

fn is_option(name: &str) -> bool {
    name.starts_with("LOCUST_") || name.starts_with("SWARMER_")
}

pub(crate) fn output(args: &[&str]) -> Output {
    swarmer(args).output().unwrap()
}

/// Exit code, stdout and stderr as one text.
pub(crate) fn told(args: &[&str]) -> String {
    let output = output(args);
    format!(
        "exit code {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    )
}
