//! The life of one user: start, then task and wait in turn, then stop.

use std::time::{Duration, Instant};

use super::turns::Turns;
use crate::clock;
use crate::scenario::{Fault, Pace, Panic, Session, UserClass};
use crate::user::stop::Stopped;
use crate::user::{Env, Reason, User};

/// How a user's life ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was told to stop, or stopped itself.
    Stopped,
    /// It has done as many tasks as it was to.
    Done,
    /// It could not start, for this reason; nobody takes its place.
    StartFailed(String),
    /// It asked for the end of the whole test, for this reason.
    StopTest(String),
}

/// Runs a user from its start to its `on_stop`.
pub(super) async fn live(class: UserClass, mut user: User, mut turns: Turns) -> End {
    if turns.are_over() {
        return End::Done;
    }
    let signal = user.stop_signal().clone();
    let born = clock::now();
    signal.set_in_task(true);
    let mut session = match signal.guard(class.start(&mut user)).await {
        Ok(Ok(session)) => session,
        Ok(Err(fault)) => return start_failed(&class, &user, fault),
        Err(Stopped) => return End::Stopped,
    };
    // A user that was told to stop while it signed in begins no task.
    signal.set_in_task(false);
    let end = match signal.guard(work(&class, &mut *session, &mut user, &mut turns, born)).await {
        Ok(end) => end,
        Err(Stopped) => End::Stopped,
    };
    signal.begin_last_words();
    if let Ok(Err(fault)) = signal.guard(session.stop(&mut user)).await {
        settle(&class, &user, fault);
    }
    end
}

/// Task, wait, task, wait: until something ends it.
async fn work(
    class: &UserClass,
    session: &mut dyn Session,
    user: &mut User,
    turns: &mut Turns,
    born: Instant,
) -> End {
    let signal = user.stop_signal().clone();
    let mut pace = Pace::new(born);
    loop {
        if !turns.next(user).await {
            return End::Done;
        }
        signal.set_in_task(true);
        user.begin_task();
        let outcome = session.next_task(user).await;
        user.end_task();
        signal.set_in_task(false);
        if let Err(fault) = outcome
            && let Some(end) = settle(class, user, fault)
        {
            return end;
        }
        signal.checkpoint().await;
        if turns.are_over_after_this() {
            return End::Done;
        }
        let pause =
            if turns.pauses() { user.draw_wait(class.wait(), &mut pace) } else { Duration::ZERO };
        if pause.is_zero() {
            // A task that never waits for anything must not keep the thread from its other users.
            tokio::task::coop::consume_budget().await;
        } else {
            tokio::time::sleep(pause).await;
        }
    }
}

/// Counts what has to be counted; says whether the user's life ends here.
fn settle(class: &UserClass, user: &User, fault: Fault) -> Option<End> {
    match fault {
        Fault::Panic(panic) => {
            count_panic(user.env(), class, &panic);
            None
        }
        Fault::Error(error) => match error.into_reason() {
            Reason::RequestFailed(_) | Reason::EndTask => None,
            Reason::StopUser => Some(End::Stopped),
            Reason::StopTest(reason) => Some(End::StopTest(reason)),
            Reason::Exception(error) => {
                user.env().count_exception(class.name(), &error.to_string(), &chain(&*error));
                None
            }
        },
    }
}

/// Counts a panic of the workload's code as an exception, under its text and place.
pub(super) fn count_panic(env: &Env, class: &UserClass, panic: &Panic) {
    let text = format!("panicked: {}", panic.text);
    env.count_exception(class.name(), &text, &format!("{text}\n  at {}", panic.place));
}

fn start_failed(class: &UserClass, user: &User, fault: Fault) -> End {
    let reason = match &fault {
        Fault::Error(error) => error.to_string(),
        Fault::Panic(panic) => panic.to_string(),
    };
    settle(class, user, fault).unwrap_or(End::StartFailed(reason))
}

/// An error with its causes, outermost first, a line each.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n  caused by: ")
}
