//! The examples work, each against a real little server.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]
#![allow(dead_code, reason = "each example has a main of its own")]

#[path = "../examples/custom_protocol.rs"]
mod custom_protocol;
#[path = "../examples/data_feeder.rs"]
mod data_feeder;
#[path = "../examples/sequential.rs"]
mod sequential;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Uri;
use swarmer::options::{Opt, Options, Program, Surroundings, parse};
use swarmer::prelude::*;
use swarmer::stats::{MetricValue, Summary};
use swarmer::testing::live;

/// Targets and bodies of all requests, in order.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// A server that answers everything with 200.
fn server() -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let (record, listener) = (Arc::clone(&seen), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = axum::Router::new().fallback(move |uri: Uri, body: Bytes| async move {
                let body = String::from_utf8_lossy(&body).into_owned();
                record.lock().unwrap().push((uri.to_string(), body));
            });
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await.unwrap();
        });
    });
    (address, seen)
}

fn options(own: Vec<Opt>, args: &[&str]) -> Options {
    let program = own.into_iter().fold(Program::new("example", "0"), Program::option);
    let args = args.iter().copied().chain(["--threads", "2", "--spawn-rate", "100", "-s", "5"]);
    parse(&program, args, &Surroundings::none()).unwrap()
}

fn lived(swarm: Swarm, options: Options) -> Summary {
    live(swarm, options, async |_| tokio::time::sleep(Duration::from_secs(3)).await).unwrap()
}

#[test]
fn sequential() {
    let (address, seen) = server();
    let args = ["--host", &format!("http://{address}"), "-u", "4"];
    let summary = lived(sequential::swarm(), options(Vec::new(), &args));
    assert!(!summary.has_problems(), "{:?}", summary.errors);
    let names: Vec<&str> = summary.requests().map(|row| &*row.name).collect();
    assert_eq!(names, ["1. Add to cart", "2. Pay", "Browse"]);
    // Nobody pays for anything but two items: the steps come in their order.
    let seen = seen.lock().unwrap();
    let paid: Vec<&str> =
        seen.iter().map(|(target, _)| &**target).filter(|t| t.starts_with("/pay")).collect();
    assert!(!paid.is_empty() && paid.iter().all(|target| *target == "/pay?items=2"), "{paid:?}");
}

#[test]
fn custom_protocol() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for line in listener.incoming() {
            let mut line = line.unwrap();
            std::thread::spawn(move || {
                let mut heard = [0; 8];
                while line.read_exact(&mut heard).is_ok() {
                    line.write_all(&heard).unwrap();
                }
            });
        }
    });
    let own = custom_protocol::options();
    let summary =
        lived(custom_protocol::swarm(), options(own, &["--address", &address, "-u", "3"]));
    assert!(!summary.has_problems(), "{:?}", summary.errors);
    let counts: BTreeMap<&str, u64> =
        summary.requests().map(|row| (&*row.name, row.figures.requests)).collect();
    assert_eq!(counts["connect"], 3);
    assert!(counts["echo"] > 10, "{counts:?}");
    let MetricValue::Counter { total, .. } = summary.metrics[0].value else { panic!() };
    assert_eq!(total, 8 * counts["echo"]);
}

#[test]
fn data_feeder() {
    let (address, seen) = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.csv");
    std::fs::write(&file, "ada,1\nbob,2\ncleo,3\n").unwrap();
    let host = format!("http://{address}");
    let args = ["--host", &host, "-u", "4", "--accounts", file.to_str().unwrap()];
    let summary = lived(data_feeder::swarm(), options(data_feeder::options(), &args));
    let mut logins: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .filter(|(target, _)| target == "/login")
        .map(|(_, body)| body.clone())
        .collect();
    logins.sort();
    assert_eq!(logins, ["name=ada&password=1", "name=bob&password=2", "name=cleo&password=3"]);
    let exceptions: Vec<&str> = summary.exceptions.iter().map(|e| &*e.message).collect();
    assert_eq!(exceptions, ["no account is left for user 3"]);
}
