//! The organisations and users of the system under test, loaded once before any agent starts.

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use swarmer::{Setup, SetupError};
use tracing::{info, warn};

/// Each request of the set-up may take this long.
const LIMIT: Duration = Duration::from_secs(10);

/// So often another account is drawn before the present one is taken again: there may be no other.
const TRIES: usize = 16;

/// Who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user's id.
    pub id: String,
    /// What it signs in with.
    pub email: String,
    /// Where it works; empty when the API did not say.
    pub organization_id: String,
}

/// All accounts of the system under test.
#[derive(Debug)]
pub struct Directory {
    accounts: Vec<Arc<Account>>,
}

#[derive(Deserialize)]
struct Organization {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    id: String,
    email: String,
    #[serde(default)]
    organization_id: Option<String>,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    pages: u32,
}

impl Directory {
    /// Loads all organisations and users.
    ///
    /// # Errors
    /// When the users cannot be loaded, or there are none: nobody could sign in. That the organisations cannot be loaded
    /// is a warning.
    pub async fn load(setup: &mut Setup) -> Result<Self, SetupError> {
        let organizations = all::<Organization>(setup, "/api/v1/organizations").await;
        let people = all::<Person>(setup, "/api/v1/users").await;
        let (organizations, people) = match (organizations, people) {
            (Ok(organizations), Ok(people)) => (organizations.len(), people),
            (Err(error), Ok(people)) if !people.is_empty() => {
                warn!(target: "load_tests.directory", "Failed to fetch organizations: {error}");
                (0, people)
            }
            (Err(error), _) | (_, Err(error)) => {
                return Err(error.hint(
                    "Failed to fetch organizations/users. Is the API running at --host, and its user-service healthy? \
                     These lists need no sign-in: try them with curl.",
                ));
            }
        };
        let accounts: Vec<Account> = people.into_iter().map(Account::from).collect();
        info!(
            target: "load_tests.directory",
            "Loaded {organizations} organizations and {} users ({} requests, not part of the statistics)",
            accounts.len(), setup.requests()
        );
        Self::new(accounts).ok_or_else(|| {
            SetupError::new(format!(
                "{}/api/v1/users lists no users, so nobody can sign in",
                setup.host()
            ))
            .hint("Is the database seeded? `dynaclaimz seed` fills an empty one.")
        })
    }

    /// Of these accounts; `None` when there are none.
    pub fn new(accounts: impl IntoIterator<Item = Account>) -> Option<Self> {
        let accounts: Vec<_> = accounts.into_iter().map(Arc::new).collect();
        (!accounts.is_empty()).then_some(Self { accounts })
    }

    /// A random account, another one than `present` where there is a choice.
    pub fn other_than(&self, present: Option<&Arc<Account>>, rng: &mut impl Rng) -> Arc<Account> {
        let mut draw = || Arc::clone(&self.accounts[rng.random_range(0..self.accounts.len())]);
        let other = (0..TRIES).map(|_| draw()).find(|account| present != Some(account));
        match other {
            Some(account) => account,
            None => draw(),
        }
    }
}

impl From<Person> for Account {
    fn from(Person { id, email, organization_id }: Person) -> Self {
        Self { id, email, organization_id: organization_id.unwrap_or_default() }
    }
}

/// A list, page after page if it is paged.
async fn all<T: DeserializeOwned>(setup: &mut Setup, path: &str) -> Result<Vec<T>, SetupError> {
    let mut items = Vec::new();
    let mut number = 1;
    loop {
        let url = if number == 1 { path.to_owned() } else { format!("{path}?page={number}") };
        let page: Page<T> = setup.get(&url, LIMIT).await?;
        items.extend(page.data);
        if number >= page.pagination.map_or(1, |pagination| pagination.pages) {
            return Ok(items);
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::Pcg64Mcg;

    fn accounts(count: usize) -> impl Iterator<Item = Account> {
        (0..count).map(|n| Account {
            id: n.to_string(),
            email: format!("agent{n}@example.com"),
            organization_id: String::new(),
        })
    }

    #[test]
    fn rotation_brings_somebody_else_unless_there_is_nobody() {
        let mut rng = Pcg64Mcg::new(5);
        let two = Directory::new(accounts(2)).unwrap();
        let first = two.other_than(None, &mut rng);
        assert!((0..50).all(|_| two.other_than(Some(&first), &mut rng) != first));

        let one = Directory::new(accounts(1)).unwrap();
        let only = one.other_than(None, &mut rng);
        assert_eq!(one.other_than(Some(&only), &mut rng), only);
        assert!(Directory::new([]).is_none());
    }
}
