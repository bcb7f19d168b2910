//! The web interface of whole processes: by the script that Locust answers as well, and where it is on its own.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "web_support/client.rs"]
mod client;
#[path = "support/locust.rs"]
mod locust;
#[path = "run_support/process.rs"]
mod process;
mod run_support;
#[path = "cli_support/shop.rs"]
mod shop;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use client::{Reply, Site};
use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Workload};
use run_support::Target;
use serde_json::{Value, json};

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return shop::main();
    }
    let tests: &[(&'static str, fn())] = &[
        ("the_interface_is_locusts", the_interface_is_locusts),
        ("runs_come_and_go", runs_come_and_go),
        (
            "a_host_in_an_edit_is_for_users_that_start_then",
            a_host_in_an_edit_is_for_users_that_start_then,
        ),
        (
            "the_page_is_told_what_the_next_run_would_be",
            the_page_is_told_what_the_next_run_would_be,
        ),
        ("tags_hold_from_the_next_run_on", tags_hold_from_the_next_run_on),
        ("mistakes_are_told", mistakes_are_told),
        ("ticks_fill_holes", ticks_fill_holes),
        ("strangers_are_kept_out", strangers_are_kept_out),
        ("a_base_path_and_a_port_that_is_taken", a_base_path_and_a_port_that_is_taken),
        ("the_process_quits_by_itself", the_process_quits_by_itself),
        ("https_is_https_only", https_is_https_only),
        ("tables_are_printed_as_locust_prints_them", tables_are_printed_as_locust_prints_them),
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

fn end(run: process::Started) -> process::Ended {
    run.signal(libc::SIGTERM);
    run.wait()
}

/// What `support/locust_web.py` sees at this address.
fn script(url: &str) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/locust_web.py");
    let output = Command::new(locust::python()).arg(script).arg(url).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{url}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn the_interface_is_locusts() {
    let target = Target::start();
    let (run, site) = served(&target, "--only-summary");
    let ours = script(&site.url());
    end(run).expect_code(0);

    let (run, site) = served_by_locust(&target);
    let theirs = script(&site.url());
    end(run);
    let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
    let differ = theirs.iter().filter(|(part, theirs)| ours[*part] != **theirs);
    let told: Vec<String> = differ
        .map(|(part, theirs)| format!("{part}:\n  ours {}\n  Locust {theirs}", ours[part]))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

fn served_by_locust(target: &Target) -> (process::Started, Site) {
    // Locust takes no port 0.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let locustfile = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/locustfile.py");
    let mut command = Command::new(locust::python());
    command.args(["-m", "locust", "-f"]).arg(locustfile);
    let arguments = format!("--host {} --web-host 127.0.0.1 --web-port {port}", target.url());
    let mut run = Workload::through(command, &arguments).start();
    run.wait_for("Starting web interface");
    let site = Site { address: ([127, 0, 0, 1], port).into() };
    site.until_it_answers();
    (run, site)
}

/// A start or an edit by Locust's form.
fn swarm(site: &Site, form: &str) -> Value {
    let reply = site.post("/swarm", "application/x-www-form-urlencoded", form).json();
    assert_eq!(reply["success"], true, "{form}: {reply}");
    reply
}

/// As in Locust: those that run stay where they are.
fn a_host_in_an_edit_is_for_users_that_start_then() {
    let target = Target::start();
    let [ours, theirs] = [served(&target, ""), served_by_locust(&target)].map(|(run, site)| {
        let other = Target::start();
        swarm(&site, "user_count=3&spawn_rate=50");
        site.until(|stats| stats["user_count"] == 3 && stats["total_rps"] != 0.0);
        let reply = swarm(&site, &format!("user_count=6&spawn_rate=50&host={}", other.url()));
        assert_eq!(reply["host"], other.url());
        site.until(|stats| stats["user_count"] == 6);
        for target in [&target, &other] {
            target.wait_for(target.requests() + 30);
        }
        // Without a word about the host it stays for those that start next.
        swarm(&site, "user_count=1&spawn_rate=50");
        site.until(|stats| stats["user_count"] == 1);
        swarm(&site, "user_count=8&spawn_rate=50");
        site.until(|stats| stats["user_count"] == 8);
        other.wait_for(other.requests() + 30);
        (run, site, other)
    });
    end(theirs.0);

    let (run, site, other) = ours;
    let summary = site.get("/api/v1/summary").json();
    assert_eq!(summary["host"], other.url());
    let tells = |list: &str, words: &str| summary[list].to_string().contains(words);
    assert!(tells("notes", &format!("before went to {}", target.url())), "{}", summary["notes"]);
    assert!(tells("marks", &format!("go to {}", other.url())), "{}", summary["marks"]);
    // What is no target, or does not answer, changes nothing; neither does an empty field.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for host in ["nowhere".to_owned(), format!("http://{closed}")] {
        let refused = site.order("edit", &json!({"users": 2, "host": host}));
        assert_eq!(refused.status, 422, "{host}: {}", refused.body);
    }
    assert_eq!(site.order("edit", &json!({"host": ""})).status, 200);
    let state = site.get("/api/v1/state").json();
    assert_eq!((&state["host"], &state["target_users"]), (&json!(other.url()), &json!(8)));
    end(run);
}

/// The start form knows it from here and from nowhere else.
fn the_page_is_told_what_the_next_run_would_be() {
    let target = Target::start();
    let (run, site) = served(&target, "--class-picker");
    let told = || {
        let classes = site.get("/api/v1/state").json()["boot"]["classes"].clone();
        let of =
            |class: &Value| ["name", "tasks", "all_tasks", "chosen"].map(|key| class[key].clone());
        classes.as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let buyer =
        |tasks: Value, chosen: bool| [json!("Buyer"), tasks, json!(["look", "buy"]), json!(chosen)];
    let seller = |chosen: bool| [json!("Seller"), json!(["sell"]), json!(["sell"]), json!(chosen)];
    assert_eq!(told(), [buyer(json!(["look", "buy"]), true), seller(true)]);
    let change = json!({"user_class_name": "Buyer", "tasks": ["buy"]});
    assert_eq!(site.post("/user", "application/json", &change.to_string()).status, 201);
    let request = json!({"users": 1, "spawn_rate": 10, "classes": ["Buyer"]});
    assert_eq!(site.order("start", &request).status, 200);
    assert_eq!(told(), [buyer(json!(["buy"]), true), seller(false)]);
    assert_eq!(site.get("/api/v1/state").json()["boot"]["start"]["shape"], "");
    end(run).expect_code(0);
}

fn runs_come_and_go() {
    let target = Target::start();
    let (run, site) = served(&target, "--csv run --csv-full-history --html report.html Buyer");
    assert_eq!(site.get("/health").json(), json!({"state": "ready"}));
    let tick = site.get("/api/v1/state").json();
    assert_eq!(tick["boot"]["classes"][0]["name"], "Buyer");
    for users in [3, 5] {
        let request = json!({"users": users, "spawn_rate": 50, "profile": "night <shift>"});
        assert_eq!(site.order("start", &request).status, 200);
        assert_eq!(site.order("start", &request).status, 409, "a run goes on");
        site.until(|stats| stats["user_count"] == users && stats["total_rps"] != 0.0);
        assert_eq!(site.order("edit", &json!({"users": 2})).status, 200);
        site.until(|stats| stats["user_count"] == 2);
        let seen = site.get("/stats/requests").json();
        assert_eq!(site.order("reset", &json!({})).status, 200);
        let fresh = site.get("/stats/requests").json();
        let count = |stats: &Value| {
            stats["stats"].as_array().unwrap().last().unwrap()["num_requests"].as_u64()
        };
        assert!(count(&fresh) < count(&seen), "nothing old is seen after a reset");
        assert_eq!(site.order("stop", &json!({})).status, 200);
        assert_eq!(site.get("/stats/requests").json()["state"], "stopped");
        assert_eq!(site.order("edit", &json!({"users": 2})).status, 409, "no run goes on");
    }
    let summary = site.get("/api/v1/summary").json();
    assert_eq!(summary["profile"], "night <shift>");
    assert_eq!(
        summary["total"]["requests"],
        summary["rows"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["kind"] == "request")
            .map(|row| row["requests"].as_u64().unwrap())
            .sum::<u64>()
    );
    let history = site.get("/api/v1/history?since=0").json();
    assert!(!history["history"]["time"].as_array().unwrap().is_empty());
    let row = site.get("/api/v1/rows/history?kind=request&method=GET&name=%2Flook");
    assert_eq!(row.status, 200);
    let full = site.get("/stats/requests_full_history/csv");
    assert_eq!(full.status, 200);
    assert!(full.body.starts_with("Timestamp,User Count,"), "{}", full.body);
    let report = site.get("/stats/report?download=1&theme=dark");
    assert!(report.header("content-disposition").unwrap().contains("_shop_http"));
    assert!(
        report.body.contains("id=\"swarmer-record\"")
            && report.body.contains("window.theme=\"dark\"")
    );
    assert!(
        !report.body.contains("night <shift>"),
        "text of people cannot become part of the page"
    );
    let ended = end(run).expect_code(0);
    ended.requests_in_csv("run");
    assert!(ended.read("report.html").contains("window.templateArgs={"));
}

fn tags_hold_from_the_next_run_on() {
    let target = Target::start();
    let (mut run, site) = served(&target, "Buyer --tags nothing");
    let form = |tags: &str| {
        let form = format!("user_count=3&spawn_rate=50{tags}");
        let reply = site.post("/swarm", "application/x-www-form-urlencoded", &form);
        assert_eq!(reply.json()["success"], true, "{}", reply.body);
    };
    let order = |request: &Value| assert_eq!(site.order("start", request).status, 200, "{request}");
    let order_with = |tags: Value, exclude: Value| {
        order(
            &json!({"users": 3, "spawn_rate": 50, "run_time": "", "tags": tags, "exclude_tags": exclude}),
        );
    };
    let both = ["/buy", "/look"];
    let cases: [(&dyn Fn(), &[&str]); 6] = [
        (&|| order_with(json!([" read ", ""]), Value::Null), &["/look"]),
        // What is left out, or nothing, stays.
        (&|| order(&json!({"users": 3, "spawn_rate": 50})), &["/look"]),
        (&|| order_with(json!([]), json!(["read"])), &["/buy"]),
        (&|| form("&exclude_tags="), &both),
        (&|| form("&tags=other&tags=some%2C+read"), &["/look"]),
        (&|| form("&tags=+"), &both),
    ];
    for (number, (start, paths)) in cases.into_iter().enumerate() {
        let before = target.paths().len();
        start();
        target.wait_for(u64::try_from(before).unwrap() + 20);
        // One that goes on keeps its tasks.
        assert_eq!(site.order("edit", &json!({"users": 4, "tags": ["nothing"]})).status, 200);
        form("&tags=nothing");
        let middle = target.paths().len();
        target.wait_for(u64::try_from(middle).unwrap() + 20);
        let summary = site.get("/api/v1/summary").json();
        for trees in [&site.get("/api/v1/tasks").json(), &summary["tasks"]] {
            let tasks = trees["total"]["Buyer"]["tasks"].as_object().unwrap();
            let tasks: Vec<String> = tasks.keys().map(|task| format!("/{task}")).collect();
            assert_eq!(tasks, *paths, "case {number}");
        }
        assert_eq!(site.order("stop", &json!({})).status, 200);
        let mut seen = target.paths().split_off(before);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, *paths, "case {number}");
    }
    order_with(json!(["read", "more"]), json!([]));
    let boot = site.get("/api/v1/state").json()["boot"]["start"].clone();
    assert_eq!((&boot["tags"], &boot["exclude_tags"]), (&json!(["read", "more"]), &json!([])));
    site.until(|stats| stats["user_count"] == 3);
    assert_eq!(site.get("/api/v1/summary").json()["settings"]["tags"], "read more");
    assert_eq!(site.order("stop", &json!({})).status, 200);
    // Nothing is left: that is no mistake, and is told.
    assert!(!run.said().contains("no tasks left"), "{}", run.said());
    form("&tags=nobody");
    run.wait_for("Buyer had no tasks left after filtering");
    site.until(|stats| stats["user_count"] == 3);
    assert_eq!(site.get("/tasks").json()["per_class"]["Buyer"].get("tasks"), None);
    let document = site.get("/api/v1/openapi.json").json();
    let fields = &document["components"]["schemas"]["StartRequest"]["properties"];
    assert!(fields["tags"].is_object() && fields["exclude_tags"].is_object(), "{fields}");
    end(run);
}

fn mistakes_are_told() {
    let target = Target::start();
    let (run, site) = served(&target, "");
    for (request, field) in [
        (json!({"users": -1}), "users"),
        (json!({"spawn_rate": 0}), "spawn_rate"),
        (json!({"host": "nowhere"}), "host"),
        (json!({"run_time": "5 parsecs"}), "run_time"),
        (json!({"classes": ["Nobody"]}), "classes"),
        (json!({"shape": "Wave"}), "shape"),
        (json!({"stages": "1m"}), "stages"),
        (json!({"settings": {"progress": "soon"}}), "settings.progress"),
        (json!({"settings": {"nothing": "1"}}), "settings.nothing"),
    ] {
        let reply = site.order("start", &request);
        assert_eq!(reply.status, 422, "{request}: {}", reply.body);
        assert_eq!(reply.json()["field"], field, "{}", reply.body);
    }
    let json = "application/json";
    assert_eq!(site.post("/api/v1/start", json, "{").status, 400);
    assert_eq!(site.post("/api/v1/start", json, "{\"unknown\":1}").status, 422);
    assert_eq!(site.post("/api/v1/start", "text/plain", "{}").status, 415);
    let huge = "x".repeat(300 * 1024);
    for path in ["/swarm", "/api/v1/start", "/user"] {
        let kind = if path == "/swarm" { "application/x-www-form-urlencoded" } else { json };
        assert_eq!(site.post(path, kind, &huge).status, 413, "{path}");
    }
    let parts = "multipart/form-data; boundary=B";
    assert_eq!(site.post("/swarm", parts, "--B\r\nbroken").status, 400);
    let form = "--B\r\nContent-Disposition: form-data; name=\"user_count\"\r\n\r\n1\r\n--B\r\nContent-Disposition: \
                form-data; name=\"spawn_rate\"\r\n\r\n1\r\n--B--\r\n";
    assert_eq!(site.post("/swarm", parts, form).json()["success"], true);
    assert_eq!(site.get("/api/v1/history?since=x").status, 400);
    assert_eq!(site.get("/api/v1/rows/history?kind=request&name=none").status, 404);
    assert_eq!(site.get("/api/v1/openapi.json").json()["info"]["title"], "swarmer");
    for path in
        ["/assets/../index.html", "/assets/%2e%2e/index.html", "/assets//etc/passwd", "/api/v2/x"]
    {
        assert_eq!(site.get(path).status, 404, "{path}");
    }
    let plan = site.order("plan", &json!({"stages": "10s:5,5s:0"})).json();
    assert_eq!(plan["duration"], 15.0);
    assert_eq!(plan["users"].as_array().unwrap().last().unwrap(), 0.0);
    end(run);
}

fn ticks_fill_holes() {
    let target = Target::start();
    let (run, site) = served(&target, "--autostart Buyer");
    let first = site.tick(None);
    let id: u64 = first.0;
    assert_eq!(first.1["state"], "running", "{}", first.1);
    std::thread::sleep(Duration::from_secs(4));
    let (later, tick) = site.tick(Some(id));
    let times: Vec<u64> =
        tick["history"]["time"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    // The last one seen may come again, for it may have grown; none after it is left out.
    assert!(times.first().is_some_and(|first| (id..=id + 1).contains(first)), "{id}: {times:?}");
    assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 1), "{times:?}");
    assert!(
        times.last().is_some_and(|last| (later..=later + 1).contains(last)),
        "{later}: {times:?}"
    );
    assert!(times.len() >= 3, "{times:?}");
    end(run).expect_code(0);
}

fn strangers_are_kept_out() {
    let target = Target::start();
    let (run, site) = served(&target, "");
    let foreign = |path: &str| {
        site.call(
            "POST",
            path,
            &[("Origin", "https://evil.example"), ("Content-Type", "application/json")],
            "{}",
        )
    };
    for path in ["/swarm", "/stop", "/stats/reset", "/user", "/api/v1/start", "/api/v1/stop"] {
        let reply: Reply = foreign(path);
        assert_eq!(reply.status, 403, "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    let page = site.get("/");
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(page.body.contains(&format!("<script nonce=\"{nonce}\">")));
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    assert_ne!(
        site.get("/").header("content-security-policy"),
        Some(policy),
        "a new one each time"
    );
    end(run).expect_code(0);
    let (run, site) = served(&target, "--web-cors https://tools.example --web-allow-get");
    let reply = site.call("POST", "/stop", &[("Origin", "https://tools.example")], "");
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://tools.example"));
    assert_eq!(site.get("/stop").status, 200);
    assert_eq!(site.get("/stats/reset").body, "ok");
    end(run).expect_code(0);
}

fn a_base_path_and_a_port_that_is_taken() {
    let target = Target::start();
    let (run, site) = served(&target, "--web-base-path /load");
    assert_eq!(site.get("/").status, 404);
    let reply = site.get("/load");
    assert_eq!((reply.status, reply.header("location")), (308, Some("/load/")));
    assert_eq!(site.get("/load/").status, 200);
    assert_eq!(site.get("/load/stats/requests").status, 200);
    let taken = site.address.port();
    let second =
        Workload::new(&format!("--host {} --web-host 127.0.0.1 --web-port {taken}", target.url()));
    second.run().expect_code(2).expect_said(&["cannot serve the web interface", "--web-port"]);
    end(run).expect_code(0);
}

fn the_process_quits_by_itself() {
    let target = Target::start();
    let (run, site) = served(&target, "--autostart --autoquit 1 -t 2s -u 2 -r 50 Buyer");
    site.until(|stats| stats["state"] == "running");
    let ended = run.wait().expect_code(0);
    ended.expect_said(&[
        "--run-time limit reached, stopping test",
        "--autoquit time reached, shutting down",
        "Shutting down (exit code 0)",
    ]);
}

/// With a page there are tables while a run goes on if they are asked for; at the end in any case.
fn tables_are_printed_as_locust_prints_them() {
    let target = Target::start();
    for (option, is_printed) in
        [("--print-stats", true), ("", false), ("--print-stats --only-summary", false)]
    {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = format!(
            "--host {} --web-host 127.0.0.1 --web-port {port} --autostart -u 2 -r 50 {option} Buyer",
            target.url()
        );
        let locustfile = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/locustfile.py");
        let mut command = Command::new(locust::python());
        command.args(["-m", "locust", "-f"]).arg(locustfile);
        for workload in [Workload::new(&arguments), Workload::through(command, &arguments)] {
            let (mut run, before) = (workload.start(), target.requests());
            target.wait_for(before + 60);
            let tables = |said: &str| said.matches("# reqs").count();
            if is_printed {
                let start = Instant::now();
                while tables(&run.said()) < 2 {
                    assert!(start.elapsed() < Duration::from_mins(1), "{}", run.said());
                    std::thread::sleep(Duration::from_millis(50));
                }
            } else {
                // Two of them would have come meanwhile.
                std::thread::sleep(Duration::from_secs(5));
                assert_eq!(tables(&run.said()), 0, "{option}: {}", run.said());
            }
            run.wait_for("Starting web interface");
            let ended = end(run).expect_code(0);
            assert!(tables(&ended.stderr) > 0, "{option}: {}", ended.stderr);
        }
    }
}

fn https_is_https_only() {
    let target = Target::start();
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.display(), key.display());
    let place = format!("--host {} --web-host 127.0.0.1 --web-port 0", target.url());
    let mut run = Workload::new(&format!("{place} --tls-cert {cert} --tls-key {key}")).start();
    run.wait_for("press enter");
    let said = run.said();
    let url = said.split("Starting web interface at ").nth(1).unwrap();
    let url = url.split(',').next().unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let fetch = "import ssl, sys, urllib.request as r; print(r.urlopen(sys.argv[1] + '/health', \
                 context=ssl._create_unverified_context()).read().decode())";
    let fetched = Command::new(locust::python()).args(["-c", fetch, url]).output().unwrap();
    let text = String::from_utf8_lossy(&fetched.stdout);
    assert_eq!(
        text.trim(),
        "{\"state\":\"ready\"}",
        "{}",
        String::from_utf8_lossy(&fetched.stderr)
    );
    // Plain bytes get no answer, and a line in the log.
    let address = url.trim_start_matches("https://");
    let mut plain = std::net::TcpStream::connect(address).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut seen = Vec::new();
    let _ = plain.read_to_end(&mut seen);
    assert!(!seen.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&seen));
    run.wait_for("no TLS from 127.0.0.1");
    end(run).expect_code(0);
    let half = Workload::new(&format!("{place} --tls-cert {cert}")).run().expect_code(2);
    half.expect_said(&["--tls-cert and --tls-key go together: --tls-key is missing"]);
}
