//! One trace over several services: parents, attributes, groups.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use dynaclaimz::gateway::{self, GatewayConfig, Upstream};
use dynaclaimz::telemetry::{
    Context, Database, EndUser, Tracer, db, instrument, outgoing, signed_in, trace_id,
};
use http::{Request, StatusCode};
use serde_json::json;

use crate::collector::{Collector, Seen, client, flush, serve};

const AGENT: &str = "DynaClaimz-API-Client/2.1.0 (Group-B)";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn request(url: String) -> http::request::Builder {
    Request::get(url)
        .header("user-agent", AGENT)
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .header("tracestate", "vendor=1")
}

/// A stand-in for user-service: asks its database, and names the caller.
fn users(tracer: &Tracer) -> Router {
    let verify = async || {
        let found = db("SELECT", "users", async { Ok::<_, sqlx::Error>(7) }).await;
        let missing = async { Err::<(), _>(sqlx::Error::RowNotFound) };
        db("SELECT", "organizations", missing).await.unwrap_err();
        signed_in(EndUser { id: "u-1", organization_id: "o-1", role: "AGENT" });
        found.unwrap().to_string()
    };
    let database = Database {
        system: "postgresql",
        namespace: "user_db".to_owned(),
        server: Some(("db.test".to_owned(), 5432)),
    };
    let tracer = tracer.clone().with_database(database);
    instrument(Router::new().route("/api/auth/{what}", get(verify)), &tracer)
}

/// A stand-in for quotes-service: asks user-service, also from a task of its own.
fn quotes(tracer: &Tracer, users: std::net::SocketAddr) -> Router {
    let read = async move || {
        let ask = move |what: &'static str| async move {
            let request = Request::get(format!("http://{users}/api/auth/{what}?t=1"));
            let request = request.body(Body::empty()).unwrap();
            outgoing(request, |request| client().request(request)).await.unwrap().status()
        };
        assert_eq!(trace_id().as_deref(), Some(TRACE));
        let own = tokio::spawn(Context::current().scope(ask("spawned")));
        assert_eq!(own.await.unwrap(), StatusCode::OK);
        signed_in(EndUser { id: "u-1", organization_id: "o-1", role: "AGENT" });
        ask("verify").await.to_string()
    };
    let fails = async || StatusCode::INTERNAL_SERVER_ERROR;
    let router =
        Router::new().route("/api/quotes/{id}", get(read)).route("/api/quotes", get(fails));
    instrument(router, tracer)
}

fn one<'a>(spans: &'a [Seen], service: &str, name: &str) -> &'a Seen {
    let mut found = spans.iter().filter(|span| span.service == service && span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no {service} {name} in {spans:#?}"));
    assert!(found.next().is_none(), "{service} {name} twice");
    span
}

#[tokio::test]
async fn one_request_is_one_trace_over_gateway_and_services() {
    let (collector, config) = Collector::start().await;
    let tracer = |service| Tracer::start_service(service, Some(&config));
    let [front, quotes_tracer, users_tracer] =
        [tracer("api-gateway"), tracer("quotes-service"), tracer("user-service")];
    let users = serve(users(&users_tracer)).await;
    let service = serve(quotes(&quotes_tracer, users)).await;
    let mut config = GatewayConfig::from_env(|_| None).unwrap();
    config.upstreams.quotes =
        Upstream::new("quotes-service", &format!("http://{service}")).unwrap();
    let front_address = serve(instrument(gateway::router(&config, &json!({})), &front)).await;

    let request = request(format!("http://{front_address}/api/v1/quotes/42?x=1"));
    let answer = client().request(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    drop(answer);
    flush(&[&front, &quotes_tracer, &users_tracer]).await;

    let spans = collector.seen();
    assert_eq!(spans.len(), 11, "{spans:#?}");
    assert!(spans.iter().all(|span| span.trace == TRACE && span.end >= span.start));
    let root = one(&spans, "api-gateway", "GET /api/v1/quotes/{*rest}");
    assert_eq!(
        (root.parent.as_str(), root.kind, root.state.as_str()),
        ("b7ad6b7169203331", 2, "vendor=1")
    );
    let call = one(&spans, "api-gateway", "GET");
    assert_eq!((&call.parent, call.kind), (&root.id, 3));
    let quote = one(&spans, "quotes-service", "GET /api/quotes/{id}");
    assert_eq!((&quote.parent, quote.kind), (&call.id, 2));
    let calls: Vec<&Seen> =
        spans.iter().filter(|span| span.service == "quotes-service" && span.kind == 3).collect();
    assert_eq!(calls.len(), 2);
    let verified: Vec<&Seen> =
        spans.iter().filter(|span| span.name == "GET /api/auth/{what}").collect();
    for (call, verified) in calls.iter().zip(&verified) {
        assert_eq!((&call.parent, &verified.parent), (&quote.id, &call.id));
        let queries: Vec<&Seen> = spans.iter().filter(|span| span.parent == verified.id).collect();
        assert_eq!(queries.len(), 2);
        assert_eq!(queries[0].name, "SELECT users");
    }
    // The client's group is known on every hop, though only the gateway was told by the client itself.
    for span in spans.iter().filter(|span| span.kind == 2) {
        assert_eq!(span.attribute("user_agent.original"), AGENT);
        assert_eq!(span.attribute("client.group"), "B");
    }
}

#[tokio::test]
async fn spans_carry_the_attributes_of_the_semantic_conventions() {
    let (collector, config) = Collector::start().await;
    let tracer = |service| Tracer::start_service(service, Some(&config));
    let [quotes_tracer, users_tracer] = [tracer("quotes-service"), tracer("user-service")];
    let users = serve(users(&users_tracer)).await;
    let service = serve(quotes(&quotes_tracer, users)).await;
    for path in ["/api/quotes/42?x=1", "/api/quotes", "/health"] {
        let request = request(format!("http://{service}{path}"))
            .header("x-forwarded-for", "9.9.9.9, 8.8.8.8");
        client().request(request.body(Body::empty()).unwrap()).await.unwrap();
    }
    flush(&[&quotes_tracer, &users_tracer]).await;
    let spans = collector.seen();
    assert!(!spans.iter().any(|span| span.attribute("url.path") == "/health"));
    let port = service.port().to_string();
    let mut server = one(&spans, "quotes-service", "GET /api/quotes/{id}").attributes.clone();
    assert!(server.remove("network.peer.port").is_some());
    let wanted = [
        ("client.address", "9.9.9.9"),
        ("client.group", "B"),
        ("enduser.id", "u-1"),
        ("enduser.role", "AGENT"),
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/api/quotes/{id}"),
        ("network.peer.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("organization.id", "o-1"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("url.path", "/api/quotes/42"),
        ("url.query", "x=1"),
        ("url.scheme", "http"),
        ("user_agent.original", AGENT),
    ];
    assert_eq!(server, wanted.map(|(key, value)| (key.to_owned(), value.to_owned())).into());

    let failed = one(&spans, "quotes-service", "GET /api/quotes");
    assert!(failed.failed);
    assert_eq!(failed.attribute("error.type"), "500");

    let call =
        spans.iter().find(|span| span.service == "quotes-service" && span.kind == 3).unwrap();
    let port = users.port().to_string();
    let full = format!("http://{users}/api/auth/spawned?t=1");
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("url.full", &full),
    ] {
        assert_eq!(call.attribute(key), value, "{key}");
    }

    let queries: Vec<&Seen> =
        spans.iter().filter(|span| !span.attribute("db.system.name").is_empty()).collect();
    let wanted = [
        ("db.collection.name", "users"),
        ("db.namespace", "user_db"),
        ("db.operation.name", "SELECT"),
        ("db.query.summary", "SELECT users"),
        ("db.system.name", "postgresql"),
        ("server.address", "db.test"),
        ("server.port", "5432"),
    ];
    assert_eq!(
        queries[0].attributes,
        wanted.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    );
    assert!(queries[1].failed);
    assert_eq!(queries[1].attribute("error.type"), "row_not_found");
}

#[tokio::test]
async fn without_a_caller_a_trace_begins_here_and_an_unsampled_one_is_left_alone() {
    let (collector, config) = Collector::start().await;
    let tracer = Tracer::start_service("user-service", Some(&config));
    let users = serve(users(&tracer)).await;
    let url = format!("http://{users}/api/auth/verify");
    for traceparent in
        [None, Some("nonsense"), Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")]
    {
        let mut request = Request::get(&url);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        client().request(request.body(Body::empty()).unwrap()).await.unwrap();
    }
    flush(&[&tracer]).await;
    let spans = collector.seen();
    let roots: Vec<&Seen> = spans.iter().filter(|span| span.parent.is_empty()).collect();
    assert_eq!((roots.len(), spans.len()), (2, 6));
    assert_ne!(roots[0].trace, roots[1].trace);
    assert!(spans.iter().all(|span| span.trace != TRACE));
}

#[tokio::test]
async fn a_call_that_fails_or_is_given_up_is_marked() {
    let (collector, config) = Collector::start().await;
    let tracer = Tracer::start_service("quotes-service", Some(&config));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let call = async move || {
        let request = || Request::get(format!("http://{nobody}/")).body(Body::empty()).unwrap();
        outgoing(request(), |request| client().request(request)).await.unwrap_err();
        let never = outgoing(request(), |_| {
            std::future::pending::<Result<http::Response<()>, sqlx::Error>>()
        });
        tokio::time::timeout(std::time::Duration::from_millis(10), never).await.unwrap_err();
    };
    let service = serve(instrument(Router::new().route("/", get(call)), &tracer)).await;
    client()
        .request(request(format!("http://{service}/")).body(Body::empty()).unwrap())
        .await
        .unwrap();
    flush(&[&tracer]).await;
    let kinds: Vec<String> = collector
        .seen()
        .iter()
        .filter(|span| span.failed)
        .map(|span| span.attribute("error.type").to_owned())
        .collect();
    assert_eq!(kinds, ["connect", "cancelled"]);
}
