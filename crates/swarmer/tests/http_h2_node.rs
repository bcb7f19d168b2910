//! HTTP/2 beside an implementation that has nothing in common with ours nor with that of the other tests: Node's (nghttp2).

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod http_support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use http_support::client;
use swarmer::http::{Client, Config, ErrorKind, Http2, Request};
use tokio::task::LocalSet;

/// A site that runs until it is dropped.
struct Site {
    process: Child,
    url: String,
}

impl Site {
    fn start(settings: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/h2_site.mjs");
        let mut process = Command::new("node")
            .args([script, settings])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the tests need Node.js");
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, url: format!("http://127.0.0.1:{}", port.trim()) }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// What servers may ask of their clients: nothing; no table and next to no window; everything large.
const SETTINGS: [&str; 3] = [
    "{}",
    r#"{"headerTableSize": 0, "initialWindowSize": 100, "maxConcurrentStreams": 1}"#,
    r#"{"headerTableSize": 65536, "initialWindowSize": 8000000, "maxFrameSize": 1000000}"#,
];

/// Runs a test on a thread that users live on, with all settings, over connections of one user and shared ones.
fn however(test: &impl AsyncFn(&Site, Config)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for settings in SETTINGS {
        let site = Site::start(settings);
        for http2 in [Http2::Own, Http2::Shared] {
            let config = Config { http2, ..Config::default() };
            LocalSet::new().block_on(&runtime, test(&site, config));
        }
    }
}

async fn text(client: &mut Client, path: &str) -> (u16, String) {
    let answer = client.send(Request::get(path)).await.result.unwrap();
    (answer.status(), answer.text().into_owned())
}

#[test]
fn answers_of_all_kinds_are_understood() {
    however(&async |site: &Site, config: Config| {
        let (shared, mut client) = client(config, &site.url);
        for (path, answer) in [
            ("/early", (200, "after an early hint")),
            ("/trailers", (200, "with trailers")),
            ("/push", (200, "false")),
            ("/extensions", (200, "passed over")),
            ("/ping", (200, "")),
            ("/not-modified", (304, "")),
            ("/none", (404, "")),
        ] {
            // Again, as the tables know the fields then.
            for _ in 0..3 {
                assert_eq!(
                    text(&mut client, path).await,
                    (answer.0, answer.1.to_owned()),
                    "{path}"
                );
            }
        }
        assert_eq!(text(&mut client, "/big").await.1.len(), 5_000_000);
        let head = client.send(Request::head("/big")).await.result.unwrap();
        assert_eq!((head.status(), head.body().len()), (200, 0));
        let many = client.send(Request::get("/many")).await.result.unwrap();
        let fields = many.headers().filter(|(name, _)| name.starts_with("x-field-")).count();
        assert_eq!(fields, 100);
        assert_eq!(many.header("x-field-99").map(str::len), Some(100));
        assert_eq!(shared.counters().opened, 1, "one connection for all of it");
    });
}

#[test]
fn requests_of_all_kinds_are_understood() {
    however(&async |site: &Site, config: Config| {
        let (shared, mut client) = client(config, &site.url);
        for (round, length) in
            [0, 1, 99, 100, 101, 16_384, 70_000, 1_000_000].into_iter().enumerate()
        {
            let body = "y".repeat(length);
            let long = "z".repeat(7 * length.min(3_000));
            let ask = Request::post("/echo")
                .header("X-Same", "each time")
                .header("X-Other", round.to_string())
                .header("X-Long", &long)
                .body(&body, "text/plain");
            let answer = client.send(ask).await.result.unwrap();
            assert_eq!(answer.header("x-length"), Some(&*length.to_string()));
            assert_eq!(answer.header("x-same"), Some("each time"));
            assert_eq!(answer.header("x-other"), Some(&*round.to_string()));
            assert_eq!(answer.header("x-long"), Some(&*long));
            assert_eq!(answer.text(), body);
        }
        assert_eq!(shared.counters().opened, 1);
    });
}

#[test]
fn settings_may_change_at_any_time() {
    however(&async |site: &Site, config: Config| {
        let (shared, mut client) = client(config, &site.url);
        for settings in [
            r#"{"headerTableSize": 100}"#,
            r#"{"headerTableSize": 0, "initialWindowSize": 1}"#,
            r#"{"headerTableSize": 4096, "initialWindowSize": 1000, "maxFrameSize": 16384}"#,
            r#"{"initialWindowSize": 65535, "maxFrameSize": 16777215, "maxConcurrentStreams": 100}"#,
        ] {
            let ask = Request::get("/settings").header("X-Settings", settings);
            assert_eq!(client.send(ask).await.result.unwrap().status(), 200, "{settings}");
            for length in [10, 3_000] {
                let body = "y".repeat(length);
                let ask =
                    Request::post("/echo").header("X-Same", "each time").body(&body, "text/plain");
                let answer = client.send(ask).await.result.unwrap();
                assert_eq!(answer.header("x-same"), Some("each time"));
                assert_eq!(answer.text(), body, "{settings}");
            }
        }
        assert_eq!(shared.counters().opened, 1);
    });
}

#[test]
fn what_is_given_up_is_told_and_costs_no_connection() {
    however(&async |site: &Site, config: Config| {
        let (shared, mut client) = client(config, &site.url);
        for (path, told) in [("/reset", "ENHANCE_YOUR_CALM"), ("/half", "INTERNAL_ERROR")] {
            let error = client.send(Request::get(path)).await.result.unwrap_err();
            let said = format!("HTTP/2: server gave up the request: {told}");
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::Closed, said), "{path}");
            assert_eq!(text(&mut client, "/early").await.0, 200);
        }
        assert_eq!(shared.counters().opened, 1);
        assert_eq!(text(&mut client, "/last").await, (200, "the last one".to_owned()));
        assert_eq!(text(&mut client, "/early").await.0, 200);
        assert_eq!(shared.counters().opened, 2, "the server had said goodbye");
    });
}
