//! One user of a run, alone on the present thread: a driver without a control plane.

use std::rc::Rc;

use tokio::sync::mpsc::unbounded_channel;
use tokio::task::spawn_local;

use super::driver::{Birth, Command, Driver, Event, Setup};
use crate::clock;
use crate::http;
use crate::user::transcript::Transcript;

/// What is asked of a user that runs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// It may finish as at the end of a run.
    Stop,
    /// It is given up now.
    Abort,
}

/// Runs user `number` of this class until it is gone, and says how that came if nobody interrupted it. Needs a `LocalSet`
/// around it.
///
/// `interrupted` is asked anew after each interruption, and now and then in between: it may be dropped and called again.
///
/// # Errors
/// When a host is not a base URL.
pub(crate) async fn alone(
    mut setup: Setup,
    (class, number): (usize, u64),
    transcript: Rc<Transcript>,
    mut interrupted: impl AsyncFnMut() -> Interruption,
) -> Result<String, http::Error> {
    // With a limit, whatever it is, a driver says of each user that it has gone.
    setup.limits.each.get_or_insert(u64::MAX);
    let grace = setup.options.stop_timeout;
    let (event_sender, mut events) = unbounded_channel();
    let (commands, orders) = unbounded_channel();
    let driver = Driver::transcribed(setup, event_sender, transcript)?;
    spawn_local(driver.run(orders));
    // The driver hears until it is told to quit.
    let tell = |command| drop(commands.send(command));
    tell(Command::Start(vec![Birth { due: clock::now(), class, number }]));
    let ended = loop {
        let event = tokio::select! {
            event = events.recv() => event,
            what = interrupted() => {
                tell(match what {
                    Interruption::Stop => Command::StopAll { grace },
                    Interruption::Abort => Command::Abort,
                });
                continue;
            }
        };
        match event {
            Some(Event::Done { .. }) => break "the user is done".to_owned(),
            Some(Event::StartFailed { reason, .. }) => {
                break format!("the user could not start: {reason}");
            }
            Some(Event::StopTest { reason }) => break format!("the user ended the test: {reason}"),
            Some(Event::Drained { .. }) | None => break "the user is stopped".to_owned(),
            Some(_) => {}
        }
    };
    tell(Command::Quit);
    Ok(ended)
}
