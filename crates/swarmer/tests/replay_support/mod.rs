//! A workload with users to replay, and a target that knows who asked for what.

mod serving;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rand::RngExt;
use serde_json::json;
pub(crate) use serving::Speaks;
use swarmer::options::Opt;
use swarmer::prelude::*;

/// By user: method, path and body of each request, in their order.
pub(crate) type Journal = BTreeMap<u64, Vec<String>>;

/// A server that writes down what each user asked for.
pub(crate) struct Register {
    pub(crate) url: String,
    seen: Arc<Mutex<Journal>>,
}

impl Register {
    pub(crate) fn start() -> Self {
        Self::speaking(Speaks::Plain)
    }

    pub(crate) fn speaking(speaks: Speaks) -> Self {
        let seen: Arc<Mutex<Journal>> = Arc::default();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("{}://{}", speaks.scheme(), listener.local_addr().unwrap());
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                serving::serve(listener, app, speaks).await;
            });
        });
        Self { url, seen }
    }

    /// What was seen since the last call.
    pub(crate) fn take(&self) -> Journal {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

async fn answer(
    State(seen): State<Arc<Mutex<Journal>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(user) = headers.get("x-user").and_then(|user| user.to_str().ok()?.parse().ok()) {
        let entry = format!("{method} {uri} {}", String::from_utf8_lossy(&body));
        seen.lock().unwrap().entry(user).or_default().push(entry);
    }
    match uri.path() {
        "/login" => {
            let token = json!({"token": "0123456789-the-token", "expires_in": 60});
            ([("set-cookie", "sid=cookie-of-the-server; Path=/")], token.to_string())
                .into_response()
        }
        "/moved" => (StatusCode::FOUND, [("location", "/items?page=1&token=abc")]).into_response(),
        "/image" => vec![0_u8, 159, 146, 150].into_response(),
        "/long" => "x".repeat(20_000).into_response(),
        "/evil" => "a\u{1b}[2Jb".into_response(),
        "/missing" => StatusCode::NOT_FOUND.into_response(),
        _ => "[1, 2]".into_response(),
    }
}

/// An address whose server goes away in the middle of each answer.
pub(crate) fn broken() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/half", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf an ans");
        }
    });
    url
}

/// One row for each user.
struct Names(Vec<String>);

struct Clerk {
    name: String,
}

impl Clerk {
    async fn arrive(user: &mut User) -> Result<Self, TaskError> {
        user.set_header("x-user", &user.number().to_string());
        let names = user.provided::<Names>()?;
        let name = names.0[usize::try_from(user.number())?].clone();
        let lucky: u32 = user.rng().random_range(0..1000);
        user.post("/login")
            .name("Login")
            .json(&json!({"name": name, "password": "geheim", "lucky": lucky}))
            .send()
            .await?;
        user.set_bearer("0123456789-the-token");
        Ok(Self { name })
    }

    async fn read(&mut self, user: &mut User) -> TaskResult {
        let page: u32 = user.rng().random_range(0..1000);
        user.get("/items").query("page", page).query("by", &self.name).name("Items").send().await?;
        user.think(between(0.0, 0.02)).await;
        user.get("/moved").name("Moved").send().await?;
        Ok(())
    }

    async fn write(&mut self, user: &mut User) -> TaskResult {
        let amount: u32 = user.rng().random_range(0..1000);
        user.post("/items").json(&json!({"amount": amount})).send().await?;
        Ok(())
    }

    async fn stumble(&mut self, user: &mut User) -> TaskResult {
        user.get("/image").send().await?;
        user.get("/long").send().await?;
        user.get("/evil")
            .check(|answer| Err(format!("{} bytes of evil", answer.body().len())))
            .send()
            .await?;
        Ok(())
    }

    async fn fall(&mut self, user: &mut User) -> TaskResult {
        let broken = user.options().custom.text("broken").unwrap_or_default().to_owned();
        let _ = user.get(&broken).name("Broken").send().await;
        let _ = user.get("http://127.0.0.1:1/nobody?token=abc").name("Nobody").send().await;
        let _ = user.get("/missing").name("Missing").expect(200).send().await;
        user.record(CustomRequest::new("MQTT", "price").bytes(80));
        user.record(CustomRequest::new("MQTT", "order").failure("not acknowledged"));
        "seven".parse::<u8>()?;
        Ok(())
    }

    async fn leave(&mut self, user: &mut User) -> TaskResult {
        user.get("/bye").send().await?;
        Ok(())
    }
}

pub(crate) fn main() -> ExitCode {
    let clerk = |name| {
        let scenario = Scenario::new(name, Clerk::arrive).wait(between(0.0, 0.02));
        scenario.on_stop(Clerk::leave)
    };
    let checks = TaskSet::sequential("Checks").task(1, "stumble", Clerk::stumble).task(
        1,
        "fall",
        Clerk::fall,
    );
    Swarm::new("office", "1.0")
        .options([
            Opt::text("broken").help("An address"),
            Opt::text("pass").secret().help("A word"),
        ])
        .provide(Names((0..100).map(|number| format!("clerk-{number}")).collect()))
        .scenario(clerk("Reader").weight(2.0).task(3, "read", Clerk::read).task(
            1,
            "write",
            Clerk::write,
        ))
        .scenario(clerk("Writer").task(5, "write", Clerk::write).task(1, "read", Clerk::read))
        .scenario(clerk("Unlucky").set(1, checks))
        .run()
}
