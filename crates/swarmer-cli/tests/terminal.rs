//! The tool on a terminal of its own: what it shows, what keys do, and that the terminal is as before in the end.

#![expect(clippy::unwrap_used, reason = "a panic is a failure here")]

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use support::{Server, swarmer};

/// The patience of a test on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";
const SHOW_CURSOR: &str = "\u{1b}[?25h";

/// A process whose standard streams are one terminal, and everything it wrote.
struct Session {
    child: Child,
    keyboard: File,
    terminal: OwnedFd,
    before: libc::termios,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Session {
    fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        let (ours, theirs) = open_terminal();
        let before = settings(&theirs);
        let stream = || Stdio::from(theirs.try_clone().unwrap());
        let child = swarmer(args)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .envs(env.iter().copied())
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        let keyboard = File::from(ours);
        let (mut screen, shown) = (keyboard.try_clone().unwrap(), Arc::default());
        let memory: Arc<Mutex<Vec<u8>>> = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = screen.read(&mut buffer) {
                memory.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, keyboard, terminal: theirs, before, shown }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.shown().contains(text) {
            assert!(began.elapsed() < PATIENCE, "no {text:?} in {:?}", self.shown());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end; the terminal must then be as it was.
    fn end(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("still running: {:?}", self.shown());
            }
            thread::sleep(Duration::from_millis(20));
        };
        let after = settings(&self.terminal);
        assert_eq!(
            (after.c_iflag, after.c_oflag, after.c_lflag, after.c_cc),
            (self.before.c_iflag, self.before.c_oflag, self.before.c_lflag, self.before.c_cc),
            "the terminal's settings are those from before"
        );
        // The last bytes may still be on their way.
        thread::sleep(Duration::from_millis(100));
        (status, self.shown())
    }
}

/// Both ends of a new terminal of 80 by 24.
fn open_terminal() -> (OwnedFd, OwnedFd) {
    let (mut ours, mut theirs) = (0, 0);
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the pointers are to live variables of the right types; the others may be null.
    let result = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            std::ptr::null_mut(),
            std::ptr::null(),
            &raw const size,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both descriptors were just opened and belong to nobody else.
    unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) }
}

fn settings(terminal: &OwnedFd) -> libc::termios {
    // SAFETY: all zeroes are a valid value of this plain struct.
    let mut settings = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes into `settings` only.
    let result = unsafe { libc::tcgetattr(terminal.as_raw_fd(), &raw mut settings) };
    assert_eq!(result, 0);
    settings
}

/// The full screen was entered once and left once, in this order, and the tables stand behind it.
fn assert_given_back(shown: &str) {
    assert_eq!((shown.matches(ENTER).count(), shown.matches(LEAVE).count()), (1, 1));
    let (_, after) = shown.split_once(LEAVE).unwrap();
    assert!(after.contains(SHOW_CURSOR), "the cursor is back");
    assert!(after.contains("Aggregated"), "tables on the normal screen: {after:?}");
}

#[test]
fn the_full_screen_shows_the_run_and_q_ends_it() {
    let server = Server::start();
    let url = format!("{}/x", server.url);
    let mut session = Session::start(&["hit", &url, "-u", "2", "-t", "60", "-L", "INFO"], &[]);
    session.wait_for("RUNNING");
    session.wait_for("Response times over time");
    session.press("2");
    session.wait_for("# fails");
    session.press("Wq");
    let (status, shown) = session.end();
    assert_eq!(status.code(), Some(0));
    assert_given_back(&shown);
    let (_, full) = shown.split_once(ENTER).unwrap();
    let (on_screen, after) = full.split_once(LEAVE).unwrap();
    assert!(!on_screen.contains("/INFO/"), "no log line disturbs the full screen");
    assert!(after.contains("Ramping to 12 users at a rate of 100.00 per second"), "{after:?}");
}

#[test]
fn ctrl_c_ends_the_run_as_ever() {
    let server = Server::start();
    let mut session = Session::start(&["hit", &format!("{}/x", server.url), "-t", "60"], &[]);
    session.wait_for("RUNNING");
    session.press("\u{3}");
    let (status, shown) = session.end();
    assert_eq!(status.code(), Some(0));
    assert_given_back(&shown);
}

#[test]
fn a_second_ctrl_c_gives_up_waiting_for_requests() {
    // Accepts connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let mut session = Session::start(
        &["hit", &url, "-u", "3", "-t", "60", "--stop-timeout", "60", "-L", "INFO"],
        &[],
    );
    session.wait_for("RUNNING");
    session.press("\u{3}");
    session.wait_for("STOPPING");
    session.press("\u{3}");
    let (_, shown) = session.end();
    assert_given_back(&shown);
    assert!(shown.contains("Second signal"), "{shown:?}");
}

#[test]
fn the_live_line_goes_before_the_tables_come() {
    let server = Server::start();
    let session = Session::start(
        &["hit", &format!("{}/x", server.url), "-u", "2", "-t", "3", "--no-tui", "-L", "INFO"],
        &[],
    );
    let (status, shown) = session.end();
    assert_eq!(status.code(), Some(0));
    assert!(!shown.contains(ENTER));
    let erase = "\r\u{1b}[K";
    assert!(shown.contains(&format!("{erase}[====>       ] 0:01/0:03 | 2 users | ")), "{shown:?}");
    let (_, tables) = shown.rsplit_once(erase).unwrap();
    assert!(!tables.contains(" users | ") && tables.contains("Aggregated"), "{tables:?}");
}

#[test]
fn who_wants_no_colours_or_has_a_dumb_terminal_gets_plain_text() {
    let server = Server::start();
    let url = format!("{}/x", server.url);
    for env in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (status, shown) = Session::start(&["hit", &url, "-u", "1", "-t", "1"], &[env]).end();
        assert_eq!(status.code(), Some(0));
        assert!(!shown.contains('\u{1b}'), "{env:?}: {shown:?}");
    }
}
