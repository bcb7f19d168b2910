//! Data from a file: each user signs in as somebody else, one row of a CSV file for each.
//!
//! The file is read once, before the run; users find it by its type. A user's number is its own in the whole run, so the
//! row of that number is nobody else's. With more users than rows the run would lie about how many people it plays: the
//! user that finds no row says so and does not start.
//!
//! The file holds lines like `ada,secret`.
//! Run it: `cargo run --example data_feeder -- --accounts people.csv --host http://localhost:8000 -u 10 -t 1m --headless`

use std::fs;

use swarmer::options::{Opt, Options};
use swarmer::prelude::*;

/// All rows, in the order of the file.
struct Accounts(Vec<(String, String)>);

impl Accounts {
    fn parse(text: &str) -> Result<Self, SetupError> {
        let row = |(number, line): (usize, &str)| {
            let (name, password) = line.split_once(',').ok_or_else(|| {
                SetupError::new(format!("--accounts: line {} is not `name,password`", number + 1))
            })?;
            Ok((name.trim().to_owned(), password.trim().to_owned()))
        };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        Ok(Self(lines.map(row).collect::<Result<_, SetupError>>()?))
    }

    fn of_user(&self, number: u64) -> Result<&(String, String), TaskError> {
        let row = usize::try_from(number).ok().and_then(|number| self.0.get(number));
        row.ok_or_else(|| TaskError::message(format!("no account is left for user {number}")))
    }
}

/// Somebody who is signed in.
pub(crate) struct Person {
    name: String,
}

impl Person {
    async fn sign_in(user: &mut User) -> Result<Self, TaskError> {
        let accounts = user.provided::<Accounts>()?;
        let (name, password) = accounts.of_user(user.number())?;
        user.post("/login")
            .name("Login")
            .form(&[("name", name), ("password", password)])
            .send()
            .await?;
        Ok(Self { name: name.clone() })
    }

    async fn profile(&mut self, user: &mut User) -> TaskResult {
        let url = format!("/people/{}", self.name);
        user.get(&url).name("/people/[name]").expect(200).send().await?;
        Ok(())
    }
}

fn configure(swarm: Swarm, options: &Options) -> Result<Swarm, SetupError> {
    let path = options.custom.path("accounts").ok_or_else(|| {
        SetupError::new("no accounts to sign in with").hint("Give a file: --accounts people.csv")
    })?;
    let text = fs::read_to_string(path)
        .map_err(|error| SetupError::new(format!("--accounts {}: {error}", path.display())))?;
    let people = Scenario::new("Person", Person::sign_in).wait(between(0.1, 0.3)).task(
        1,
        "Look at profile",
        Person::profile,
    );
    Ok(swarm.scenario(people).provide(Accounts::parse(&text)?))
}

/// The options of the workload's own.
pub(crate) fn options() -> Vec<Opt> {
    vec![
        Opt::path("accounts")
            .value_name("FILE")
            .help("CSV file with a name and a password per line"),
    ]
}

/// The workload.
pub(crate) fn swarm() -> Swarm {
    Swarm::new("data_feeder", "1.0").options(options()).configure(configure)
}

fn main() -> std::process::ExitCode {
    swarm().run()
}
