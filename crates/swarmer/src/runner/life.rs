//! The life of one user: start, then task and wait in turn, then stop.

use std::pin::pin;
use std::time::Duration;

use super::turns::Turns;
use crate::clock;
use crate::scenario::{Fault, Outcome, Panic, Session, Step, UserClass};
use crate::stats::RunEnd;
use crate::user::stop::Stopped;
use crate::user::{Env, Reason, TaskError, User};

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

/// What follows a task or the `on_start` of a set.
enum Next {
    /// A pause, then the next task.
    Pause,
    /// The next task at once.
    AtOnce,
    /// The innermost set is left; the set around it pauses first, or not.
    Leave { pause: bool },
    /// The user's life ends, its sets and itself with their `on_stop`.
    Finish(End),
    /// The user's life ends here, without any `on_stop`.
    Die,
}

/// A pause after which something that cannot be done is tried again: without it the thread would do nothing else.
const RETRY: Duration = Duration::from_secs(1);

/// Runs a user from its start to its `on_stop`.
///
/// What this future and those within it keep while they wait, every user keeps: so what is looked at between two waits is
/// handed to plain functions.
pub(super) async fn live(class: &UserClass, user: &mut User, turns: &mut Turns) -> End {
    if turns.are_over() {
        return End::Done;
    }
    user.set_class(class.name());
    let signal = user.stop_signal().clone();
    // Who has nothing to do yet need not sign in for it.
    if signal.guard(pin!(turns.begin())).await == Err(Stopped) {
        return End::Stopped;
    }
    signal.set_in_task(true);
    let started = signal.guard(pin!(class.start(user, clock::now()))).await;
    let mut session = match begun(class, user, started) {
        Ok(session) => session,
        Err(end) => return end,
    };
    // A user that was told to stop while it signed in begins no task.
    signal.set_in_task(false);
    let worked = signal.guard(pin!(work(class, &mut *session, user, turns))).await;
    let Some(end) = worked.unwrap_or(Some(End::Stopped)) else {
        return End::Stopped;
    };
    user.end_run(RunEnd::Cut);
    signal.begin_last_words();
    loop {
        let stopped = signal.guard(session.stop(user).as_mut()).await;
        if let Ok(Err(fault)) = stopped {
            settle(class, user, fault);
        }
        if !session.leave(user) {
            return end;
        }
    }
}

/// Task, wait, task, wait: until something ends it. `None` when it ends without `on_stop`.
async fn work(
    class: &UserClass,
    session: &mut dyn Session,
    user: &mut User,
    turns: &mut Turns,
) -> Option<End> {
    let signal = user.stop_signal().clone();
    // Going into a set is no task yet: the turn goes on to the first task in it.
    let mut has_turn = false;
    loop {
        if !has_turn {
            if !turns.next(user).await {
                return Some(End::Done);
            }
            user.begin_task();
        }
        signal.set_in_task(true);
        let (outcome, entering) = match session.advance(user) {
            Step::Task(task) => (Some(task.await), false),
            Step::Enter(start) => (Some(start.await), true),
            Step::Nothing => (None, false),
        };
        has_turn = entering && matches!(outcome, Some(Ok(())));
        let nothing_to_do = outcome.is_none();
        let next = follows(class, session, user, outcome, entering);
        if !has_turn {
            turns.end_task();
        }
        if nothing_to_do {
            // So that this is not found out again at once.
            tokio::time::sleep(RETRY).await;
        }
        let pause = match next {
            Next::Pause => true,
            Next::AtOnce => false,
            Next::Leave { pause } if entering => pause,
            Next::Leave { pause } => {
                if let Err(end) = leave(class, session, user).await {
                    return Some(end);
                }
                pause
            }
            Next::Finish(end) => return Some(end),
            Next::Die => return None,
        };
        signal.set_in_task(false);
        signal.checkpoint().await;
        if !has_turn && turns.are_over_after_this() {
            return Some(End::Done);
        }
        let pause = if pause && turns.pauses() {
            begin_pause(class, session, user)
        } else {
            Duration::ZERO
        };
        if pause.is_zero() {
            // A task that never waits for anything must not keep the thread from its other users.
            tokio::task::coop::consume_budget().await;
        } else {
            user.rest_between_tasks(pause).await;
        }
    }
}

/// The state of a user whose start was a success.
fn begun(
    class: &UserClass,
    user: &User,
    started: Result<Result<Box<dyn Session>, Fault>, Stopped>,
) -> Result<Box<dyn Session>, End> {
    let started = started.map_err(|Stopped| End::Stopped)?;
    started.map_err(|fault| start_failed(class, user, fault))
}

/// Counts how a task, or the start of a set, went; says what comes next. Without an outcome there was nothing to do.
fn follows(
    class: &UserClass,
    session: &mut dyn Session,
    user: &mut User,
    outcome: Option<Outcome>,
    entering: bool,
) -> Next {
    if let Some(outcome) = &outcome
        && !entering
    {
        end_run(user, outcome);
    }
    if !(entering && matches!(outcome, Some(Ok(())))) {
        user.end_task();
    }
    match outcome {
        None => nothing_to_do(class, session, user),
        Some(Ok(())) if entering => Next::AtOnce,
        Some(Ok(())) => Next::Pause,
        Some(Err(fault)) => {
            if entering {
                // A set whose start failed was not entered.
                session.leave(user);
            }
            settle(class, user, fault)
        }
    }
}

/// Counts the run of a task that is over.
fn end_run(user: &mut User, outcome: &Outcome) {
    let panicked;
    let end = match outcome {
        Ok(()) => RunEnd::Done,
        Err(Fault::Panic(panic)) => {
            panicked = format!("panicked: {}", panic.text);
            RunEnd::Failed(&panicked)
        }
        Err(Fault::Error(error)) => match error.reason() {
            Reason::RequestFailed(failed) => RunEnd::Failed(&failed.reason),
            Reason::Exception(error) => RunEnd::Failed(error),
            Reason::EndTask
            | Reason::NextTask
            | Reason::Interrupt { .. }
            | Reason::StopUser
            | Reason::StopTest(_) => RunEnd::Done,
        },
    };
    user.end_run(end);
}

/// Counts that the set has no task.
fn nothing_to_do(class: &UserClass, session: &dyn Session, user: &mut User) -> Next {
    user.stop_signal().set_in_task(false);
    let text = format!("No tasks defined on {}", session.innermost());
    let next = settle(class, user, Fault::Error(TaskError::message(text)));
    if matches!(next, Next::Pause) { Next::AtOnce } else { next }
}

/// Leaves the innermost set after its `on_stop`, whose errors are counted and change nothing, unless it ends the user.
async fn leave(class: &UserClass, session: &mut dyn Session, user: &mut User) -> Result<(), End> {
    if session.is_outermost() {
        return Ok(()); // There is nothing to leave.
    }
    let outcome = session.stop(user).await;
    session.leave(user);
    match outcome.map_err(|fault| settle(class, user, fault)) {
        Err(Next::Finish(end)) => Err(end),
        _ => Ok(()),
    }
}

/// How long the user is to pause now; 0 for not at all.
fn begin_pause(class: &UserClass, session: &mut dyn Session, user: &mut User) -> Duration {
    let pause = match session.pause(user) {
        Ok(pause) => pause,
        Err(fault) => {
            settle(class, user, fault);
            RETRY
        }
    };
    let pause = user.tell_pause(pause);
    user.park(pause);
    pause
}

/// Counts what has to be counted; says what comes next.
fn settle(class: &UserClass, user: &User, fault: Fault) -> Next {
    let env = user.env();
    let after_exception = if env.catch_exceptions { Next::Pause } else { Next::Die };
    match fault {
        Fault::Panic(panic) => {
            let (text, detail) = told(&panic);
            user.count_exception(class.name(), &text, &detail);
            after_exception
        }
        Fault::Error(error) => match error.into_reason() {
            Reason::RequestFailed(_) | Reason::EndTask => Next::Pause,
            Reason::NextTask => Next::AtOnce,
            Reason::Interrupt { wait } => Next::Leave { pause: wait },
            Reason::StopUser => Next::Finish(End::Stopped),
            Reason::StopTest(reason) => Next::Finish(End::StopTest(reason)),
            Reason::Exception(error) => {
                user.count_exception(class.name(), &error.to_string(), &chain(&*error));
                after_exception
            }
        },
    }
}

/// Counts a panic of the workload's code as an exception, under its text and place.
pub(super) fn count_panic(env: &Env, class: &UserClass, panic: &Panic) {
    let (text, detail) = told(panic);
    env.count_exception(class.name(), &text, &detail);
}

/// A panic as an exception's message and detail.
fn told(panic: &Panic) -> (String, String) {
    let text = format!("panicked: {}", panic.text);
    let detail = format!("{text}\n  at {}", panic.place);
    (text, detail)
}

fn start_failed(class: &UserClass, user: &User, fault: Fault) -> End {
    let reason = match &fault {
        Fault::Error(error) => error.to_string(),
        Fault::Panic(panic) => panic.to_string(),
    };
    match settle(class, user, fault) {
        Next::Finish(end) => end,
        _ => End::StartFailed(reason),
    }
}

/// An error with its causes, outermost first, a line each.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n  caused by: ")
}
