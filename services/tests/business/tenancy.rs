//! Another organisation's entity is answered exactly as one that does not exist.

use axum::http::Method;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{Actor, Bed, Reply};

on_both_databases! {
    every_route_by_id_hides_other_organizations,
    lists_hide_other_organizations,
}

/// Every route of the document with an id of a quote, policy or claim in it.
fn routes_by_id() -> Vec<(Method, String)> {
    let document = serde_json::to_value(dynaclaimz::api_document()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/api/v1") else { panic!("{path}") };
        let tenant = ["/quotes", "/policies", "/claims"].iter().any(|kind| path.starts_with(kind));
        if tenant && path.contains("{id}") {
            let methods = item.as_object().unwrap().keys();
            routes.extend(
                methods.map(|method| (method.to_uppercase().parse().unwrap(), path.to_owned())),
            );
        }
    }
    routes
}

/// A body that the route accepts.
fn body(method: &Method, path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "status" if path.starts_with("/claims") => json!({"status": "UNDER_REVIEW"}),
        "status" => json!({"status": "EXPIRED"}),
        "approve" => json!({"approvedAmount": 1}),
        "deny" => json!({"reason": "x"}),
        "file-claim" => json!({"incidentDate": "2026-01-01", "description": "x", "claimAmount": 1}),
        _ if method == Method::PUT => json!({"status": "CANCELLED"}),
        _ => json!({}),
    }
}

async fn ask(actor: &Actor, method: &Method, path: &str, id: &str) -> Reply {
    let body = body(method, path).to_string();
    actor.send(method.clone(), &path.replace("{id}", id), body.into()).await
}

/// All that a client can see of an answer but its date and its own request's id.
fn face(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let own = ["date", "x-request-id", "traceparent", "server-timing"];
    let volatile = |name: &str| own.contains(&name) || name.starts_with("ratelimit");
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| !volatile(name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    (reply.status.as_u16(), headers, reply.body.to_string())
}

async fn every_route_by_id_hides_other_organizations(bed: &Bed) {
    let (owner, stranger) = (bed.agent().await, bed.agent().await);
    let routes = routes_by_id();
    assert!(routes.len() >= 15, "{routes:?}");
    let mut random = TestRunner::deterministic();
    for (method, path) in &routes {
        let foreign = match path.split('/').nth(1).unwrap() {
            "quotes" => owner.quote(1_000).await,
            "policies" => owner.policy("ACTIVE").await,
            _ => owner.claim().await,
        };
        let get = |path: &str| path.replace("{id}", &foreign);
        let entity = format!("/{}/{{id}}", path.split('/').nth(1).unwrap());
        let before = owner.get(&get(&entity)).await.expect(200);

        let hidden = face(&ask(&stranger, method, path, &foreign).await);
        assert_eq!(hidden.0, 404, "{method} {path}: {}", hidden.2);
        let unknown = any::<[u8; 16]>().prop_map(|bytes| uuid::Uuid::from_bytes(bytes).to_string());
        let malformed = "[a-z0-9-]{1,40}".prop_filter("a route", |text| text != "my");
        for ids in [unknown.boxed(), malformed.boxed()] {
            for _ in 0..4 {
                let id = ids.new_tree(&mut random).unwrap().current();
                let other = face(&ask(&stranger, method, path, &id).await);
                assert_eq!(hidden, other, "{method} {path} {id}");
            }
        }
        let after = owner.get(&get(&entity)).await.expect(200);
        assert_eq!(before, after, "{method} {path} by a stranger changed something");
    }
}

async fn lists_hide_other_organizations(bed: &Bed) {
    let (owner, stranger) = (bed.agent().await, bed.agent().await);
    owner.quote(1_000).await;
    owner.claim().await;
    for path in ["/quotes", "/policies", "/claims"] {
        assert_eq!(owner.get(path).await.expect(200)["pagination"]["total"], 1, "{path}");
        for query in [String::new(), format!("?userId={}", owner.user_id)] {
            let list = stranger.get(&format!("{path}{query}")).await.expect(200);
            assert_eq!(list["data"], json!([]), "{path}{query}");
            assert_eq!(list["pagination"]["total"], 0, "{path}{query}");
        }
    }
}
