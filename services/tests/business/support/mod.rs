//! What the tests stand on: DynaClaimz started in this process on a fresh SQLite folder or on a
//! PostgreSQL cluster of its own, and a client that reads like a request.

pub(crate) mod postgres;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use dynaclaimz::{AllConfig, Running, start_all};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::postgres::Cluster;

/// Runs the scenarios of a file on both databases: each as a test of its own on SQLite, and all of them
/// one after the other on one PostgreSQL cluster.
macro_rules! on_both_databases {
    ($($scenario:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    let bed = $crate::support::Bed::sqlite().await;
                    super::$scenario(&bed).await;
                    bed.stop().await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let Some(bed) = $crate::support::Bed::postgres().await else { return };
            $(
                eprintln!("scenario: {}", stringify!($scenario));
                $scenario(&bed).await;
            )+
            bed.stop().await;
        }
    };
}

/// DynaClaimz at work.
pub(crate) struct Bed {
    pub(crate) running: Running,
    _folder: TempDir,
    _cluster: Option<Cluster>,
}

impl Bed {
    pub(crate) async fn sqlite() -> Bed {
        let folder = tempfile::tempdir().unwrap();
        let config = AllConfig::demo(folder.path());
        Bed::start(config, folder, None).await
    }

    /// `None` when the person who runs the tests said so.
    pub(crate) async fn postgres() -> Option<Bed> {
        let cluster = Cluster::start()?;
        let folder = tempfile::tempdir().unwrap();
        let config = AllConfig::demo(folder.path()).on_postgres(&cluster.url).unwrap();
        Some(Bed::start(config, folder, Some(cluster)).await)
    }

    async fn start(config: AllConfig, folder: TempDir, cluster: Option<Cluster>) -> Bed {
        let running = start_all(config).await.unwrap();
        Bed { running, _folder: folder, _cluster: cluster }
    }

    pub(crate) async fn stop(self) {
        self.running.shutdown().await;
    }

    /// Someone without a token.
    pub(crate) fn nobody(&self) -> Actor {
        Actor::at(format!("{}/api/v1", self.running.gateway_url))
    }

    /// A new user of a new organisation, so that scenarios do not see each other's data.
    pub(crate) async fn agent(&self) -> Actor {
        self.nobody().new_agent().await
    }
}

/// Whoever makes requests.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) client: Client<HttpConnector, Body>,
    pub(crate) base: String,
    pub(crate) token: Option<String>,
    pub(crate) user_id: String,
    pub(crate) organization_id: String,
}

impl Actor {
    /// Someone without a token who asks here.
    pub(crate) fn at(base: String) -> Actor {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (user_id, organization_id) = (String::new(), String::new());
        Actor { client, base, token: None, user_id, organization_id }
    }

    /// Registers a user of a new organisation.
    pub(crate) async fn new_agent(&self) -> Actor {
        let slug = format!("org-{:x}", rand::random::<u64>());
        let new = json!({"name": "Org", "slug": slug});
        let organization = self.post("/auth/organizations", new).await.expect(201);
        let id = organization["data"]["id"].as_str().unwrap().to_owned();
        self.colleague(&id).await
    }

    /// Registers a further user of an organisation.
    pub(crate) async fn colleague(&self, organization_id: &str) -> Actor {
        let user = json!({
            "email": format!("u{:x}@example.com", rand::random::<u64>()),
            "password": "password123",
            "firstName": "Ada",
            "lastName": "Smith",
            "organizationId": organization_id,
            "role": "AGENT",
        });
        let signed_in = self.post("/auth/register", user).await.expect(201);
        let data = &signed_in["data"];
        Actor {
            token: Some(data["token"].as_str().unwrap().to_owned()),
            user_id: data["user"]["id"].as_str().unwrap().to_owned(),
            organization_id: organization_id.to_owned(),
            ..self.clone()
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, Body::empty()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Body::from(body.to_string())).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Body::from(body.to_string())).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Body::from(body.to_string())).await
    }

    /// A request without a body.
    pub(crate) async fn order(&self, path: &str) -> Reply {
        self.send(Method::POST, path, Body::empty()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Body) -> Reply {
        self.try_send(method, path, body).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<Reply, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.exchange(request.body(body).unwrap()).await
    }

    pub(crate) async fn exchange(&self, request: Request<Body>) -> Result<Reply, String> {
        let what = format!("{} {}", request.method(), request.uri());
        let response =
            self.client.request(request).await.map_err(|error| format!("{what}: {error:?}"))?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(Reply { what, status: head.status, headers: head.headers, body })
    }

    /// An active quote for this cover; its id.
    pub(crate) async fn quote(&self, coverage_amount: u64) -> String {
        let new = json!({"type": "AUTO", "coverageAmount": coverage_amount});
        self.post("/quotes", new).await.expect(201).id()
    }

    /// A policy of this status; its id.
    pub(crate) async fn policy(&self, status: &str) -> String {
        let new = json!({
            "type": "HOME", "startDate": "2026-01-01", "endDate": "2027-01-01",
            "premium": 1200, "coverageAmount": "300000", "status": status,
        });
        self.post("/policies", new).await.expect(201).id()
    }

    /// A submitted claim on a new active policy; its id.
    pub(crate) async fn claim(&self) -> String {
        let policy_id = self.policy("ACTIVE").await;
        self.post("/claims", claim_on(&policy_id)).await.expect(201).id()
    }
}

pub(crate) fn claim_on(policy_id: &str) -> Value {
    json!({
        "policyId": policy_id, "incidentDate": "2026-02-03",
        "description": "Hail on the roof", "claimAmount": 4000,
    })
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) what: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The body, if the status and the envelope are as they should be.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Entity {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.what, self.body);
        assert_eq!(self.body["success"], json!(status < 400), "{}: {}", self.what, self.body);
        Entity(self.body)
    }

    /// A refusal with exactly this message and nothing else.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, message: &str) {
        let expected = json!({"success": false, "message": message});
        assert_eq!((self.status.as_u16(), &self.body), (status, &expected), "{}", self.what);
    }

    /// Some refusal that is the client's fault, in the contract's shape.
    #[track_caller]
    pub(crate) fn expect_client_error(self) {
        assert!(self.status.is_client_error(), "{}: {}", self.what, self.body);
        assert_eq!(self.body["success"], false, "{}: {}", self.what, self.body);
    }

    /// A validation failure of exactly these fields, in this order.
    #[track_caller]
    pub(crate) fn invalid(self, location: &str, paths: &[&str]) {
        assert_eq!(self.status.as_u16(), 400, "{}: {}", self.what, self.body);
        assert_eq!(self.body["message"], "Validation failed", "{}: {}", self.what, self.body);
        let errors = self.body["errors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().map(|error| error["path"].as_str().unwrap()).collect();
        assert_eq!(found, paths, "{}: {}", self.what, self.body);
        for error in errors {
            assert_eq!(error["type"], "field");
            assert_eq!(error["location"], location);
            assert!(error["msg"].is_string());
        }
    }
}

/// The body of a success.
#[derive(Debug, PartialEq)]
pub(crate) struct Entity(pub(crate) Value);

impl Entity {
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.0["data"]["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn list(&self) -> &Vec<Value> {
        self.0["data"].as_array().unwrap()
    }

    /// One field of every entry.
    #[track_caller]
    pub(crate) fn column(&self, field: &str) -> Vec<Value> {
        self.list().iter().map(|entry| entry[field].clone()).collect()
    }

    /// The names of the fields of the data.
    #[track_caller]
    pub(crate) fn keys(&self) -> Vec<String> {
        keys(&self.0["data"])
    }
}

impl std::ops::Index<&str> for Entity {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        &self.0[key]
    }
}

/// The sorted field names of an object.
#[track_caller]
pub(crate) fn keys(object: &Value) -> Vec<String> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

/// Whether it is ISO 8601 in UTC with milliseconds and Z.
pub(crate) fn is_time(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 24
        && text.as_bytes()[10] == b'T'
        && text.as_bytes()[19] == b'.'
        && text.ends_with('Z')
        && text.parse::<jiff::Timestamp>().is_ok()
}
