//! claims-service, line by line of the contract, through the gateway.

use crate::support::{Actor, Bed, claim_on, is_time, keys};
use serde_json::{Value, json};

on_both_databases! {
    a_claim_is_created,
    only_an_active_policy_will_do,
    lists_are_filtered_and_paged,
    one_claim_and_its_history,
    transitions_are_checked,
    a_claim_is_approved_and_paid,
    a_claim_is_denied,
    approve_and_deny_have_routes,
    claims_are_deleted,
}

const CLAIM: [&str; 13] = [
    "approvedAmount",
    "claimAmount",
    "claimNumber",
    "createdAt",
    "denialReason",
    "description",
    "id",
    "incidentDate",
    "organizationId",
    "policyId",
    "status",
    "updatedAt",
    "userId",
];

const HISTORY: [&str; 9] = [
    "changedAt",
    "changedBy",
    "claimId",
    "id",
    "metadata",
    "newStatus",
    "oldStatus",
    "organizationId",
    "reason",
];

/// POST /claims: 201.
async fn a_claim_is_created(bed: &Bed) {
    let agent = bed.agent().await;
    let policy_id = agent.policy("ACTIVE").await;
    let made = agent.post("/claims", claim_on(&policy_id)).await.expect(201);
    assert_eq!(made.keys(), CLAIM);
    let claim = &made["data"];
    assert_eq!(claim["policyId"], *policy_id);
    assert_eq!(claim["status"], "SUBMITTED");
    assert_eq!(claim["claimAmount"], "4000");
    assert_eq!(claim["incidentDate"], "2026-02-03T00:00:00.000Z");
    assert_eq!(claim["approvedAmount"], Value::Null);
    assert_eq!(claim["denialReason"], Value::Null);
    assert_eq!(claim["userId"], *agent.user_id);
    assert_eq!(claim["organizationId"], *agent.organization_id);
    assert!(claim["claimNumber"].as_str().unwrap().starts_with("CLM-"));
    assert!(is_time(&claim["createdAt"]));
    let fields = ["policyId", "incidentDate", "description", "claimAmount"];
    agent.post("/claims", json!({})).await.invalid("body", &fields);
}

/// 400 `Policy not found or not active`; ours: also for another organisation's.
async fn only_an_active_policy_will_do(bed: &Bed) {
    const REFUSAL: &str = "Policy not found or not active";
    let (agent, stranger) = (bed.agent().await, bed.agent().await);
    let theirs = stranger.policy("ACTIVE").await;
    let mut policies =
        vec![theirs, "nothing".into(), "5e3e7e0c-4f6f-4a53-9d0f-0f3c8f2f8a11".into()];
    for status in ["PENDING", "CANCELLED", "EXPIRED"] {
        policies.push(agent.policy(status).await);
    }
    for policy in policies {
        agent.post("/claims", claim_on(&policy)).await.refused(400, REFUSAL);
    }
    assert_eq!(agent.get("/claims").await.expect(200)["pagination"]["total"], 0);
}

/// GET /claims and /claims/my/claims: every filter, newest first.
async fn lists_are_filtered_and_paged(bed: &Bed) {
    let agent = bed.agent().await;
    let policies = [agent.policy("ACTIVE").await, agent.policy("ACTIVE").await];
    let mut made = Vec::new();
    for (policy, day, amount, text) in
        [(0, "01", 100, "Hail"), (1, "02", 200, "100% Flood"), (1, "03", 300, "Fire")]
    {
        let new = json!({
            "policyId": policies[policy], "incidentDate": format!("2026-01-{day}"),
            "description": text, "claimAmount": amount,
        });
        made.push(agent.post("/claims", new).await.expect(201));
    }
    let first = format!("/claims/{}/status", made[0].id());
    agent.put(&first, json!({"status": "UNDER_REVIEW"})).await.expect(200);
    let number = made[2]["data"]["claimNumber"].as_str().unwrap().to_lowercase();
    for (query, amounts) in [
        ("", vec!["300", "200", "100"]),
        ("status=SUBMITTED", vec!["300", "200"]),
        ("status=UNDER_REVIEW", vec!["100"]),
        ("status=PAID", vec![]),
        (&format!("policyId={}", policies[1]), vec!["300", "200"]),
        (&format!("userId={}", agent.user_id), vec!["300", "200", "100"]),
        ("incidentDateFrom=2026-01-02", vec!["300", "200"]),
        ("incidentDateTo=2026-01-02", vec!["200", "100"]),
        ("minClaimAmount=200", vec!["300", "200"]),
        ("maxClaimAmount=199.99", vec!["100"]),
        ("search=fLOOd", vec!["200"]),
        ("search=100%25", vec!["200"]),
        (&format!("search={number}"), vec!["300"]),
        ("search=clm-", vec!["300", "200", "100"]),
        ("search=%27%20OR%201%3D1%20--", vec![]),
        ("page=2&limit=2", vec!["100"]),
    ] {
        let found = agent.get(&format!("/claims?{query}")).await.expect(200);
        assert_eq!(found.column("claimAmount"), amounts, "{query}");
    }
    let page = agent.get("/claims?page=2&limit=2").await.expect(200);
    assert_eq!(page["pagination"], json!({"page": 2, "limit": 2, "total": 3, "pages": 2}));
    let mine = agent.get("/claims/my/claims?status=UNDER_REVIEW").await.expect(200);
    assert_eq!(mine.column("claimAmount"), ["100"]);
    let colleague = agent.colleague(&agent.organization_id).await;
    let mine = colleague.get("/claims/my/claims").await.expect(200);
    assert_eq!(mine["pagination"]["total"], 0);
    let bad = "status=OPEN&incidentDateFrom=x&incidentDateTo=x&minClaimAmount=-1&maxClaimAmount=x&page=-1";
    agent.get(&format!("/claims?{bad}")).await.invalid(
        "query",
        &[
            "status",
            "incidentDateFrom",
            "incidentDateTo",
            "minClaimAmount",
            "maxClaimAmount",
            "page",
        ],
    );
}

async fn one_claim_and_its_history(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.claim().await;
    assert_eq!(agent.get(&format!("/claims/{id}")).await.expect(200).keys(), CLAIM);
    let history = agent.get(&format!("/claims/{id}/history")).await.expect(200);
    assert_eq!(history["data"], json!([]));
    agent.get("/claims/nothing").await.refused(404, "Claim not found");
    agent.get("/claims/nothing/history").await.refused(404, "Claim not found");
}

/// A claim brought to this status by the allowed way.
async fn claim_in(agent: &Actor, status: &str) -> String {
    let id = agent.claim().await;
    let way: &[Value] = match status {
        "SUBMITTED" => &[],
        "UNDER_REVIEW" => &[json!({"status": "UNDER_REVIEW"})],
        "DENIED" => &[json!({"status": "DENIED", "denialReason": "no"})],
        "APPROVED" => {
            &[json!({"status": "UNDER_REVIEW"}), json!({"status": "APPROVED", "approvedAmount": 1})]
        }
        _ => &[
            json!({"status": "UNDER_REVIEW"}),
            json!({"status": "APPROVED", "approvedAmount": 1}),
            json!({"status": "PAID"}),
        ],
    };
    for step in way {
        agent.put(&format!("/claims/{id}/status"), step.clone()).await.expect(200);
    }
    id
}

/// PUT /claims/{id}/status: `Invalid status transition from A to B` for all but five pairs.
async fn transitions_are_checked(bed: &Bed) {
    let agent = bed.agent().await;
    let all = ["SUBMITTED", "UNDER_REVIEW", "APPROVED", "DENIED", "PAID"];
    for from in all {
        let id = claim_in(&agent, from).await;
        for to in all {
            let allowed = match from {
                "SUBMITTED" => ["UNDER_REVIEW", "DENIED"].contains(&to),
                "UNDER_REVIEW" => ["APPROVED", "DENIED"].contains(&to),
                "APPROVED" => to == "PAID",
                _ => false,
            };
            if !allowed {
                let change = json!({"status": to, "approvedAmount": 1, "denialReason": "x"});
                let refusal = agent.put(&format!("/claims/{id}/status"), change).await;
                refusal.refused(400, &format!("Invalid status transition from {from} to {to}"));
            }
        }
    }
    let id = agent.claim().await;
    let path = format!("/claims/{id}/status");
    agent.put(&path, json!({"status": "LOST"})).await.invalid("body", &["status"]);
    let bad = json!({"status": "APPROVED", "approvedAmount": 0, "denialReason": []});
    agent.put(&path, bad).await.invalid("body", &["approvedAmount", "denialReason"]);
    let unknown = agent.put("/claims/nothing/status", json!({"status": "PAID"})).await;
    unknown.refused(404, "Claim not found");
}

async fn a_claim_is_approved_and_paid(bed: &Bed) {
    let agent = bed.agent().await;
    let id = claim_in(&agent, "UNDER_REVIEW").await;
    let path = format!("/claims/{id}/status");
    let incomplete = agent.put(&path, json!({"status": "APPROVED"})).await;
    incomplete.refused(400, "Approved amount required for APPROVED status");
    let approved = json!({"status": "APPROVED", "approvedAmount": 3200.5});
    let claim = agent.put(&path, approved).await.expect(200);
    assert_eq!(claim.keys(), CLAIM);
    assert_eq!(claim["data"]["status"], "APPROVED");
    assert_eq!(claim["data"]["approvedAmount"], "3200.5");
    let claim = agent.put(&path, json!({"status": "PAID"})).await.expect(200);
    assert_eq!(claim["data"]["status"], "PAID");
    assert_eq!(claim["data"]["approvedAmount"], "3200.5", "paying keeps the amount");

    let history = agent.get(&format!("/claims/{id}/history")).await.expect(200);
    assert_eq!(history.column("newStatus"), ["PAID", "APPROVED", "UNDER_REVIEW"]);
    assert_eq!(history.column("oldStatus"), ["APPROVED", "UNDER_REVIEW", "SUBMITTED"]);
    let row = &history.list()[1];
    assert_eq!(keys(row), HISTORY);
    assert_eq!(row["claimId"], *id);
    assert_eq!(row["changedBy"], *agent.user_id);
    let metadata = json!({"approvedAmount": 3200.5, "previousStatus": "UNDER_REVIEW"});
    assert_eq!(row["metadata"], metadata);
}

/// The history's reason is the denial's.
async fn a_claim_is_denied(bed: &Bed) {
    let agent = bed.agent().await;
    for from in ["SUBMITTED", "UNDER_REVIEW"] {
        let id = claim_in(&agent, from).await;
        let path = format!("/claims/{id}/status");
        let incomplete = agent.put(&path, json!({"status": "DENIED"})).await;
        incomplete.refused(400, "Denial reason required for DENIED status");
        let denied = json!({"status": "DENIED", "denialReason": "Not covered"});
        let claim = agent.put(&path, denied).await.expect(200);
        assert_eq!(claim["data"]["status"], "DENIED");
        assert_eq!(claim["data"]["denialReason"], "Not covered");
        let history = agent.get(&format!("/claims/{id}/history")).await.expect(200);
        assert_eq!(history.list()[0]["reason"], "Not covered");
        assert_eq!(history.list()[0]["metadata"]["previousStatus"], from);
    }
}

/// POST /claims/{id}/approve {approvedAmount, reason?} and /deny {reason}.
async fn approve_and_deny_have_routes(bed: &Bed) {
    let agent = bed.agent().await;
    for from in ["SUBMITTED", "UNDER_REVIEW", "APPROVED", "DENIED", "PAID"] {
        let id = claim_in(&agent, from).await;
        let approval = json!({"approvedAmount": "900", "reason": "Photos are clear"});
        let reply = agent.post(&format!("/claims/{id}/approve"), approval).await;
        if from == "UNDER_REVIEW" {
            let claim = reply.expect(200);
            assert_eq!(claim["data"]["status"], "APPROVED");
            assert_eq!(claim["data"]["approvedAmount"], "900");
            let history = agent.get(&format!("/claims/{id}/history")).await.expect(200);
            assert_eq!(history.list()[0]["reason"], "Photos are clear");
            assert_eq!(history.list()[0]["metadata"]["previousStatus"], "UNDER_REVIEW");
        } else {
            reply.refused(400, &format!("Invalid status transition from {from} to APPROVED"));
        }

        let id = claim_in(&agent, from).await;
        let reply = agent.post(&format!("/claims/{id}/deny"), json!({"reason": "Late"})).await;
        if ["SUBMITTED", "UNDER_REVIEW"].contains(&from) {
            let claim = reply.expect(200);
            assert_eq!(claim["data"]["status"], "DENIED");
            assert_eq!(claim["data"]["denialReason"], "Late");
            let history = agent.get(&format!("/claims/{id}/history")).await.expect(200);
            assert_eq!(history.list()[0]["reason"], "Late");
        } else {
            reply.refused(400, &format!("Invalid status transition from {from} to DENIED"));
        }
    }
    let id = claim_in(&agent, "UNDER_REVIEW").await;
    agent
        .post(&format!("/claims/{id}/approve"), json!({}))
        .await
        .invalid("body", &["approvedAmount"]);
    agent.post(&format!("/claims/{id}/deny"), json!({})).await.invalid("body", &["reason"]);
    let approval = json!({"approvedAmount": 1});
    agent.post("/claims/nothing/approve", approval).await.refused(404, "Claim not found");
    agent
        .post("/claims/nothing/deny", json!({"reason": "x"}))
        .await
        .refused(404, "Claim not found");
}

async fn claims_are_deleted(bed: &Bed) {
    let agent = bed.agent().await;
    let path = format!("/claims/{}", claim_in(&agent, "DENIED").await);
    assert!(agent.delete(&path).await.expect(200)["message"].is_string());
    agent.get(&path).await.refused(404, "Claim not found");
    agent.delete(&path).await.refused(404, "Claim not found");
}
