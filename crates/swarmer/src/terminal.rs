//! The standard error of this process, shared by all that show something there: log lines, tables, a live line below
//! them, a view that fills the screen.
//!
//! Everybody writes through [`Stderr`]. While a live line stands, it is taken away before each text and put back after
//! it; while a full-screen view has the screen, texts are held back and shown when it has gone.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Back to the first column, and erase what stands there.
const ERASE: &[u8] = b"\r\x1b[K";

/// Most bytes kept while a full-screen view has the screen; the oldest go first.
const MAX_HELD: usize = 1 << 20;

/// Standard error, in turns with everybody else. One call of `write` is shown in one piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stderr;

static SHARED: LazyLock<Mutex<Shared<io::Stderr>>> =
    LazyLock::new(|| Mutex::new(Shared { out: io::stderr(), mode: Mode::Plain }));

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock().write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        lock().out.flush()
    }
}

/// Shows `line` below everything else, in place of an earlier one; `None` takes it away.
///
/// The line must fit into one row of the terminal.
pub(crate) fn set_line(line: Option<String>) {
    // A terminal that went away must not end the run.
    let _ = lock().set_line(line);
}

/// From now on holds back what is written, until [`release`].
pub(crate) fn hold() {
    let mut shared = lock();
    let _ = shared.set_line(None);
    shared.mode = Mode::Held(Held::default());
}

/// Shows what was held back. Does nothing when nothing is.
pub(crate) fn release() {
    let _ = lock().release();
}

fn lock() -> MutexGuard<'static, Shared<io::Stderr>> {
    // A panic in between leaves at worst half a text on the screen.
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether standard error is a terminal on which a line can be redrawn, and whose owner has nothing against it.
pub(crate) fn is_live() -> bool {
    can_redraw(io::stderr().is_terminal(), |name| std::env::var_os(name))
}

/// Whether standard output is a terminal that takes colours, and whose owner has nothing against them.
pub(crate) fn has_colours() -> bool {
    can_redraw(io::stdout().is_terminal(), |name| std::env::var_os(name))
}

fn can_redraw(is_terminal: bool, env: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| env(name).filter(|value| !value.is_empty());
    is_terminal && set("NO_COLOR").is_none() && set("TERM").is_some_and(|term| term != "dumb")
}

struct Shared<W> {
    out: W,
    mode: Mode,
}

enum Mode {
    Plain,
    Line(String),
    Held(Held),
}

/// Texts held back, oldest first, with their bytes, and how many texts had to go.
#[derive(Default)]
struct Held {
    texts: VecDeque<Box<[u8]>>,
    bytes: usize,
    lost: u64,
}

impl Held {
    fn push(&mut self, text: &[u8]) {
        self.bytes += text.len();
        self.texts.push_back(text.into());
        while self.bytes > MAX_HELD {
            let Some(oldest) = self.texts.pop_front() else { break };
            self.bytes -= oldest.len();
            self.lost += 1;
        }
    }
}

impl<W: Write> Shared<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match &mut self.mode {
            Mode::Plain => self.out.write_all(text),
            Mode::Held(held) => {
                held.push(text);
                Ok(())
            }
            Mode::Line(line) => {
                let line = if text.ends_with(b"\n") { line.as_bytes() } else { b"" };
                self.out.write_all(&[ERASE, text, line].concat())
            }
        }
    }

    fn set_line(&mut self, line: Option<String>) -> io::Result<()> {
        match (&self.mode, line) {
            (Mode::Held(_), _) | (Mode::Plain, None) => return Ok(()),
            (Mode::Plain | Mode::Line(_), Some(line)) => {
                self.out.write_all(&[ERASE, line.as_bytes()].concat())?;
                self.mode = Mode::Line(line);
            }
            (Mode::Line(_), None) => {
                self.mode = Mode::Plain;
                self.out.write_all(ERASE)?;
            }
        }
        self.out.flush()
    }

    fn release(&mut self) -> io::Result<()> {
        let Mode::Held(held) = std::mem::replace(&mut self.mode, Mode::Plain) else {
            return Ok(());
        };
        if held.lost > 0 {
            writeln!(self.out, "… {} earlier lines are not shown", held.lost)?;
        }
        held.texts.iter().try_for_each(|text| self.out.write_all(text))?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared<Vec<u8>> {
        Shared { out: Vec::new(), mode: Mode::Plain }
    }

    fn shown(shared: &Shared<Vec<u8>>) -> String {
        String::from_utf8_lossy(&shared.out).replace("\r\u{1b}[K", "<erase>")
    }

    #[test]
    fn a_live_line_makes_room_for_texts_and_comes_back() {
        let mut shared = shared();
        shared.write(b"before\n").unwrap();
        shared.set_line(Some("5 s".to_owned())).unwrap();
        shared.write(b"a log line\n").unwrap();
        shared.set_line(Some("6 s".to_owned())).unwrap();
        shared.set_line(None).unwrap();
        shared.set_line(None).unwrap();
        shared.write(b"after\n").unwrap();
        assert_eq!(
            shown(&shared),
            "before\n<erase>5 s<erase>a log line\n5 s<erase>6 s<erase>after\n"
        );
    }

    #[test]
    fn texts_wait_for_the_full_screen_to_end() {
        let mut shared = shared();
        shared.mode = Mode::Held(Held::default());
        shared.write(b"one\n").unwrap();
        shared.set_line(Some("never seen".to_owned())).unwrap();
        shared.write(b"two\n").unwrap();
        assert_eq!(shown(&shared), "");
        shared.release().unwrap();
        shared.release().unwrap();
        shared.write(b"three\n").unwrap();
        assert_eq!(shown(&shared), "one\ntwo\nthree\n");
    }

    #[test]
    fn what_is_held_is_bounded_and_the_loss_is_told() {
        let mut shared = shared();
        shared.mode = Mode::Held(Held::default());
        for line in 0..3_000 {
            shared.write(format!("{line:0>1023}\n").as_bytes()).unwrap();
        }
        shared.release().unwrap();
        let shown = shown(&shared);
        assert!(shown.starts_with("… 1976 earlier lines are not shown\n0"));
        assert!(shown.len() < MAX_HELD + 100);
        assert!(shown.ends_with("2999\n"));
    }

    #[test]
    fn redrawing_wants_a_terminal_with_consent() {
        let with = |vars: &'static [(&str, &str)]| {
            move |name: &str| {
                vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            }
        };
        assert!(can_redraw(true, with(&[("TERM", "xterm"), ("NO_COLOR", "")])));
        assert!(!can_redraw(false, with(&[("TERM", "xterm")])));
        assert!(!can_redraw(true, with(&[("TERM", "dumb")])));
        assert!(!can_redraw(true, with(&[])));
        assert!(!can_redraw(true, with(&[("TERM", "xterm"), ("NO_COLOR", "1")])));
    }
}
