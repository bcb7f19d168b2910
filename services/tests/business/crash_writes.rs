//! user- and claims-service killed with SIGKILL while they write: what was acknowledged is there when they are
//! back, and of what was not, all or nothing.

use std::time::Duration;

use axum::http::Method;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use crate::crash::{Services, in_folder, on_cluster};
use crate::support::postgres::Cluster;
use crate::support::{Actor, Reply, claim_on};

/// Writes in flight when the blow falls.
const WRITES: usize = 12;

/// Makes all writes at once and kills the service when some of them are answered: how many is drawn, and so is the
/// moment after, so that a slow machine is hit in the middle too. Then it is back. Gives each write's answer, if it got
/// one.
async fn under_a_blow(
    services: &mut Services,
    victim: &'static str,
    rng: &mut Pcg64Mcg,
    actor: &Actor,
    writes: Vec<(Method, String, Value)>,
) -> Vec<Option<Reply>> {
    let mut answers: Vec<Option<Reply>> = writes.iter().map(|_| None).collect();
    let mut blow_after = rng.random_range(0..writes.len());
    let delay = Duration::from_micros(rng.random_range(0..1_500));
    let asked = writes.into_iter().enumerate().map(|(index, (method, path, body))| async move {
        (index, actor.try_send(method, &path, body.to_string().into()).await.ok())
    });
    let mut asked: FuturesUnordered<_> = asked.collect();
    loop {
        if blow_after == 0 {
            // The others go on meanwhile.
            let _ = tokio::time::timeout(delay, async {
                while let Some((index, answer)) = asked.next().await {
                    answers[index] = answer;
                }
            })
            .await;
            services.kill(victim);
        }
        let Some((index, answer)) = asked.next().await else { break };
        answers[index] = answer;
        blow_after = blow_after.wrapping_sub(1);
    }
    services.launch(victim).await;
    answers
}

fn accepted(answer: Option<&Reply>) -> bool {
    answer.is_some_and(|reply| reply.status.is_success())
}

/// Registrations and changes of a profile.
async fn users(rounds: usize, seed: u64, mut services: Services) {
    let agent = services.agent().await;
    let users = services.actor("user", &agent);
    let profile = format!("/users/{}", agent.user_id);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut kept = 0;
    let mut phones = vec![Value::Null];
    for round in 0..rounds {
        let email = |index: usize| format!("u{round}.{index}@example.com");
        let mut writes: Vec<_> = (0..WRITES)
            .map(|index| {
                let user = json!({
                    "email": email(index), "password": "password123", "firstName": "A",
                    "lastName": "B", "organizationId": agent.organization_id,
                });
                (Method::POST, "/auth/register".to_owned(), user)
            })
            .collect();
        let phone = json!(format!("{round}"));
        writes.push((Method::PUT, profile.clone(), json!({ "phone": phone })));
        let answers = under_a_blow(&mut services, "user", &mut rng, &users, writes).await;

        for (index, answer) in answers[..WRITES].iter().enumerate() {
            let login = json!({ "email": email(index), "password": "password123" });
            let reply = users.post("/auth/login", login).await;
            if accepted(answer.as_ref()) {
                assert_eq!(reply.status, 200, "round {round}: an acknowledged user was lost");
                kept += 1;
            } else {
                // Wholly there or not at all: never an error.
                assert!([200, 401].contains(&reply.status.as_u16()), "{}", reply.body);
            }
        }
        let now = users.get(&profile).await.expect(200)["data"]["phone"].clone();
        if accepted(answers[WRITES].as_ref()) {
            assert_eq!(now, phone, "round {round}: an acknowledged change was lost");
        }
        phones.push(phone);
        assert!(phones.contains(&now), "{now}");
    }
    assert!(kept > 0, "every blow fell before the first registration");
}

/// New claims and transitions of old ones.
async fn claims(rounds: usize, seed: u64, mut services: Services) {
    let agent = services.agent().await;
    let policy = services.actor("policy", &agent).policy("ACTIVE").await;
    let claims = services.actor("claims", &agent);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut waiting: Vec<String> = Vec::new();
    let (mut kept, mut moved) = (0, 0);
    for round in 0..rounds {
        let count = waiting.len();
        let mut writes: Vec<_> = waiting
            .drain(..)
            .map(|id| {
                (Method::PUT, format!("/claims/{id}/status"), json!({"status": "UNDER_REVIEW"}))
            })
            .collect();
        let ids: Vec<_> = writes.iter().map(|(_, path, _)| path.clone()).collect();
        writes.extend((0..WRITES).map(|_| (Method::POST, "/claims".to_owned(), claim_on(&policy))));
        let answers = under_a_blow(&mut services, "claims", &mut rng, &claims, writes).await;

        for (path, answer) in ids.iter().zip(&answers) {
            let path = path.strip_suffix("/status").unwrap();
            let status = claims.get(path).await.expect(200)["data"]["status"].clone();
            let rows = claims.get(&format!("{path}/history")).await.expect(200).column("newStatus");
            let changed = status == "UNDER_REVIEW";
            let expected = if changed { vec![json!("UNDER_REVIEW")] } else { vec![] };
            assert_eq!(rows, expected, "round {round}: {status} with another history");
            assert!(changed || !accepted(answer.as_ref()), "round {round}: a transition was lost");
            moved += usize::from(changed);
        }
        for answer in answers[count..].iter().filter(|answer| accepted(answer.as_ref())) {
            let made = &answer.as_ref().unwrap().body["data"];
            let id = made["id"].as_str().unwrap();
            assert_eq!(claims.get(&format!("/claims/{id}")).await.expect(200)["data"], *made);
            waiting.push(id.to_owned());
            kept += 1;
        }
    }
    assert!(kept > 0 && moved > 0, "every blow fell before the first write: {kept}, {moved}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_survive_kills_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    users(8, 11, Services::start(["user"], in_folder(&folder)).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_survive_kills_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    users(5, 12, Services::start(["user"], on_cluster(&cluster)).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_survive_kills_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    claims(8, 13, Services::start(["user", "policy", "claims"], in_folder(&folder)).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_survive_kills_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    claims(5, 14, Services::start(["user", "policy", "claims"], on_cluster(&cluster)).await).await;
}
