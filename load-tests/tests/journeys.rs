//! The seven journeys on virtual time, against scripted answers: their names, shares, waits, rotation and headers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use load_tests::utils::directory::{Account, Directory};
use load_tests::utils::helpers::user_group;
use serde_json::{Value, json};
use swarmer::options::{Options, Program, Surroundings, parse};
use swarmer::stats::{Funnel, Summary};
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
    assert!(summary.errors.is_empty(), "{:?}", summary.errors);
    assert!(summary.exceptions.is_empty(), "{:?}", summary.exceptions);
    summary
}

fn counts(summary: &Summary) -> BTreeMap<&str, u64> {
    summary.requests().map(|row| (&*row.name, row.figures.requests)).collect()
}

/// The seven journeys: user class, task, steps in their order.
const JOURNEYS: [(&str, &str, &[&str]); 7] = [
    (
        "ClaimsAgent",
        "File Claim",
        &["1. Find Active Policy", "2. File Claim", "3. View Claim Details"],
    ),
    (
        "ClaimsAgent",
        "Process Claim",
        &[
            "1. Find Claim to Process",
            "2. Mark Under Review",
            "3. Approved Claim",
            "3. Denied Claim",
            "4. View Claim History",
        ],
    ),
    (
        "ClaimsAgent",
        "Review Claims",
        &["1. Browse Claims", "2. View Claim Details", "3. View Claim History"],
    ),
    (
        "QuoteAgent",
        "Convert Quote to Policy",
        &["1. Find Active Quote", "2. Convert to Policy", "3. View New Policy"],
    ),
    (
        "QuoteAgent",
        "Create Quote",
        &["1. Calculate Premium", "2. Create Quote", "3. View Quote Details"],
    ),
    (
        "QuoteAgent",
        "Review Quotes",
        &["1. Browse Quotes", "2. View Quote Details", "3. View Quote History"],
    ),
    (
        "QuoteAgent",
        "Update Policy Status",
        &["1. Find Policy to Update", "2. View Policy Details", "3. Update Policy Status"],
    ),
];

/// Which journeys a summary shows, with the names of their steps.
fn shapes(summary: &Summary) -> Vec<(&str, &str, Vec<&str>)> {
    let steps = |funnel: &'_ Funnel| funnel.steps.len();
    assert!(summary.funnels.iter().all(|funnel| steps(funnel) > 0));
    let names = |at: usize| summary.funnels[at].steps.iter().map(|step| &*step.name).collect();
    let funnels = summary.funnels.iter().enumerate();
    funnels.map(|(at, funnel)| (&*funnel.scenario, &*funnel.task, names(at))).collect()
}

fn funnel<'s>(summary: &'s Summary, task: &str) -> &'s Funnel {
    summary.funnels.iter().find(|funnel| *funnel.task == *task).expect("a funnel of the task")
}

/// How many runs of a task ended so.
fn ended(funnel: &Funnel, outcome: &str) -> u64 {
    funnel.ends.iter().find(|end| *end.outcome == *outcome).map_or(0, |end| end.runs)
}

/// What holds of the funnels of every run.
fn assert_sums(summary: &Summary) {
    let counts = counts(summary);
    for funnel in &summary.funnels {
        assert_eq!(funnel.ends.iter().map(|end| end.runs).sum::<u64>(), funnel.runs, "{funnel:?}");
        assert_eq!(funnel.steps.iter().map(|step| step.ended_here).sum::<u64>(), funnel.runs);
        assert!(funnel.steps.iter().all(|step| step.runs <= funnel.runs));
        assert_eq!(funnel.steps[0].runs, funnel.runs, "all begin with the first step");
        for step in &funnel.steps {
            assert_eq!(step.requests, counts[&*step.name], "{} is in one task only", step.name);
        }
        let cut = ended(funnel, swarmer::stats::CUT);
        let row = summary.journeys().find(|row| row.name == funnel.task).expect("a row");
        assert_eq!((&*row.method, row.figures.requests), (&*funnel.scenario, funnel.runs - cut));
        let by_group: u64 = row.segments.iter().map(|segment| segment.figures.requests).sum();
        assert_eq!(by_group, row.figures.requests, "each journey belongs to group A or B");
    }
}

#[test]
fn each_task_is_a_journey_with_its_steps_and_sign_ins_belong_to_none() {
    let summary = long();
    assert_eq!(shapes(summary), JOURNEYS.map(|(class, task, steps)| (class, task, steps.to_vec())));
    assert_sums(summary);
    let file = funnel(summary, "File Claim");
    let (finished, cut) = (ended(file, "finished"), ended(file, "cut off"));
    assert_eq!(finished + cut, file.runs, "there is always something to work on");
    assert!(finished > 500 && cut < 100, "{file:?}");
    assert!(file.steps[0].before.count == 0 && file.duration.p50 > 2_000.0, "{file:?}");
    // Two think times of 1 to 7 s at a pace of 0.7 to 1.3, and three answers of 20 ms.
    assert!((file.duration.mean - file.between.mean - 60.0).abs() < 3.0, "{file:?}");
    assert!((7_600.0..8_400.0).contains(&file.between.mean), "{file:?}");
    let process = funnel(summary, "Process Claim");
    let [_, mark, approve, deny, view] = &process.steps[..] else { panic!("five steps") };
    assert!(mark.runs < process.runs * 6 / 10, "about half of the claims were under review");
    assert!(view.runs <= approve.runs + deny.runs && approve.runs > deny.runs, "{process:?}");
    let classes: BTreeMap<_, _> =
        summary.classes.iter().map(|row| (&*row.name, row.figures.requests)).collect();
    assert_eq!(classes.keys().copied().collect::<Vec<_>>(), ["ClaimsAgent", "QuoteAgent"]);
    assert_eq!(classes.values().sum::<u64>(), summary.total.figures.requests);
}

/// An hour of a hundred agents.
const LONG: [&str; 8] = ["-u", "100", "-r", "10", "-t", "1h", "--seed", "11"];

/// That hour, which takes a while to compute, once for all who look at it.
fn long() -> &'static Summary {
    static SUMMARY: OnceLock<Summary> = OnceLock::new();
    SUMMARY.get_or_init(|| worked(&LONG, Script::new(answer)))
}

#[test]
fn all_names_appear_and_tasks_follow_their_weights() {
    let summary = long();
    let counts = counts(summary);
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

    let summary = long();
    let counted = counts(summary);
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
    assert!(summary.exceptions.is_empty(), "{:?}", summary.exceptions);
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
    assert_sums(&summary);
    for (task, race) in [
        ("Convert Quote to Policy", "2. Convert to Policy"),
        ("Update Policy Status", "3. Update Policy Status"),
    ] {
        let funnel = funnel(&summary, task);
        let race = funnel.steps.iter().find(|step| *step.name == *race).expect("a step");
        // A user who was stopped after the request was told nothing of how it went.
        let lost = ended(funnel, "lost a race");
        assert!(lost <= race.ended_here && lost + ended(funnel, "cut off") >= race.ended_here);
        assert_eq!((ended(funnel, "finished"), race.failures), (0, 0));
        assert!(lost > 10, "{funnel:?}");
    }
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
    assert_sums(&summary);
    for (_, task, _) in JOURNEYS.iter().filter(|(_, task, _)| *task != "Create Quote") {
        let funnel = funnel(&summary, task);
        assert_eq!(funnel.steps.len(), 1);
        assert_eq!(ended(funnel, "none found") + ended(funnel, "cut off"), funnel.runs);
        assert!(ended(funnel, "none found") > 10 && funnel.duration.max < 30.0, "{funnel:?}");
    }
}

#[test]
fn against_the_real_services_the_saved_funnels_agree_with_the_requests() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("summary.json");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_load-tests"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["--demo", "--headless", "--only-summary", "-u", "60", "-r", "60", "-t", "15s"])
        .args(["--time-scale", "0.02", "--seed", "7", "--stop-timeout", "5"])
        .arg(format!("--summary-json={}", place.display()))
        .output()
        .expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let text = std::fs::read_to_string(&place).expect("the summary");
    let summary: Summary = serde_json::from_str(&text).expect("a summary reads what it wrote");
    assert_eq!(
        shapes(&summary),
        JOURNEYS.map(|(class, task, steps)| (class, task, steps.to_vec()))
    );
    assert_sums(&summary);
    for funnel in &summary.funnels {
        assert_eq!(ended(funnel, "cut off"), 0, "there was time to end every task: {stderr}");
        let [finished, none, lost] =
            ["finished", "none found", "lost a race"].map(|o| ended(funnel, o));
        assert_eq!(finished + none + lost, funnel.runs, "nothing fails here: {funnel:?}");
        assert_eq!(
            none, funnel.steps[0].ended_here,
            "none was found at the first step: {funnel:?}"
        );
        assert!(finished > 10, "{funnel:?}");
        let last = funnel.steps.last().expect("a step");
        match &*funnel.task {
            // Who changes a policy last may lose at the last step.
            "Update Policy Status" => assert_eq!(last.ended_here, finished + lost),
            _ => assert_eq!(last.ended_here, finished, "{funnel:?}"),
        }
    }
}
