//! How soon a program is there: its help, and its first request.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::Arguments;
use crate::process::terminate;
use crate::section::{Limit, Section};
use crate::tools::{beside, own_version, present};

/// How often each program is started.
const STARTS: u32 = 10;

/// The longest that a program may take to its first request.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program, and what makes it send a request to `URL`.
struct Program {
    name: &'static str,
    path: PathBuf,
    request: &'static str,
}

/// # Errors
/// When a program cannot be started or sends nothing.
pub(crate) fn measure(_: &Arguments) -> Result<Section> {
    let mut section = Section::new(
        "start",
        "Start",
        &format!(
            "Time from the start of the process to its end for the help, and to the first byte of the first request at a server \
             within the harness. {STARTS} starts each, programs taking turns, on any core."
        ),
    );
    section.versions.push(own_version());
    let target = Target::start()?;
    let programs = programs(&mut section)?;
    let mut times: Vec<_> = programs.iter().map(|_| (Vec::new(), Vec::new())).collect();
    for _ in 0..STARTS {
        for (program, (help, first)) in programs.iter().zip(&mut times) {
            help.push(help_time(program)?);
            first.push(target.first_request(program)?);
        }
    }
    for (program, (help, first)) in programs.iter().zip(&times) {
        let ours = program.name == "swarmer";
        let mut figure = |what, values: &[f64], most| {
            if ours {
                section.limited(program.name, what, "ms", values, Limit::AtMost(most));
            } else {
                section.figure(program.name, what, "ms", values);
            }
        };
        figure("help", help, 20.0);
        figure("first request", first, 100.0);
        section.commands.push(format!("{} {}", program.name, program.request));
        if !ours {
            section.ratio("help", ("swarmer", &times[0].0), (program.name, help), None);
            section.ratio("first request", ("swarmer", &times[0].1), (program.name, first), None);
        }
    }
    section.notes.push(
        "Help of swarmer is that of `load-tests`; its first request that of `hammer`, which needs no services. swarmer, \
         Locust and k6 check and prepare a whole run before the first request, wrk and oha have nothing to prepare."
            .to_owned(),
    );
    Ok(section)
}

/// Ours first, then those peers that are here.
fn programs(section: &mut Section) -> Result<Vec<Program>> {
    let ours = Program {
        name: "swarmer",
        path: beside("hammer")?,
        request: "--headless --only-summary --users=1 --threads=1 --run-time=1s --host=URL Hammer",
    };
    let mut programs = vec![ours];
    for (name, program, request) in [
        ("wrk", "wrk", "-t1 -c1 -d1s URL"),
        ("oha", "oha", "--no-tui -c 1 -n 1 URL"),
        ("Locust", "locust", "-f locustfile.py --headless --only-summary -u 1 -t 1s -H URL"),
        ("k6", "k6", "run --quiet --no-usage-report -u 1 -i 1 -e TARGET=URL hammer.js"),
    ] {
        if let Some(path) = present(section, program) {
            programs.push(Program { name, path, request });
        }
    }
    Ok(programs)
}

/// Milliseconds until the help is printed. wrk ends its own with an error.
fn help_time(program: &Program) -> Result<f64> {
    let path = if program.name == "swarmer" { beside("load-tests")? } else { program.path.clone() };
    let began = Instant::now();
    let output = Command::new(&path).arg("--help").stdin(Stdio::null()).output()?;
    let time = began.elapsed();
    anyhow::ensure!(
        !output.stdout.is_empty() || !output.stderr.is_empty(),
        "{} prints no help",
        path.display()
    );
    Ok(time.as_secs_f64() * 1e3)
}

/// A server that tells when the first byte of each connection came.
struct Target {
    url: String,
    heard: Receiver<Instant>,
}

impl Target {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (tell, heard) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                thread::spawn(move || answer(stream, &tell));
            }
        });
        Ok(Self { url, heard })
    }

    /// Milliseconds from the start of the program to its first request.
    fn first_request(&self, program: &Program) -> Result<f64> {
        let folder = tempfile::tempdir()?;
        for (name, text) in [("locustfile.py", LOCUSTFILE), ("hammer.js", HAMMER_OF_K6)] {
            std::fs::write(folder.path().join(name), text)?;
        }
        let arguments = program.request.replace("URL", &self.url);
        while self.heard.try_recv().is_ok() {}
        let began = Instant::now();
        let mut process = Command::new(&program.path)
            .args(arguments.split(' '))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let first = self.heard.recv_timeout(PATIENCE);
        terminate(&mut process)?;
        let first = first.with_context(|| format!("no request from {}", program.name))?;
        Ok(first.saturating_duration_since(began).as_secs_f64() * 1e3)
    }
}

const HAMMER_OF_K6: &str = include_str!("../peers/k6/hammer.js");

const LOCUSTFILE: &str = "
from locust import FastHttpUser, task

class Anyone(FastHttpUser):
    @task
    def ask(self):
        self.client.get('/')
";

/// Answers whatever comes as if it were a request, until the peer leaves.
fn answer(mut stream: TcpStream, tell: &Sender<Instant>) {
    let mut buffer = [0; 4096];
    let mut first = true;
    while let Ok(1..) = stream.read(&mut buffer) {
        if std::mem::take(&mut first) {
            // Nobody listens any more once the part is over.
            let _ = tell.send(Instant::now());
        }
        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_is_told_once_for_each_connection() {
        let target = Target::start().unwrap();
        let began = Instant::now();
        let mut stream = TcpStream::connect(target.url.trim_start_matches("http://")).unwrap();
        for _ in 0..2 {
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            assert!(stream.read(&mut [0; 256]).unwrap() > 0);
        }
        assert!(target.heard.recv_timeout(PATIENCE).unwrap() >= began);
        assert!(target.heard.try_recv().is_err());
    }
}
