//! Measures this engine beside its peers, against the same server, in one run. Absolute figures drift with the machine and
//! the hour; what counts is the ratio of two runs that follow each other, and the median of several such ratios.

mod contender;
mod dynaclaimz;
mod figures;
mod memory;
mod server;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use contender::{hammer, wrk};
use figures::{Outcome, Spread};
use server::Nginx;

/// Measures this engine beside wrk: requests per second on one core, and memory of waiting users.
#[derive(Parser, Debug)]
struct Arguments {
    /// How often each contender runs; they take turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Length of one run, in seconds.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(2..=60))]
    seconds: u32,
    /// Connections that ask all the time.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    connections: u32,
    /// Users whose memory is measured while they wait.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(100..=20_000))]
    waiting: u32,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let cores = std::thread::available_parallelism()?.get();
    ensure!(
        cores >= 2,
        "the server and the client each need a core of their own, and there is only {cores}"
    );
    let server = Nginx::start().context("cannot start nginx (make bench installs it)")?;
    throughput(&arguments, &server)?;
    memory::report(arguments.waiting, &server)?;
    drop(server);
    dynaclaimz::report(arguments.rounds.min(3), arguments.seconds)
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn throughput(arguments: &Arguments, server: &Nginx) -> Result<()> {
    let Arguments { rounds, seconds, connections, .. } = *arguments;
    println!(
        "One core each for server (nginx, one worker) and client; {connections} connections, no wait; \
         {rounds} rounds of {seconds} s each, contenders taking turns.\n"
    );
    println!("round   contender   requests/s   CPU us/request   peak RSS MiB   ratio");
    let (mut ratios, mut all) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let theirs = wrk(server.url(), connections, seconds, &[])?;
        let ours = hammer(server.url(), connections, seconds)?;
        let ratio = ours.rate / theirs.rate;
        print_row(round, "wrk", &theirs, None);
        print_row(round, "swarmer", &ours, Some(ratio));
        ratios.push(ratio);
        all.push((theirs, ours));
    }
    let ratio = Spread::of(&ratios);
    let cpu = |pick: fn(&(Outcome, Outcome)) -> &Outcome| {
        Spread::of(&all.iter().map(|pair| pick(pair).cpu_per_request()).collect::<Vec<_>>()).median
    };
    println!(
        "\nswarmer / wrk, requests per second: median {:.3} (from {:.3} to {:.3})",
        ratio.median, ratio.least, ratio.most
    );
    println!(
        "CPU per request, median: wrk {:.2} us, swarmer {:.2} us, ratio {:.2}\n",
        cpu(|pair| &pair.0),
        cpu(|pair| &pair.1),
        cpu(|pair| &pair.1) / cpu(|pair| &pair.0)
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn print_row(round: u32, name: &str, outcome: &Outcome, ratio: Option<f64>) {
    let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.3}"));
    println!(
        "{round:>5}   {name:<9} {:>12.0} {:>16.2} {:>14.1}   {ratio}",
        outcome.rate,
        outcome.cpu_per_request(),
        outcome.peak_mib
    );
}
