//! How true the percentiles are: what clients report, beside what the scripted server knows.

pub(crate) mod clients;
pub(crate) mod server;
mod table;
pub(crate) mod truth;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::Arguments;
use crate::section::{Limit, Section};
use crate::tools::{own_version, present};
use clients::Own;
use server::{Told, Truth};
use table::Line;
use truth::{Errors, OFF_GRID, Times, percentiles, rate, service_times, times_from_due};

/// What the server does.
struct Script {
    name: &'static str,
    /// As the program `truth` takes it.
    words: &'static [&'static str],
    /// What a request takes on average when it follows the one before at once, in seconds.
    mean: f64,
}

const SCRIPTS: [Script; 4] = [
    Script { name: "constant 5 ms", words: &["constant:5000"], mean: 0.005 },
    Script { name: "85 % 2 ms, 15 % 20 ms", words: &["bimodal:2000:20000:0.15"], mean: 0.0047 },
    Script { name: "Pareto from 2 ms, α 2", words: &["pareto:2000:2"], mean: 0.004 },
    Script {
        name: "2 ms, still for 50 of 500 ms",
        words: &["constant:2000", "--stall-at=300", "--stall-for=50", "--stall-every=500"],
        mean: 0.002_22,
    },
];

/// Shares of the generator's capacity.
const LOADS: [f64; 3] = [0.1, 0.5, 0.9];
/// How long each run lasts, in seconds.
const SECONDS: u32 = 2;
/// Requests that wait for their answers, at most.
const MOST_USERS: u32 = 9_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    Closed,
    Open,
}

/// # Errors
/// When a client or the server cannot be started, or a request fails.
pub(crate) fn measure(_: &Arguments) -> Result<Section> {
    let mut section = Section::new(
        "accuracy",
        "Accuracy",
        &format!(
            "A server on the first core answers after scripted delays and keeps, in nanoseconds, when the kernel received each \
             request and when it gave the answer to the kernel. The client runs on the second core for {SECONDS} s. Of the same \
             requests the percentiles 50, 75, 90, 95, 99 and 99.9 are taken from that log, by the same rule (rank floor(n·p)), \
             and compared with what the client says. Allowed is an error of 0.5 % or 50 µs, whichever is more. The server's own \
             lateness is in its log, so it is part of the truth. The way through the kernel to and fro is not, though a client \
             rightly counts it: it stands in the errors as it is, some 10 to 30 µs where nothing is busy. Times from due: each \
             request tells the server when it was due; that these moments lie at even distances, each taken once and none left \
             out but by dropped journeys, and that nothing came before it was due, is checked to {OFF_GRID} ns."
        ),
    );
    let capacity = capacities(&mut section)?;
    let mut lines = Vec::new();
    for (model, capacity) in [(Model::Closed, capacity.0), (Model::Open, capacity.1)] {
        for load in LOADS {
            let found = own(model, load, capacity)?;
            limits(&mut section, model, load, &found);
            lines.extend(found);
        }
    }
    lines.extend(peers(&mut section, capacity.0)?);
    table::add(&mut section, &lines);
    section.commands.extend([
        "taskset -c 0 truth LOG SCRIPT".to_owned(),
        "taskset -c 1 truth_asker --host URL/0 --headless --threads=1 --summary-json FILE --users N --iterations M Asker".to_owned(),
        "taskset -c 1 truth_asker --host URL/0 --headless --threads=1 --summary-json FILE --rate R/s --iterations M Asker".to_owned(),
    ]);
    section.versions.insert(0, own_version());
    Ok(section)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Requests per second, closed and open, at which the client can do no more, of a server that answers at once.
fn capacities(section: &mut Section) -> Result<(f64, f64)> {
    let flat_out = |model: Vec<String>| -> Result<(f64, f64, f64)> {
        let server = Truth::start(&words(&["nothing"]))?;
        let own = clients::swarmer(server.url(), 0, "Asker", &model)?;
        let told = server.end()?;
        Ok((rate(&told.log)?, told.busy, own.cpu))
    };
    let time = format!("--run-time={SECONDS}s");
    let users = ["--users=100".to_owned(), "--spawn-rate=100000".to_owned(), time.clone()];
    let (closed, busy, cpu) = flat_out(users.to_vec())?;
    let asked = format!("--rate={:.0}/s", closed * 1.2);
    let (open, open_busy, open_cpu) = flat_out(vec![asked, "--users=100".to_owned(), time])?;
    section.figure("swarmer, closed", "capacity", "/s", &[closed]);
    section.figure("swarmer, open", "capacity", "/s", &[open]);
    let used = |cpu: f64| cpu / f64::from(SECONDS) * 100.0;
    section.notes.push(format!(
        "Capacity is that of client and server together, measured first: of a server that answers at once, with 100 users without \
         pause (closed) and at 1.2 times that rate (open). The client then used {:.0} % and {:.0} % of its core, the server had \
         something to do {:.0} % and {:.0} % of the time.",
        used(cpu), used(open_cpu), busy * 100.0, open_busy * 100.0
    ));
    Ok((closed, open))
}

/// All scripts with this engine.
fn own(model: Model, load: f64, capacity: f64) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for script in &SCRIPTS {
        let server = Truth::start(&words(script.words))?;
        let wanted = load * capacity;
        let count = whole(wanted * f64::from(SECONDS));
        let mut model_options = vec![format!("--iterations={count}"), "--run-time=20s".to_owned()];
        model_options.extend(match model {
            Model::Closed => {
                vec![format!("--users={}", users(wanted, script)), "--spawn-rate=100000".into()]
            }
            Model::Open => vec![format!("--rate={wanted:.0}/s"), format!("--users={MOST_USERS}")],
        });
        let own = clients::swarmer(server.url(), 0, "Asker", &model_options)?;
        let told = server.end()?;
        lines.extend(compared(model, load, script, &own, &told, wanted.round())?);
    }
    Ok(lines)
}

/// As many users without pause as make this many requests per second, next to nothing but the delays taking time.
fn users(rate: f64, script: &Script) -> u64 {
    whole(rate * (script.mean + 50e-6)).max(1)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of one run")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

fn compared(
    model: Model,
    load: f64,
    script: &Script,
    own: &Own,
    told: &Told,
    wanted: f64,
) -> Result<Vec<Line>> {
    let answered = told.log.iter().filter(|seen| seen.departure.is_some()).count() as u64;
    ensure!(
        answered == own.requests,
        "the client counts {} requests, the server {answered}",
        own.requests
    );
    let who = if model == Model::Closed { "closed" } else { "open" };
    let line = |kind: &str, truth: Times, reported: Times| -> Result<Line> {
        Ok(Line {
            client: format!("swarmer, {who}{kind}, {:.0} %", load * 100.0),
            script: script.name,
            rate: rate(&told.log)?,
            errors: Errors { truth, reported },
            suspect: own.suspect,
            late: own.late,
        })
    };
    let mut lines = vec![line("", percentiles(service_times(&told.log))?, own.service.times)?];
    if let Some(due) = own.from_due {
        let truth = times_from_due(&told.log, wanted, own.dropped)?;
        lines.push(line(", from due", percentiles(truth)?, due.times)?);
    }
    Ok(lines)
}

/// One limit for service times, one for times from due.
fn limits(section: &mut Section, model: Model, load: f64, found: &[Line]) {
    let kinds: &[(&str, &str)] = match model {
        Model::Closed => &[("swarmer, closed", "")],
        Model::Open => &[("swarmer, open", ""), ("swarmer, open", ", from due")],
    };
    for (who, kind) in kinds {
        let client = format!("{who}{kind}, {:.0} %", load * 100.0);
        let lines = found.iter().filter(|line| line.client == client);
        let worst: Vec<f64> = lines.map(|line| line.errors.worst_of_allowed()).collect();
        let what = "worst error of p50 to p99.9 by script";
        section.limited(&client, what, "× allowed", &worst, Limit::AtMost(1.0));
    }
}

/// All scripts with the peers, in the closed model.
fn peers(section: &mut Section, capacity: f64) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for name in ["wrk", "oha", "locust", "k6"] {
        let Some(program) = present(section, name) else { continue };
        // Locust and k6 make a few thousand requests a second at most.
        let load = if ["locust", "k6"].contains(&name) { 0.02 } else { 0.5 };
        let found = SCRIPTS.iter().map(|script| peer(name, &program, script, load, capacity));
        let found: Vec<Line> = found.collect::<Result<_>>()?;
        let worst: Vec<f64> = found.iter().map(|line| line.errors.worst_of_allowed()).collect();
        let what = "worst error of p50 to p99.9 by script";
        section.figure(&found[0].client, what, "× allowed", &worst);
        lines.extend(found);
    }
    section.notes.push(
        "Loads of peers are shares of swarmer's capacity, with as many connections. Locust rounds percentiles above 100 ms to \
         10 ms and others to 1 ms. oha counts connecting into the first request of each connection."
            .to_owned(),
    );
    Ok(lines)
}

fn peer(
    name: &str,
    program: &std::path::Path,
    script: &Script,
    load: f64,
    capacity: f64,
) -> Result<Line> {
    let server = Truth::start(&words(script.words))?;
    let (url, wanted) = (format!("{}/0", server.url()), load * capacity);
    let users = users(wanted, script);
    let reported = match name {
        "wrk" => {
            let options = [format!("-c{users}"), format!("-d{SECONDS}s")];
            clients::wrk(program, &url, &options)?
        }
        "oha" => {
            let count = whole(wanted * f64::from(SECONDS));
            clients::oha(program, &url, &[format!("-c{users}"), format!("-n{count}")])?
        }
        "k6" => {
            let duration = format!("{SECONDS}s");
            let scenario = json!({"executor": "constant-vus", "vus": users, "duration": duration});
            clients::k6(program, &url, &scenario)?
        }
        _ => {
            let users = u32::try_from(users).context("too many users")?;
            clients::locust(program, server.url(), 0, users, SECONDS, 0.0)?
        }
    };
    let told = server.end()?;
    Ok(Line {
        client: format!("{name}, closed, {:.0} %", load * 100.0),
        script: script.name,
        rate: rate(&told.log)?,
        errors: Errors { truth: percentiles(service_times(&told.log))?, reported: reported.times },
        suspect: false,
        late: 0.0,
    })
}
