//! What the contract says of all routes alike, asked of every route that the document lists.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Bed, claim_on, is_time};

on_both_databases! {
    sign_in_is_asked_for_everywhere,
    ids_that_are_unknown_or_malformed_are_not_found,
    deletions_and_changes_say_so,
    numbers_have_their_form,
    times_and_amounts_are_texts_of_one_form,
    every_filter_refuses_what_it_cannot_read,
    pages_are_bounded,
    every_list_is_newest_first,
    slashes_at_the_end_make_no_difference,
}

const UNKNOWN: &str = "5e3e7e0c-4f6f-4a53-9d0f-0f3c8f2f8a11";

/// Every route of the document: method, path below `/api/v1`, what it says of itself.
fn routes() -> Vec<(Method, String, Value)> {
    let document = serde_json::to_value(dynaclaimz::api_document()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").unwrap();
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            routes.push((method, path.to_owned(), operation.clone()));
        }
    }
    routes
}

fn needs_sign_in(path: &str) -> bool {
    ["/quotes", "/policies", "/claims", "/auth/me"].iter().any(|part| path.starts_with(part))
}

/// 401 `No token provided` and `Authentication failed` on each route of quotes, policies and claims, whatever else is
/// wrong; and no sign-in "backstage".
async fn sign_in_is_asked_for_everywhere(bed: &Bed) {
    let nobody = bed.nobody();
    let forger = Actor { token: Some("x.y.z".into()), ..bed.nobody() };
    let mut asked = 0;
    for (method, path, operation) in routes() {
        assert_eq!(operation.get("security").is_some(), needs_sign_in(&path), "{method} {path}");
        let path = path.replace("{id}", UNKNOWN).replace("{slug}", "nothing");
        let without = nobody.send(method.clone(), &path, "{".into()).await;
        if needs_sign_in(&path) {
            without.refused(401, "No token provided");
            let forged = forger.send(method, &path, "{".into()).await;
            forged.refused(401, "Authentication failed");
            asked += 1;
        } else {
            assert_ne!(without.status, 401, "{method} {path}");
        }
    }
    assert!(asked >= 24, "{asked}");
}

/// A body that the route accepts.
fn body(path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "status" if path.starts_with("/claims") => json!({"status": "UNDER_REVIEW"}),
        "status" => json!({"status": "EXPIRED"}),
        "approve" => json!({"approvedAmount": 1}),
        "deny" => json!({"reason": "x"}),
        "file-claim" => json!({"incidentDate": "2026-01-01", "description": "x", "claimAmount": 1}),
        _ => json!({}),
    }
}

async fn ids_that_are_unknown_or_malformed_are_not_found(bed: &Bed) {
    let agent = bed.agent().await;
    let mut asked = 0;
    for (method, path, _) in routes() {
        if !path.contains("{id}") {
            continue;
        }
        let message = match path.split('/').nth(1).unwrap() {
            "quotes" => "Quote not found",
            "policies" => "Policy not found",
            "claims" => "Claim not found",
            "users" => "User not found",
            _ => "Organization not found",
        };
        let long = "7".repeat(400);
        for id in [UNKNOWN, "nothing", "1", "-", "%20", "%00", "%C3%28", &long] {
            let place = path.replace("{id}", id);
            let reply = agent.send(method.clone(), &place, body(&path).to_string().into()).await;
            reply.refused(404, message);
        }
        asked += 1;
    }
    assert!(asked >= 24, "{asked}");
}

/// The messages that tell what was done.
async fn deletions_and_changes_say_so(bed: &Bed) {
    let agent = bed.agent().await;
    let said = |reply: crate::support::Reply, status: u16| {
        reply.expect(status)["message"].as_str().unwrap().to_owned()
    };
    let quote = format!("/quotes/{}", agent.quote(1_000).await);
    let policy = format!("/policies/{}", agent.policy("ACTIVE").await);
    let claim = format!("/claims/{}", agent.claim().await);
    let expired = json!({"status": "EXPIRED"});
    assert_eq!(
        said(agent.put(&format!("{quote}/status"), expired.clone()).await, 200),
        "Quote status updated"
    );
    assert_eq!(said(agent.put(&policy, expired).await, 200), "Policy updated");
    let review = json!({"status": "UNDER_REVIEW"});
    assert_eq!(
        said(agent.put(&format!("{claim}/status"), review).await, 200),
        "Claim status updated"
    );
    let approval = json!({"approvedAmount": 1});
    assert_eq!(
        said(agent.post(&format!("{claim}/approve"), approval).await, 200),
        "Claim approved"
    );
    let other = format!("/claims/{}/deny", agent.claim().await);
    assert_eq!(said(agent.post(&other, json!({"reason": "x"})).await, 200), "Claim denied");
    for (path, message) in
        [(quote, "Quote deleted"), (policy, "Policy deleted"), (claim, "Claim deleted")]
    {
        let done = agent.delete(&path).await.expect(200);
        assert_eq!(done.0, json!({"success": true, "message": message}));
    }
    let user = agent.delete(&format!("/users/{}", agent.user_id)).await.expect(200);
    assert_eq!(user.0, json!({"success": true, "message": "User deleted"}));
    let organization = agent.delete(&format!("/organizations/{}", agent.organization_id)).await;
    assert_eq!(
        organization.expect(200).0,
        json!({"success": true, "message": "Organization deleted"})
    );
}

/// `QUO-<ms>-<9 of A-Z0-9>`, `POL-…`, `CLM-…`, and UUIDs of version 4.
async fn numbers_have_their_form(bed: &Bed) {
    let agent = bed.agent().await;
    agent.quote(1_000).await;
    agent.claim().await;
    for (path, field, prefix) in [
        ("/quotes", "quoteNumber", "QUO"),
        ("/policies", "policyNumber", "POL"),
        ("/claims", "claimNumber", "CLM"),
    ] {
        let entity = agent.get(path).await.expect(200).list()[0].clone();
        let number = entity[field].as_str().unwrap();
        let parts: Vec<&str> = number.split('-').collect();
        let [head, millis, tail] = parts[..] else { panic!("{number}") };
        let created: jiff::Timestamp = entity["createdAt"].as_str().unwrap().parse().unwrap();
        assert_eq!((head, millis.parse()), (prefix, Ok(created.as_millisecond())), "{number}");
        assert!(
            tail.len() == 9 && tail.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        );
        for field in ["id", "userId", "organizationId"] {
            let id = uuid::Uuid::try_parse(entity[field].as_str().unwrap()).unwrap();
            assert_eq!(id.get_version_num(), 4, "{field}");
        }
    }
}

/// Amounts of entities are JSON strings in shortest decimal form, times ISO 8601 in UTC with milliseconds.
async fn times_and_amounts_are_texts_of_one_form(bed: &Bed) {
    let agent = bed.agent().await;
    for (given, shown) in [
        (json!(250_000), "250000"),
        (json!("1250.50"), "1250.5"),
        (json!(0.10), "0.1"),
        (json!("0007"), "7"),
    ] {
        let new = json!({"type": "HOME", "coverageAmount": given});
        let quote = agent.post("/quotes", new).await.expect(201);
        assert_eq!(quote["data"]["coverageAmount"], shown);
        let new = json!({"type": "AUTO", "startDate": "2026-01-01", "endDate": "2027-01-01",
            "premium": given, "coverageAmount": given, "status": "ACTIVE"});
        let policy = agent.post("/policies", new).await.expect(201);
        assert_eq!(
            (&policy["data"]["premium"], &policy["data"]["coverageAmount"]),
            (&json!(shown), &json!(shown))
        );
        let mut new = claim_on(&policy.id());
        new["claimAmount"] = given;
        let claim = agent.post("/claims", new).await.expect(201);
        assert_eq!(claim["data"]["claimAmount"], shown);
        let times: [(&crate::support::Entity, &[&str]); 3] = [
            (&quote, &["expiresAt", "createdAt", "updatedAt"]),
            (&policy, &["startDate", "endDate", "createdAt", "updatedAt"]),
            (&claim, &["incidentDate", "createdAt", "updatedAt"]),
        ];
        for (entity, fields) in times {
            for field in fields {
                assert!(is_time(&entity["data"][*field]), "{field} of {:?}", entity.0);
            }
        }
    }
}

/// Ours: unknown enum values and unparsable dates and numbers are 400 with `location: "query"`, filter by filter.
async fn every_filter_refuses_what_it_cannot_read(bed: &Bed) {
    let agent = bed.agent().await;
    let mut filters = 0;
    for (method, path, operation) in routes() {
        if method != Method::GET || path.contains('{') {
            continue;
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            if name == "search" || name.ends_with("Id") {
                continue;
            }
            let reply = agent.get(&format!("{path}?{name}=x%3F")).await;
            assert_eq!(reply.body["errors"][0]["value"], "x?", "{path}?{name}");
            reply.invalid("query", &[name]);
            filters += 1;
        }
    }
    // Ten, ten and eight of the lists, three of each `my`, two of the users.
    assert_eq!(filters, 10 + 10 + 7 + 3 * 3 + 2, "a filter was added or lost");
}

/// `page` from 1, `limit` from 1 to 1000, defaults 1 and 50.
async fn pages_are_bounded(bed: &Bed) {
    let agent = bed.agent().await;
    for path in [
        "/quotes",
        "/policies",
        "/claims",
        "/quotes/my/quotes",
        "/policies/my/policies",
        "/claims/my/claims",
    ] {
        let first = agent.get(path).await.expect(200);
        assert_eq!(first["pagination"], json!({"page": 1, "limit": 50, "total": 0, "pages": 0}));
        let most = agent.get(&format!("{path}?limit=1000&page=3")).await.expect(200);
        assert_eq!(most["pagination"], json!({"page": 3, "limit": 1000, "total": 0, "pages": 0}));
        agent.get(&format!("{path}?limit=1001&page=0")).await.invalid("query", &["page", "limit"]);
        agent.get(&format!("{path}?limit=0&page=1.5")).await.invalid("query", &["page", "limit"]);
    }
}

async fn every_list_is_newest_first(bed: &Bed) {
    let agent = bed.agent().await;
    let mut made = [const { Vec::new() }; 3];
    for _ in 0..5 {
        made[0].push(json!(agent.quote(1_000).await));
        let policy = agent.policy("ACTIVE").await;
        made[2].push(json!(agent.post("/claims", claim_on(&policy)).await.expect(201).id()));
        made[1].push(json!(policy));
    }
    for (ids, kind) in made.iter_mut().zip(["quotes", "policies", "claims"]) {
        ids.reverse();
        for path in [format!("/{kind}"), format!("/{kind}/my/{kind}")] {
            assert_eq!(agent.get(&path).await.expect(200).column("id"), *ids, "{path}");
            let middle = agent.get(&format!("{path}?limit=2&page=2")).await.expect(200);
            assert_eq!(middle.column("id"), ids[2..4], "{path}");
        }
    }
    for path in ["/users", "/organizations"] {
        let times = agent.get(path).await.expect(200).column("createdAt");
        assert!(times.is_sorted_by(|a, b| a.as_str() >= b.as_str()), "{path}");
    }
}

/// As in Express; ours through the gateway.
async fn slashes_at_the_end_make_no_difference(bed: &Bed) {
    let agent = bed.agent().await;
    let id = agent.quote(1_000).await;
    let list = agent.get("/quotes/?status=ACTIVE").await.expect(200);
    assert_eq!(list.column("id"), [id.as_str()]);
    assert_eq!(agent.get(&format!("/quotes/{id}/")).await.expect(200).id(), id);
}
