//! The terminal itself: taken over, read, drawn on, and given back whatever happens.

use std::io::{self, Stderr};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::frame::Frame;
use super::input::Ask;
use super::state::View;
use super::view;
use crate::runner::State;
use crate::stats::Summary;
use crate::{logging, terminal};

/// How long a key is waited for before new figures are looked for.
const KEY_PATIENCE: Duration = Duration::from_millis(100);

/// Whether the terminal is ours. Whoever sets it back to false gives the terminal back, so that this happens once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A full-screen view on a thread of its own: neither drawing nor a slow terminal holds up the run.
///
/// The terminal is given back when it goes out of scope.
#[derive(Debug)]
pub(crate) struct FullScreen {
    frames: Option<Sender<Frame>>,
    thread: Option<JoinHandle<()>>,
}

impl FullScreen {
    /// Takes the terminal over. What the person in front of it asks for comes out of the receiver.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub(crate) fn start(run_time: Option<u64>) -> io::Result<(Self, UnboundedReceiver<Ask>)> {
        give_back_on_panic();
        logging::flush();
        terminal::hold();
        TAKEN.store(true, Ordering::SeqCst);
        match Self::take_over(run_time) {
            Ok(started) => Ok(started),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    fn take_over(run_time: Option<u64>) -> io::Result<(Self, UnboundedReceiver<Ask>)> {
        enable_raw_mode()?;
        execute!(io::stderr(), EnterAlternateScreen, cursor::Hide)?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stderr()))?;
        let (frames, new_frames) = channel();
        let (asks, asked) = unbounded_channel();
        let view = View::new(run_time);
        let thread = thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || run(terminal, view, &new_frames, &asks))?;
        Ok((Self { frames: Some(frames), thread: Some(thread) }, asked))
    }

    /// Shows how things stand after `elapsed` seconds.
    pub(crate) fn show(&self, summary: &Summary, state: State, elapsed: f64) {
        if let Some(frames) = &self.frames {
            // A view that has failed is gone; the run goes on without it.
            let _ = frames.send(Frame::of(summary, state, elapsed));
        }
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        self.frames = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        give_back();
    }
}

/// The body of the view's thread: ends with the run, or when the terminal is gone.
fn run(
    mut terminal: Terminal<CrosstermBackend<Stderr>>,
    mut view: View,
    frames: &Receiver<Frame>,
    asks: &UnboundedSender<Ask>,
) {
    let mut changed = true;
    loop {
        loop {
            match frames.try_recv() {
                Ok(frame) => view.take(frame),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
            view.log = logging::recent();
            changed = true;
        }
        if !TAKEN.load(Ordering::SeqCst) {
            // A panic somewhere has given the terminal back; what it said must stay readable.
            return;
        }
        if changed && terminal.draw(|screen| view::draw(&view, screen)).is_err() {
            return;
        }
        changed = match event::poll(KEY_PATIENCE) {
            Ok(true) => match event::read() {
                Ok(event) => hear(&mut view, &event, asks),
                Err(_) => return,
            },
            Ok(false) => false,
            Err(_) => return,
        };
    }
}

/// Whether there is something new to draw.
fn hear(view: &mut View, event: &Event, asks: &UnboundedSender<Ask>) -> bool {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            match view.press(*key) {
                Some(Ask::Interrupt) => interrupt(),
                // Nobody listens any more when the run is over already.
                Some(ask) => drop(asks.send(ask)),
                None => {}
            }
            true
        }
        Event::Resize(..) => true,
        _ => false,
    }
}

/// The terminal sends Ctrl-C as a key while it is ours; the rest of the program knows it as a signal.
fn interrupt() {
    // SAFETY: both calls touch no memory of this process.
    unsafe { libc::kill(libc::getpid(), libc::SIGINT) };
}

/// Makes the terminal what it was, and shows what was written in the meantime.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // If this fails the terminal is gone, and with it the need.
        let _ = disable_raw_mode();
        let _ = execute!(io::stderr(), LeaveAlternateScreen, cursor::Show);
        terminal::release();
    }
}

/// A panic must be read on a terminal that is fit for it. Those of users' tasks are caught, and change nothing.
fn give_back_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let of_a_user =
                thread::current().name().is_some_and(|name| name.starts_with("driver-"));
            if !of_a_user {
                give_back();
            }
            previous(info);
        }));
    });
}
