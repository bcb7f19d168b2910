//! Replies of the web interface that travel packed, read from real sockets.
//!
//! Tests sit at the machine of the server, which gets replies as they are: they say that they come through a proxy.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "web_support/client.rs"]
mod client;
#[path = "run_support/process.rs"]
mod process;
mod run_support;
#[path = "cli_support/shop.rs"]
mod shop;

use std::io::Read;
use std::process::ExitCode;

use client::{Reply, Site};
use flate2::read::GzDecoder;
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Workload};
use run_support::Target;
use serde_json::{Value, json};

const GZIP: (&str, &str) = ("Accept-Encoding", "gzip, deflate, br, zstd");
const PROXY: (&str, &str) = ("X-Forwarded-For", "192.0.2.7");

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return shop::main();
    }
    let tests: &[(&'static str, fn())] = &[
        ("texts_travel_packed", texts_travel_packed),
        ("what_is_short_or_has_no_end_is_not_packed", what_is_short_or_has_no_end_is_not_packed),
        ("what_is_accepted_is_heeded", what_is_accepted_is_heeded),
        ("head_is_as_get", head_is_as_get),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn served(target: &Target, rest: &str) -> (process::Started, Site) {
    let arguments = format!("--host {} --web-host 127.0.0.1 --web-port 0 {rest}", target.url());
    let mut run = Workload::new(&arguments).start();
    run.wait_for("press enter");
    let site = Site::announced(&run.said());
    (run, site)
}

fn end(run: process::Started) {
    run.signal(libc::SIGTERM);
    run.wait().expect_code(0);
}

fn far(site: &Site, path: &str) -> Reply {
    site.call("GET", path, &[GZIP, PROXY], "")
}

/// What is in a reply that must be packed.
fn unpacked(reply: &Reply, what: &str) -> String {
    assert_eq!(reply.header("content-encoding"), Some("gzip"), "{what}: {}", reply.body);
    assert_eq!(reply.all("vary"), ["accept-encoding"], "{what}");
    let length = reply.header("content-length").map(|length| length.parse().unwrap());
    assert_eq!(length, Some(reply.bytes.len()), "{what}");
    let mut text = String::new();
    GzDecoder::new(&reply.bytes[..]).read_to_string(&mut text).unwrap();
    assert!(text.len() > 1_000 && text.len() > reply.bytes.len(), "{what}: {text}");
    text
}

/// The address of a file of the page whose name ends so.
fn asset(site: &Site, end: &str) -> String {
    let page = site.get("/").body;
    let path = page.split('"').find(|part| part.contains("assets/") && part.ends_with(end));
    format!("/{}", path.unwrap().trim_start_matches("./").trim_start_matches('/'))
}

fn texts_travel_packed() {
    let target = Target::start();
    let (run, site) = served(&target, "--web-cors https://tools.example Buyer");
    let order = json!({"users": 3, "spawn_rate": 50});
    assert_eq!(site.order("start", &order).status, 200);
    site.until(|stats| stats["stats"].as_array().is_some_and(|rows| rows.len() == 3));
    assert_eq!(site.order("stop", &json!({})).status, 200);
    let (script, style) = (asset(&site, ".js"), asset(&site, ".css"));
    for path in [
        "/api/v1/openapi.json",
        "/api/v1/summary",
        "/api/v1/summary?histograms=true",
        "/stats/requests",
        &script,
        &style,
    ] {
        // Nothing changes any more but the moment.
        let stable = |text: &str| match serde_json::from_str::<Value>(text) {
            Ok(mut value) => {
                for name in ["at", "health"] {
                    value.as_object_mut().unwrap().remove(name);
                }
                value
            }
            Err(_) => text.into(),
        };
        let plain = site.call("GET", path, &[PROXY], "");
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert_eq!(plain.all("vary"), ["accept-encoding"], "{path}");
        for _ in 0..2 {
            let packed = far(&site, path);
            assert_eq!(stable(&unpacked(&packed, path)), stable(&plain.body), "{path}");
            for name in ["content-type", "cache-control"] {
                assert_eq!(packed.header(name), plain.header(name), "{path}: {name}");
            }
        }
    }
    for (path, begin) in [
        ("/", "<!doctype html>"),
        ("/metrics", "# HELP"),
        ("/stats/requests/csv", "Type,Name,"),
        ("/stats/report", "<!doctype html>"),
    ] {
        let reply = far(&site, path);
        // A table of three rows is short.
        let text = if path.ends_with("csv") { reply.body.clone() } else { unpacked(&reply, path) };
        let start = text.get(..begin.len()).unwrap_or_default();
        assert!(start.eq_ignore_ascii_case(begin), "{path}: {text}");
    }
    let origin = ("Origin", "https://tools.example");
    let reply = site.call("GET", "/api/v1/openapi.json", &[GZIP, PROXY, origin], "");
    assert_eq!(reply.all("vary"), ["origin", "accept-encoding"]);
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    end(run);
}

fn what_is_short_or_has_no_end_is_not_packed() {
    let target = Target::start();
    let (run, site) = served(&target, "--autostart Buyer");
    for path in ["/health", "/nowhere", "/worker-count", &asset(&site, ".svg")] {
        let reply = far(&site, path);
        assert_eq!(reply.header("content-encoding"), None, "{path}");
        assert!(reply.all("vary").is_empty(), "{path}");
        assert!(!reply.body.is_empty() && reply.body.len() < 1_024, "{path}");
    }
    let demanding = ("Accept-Encoding", "gzip, identity;q=0");
    for headers in [[GZIP, PROXY], [demanding, PROXY]] {
        // Ids can be read as they come.
        let mut events = site.events(&headers);
        let ids = [events.next_id().unwrap(), events.next_id().unwrap()];
        assert!(ids[0] < ids[1], "{ids:?}");
    }
    end(run);
}

fn what_is_accepted_is_heeded() {
    let target = Target::start();
    let (run, site) = served(&target, "");
    let path = "/api/v1/openapi.json";
    let is_packed = |headers: &[(&str, &str)], path: &str| {
        let reply = site.call("GET", path, headers, "");
        assert_eq!(reply.status, 200);
        let magic = reply.bytes.starts_with(&[0x1f, 0x8b]);
        assert_eq!(reply.header("content-encoding").is_some(), magic, "{headers:?}");
        magic
    };
    let accept = |value: &'static str| ("Accept-Encoding", value);
    assert!(!is_packed(&[GZIP], path), "this machine");
    for proxy in [PROXY, ("Forwarded", "for=192.0.2.7"), ("Via", "1.1 proxy")] {
        assert!(is_packed(&[GZIP, proxy], path), "{proxy:?}");
    }
    for (value, expected) in [
        ("gzip;q=0.001", true),
        ("*", true),
        ("br;q=1, identity;q=0.5, gzip;q=0.5", true),
        ("identity, gzip;q=0.5", false),
        ("gzip;q=0, *", false),
        ("br, zstd", false),
        ("", false),
    ] {
        assert_eq!(is_packed(&[accept(value), PROXY], path), expected, "{value}");
    }
    // Who takes nothing else gets nothing else, near or far, short or long.
    for path in [path, "/health"] {
        assert!(is_packed(&[accept("gzip, identity;q=0")], path), "{path}");
        assert!(is_packed(&[accept("gzip;q=0.5, *;q=0"), PROXY], path), "{path}");
        assert!(!is_packed(&[accept("br, identity;q=0")], path), "{path}: nothing else is known");
    }
    end(run);
}

fn head_is_as_get() {
    let target = Target::start();
    let (run, site) = served(&target, "");
    for path in [&*asset(&site, ".js"), "/api/v1/openapi.json", "/health", "/nowhere", "/stop"] {
        for headers in [&[PROXY][..], &[GZIP, PROXY], &[GZIP]] {
            let get = site.call("GET", path, headers, "");
            let head = site.call("HEAD", path, headers, "");
            assert_eq!(head.status, get.status, "{path}");
            assert!(head.bytes.is_empty(), "{path}");
            for name in [
                "content-type",
                "content-encoding",
                "content-length",
                "cache-control",
                "vary",
                "allow",
            ] {
                assert_eq!(head.header(name), get.header(name), "{path} {headers:?}: {name}");
            }
            let is_packed = get.header("content-encoding").is_some();
            assert_eq!(is_packed, headers.len() == 2 && get.bytes.len() > 500, "{path}");
        }
    }
    end(run);
}
