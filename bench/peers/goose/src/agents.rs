//! The journeys of load-tests as a user of Goose would write them, without waits: the third side of the part `journeys`.
//!
//! It sends what load-tests sends, under the same names and by the same weights: sign-in, rotation over users after 5 to 15
//! tasks, four journeys of quote agents and three of claims agents.

use std::sync::OnceLock;

use chrono::{Duration, SecondsFormat, Utc};
use goose::prelude::*;
use rand::Rng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

const PASSWORD: &str = "password123";
const CLIENT: &str = "DynaClaimz-API-Client/2.1.0 (Group-A)";

const COVERAGE: [(&str, &[u32]); 5] = [
    ("AUTO", &[25_000, 50_000, 100_000, 250_000, 500_000]),
    ("HOME", &[200_000, 300_000, 400_000, 500_000, 750_000, 1_000_000]),
    ("LIFE", &[100_000, 250_000, 500_000, 1_000_000, 2_000_000, 3_000_000]),
    ("HEALTH", &[1_000, 2_500, 5_000, 7_500, 10_000, 15_000]),
    ("BUSINESS", &[500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000]),
];

/// The addresses of all users.
static ACCOUNTS: OnceLock<Vec<String>> = OnceLock::new();

/// Who a user of Goose is at the moment.
#[derive(Clone, Default)]
struct Agent {
    token: Option<String>,
    account: Option<String>,
    tasks_done: u32,
    threshold: u32,
}

type Answer = Result<Value, Box<TransactionError>>;

async fn load_accounts(user: &mut GooseUser) -> TransactionResult {
    let (mut page, mut pages, mut accounts) = (1, 1, Vec::new());
    while page <= pages {
        let reply = user.get(&format!("/api/v1/users?page={page}")).await?.response?;
        let body: Value = reply.json().await?;
        let people = body["data"].as_array().into_iter().flatten();
        accounts.extend(people.filter_map(|one| one["email"].as_str().map(str::to_owned)));
        pages = body["pagination"]["pages"].as_u64().unwrap_or(1);
        page += 1;
    }
    assert!(!accounts.is_empty(), "there are no users, so nobody can sign in");
    let _ = ACCOUNTS.set(accounts);
    Ok(())
}

fn one_of<T: Copy>(choices: &[T]) -> T {
    *choices.choose(&mut rand::rng()).expect("there is a choice")
}

fn moment(offset: Duration) -> String {
    (Utc::now() + offset).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The parameters that have a value.
fn some(parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", (*value)?)));
    given.collect::<Vec<_>>().join("&")
}

/// One of a list; `None` ends the task.
fn choose(items: &Value) -> Option<Value> {
    items.as_array()?.choose(&mut rand::rng()).cloned()
}

fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap_or_default()
}

fn agent(user: &mut GooseUser) -> &mut Agent {
    user.get_session_data_unchecked_mut::<Agent>()
}

async fn start(user: &mut GooseUser) -> TransactionResult {
    user.set_session_data(Agent::default());
    sign_in(user).await
}

async fn sign_in(user: &mut GooseUser) -> TransactionResult {
    let accounts = ACCOUNTS.get().expect("loaded before the first user");
    let choices = [0; 2].map(|_| accounts[rand::rng().random_range(0..accounts.len())].clone());
    let agent_now = agent(user);
    let other = choices.iter().find(|one| Some(*one) != agent_now.account.as_ref());
    let email = other.unwrap_or(&choices[0]).clone();
    *agent_now = Agent {
        token: None,
        account: Some(email.clone()),
        tasks_done: 0,
        threshold: rand::rng().random_range(5..=15),
    };
    let body = json!({"email": email, "password": PASSWORD});
    let reply = ask(user, GooseMethod::Post, "/api/v1/auth/login", "Login", &[200], Some(body)).await?;
    agent(user).token = reply["token"].as_str().map(str::to_owned);
    Ok(())
}

async fn be_ready(user: &mut GooseUser) -> TransactionResult {
    let now = agent(user);
    if now.token.is_none() || now.tasks_done >= now.threshold {
        sign_in(user).await?;
    }
    agent(user).tasks_done += 1;
    Ok(())
}

/// The reply's data; null when another agent was faster (400).
async fn ask(
    user: &mut GooseUser,
    method: GooseMethod,
    path: &str,
    name: &str,
    expected: &[u16],
    body: Option<Value>,
) -> Answer {
    let mut builder = user.get_request_builder(&method, path)?.header("User-Agent", CLIENT);
    if let Some(token) = &agent(user).token {
        builder = builder.bearer_auth(token);
    }
    if let Some(body) = &body {
        builder = builder.json(body);
    }
    let request =
        GooseRequest::builder().method(method).path(path).name(name).set_request_builder(builder).build();
    let mut made = user.request(request).await?;
    let response = made.response?;
    let status = response.status().as_u16();
    if !expected.contains(&status) {
        return Err(Box::new(TransactionError::RequestFailed { raw_request: Box::new(made.request) }));
    }
    let mut reply: Value = response.json().await?;
    if status == 400 {
        user.set_success(&mut made.request)?;
        return Ok(Value::Null);
    }
    Ok(reply["data"].take())
}

async fn get(user: &mut GooseUser, path: &str, name: &str) -> Answer {
    ask(user, GooseMethod::Get, path, name, &[200], None).await
}

async fn create_quote(user: &mut GooseUser) -> TransactionResult {
    be_ready(user).await?;
    let (kind, amounts) = one_of(&COVERAGE);
    let mut body = json!({"type": kind, "coverageAmount": one_of(amounts)});
    let (path, name) = ("/api/v1/quotes/calculate", "1. Calculate Premium");
    ask(user, GooseMethod::Post, path, name, &[200], Some(body.clone())).await?;
    body["expiresAt"] = moment(Duration::days(30)).into();
    let quote =
        ask(user, GooseMethod::Post, "/api/v1/quotes", "2. Create Quote", &[201], Some(body)).await?;
    get(user, &format!("/api/v1/quotes/{}", id(&quote)), "3. View Quote Details").await?;
    Ok(())
}

async fn convert_quote(user: &mut GooseUser) -> TransactionResult {
    be_ready(user).await?;
    let found = get(user, "/api/v1/quotes?status=ACTIVE&limit=50", "1. Find Active Quote").await?;
    let Some(quote) = choose(&found) else { return Ok(()) };
    let path = format!("/api/v1/quotes/{}/convert", id(&quote));
    let expected = [200, 201, 400];
    let made = ask(user, GooseMethod::Post, &path, "2. Convert to Policy", &expected, None).await?;
    if made.is_null() {
        return Ok(());
    }
    let path = format!("/api/v1/policies/{}", id(&made["policy"]));
    get(user, &path, "3. View New Policy").await?;
    Ok(())
}

async fn review_quotes(user: &mut GooseUser) -> TransactionResult {
    be_ready(user).await?;
    let kinds = [Some("AUTO"), Some("HOME"), Some("LIFE"), Some("HEALTH"), Some("BUSINESS"), None];
    let query = some(&[
        ("status", one_of(&[Some("ACTIVE"), Some("CONVERTED"), Some("EXPIRED"), None])),
        ("type", one_of(&kinds)),
        ("page", Some(one_of(&["1", "2"]))),
        ("limit", Some("20")),
    ]);
    let found = get(user, &format!("/api/v1/quotes?{query}"), "1. Browse Quotes").await?;
    let Some(quote) = choose(&found) else { return Ok(()) };
    let path = format!("/api/v1/quotes/{}", id(&quote));
    get(user, &path, "2. View Quote Details").await?;
    get(user, &format!("{path}/history"), "3. View Quote History").await?;
    Ok(())
}

async fn update_policy_status(user: &mut GooseUser) -> TransactionResult {
    be_ready(user).await?;
    let query = some(&[
        ("page", Some(one_of(&["1", "2"]))),
        ("limit", Some("50")),
        ("status", one_of(&[Some("ACTIVE"), Some("EXPIRED"), None])),
    ]);
    let found = get(user, &format!("/api/v1/policies?{query}"), "1. Find Policy to Update").await?;
    let Some(policy) = choose(&found) else { return Ok(()) };
    let path = format!("/api/v1/policies/{}", id(&policy));
    get(user, &path, "2. View Policy Details").await?;
    let status = one_of(&["ACTIVE", "CANCELLED"]);
    let body = json!({"status": status, "statusChangeReason": "Reviewed with the customer"});
    ask(user, GooseMethod::Put, &path, "3. Update Policy Status", &[200, 400], Some(body)).await?;
    Ok(())
}

async fn file_claim(user: &mut GooseUser) -> TransactionResult {
    be_ready(user).await?;
    let found = get(user, "/api/v1/policies?status=ACTIVE&limit=20", "1. Find Active Policy").await?;
    let Some(policy) = choose(&found) else { return Ok(()) };
    let body = json!({
        "policyId": id(&policy),
        "incidentDate": moment(-Duration::days(rand::rng().random_range(1..=30))),
        "description": "Rear-end collision at a traffic light, bumper and tailgate damaged",
        "claimAmount": f64::from(rand::rng().random_range(100_000..=5_000_000)) / 100.0,
    });
    let expected = [201, 400];
    let claim =
        ask(user, GooseMethod::Post, "/api/v1/claims", "2. File Claim", &expected, Some(body)).await?;
    if claim.is_null() {
        return Ok(());
    }
    get(user, &format!("/api/v1/claims/{}", id(&claim)), "3. View Claim Details").await?;
    Ok(())
}

async fn process_claim(user: &mut GooseUser) -> TransactionResult {
    be_ready(user).await?;
    let status = one_of(&["SUBMITTED", "UNDER_REVIEW"]);
    let path = format!("/api/v1/claims?status={status}&limit=50");
    let found = get(user, &path, "1. Find Claim to Process").await?;
    let Some(claim) = choose(&found) else { return Ok(()) };
    let path = format!("/api/v1/claims/{}/status", id(&claim));
    if claim["status"] == "SUBMITTED" {
        let body = json!({"status": "UNDER_REVIEW"});
        let name = "2. Mark Under Review";
        let marked = ask(user, GooseMethod::Put, &path, name, &[200, 400], Some(body)).await?;
        if marked.is_null() {
            return Ok(());
        }
    }
    let (name, body) = decision(&claim);
    let decided = ask(user, GooseMethod::Put, &path, name, &[200, 400], Some(body)).await?;
    if decided.is_null() {
        return Ok(());
    }
    let path = format!("/api/v1/claims/{}/history", id(&claim));
    get(user, &path, "4. View Claim History").await?;
    Ok(())
}

fn decision(claim: &Value) -> (&'static str, Value) {
    let claimed: f64 = claim["claimAmount"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let denied = match claimed {
        c if c < 5_000.0 => 0.10,
        c if c < 20_000.0 => 0.15,
        c if c < 50_000.0 => 0.25,
        _ => 0.35,
    };
    if rand::rng().random_bool(denied) {
        let body = json!({"status": "DENIED", "denialReason": "Incident is excluded by the policy"});
        return ("3. Denied Claim", body);
    }
    let share = rand::rng().random_range(0.8..1.0);
    let amount = (claimed * share * 100.0).round() / 100.0;
    ("3. Approved Claim", json!({"status": "APPROVED", "approvedAmount": amount}))
}

async fn review_claims(user: &mut GooseUser) -> TransactionResult {
    be_ready(user).await?;
    let status = one_of(&["SUBMITTED", "UNDER_REVIEW", "APPROVED", "DENIED"]);
    let path = format!("/api/v1/claims?status={status}&page=1&limit=20");
    let found = get(user, &path, "1. Browse Claims").await?;
    let Some(claim) = choose(&found) else { return Ok(()) };
    let path = format!("/api/v1/claims/{}", id(&claim));
    get(user, &path, "2. View Claim Details").await?;
    get(user, &format!("{path}/history"), "3. View Claim History").await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    let quotes = scenario!("QuoteAgent")
        .register_transaction(transaction!(start).set_on_start())
        .register_transaction(transaction!(create_quote).set_weight(5)?)
        .register_transaction(transaction!(convert_quote).set_weight(3)?)
        .register_transaction(transaction!(review_quotes).set_weight(3)?)
        .register_transaction(transaction!(update_policy_status).set_weight(2)?);
    let claims = scenario!("ClaimsAgent")
        .register_transaction(transaction!(start).set_on_start())
        .register_transaction(transaction!(file_claim).set_weight(5)?)
        .register_transaction(transaction!(process_claim).set_weight(3)?)
        .register_transaction(transaction!(review_claims).set_weight(2)?);
    GooseAttack::initialize()?
        .test_start(transaction!(load_accounts))
        .register_scenario(quotes)
        .register_scenario(claims)
        .set_scheduler(GooseScheduler::Random)
        .execute()
        .await?;
    Ok(())
}
