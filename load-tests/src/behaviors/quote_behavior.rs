//! Quote agents: four journeys around quotes and the policies they become.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use swarmer::prelude::*;

use super::base::{Agent, Behavior, Created, Reply, race_may_be_lost, won};
use crate::config::Settings;
use crate::utils::choice::{Item, cover, list, one_of, status_reason};
use crate::utils::helpers::with_rotation;

/// An agent who quotes premiums, sells policies and looks after them.
pub struct QuoteManagement {
    agent: Agent,
}

impl Behavior for QuoteManagement {
    fn agent(&mut self) -> &mut Agent {
        &mut self.agent
    }
}

#[derive(Deserialize)]
struct Converted {
    policy: Created,
}

impl QuoteManagement {
    /// The scenario `QuoteAgent`.
    pub fn scenario(settings: &Settings) -> Scenario<Self> {
        Scenario::new("QuoteAgent", Self::start)
            .weight(settings.quote_agent_weight)
            .wait(settings.wait)
            .task(5, "Create Quote", with_rotation(Self::create_quote))
            .task(3, "Convert Quote to Policy", with_rotation(Self::convert_quote))
            .task(3, "Review Quotes", with_rotation(Self::review_quotes))
            .task(2, "Update Policy Status", with_rotation(Self::update_policy_status))
    }

    async fn start(user: &mut User) -> Result<Self, TaskError> {
        Ok(Self { agent: Agent::start(user).await? })
    }

    async fn create_quote(&mut self, user: &mut User) -> TaskResult {
        let (kind, amount) = cover(user.rng());
        user.post("/api/v1/quotes/calculate")
            .name("1. Calculate Premium")
            .json(&json!({"type": kind, "coverageAmount": amount}))
            .expect(200)
            .send()
            .await?;
        self.agent.think(user).await;

        let expires = Timestamp::now() + SignedDuration::from_hours(30 * 24);
        let quote: Reply<Created> = user
            .post("/api/v1/quotes")
            .name("2. Create Quote")
            .json(&json!({
                "type": kind,
                "coverageAmount": amount,
                "expiresAt": format!("{expires:.3}"),
            }))
            .expect(201)
            .fetch()
            .await?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/quotes/{}", quote.data.id))
            .name("3. View Quote Details")
            .expect(200)
            .send()
            .await?;
        Ok(())
    }

    async fn convert_quote(&mut self, user: &mut User) -> TaskResult {
        let quotes: Reply<Vec<Item>> = user
            .get("/api/v1/quotes?status=ACTIVE&limit=50")
            .name("1. Find Active Quote")
            .expect(200)
            .fetch()
            .await?;
        let quote = self.agent.choose(&quotes.data, self.agent.settings.quote_age, user)?;
        self.agent.think(user).await;

        let response = user
            .post(&format!("/api/v1/quotes/{}/convert", quote.id))
            .check(race_may_be_lost)
            .name("2. Convert to Policy")
            .expect([200, 201, 400])
            .send()
            .await?;
        let converted: Reply<Converted> = won(response, user)?.json()?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/policies/{}", converted.data.policy.id))
            .name("3. View New Policy")
            .expect(200)
            .send()
            .await?;
        Ok(())
    }

    async fn review_quotes(&mut self, user: &mut User) -> TaskResult {
        let status = one_of([Some("ACTIVE"), Some("CONVERTED"), Some("EXPIRED"), None], user.rng());
        let kind = one_of(
            [Some("AUTO"), Some("HOME"), Some("LIFE"), Some("HEALTH"), Some("BUSINESS"), None],
            user.rng(),
        );
        let page = one_of(["1", "2"], user.rng());
        let parameters =
            [("status", status), ("type", kind), ("page", Some(page)), ("limit", Some("20"))];
        let quotes: Reply<Vec<Item>> = user
            .get(&list("/api/v1/quotes", &parameters))
            .name("1. Browse Quotes")
            .expect(200)
            .fetch()
            .await?;
        let quote = self.agent.choose(&quotes.data, None, user)?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/quotes/{}", quote.id))
            .name("2. View Quote Details")
            .expect(200)
            .send()
            .await?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/quotes/{}/history", quote.id))
            .name("3. View Quote History")
            .expect(200)
            .send()
            .await?;
        Ok(())
    }

    async fn update_policy_status(&mut self, user: &mut User) -> TaskResult {
        let page = one_of(["1", "2"], user.rng());
        let status = one_of([Some("ACTIVE"), Some("EXPIRED"), None], user.rng());
        let parameters = [("page", Some(page)), ("limit", Some("50")), ("status", status)];
        let policies: Reply<Vec<Item>> = user
            .get(&list("/api/v1/policies", &parameters))
            .name("1. Find Policy to Update")
            .expect(200)
            .fetch()
            .await?;
        let policy = self.agent.choose(&policies.data, self.agent.settings.policy_age, user)?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/policies/{}", policy.id))
            .name("2. View Policy Details")
            .expect(200)
            .send()
            .await?;
        self.agent.think(user).await;

        let status = one_of(["ACTIVE", "CANCELLED"], user.rng());
        let reason = status_reason(status, user.rng());
        let response = user
            .put(&format!("/api/v1/policies/{}", policy.id))
            .check(race_may_be_lost)
            .name("3. Update Policy Status")
            .json(&json!({"status": status, "statusChangeReason": reason}))
            .expect([200, 400])
            .send()
            .await?;
        won(response, user)?;
        Ok(())
    }
}
