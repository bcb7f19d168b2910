//! The rules of accounts: passwords, and when an organisation may go.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Semaphore;

use crate::shared::failure::{Failure, Outcome};

/// bcrypt, kept off the threads that serve requests and never more at once than there are cores: more
/// would only make every sign-in slower.
#[derive(Clone)]
pub(crate) struct Passwords {
    cost: u32,
    turns: Arc<Semaphore>,
    /// Compared with when no such user exists, so that the answer takes as long as a wrong password.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new(cost: u32) -> anyhow::Result<Passwords> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let decoy = bcrypt::hash("nobody's password", cost)?.into();
        Ok(Passwords { cost, turns: Arc::new(Semaphore::new(cores)), decoy })
    }

    pub(crate) async fn hash(&self, password: String) -> Outcome<String> {
        let cost = self.cost;
        self.in_turn(move || bcrypt::hash(password, cost)).await
    }

    /// Whether the password is the one of this hash; without a hash it never is.
    pub(crate) async fn matches(&self, password: String, hash: Option<String>) -> Outcome<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        Ok(self.in_turn(move || bcrypt::verify(password, &hash)).await? && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Outcome<T> {
        let _turn = self.turns.acquire().await.context("password turns are never closed")?;
        let result = tokio::task::spawn_blocking(work).await.context("password work was lost")?;
        Ok(result.context("bcrypt")?)
    }
}

/// An organisation goes only when nobody is left in it.
pub(crate) fn may_delete_organization(users: i64) -> Outcome<()> {
    match users {
        0 => Ok(()),
        1 => Err(Failure::bad_request("Cannot delete organization with 1 user")),
        _ => Err(Failure::bad_request(format!("Cannot delete organization with {users} users"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_matches() {
        let passwords = Passwords::new(4).unwrap();
        let hash = passwords.hash("password123".into()).await.unwrap();
        assert!(passwords.matches("password123".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.matches("password124".into(), Some(hash)).await.unwrap());
        assert!(!passwords.matches("nobody's password".into(), None).await.unwrap());
    }

    #[test]
    fn the_refusal_gives_the_number_of_users() {
        assert!(may_delete_organization(0).is_ok());
        let Err(Failure::Refused(_, message)) = may_delete_organization(3) else { panic!() };
        assert!(message.contains("3 users"));
    }
}
