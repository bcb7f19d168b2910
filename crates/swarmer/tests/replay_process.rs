//! One user of a run once more: the same requests as in the run, local and distributed, and a transcript that tells all
//! but secrets. This binary starts itself again as the workload; see `run_process`.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "run_support/process.rs"]
mod process;
mod replay_support;

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use process::{AS_WORKLOAD, Ended, Workload};
use replay_support::{Journal, Register, Speaks, broken};

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return replay_support::main();
    }
    let tests: &[(&'static str, fn())] = &[
        (
            "a_replay_makes_the_requests_of_the_run_again",
            a_replay_makes_the_requests_of_the_run_again,
        ),
        ("a_user_of_stages_is_of_its_class", a_user_of_stages_is_of_its_class),
        ("the_transcript_tells_all_but_secrets", the_transcript_tells_all_but_secrets),
        (
            "transcripts_over_tls_and_http2_tell_the_same",
            transcripts_over_tls_and_http2_tell_the_same,
        ),
        ("a_replay_ends_as_it_is_told", a_replay_ends_as_it_is_told),
        ("what_cannot_be_replayed_is_told", what_cannot_be_replayed_is_told),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Nine users of two classes with six tasks each.
const RUN: &str = "--seed 7 -u 9 -r 100 --iterations-per-user 6 Reader Writer";

fn office(target: &Register, rest: &str) -> Workload {
    Workload::new(&format!("--host {} {rest}", target.url))
}

fn run(target: &Register, rest: &str) -> Journal {
    office(target, &format!("--headless --only-summary {rest}")).run().expect_code(0);
    target.take()
}

fn replay(target: &Register, number: u64, rest: &str) -> Ended {
    office(target, &format!("--replay {number} {rest}")).run()
}

/// The same run over two workers with two threads each.
fn distributed(target: &Register) -> Journal {
    let master = format!(
        "--master --master-bind-host 127.0.0.1 --master-bind-port 0 --headless --only-summary --expect-workers 2 {RUN}"
    );
    let mut master = office(target, &master).start();
    master.wait_for("Listening for workers at ");
    let said = master.said();
    let address = said.split("Listening for workers at ").nth(1).unwrap();
    let port = address.split_whitespace().next().unwrap().rsplit(':').next().unwrap();
    let worker = || Workload::new(&format!("--worker --master-port {port} --threads 2")).start();
    let workers = [worker(), worker()];
    master.wait().expect_code(0);
    for worker in workers {
        worker.wait().expect_code(0);
    }
    target.take()
}

fn a_replay_makes_the_requests_of_the_run_again() {
    let target = Register::start();
    let journal = run(&target, &format!("{RUN} --threads 1"));
    assert_eq!(journal.len(), 9);
    assert!(
        journal.values().all(|requests| requests.len() >= 8),
        "login, six tasks, good-bye: {journal:?}"
    );
    assert_ne!(journal[&0], journal[&1]);
    assert_eq!(run(&target, &format!("{RUN} --threads 3")), journal);
    assert_eq!(distributed(&target), journal);
    for number in [0, 4, 8] {
        let told = replay(&target, number, RUN).expect_code(0).stdout;
        let alone = target.take();
        assert_eq!(alone.keys().copied().collect::<Vec<_>>(), [number], "nobody else runs");
        assert_eq!(alone[&number], journal[&number], "user {number}");
        // All of them are told, in their order.
        let mut rest = &*told;
        for request in &journal[&number] {
            let (line, body) = request.split_once(" /").unwrap();
            let path = body.split([' ', '?']).next().unwrap();
            let at = rest.find(&format!(" {line} {}/{path}", target.url));
            rest = &rest[at.unwrap_or_else(|| panic!("no {request:?} in:\n{told}")) + 1..];
        }
    }
    assert_eq!(replay(&target, 4, &format!("{RUN} --replay-fast")).code, Some(0));
    assert_eq!(target.take()[&4], journal[&4], "pauses that are skipped are drawn all the same");
    replay(&target, 4, &RUN.replace("--seed 7", "--seed 8")).expect_code(0);
    assert_ne!(target.take()[&4], journal[&4], "another seed makes another user");
}

fn a_user_of_stages_is_of_its_class() {
    let target = Register::start();
    let options = "--seed 3 --stages 1s:4,1s:1,1s:5 Reader Writer";
    let journal = run(&target, options);
    assert!(journal.len() > 5, "users came, went and came: {journal:?}");
    for (number, requests) in &journal {
        let rest = format!("{options} --replay-fast --iterations-per-user 1");
        replay(&target, *number, &rest).expect_code(0);
        let alone = target.take();
        // Sign-in and first request; what comes then, a class decides.
        let known = requests.len().min(alone[number].len() - 1);
        assert_eq!(alone[number][..known], requests[..known], "user {number}");
    }
}

fn the_transcript_tells_all_but_secrets() {
    let target = Register::start();
    let rest = format!(
        "--seed 1 --replay-fast --iterations 2 --broken {} --pass clerk-0 Unlucky",
        broken()
    );
    let ended = replay(&target, 0, &rest).expect_code(1);
    let told = &ended.stdout;
    assert!(!told.contains('\u{1b}'), "no colour and no escape of the target's");
    for expected in [
        &format!("User 0, class Unlucky, seed 1 on {}\n", target.url),
        "  #1 POST ",
        "/login (Login)\n",
        "\n             > x-user: 0\n",
        "\"password\":\"…\"",
        // The value of a secret option, wherever it stands.
        "\"name\":\"…\"",
        "\n             < 200 OK\n",
        "< set-cookie: sid=…; Path=/\n",
        "\"token\":\"…\"",
        "\"expires_in\":60",
        "  #1 ok: 200 in ",
        "(new connection ",
        "  task set Checks\n",
        "  task stumble\n",
        "> authorization: Bearer …\n",
        "> Cookie: sid=…\n",
        "< (4 bytes that are no text: 00 9f 92 96)\n",
        "< (… and 3616 more bytes)\n",
        "< a\\u{1b}[2Jb\n",
        "FAILED: 200 in ",
        "\n               CatchResponseError('6 bytes of evil')\n",
        "  task failed: CatchResponseError('6 bytes of evil')\n",
        "(skipped)\n",
        "< Content-Length: 100\n             <\n             < half an ans\n             (the answer breaks off here)\n",
        "GET http://127.0.0.1:1/nobody?token=… (Nobody)\n",
        "FAILED in ",
        "ConnectionRefusedError",
        "FAILED: 404 in ",
        "MQTT price ok (80 bytes)\n",
        "MQTT order FAILED\n               not acknowledged\n",
        "EXCEPTION: invalid digit found in string\n",
        "  end: the user is done. 10 requests, 5 failed; 1 exception; 2 tasks\n",
    ] {
        assert!(told.contains(expected), "no {expected:?} in:\n{told}");
    }
    for secret in ["geheim", "0123456789-the-token", "cookie-of-the-server", "clerk-0"] {
        assert!(!told.contains(secret), "{secret} in:\n{told}");
    }
    let ended = replay(&target, 0, &format!("{rest} --replay-secrets")).expect_code(1);
    for secret in ["geheim", "Bearer 0123456789-the-token", "sid=cookie-of-the-server", "clerk-0"] {
        assert!(ended.stdout.contains(secret), "no {secret} in:\n{}", ended.stdout);
    }
}

/// What a transcript tells apart from times, the target's address and the fields that only one protocol has.
fn story(told: &str, target: &Register) -> Vec<String> {
    let own = ["host", "content-length", "date", "traceparent"];
    let is_own = |line: &str| {
        let field = line.strip_prefix("> ").or(line.strip_prefix("< ")).unwrap_or_default();
        own.iter().any(|name| field.to_lowercase().starts_with(&format!("{name}: ")))
    };
    let lines = told.lines().map(|line| match line.split_once(" s  ") {
        Some((time, rest)) if time.trim().parse::<f64>().is_ok() => rest,
        _ => line.trim(),
    });
    let lines = lines.filter(|line| !is_own(line)).map(|line| {
        let line = line.split(" in ").next().unwrap_or_default();
        line.replace(&target.url, "TARGET").to_lowercase()
    });
    lines.collect()
}

fn transcripts_over_tls_and_http2_tell_the_same() {
    let of = |speaks: Speaks, more: &str| {
        let target = Register::speaking(speaks);
        let rest = format!("{RUN} {more} --insecure");
        let journal = run(&target, &rest);
        assert_eq!(journal.len(), 9, "{speaks:?}");
        let is_redirected = |requests: &Vec<String>| requests.iter().any(|r| r.contains("/moved"));
        let (number, requests) = journal.iter().find(|(_, all)| is_redirected(all)).unwrap();
        let ended = replay(&target, *number, &format!("{rest} --replay-fast")).expect_code(0);
        assert_eq!(target.take(), Journal::from([(*number, requests.clone())]), "{speaks:?}");
        let told = ended.stdout;
        assert!(told.contains("(new connection "), "{speaks:?}:\n{told}");
        assert!(told.matches("(kept connection, ").count() > 5, "{speaks:?}:\n{told}");
        let secure = matches!(speaks, Speaks::Tls | Speaks::Http2Tls);
        assert_eq!(told.contains(" ms, TLS "), secure, "{speaks:?}:\n{told}");
        assert!(told.contains("is redirected: GET "), "{speaks:?}:\n{told}");
        for secret in ["geheim", "0123456789-the-token", "cookie-of-the-server"] {
            assert!(!told.contains(secret), "{secret} over {speaks:?} in:\n{told}");
        }
        story(&told, &target)
    };
    let plain = of(Speaks::Plain, "");
    assert_eq!(of(Speaks::Tls, ""), plain);
    assert_eq!(of(Speaks::Tls, "--http2 own"), plain, "the server wants no HTTP/2");
    assert_eq!(of(Speaks::Http2, "--http2 own"), plain);
    assert_eq!(of(Speaks::Http2Tls, "--http2 own"), plain);
    assert_eq!(of(Speaks::Http2Tls, "--http2 shared"), plain);
}

fn a_replay_ends_as_it_is_told() {
    let target = Register::start();
    let endless = "--seed 7 -u 9 Reader Writer";
    let ended = replay(&target, 2, &format!("{endless} -t 1s")).expect_code(0);
    assert!(ended.stdout.contains("  end: the run time is over. "), "{}", ended.stdout);
    assert!(ended.stdout.contains("/bye\n"), "on_stop runs: {}", ended.stdout);

    let replay = office(&target, &format!("--replay 2 {endless}"));
    let out = replay.path("out");
    let started = replay.start();
    while !std::fs::read_to_string(&out).unwrap().contains("#3 ") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    started.signal(libc::SIGINT);
    let ended = started.wait().expect_code(0);
    assert!(ended.stdout.contains("  end: SIGINT signal. "), "{}", ended.stdout);

    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" \"$@\" | head -n 20"]).arg(std::env::current_exe().unwrap());
    let arguments = format!("--host {} --replay 2 {endless}", target.url);
    let ended = Workload::through(shell, &arguments).run().expect_code(0);
    assert_eq!(ended.stdout.lines().count(), 20);
}

fn what_cannot_be_replayed_is_told() {
    let target = Register::start();
    for (rest, code, expected) in [
        (
            "--replay 3",
            2,
            "argument --replay: user 3 decides the same again only with the seed of its run: add --seed.",
        ),
        (
            "--replay 3 --seed 1",
            2,
            "argument --replay: no user 3 in a run with these options (allowed: only 0)",
        ),
        (
            "--replay 9 --seed 1 -u 9",
            2,
            "argument --replay: no user 9 in a run with these options (allowed: 0 to 8)",
        ),
        ("--replay x --seed 1", 2, "argument --replay: "),
        (
            "--replay 0 --seed 1 --rate 5/s",
            2,
            "argument --replay: not allowed with argument --rate: journeys",
        ),
        (
            "--replay 0 --seed 1 --master",
            2,
            "argument --replay: not allowed with argument --master: ",
        ),
        ("--replay-fast", 2, "argument --replay-fast: needs --replay"),
        ("--replay-secrets", 2, "argument --replay-secrets: needs --replay"),
    ] {
        let ended = office(&target, &format!("{rest} Reader")).run().expect_code(code);
        ended.expect_said(&[expected]);
    }
    assert_eq!(target.take(), Journal::new(), "nobody was started");
}
