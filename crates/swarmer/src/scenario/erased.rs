//! Where the types of a workload's functions disappear, so that tasks of any kind stand in one list.
//!
//! A task's future is boxed, once per task; a request allocates nothing.

use std::future::Future;
use std::pin::{Pin, pin};

use super::panics::{Panic, caught};
use crate::user::{TaskError, TaskResult, User};

pub(crate) type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How a call into the workload's code went wrong.
pub(crate) enum Fault {
    /// It returned an error.
    Error(TaskError),
    /// It panicked.
    Panic(Panic),
}

/// How a task, an `on_start` or an `on_stop` went.
pub(crate) type Outcome = Result<(), Fault>;

/// Makes a user's state.
pub(super) trait StartFn<S>: Send + Sync {
    fn call<'a>(&'a self, user: &'a mut User) -> LocalFuture<'a, Result<S, Fault>>;
}

impl<S: 'static, F> StartFn<S> for F
where
    F: AsyncFn(&mut User) -> Result<S, TaskError> + Send + Sync,
{
    fn call<'a>(&'a self, user: &'a mut User) -> LocalFuture<'a, Result<S, Fault>> {
        Box::pin(async move { fault(pin!(self(user))).await })
    }
}

/// Runs a task, an `on_start` or an `on_stop`.
pub(super) trait TaskFn<S>: Send + Sync {
    fn call<'a>(&'a self, state: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome>;
}

impl<S: 'static, F> TaskFn<S> for F
where
    F: AsyncFn(&mut S, &mut User) -> TaskResult + Send + Sync,
{
    fn call<'a>(&'a self, state: &'a mut S, user: &'a mut User) -> LocalFuture<'a, Outcome> {
        Box::pin(async move { fault(pin!(self(state, user))).await })
    }
}

/// Makes the state of a task set that has one of its own, from the state around it.
pub(super) trait EnterFn<S, T>: Send + Sync {
    fn call<'a>(
        &'a self,
        around: &'a mut S,
        user: &'a mut User,
    ) -> LocalFuture<'a, Result<T, Fault>>;
}

impl<S: 'static, T: 'static, F> EnterFn<S, T> for F
where
    F: AsyncFn(&mut S, &mut User) -> Result<T, TaskError> + Send + Sync,
{
    fn call<'a>(
        &'a self,
        around: &'a mut S,
        user: &'a mut User,
    ) -> LocalFuture<'a, Result<T, Fault>> {
        Box::pin(async move { fault(pin!(self(around, user))).await })
    }
}

/// A wait that the workload computes, in seconds.
pub(super) type WaitFn<S> = dyn Fn(&mut S, &mut User) -> f64 + Send + Sync;

/// Runs the workload's code; an error and a panic come to the same for its caller.
async fn fault<T>(
    future: Pin<&mut impl Future<Output = Result<T, TaskError>>>,
) -> Result<T, Fault> {
    match caught(future).await {
        Ok(result) => result.map_err(Fault::Error),
        Err(panic) => Err(Fault::Panic(panic)),
    }
}
