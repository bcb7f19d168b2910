//! What hooks are told of requests and errors: borrowed, so that telling costs nothing.

use std::time::Duration;

use crate::http::Response;

/// One finished request, as `on_request` hears of it.
#[derive(Clone, Copy, Debug)]
pub struct RequestEvent<'a> {
    /// The number of the user that sent it.
    pub user: u64,
    /// HTTP method, or the type of a custom request.
    pub method: &'a str,
    /// The name it is counted under.
    pub name: &'a str,
    /// `None` for a custom request without a time.
    pub response_time: Option<Duration>,
    /// Bytes of the body.
    pub response_length: u64,
    /// Why it failed; `None` when it succeeded.
    pub failure: Option<&'a str>,
    /// When it was sent, in seconds since the Unix epoch; for a custom request without a time, when it was recorded.
    pub start_time: f64,
    /// The address as the task gave it; `None` for custom requests.
    pub url: Option<&'a str>,
    /// The reply, if there was one.
    pub response: Option<&'a Response>,
    /// What the task and the user say of themselves.
    pub context: Context<'a>,
}

pub(crate) type Pairs = [(Box<str>, Box<str>)];

/// Pairs of texts that go with a request: the request's own (`Request::context`) before the user's
/// ([`User::set_context`](crate::User::set_context)).
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    pub(crate) own: &'a Pairs,
    pub(crate) user: &'a Pairs,
}

impl<'a> Context<'a> {
    /// The value of `key`; the request's own wins over the user's.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.own
            .iter()
            .chain(self.user)
            .find(|(known, _)| **known == *key)
            .map(|(_, value)| &**value)
    }

    /// All pairs, the request's own first; a key may come twice, and then the first one counts.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.own.iter().chain(self.user).map(|(key, value)| (&**key, &**value))
    }
}

/// An exception of a task, as `on_user_error` hears of it.
#[derive(Clone, Copy, Debug)]
pub struct UserError<'a> {
    /// The number of the user.
    pub user: u64,
    /// The user's class.
    pub scenario: &'a str,
    /// The error in one line.
    pub message: &'a str,
    /// The error with its causes, or the place of the panic.
    pub detail: &'a str,
}
