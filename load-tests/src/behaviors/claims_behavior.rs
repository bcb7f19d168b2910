//! Claims agents: three journeys around claims.

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use serde_json::json;
use swarmer::prelude::*;

use super::base::{Agent, Behavior, Created, Reply, race_may_be_lost, won};
use crate::config::Settings;
use crate::utils::choice::{
    Item, approved_amount, denial_probability, denial_reason, incident, list, one_of,
};
use crate::utils::helpers::with_rotation;

/// An agent who files claims, decides them and reviews them.
pub struct ClaimsManagement {
    agent: Agent,
}

impl Behavior for ClaimsManagement {
    fn agent(&mut self) -> &mut Agent {
        &mut self.agent
    }
}

impl ClaimsManagement {
    /// The scenario `ClaimsAgent`.
    pub fn scenario(settings: &Settings) -> Scenario<Self> {
        Scenario::new("ClaimsAgent", Self::start)
            .weight(settings.claims_agent_weight)
            .wait(settings.wait)
            .task(5, "File Claim", with_rotation(Self::file_claim))
            .task(3, "Process Claim", with_rotation(Self::process_claim))
            .task(2, "Review Claims", with_rotation(Self::review_claims))
    }

    async fn start(user: &mut User) -> Result<Self, TaskError> {
        Ok(Self { agent: Agent::start(user).await? })
    }

    async fn file_claim(&mut self, user: &mut User) -> TaskResult {
        let policies: Reply<Vec<Item>> = user
            .get("/api/v1/policies?status=ACTIVE&limit=20")
            .name("1. Find Active Policy")
            .expect(200)
            .fetch()
            .await?;
        let policy = self.agent.choose(&policies.data, self.agent.settings.policy_age, user)?;
        self.agent.think(user).await;

        let days_ago = user.rng().random_range(1..=30);
        let incident_date = Timestamp::now() - SignedDuration::from_hours(24 * days_ago);
        let amount = f64::from(user.rng().random_range(100_000..=5_000_000)) / 100.0;
        let description = incident(user.rng());
        let response = user
            .post("/api/v1/claims")
            .check(race_may_be_lost)
            .name("2. File Claim")
            .json(&json!({
                "policyId": policy.id,
                "incidentDate": format!("{incident_date:.3}"),
                "description": description,
                "claimAmount": amount,
            }))
            .expect([201, 400])
            .send()
            .await?;
        let claim: Reply<Created> = won(response, user)?.json()?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/claims/{}", claim.data.id))
            .name("3. View Claim Details")
            .expect(200)
            .send()
            .await?;
        Ok(())
    }

    async fn process_claim(&mut self, user: &mut User) -> TaskResult {
        let status = one_of(["SUBMITTED", "UNDER_REVIEW"], user.rng());
        let claims: Reply<Vec<Item>> = user
            .get(&list("/api/v1/claims", &[("status", Some(status)), ("limit", Some("50"))]))
            .name("1. Find Claim to Process")
            .expect(200)
            .fetch()
            .await?;
        let claim = self.agent.choose(&claims.data, self.agent.settings.claim_age, user)?;
        self.agent.think(user).await;

        let status_url = format!("/api/v1/claims/{}/status", claim.id);
        if claim.status == "SUBMITTED" {
            let response = user
                .put(&status_url)
                .check(race_may_be_lost)
                .name("2. Mark Under Review")
                .json(&json!({"status": "UNDER_REVIEW"}))
                .expect([200, 400])
                .send()
                .await?;
            won(response, user)?;
            self.agent.think(user).await;
        }

        self.decide(claim, &status_url, user).await?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/claims/{}/history", claim.id))
            .name("4. View Claim History")
            .expect(200)
            .send()
            .await?;
        Ok(())
    }

    /// Approves or denies a claim.
    async fn decide(&self, claim: &Item, status_url: &str, user: &mut User) -> TaskResult {
        let claimed = claim.amount()?;
        let (name, decision) = if user.rng().random_bool(denial_probability(claimed)) {
            (
                "3. Denied Claim",
                json!({"status": "DENIED", "denialReason": denial_reason(user.rng())}),
            )
        } else {
            let amount = approved_amount(claimed, user.rng());
            ("3. Approved Claim", json!({"status": "APPROVED", "approvedAmount": amount}))
        };
        let response = user
            .put(status_url)
            .check(race_may_be_lost)
            .name(name)
            .json(&decision)
            .expect([200, 400])
            .send()
            .await?;
        won(response, user)?;
        Ok(())
    }

    async fn review_claims(&mut self, user: &mut User) -> TaskResult {
        let status = one_of(["SUBMITTED", "UNDER_REVIEW", "APPROVED", "DENIED"], user.rng());
        let parameters = [("status", Some(status)), ("page", Some("1")), ("limit", Some("20"))];
        let claims: Reply<Vec<Item>> = user
            .get(&list("/api/v1/claims", &parameters))
            .name("1. Browse Claims")
            .expect(200)
            .fetch()
            .await?;
        let claim = self.agent.choose(&claims.data, None, user)?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/claims/{}", claim.id))
            .name("2. View Claim Details")
            .expect(200)
            .send()
            .await?;
        self.agent.think(user).await;

        user.get(&format!("/api/v1/claims/{}/history", claim.id))
            .name("3. View Claim History")
            .expect(200)
            .send()
            .await?;
        Ok(())
    }
}
