//! The demonstration's journeys at saturation: the agents of `load-tests` beside the same agents in Locust and in Goose.

mod counts;

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::Arguments;
use crate::contender::{Contender, URL};
use crate::dynaclaimz::System;
use crate::generator::Finished;
use crate::process::cpu_of;
use crate::section::{Section, Table};
use crate::tools::{beside, own_version, peer, present};
use counts::{Counts, of_csv, of_goose, of_locust};

/// Agents at work.
const AGENTS: u32 = 32;

/// Length of a run, in seconds: the start, what is measured, and some more, because the clock of a generator begins earlier:
/// that of Locust before its modules are loaded.
const SECONDS: u64 = START + MEASURED + 2;

/// So long after its first requests, in seconds, a generator has all its agents signed in.
const START: u64 = 2;

/// And so long it is watched then, in seconds; an even number.
const MEASURED: u64 = 6;

/// The longest that a generator may take to its first requests.
const PATIENCE: Duration = Duration::from_secs(30);

/// Each takes a run of each contender.
const MOST_ROUNDS: u32 = 2;

/// What each sign-in costs the services: their least, or most of their time would go into hashing passwords, and how many
/// sign-ins fall into a run would decide over its rate.
pub(crate) const BCRYPT_COST: u32 = 4;

/// # Errors
/// When the services or a generator cannot be started, or requests fail.
pub(crate) fn measure(arguments: &Arguments) -> Result<Section> {
    let rounds = arguments.rounds.min(MOST_ROUNDS);
    let mut section = Section::new(
        "journeys",
        "Whole journeys",
        &format!(
            "All of DynaClaimz in one process on the first core, on SQLite, started and seeded anew for each run, so that all find \
             the same; the generator on the second, with {AGENTS} agents who neither wait nor think: sign-in (BCRYPT_COST={BCRYPT_COST}), \
             lists, changes, seven journeys by their weights. {rounds} rounds, taking turns. Of each run {MEASURED} s are measured, \
             {START} s after its first requests: requests as the gateway counts them, and the processor time of both processes meanwhile."
        ),
    );
    section.versions = vec![own_version()];
    let sides = sides(&mut section)?;
    let mut runs: Vec<Runs> = sides.iter().map(|_| Runs::default()).collect();
    for _ in 0..rounds {
        for (side, runs) in sides.iter().zip(&mut runs) {
            runs.take(side)?;
        }
    }
    for (Side { contender, .. }, runs) in sides.iter().zip(&runs) {
        section.commands.push(contender.command());
        runs.show(&mut section, contender.name);
    }
    let named: Vec<_> = sides.iter().map(|side| side.contender.name).zip(&runs).collect();
    compare(&mut section, &named);
    section.tables.push(mix(&named));
    section.notes.push(NOTE.to_owned());
    Ok(section)
}

const NOTE: &str = "Requests/s are what the services can answer, one core full, so they follow from which requests are made: where \
                    journeys end early because nothing is found, as in a new database, a larger part is sign-ins. At the usual \
                    cost of bcrypt sign-ins took most of the services' time, and with one database for all runs the \
                    contenders met different ones, \
                    so rates of that time (Locust ahead by a third) are not comparable. The last table shows how equal the requests are.";

/// A generator, and how to read which requests it made.
struct Side {
    contender: Contender,
    counts: fn(&Finished) -> Result<Counts>,
}

/// Ours first, then those peers that are here.
fn sides(section: &mut Section) -> Result<Vec<Side>> {
    let mut sides =
        vec![Side { contender: ours()?, counts: |run| of_csv(&run.file("run_stats.csv")?) }];
    if present(section, "locust").is_some() {
        sides.push(Side { contender: locust()?, counts: |run| of_locust(&run.file("stdout")?) });
    }
    if present(section, "goose-agents").is_some() {
        sides.push(Side { contender: goose()?, counts: |run| of_goose(&run.file("report.json")?) });
    }
    Ok(sides)
}

fn contender(name: &'static str, program: std::path::PathBuf, arguments: &str) -> Contender {
    let arguments = arguments.split_whitespace();
    Contender::new(name, program, arguments, |_| anyhow::bail!("the gateway counts its requests"))
}

fn ours() -> Result<Contender> {
    let arguments = format!(
        "--host={URL} --headless --only-summary --csv=run --users={AGENTS} --spawn-rate=100 --threads=1 --run-time={SECONDS}s \
         --wait-min=0 --wait-max=0 --think-min=0 --think-max=0 --exit-code-on-error=0"
    );
    Ok(contender("load-tests", beside("load-tests")?, &arguments))
}

fn locust() -> Result<Contender> {
    let arguments = format!(
        "--locustfile=agents.py --host={URL} --headless --json --users={AGENTS} --spawn-rate=100 --run-time={SECONDS}s \
         --exit-code-on-error=0"
    );
    let contender = contender("Locust", peer("locust")?, &arguments);
    Ok(contender.file("agents.py", include_str!("../peers/journeys-locust/agents.py")))
}

fn goose() -> Result<Contender> {
    let arguments = format!(
        "--host={URL} --users={AGENTS} --increase-rate=100 --run-time={SECONDS}s --quiet --no-reset-metrics \
         --report-file=report.json"
    );
    Ok(contender("Goose", peer("goose-agents")?, &arguments))
}

/// One contender's figures by round.
#[derive(Default)]
struct Runs {
    rates: Vec<f64>,
    /// Processor time per request, in microseconds: of the generator and of the services.
    costs: Vec<f64>,
    services: Vec<f64>,
    failures: Vec<f64>,
    /// Of all rounds.
    counts: Counts,
}

impl Runs {
    fn take(&mut self, side: &Side) -> Result<()> {
        let system = System::start(Some("0"), Some(BCRYPT_COST))?;
        let mut generator = side.contender.start(&system.gateway_url())?;
        let until = Instant::now() + PATIENCE;
        while system.requests()? < f64::from(AGENTS) {
            ensure!(Instant::now() < until, "no requests of {}", side.contender.name);
            sleep(Duration::from_millis(50));
        }
        sleep(Duration::from_secs(START));
        let mut look = || -> Result<_> {
            let moment = Instant::now();
            Ok((moment, system.requests()?, generator.cpu()?, cpu_of(system.id())?))
        };
        let before = look()?;
        sleep(Duration::from_secs(MEASURED / 2));
        let middle = look()?;
        sleep(Duration::from_secs(MEASURED / 2));
        let after = look()?;
        let requests = after.1 - before.1;
        let late = after.1 - middle.1;
        let name = side.contender.name;
        ensure!(late > requests / 4.0, "{name} had ended before it was measured to the end");
        self.rates.push(requests / (after.0 - before.0).as_secs_f64());
        self.costs.push((after.2 - before.2) / requests * 1e6);
        self.services.push((after.3 - before.3) / requests * 1e6);
        let counts = (side.counts)(&generator.finish()?)?;
        let (all, failures) = counts.total();
        ensure!(failures < all / 100.0, "{failures} of {all} requests failed");
        self.failures.push(failures);
        self.counts.add(&counts);
        Ok(())
    }

    fn per_core(&self) -> Vec<f64> {
        self.costs.iter().map(|cost| 1e6 / cost).collect()
    }

    fn show(&self, section: &mut Section, name: &str) {
        section.figure(name, "requests", "/s", &self.rates);
        section.figure(name, "requests per second per core of generator", "/s", &self.per_core());
        section.figure(name, "CPU per request", "µs", &self.costs);
        section.figure(name, "CPU per request of the services", "µs", &self.services);
        section.figure(name, "failures", "", &self.failures);
    }
}

/// Ours over each peer's.
fn compare(section: &mut Section, named: &[(&str, &Runs)]) {
    let Some(((us, ours), peers)) = named.split_first() else { return };
    for (name, theirs) in peers {
        let what = "requests per second per core of generator";
        section.ratio(what, (us, &ours.per_core()), (name, &theirs.per_core()), None);
        section.ratio("requests/s", (us, &ours.rates), (name, &theirs.rates), None);
        let what = "CPU per request of the services";
        section.ratio(what, (us, &ours.services), (name, &theirs.services), None);
    }
}

/// Which requests were made.
fn mix(named: &[(&str, &Runs)]) -> Table {
    let mut names: Vec<&str> = named.iter().flat_map(|(_, runs)| runs.counts.names()).collect();
    names.sort_unstable();
    names.dedup();
    let share = |name: &str| named.iter().map(|(_, runs)| runs.counts.percent(name)).collect();
    Table {
        caption: "Of a hundred requests so many were these; all rounds together, starts included"
            .to_owned(),
        columns: named.iter().map(|(name, _)| (*name).to_owned()).collect(),
        rows: names.into_iter().map(|name| (name.to_owned(), share(name))).collect(),
    }
}
