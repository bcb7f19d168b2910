//! The gateway's own pages.

use serde_json::json;

use crate::client::{ask, get};
use crate::stub::{Server, config, document, echo, gateway, in_front_of};

#[tokio::test]
async fn the_index_is_the_contracts() {
    let gateway = in_front_of(&Server::start(echo()).await).await;
    let mut index = get(gateway.address, "/").await.json();
    assert!(index["version"].take().is_string());
    assert_eq!(
        index,
        json!({
            "message": "DynaClaimz SaaS API Gateway",
            "version": null,
            "architecture": "microservices",
            "documentation": "/api-docs",
            "endpoints": {
                "health": "/health",
                "docs": "/api-docs",
                "docsJson": "/api-docs.json",
                "auth": "/api/v1/auth",
                "users": "/api/v1/users",
                "organizations": "/api/v1/organizations",
                "policies": "/api/v1/policies",
                "claims": "/api/v1/claims",
                "quotes": "/api/v1/quotes",
            },
        })
    );
}

#[tokio::test]
async fn health_is_the_gateways_own_and_ready_asks_the_services() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    let health = get(gateway.address, "/health").await;
    assert_eq!(health.json(), json!({ "status": "ok", "service": "api-gateway" }));
    let ready = get(gateway.address, "/ready").await;
    assert_eq!((ready.status, &ready.json()["status"]), (200, &json!("ok")));
    service.stop().await;
    let ready = get(gateway.address, "/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["services"]["claims-service"], "unavailable");
    assert_eq!(get(gateway.address, "/health").await.status, 200);
}

#[tokio::test]
async fn unknown_routes_are_not_found() {
    let gateway = in_front_of(&Server::start(echo()).await).await;
    for request in [
        "GET /nope",
        "GET /api/v1",
        "GET /api/v1/nope",
        "GET /api/v1/quotesx",
        "GET /api/quotes",
        "POST /health",
        "DELETE /",
        "GET /admin/faults",
        "GET //api/v1/quotes",
    ] {
        let answer = ask(gateway.address, format!("{request} HTTP/1.1\r\nhost: h\r\n\r\n")).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (404, "Route not found"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let service = Server::start(echo()).await;
    let gateway = in_front_of(&service).await;
    for path in ["/", "/health", "/nope", "/api-docs", "/api/v1/quotes"] {
        let answer = get(gateway.address, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "SAMEORIGIN", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("strict-transport-security").starts_with("max-age="), "{path}");
        assert!(answer.header("content-security-policy").contains("script-src 'self'"), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_and_as_a_page_that_needs_nothing_else() {
    let service = Server::start(echo()).await;
    let (gateway, _) = gateway(&config(&service)).await;
    let json = get(gateway.address, "/api-docs.json").await;
    assert_eq!(json.header("content-type"), "application/json");
    assert_eq!(json.json(), document());
    let page = get(gateway.address, "/api-docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let page = String::from_utf8(page.body).unwrap();
    for part in [
        "Shop &lt;API&gt;",
        "<p>Second &amp; last.</p>",
        "<code>/api/v1/quotes/{id}</code>",
        "One quote",
        "sign-in",
        "<a class=\"type\" href=\"#schema-Quote\">Quote</a>",
        "id=\"schema-Quote\"",
        "<code>AUTO</code> <code>HOME</code>",
        "&lt;b&gt;bold&lt;/b&gt;",
        "list of </span><span class=\"type\">string or null",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    for outside in ["<script", "src=", "http://", "https://", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}
