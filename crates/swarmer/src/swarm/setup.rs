//! What a workload does once, before the first user starts.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::http;
use crate::options::Options;
use crate::user::Provided;

/// Why a run cannot start, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupError {
    reason: String,
    hint: Option<String>,
    code: u8,
}

impl SetupError {
    /// An error with this text.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None, code: 1 }
    }

    /// Adds what the reader should check or do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The code with which the process ends, 1 unless set.
    #[must_use]
    pub(crate) fn exit_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    pub(super) fn code(&self) -> u8 {
        self.code
    }

    /// The text and the hint.
    pub(super) fn parts(self) -> (String, Option<String>) {
        (self.reason, self.hint)
    }

    /// The error as lines, the hint last: a log takes one line at a time.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let hint = self.hint.iter().map(|hint| format!("Hint: {hint}"));
        std::iter::once(self.reason.clone()).chain(hint)
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

// Like `TaskError`, no `Error` itself, so that `?` takes every error there is.
impl<E: std::error::Error> From<E> for SetupError {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

pub(super) type SetupFuture<'a> = Pin<Box<dyn Future<Output = Result<(), SetupError>> + 'a>>;

/// A workload's set-up, its type hidden.
pub(super) trait SetupFn {
    fn call<'a>(&'a self, setup: &'a mut Setup) -> SetupFuture<'a>;
}

impl<F> SetupFn for F
where
    F: AsyncFn(&mut Setup) -> Result<(), SetupError>,
{
    fn call<'a>(&'a self, setup: &'a mut Setup) -> SetupFuture<'a> {
        Box::pin(self(setup))
    }
}

/// What set-up code works with: the target, the options, and a place for what it found.
///
/// Its requests are not part of the statistics.
pub struct Setup {
    client: http::Client,
    options: Arc<Options>,
    provided: Provided,
    requests: u64,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl Setup {
    pub(super) fn new(
        config: http::Config,
        options: Arc<Options>,
        provided: Provided,
    ) -> Result<Self, http::Error> {
        let shared = http::Shared::new(config);
        let base = options.host.as_deref().map(|host| shared.base_url(host)).transpose()?;
        let client = http::Client::new(&shared, base.as_ref());
        Ok(Self { client, options, provided, requests: 0 })
    }

    /// The target, as `--host` gave it; empty when it did not.
    pub fn host(&self) -> &str {
        self.options.host.as_deref().unwrap_or_default()
    }

    /// The options of the run.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Hands `value` to all users: [`User::provided`](crate::User::provided) finds it by its type.
    pub fn provide<T: Send + Sync + 'static>(&mut self, value: T) {
        self.provided.insert(value);
    }

    /// How many requests set-up has sent so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Fetches JSON from `url`, a path or an absolute address, within `limit`.
    ///
    /// # Errors
    /// When there is no reply in time, its status is no success, or it does not decode; the text names the URL.
    pub async fn get<T: DeserializeOwned>(
        &mut self,
        url: &str,
        limit: Duration,
    ) -> Result<T, SetupError> {
        let shown =
            if url.starts_with('/') { format!("{}{url}", self.host()) } else { url.to_owned() };
        self.requests += 1;
        let request = http::Request::get(url).timeout(limit);
        let response = self
            .client
            .send(request)
            .await
            .result
            .map_err(|error| SetupError::new(format!("GET {shown} failed: {error}")))?;
        let status = response.status();
        if !(200..300).contains(&status) {
            return Err(SetupError::new(format!("GET {shown} was answered with status {status}")));
        }
        response.json().map_err(|error| {
            SetupError::new(format!("GET {shown}: the reply is not the JSON expected: {error}"))
        })
    }

    /// What was provided, and the number of requests that took.
    pub(super) fn finish(self) -> (Provided, u64) {
        (self.provided, self.requests)
    }
}
