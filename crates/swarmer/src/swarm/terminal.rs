//! The terminal on stdin, handing over keys one by one, and back as it was at the end.

use std::io::{self, IsTerminal};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

/// The settings found at the first use: what the program's end goes back to, be it by a signal.
static BEFORE: OnceLock<libc::termios> = OnceLock::new();

/// Signals that end the process without a word; the terminal is put right before.
const DEADLY: [libc::c_int; 3] = [libc::SIGHUP, libc::SIGQUIT, libc::SIGABRT];

/// Keys come one by one and are not shown, until this is dropped.
#[derive(Debug)]
pub(super) struct Terminal {
    ours: libc::termios,
}

impl Terminal {
    /// The terminal of stdin; `None` when stdin is none.
    pub(super) fn of_stdin() -> Option<Self> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let before = settings()?;
        BEFORE.get_or_init(|| before);
        let mut ours = before;
        ours.c_lflag &= !(libc::ICANON | libc::ECHO);
        ours.c_cc[libc::VMIN] = 1;
        ours.c_cc[libc::VTIME] = 0;
        for signal in DEADLY {
            put_right_on(signal);
        }
        let terminal = Self { ours };
        terminal.take();
        Some(terminal)
    }

    /// Sees to it that keys come one by one, unless the terminal is another program's at present; after a stop (Ctrl-Z)
    /// the shell has changed its settings.
    fn take(&self) -> bool {
        let is_ours = is_foreground();
        let by_line = |now: libc::termios| now.c_lflag & (libc::ICANON | libc::ECHO) != 0;
        if is_ours && settings().is_some_and(by_line) {
            apply(&self.ours);
        }
        is_ours
    }

    /// Whether a key waits to be read.
    pub(super) fn has_input(&self) -> bool {
        if !self.take() {
            return false;
        }
        let mut stdin = libc::pollfd { fd: libc::STDIN_FILENO, events: libc::POLLIN, revents: 0 };
        // SAFETY: the pointer is to one `pollfd`, as the count says, and lives through the call.
        unsafe { libc::poll(&raw mut stdin, 1, 0) > 0 }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if is_foreground()
            && let Some(before) = BEFORE.get()
        {
            apply(before);
        }
    }
}

/// Whether this process may use the terminal: to others the system sends a signal that stops them.
fn is_foreground() -> bool {
    // SAFETY: both calls only ask for a number.
    unsafe { libc::tcgetpgrp(libc::STDIN_FILENO) == libc::getpgrp() }
}

fn settings() -> Option<libc::termios> {
    let mut settings = MaybeUninit::uninit();
    // SAFETY: the call fills the struct the pointer leads to when it returns 0, and only then is it read.
    unsafe {
        (libc::tcgetattr(libc::STDIN_FILENO, settings.as_mut_ptr()) == 0)
            .then(|| settings.assume_init())
    }
}

fn apply(settings: &libc::termios) {
    // SAFETY: the call only reads the struct. A terminal that went away has no settings to care for.
    unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, settings) };
}

/// Puts the terminal right when this signal is about to end the process, unless somebody handles the signal already.
fn put_right_on(signal: libc::c_int) {
    // SAFETY: `sigaction` with a null pointer only reports; the handler calls nothing but functions that POSIX allows in
    // handlers, and reads a value that was set before the handler was.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut now) != 0
            || now.sa_sigaction != libc::SIG_DFL
        {
            return;
        }
        let mut ours: libc::sigaction = std::mem::zeroed();
        ours.sa_sigaction = put_right as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // Back to the default before the handler runs, so that raising it again ends the process.
        ours.sa_flags = libc::SA_RESETHAND;
        libc::sigaction(signal, &raw const ours, std::ptr::null_mut());
    }
}

extern "C" fn put_right(signal: libc::c_int) {
    if is_foreground()
        && let Some(before) = BEFORE.get()
    {
        apply(before);
    }
    // SAFETY: `raise` may be called in a handler; the signal is pending until the handler returns.
    unsafe { libc::raise(signal) };
}
