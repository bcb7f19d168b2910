//! Services killed with SIGKILL at any moment: what was acknowledged is kept, and quotes and policies
//! agree once the victim is back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Method;
use futures_util::future::join_all;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::processes::{Process, free_port, spawn};
use crate::support::Actor;
use crate::support::postgres::Cluster;

/// Conversions in flight when the blow falls.
const QUOTES: usize = 8;

/// Where a service of this name keeps its data: a variable and its value.
type Place = dyn Fn(&str) -> (String, String);

/// Services as processes of their own.
pub(crate) struct Services {
    settings: Vec<(String, String)>,
    place: Box<Place>,
    ports: BTreeMap<&'static str, u16>,
    running: BTreeMap<&'static str, Process>,
}

impl Services {
    /// Starts them in this order.
    pub(crate) async fn start<const N: usize>(names: [&'static str; N], place: Box<Place>) -> Self {
        let ports = BTreeMap::from(names.map(|name| (name, free_port())));
        let mut settings = vec![
            ("JWT_SECRET".to_owned(), "x".to_owned()),
            ("PEER_TIMEOUT".to_owned(), "2000".to_owned()),
        ];
        for (name, port) in &ports {
            let variable = format!("{}_SERVICE_URL", name.to_uppercase());
            settings.push((variable, format!("http://127.0.0.1:{port}")));
        }
        let mut services = Self { settings, place, ports, running: BTreeMap::new() };
        for name in names {
            services.launch(name).await;
        }
        services
    }

    pub(crate) async fn launch(&mut self, name: &'static str) {
        let mut settings: Vec<_> =
            self.settings.iter().map(|(name, value)| (&**name, &**value)).collect();
        let (variable, value) = (self.place)(name);
        settings.push((&variable, &value));
        let process = spawn(name, self.ports[name], &settings).ready().await;
        self.running.insert(name, process);
    }

    pub(crate) fn kill(&mut self, name: &str) {
        // Dropping kills with SIGKILL.
        self.running.remove(name);
    }

    /// This person, asking that service directly.
    pub(crate) fn actor(&self, name: &str, agent: &Actor) -> Actor {
        Actor { base: format!("http://127.0.0.1:{}/api", self.ports[name]), ..agent.clone() }
    }

    /// A new user of a new organisation.
    pub(crate) async fn agent(&self) -> Actor {
        self.actor("user", &Actor::at(String::new())).new_agent().await
    }
}

/// SQLite files in this folder.
pub(crate) fn in_folder(folder: &tempfile::TempDir) -> Box<Place> {
    let data = folder.path().to_str().unwrap().to_owned();
    Box::new(move |_| ("DATA_DIR".to_owned(), data.clone()))
}

/// Databases of this cluster.
pub(crate) fn on_cluster(cluster: &Cluster) -> Box<Place> {
    let url = cluster.url.clone();
    Box::new(move |name| ("DATABASE_URL".to_owned(), format!("{url}/{name}_db")))
}

async fn rounds(number: usize, seed: u64, place: Box<Place>) {
    let mut services = Services::start(["user", "policy", "quotes"], place).await;
    let agent = services.agent().await;
    let quotes = services.actor("quotes", &agent);
    let policies = services.actor("policy", &agent);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut acknowledged = Vec::new();

    for round in 0..number {
        let mut ids = Vec::new();
        for index in 0..QUOTES {
            // The cover tells later which policy belongs to which quote.
            let cover = (round * QUOTES + index + 1) as u64;
            ids.push(quotes.quote(cover).await);
        }
        let victims: &[&'static str] = match round % 3 {
            0 => &["quotes"],
            1 => &["policy"],
            _ => &["policy", "quotes"],
        };
        let answered = Notify::new();
        let conversions = join_all(ids.iter().map(|id| {
            let path = format!("/quotes/{id}/convert");
            let (quotes, answered) = (quotes.clone(), &answered);
            async move {
                let reply = quotes.try_send(Method::POST, &path, Body::empty()).await;
                answered.notify_one();
                reply
            }
        }));
        let delay = Duration::from_micros(rng.random_range(0..30_000));
        let blow = async {
            // Every other blow falls after the first answer, however slow the machine is.
            if round % 2 == 1 {
                answered.notified().await;
            }
            tokio::time::sleep(delay).await;
            for victim in victims {
                services.kill(victim);
            }
        };
        let (outcomes, ()) = tokio::join!(conversions, blow);
        for (id, outcome) in ids.iter().zip(outcomes) {
            if outcome.is_ok_and(|reply| reply.status == 201) {
                acknowledged.push(id.clone());
            }
        }
        for victim in victims {
            services.launch(victim).await;
        }
        if victims.contains(&"quotes") {
            // It settles before it serves.
            let state = State::read(&quotes, &policies).await;
            state.check(&acknowledged).unwrap_or_else(|error| panic!("round {round}: {error}"));
        } else {
            let deadline = Instant::now() + Duration::from_secs(10);
            while let Err(error) = State::read(&quotes, &policies).await.check(&acknowledged) {
                assert!(Instant::now() < deadline, "round {round}: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    let state = State::read(&quotes, &policies).await;
    assert_eq!(state.quotes.len(), number * QUOTES, "an acknowledged quote is missing");
    assert!(!acknowledged.is_empty(), "every blow fell before the first conversion");
}

/// All quotes and policies of the organisation.
struct State {
    quotes: Vec<Value>,
    policies: Vec<Value>,
}

impl State {
    async fn read(quotes: &Actor, policies: &Actor) -> State {
        let all = async |actor: &Actor, path: &str| {
            actor.get(&format!("{path}?limit=1000")).await.expect(200).list().clone()
        };
        State { quotes: all(quotes, "/quotes").await, policies: all(policies, "/policies").await }
    }

    /// A quote is CONVERTED exactly if there is one policy of its cover, never two.
    fn check(&self, acknowledged: &[String]) -> Result<(), String> {
        for quote in &self.quotes {
            let cover = &quote["coverageAmount"];
            let made = self.policies.iter().filter(|p| p["coverageAmount"] == *cover).count();
            let expected = usize::from(quote["status"] == "CONVERTED");
            if made != expected {
                return Err(format!("{} quote with {made} policies", quote["status"]));
            }
        }
        for id in acknowledged {
            let kept = self.quotes.iter().any(|q| q["id"] == **id && q["status"] == "CONVERTED");
            if !kept {
                return Err(format!("the acknowledged conversion of {id} was lost"));
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotes_and_policies_agree_after_kills_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    rounds(12, 7, in_folder(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotes_and_policies_agree_after_kills_on_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    rounds(6, 8, on_cluster(&cluster)).await;
}

/// The worst moment on purpose: policy-service is stopped while it holds the request, quotes-service is
/// killed, policy-service goes on and makes the policy that nobody waits for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_made_after_the_quotes_service_died_finds_its_quote() {
    let folder = tempfile::tempdir().unwrap();
    let mut services = Services::start(["user", "policy", "quotes"], in_folder(&folder)).await;
    let agent = services.agent().await;
    let quotes = services.actor("quotes", &agent);
    let policies = services.actor("policy", &agent);
    let id = quotes.quote(4_711).await;

    services.running["policy"].signal("STOP");
    let path = format!("/quotes/{id}/convert");
    let asking = quotes.clone();
    let lost = tokio::spawn(async move {
        asking.try_send(Method::POST, &path, Body::empty()).await.map(|reply| reply.status)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    services.kill("quotes");
    assert!(lost.await.unwrap().is_err(), "nobody can have answered");
    services.running["policy"].signal("CONT");

    services.launch("quotes").await;
    let state = State::read(&quotes, &policies).await;
    state.check(std::slice::from_ref(&id)).unwrap();
    assert_eq!(state.policies.len(), 1);
    let history = quotes.get(&format!("/quotes/{id}/history")).await.expect(200);
    assert_eq!(history.column("newStatus"), ["CONVERTED"]);
    assert_eq!(history.column("changedBy"), [&*agent.user_id]);
    assert_eq!(history.list()[0]["metadata"]["policyId"], state.policies[0]["id"]);
    let again = quotes.order(&format!("/quotes/{id}/convert")).await;
    again.refused(400, "Only ACTIVE quotes can be converted to policies");
    assert_eq!(
        quotes.put(&format!("/quotes/{id}/status"), json!({"status": "CONVERTED"})).await.status,
        200
    );
}
