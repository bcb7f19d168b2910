//! A workload on a terminal of its own: keys go in, what the screen gets comes out, its settings can be asked for.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::AS_WORKLOAD;

/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct OnTerminal {
    child: Child,
    master: File,
    /// Kept open, so that the terminal has settings after the workload has gone.
    slave: OwnedFd,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl OnTerminal {
    pub(crate) fn start(arguments: &str) -> Self {
        Self::with(arguments, &[])
    }

    /// As [`start`](Self::start), with these variables in its environment.
    pub(crate) fn with(arguments: &str, variables: &[(&str, &Path)]) -> Self {
        Self::sized(arguments, variables, (0, 0))
    }

    /// The same with so many columns and rows: a full-screen view needs some.
    pub(crate) fn sized(
        arguments: &str,
        variables: &[(&str, &Path)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let (mut master, mut slave) = (0, 0);
        let none = std::ptr::null_mut();
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the pointers are to integers and a size that live here; the other two may be null.
        let opened = unsafe {
            libc::openpty(&raw mut master, &raw mut slave, none, none.cast(), &raw const size)
        };
        assert_eq!(opened, 0);
        // SAFETY: both descriptors are new, and nobody else has them.
        let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(arguments.split_whitespace()).env(AS_WORKLOAD, "1").env("TERM", "xterm");
        command.envs(variables.iter().copied());
        command.stdin(slave.try_clone().unwrap());
        command.stdout(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
        // SAFETY: only system calls that are allowed between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (seen, mut output) = (Arc::clone(&screen), master.try_clone().unwrap());
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                seen.lock().unwrap().extend_from_slice(&chunk[..read]);
            }
        });
        Self { child, master, slave, screen }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn signal(&self, signal: i32) {
        let id = i32::try_from(self.child.id()).unwrap();
        // SAFETY: sends a signal to a child that has not been waited for, so its id is its own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// Waits until so many lines of the screen have had it.
    pub(crate) fn wait_for_lines(&self, text: &str, lines: usize) {
        let start = Instant::now();
        while self.screen().matches(text).count() < lines {
            assert!(start.elapsed() < LIMIT, "no {lines} {text:?} in:\n{}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end; gives the exit code, or the signal below zero.
    pub(crate) fn wait(&mut self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or_else(|| -status.signal().unwrap());
            }
            assert!(start.elapsed() < LIMIT, "it hangs:\n{}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the terminal gives whole lines and shows what is typed, as shells expect it.
    pub(crate) fn is_as_it_was(&self) -> bool {
        // SAFETY: all bits zero are a valid value, which the call overwrites.
        let mut settings: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is open, and the pointer is to a struct that lives here.
        assert_eq!(unsafe { libc::tcgetattr(self.slave.as_raw_fd(), &raw mut settings) }, 0);
        let expected = libc::ICANON | libc::ECHO;
        settings.c_lflag & expected == expected
    }
}
