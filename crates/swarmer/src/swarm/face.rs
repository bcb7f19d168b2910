//! What is shown of a run while it goes on, beside its tables: a live line, a full screen, or nothing.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tracing::info;

use super::{SetupError, keys};
use crate::logging::MAIN;
use crate::options::Options;
use crate::runner::{Handle, State};
use crate::stats::Summary;
use crate::tui::{Ask, FullScreen, LiveLine};

/// The face that a run shows.
pub(super) enum Face {
    /// Nothing but tables.
    Plain,
    Line(LiveLine),
    Full(FullScreen),
}

impl Face {
    /// The face that the options and the terminal give.
    ///
    /// # Errors
    /// When `--tui` is asked for where it cannot be shown.
    pub(super) fn begin(options: &Options) -> Result<(Self, Asks), SetupError> {
        let run_time = options.run_time.map(|limit| limit.as_secs());
        if options.tui {
            let (screen, asks) = FullScreen::start(run_time)
                .map_err(|error| SetupError::new(format!("--tui: {error}")))?;
            return Ok((Self::Full(screen), Asks(Some(asks))));
        }
        let line = LiveLine::on_terminal(run_time);
        Ok((line.map_or(Self::Plain, Self::Line), Asks(None)))
    }

    /// Whether tables have a place beside it.
    pub(super) fn leaves_room(&self) -> bool {
        !matches!(self, Self::Full(_))
    }

    pub(super) fn show(&self, summary: &Summary, state: State, elapsed: Duration) {
        match self {
            Self::Plain => {}
            Self::Line(line) => line.show(summary, state, elapsed),
            Self::Full(screen) => screen.show(summary, state, elapsed.as_secs_f64()),
        }
    }
}

/// Sees to it, before anything is started, that `--tui` has a terminal.
///
/// # Errors
/// When it has none; the text says which stream is no terminal.
pub(super) fn check(options: &Options) -> Result<(), SetupError> {
    let streams = [("stdin", io::stdin().is_terminal()), ("stderr", io::stderr().is_terminal())];
    let missing = streams.iter().find(|(_, is_terminal)| !is_terminal);
    match missing {
        Some((stream, _)) if options.tui => Err(SetupError::new(format!(
            "--tui needs a terminal, but {stream} is none"
        ))
        .hint(
            "Leave --tui out, or do not redirect that stream; --progress 5s prints plain lines.",
        )),
        _ => Ok(()),
    }
}

/// What the person in front of the screen asks for.
pub(super) struct Asks(Option<UnboundedReceiver<Ask>>);

impl Asks {
    /// Whether a view reads the keys, so that nobody else may.
    pub(super) fn have_the_keys(&self) -> bool {
        self.0.is_some()
    }

    /// Changes the number of users as asked, and returns when the end of the run is asked for.
    pub(super) async fn obey(&mut self, handle: &Handle) {
        let Some(asks) = self.0.as_mut() else { return std::future::pending().await };
        while let Some(ask) = asks.recv().await {
            match ask {
                Ask::Users(change) => keys::change_users(handle, change).await,
                Ask::Stop => return info!(target: MAIN, "Stop asked for at the terminal (q)"),
                Ask::Interrupt => {}
            }
        }
        // The view is gone; the run goes on without it.
        std::future::pending::<()>().await;
    }
}
