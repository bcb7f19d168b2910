//! What a person sees at the terminal while a run goes on, beyond Locust's tables.
//!
//! ```text
//! Summary ─▶ LiveLine                          one row, redrawn each second
//!         ─▶ Frame ─▶ View (state, course) ─▶ view::draw ─▶ FullScreen (--tui)
//!                       ▲ keys (input) ─▶ Ask ─▶ the run
//! ```
//! State knows nothing of drawing, drawing changes nothing, and only [`screen`] knows that there is a terminal.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rows, columns and lines of a chart need no more; casts from float saturate"
)]

mod bands;
mod course;
mod format;
mod frame;
mod input;
mod line;
#[cfg(test)]
pub(crate) mod samples;
mod screen;
mod state;
mod view;

pub(crate) use input::Ask;
pub(crate) use line::LiveLine;
pub(crate) use screen::FullScreen;
