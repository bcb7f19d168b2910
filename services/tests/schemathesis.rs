//! Schemathesis against every service through the gateway: whatever it makes of the document, no answer is a fault of
//! the service or something that the document does not say.

#![expect(clippy::unwrap_used, reason = "a test may fail by panic")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::body::Body;
use dynaclaimz::{AllConfig, Running, api_document, start_all};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const CHECKS: &str = "not_a_server_error,status_code_conformance,response_schema_conformance,\
     content_type_conformance,negative_data_rejection";
/// Far more than the half minute that it takes: only a run that hangs gets there.
const LIMIT: Duration = Duration::from_mins(4);

/// Schemathesis in its environment under `target`, made by the first test that asks.
fn program() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/schemathesis_venv.sh");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("venv-schemathesis");
    let output = Command::new(script).arg(place).output().unwrap();
    assert!(
        output.status.success(),
        "no environment for schemathesis:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

/// `DynaClaimz`, someone who works in it, and something of each kind.
struct System {
    running: Running,
    runtime: Runtime,
    folder: TempDir,
    token: String,
    ids: Vec<(&'static str, String)>,
}

impl System {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let running = runtime.block_on(start_all(AllConfig::demo(folder.path()))).unwrap();
        let mut system = Self { running, runtime, folder, token: String::new(), ids: Vec::new() };
        system.fill();
        system
    }

    fn fill(&mut self) {
        let users = self.ask(Method::GET, "/users", &Value::Null);
        let user = &users["data"][0];
        let login = json!({"email": user["email"], "password": "password123"});
        let login = self.ask(Method::POST, "/auth/login", &login);
        login["data"]["token"].as_str().unwrap().clone_into(&mut self.token);
        let quote = json!({"type": "AUTO", "coverageAmount": 1000});
        let quote = self.ask(Method::POST, "/quotes", &quote);
        let policy = json!({"type": "HOME", "startDate": "2026-01-01", "endDate": "2199-01-01",
            "premium": 1, "coverageAmount": 1, "status": "ACTIVE"});
        let policy = self.ask(Method::POST, "/policies", &policy);
        let claim = json!({"policyId": policy["data"]["id"], "incidentDate": "2026-01-02",
            "description": "Hail", "claimAmount": 1});
        let claim = self.ask(Method::POST, "/claims", &claim);
        let id = |value: &Value| value.as_str().unwrap().to_owned();
        self.ids = vec![
            ("quotes", id(&quote["data"]["id"])),
            ("policies", id(&policy["data"]["id"])),
            ("claims", id(&claim["data"]["id"])),
            ("users", id(&user["id"])),
            ("organizations", id(&user["organizationId"])),
        ];
    }

    fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.running.gateway_url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.runtime.block_on(async {
            let client = Client::builder(TokioExecutor::new()).build_http();
            let answer = client.request(request).await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            serde_json::from_slice(&bytes).unwrap()
        })
    }

    /// Settings that give reads and changes the ids of things that exist; deletions get unknown ones, or there would soon
    /// be nothing to read.
    fn settings(&self) -> PathBuf {
        let mut settings = String::new();
        let document = serde_json::to_value(api_document()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            let kind = path.split('/').nth(3).unwrap();
            let known = self.ids.iter().find(|(name, _)| *name == kind);
            let Some((_, id)) = known.filter(|_| path.contains("{id}")) else { continue };
            for method in item.as_object().unwrap().keys().filter(|method| *method != "delete") {
                let name = format!("{} {path}", method.to_uppercase());
                writeln!(
                    settings,
                    "[[operations]]\ninclude-name = \"{name}\"\nparameters = {{ \"path.id\" = \"{id}\" }}\n"
                )
                .unwrap();
            }
        }
        let place = self.folder.path().join("schemathesis.toml");
        fs::write(&place, settings).unwrap();
        place
    }

    /// Whether the answers are as this document says, and what Schemathesis says.
    fn agrees_with(&self, document: &str, more: &[&str]) -> (bool, String) {
        let output = self.folder.path().join("output.txt");
        let mut child = Command::new(program())
            .arg("--config-file")
            .arg(self.settings())
            .args(["run", document, "--url", &self.running.gateway_url, "--checks", CHECKS])
            .args(["--header", &format!("Authorization: Bearer {}", self.token)])
            .args([
                "--phases",
                "examples,coverage,fuzzing",
                "--max-examples",
                "6",
                "--workers",
                "2",
            ])
            .args(["--seed", "20", "--generation-database", "none", "--no-shrink"])
            .args(["--continue-on-failure", "--warnings", "off", "--no-color"])
            .args(more)
            .current_dir(self.folder.path())
            .stdout(fs::File::create(&output).unwrap())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > LIMIT {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        (status.success(), fs::read_to_string(output).unwrap())
    }

    fn stop(self) {
        self.runtime.block_on(self.running.shutdown());
    }
}

#[test]
fn every_service_answers_as_its_document_says() {
    let system = System::start();
    let document = format!("{}/api-docs.json", system.running.gateway_url);
    let (agrees, output) = system.agrees_with(&document, &[]);
    assert!(agrees, "{output}");
    let api = serde_json::to_value(api_document()).unwrap();
    let items = api["paths"].as_object().unwrap().values();
    let operations: usize = items.map(|item| item.as_object().unwrap().len()).sum();
    assert!(output.contains(&format!("Tested: {operations}")), "{output}");
    system.stop();
}

/// The check checks: one word changed in the document, or one answer left out, and it fails.
#[test]
fn a_document_that_says_something_else_is_found_out() {
    let system = System::start();
    let api = serde_json::to_value(api_document()).unwrap();
    let mut amounts = api.clone();
    amounts["components"]["schemas"]["Amount"] = json!({"type": "number"});
    let mut statuses = api;
    let priced = &mut statuses["paths"]["/api/v1/quotes/calculate"]["post"]["responses"];
    priced.as_object_mut().unwrap().remove("400").unwrap();
    for (name, document, operation, complaint) in [
        ("amounts", amounts, "GET /api/v1/quotes/{id}", "Response violates schema"),
        ("statuses", statuses, "POST /api/v1/quotes/calculate", "Undocumented status code"),
    ] {
        let place = system.folder.path().join(format!("{name}.json"));
        fs::write(&place, document.to_string()).unwrap();
        let only = ["--include-name", operation];
        let (agrees, output) = system.agrees_with(place.to_str().unwrap(), &only);
        assert!(!agrees && output.contains(complaint), "{name}: {output}");
    }
    system.stop();
}
