//! What both kinds of agent share: sign-in, rotation over users, pace, and the shapes of the API's replies.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use swarmer::prelude::*;
use tracing::info;

use crate::config::Settings;
use crate::utils::choice::{self, Item, TargetAge};
use crate::utils::directory::{Account, Directory};
use crate::utils::helpers::{Group, speed_factor, user_group};

/// A kind of agent: it has an [`Agent`] who is signed in.
pub trait Behavior {
    /// The agent at work.
    fn agent(&mut self) -> &mut Agent;
}

/// A person at work in the API: who it is, and how long it has been that person.
pub struct Agent {
    /// The settings of the run.
    pub settings: Arc<Settings>,
    directory: Arc<Directory>,
    account: Option<Arc<Account>>,
    signed_in: bool,
    tasks_done: u32,
    /// After so many tasks somebody else takes over; 0 means never.
    threshold: u32,
}

impl Agent {
    /// Draws a threshold and signs in as a random user. A failed sign-in is tried again, as somebody else, before the
    /// first task.
    ///
    /// # Errors
    /// When set-up did not run.
    pub async fn start(user: &mut User) -> Result<Self, TaskError> {
        let settings = user.provided::<Settings>()?;
        let directory = user.provided::<Directory>()?;
        let threshold = settings.draw_threshold(user.rng());
        let mut agent =
            Self { settings, directory, account: None, signed_in: false, tasks_done: 0, threshold };
        let _ = agent.sign_in(user).await;
        Ok(agent)
    }

    /// Sees to it that somebody is signed in who has not yet done all its tasks, and counts the task to come.
    ///
    /// # Errors
    /// When nobody could be signed in: that ends the task.
    pub async fn be_ready(&mut self, user: &mut User) -> TaskResult {
        if self.threshold > 0 && self.tasks_done >= self.threshold {
            self.rotate(user).await?;
        } else if !self.signed_in {
            self.sign_in(user).await?;
        }
        self.tasks_done += 1;
        Ok(())
    }

    async fn rotate(&mut self, user: &mut User) -> TaskResult {
        let (before, tasks) = (self.account.clone(), self.tasks_done);
        self.sign_in(user).await?;
        self.tasks_done = 0;
        self.threshold = self.settings.draw_threshold(user.rng());
        if let (Some(old), Some(new)) = (before, &self.account) {
            info!(
                target: "load_tests.rotation",
                "Rotated after {tasks} tasks: {} -> {} (organisation {}, group {})",
                old.email, new.email, new.organization_id, self.group(&new.organization_id).letter()
            );
        }
        Ok(())
    }

    /// Signs in as a random user, another one than before where there is a choice.
    async fn sign_in(&mut self, user: &mut User) -> TaskResult {
        self.signed_in = false;
        let account = self.directory.other_than(self.account.as_ref(), user.rng());
        self.become_member(user, &account.organization_id);
        user.remove_header("authorization");
        self.account = Some(Arc::clone(&account));

        let password = &self.settings.default_password;
        let reply: Reply<SignedIn> = user
            .post("/api/v1/auth/login")
            .name("Login")
            .json(&json!({"email": account.email, "password": password}))
            .expect(200)
            .fetch()
            .await?;
        self.become_member(user, &reply.data.user.organization_id);
        user.set_bearer(&reply.data.token);
        user.set_pace(if self.settings.speed_spread { speed_factor(&account.id) } else { 1.0 });
        self.signed_in = true;
        Ok(())
    }

    fn become_member(&self, user: &mut User, organization_id: &str) {
        let group = self.group(organization_id);
        user.set_header("user-agent", group.user_agent());
        user.set_segment(group.letter());
    }

    fn group(&self, organization_id: &str) -> Group {
        user_group(organization_id, self.settings.group_a_percentage)
    }

    /// Thinks as long as people do between two steps.
    pub async fn think(&self, user: &mut User) {
        user.think(self.settings.think).await;
    }

    /// One of `items`, by age if the settings say so; none ends the task, without fault, and the journey as "none found".
    ///
    /// # Errors
    /// When there is none.
    pub fn choose<'i>(
        &self,
        items: &'i [Item],
        age: Option<TargetAge>,
        user: &mut User,
    ) -> Result<&'i Item, TaskError> {
        let chosen = choice::choose(items, age, Timestamp::now(), user.rng());
        chosen.ok_or_else(|| {
            user.outcome("none found");
            TaskError::end_task()
        })
    }
}

/// The envelope around every successful reply.
#[derive(Debug, Deserialize)]
pub struct Reply<T> {
    /// What was asked for.
    pub data: T,
}

/// A reply of which only the id matters.
#[derive(Debug, Deserialize)]
pub struct Created {
    /// The new entity's id.
    pub id: String,
}

#[derive(Debug, Deserialize)]
struct SignedIn {
    token: String,
    user: Member,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    organization_id: String,
}

/// Judges the reply to a change that another agent may have made first: 400 is then no failure, unless it says that the
/// request itself was wrong.
///
/// # Errors
/// The reason why the reply is a failure after all.
pub fn race_may_be_lost(response: &Response) -> Verdict {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    if response.status() != 400 {
        return Ok(());
    }
    match response.json::<Refusal>() {
        Ok(Refusal { message }) if message != "Validation failed" => Ok(()),
        Ok(Refusal { message }) => Err(format!("status 400: {message}")),
        Err(error) => Err(format!("status 400 without a message: {error}")),
    }
}

/// Ends the task, without fault, when another agent was faster, and the journey as "lost a race".
///
/// # Errors
/// When the race was lost.
pub fn won(response: Response, user: &mut User) -> Result<Response, TaskError> {
    if response.status() != 400 {
        return Ok(response);
    }
    user.outcome("lost a race");
    Err(TaskError::end_task())
}
