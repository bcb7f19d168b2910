//! Coordinated omission: what clients report of a server that stood still for two seconds.

mod theory;

use std::thread::{self, ScopedJoinHandle};

use anyhow::{Result, anyhow, ensure};
use serde_json::json;

use crate::Arguments;
use crate::accuracy::clients::{self, Reported};
use crate::accuracy::server::Truth;
use crate::accuracy::truth::{percentiles, service_times};
use crate::section::{Limit, Section, Table};
use crate::tools;
use theory::Stall;

const STALL: Stall = Stall { delay: 0.01, length: 2.0, run: 25.0 };
/// wrk2 keeps nothing of its first ten seconds, nor of the time in which it connects: the stall comes after.
const WRK2_KEEPS: f64 = STALL.run - 10.05;
/// Of each run, in seconds; the same as above.
const SECONDS: u32 = 25;
/// Journeys or requests per second where a client can be told so.
const RATE: u32 = 500;
/// k6's: what waits when the stall ends is answered in a row, and the more that is, the less it is what theory is about.
const RATE_OF_K6: u32 = 100;
/// Users or connections where it cannot. With a pace of 0.1 s they make 100 requests per second.
const USERS: u32 = 10;
const PACE: f64 = 0.1;

const WRK2: &str = "wrk2 -c10 -R500";

/// What a client said, under which name; of its requests the server kept a log under the tag.
struct Said {
    who: &'static str,
    tag: u8,
    reported: Reported,
}

type Client<'a> = Box<dyn FnOnce() -> Result<Vec<Said>> + Send + 'a>;

/// # Errors
/// When a client or the server cannot be started, or a request fails.
pub(crate) fn measure(_: &Arguments) -> Result<Section> {
    let mut section = Section::new(
        "stall",
        "A server that stands still",
        &format!(
            "A server on the first core answers after 10 ms, but stands still for 2 s once. All clients load it at the same time \
             from the second core, each for {SECONDS} s with the stall within, so that all meet the same one. Open: {RATE} \
             requests per second (k6: {RATE_OF_K6}), whatever the server does. Closed: {USERS} users or connections who wait for their answers. \
             Theory, for times from the moment due: of a run of T seconds the share S/T is due in a stall of S, and held up by \
             between 0 and S, evenly spread; so percentile p is 10 ms + max(0, S - (1 - p)·T)."
        ),
    );
    let script = ["constant:10000", "--stall-at=15000", "--stall-for=2000"];
    let server = Truth::start(&script.map(str::to_owned))?;
    let clients = clients(server.url(), &mut section);
    let said: Vec<Said> = thread::scope(|scope| {
        let running: Vec<_> = clients.into_iter().map(|client| scope.spawn(client)).collect();
        let ended = running.into_iter().map(ScopedJoinHandle::join);
        let ended = ended.map(|said| said.unwrap_or_else(|_| Err(anyhow!("a thread panicked"))));
        ended.collect::<Result<Vec<_>>>()
    })?
    .into_iter()
    .flatten()
    .collect();
    let told = server.end()?;
    let mut rows = vec![("theory, from due".to_owned(), theory(STALL).to_vec())];
    for Said { who, tag, reported } in &said {
        let mut log = told.log.clone();
        log.retain(|seen| seen.tag == u64::from(*tag));
        let times = service_times(&log);
        ensure!(!times.is_empty(), "the server saw no request of {who}");
        let count = precise(times.len());
        let true_p99 = percentiles(times)?[4] / 1e3;
        rows.push((who.to_string(), [&columns(reported)[..], &[true_p99, count]].concat()));
    }
    judge(&mut section, &said);
    let columns = ["p50", "p90", "p99", "p99.9", "longest", "true p99 from arrival", "requests"];
    section.tables.push(Table {
        caption: "What is reported, in ms".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows,
    });
    section.notes.extend([
        "Closed clients are not wrong about the requests they made: the server's log says the same of them. But each of their users was \
         held up once, and made no request meanwhile; the requests that people would have made in those two seconds are missing."
            .to_owned(),
        "The waits of swarmer's closed users hang on timers of 1 ms; its journeys do not. wrk adds times of requests that it thinks \
         were left out. k6 knows when it sent a request, not when it was due: its open model has a VU ready for each, so the two \
         are the same here.".to_owned(),
    ]);
    if said.iter().any(|said| said.who == WRK2) {
        section.notes.push(
            "wrk2 throws away what it measures in its first ten seconds: it is held against the theory of a run of the rest. After \
             the stall its connections work off what they owe at twice their rate, so that requests are late for two more seconds."
                .to_owned(),
        );
    }
    Ok(section)
}

#[expect(clippy::cast_precision_loss, reason = "a count of requests")]
fn precise(count: usize) -> f64 {
    count as f64
}

/// p50, p90, p99, p99.9 and the longest, in ms.
fn columns(reported: &Reported) -> [f64; 5] {
    let [p50, _, p90, _, p99, p999] = reported.times;
    [p50, p90, p99, p999, reported.most].map(|micros| micros / 1e3)
}

fn theory(stall: Stall) -> [f64; 5] {
    [0.5, 0.9, 0.99, 0.999, 1.0].map(|p| stall.quantile(p) * 1e3)
}

/// How far each client that claims to know is from theory.
fn judge(section: &mut Section, said: &[Said]) {
    for Said { who, reported, .. } in said {
        let run = if *who == WRK2 { WRK2_KEEPS } else { STALL.run };
        let (reported, theory) = (columns(reported), theory(Stall { run, ..STALL }));
        for (at, name) in [(2, "p99"), (3, "p99.9")] {
            let off = [(reported[at] / theory[at] - 1.0).abs() * 100.0];
            let what = format!("{name} off theory");
            if who.contains("swarmer, open, from due") {
                section.limited(who, &what, "%", &off, Limit::AtMost(0.5));
            } else {
                section.figure(who, &what, "%", &off);
            }
        }
    }
}

/// All clients that are there; the slowest to start comes first.
fn clients<'a>(url: &'a str, section: &mut Section) -> Vec<Client<'a>> {
    let one = |who: &'static str, tag: u8, reported: Reported| vec![Said { who, tag, reported }];
    let time = format!("-z{SECONDS}s");
    let mut clients: Vec<Client<'a>> = Vec::new();
    let mut there = |name: &str| tools::present(section, name);
    if let Some(locust) = there("locust") {
        clients.push(Box::new(move || {
            let reported = clients::locust(&locust, url, 6, USERS, SECONDS, PACE)?;
            Ok(one("Locust, closed, constant_pacing(0.1)", 6, reported))
        }));
    }
    clients.push(Box::new(move || open(url)));
    clients.push(Box::new(move || {
        let model = [format!("-u{USERS}"), format!("-r{USERS}"), format!("-t{SECONDS}s")];
        let own = clients::swarmer(url, 1, "Regular", &model)?;
        Ok(one("swarmer, closed, pacing(0.1)", 1, own.service))
    }));
    for (name, tag, who) in [("wrk", 2_u8, "wrk -c10"), ("wrk2", 7, WRK2)] {
        let Some(program) = there(name) else { continue };
        let mut options = vec![format!("-c{USERS}"), format!("-d{SECONDS}s")];
        options.extend((name == "wrk2").then(|| format!("-R{RATE}")));
        clients.push(Box::new(move || {
            Ok(one(who, tag, clients::wrk(&program, &format!("{url}/{tag}"), &options)?))
        }));
    }
    if let Some(oha) = there("oha") {
        for (tag, who, more) in [
            (3_u8, "oha -c10", None),
            (4, "oha -c10 -q500", Some("")),
            (5, "oha -c10 -q500 --latency-correction", Some("--latency-correction")),
        ] {
            let mut options = vec![format!("-c{USERS}"), time.clone()];
            options.extend(more.map(|_| format!("-q{RATE}")));
            options.extend(more.filter(|more| !more.is_empty()).map(str::to_owned));
            let oha = oha.clone();
            clients.push(Box::new(move || {
                Ok(one(who, tag, clients::oha(&oha, &format!("{url}/{tag}"), &options)?))
            }));
        }
    }
    if let Some(k6) = there("k6") {
        let duration = format!("{SECONDS}s");
        let closed = json!({"executor": "constant-vus", "vus": USERS, "duration": duration});
        // A VU for each request that can wait for its answer at once, and some more.
        let waiting = RATE_OF_K6 * 5 / 2;
        let open = json!({"executor": "constant-arrival-rate", "rate": RATE_OF_K6, "duration": duration, "preAllocatedVUs": waiting});
        for (tag, who, scenario) in
            [(8_u8, "k6, closed, 10 VUs", closed), (9, "k6, open, 100/s", open)]
        {
            let k6 = k6.clone();
            clients.push(Box::new(move || {
                Ok(one(who, tag, clients::k6(&k6, &format!("{url}/{tag}"), &scenario)?))
            }));
        }
    }
    section.versions.insert(0, tools::own_version());
    clients
}

/// This engine's open model, which says both: times from due and from sent.
fn open(url: &str) -> Result<Vec<Said>> {
    let model = [format!("--rate={RATE}/s"), format!("-t{SECONDS}s"), "-u5000".to_owned()];
    let own = clients::swarmer(url, 0, "Asker", &model)?;
    ensure!(own.dropped == 0, "{} journeys were dropped", own.dropped);
    let due = own.from_due.ok_or_else(|| anyhow!("nothing was due"))?;
    let said = [("swarmer, open, from due", due), ("swarmer, open, from sent", own.service)];
    Ok(said.map(|(who, reported)| Said { who, tag: 0, reported }).into())
}
