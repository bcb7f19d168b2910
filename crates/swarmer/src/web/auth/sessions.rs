//! Who is signed in. A session lives in memory only: a restart signs everybody out.

use std::time::{Duration, Instant};

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

/// A session ends so long after its last use, and
const IDLE: Duration = Duration::from_hours(12);
/// so long after sign-in at the latest.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// More sessions than this are not kept; the one that was used longest ago goes.
const MOST: usize = 1_000;

/// The sessions, by what their cookies hash to: whoever reads this memory learns no cookie.
#[derive(Debug, Default)]
pub(crate) struct Sessions(HashMap<[u8; 32], Session>);

#[derive(Debug)]
struct Session {
    user: String,
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used) > IDLE || now.duration_since(self.began) > LONGEST
    }
}

impl Sessions {
    /// Begins a session and gives the value of its cookie.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(crate) fn begin(
        &mut self,
        user: &str,
        now: Instant,
    ) -> Result<String, rand::rngs::SysError> {
        self.0.retain(|_, session| !session.is_over(now));
        if self.0.len() >= MOST
            && let Some(oldest) =
                self.0.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
        let cookie = super::secret()?;
        self.0.insert(digest(&cookie), Session { user: user.to_owned(), began: now, used: now });
        Ok(cookie)
    }

    /// Whose session this cookie is; it counts as used.
    pub(crate) fn user(&mut self, cookie: &str, now: Instant) -> Option<String> {
        let session = self.0.get_mut(&digest(cookie)).filter(|session| !session.is_over(now))?;
        session.used = now;
        Some(session.user.clone())
    }

    /// Whether the session goes on whose cookie hashes to this. It does not count as used: to look on is no use.
    pub(super) fn goes_on(&self, key: &[u8; 32], now: Instant) -> bool {
        self.0.get(key).is_some_and(|session| !session.is_over(now))
    }

    /// Ends a session.
    pub(crate) fn end(&mut self, cookie: &str) {
        self.0.remove(&digest(cookie));
    }
}

/// What is kept of a secret.
pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        let cookie = sessions.begin("ann", start).unwrap();
        assert_eq!(cookie.len(), 64);
        assert_eq!(sessions.user(&cookie, start).as_deref(), Some("ann"));
        assert_eq!(sessions.user("", start), None);
        let late = start + IDLE;
        assert_eq!(sessions.user(&cookie, late).as_deref(), Some("ann"));
        assert_eq!(sessions.user(&cookie, late + IDLE + Duration::from_secs(1)), None, "idle");
        let mut now = start;
        while now < start + LONGEST {
            assert!(sessions.user(&cookie, now).is_some());
            now += IDLE / 2;
        }
        assert_eq!(sessions.user(&cookie, now + IDLE / 2), None, "a week is enough");
        let other = sessions.begin("bob", now).unwrap();
        sessions.end(&other);
        assert_eq!(sessions.user(&other, now), None, "signed out");
    }

    #[test]
    fn their_number_is_bounded() {
        let (mut sessions, start) = (Sessions::default(), Instant::now());
        let first = sessions.begin("ann", start).unwrap();
        for second in 1..=1_200 {
            sessions.begin("ann", start + Duration::from_secs(second)).unwrap();
        }
        assert_eq!(sessions.0.len(), MOST);
        assert_eq!(sessions.user(&first, start), None);
    }
}
