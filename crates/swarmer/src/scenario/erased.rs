//! Where the types of a workload's functions disappear, so that tasks of any kind stand in one list.
//!
//! A task's future is boxed, once per task; a request allocates nothing.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::panics::{Panic, catch};
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
        boxed(|| self(user))
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
        boxed(|| self(state, user))
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
        boxed(|| self(around, user))
    }
}

/// A wait that the workload computes, in seconds.
pub(super) type WaitFn<S> = dyn Fn(&mut S, &mut User) -> f64 + Send + Sync;

/// The box is there before what is put into it, which then is not copied.
fn boxed<'a, F, T>(make: impl FnOnce() -> F) -> LocalFuture<'a, Result<T, Fault>>
where
    F: Future<Output = Result<T, TaskError>> + 'a,
{
    let room = Box::new_uninit();
    let call: Box<Call<F>> = Box::write(room, Call { future: make() });
    Box::into_pin(call)
}

pin_project! {
    /// Runs the workload's code; an error and a panic come to the same for its caller. It is as large as that code's own
    /// future: for what is up to 1,024 bytes the allocator has a shorter way than for larger ones.
    struct Call<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future<Output = Result<T, TaskError>>, T> Future for Call<F> {
    type Output = Result<T, Fault>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        match catch(|| future.poll(context)) {
            Ok(outcome) => outcome.map_err(Fault::Error),
            Err(panic) => Poll::Ready(Err(Fault::Panic(panic))),
        }
    }
}
