//! policy-service, line by line of the contract, through the gateway.

use crate::support::{Bed, is_time, keys};
use serde_json::{Value, json};

on_both_databases! {
    a_policy_is_created,
    a_repetition_with_the_same_key_creates_nothing,
    lists_are_filtered_and_paged,
    one_policy_and_its_history,
    a_policy_is_changed,
    a_claim_is_filed,
    policies_are_deleted,
}

const POLICY: [&str; 12] = [
    "coverageAmount",
    "createdAt",
    "endDate",
    "id",
    "organizationId",
    "policyNumber",
    "premium",
    "startDate",
    "status",
    "type",
    "updatedAt",
    "userId",
];

const HISTORY: [&str; 9] = [
    "changedAt",
    "changedBy",
    "id",
    "metadata",
    "newStatus",
    "oldStatus",
    "organizationId",
    "policyId",
    "reason",
];

fn new_policy(start: &str, end: &str, premium: impl Into<Value>) -> Value {
    json!({
        "type": "AUTO", "startDate": start, "endDate": end, "premium": premium.into(),
        "coverageAmount": 100_000,
    })
}

/// POST /policies: 201, status default PENDING.
async fn a_policy_is_created(bed: &Bed) {
    let agent = bed.agent().await;
    let new = new_policy("2026-01-01", "2027-01-01", "1250.50");
    let made = agent.post("/policies", new).await.expect(201);
    assert_eq!(made.keys(), POLICY);
    let policy = &made["data"];
    assert_eq!(policy["status"], "PENDING");
    assert_eq!(policy["premium"], "1250.5");
    assert_eq!(policy["coverageAmount"], "100000");
    assert_eq!(policy["startDate"], "2026-01-01T00:00:00.000Z");
    assert_eq!(policy["userId"], *agent.user_id);
    assert_eq!(policy["organizationId"], *agent.organization_id);
    assert!(policy["policyNumber"].as_str().unwrap().starts_with("POL-"));
    assert!(is_time(&policy["createdAt"]));

    for status in ["ACTIVE", "EXPIRED", "CANCELLED", "PENDING"] {
        let id = agent.policy(status).await;
        let policy = agent.get(&format!("/policies/{id}")).await.expect(200);
        assert_eq!(policy["data"]["status"], status);
    }
    let all = ["type", "startDate", "endDate", "premium", "coverageAmount"];
    agent.post("/policies", json!({})).await.invalid("body", &all);
    let backwards = new_policy("2027-01-01", "2026-01-01", 1);
    agent.post("/policies", backwards).await.invalid("body", &["endDate"]);
}

/// Ours: `Idempotency-Key` names a creation within the organisation.
async fn a_repetition_with_the_same_key_creates_nothing(bed: &Bed) {
    let (agent, stranger) = (bed.agent().await, bed.agent().await);
    let create = async |actor: &crate::support::Actor, key: &str| {
        let request = axum::http::Request::post(format!("{}/policies", actor.base))
            .header("authorization", format!("Bearer {}", actor.token.as_ref().unwrap()))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        let body = new_policy("2026-01-01", "2027-01-01", 1).to_string();
        actor.exchange(request.body(body.into()).unwrap()).await.unwrap()
    };
    let first = create(&agent, "a").await.expect(201);
    assert_eq!(create(&agent, "a").await.expect(201)["data"], first["data"]);
    assert_ne!(create(&agent, "b").await.expect(201).id(), first.id());
    assert_ne!(create(&stranger, "a").await.expect(201).id(), first.id());
    assert_eq!(agent.get("/policies").await.expect(200)["pagination"]["total"], 2);
    let long = "k".repeat(101);
    assert_eq!(create(&agent, &long).await.status, 400);
}

/// GET /policies and /policies/my/policies: every filter, newest first.
async fn lists_are_filtered_and_paged(bed: &Bed) {
    let agent = bed.agent().await;
    let mut made = Vec::new();
    for (month, premium) in [("01", 100), ("02", 200), ("03", 300)] {
        let (start, end) = (format!("2026-{month}-01"), format!("2027-{month}-01"));
        made.push(agent.post("/policies", new_policy(&start, &end, premium)).await.expect(201));
    }
    agent
        .put(&format!("/policies/{}", made[0].id()), json!({"status": "ACTIVE"}))
        .await
        .expect(200);
    let number = made[1]["data"]["policyNumber"].as_str().unwrap().to_lowercase();
    for (query, premiums) in [
        ("", vec!["300", "200", "100"]),
        ("status=ACTIVE", vec!["100"]),
        ("status=PENDING", vec!["300", "200"]),
        ("type=AUTO", vec!["300", "200", "100"]),
        ("type=LIFE", vec![]),
        (&format!("userId={}", agent.user_id), vec!["300", "200", "100"]),
        ("startDateFrom=2026-02-01", vec!["300", "200"]),
        ("startDateTo=2026-02-01", vec!["200", "100"]),
        ("endDateFrom=2027-02-02", vec!["300"]),
        ("endDateTo=2027-02-01T00:00:00Z", vec!["200", "100"]),
        ("minPremium=200", vec!["300", "200"]),
        ("maxPremium=200.00", vec!["200", "100"]),
        (&format!("search={number}"), vec!["200"]),
        ("page=2&limit=1", vec!["200"]),
    ] {
        let found = agent.get(&format!("/policies?{query}")).await.expect(200);
        assert_eq!(found.column("premium"), premiums, "{query}");
    }
    let page = agent.get("/policies?page=2&limit=1").await.expect(200);
    assert_eq!(page["pagination"], json!({"page": 2, "limit": 1, "total": 3, "pages": 3}));
    let mine = agent.get("/policies/my/policies?status=ACTIVE").await.expect(200);
    assert_eq!(mine.column("premium"), ["100"]);
    let colleague = agent.colleague(&agent.organization_id).await;
    let mine = colleague.get("/policies/my/policies").await.expect(200);
    assert_eq!(mine["pagination"]["total"], 0);

    let bad = "status=OPEN&type=BOAT&startDateFrom=x&startDateTo=x&endDateFrom=x&endDateTo=x\
               &minPremium=x&maxPremium=x&page=x&limit=0";
    agent.get(&format!("/policies?{bad}")).await.invalid(
        "query",
        &[
            "status",
            "type",
            "startDateFrom",
            "startDateTo",
            "endDateFrom",
            "endDateTo",
            "minPremium",
            "maxPremium",
            "page",
            "limit",
        ],
    );
}

async fn one_policy_and_its_history(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.policy("ACTIVE").await;
    assert_eq!(agent.get(&format!("/policies/{id}")).await.expect(200).keys(), POLICY);
    let history = agent.get(&format!("/policies/{id}/history")).await.expect(200);
    assert_eq!(history["data"], json!([]));
    agent.get("/policies/nothing").await.refused(404, "Policy not found");
    agent.get("/policies/nothing/history").await.refused(404, "Policy not found");
}

/// PUT /policies/{id}: history row with metadata if the status changed; ours validates.
async fn a_policy_is_changed(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.policy("ACTIVE").await;
    let path = format!("/policies/{id}");
    let change = json!({"premium": "99.9", "coverageAmount": 5, "endDate": "2028-01-01"});
    let policy = agent.put(&path, change).await.expect(200);
    assert_eq!(policy["data"]["premium"], "99.9");
    assert_eq!(policy["data"]["coverageAmount"], "5");
    assert_eq!(policy["data"]["endDate"], "2028-01-01T00:00:00.000Z");
    let history = format!("{path}/history");
    assert_eq!(agent.get(&history).await.expect(200)["data"], json!([]), "status is the same");

    let change =
        json!({"status": "CANCELLED", "premium": 100, "statusChangeReason": "Sold the car"});
    let policy = agent.put(&path, change).await.expect(200);
    assert_eq!(policy["data"]["status"], "CANCELLED");
    agent.put(&path, json!({"status": "CANCELLED"})).await.expect(200);
    agent.put(&path, json!({"status": "ACTIVE"})).await.expect(200);
    agent.put(&path, json!({})).await.expect(200);
    let rows = agent.get(&history).await.expect(200);
    assert_eq!(rows.column("oldStatus"), ["CANCELLED", "ACTIVE"]);
    assert_eq!(rows.column("newStatus"), ["ACTIVE", "CANCELLED"]);
    assert_eq!(rows.column("reason"), [Value::Null, json!("Sold the car")]);
    let row = &rows.list()[1];
    assert_eq!(keys(row), HISTORY);
    assert_eq!(row["policyId"], *id);
    assert_eq!(row["changedBy"], *agent.user_id);
    let metadata =
        json!({"premiumChanged": true, "coverageChanged": false, "endDateChanged": false});
    assert_eq!(row["metadata"], metadata);

    let bad = json!({
        "status": "GONE", "premium": -1, "coverageAmount": "NaN", "endDate": "31.12.2026",
        "statusChangeReason": "",
    });
    let fields = ["status", "premium", "coverageAmount", "endDate", "statusChangeReason"];
    agent.put(&path, bad).await.invalid("body", &fields);
    let early = json!({"endDate": "2025-01-01"});
    agent.put(&path, early).await.invalid("body", &["endDate"]);
    agent.put("/policies/nothing", json!({})).await.refused(404, "Policy not found");
}

/// POST /policies/{id}/file-claim: 201, data = the claim made by claims-service.
async fn a_claim_is_filed(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.policy("ACTIVE").await;
    let path = format!("/policies/{id}/file-claim");
    let claim =
        json!({"incidentDate": "2026-03-04", "description": "Flood", "claimAmount": "750.25"});
    let filed = agent.post(&path, claim.clone()).await.expect(201);
    assert_eq!(filed["data"]["policyId"], *id);
    assert_eq!(filed["data"]["status"], "SUBMITTED");
    assert_eq!(filed["data"]["claimAmount"], "750.25");
    assert_eq!(filed["data"]["userId"], *agent.user_id);
    let read = agent.get(&format!("/claims/{}", filed.id())).await.expect(200);
    assert_eq!(read["data"], filed["data"]);

    let fields = ["incidentDate", "description", "claimAmount"];
    agent.post(&path, json!({})).await.invalid("body", &fields);
    for status in ["PENDING", "CANCELLED", "EXPIRED"] {
        let path = format!("/policies/{}/file-claim", agent.policy(status).await);
        let refusal = agent.post(&path, claim.clone()).await;
        refusal.refused(400, "Claims can only be filed on ACTIVE policies");
    }
    agent.post("/policies/nothing/file-claim", claim).await.refused(404, "Policy not found");
}

async fn policies_are_deleted(bed: &Bed) {
    let agent = bed.agent().await;
    let path = format!("/policies/{}", agent.policy("ACTIVE").await);
    agent.put(&path, json!({"status": "EXPIRED"})).await.expect(200);
    assert!(agent.delete(&path).await.expect(200)["message"].is_string());
    agent.get(&path).await.refused(404, "Policy not found");
    agent.delete(&path).await.refused(404, "Policy not found");
}
