//! Sign-in that works by itself: people with a name and a password, programs with a token.
//!
//! People get a session cookie (`HttpOnly`, `SameSite=Lax`, `Secure` over TLS); programs send
//! `Authorization: Bearer TOKEN` with each request. Wrong tries of an address are limited, whichever way it tries.

mod sessions;
mod tries;
mod users;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::TryRng;
use sessions::{Sessions, digest};
use tokio::sync::{Semaphore, watch};
use tries::Tries;
pub use users::user_line;
use users::{Users, UsersError};

use crate::options::{Secret, WebOptions};

/// Passwords checked at the same time: each takes a core, which belongs to the users of the run.
const CHECKS_AT_ONCE: usize = 1;
/// Bytes of a token that is a mistake.
const SHORT: usize = 16;

/// Who may come in, and who is in.
#[derive(Debug)]
pub(crate) struct Auth {
    users: Users,
    token: Option<[u8; 32]>,
    checks: Semaphore,
    inner: Mutex<Inner>,
    /// Changes whenever somebody signs out.
    signed_out: watch::Sender<()>,
}

/// What lasts as long as a session does, such as an event stream.
#[derive(Debug)]
pub(crate) struct Visit {
    auth: Arc<Auth>,
    key: [u8; 32],
    signed_out: watch::Receiver<()>,
}

impl Visit {
    /// Whether the session goes on.
    pub(crate) fn goes_on(&self) -> bool {
        self.auth.lock().sessions.goes_on(&self.key, Instant::now())
    }

    /// Returns when the person has signed out.
    pub(crate) async fn signed_out(&mut self) {
        while self.goes_on() {
            // The sender lives as long as `auth`.
            if self.signed_out.changed().await.is_err() {
                return;
            }
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    sessions: Sessions,
    tries: Tries,
}

/// Why sign-in cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error(transparent)]
    Users(#[from] UsersError),
    #[error(
        "--web-login needs somebody who may sign in: give --web-users FILE (lines as `swarmer hash-password NAME` \
         prints them), a token in SWARMER_WEB_TOKEN, or both"
    )]
    Nobody,
    #[error(
        "--web-token has {0} bytes; allowed: at least {SHORT}, as whoever has it can start any load"
    )]
    ShortToken(usize),
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Wrong name, password, token or cookie; or none of them.
    Unknown,
    /// Too many wrong tries: come back after this.
    Wait(Duration),
}

/// What a request shows of who sent it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown<'a> {
    /// The session's cookie.
    pub(crate) cookie: Option<&'a str>,
    /// What follows `Bearer` in `Authorization`.
    pub(crate) token: Option<&'a str>,
}

impl Auth {
    /// The sign-in that the options ask for; `None` when they do not.
    ///
    /// # Errors
    /// When nobody could sign in, or the file of users is wrong.
    pub(crate) fn new(web: &WebOptions) -> Result<Option<Self>, AuthError> {
        let (users, token) = (&web.users, web.token.as_ref().map(Secret::reveal));
        if !web.login && users.is_none() && token.is_none() {
            return Ok(None);
        }
        if users.is_none() && token.is_none() {
            return Err(AuthError::Nobody);
        }
        if let Some(token) = token.filter(|token| token.len() < SHORT) {
            return Err(AuthError::ShortToken(token.len()));
        }
        let users = users.as_deref().map(Users::read).transpose()?;
        Ok(Some(Self::of(users.unwrap_or_default(), token)))
    }

    fn of(users: Users, token: Option<&str>) -> Self {
        let (checks, inner) = (Semaphore::new(CHECKS_AT_ONCE), Mutex::default());
        let (signed_out, _) = watch::channel(());
        Self { users, token: token.map(digest), checks, inner, signed_out }
    }

    /// Who sent a request that came from `address`: the user's name, or `token`.
    ///
    /// # Errors
    /// When nobody knows.
    pub(crate) fn who(
        &self,
        address: IpAddr,
        shown: Shown,
        now: Instant,
    ) -> Result<String, Refusal> {
        let mut inner = self.lock();
        if let Some(token) = shown.token {
            if let Some(wait) = inner.tries.wait(address, now) {
                return Err(Refusal::Wait(wait));
            }
            // Digests are compared: how long that takes tells nothing of the token.
            if self.token == Some(digest(token)) {
                inner.tries.succeeded(address);
                return Ok("token".to_owned());
            }
            inner.tries.failed(address, now);
            return Err(Refusal::Unknown);
        }
        // Cookies are too long to be guessed, so that stale ones need not count as tries.
        let user = shown.cookie.and_then(|cookie| inner.sessions.user(cookie, now));
        user.ok_or(Refusal::Unknown)
    }

    /// Signs a person in; gives the value of the session's cookie.
    ///
    /// # Errors
    /// When name and password do not fit, or there were too many tries.
    pub(crate) async fn sign_in(
        self: &Arc<Self>,
        address: IpAddr,
        name: String,
        password: String,
    ) -> Result<String, Refusal> {
        if let Some(wait) = self.lock().tries.wait(address, Instant::now()) {
            return Err(Refusal::Wait(wait));
        }
        // The semaphore is never closed.
        let Ok(_permit) = self.checks.acquire().await else { return Err(Refusal::Unknown) };
        // Those that waited in line may be over the limit by now.
        if let Some(wait) = self.lock().tries.wait(address, Instant::now()) {
            return Err(Refusal::Wait(wait));
        }
        let (auth, user) = (Arc::clone(self), name.clone());
        let checked = tokio::task::spawn_blocking(move || auth.verify(&user, &password));
        let fits = checked.await.unwrap_or(false);
        let (mut inner, now) = (self.lock(), Instant::now());
        if !fits {
            inner.tries.failed(address, now);
            return Err(Refusal::Unknown);
        }
        inner.tries.succeeded(address);
        inner.sessions.begin(&name, now).map_err(|_| Refusal::Unknown)
    }

    /// Signs a person out.
    pub(crate) fn sign_out(&self, cookie: &str) {
        self.lock().sessions.end(cookie);
        self.signed_out.send_replace(());
    }

    /// The session of this cookie, for what lasts as long as it does.
    pub(crate) fn visit(self: &Arc<Self>, cookie: &str) -> Visit {
        // Subscribed before anybody asks whether it goes on, so that no sign-out is missed.
        let signed_out = self.signed_out.subscribe();
        Visit { auth: Arc::clone(self), key: digest(cookie), signed_out }
    }

    /// Without a file of users, people show the token that programs show.
    fn verify(&self, name: &str, password: &str) -> bool {
        if self.users.is_empty() {
            return self.token == Some(digest(password));
        }
        self.users.verify(name, password)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What is behind the lock is whole between any two statements that change it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 32 random bytes in hexadecimal digits.
pub(super) fn secret() -> Result<String, rand::rngs::SysError> {
    let mut bytes = [0; 32];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}")))
}

/// Where a person goes after sign-in: `next` if it is a path on this server, else `home`.
pub(crate) fn landing<'a>(next: &'a str, home: &'a str) -> &'a str {
    // Browsers read both slashes alike and drop control characters: `/\t/evil` would be another host.
    let second = next.as_bytes().get(1);
    let is_path = next.starts_with('/') && second != Some(&b'/') && second != Some(&b'\\');
    if is_path && !next.contains(|c: char| c.is_control() || c == '\\') { next } else { home }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const TOKEN: &str = "a-token-long-enough";

    fn auth() -> Arc<Auth> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("ann:{}", bcrypt::hash("secret", 4).unwrap())).unwrap();
        Arc::new(Auth::of(Users::read(file.path()).unwrap(), Some(TOKEN)))
    }

    #[tokio::test]
    async fn people_sign_in_and_out() {
        let auth = auth();
        let wrong = auth.sign_in(HOME, "ann".into(), "wrong".into()).await;
        assert_eq!(wrong, Err(Refusal::Unknown));
        let cookie = auth.sign_in(HOME, "ann".into(), "secret".into()).await.unwrap();
        let shown = Shown { cookie: Some(&cookie), token: None };
        assert_eq!(auth.who(HOME, shown, Instant::now()).as_deref(), Ok("ann"));
        auth.sign_out(&cookie);
        assert_eq!(auth.who(HOME, shown, Instant::now()), Err(Refusal::Unknown));
    }

    #[tokio::test]
    async fn too_many_tries_have_to_wait_even_with_the_right_password() {
        let auth = auth();
        for _ in 0..5 {
            let wrong = auth.sign_in(HOME, "ann".into(), "wrong".into()).await;
            assert_eq!(wrong, Err(Refusal::Unknown));
        }
        let right = auth.sign_in(HOME, "ann".into(), "secret".into()).await;
        assert!(matches!(right, Err(Refusal::Wait(_))), "{right:?}");
        let elsewhere = "127.0.0.9".parse().unwrap();
        assert!(auth.sign_in(elsewhere, "ann".into(), "secret".into()).await.is_ok());
    }

    #[tokio::test]
    async fn without_users_the_token_is_everybodys_password() {
        let auth = Arc::new(Auth::of(Users::default(), Some(TOKEN)));
        assert!(auth.sign_in(HOME, "ann".into(), "wrong".into()).await.is_err());
        assert!(auth.sign_in(HOME, "ann".into(), String::new()).await.is_err());
        assert!(auth.sign_in(HOME, "ann".into(), TOKEN.into()).await.is_ok());
        let nobody = Arc::new(Auth::of(Users::default(), None));
        assert!(nobody.sign_in(HOME, "ann".into(), String::new()).await.is_err());
    }

    #[test]
    fn programs_show_a_token() {
        let (auth, now) = (auth(), Instant::now());
        let show = |token| Shown { cookie: None, token: Some(token) };
        assert_eq!(auth.who(HOME, show(TOKEN), now).as_deref(), Ok("token"));
        assert_eq!(auth.who(HOME, Shown::default(), now), Err(Refusal::Unknown));
        for _ in 0..5 {
            assert_eq!(auth.who(HOME, show("a-token-long-enougH"), now), Err(Refusal::Unknown));
        }
        assert!(matches!(auth.who(HOME, show(TOKEN), now), Err(Refusal::Wait(_))));
        assert!(auth.who(HOME, show(TOKEN), now + Duration::from_mins(1)).is_ok());
    }

    #[test]
    fn nobody_is_sent_to_another_host() {
        for next in ["", "x", "//evil", "/\\evil", "https://evil", "/a\\b", "/\t/evil", "/\n"] {
            assert_eq!(landing(next, "/home"), "/home", "{next:?}");
        }
        for next in ["/", "/?tab=charts", "/load/stats/report"] {
            assert_eq!(landing(next, "/home"), next);
        }
    }
}
