//! Measures this engine beside its peers, against the same server, in one run. Absolute figures drift with the machine and
//! the hour; what counts is the ratio of two runs that follow each other, and the median of several such ratios.

mod accuracy;
mod agents;
mod ceiling;
mod cluster;
mod contender;
mod drivers;
mod dynaclaimz;
mod figures;
mod generator;
mod http2;
mod journeys;
mod memory;
mod peers;
mod process;
mod readme;
mod record;
mod section;
mod server;
mod show;
mod spawning;
mod stall;
mod start;
mod throughput;
mod tls;
mod tools;
mod turns;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::Parser;

use record::{Record, Ticks};
use section::Section;

/// Measures this engine beside its peers and says what came out, as ratios.
#[derive(Parser, Debug)]
struct Arguments {
    /// Measure these parts only, separated by commas; without it, all of them but `agents` and `hour`.
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<String>,
    /// List the parts and end.
    #[arg(long)]
    list: bool,
    /// How often each contender runs where contenders take turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Length of one run where contenders take turns, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=60))]
    seconds: u32,
    /// Connections that ask all the time.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    connections: u32,
    /// Pretended workers of the part `cluster`.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    workers: u32,
    /// Keep every single value in this file, as JSON; parts that it holds and that are not measured now stay.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Measure nothing: write the published page from this file to standard output.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "save", "list"])]
    page: Option<PathBuf>,
    /// Instead of the page write this text, its table of ratios made anew from the same file.
    #[arg(long, value_name = "FILE", requires = "page")]
    readme: Option<PathBuf>,
}

/// Measures one part.
type Measure = fn(&Arguments) -> Result<Section>;

/// All parts, in the order in which they are measured and published.
const PARTS: &[(&str, Measure)] = &[
    ("throughput", throughput::measure),
    ("accuracy", accuracy::measure),
    ("stall", stall::measure),
    ("drivers", drivers::measure),
    ("tls", tls::measure),
    ("http2", http2::measure),
    ("memory", memory::measure),
    ("spawning", spawning::measure),
    ("start", start::measure),
    ("journeys", journeys::measure),
    ("services", dynaclaimz::measure),
    ("cluster", cluster::measure),
    ("agents", agents::measure),
    ("hour", memory::measure_hour),
];

/// Measured only when named: one takes longer than all others together, the other says nothing of peers.
const ON_REQUEST: [&str; 2] = ["agents", "hour"];

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    if arguments.list {
        println!("{}", names.join("\n"));
        return Ok(());
    }
    if let Some(file) = &arguments.page {
        let record = Record::read(file)?;
        match &arguments.readme {
            Some(readme) => {
                print!("{}", readme::with_table(&fs::read_to_string(readme)?, &record)?);
            }
            None => print!("{}", show::page(&record, &file.display().to_string())),
        }
        return Ok(());
    }
    for part in &arguments.only {
        if !names.contains(&part.as_str()) {
            bail!("--only: there is no part `{part}`; parts are {}", names.join(", "));
        }
    }
    let cores = std::thread::available_parallelism()?.get();
    ensure!(
        cores >= 2,
        "the server and the client each need a core of their own, and there is only {cores}"
    );
    let mut record = match &arguments.save {
        Some(file) if file.exists() => Record::read(file)?,
        _ => Record::default(),
    };
    record.machine = record::machine();
    println!("{}\n", record.machine);
    for (name, measure) in PARTS {
        let wanted = match arguments.only.as_slice() {
            [] => !ON_REQUEST.contains(name),
            only => only.iter().any(|only| only == name),
        };
        if !wanted {
            continue;
        }
        let (began, clock, before) = (record::beginning(), Instant::now(), Ticks::now());
        let section = measure(&arguments)?;
        let stolen = Ticks::now().zip(before).and_then(|(now, before)| now.stolen_since(before));
        let section = Section { began, stolen, ..section };
        println!("{}", show::section(&section, 2));
        println!("({name} took {:.0} s)\n", clock.elapsed().as_secs_f64());
        record.take(section, &names);
        // Part by part: what an hour has measured does not get lost when the next part fails.
        if let Some(file) = &arguments.save {
            record.write(file)?;
        }
    }
    Ok(())
}
