//! quotes-service, line by line of the contract, through the gateway.

use crate::support::{Bed, is_time, keys};
use serde_json::{Value, json};

on_both_databases! {
    premiums_are_computed,
    a_quote_is_created,
    lists_are_filtered_and_paged,
    my_quotes_are_the_callers_own,
    one_quote_and_its_history,
    status_changes_are_recorded,
    a_quote_is_converted,
    what_cannot_be_converted,
    overdue_quotes_expire,
    quotes_are_deleted,
}

const QUOTE: [&str; 11] = [
    "coverageAmount",
    "createdAt",
    "expiresAt",
    "id",
    "organizationId",
    "premium",
    "quoteNumber",
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
    "quoteId",
    "reason",
];

/// POST /quotes/calculate: data {type, coverageAmount, estimatedPremium, calculatedAt}, numbers.
async fn premiums_are_computed(bed: &Bed) {
    let agent = bed.agent().await;
    for (kind, cover, premium) in [
        ("AUTO", json!(100_000), json!(800)),
        ("HOME", json!(250_000), json!(1000)),
        ("LIFE", json!(1_000_000), json!(1000)),
        ("HEALTH", json!(5_000), json!(7333.33)),
        ("BUSINESS", json!("500000"), json!(5000)),
        ("AUTO", json!(12_345.67), json!(537.04)),
    ] {
        let asked = json!({"type": kind, "coverageAmount": cover});
        let answer = agent.post("/quotes/calculate", asked).await.expect(200);
        let expected = ["calculatedAt", "coverageAmount", "estimatedPremium", "type"];
        assert_eq!(answer.keys(), expected);
        assert_eq!(answer["data"]["type"], kind);
        assert_eq!(answer["data"]["estimatedPremium"], premium, "{kind} {cover}");
        assert!(answer["data"]["coverageAmount"].is_number());
        assert!(is_time(&answer["data"]["calculatedAt"]));
        assert!(answer["message"].is_string());
    }
    let nothing = agent.post("/quotes/calculate", json!({})).await;
    nothing.invalid("body", &["type", "coverageAmount"]);
}

/// POST /quotes: 201, owner = caller, expiresAt default + 30 days, the message tells the premium.
async fn a_quote_is_created(bed: &Bed) {
    let agent = bed.agent().await;
    let new = json!({"type": "AUTO", "coverageAmount": 50_000.5});
    let made = agent.post("/quotes", new).await.expect(201);
    assert_eq!(made.keys(), QUOTE);
    let quote = &made["data"];
    assert_eq!(quote["userId"], *agent.user_id);
    assert_eq!(quote["organizationId"], *agent.organization_id);
    assert_eq!(quote["status"], "ACTIVE");
    // Amounts of stored entities are strings in shortest decimal form.
    assert_eq!(quote["coverageAmount"], "50000.5");
    assert_eq!(quote["premium"], "650");
    assert!(made["message"].as_str().unwrap().contains("650"));

    let number = quote["quoteNumber"].as_str().unwrap();
    let parts: Vec<_> = number.split('-').collect();
    assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("QUO", 13, 9), "{number}");

    let time = |field: &str| quote[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let valid = time("expiresAt").duration_since(time("createdAt")).as_secs();
    assert_eq!(valid, 30 * 86_400);
    for field in ["createdAt", "updatedAt", "expiresAt"] {
        assert!(is_time(&quote[field]), "{field}");
    }

    let new = json!({"type": "LIFE", "coverageAmount": "250000", "expiresAt": "2030-01-02"});
    let made = agent.post("/quotes", new).await.expect(201);
    assert_eq!(made["data"]["expiresAt"], "2030-01-02T00:00:00.000Z");
    assert_eq!(made["data"]["coverageAmount"], "250000");
    // Nothing has changed yet, so there is no history.
    let history = agent.get(&format!("/quotes/{}/history", made.id())).await.expect(200);
    assert_eq!(history["data"], json!([]));

    // A premium below zero is not offered.
    let new = json!({"type": "HEALTH", "coverageAmount": 100_000});
    agent.post("/quotes", new).await.invalid("body", &["coverageAmount"]);
}

/// GET /quotes: every filter, newest first, page and limit.
async fn lists_are_filtered_and_paged(bed: &Bed) {
    let agent = bed.agent().await;
    let mut ids = Vec::new();
    for (kind, cover, expires) in [
        ("AUTO", 100_000, "2030-01-01"),
        ("HOME", 200_000, "2030-02-01"),
        ("HOME", 300_000, "2030-03-01"),
    ] {
        let new = json!({"type": kind, "coverageAmount": cover, "expiresAt": expires});
        ids.push(agent.post("/quotes", new).await.expect(201));
    }
    let status = format!("/quotes/{}/status", ids[2].id());
    agent.put(&status, json!({"status": "EXPIRED"})).await.expect(200);
    let number = ids[0]["data"]["quoteNumber"].as_str().unwrap().to_lowercase();

    let all = agent.get("/quotes").await.expect(200);
    assert_eq!(all.column("coverageAmount"), ["300000", "200000", "100000"], "newest first");
    assert_eq!(all["pagination"], json!({"page": 1, "limit": 50, "total": 3, "pages": 1}));
    assert_eq!(keys(&all.list()[0]), QUOTE);

    for (query, covers) in [
        ("status=ACTIVE", vec!["200000", "100000"]),
        ("status=EXPIRED", vec!["300000"]),
        ("status=CONVERTED", vec![]),
        ("type=HOME", vec!["300000", "200000"]),
        ("type=HOME&status=ACTIVE", vec!["200000"]),
        ("expiresAfter=2030-01-15", vec!["300000", "200000"]),
        ("expiresBefore=2030-02-01T00:00:00Z", vec!["200000", "100000"]),
        ("minCoverage=200000", vec!["300000", "200000"]),
        ("maxCoverage=200000", vec!["200000", "100000"]),
        // 800, 800 and 1200.
        ("minPremium=800.01", vec!["300000"]),
        ("maxPremium=800", vec!["200000", "100000"]),
        (&format!("search={}", &number[4..]), vec!["100000"]),
        ("search=quo-", vec!["300000", "200000", "100000"]),
        ("search=%25", vec![]),
        ("search=_", vec![]),
        (&format!("userId={}", agent.user_id), vec!["300000", "200000", "100000"]),
        ("userId=someone", vec![]),
        ("limit=2", vec!["300000", "200000"]),
        ("limit=2&page=2", vec!["100000"]),
        ("limit=2&page=3", vec![]),
    ] {
        let found = agent.get(&format!("/quotes?{query}")).await.expect(200);
        assert_eq!(found.column("coverageAmount"), covers, "{query}");
    }
    let page = agent.get("/quotes?limit=2&page=2").await.expect(200);
    assert_eq!(page["pagination"], json!({"page": 2, "limit": 2, "total": 3, "pages": 2}));
    let none = bed.agent().await.get("/quotes").await.expect(200);
    assert_eq!(none["pagination"], json!({"page": 1, "limit": 50, "total": 0, "pages": 0}));

    // Ours: bad filters are refused, all of them at once.
    let bad =
        "status=OPEN&type=BOAT&expiresAfter=soon&minCoverage=x&maxPremium=NaN&page=0&limit=1001";
    agent.get(&format!("/quotes?{bad}")).await.invalid(
        "query",
        &["status", "type", "expiresAfter", "minCoverage", "maxPremium", "page", "limit"],
    );
}

/// GET /quotes/my/quotes: the caller's own, filter status.
async fn my_quotes_are_the_callers_own(bed: &Bed) {
    let agent = bed.agent().await;
    let colleague = agent.colleague(&agent.organization_id).await;
    let mine = agent.quote(1_000).await;
    colleague.quote(2_000).await;
    assert_eq!(agent.get("/quotes").await.expect(200).list().len(), 2);
    let own = agent.get("/quotes/my/quotes").await.expect(200);
    assert_eq!(own.column("id"), [mine]);
    assert_eq!(own["pagination"]["total"], 1);
    let expired = agent.get("/quotes/my/quotes?status=EXPIRED").await.expect(200);
    assert_eq!(expired["data"], json!([]));
    agent.get("/quotes/my/quotes?status=x").await.invalid("query", &["status"]);
}

/// GET /quotes/{id} and /history; malformed ids are unknown ones.
async fn one_quote_and_its_history(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.quote(1_000).await;
    let quote = agent.get(&format!("/quotes/{id}")).await.expect(200);
    assert_eq!(quote.id(), id);
    assert!(quote.0.get("message").is_none());
    // Upper case names the same id.
    agent.get(&format!("/quotes/{}", id.to_uppercase())).await.expect(200);
    for unknown in ["5e3e7e0c-4f6f-4a53-9d0f-0f3c8f2f8a11", "123", "%00", "%FF", "my", "x'--"] {
        agent.get(&format!("/quotes/{unknown}")).await.refused(404, "Quote not found");
        agent.get(&format!("/quotes/{unknown}/history")).await.refused(404, "Quote not found");
    }
}

/// PUT /quotes/{id}/status: 200; a history row if it changed, newest first.
async fn status_changes_are_recorded(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.quote(1_000).await;
    let path = format!("/quotes/{id}/status");
    let change = json!({"status": "EXPIRED", "statusChangeReason": "Customer left"});
    let quote = agent.put(&path, change).await.expect(200);
    assert_eq!(quote["data"]["status"], "EXPIRED");
    assert_eq!(quote.keys(), QUOTE);
    agent.put(&path, json!({"status": "EXPIRED"})).await.expect(200);
    agent.put(&path, json!({"status": "ACTIVE"})).await.expect(200);

    let history = agent.get(&format!("/quotes/{id}/history")).await.expect(200);
    assert_eq!(history.column("newStatus"), ["ACTIVE", "EXPIRED"], "unchanged leaves no row");
    assert_eq!(history.column("oldStatus"), ["EXPIRED", "ACTIVE"]);
    assert_eq!(history.column("reason"), [Value::Null, json!("Customer left")]);
    let row = &history.list()[1];
    assert_eq!(keys(row), HISTORY);
    assert_eq!(row["quoteId"], *id);
    assert_eq!(row["changedBy"], *agent.user_id);
    assert_eq!(row["organizationId"], *agent.organization_id);
    assert!(is_time(&row["changedAt"]));

    agent.put(&path, json!({})).await.invalid("body", &["status"]);
    let bad = json!({"status": "SOLD", "statusChangeReason": 5});
    agent.put(&path, bad).await.invalid("body", &["status", "statusChangeReason"]);
    let unknown = "/quotes/nothing/status";
    agent.put(unknown, json!({"status": "ACTIVE"})).await.refused(404, "Quote not found");
}

/// POST /quotes/{id}/convert: 201 {quote, policy}, an active policy from now for 365 days, history.
async fn a_quote_is_converted(bed: &Bed) {
    let agent = bed.agent().await;
    let new = json!({"type": "HOME", "coverageAmount": 300_000});
    let id = agent.post("/quotes", new).await.expect(201).id();
    let converted = agent.order(&format!("/quotes/{id}/convert")).await.expect(201);
    assert!(converted["message"].is_string());
    assert_eq!(converted.keys(), ["policy", "quote"]);
    let (quote, policy) = (&converted["data"]["quote"], &converted["data"]["policy"]);
    assert_eq!(quote["status"], "CONVERTED");
    assert_eq!(quote["id"], *id);
    assert_eq!(policy["status"], "ACTIVE");
    assert_eq!(policy["type"], "HOME");
    assert_eq!(policy["premium"], "1200");
    assert_eq!(policy["coverageAmount"], "300000");
    assert_eq!(policy["userId"], *agent.user_id);
    let time = |field: &str| policy[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("endDate").duration_since(time("startDate")).as_secs(), 365 * 86_400);
    assert!(time("startDate").duration_since(jiff::Timestamp::now()).as_secs().abs() < 60);

    let path = format!("/policies/{}", policy["id"].as_str().unwrap());
    assert_eq!(agent.get(&path).await.expect(200)["data"], *policy);
    let history = agent.get(&format!("/quotes/{id}/history")).await.expect(200);
    assert_eq!(history.column("oldStatus"), ["ACTIVE"]);
    assert_eq!(history.column("newStatus"), ["CONVERTED"]);
    assert_eq!(history.list()[0]["metadata"]["policyId"], policy["id"]);
}

/// 400 for what is not ACTIVE or has expired; 404 for the unknown.
async fn what_cannot_be_converted(bed: &Bed) {
    const NOT_ACTIVE: &str = "Only ACTIVE quotes can be converted to policies";
    let agent = bed.agent().await;
    let id = agent.quote(1_000).await;
    agent.order(&format!("/quotes/{id}/convert")).await.expect(201);
    agent.order(&format!("/quotes/{id}/convert")).await.refused(400, NOT_ACTIVE);

    let past = json!({"type": "AUTO", "coverageAmount": 1, "expiresAt": "2020-01-01"});
    let id = agent.post("/quotes", past).await.expect(201).id();
    agent.order(&format!("/quotes/{id}/convert")).await.refused(400, "Quote has expired");
    agent.put(&format!("/quotes/{id}/status"), json!({"status": "EXPIRED"})).await.expect(200);
    agent.order(&format!("/quotes/{id}/convert")).await.refused(400, NOT_ACTIVE);
    agent.order("/quotes/nothing/convert").await.refused(404, "Quote not found");
    assert_eq!(agent.get("/policies").await.expect(200)["pagination"]["total"], 1);
}

/// POST /quotes/expire-old: data {expiredCount}; ours: own organisation only, with history rows.
async fn overdue_quotes_expire(bed: &Bed) {
    let (agent, stranger) = (bed.agent().await, bed.agent().await);
    let past = json!({"type": "AUTO", "coverageAmount": 1, "expiresAt": "2020-01-01"});
    let overdue = agent.post("/quotes", past.clone()).await.expect(201).id();
    let theirs = stranger.post("/quotes", past).await.expect(201).id();
    let current = agent.quote(1).await;

    let answer = agent.order("/quotes/expire-old").await.expect(200);
    assert_eq!(answer["data"], json!({"expiredCount": 1}));
    let status = async |actor: &crate::support::Actor, id: &str| {
        actor.get(&format!("/quotes/{id}")).await.expect(200)["data"]["status"].clone()
    };
    assert_eq!(status(&agent, &overdue).await, "EXPIRED");
    assert_eq!(status(&agent, &current).await, "ACTIVE");
    assert_eq!(status(&stranger, &theirs).await, "ACTIVE");
    let history = agent.get(&format!("/quotes/{overdue}/history")).await.expect(200);
    assert_eq!(history.column("newStatus"), ["EXPIRED"]);
    assert_eq!(history.column("changedBy"), [&*agent.user_id]);
    let answer = agent.order("/quotes/expire-old").await.expect(200);
    assert_eq!(answer["data"], json!({"expiredCount": 0}));
}

/// DELETE /quotes/{id}: 200 message.
async fn quotes_are_deleted(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.quote(1_000).await;
    let path = format!("/quotes/{id}");
    agent.put(&format!("{path}/status"), json!({"status": "EXPIRED"})).await.expect(200);
    assert!(agent.delete(&path).await.expect(200)["message"].is_string());
    agent.get(&path).await.refused(404, "Quote not found");
    agent.delete(&path).await.refused(404, "Quote not found");
}
