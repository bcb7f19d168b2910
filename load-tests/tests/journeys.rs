//! The seven journeys on virtual time, against scripted answers: their names, shares, waits, rotation and headers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use load_tests::utils::directory::{Account, Directory};
use load_tests::utils::helpers::user_group;
use serde_json::{Value, json};
use swarmer::options::{Options, Program, Surroundings, parse};
use swarmer::stats::Summary;
use swarmer::testing::{Script, ScriptedReply, ScriptedRequest, run};

/// Every request name of the journeys, with the tasks it tells apart.
const NAMES: [&str; 24] = [
    "Login",
    "1. Calculate Premium",
    "2. Create Quote",
    "3. View Quote Details",
    "1. Find Active Quote",
    "2. Convert to Policy",
    "3. View New Policy",
    "1. Browse Quotes",
    "2. View Quote Details",
    "3. View Quote History",
    "1. Find Policy to Update",
    "2. View Policy Details",
    "3. Update Policy Status",
    "1. Find Active Policy",
    "2. File Claim",
    "3. View Claim Details",
    "1. Find Claim to Process",
    "2. Mark Under Review",
    "3. Approved Claim",
    "3. Denied Claim",
    "4. View Claim History",
    "1. Browse Claims",
    "2. View Claim Details",
    "3. View Claim History",
];

fn options(args: &[&str]) -> Options {
    let program = load_tests::config::options()
        .into_iter()
        .fold(Program::new("load-tests", "0"), Program::option);
    parse(&program, args, &Surroundings::none()).expect("the arguments of the test are right")
}

fn accounts() -> impl Iterator<Item = Account> {
    (0..60).map(|n| Account {
        id: format!("user-{n}"),
        email: format!("agent{n}@example.com"),
        organization_id: format!("organisation-{}", n / 2),
    })
}

/// A DynaClaimz that always has something to work on.
fn answer(request: &ScriptedRequest) -> ScriptedReply {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let target = request.target.as_str();
    let (status, data) = match (
        request.method.as_str(),
        target.split('?').next().unwrap_or_default(),
    ) {
        ("POST", "/api/v1/auth/login") => {
            let account = accounts().find(|a| a.email == body["email"]).expect("a known account");
            assert_eq!(body["password"], "password123");
            (
                200,
                json!({"token": account.email, "user": {"organizationId": account.organization_id}}),
            )
        }
        ("GET", "/api/v1/quotes" | "/api/v1/policies") => {
            (200, json!([{"id": "x", "status": "ACTIVE"}]))
        }
        ("GET", "/api/v1/claims") => {
            let status = if target.contains("UNDER_REVIEW") { "UNDER_REVIEW" } else { "SUBMITTED" };
            (200, json!([{"id": "x", "status": status, "claimAmount": "60000"}]))
        }
        ("POST", "/api/v1/quotes/x/convert") => (201, json!({"policy": {"id": "p"}})),
        ("POST", "/api/v1/quotes" | "/api/v1/claims") => (201, json!({"id": "x"})),
        _ => (200, json!({})),
    };
    let reply = json!({"success": true, "data": data});
    ScriptedReply::new(status).body(reply.to_string()).after(Duration::from_millis(20))
}

fn worked(args: &[&str], script: Script) -> Summary {
    let directory = Directory::new(accounts()).expect("sixty accounts");
    let summary =
        run(load_tests::swarm().provide(directory), options(args), script).expect("a run");
    assert_eq!(summary.errors, []);
    assert_eq!(summary.exceptions, []);
    summary
}

fn counts(summary: &Summary) -> BTreeMap<&str, u64> {
    summary.requests().map(|row| (&*row.name, row.figures.requests)).collect()
}

/// An hour of a hundred agents.
const LONG: [&str; 8] = ["-u", "100", "-r", "10", "-t", "1h", "--seed", "11"];

#[test]
fn all_names_appear_and_tasks_follow_their_weights() {
    let summary = worked(&LONG, Script::new(answer));
    let counts = counts(&summary);
    assert_eq!(counts.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from(NAMES));

    let quotes = [
        (counts["1. Calculate Premium"], 5),
        (counts["1. Find Active Quote"], 3),
        (counts["1. Browse Quotes"], 3),
        (counts["1. Find Policy to Update"], 2),
    ];
    let claims = [
        (counts["1. Find Active Policy"], 5),
        (counts["1. Find Claim to Process"], 3),
        (counts["1. Browse Claims"], 2),
    ];
    // The 99.9 % points of chi-square with three and two degrees of freedom.
    assert!(chi_square(&quotes) < 16.27, "{quotes:?}");
    assert!(chi_square(&claims) < 13.82, "{claims:?}");
    // A claim above 50,000 is denied with probability 0.35.
    let decided = [(counts["3. Denied Claim"], 35), (counts["3. Approved Claim"], 65)];
    assert!(chi_square(&decided) < 10.83, "{decided:?}");
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn chi_square(observed: &[(u64, u32)]) -> f64 {
    let total: u64 = observed.iter().map(|(count, _)| count).sum();
    let weights: u32 = observed.iter().map(|(_, weight)| weight).sum();
    observed
        .iter()
        .map(|&(count, weight)| {
            let expected = total as f64 * f64::from(weight) / f64::from(weights);
            (count as f64 - expected).powi(2) / expected
        })
        .sum()
}

#[test]
fn one_seed_is_one_run() {
    let short = ["-u", "20", "-r", "10", "-t", "20m", "--seed", "5"];
    let (first, second) =
        (worked(&short, Script::new(answer)), worked(&short, Script::new(answer)));
    assert_eq!(counts(&first), counts(&second));
    let other = worked(&["-u", "20", "-r", "10", "-t", "20m", "--seed", "6"], Script::new(answer));
    assert_ne!(counts(&first), counts(&other));
}

#[test]
fn the_time_scale_shortens_every_pause() {
    let normal = worked(&["-u", "20", "-r", "100", "-t", "1h", "--seed", "5"], Script::new(answer));
    let fast = worked(
        &["-u", "20", "-r", "100", "-t", "6m", "--seed", "5", "--time-scale", "0.1"],
        Script::new(answer),
    );
    let requests = |summary: &Summary| summary.total.figures.requests;
    let (normal, fast) = (requests(&normal), requests(&fast));
    // Ten times as fast for a tenth of the time: the same, but for what the answers themselves take.
    assert!(
        fast > normal * 85 / 100 && fast <= normal,
        "{normal} in an hour, {fast} in six scaled minutes"
    );
}

/// What a request told of who sent it.
#[derive(Clone)]
struct Seen {
    login: bool,
    bearer: Option<String>,
    agent: String,
    trace: String,
}

/// Runs a while and returns what every request told of its sender.
fn observed(args: &[&str]) -> (Vec<Seen>, Summary) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let summary = worked(
        args,
        Script::new(move |request| {
            let header = |name| request.header(name).map(str::to_owned);
            log.lock().expect("nobody panics while holding it").push(Seen {
                login: request.target == "/api/v1/auth/login",
                bearer: header("authorization"),
                agent: header("user-agent").unwrap_or_default(),
                trace: header("traceparent").unwrap_or_default(),
            });
            answer(request)
        }),
    );
    let seen = seen.lock().expect("nobody panics while holding it").clone();
    (seen, summary)
}

#[test]
fn every_request_carries_group_token_and_a_fresh_trace() {
    let (seen, summary) = observed(&["-u", "30", "-r", "10", "-t", "20m", "--seed", "3"]);
    let organizations: HashMap<String, String> =
        accounts().map(|a| (format!("Bearer {}", a.email), a.organization_id)).collect();
    for Seen { login, bearer, agent, .. } in &seen {
        assert_eq!(*login, bearer.is_none(), "the login and nothing else goes without a token");
        let Some(organization) = bearer.as_ref().and_then(|bearer| organizations.get(bearer))
        else {
            assert!(login, "an unknown token: {bearer:?}");
            continue;
        };
        let group = user_group(organization, 50.0);
        assert_eq!(*agent, group.user_agent());
    }
    let traces: BTreeSet<&str> = seen.iter().map(|seen| seen.trace.as_str()).collect();
    assert_eq!(traces.len(), seen.len(), "no two requests share a traceparent");

    let total = &summary.total;
    let by_group: u64 = total.segments.iter().map(|segment| segment.figures.requests).sum();
    assert_eq!(by_group, total.figures.requests, "each request belongs to group A or B");
}

#[test]
fn agents_rotate_after_five_to_fifteen_tasks_and_never_when_that_is_off() {
    let starts = [
        "1. Calculate Premium",
        "1. Find Active Quote",
        "1. Browse Quotes",
        "1. Find Policy to Update",
        "1. Find Active Policy",
        "1. Find Claim to Process",
        "1. Browse Claims",
    ];
    let tasks = |counts: &BTreeMap<&str, u64>| starts.iter().map(|name| counts[name]).sum::<u64>();

    let summary = worked(&LONG, Script::new(answer));
    let counted = counts(&summary);
    // Ten tasks on average between two sign-ins, the first sign-in of each agent apart.
    let rotations = counted["Login"] - 100;
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    let mean = tasks(&counted) as f64 / rotations as f64;
    assert!((9.8..10.6).contains(&mean), "a rotation every {mean:.2} tasks");

    let off = worked(
        &[
            "-u",
            "10",
            "-t",
            "30m",
            "--min-tasks-before-rotation",
            "0",
            "--max-tasks-before-rotation",
            "0",
        ],
        Script::new(answer),
    );
    assert_eq!(counts(&off)["Login"], 10);
}

#[test]
fn a_refused_sign_in_is_a_failed_request_and_no_task_runs_without_a_token() {
    let directory = Directory::new(accounts()).expect("sixty accounts");
    let refusing = Script::new(|_| {
        ScriptedReply::new(401).body(r#"{"success":false,"message":"Invalid credentials"}"#)
    });
    let options = options(&["-u", "5", "-r", "5", "-t", "2m"]);
    let summary = run(load_tests::swarm().provide(directory), options, refusing).expect("a run");
    let counts = counts(&summary);
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), ["Login"]);
    assert!(counts["Login"] > 5 * 20, "tried again after each wait: {counts:?}");
    assert_eq!(summary.total.figures.failures, counts["Login"]);
    assert_eq!(&*summary.errors[0].error, "CatchResponseError('expected status 200, got 401')");
    assert_eq!(summary.exceptions, []);
}

#[test]
fn a_lost_race_is_no_failure_and_ends_the_task() {
    let summary = worked(
        &["-u", "10", "-r", "10", "-t", "30m"],
        Script::new(|request| {
            if request.method.as_str() == "PUT" || request.target.ends_with("/convert") {
                return ScriptedReply::new(400)
                    .body(r#"{"success":false,"message":"Invalid status transition"}"#);
            }
            answer(request)
        }),
    );
    let counts = counts(&summary);
    assert!(counts["2. Convert to Policy"] > 0 && counts["2. Mark Under Review"] > 0);
    assert!(
        !counts.contains_key("3. View New Policy") && !counts.contains_key("4. View Claim History")
    );
}

#[test]
fn a_request_that_was_wrong_is_a_failure_with_its_status() {
    let directory = Directory::new(accounts()).expect("sixty accounts");
    let script = Script::new(|request| match request.method.as_str() {
        "PUT" => ScriptedReply::new(400).body(r#"{"success":false,"message":"Validation failed"}"#),
        _ => answer(request),
    });
    let options = options(&["-u", "10", "-r", "10", "-t", "30m"]);
    let summary = run(load_tests::swarm().provide(directory), options, script).expect("a run");
    assert_eq!(&*summary.errors[0].error, "CatchResponseError('status 400: Validation failed')");
}

#[test]
fn nothing_to_work_on_ends_a_task_without_a_failure() {
    let empty = Script::new(|request| match request.method.as_str() {
        "GET" => ScriptedReply::new(200).body(r#"{"success":true,"data":[]}"#),
        _ => answer(request),
    });
    let summary = worked(&["-u", "10", "-r", "10", "-t", "30m"], empty);
    let counts = counts(&summary);
    assert!(counts["1. Find Active Quote"] > 0 && counts["1. Browse Claims"] > 0);
    assert!(
        !counts.contains_key("2. Convert to Policy")
            && !counts.contains_key("2. View Claim Details")
    );
}
