//! Keys on the terminal: `w` and `W` add 1 and 10 users, `s` and `S` take 1 and 10 away, Enter opens the web page.
//!
//! The terminal hands keys over one by one for as long as a [`Terminal`] lives; when it goes, however the run ends, the
//! terminal is as it was. Nothing is touched while another program has the terminal (`&`, Ctrl-Z and `bg`): whoever
//! reads or sets it from the background is stopped by the system.

use std::convert::Infallible;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use tracing::warn;

use super::terminal::Terminal;
use crate::logging::MAIN;
use crate::runner::{Handle, State};

/// How often keys are looked for, as in Locust.
const EVERY: Duration = Duration::from_millis(200);

/// Users per second when a key changes their number, as in Locust.
const RATE: f64 = 100.0;

/// How many users more, or fewer, a key asks for.
fn change_of(key: u8) -> Option<i32> {
    match key {
        b'w' => Some(1),
        b'W' => Some(10),
        b's' => Some(-1),
        b'S' => Some(-10),
        _ => None,
    }
}

/// Carries out what keys ask for, if it is `ours` to read them; without a terminal on stdin there are none.
pub(super) async fn listen(handle: Handle, ours: bool, page: Option<String>) -> Infallible {
    let terminal = if ours { Terminal::of_stdin() } else { None };
    // As long as the buffer within stdin, so that nothing stays behind in there, where nobody would see it.
    let mut keys = vec![0; 8 * 1024];
    while let Some(terminal) = &terminal {
        tokio::time::sleep(EVERY).await;
        if !terminal.has_input() {
            continue;
        }
        match io::stdin().lock().read(&mut keys) {
            // The terminal is gone.
            Ok(0) | Err(_) => break,
            Ok(count) => {
                for key in &keys[..count] {
                    match (change_of(*key), &page) {
                        (Some(change), _) => {
                            change_users(&handle, change).await;
                        }
                        (None, Some(page)) if matches!(key, b'\n' | b'\r') => open_browser(page),
                        _ => {}
                    }
                }
            }
        }
    }
    std::future::pending().await
}

/// Opens the page in the person's browser. A browser that is there goes on when this program ends.
fn open_browser(page: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    // That it listens everywhere is no address to go to.
    let page = page.replace("//0.0.0.0:", "//localhost:");
    let (input, output, errors) = (Stdio::null(), Stdio::null(), Stdio::null());
    let opened = Command::new(opener).arg(&page).stdin(input).stdout(output).stderr(errors).spawn();
    match opened {
        // It hands the address over and ends; somebody has to take note of that.
        Ok(mut child) => drop(std::thread::spawn(move || child.wait())),
        Err(error) => {
            warn!(target: MAIN, "No browser could be opened ({opener}: {error}); go to {page}");
        }
    }
}

/// Goes to so many users more or fewer, unless users are still on their way.
pub(super) async fn change_users(handle: &Handle, change: i32) {
    // Asked first: the answer comes after every order before it was carried out, be it of a key pressed just now.
    let Some(users) = handle.user_count().await else { return };
    match handle.state() {
        State::Spawning if change > 0 => {
            warn!(target: MAIN, "Already spawning users, can't spawn more right now");
        }
        State::Spawning => warn!(target: MAIN, "Spawning users, can't stop right now"),
        State::Running => {
            if let Err(error) = handle.start(users.saturating_add_signed(change), RATE) {
                warn!(target: MAIN, "{error}");
            }
        }
        State::Ready | State::Stopping | State::Stopped => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_locusts() {
        assert_eq!([b'w', b'W', b's', b'S'].map(change_of), [1, 10, -1, -10].map(Some));
        assert_eq!([b'q', b'\n', 0, 0xff].map(change_of), [None; 4]);
    }
}
