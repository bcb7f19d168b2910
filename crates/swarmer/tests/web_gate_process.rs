//! Who gets in at the web interface of whole processes, and what every address of it refuses.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "web_support/client.rs"]
mod client;
#[path = "run_support/process.rs"]
mod process;
mod run_support;
#[path = "cli_support/shop.rs"]
mod shop;

use std::process::ExitCode;
use std::time::Duration;

use client::{Reply, Site};
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Workload};
use run_support::Target;
use serde_json::json;

/// Everything that is read, and everything that is changed.
const READ: &[&str] = &[
    "/",
    "/stats/requests",
    "/stats/requests/csv",
    "/stats/failures/csv",
    "/exceptions/csv",
    "/stats/requests_full_history/csv",
    "/stats/report",
    "/exceptions",
    "/tasks",
    "/logs",
    "/worker-count",
    "/metrics",
    "/api/v1/state",
    "/api/v1/summary",
    "/api/v1/history",
    "/api/v1/rows/history",
    "/api/v1/logs",
    "/api/v1/tasks",
    "/api/v1/events",
    "/api/v1/report",
    "/api/v1/csv/requests",
    "/api/v1/csv/failures",
    "/api/v1/csv/exceptions",
    "/api/v1/csv/history",
];
const CHANGED: &[&str] = &[
    "/swarm",
    "/stop",
    "/stats/reset",
    "/user",
    "/api/v1/start",
    "/api/v1/edit",
    "/api/v1/stop",
    "/api/v1/reset",
    "/api/v1/plan",
];

const TOKEN: &str = "an-example-token-of-tests";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return shop::main();
    }
    let tests: &[(&'static str, fn())] = &[
        ("people_sign_in", people_sign_in),
        ("streams_end_with_their_session", streams_end_with_their_session),
        ("programs_show_a_token", programs_show_a_token),
        ("tries_are_limited", tries_are_limited),
        ("a_gate_for_nobody_is_refused", a_gate_for_nobody_is_refused),
        ("every_address_refuses_what_it_should", every_address_refuses_what_it_should),
        ("ten_megabytes_are_refused_everywhere", ten_megabytes_are_refused_everywhere),
        ("broken_forms_are_refused", broken_forms_are_refused),
        ("assets_lead_nowhere_else", assets_lead_nowhere_else),
        ("text_of_people_stays_text", text_of_people_stays_text),
        ("prometheus_scrapes", prometheus_scrapes),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn served(target: &Target, rest: &str, files: &[(&str, &str)]) -> (process::Started, Site) {
    let arguments = format!("--host {} --web-host 127.0.0.1 --web-port 0 {rest}", target.url());
    let workload = Workload::new(&arguments);
    for (name, text) in files {
        std::fs::write(workload.path(name), text).unwrap();
    }
    let mut run = workload.start();
    run.wait_for("press enter");
    let site = Site::announced(&run.said());
    (run, site)
}

fn end(run: process::Started) {
    run.signal(libc::SIGTERM);
    run.wait().expect_code(0);
}

/// A line of a file of users, at the cost that `swarmer hash-password` uses.
fn users() -> String {
    format!("# the team\n{}\n", swarmer::web::user_line("ann", "correct horse").unwrap())
}

fn sign_in(site: &Site, path: &str, form: &str) -> Reply {
    site.call("POST", path, &[FORM, ("Origin", &site.url())], form)
}

fn people_sign_in() {
    let target = Target::start();
    let (run, site) =
        served(&target, "--web-login --web-users users.txt", &[("users.txt", &users())]);
    let page = |path| site.call("GET", path, &[("Accept", "text/html,*/*")], "");
    let reply = page("/?tab=charts");
    let login = reply.header("location").unwrap();
    assert_eq!((reply.status, login), (302, "/login?next=%2F%3Ftab%3Dcharts"));
    let form = page(login);
    assert_eq!(form.status, 200);
    assert!(form.body.contains("window.swarmerLogin"), "{}", form.body);
    assert!(!form.body.contains("window.swarmer ="), "nothing of the run is told");

    let wrong = sign_in(&site, "/login", "username=ann&password=wrong&next=%2F");
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, None));
    assert!(wrong.body.contains("do not belong together"));
    let right = "username=ann&password=correct+horse&next=%2F%3Ftab%3Dcharts";
    let reply = sign_in(&site, "/login", right);
    assert_eq!((reply.status, reply.header("location")), (303, Some("/?tab=charts")));
    let cookie = reply.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(cookie.starts_with(&format!("swarmer_{}=", site.address.port())), "{cookie}");
    assert!(!cookie.contains("Secure"), "there is no TLS here");
    let cookie = cookie.split(';').next().unwrap();

    let signed_in = |path| site.call("GET", path, &[("Cookie", cookie)], "");
    let state = signed_in("/api/v1/state").json();
    assert_eq!(
        (&state["boot"]["signed_in"], &state["boot"]["can_sign_out"]),
        (&json!("ann"), &json!(true))
    );
    assert!(signed_in("/").body.contains("\"signed_in\":\"ann\""));
    let again = site.call("GET", "/login?next=//evil.example", &[("Cookie", cookie)], "");
    assert_eq!((again.status, again.header("location")), (302, Some("/")));
    // A page of another site cannot use the cookie, whatever browsers think of it.
    let headers = [("Cookie", cookie), ("Origin", "https://evil.example")];
    assert_eq!(site.call("POST", "/stats/reset", &headers, "").status, 403);

    let own = site.url();
    let out = site.call("POST", "/logout", &[("Cookie", cookie), ("Origin", &own)], "");
    assert_eq!((out.status, out.header("location")), (303, Some("/login")));
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(signed_in("/api/v1/state").status, 401);
    for next in ["//evil.example", "https://evil.example", "/%5Cevil.example"] {
        let form = format!("username=ann&password=correct+horse&next={next}");
        assert_eq!(sign_in(&site, "/login", &form).header("location"), Some("/"), "{next}");
    }
    end(run);
}

fn streams_end_with_their_session() {
    let target = Target::start();
    let rest = format!("--autostart -u 2 -r 50 --web-users users.txt --web-token {TOKEN} Buyer");
    let (run, site) = served(&target, &rest, &[("users.txt", &users())]);
    let session = || {
        let reply = sign_in(&site, "/login", "username=ann&password=correct+horse");
        reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    };
    let (one, other, bearer) = (session(), session(), format!("Bearer {TOKEN}"));
    let mut ending = [site.events(&[("Cookie", &one)]), site.events(&[("Cookie", &one)])];
    // Who shows a token needs no session, whatever cookie comes along.
    let both = [("Cookie", one.as_str()), ("Authorization", bearer.as_str())];
    let mut going_on = [site.events(&[("Cookie", &other)]), site.events(&both)];
    for stream in ending.iter_mut().chain(&mut going_on) {
        assert!(stream.next_id().is_some());
    }
    let own = site.url();
    let out = site.call("POST", "/logout", &[("Cookie", &one), ("Origin", &own)], "");
    assert_eq!(out.status, 303);
    for stream in &mut ending {
        // What was on its way may still arrive; then the stream ends.
        let rest = std::iter::from_fn(|| stream.next_id()).take(5).count();
        assert!(rest < 5, "told {rest} more seconds after sign-out");
    }
    for stream in &mut going_on {
        for _ in 0..3 {
            assert!(stream.next_id().is_some());
        }
    }
    end(run);
}

fn programs_show_a_token() {
    let target = Target::start();
    let (run, site) = served(&target, &format!("--web-token {TOKEN}"), &[]);
    for path in READ {
        let reply = site.get(path);
        assert_eq!(reply.status, 401, "{path}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"swarmer\""));
    }
    for path in CHANGED {
        assert_eq!(site.post(path, "application/json", "{}").status, 401, "{path}");
    }
    for path in ["/health", "/api/v1/openapi.json", "/login"] {
        assert_eq!(site.get(path).status, 200, "{path} is open");
    }
    let bearer = format!("Bearer {TOKEN}");
    let shown = [("Authorization", bearer.as_str())];
    assert_eq!(site.call("GET", "/stats/requests", &shown, "").status, 200);
    let begun = site.call("POST", "/swarm", &[shown[0], FORM], "user_count=2&spawn_rate=5");
    assert_eq!(begun.json()["success"], true);
    assert!(site.call("GET", "/metrics", &shown, "").body.contains("swarmer_state{state="));
    // Without a file of users a person shows the token at the page.
    let reply = sign_in(&site, "/login", &format!("username=me&password={TOKEN}"));
    assert_eq!(reply.status, 303);
    // Neither log nor page tell it.
    let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    for path in ["/", "/logs", "/api/v1/summary", "/stats/report"] {
        let page = site.call("GET", path, &[("Cookie", &cookie)], "");
        assert_eq!(page.status, 200);
        assert!(!page.body.contains(TOKEN), "{path}");
    }
    assert!(!run.said().contains(TOKEN));
    end(run);
}

fn tries_are_limited() {
    let target = Target::start();
    let (run, site) = served(&target, &format!("--web-token {TOKEN}"), &[]);
    let show_at = |path: &str, token: &str| {
        site.call("GET", path, &[("Authorization", &format!("Bearer {token}"))], "")
    };
    let show = |token: &str| show_at("/stats/requests", token);
    // Tries count wherever they are made.
    for path in ["/stats/requests", "/api/v1/state", "/metrics", "/api/v1/events", "/"] {
        assert_eq!(show_at(path, "wrong").status, 401, "{path}");
    }
    for path in ["/stats/requests", "/api/v1/state"] {
        let limited = show_at(path, TOKEN);
        assert_eq!(limited.status, 429, "even the right one has to wait now at {path}");
        assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    }
    let form = sign_in(&site, "/login", &format!("username=me&password={TOKEN}"));
    assert_eq!(form.status, 429);
    assert!(form.body.contains("Too many wrong tries"));
    assert_eq!(site.get("/health").status, 200);
    std::thread::sleep(Duration::from_millis(2_200));
    assert_eq!(show(TOKEN).status, 200, "the wait is over");
    end(run);
}

fn a_gate_for_nobody_is_refused() {
    let target = Target::start();
    let refused = |rest: &str| {
        let arguments = format!("--host {} --web-host 127.0.0.1 --web-port 0 {rest}", target.url());
        Workload::new(&arguments).run()
    };
    refused("--web-login").expect_said(&["needs somebody who may sign in", "--web-users FILE"]);
    refused("--web-users missing.txt").expect_said(&["--web-users missing.txt: No such file"]);
    let short = refused("--web-token hunter2");
    assert!(!short.stderr.contains("hunter2"), "{}", short.stderr);
    short.expect_said(&["--web-token has 7 bytes; allowed: at least 16"]);
}

fn every_address_refuses_what_it_should() {
    let target = Target::start();
    let (run, site) = served(&target, "", &[]);
    for path in READ {
        let reply = site.call("POST", path, &[], "");
        assert_eq!(reply.status, 405, "{path}");
        assert!(reply.header("allow").unwrap().contains("GET"), "{path}");
    }
    for path in CHANGED {
        let reply = site.get(path);
        assert_eq!((reply.status, reply.header("allow")), (405, Some("OPTIONS, POST")), "{path}");
        assert_eq!(site.call("DELETE", path, &[], "").status, 405, "{path}");
        let foreign = [("Origin", "https://evil.example"), ("Content-Type", "application/json")];
        // What changes nothing may be asked by anybody; they cannot read the answer.
        let expected = if *path == "/api/v1/plan" { 200 } else { 403 };
        assert_eq!(site.call("POST", path, &foreign, "{}").status, expected, "{path}");
    }
    for path in ["/login", "/logout"] {
        let reply = site.call("POST", path, &[("Origin", "https://evil.example")], "");
        assert_eq!(reply.status, 403, "{path}");
    }
    end(run);
}

fn ten_megabytes_are_refused_everywhere() {
    let target = Target::start();
    let (run, site) = served(&target, "--autostart -u 2 -r 50 Buyer", &[]);
    site.until(|stats| stats["user_count"] == 2);
    let huge = "x".repeat(10 << 20);
    let posted = CHANGED.iter().chain(&["/login", "/logout"]).map(|path| ("POST", *path));
    for (method, path) in posted.chain(READ.iter().map(|path| ("GET", *path))) {
        for kind in ["application/json", FORM.1, "multipart/form-data; boundary=B"] {
            let reply = site.call(method, path, &[("Content-Type", kind)], &huge);
            assert_eq!(reply.status, 413, "{method} {path} {kind}: {}", reply.body);
        }
    }
    // Who does not say how much will come is stopped on the way, where anything is read at all.
    let chunk = format!("{:x}\r\n{huge}\r\n0\r\n\r\n", huge.len());
    for path in ["/swarm", "/user", "/login", "/api/v1/start", "/api/v1/edit", "/api/v1/plan"] {
        let kind = if matches!(path, "/swarm" | "/login") { FORM.1 } else { "application/json" };
        assert_eq!(site.chunked(path, kind, &chunk).status, 413, "{path}");
    }
    let stats = site.get("/stats/requests").json();
    assert_eq!((&stats["state"], &stats["user_count"]), (&json!("running"), &json!(2)));
    end(run);
}

fn broken_forms_are_refused() {
    let target = Target::start();
    let (run, site) = served(&target, "", &[]);
    let parts = "multipart/form-data; boundary=B";
    for (kind, body) in [
        (parts, "--B\r\nbroken"),
        (parts, "--B\r\nContent-Disposition: form-data; name=\"user_count\"\r\n\r\n1"),
        ("multipart/form-data", "--B--"),
    ] {
        assert_eq!(site.post("/swarm", kind, body).status, 400, "{kind}: {body}");
    }
    // As Locust has it: what is no form has no fields, and mistakes are told with 200.
    let garbage = ["%ff%fe=%", "user_count=%zz&spawn_rate=1", "user_count", "&&==&", "{}"];
    for (kind, body) in garbage.map(|body| (FORM.1, body)).into_iter().chain([("text/plain", "{}")])
    {
        let reply = site.post("/swarm", kind, body);
        assert_eq!((reply.status, &reply.json()["success"]), (200, &json!(false)), "{body}");
    }
    let deep = "[".repeat(100_000);
    for path in ["/api/v1/start", "/api/v1/edit", "/api/v1/plan"] {
        for (body, status) in [
            ("{", 400),
            ("", 400),
            (deep.as_str(), 422),
            ("{\"users\": \"many\"}", 422),
            ("{\"users\": 1.5}", 422),
            ("{\"nothing\": 1}", 422),
            ("7", 422),
            ("{\"users\": 1, \"users\": 2}", 422),
        ] {
            let reply = site.post(path, "application/json", body);
            let shown = &body[..body.len().min(40)];
            assert_eq!(reply.status, status, "{path} {shown}: {}", reply.body);
            assert!(reply.json()["error"].is_string(), "{path} {shown}");
        }
        assert_eq!(site.post(path, FORM.1, "users=1").status, 415, "{path}");
    }
    for body in [
        "{",
        "",
        deep.as_str(),
        "7",
        "{\"user_class_name\": 7}",
        "{\"user_class_name\": \"Nobody\"}",
    ] {
        assert_eq!(site.post("/user", "application/json", body).status, 500, "/user");
    }
    assert_eq!(site.get("/stats/requests").json()["state"], "ready", "nothing was begun");
    end(run);
}

fn assets_lead_nowhere_else() {
    let target = Target::start();
    for (base, rest) in [("", ""), ("/load", "--web-base-path /load")] {
        let (run, site) = served(&target, rest, &[]);
        for path in [
            "/../index.html",
            "/%2e%2e/index.html",
            "/..%2f..%2f..%2fetc%2fpasswd",
            "/%252e%252e/index.html",
            "/..\\..\\index.html",
            "//etc/passwd",
            "/%00",
            "/",
        ] {
            for folder in ["/assets", "/api/v1/../../assets"] {
                let reply = site.get(&format!("{base}{folder}{path}"));
                assert_eq!(reply.status, 404, "{folder}{path}");
                assert!(
                    !reply.body.contains("root:") && !reply.body.contains("swarmer-record"),
                    "{path}"
                );
            }
        }
        end(run);
    }
}

/// A script in each field of each form: no reply is a page with it, and neither is any page afterwards.
fn text_of_people_stays_text() {
    let target = Target::start();
    let (run, site) = served(&target, "Buyer", &[]);
    let evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>";
    let stays_text = |what: &str, reply: &Reply| {
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{what}");
        let is_page = reply.header("content-type").is_none_or(|kind| kind.contains("html"));
        let is_there = reply.body.contains("<script>alert") || reply.body.contains("<img src=x");
        assert!(!(is_page && is_there), "{what}: {}", reply.body);
    };
    for (field, value) in [
        ("host", json!(evil)),
        ("host", json!(format!("http://{evil}"))),
        ("run_time", json!(evil)),
        ("classes", json!([evil])),
        ("shape", json!(evil)),
        ("stages", json!(evil)),
        ("users", json!(evil)),
        ("settings", json!({evil: evil})),
        ("settings", json!({"progress": evil})),
        (evil, json!(1)),
    ] {
        for order in ["start", "plan", "edit"] {
            let reply = site.order(order, &json!({field: value}));
            assert!(matches!(reply.status, 409 | 422), "{order} {field}: {}", reply.status);
            stays_text(&format!("{order} {field}"), &reply);
        }
    }
    let form = |field: &str, value: &str| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, usual) in [("user_count", "1"), ("spawn_rate", "10")] {
            form.append_pair(name, if name == field { value } else { usual });
        }
        form.append_pair(field, value).finish()
    };
    for field in ["user_count", "spawn_rate", "run_time", "stages", "shape_class", "host"] {
        let reply = site.post("/swarm", FORM.1, &form(field, evil));
        assert_eq!(reply.header("content-type"), Some("application/json"), "{field}");
        stays_text(&format!("/swarm {field}"), &reply);
        assert_eq!(site.order("stop", &json!({})).status, 200);
    }
    for change in [
        json!({"user_class_name": evil}),
        json!({"user_class_name": "Buyer", "host": evil}),
        json!({"user_class_name": "Buyer", evil: evil}),
        json!({"user_class_name": "Buyer", "tasks": ["look", evil]}),
        json!({"user_class_name": "Buyer", "weight": evil}),
    ] {
        stays_text("/user", &site.post("/user", "application/json", &change.to_string()));
    }
    let login = format!("username={evil}&password={evil}&next={evil}");
    stays_text("/login", &site.post("/login", FORM.1, &login));

    let request = json!({"users": 1, "spawn_rate": 10, "profile": evil, "tags": ["read", evil], "exclude_tags": [evil]});
    assert_eq!(site.order("start", &request).status, 200);
    site.until(|stats| stats["total_rps"] != 0.0);
    assert_eq!(site.order("stop", &json!({})).status, 200);
    for path in READ.iter().chain(&["/login", "/%3Cscript%3Ealert(1)%3C/script%3E"]) {
        if *path != "/api/v1/events" {
            stays_text(path, &site.get(path));
        }
    }
    end(run);
}

fn prometheus_scrapes() {
    let target = Target::start();
    let (run, site) = served(&target, "--autostart -u 3 -r 50 Buyer", &[]);
    site.until(|stats| stats["user_count"] == 3 && stats["total_rps"] != 0.0);
    let reply = site.get("/metrics");
    assert!(reply.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    for line in [
        "swarmer_users{class=\"Buyer\"} 3",
        "swarmer_state{state=\"running\"} 1",
        "# TYPE swarmer_response_time_seconds histogram",
        "swarmer_generator_sound",
    ] {
        assert!(reply.body.contains(line), "no {line:?} in\n{}", reply.body);
    }
    // Each series has its type, and no two lines are of one series.
    let series: Vec<&str> = reply
        .body
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').unwrap().0)
        .collect();
    let mut unique = series.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), series.len());
    end(run);
}
