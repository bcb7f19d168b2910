//! The real gateway and services: which hops one request of a client makes.

use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use dynaclaimz::{AllConfig, Running, start_all};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::collector::{Collector, Seen, client};

const AGENT: &str = "DynaClaimz-API-Client/2.1.0 (Group-A)";

struct Whole {
    running: Running,
    collector: Arc<Collector>,
    token: String,
    user: Value,
    // Removed at the end.
    _folder: tempfile::TempDir,
}

impl Whole {
    async fn start() -> Self {
        let (collector, _) = Collector::start().await;
        let folder = tempfile::tempdir().unwrap();
        let config = AllConfig::demo(folder.path()).with_collector(&collector.address()).unwrap();
        let running = start_all(config).await.unwrap();
        let mut whole =
            Self { running, collector, token: String::new(), user: Value::Null, _folder: folder };
        let mut users = whole.ask(Method::GET, "/users", 90, Value::Null).await;
        whole.user = users["data"][0].take();
        let login = json!({ "email": whole.user["email"], "password": "password123" });
        let session = whole.ask(Method::POST, "/auth/login", 91, login).await;
        session["data"]["token"].as_str().unwrap().clone_into(&mut whole.token);
        whole
    }

    /// Asks as the trace of this number.
    async fn ask(&self, method: Method, path: &str, trace: u8, body: Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.running.gateway_url))
            .header("user-agent", AGENT)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("traceparent", format!("00-{trace:032x}-b7ad6b7169203331-01"));
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = client().request(request.body(body).unwrap()).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(
            matches!(status, StatusCode::OK | StatusCode::CREATED),
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).unwrap()
    }

    /// An active policy's id.
    async fn policy(&self) -> Value {
        let policy = json!({
            "type": "AUTO", "status": "ACTIVE", "premium": 100, "coverageAmount": 1000,
            "startDate": "2020-01-01T00:00:00.000Z", "endDate": "2199-01-01T00:00:00.000Z",
        });
        self.ask(Method::POST, "/policies", 92, policy).await["data"]["id"].clone()
    }

    /// Stops everything, so that all spans are in.
    async fn spans(self) -> Vec<Seen> {
        self.running.shutdown().await;
        self.collector.seen()
    }
}

fn claim() -> Value {
    json!({ "incidentDate": "2024-05-01T00:00:00.000Z", "description": "Hail", "claimAmount": 500 })
}

/// The calls of a trace as a tree: each service with the route it answered, and below it those it asked.
fn tree(spans: &[Seen], trace: u8) -> String {
    fn below(spans: &[&Seen], parent: &str, depth: usize, tree: &mut String) {
        for span in spans.iter().filter(|span| span.parent == parent && span.kind == 2) {
            writeln!(tree, "{:1$}{2} {3}", "", depth * 2, span.service, span.name).unwrap();
            for call in spans.iter().filter(|call| call.parent == span.id && call.kind == 3) {
                below(spans, &call.id, depth + 1, tree);
            }
        }
    }
    let trace = format!("{trace:032x}");
    let spans: Vec<&Seen> = spans.iter().filter(|span| span.trace == trace).collect();
    let mut tree = String::new();
    below(&spans, "b7ad6b7169203331", 0, &mut tree);
    let shown = tree.lines().count();
    assert_eq!(
        shown,
        spans.iter().filter(|span| span.kind == 2).count(),
        "hops outside of the tree"
    );
    tree
}

#[tokio::test]
async fn each_request_makes_the_hops_of_the_contract() {
    let whole = Whole::start().await;
    let policy = whole.policy().await;
    let policy = policy.as_str().unwrap();
    whole.ask(Method::GET, "/organizations", 1, Value::Null).await;
    whole.ask(Method::GET, &format!("/policies/{policy}"), 2, Value::Null).await;
    let quote = json!({ "type": "HOME", "coverageAmount": 250_000 });
    let quote = whole.ask(Method::POST, "/quotes", 3, quote).await["data"]["id"].clone();
    let convert = format!("/quotes/{}/convert", quote.as_str().unwrap());
    whole.ask(Method::POST, &convert, 4, Value::Null).await;
    let mut new = claim();
    new["policyId"] = policy.into();
    whole.ask(Method::POST, "/claims", 5, new).await;
    let claim =
        whole.ask(Method::POST, &format!("/policies/{policy}/file-claim"), 6, claim()).await;
    let claim = format!("/claims/{}", claim["data"]["id"].as_str().unwrap());
    whole.ask(Method::GET, "/users", 7, Value::Null).await;
    whole.ask(Method::GET, "/quotes?status=ACTIVE", 8, Value::Null).await;
    whole.ask(Method::GET, &claim, 9, Value::Null).await;
    let review = json!({ "status": "UNDER_REVIEW" });
    whole.ask(Method::PUT, &format!("{claim}/status"), 10, review).await;
    let spans = whole.spans().await;

    let traces = [91, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    let trees: Vec<String> = traces.map(|trace| tree(&spans, trace)).into();
    insta::assert_snapshot!(trees.join("\n"));
    // A transaction shows from its wait for a connection to its end.
    let trace = format!("{:032x}", 10);
    let of_claims = spans.iter().filter(|s| s.trace == trace && s.service == "claims-service");
    let mut queries: Vec<&Seen> =
        of_claims.filter(|s| s.kind == 3 && !s.name.starts_with("POST")).collect();
    queries.sort_by_key(|span| span.start);
    let queries: Vec<&str> = queries.iter().map(|span| span.name.as_str()).collect();
    let expected =
        ["SELECT claims", "BEGIN", "UPDATE claims", "INSERT claim_status_history", "COMMIT"];
    assert_eq!(queries, expected);
    assert!(spans.iter().all(|span| !span.failed), "{spans:#?}");
}

#[tokio::test]
async fn a_logins_group_is_right_on_every_hop_and_callers_are_named() {
    let whole = Whole::start().await;
    let policy = whole.policy().await;
    let file = format!("/policies/{}/file-claim", policy.as_str().unwrap());
    whole.ask(Method::POST, &file, 1, claim()).await;
    let user = whole.user.clone();
    let spans = whole.spans().await;

    let of = |trace: u8| {
        let trace = format!("{trace:032x}");
        let spans: Vec<&Seen> = spans.iter().filter(|span| span.trace == trace).collect();
        assert!(!spans.is_empty());
        spans
    };
    for span in of(91).iter().chain(&of(1)).filter(|span| span.kind == 2) {
        assert_eq!(span.attribute("user_agent.original"), AGENT, "{span:?}");
        assert_eq!(span.attribute("client.group"), "A", "{span:?}");
        // The gateway does not look into tokens.
        if span.service != "api-gateway" {
            assert_eq!(span.attribute("enduser.id"), user["id"], "{span:?}");
            assert_eq!(span.attribute("organization.id"), user["organizationId"], "{span:?}");
            assert_eq!(span.attribute("enduser.role"), user["role"], "{span:?}");
        }
    }
    let queries: Vec<(&str, &str)> = of(1)
        .iter()
        .filter(|span| span.attribute("db.system.name") == "sqlite")
        .map(|span| (span.service.as_str(), span.attribute("db.query.summary")))
        .collect();
    assert!(queries.contains(&("policy-service", "SELECT policies")), "{queries:?}");
    assert!(queries.contains(&("claims-service", "INSERT claims")), "{queries:?}");
}
