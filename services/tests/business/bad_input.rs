//! Bad input is always a 4xx that names the field, never a 500, and leaves nothing behind.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Bed};

on_both_databases! {
    bad_fields_are_named,
    bad_bodies_are_refused,
    bad_queries_are_named,
    hostile_text_is_only_text,
    unknown_routes,
}

/// What a field must not be, whatever it is.
fn never() -> Vec<Value> {
    vec![json!({}), json!([1]), json!(true), json!("x".repeat(10_000)), json!("\u{0}"), json!("  ")]
}

/// What an amount must not be.
fn no_amount() -> Vec<Value> {
    let texts = ["NaN", "Infinity", "-Infinity", "", "1,5", "0x10", "1e400", "١٢", "1 OR 1=1"];
    let numbers =
        [json!(-0.01), json!(-5), json!(1e10), json!(1e300), json!(u64::MAX), json!(i64::MIN)];
    texts.into_iter().map(Value::from).chain(numbers).collect()
}

/// What a time must not be.
fn no_time() -> Vec<Value> {
    let texts = [
        "tomorrow",
        "2026-13-01",
        "2026-02-30",
        "0000-00-00",
        "1899-12-31",
        "9999-12-31",
        "NaN",
        "+275760-09-13",
        "2026-01-01T25:00:00Z",
        "1767225600000",
        "2026-01-01T00:00:00+99:00",
    ];
    texts
        .into_iter()
        .map(Value::from)
        .chain([json!(1_767_225_600), json!(-1), json!(1e300)])
        .collect()
}

fn no_choice() -> Vec<Value> {
    vec![
        json!("NONE"),
        json!("auto"),
        json!(1),
        json!("ACTIVE'; DROP TABLE quotes; --"),
        json!("A\r\nB: c"),
    ]
}

fn no_text() -> Vec<Value> {
    vec![json!(5), json!(1e300), json!("\u{1b}[31m"), json!("")]
}

type Bad = fn() -> Vec<Value>;

/// A route, a body that is well, and what its fields must not be.
type Write = (Method, String, Value, Vec<(&'static str, Bad)>);

/// Each write there is.
#[expect(clippy::too_many_lines, reason = "a table")]
fn writes(agent: &Actor, policy: &str, claim: &str, quote: &str) -> Vec<Write> {
    let post = Method::POST;
    vec![
        (
            post.clone(),
            "/quotes/calculate".into(),
            json!({"type": "AUTO", "coverageAmount": 1}),
            vec![("type", no_choice), ("coverageAmount", no_amount)],
        ),
        (
            post.clone(),
            "/quotes".into(),
            json!({"type": "AUTO", "coverageAmount": 1, "expiresAt": "2030-01-01"}),
            vec![("type", no_choice), ("coverageAmount", no_amount), ("expiresAt", no_time)],
        ),
        (
            Method::PUT,
            format!("/quotes/{quote}/status"),
            json!({"status": "EXPIRED", "statusChangeReason": "x"}),
            vec![("status", no_choice), ("statusChangeReason", no_text)],
        ),
        (
            post.clone(),
            "/policies".into(),
            json!({"type": "AUTO", "startDate": "2026-01-01", "endDate": "2027-01-01", "premium": 1,
                "coverageAmount": 1, "status": "ACTIVE"}),
            vec![
                ("type", no_choice),
                ("startDate", no_time),
                ("endDate", no_time),
                ("premium", no_amount),
                ("coverageAmount", no_amount),
                ("status", no_choice),
            ],
        ),
        (
            Method::PUT,
            format!("/policies/{policy}"),
            json!({"status": "PENDING", "premium": 5, "coverageAmount": 5, "endDate": "2029-01-01",
                "statusChangeReason": "x"}),
            vec![
                ("status", no_choice),
                ("premium", no_amount),
                ("coverageAmount", no_amount),
                ("endDate", no_time),
                ("statusChangeReason", no_text),
            ],
        ),
        (
            post.clone(),
            format!("/policies/{policy}/file-claim"),
            json!({"incidentDate": "2026-01-01", "description": "x", "claimAmount": 1}),
            vec![("incidentDate", no_time), ("description", no_text), ("claimAmount", no_amount)],
        ),
        (
            post.clone(),
            "/claims".into(),
            json!({"policyId": policy, "incidentDate": "2026-01-01", "description": "x",
                "claimAmount": 1}),
            vec![
                ("policyId", no_text),
                ("incidentDate", no_time),
                ("description", no_text),
                ("claimAmount", no_amount),
            ],
        ),
        (
            Method::PUT,
            format!("/claims/{claim}/status"),
            json!({"status": "UNDER_REVIEW", "approvedAmount": 1, "denialReason": "x"}),
            vec![("status", no_choice), ("approvedAmount", no_amount), ("denialReason", no_text)],
        ),
        (
            post.clone(),
            format!("/claims/{claim}/approve"),
            json!({"approvedAmount": 1, "reason": "x"}),
            vec![("approvedAmount", no_amount), ("reason", no_text)],
        ),
        (
            post.clone(),
            format!("/claims/{claim}/deny"),
            json!({"reason": "x"}),
            vec![("reason", no_text)],
        ),
        (
            post.clone(),
            "/auth/login".into(),
            json!({"email": "a@b.co", "password": "password123"}),
            vec![("email", no_text), ("password", no_text)],
        ),
        (
            post.clone(),
            "/auth/register".into(),
            json!({"email": "new@b.co", "password": "password123", "firstName": "A", "lastName": "B",
                "organizationId": agent.organization_id, "role": "AGENT", "orgRole": "OWNER"}),
            vec![
                ("email", no_text),
                ("password", no_text),
                ("firstName", no_text),
                ("lastName", no_text),
                ("organizationId", no_text),
                ("role", no_choice),
                ("orgRole", no_choice),
            ],
        ),
        (post.clone(), "/auth/verify".into(), json!({"token": "x"}), vec![("token", no_text)]),
        (
            post,
            "/auth/organizations".into(),
            json!({"name": "A", "slug": "new-slug", "plan": "free"}),
            vec![("name", no_text), ("slug", no_text), ("plan", no_choice)],
        ),
        (
            Method::PATCH,
            format!("/organizations/{}", agent.organization_id),
            json!({"name": "A", "slug": "other-slug", "plan": "free"}),
            vec![("name", no_text), ("slug", no_text), ("plan", no_choice)],
        ),
        (
            Method::PUT,
            format!("/users/{}", agent.user_id),
            json!({"firstName": "A", "lastName": "B", "dateOfBirth": "1990-01-01", "phone": "1",
                "street": "1", "city": "1", "state": "1", "zipCode": "1", "country": "1"}),
            vec![
                ("firstName", no_text),
                ("lastName", no_text),
                ("dateOfBirth", no_time),
                ("phone", no_text),
                ("street", no_text),
                ("city", no_text),
                ("state", no_text),
                ("zipCode", no_text),
                ("country", no_text),
            ],
        ),
    ]
}

/// All that an organisation holds.
async fn everything(agent: &Actor) -> Vec<Value> {
    let mut all = Vec::new();
    for path in ["/quotes", "/policies", "/claims"] {
        all.push(agent.get(path).await.expect(200).0);
    }
    for path in ["users", "stats"] {
        let path = format!("/organizations/{}/{path}", agent.organization_id);
        all.push(agent.get(&path).await.expect(200).0);
    }
    all
}

async fn bad_fields_are_named(bed: &Bed) {
    let agent = bed.agent().await;
    let (policy, claim, quote) =
        (agent.policy("ACTIVE").await, agent.claim().await, agent.quote(1_000).await);
    let before = everything(&agent).await;
    for (method, path, well, fields) in writes(&agent, &policy, &claim, &quote) {
        for (field, bad) in fields {
            for value in never().into_iter().chain(bad()) {
                let mut body = well.clone();
                body[field] = value.clone();
                let text = body.to_string();
                let reply = agent.send(method.clone(), &path, Body::from(text)).await;
                let shown = value.to_string().chars().take(60).collect::<String>();
                assert_eq!(reply.status, 400, "{method} {path} {field} = {shown}: {}", reply.body);
                assert_eq!(reply.body["message"], "Validation failed");
                assert_eq!(reply.body["errors"][0]["path"], field, "{method} {path} = {shown}");
                assert_eq!(reply.body["errors"][0]["location"], "body");
            }
        }
    }
    assert_eq!(everything(&agent).await, before, "something was stored");
}

async fn bad_bodies_are_refused(bed: &Bed) {
    let agent = bed.agent().await;
    let (policy, claim, quote) =
        (agent.policy("ACTIVE").await, agent.claim().await, agent.quote(1_000).await);
    let before = everything(&agent).await;
    let deep = format!("{{\"type\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [Vec<u8>; 9] = [
        b"".into(),
        b"{".into(),
        b"null".into(),
        b"[]".into(),
        b"{\"type\": \"AU\xff\xfe\"}".into(),
        b"{\"coverageAmount\": NaN}".into(),
        b"{\"coverageAmount\": 1e999}".into(),
        b"{'type': 'AUTO'}".into(),
        deep.into(),
    ];
    for (method, path, ..) in writes(&agent, &policy, &claim, &quote) {
        for body in &bodies {
            let reply = agent.send(method.clone(), &path, Body::from(body.clone())).await;
            reply.invalid("body", &[""]);
        }
    }
    let huge = format!("{{\"type\": \"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(agent.send(Method::POST, "/quotes", Body::from(huge)).await.status, 413);
    let form = axum::http::Request::post(format!("{}/quotes", agent.base))
        .header("authorization", format!("Bearer {}", agent.token.as_ref().unwrap()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("type=AUTO&coverageAmount=1"))
        .unwrap();
    assert_eq!(agent.exchange(form).await.unwrap().status, 415);
    assert_eq!(everything(&agent).await, before, "something was stored");
}

async fn bad_queries_are_named(bed: &Bed) {
    let agent = bed.agent().await;
    let long = "x".repeat(10_000);
    for (path, fields) in [
        ("/quotes", &["status", "type", "expiresAfter", "minCoverage", "page", "limit"][..]),
        ("/policies", &["status", "type", "startDateFrom", "maxPremium", "page", "limit"]),
        ("/claims", &["status", "incidentDateTo", "minClaimAmount", "page", "limit"]),
    ] {
        for field in fields {
            for value in [
                "",
                "x",
                "NaN",
                "-1",
                "%00",
                "%FF",
                "1%20OR%201=1",
                "99999999999999999999999",
                &long,
            ] {
                let reply = agent.get(&format!("{path}?{field}={value}")).await;
                let shown = &value[..value.len().min(30)];
                assert_eq!(reply.status, 400, "{path}?{field}={shown}: {}", reply.body);
                assert_eq!(reply.body["errors"][0]["path"], *field, "{path}?{field}={shown}");
                assert_eq!(reply.body["errors"][0]["location"], "query");
            }
        }
        for search in [&long, "%00", "%FF%FE", "%0D%0AX-Bad:%201"] {
            let reply = agent.get(&format!("{path}?search={search}")).await;
            let refused = reply.status == 400 && reply.body["errors"][0]["path"] == "search";
            assert!(refused || search.contains("0D"), "{}", reply.body);
            assert!(!reply.headers.contains_key("x-bad"));
        }
        agent.get(&format!("{path}?status=ACTIVE&status=ACTIVE")).await.expect_client_error();
    }
}

/// Attempts at injection that are well-formed text are kept to the letter, and do nothing.
async fn hostile_text_is_only_text(bed: &Bed) {
    let agent = bed.agent().await;
    let policy = agent.policy("ACTIVE").await;
    for text in [
        "'; DROP TABLE claims; --",
        "\" OR \"\"=\"",
        "$1 ? :name @p %s",
        "</script><script>alert(1)</script>",
        "line\r\nSet-Cookie: a=b",
        "日本語 🦀 e\u{301} \u{202e}",
        "\\%_",
    ] {
        let new = json!({
            "policyId": policy, "incidentDate": "2026-01-01", "description": text, "claimAmount": 1,
        });
        let claim = agent.post("/claims", new).await.expect(201);
        assert_eq!(claim["data"]["description"], text);
        if !text.contains('\r') {
            let query = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let found = agent.get(&format!("/claims?search={query}")).await.expect(200);
            assert_eq!(found.column("description"), [text]);
        }
    }
    for path in ["/quotes/'%20OR%201=1", "/claims/%2e%2e%2fusers", "/policies/1;%20DROP%20TABLE"] {
        assert_eq!(agent.get(path).await.status, 404, "{path}");
    }
}

/// Unknown routes, and known ones with another method: 404 `Route not found`.
async fn unknown_routes(bed: &Bed) {
    let agent = bed.agent().await;
    agent.get("/quotes/a/b/c").await.refused(404, "Route not found");
    agent.get("/quotes/calculate/x").await.refused(404, "Route not found");
    agent.get("/auth/login").await.refused(404, "Route not found");
    agent.put("/quotes", json!({})).await.refused(404, "Route not found");
    for (_, url) in &bed.running.service_urls {
        let direct = Actor { base: url.clone(), ..agent.clone() };
        direct.get("/nothing").await.refused(404, "Route not found");
        let health = direct.get("/health").await;
        assert_eq!(health.body["status"], "ok");
        assert!(health.body["service"].as_str().unwrap().ends_with("-service"));
        assert_eq!(direct.get("/ready").await.status, 200);
    }
}
