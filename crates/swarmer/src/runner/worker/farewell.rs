//! The end of a worker's service.

use std::time::Duration;

use tracing::warn;

use super::{End, Link, News, Workshop};
use crate::clock;
use crate::cluster::{ToMaster, WorkerState};
use crate::logging::RUNNERS;
use crate::runner::letters::Up;

/// A report that is not acknowledged is repeated for so long.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A master that can be reached is told so within this time.
const LINGER: Duration = Duration::from_secs(1);

impl<W: Workshop> Link<W> {
    /// A signal asks for the end; `false` when nothing has to be waited for.
    pub(super) fn leave(&mut self) -> bool {
        self.run.leaving = true;
        if self.master.ours.is_some() {
            self.grant(0);
            self.write(&Up::Leaving);
        }
        if !self.handle.state().is_active() {
            return false;
        }
        self.stop_users();
        true
    }

    pub(super) fn stop_users(&mut self) {
        self.vital.set_state(WorkerState::Stopping);
        let (handle, told) = (self.handle.clone(), self.told.clone());
        tokio::task::spawn_local(async move {
            handle.stop().await;
            let _ = told.send(News::Stopped);
        });
    }

    /// The last things that are said.
    pub(super) async fn say_goodbye(&mut self, end: End) {
        if self.handle.state().is_active() {
            self.handle.stop().await;
        }
        while let Ok(news) = self.news.try_recv() {
            self.note(news);
        }
        if end != End::NeverConnected {
            match self.master.ours {
                Some(_) => self.deliver_letters(end).await,
                None => self.report_to_locust(),
            }
            self.say(ToMaster::Quit);
        }
        self.handle.quit();
        if let Some(pulse) = self.pulse.take() {
            pulse.stop();
        }
        self.socket.transport().close(LINGER);
        while self.socket.receive().await.is_some() {}
    }

    /// Repeats what is not acknowledged for a while.
    pub(super) async fn deliver_letters(&mut self, end: End) {
        let patience = if end == End::MasterLost { Duration::ZERO } else { LAST_WORDS };
        let until = clock::now() + patience;
        while !self.outbox.is_empty() && clock::now() < until {
            tokio::select! {
                event = self.socket.receive() => match event {
                    Some(event) => self.hear_acknowledgement(&event),
                    None => break,
                },
                _ = self.tick.tick() => {
                    for letter in self.outbox.overdue(clock::now()) {
                        self.say(ToMaster::Custom(letter));
                    }
                }
            }
        }
        if !self.outbox.is_empty() {
            warn!(target: RUNNERS, "The master has not acknowledged the last figures");
        }
    }
}
