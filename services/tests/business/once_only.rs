//! What must happen once happens once, however many ask at the same moment.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Actor, Bed};

on_both_databases! {
    fifty_conversions_make_one_policy,
    fifty_approvals_make_one_transition,
    fifty_registrations_make_one_user,
    fifty_status_changes_leave_a_chain,
    policy_service_away_leaves_the_quote_active,
}

const MANY: usize = 50;

/// Everyone asks at once, each over a connection of their own.
async fn all_at_once<T>(ask: impl AsyncFn() -> T) -> Vec<T> {
    join_all((0..MANY).map(|_| ask())).await
}

async fn fifty_conversions_make_one_policy(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.quote(77_000).await;
    let path = format!("/quotes/{id}/convert");
    let replies = all_at_once(async || agent.order(&path).await).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|r| r.status == 201);
    assert_eq!((made.len(), refused.len()), (1, MANY - 1));
    for reply in refused {
        reply.refused(400, "Only ACTIVE quotes can be converted to policies");
    }
    let policies = agent.get("/policies").await.expect(200);
    assert_eq!(policies.column("id"), [made[0].body["data"]["policy"]["id"].clone()]);
    let history = agent.get(&format!("/quotes/{id}/history")).await.expect(200);
    assert_eq!(history.list().len(), 1);
}

async fn fifty_approvals_make_one_transition(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.claim().await;
    let status = format!("/claims/{id}/status");
    agent.put(&status, json!({"status": "UNDER_REVIEW"})).await.expect(200);
    let approve = format!("/claims/{id}/approve");
    let replies =
        all_at_once(async || agent.post(&approve, json!({"approvedAmount": 5})).await).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|r| r.status == 200);
    assert_eq!((made.len(), refused.len()), (1, MANY - 1));
    for reply in refused {
        reply.refused(400, "Invalid status transition from APPROVED to APPROVED");
    }
    let history = agent.get(&format!("/claims/{id}/history")).await.expect(200);
    assert_eq!(history.column("newStatus"), ["APPROVED", "UNDER_REVIEW"]);
}

async fn fifty_registrations_make_one_user(bed: &Bed) {
    let agent = bed.agent().await;
    let email = format!("twin{:x}@example.com", rand::random::<u64>());
    let user = json!({
        "email": email, "password": "password123", "firstName": "A", "lastName": "B",
        "organizationId": agent.organization_id,
    });
    let replies = all_at_once(async || agent.post("/auth/register", user.clone()).await).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|r| r.status == 201);
    assert_eq!((made.len(), refused.len()), (1, MANY - 1));
    for reply in refused {
        reply.refused(400, "User already exists");
    }
}

/// Each row of the history begins where the one before it ended.
async fn fifty_status_changes_leave_a_chain(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.policy("ACTIVE").await;
    let path = format!("/policies/{id}");
    let states = ["ACTIVE", "EXPIRED", "CANCELLED", "PENDING"];
    let changes = (0..MANY).map(|i| agent.put(&path, json!({"status": states[i % 4]})));
    for reply in join_all(changes).await {
        reply.expect(200);
    }
    let history = agent.get(&format!("{path}/history")).await.expect(200);
    let (old, new) = (history.column("oldStatus"), history.column("newStatus"));
    assert_eq!(old[..old.len() - 1], new[1..]);
    assert_eq!(old.last().unwrap(), "ACTIVE");
    assert_eq!(new[0], agent.get(&path).await.expect(200)["data"]["status"]);
    assert!(old.iter().zip(&new).all(|(old, new)| old != new));
}

/// A quotes-service that cannot reach policy-service: 500, and the quote stays as it was.
async fn policy_service_away_leaves_the_quote_active(bed: &Bed) {
    let agent = bed.agent().await;
    let (lonely, _folder) = crate::processes::quotes_without_policies(bed).await;
    let there = Actor { base: format!("{}/api", lonely.url), ..agent };
    let id = there.quote(1_000).await;
    let path = format!("/quotes/{id}");
    let reply = there.order(&format!("{path}/convert")).await;
    reply.refused(500, "Failed to create policy from quote");
    let quote = there.get(&path).await.expect(200);
    assert_eq!(quote["data"]["status"], "ACTIVE");
    let history = there.get(&format!("{path}/history")).await.expect(200);
    assert_eq!(history["data"], json!([]));
    // Nothing is left open: the quote can be deleted.
    there.delete(&path).await.expect(200);
}
