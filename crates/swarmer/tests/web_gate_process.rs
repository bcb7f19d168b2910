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
    let site = Site::announced(&run.stderr());
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
    assert!(!run.stderr().contains(TOKEN));
    end(run);
}

fn tries_are_limited() {
    let target = Target::start();
    let (run, site) = served(&target, &format!("--web-token {TOKEN}"), &[]);
    let show = |token: &str| {
        site.call("GET", "/stats/requests", &[("Authorization", &format!("Bearer {token}"))], "")
    };
    for _ in 0..5 {
        assert_eq!(show("wrong").status, 401);
    }
    let limited = show(TOKEN);
    assert_eq!(limited.status, 429, "even the right one has to wait now");
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
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
    let huge = "x".repeat(10 << 20);
    for path in CHANGED {
        let reply = site.get(path);
        assert_eq!((reply.status, reply.header("allow")), (405, Some("OPTIONS, POST")), "{path}");
        assert_eq!(site.call("DELETE", path, &[], "").status, 405, "{path}");
        let foreign = [("Origin", "https://evil.example"), ("Content-Type", "application/json")];
        // What changes nothing may be asked by anybody; they cannot read the answer.
        let expected = if *path == "/api/v1/plan" { 200 } else { 403 };
        assert_eq!(site.call("POST", path, &foreign, "{}").status, expected, "{path}");
        if !matches!(*path, "/stop" | "/stats/reset" | "/api/v1/stop" | "/api/v1/reset") {
            for kind in ["application/json", FORM.1] {
                let status = site.post(path, kind, &huge).status;
                assert!(
                    [413, 415].contains(&status) || *path == "/swarm" && kind != FORM.1,
                    "{path} {kind}: {status}"
                );
            }
        }
    }
    for path in ["/login", "/logout"] {
        let reply = site.call("POST", path, &[("Origin", "https://evil.example")], "");
        assert_eq!(reply.status, 403, "{path}");
    }
    end(run);
}

fn text_of_people_stays_text() {
    let target = Target::start();
    let (run, site) = served(&target, "Buyer", &[]);
    let evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>";
    let request = json!({"users": 1, "spawn_rate": 10, "profile": evil});
    assert_eq!(site.order("start", &request).status, 200);
    site.until(|stats| stats["total_rps"] != 0.0);
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("user_count", evil)
        .append_pair("spawn_rate", "1")
        .append_pair("host", "http://<b>evil</b>")
        .finish();
    let reply = site.post("/swarm", FORM.1, &form);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(site.order("stop", &json!({})).status, 200);
    for path in ["/", "/stats/report", "/login", "/%3Cscript%3Ealert(1)%3C/script%3E"] {
        let page = site.get(path);
        assert!(
            !page.body.contains("<script>alert") && !page.body.contains("<img src=x"),
            "{path}"
        );
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
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
