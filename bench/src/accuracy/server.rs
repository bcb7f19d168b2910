//! The scripted server as a process on the first core, and what it hands over at its end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::truth::{Seen, read_log};
use crate::tools::beside;

/// A server that runs.
pub(crate) struct Truth {
    process: Child,
    words: BufReader<ChildStdout>,
    folder: TempDir,
    url: String,
}

/// What it saw.
pub(crate) struct Told {
    pub(crate) log: Vec<Seen>,
    /// The share of its time in which it had something to do.
    pub(crate) busy: f64,
}

impl Truth {
    /// With a script and, if any, stalls: the arguments of the program `truth`.
    pub(crate) fn start(script: &[String]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut process = Command::new("taskset")
            .args(["-c", "0"])
            .arg(beside("truth")?)
            .arg(folder.path().join("log"))
            .args(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the scripted server with taskset")?;
        let stdout = process.stdout.take().context("standard output was piped")?;
        let mut server =
            Self { process, words: BufReader::new(stdout), folder, url: String::new() };
        let port: u16 = server.line()?.parse().context("the scripted server says no port")?;
        server.url = format!("http://127.0.0.1:{port}");
        Ok(server)
    }

    /// Without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.words.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Ends it.
    pub(crate) fn end(mut self) -> Result<Told> {
        drop(self.process.stdin.take());
        let line = self.line()?;
        let busy =
            line.strip_prefix("busy ").context("the scripted server ended without a word")?;
        let status = self.process.wait()?;
        ensure!(status.success(), "the scripted server failed: {status}");
        let log = read_log(&fs::read(self.folder.path().join("log"))?)?;
        Ok(Told { log, busy: busy.parse()? })
    }
}

impl Drop for Truth {
    fn drop(&mut self) {
        // Does nothing to one that has ended; where something failed before, it must not go on spinning.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
