//! Many workers in one process, for the measurement of what a master bears: each has a connection of its own and says what a
//! worker says, heartbeats and reports, but runs no user. Half of what it takes is to be cheaper than the master, so
//! figures are made once a round, in several versions that workers take in turn, by the engine's own recorder.

mod figures;
mod letters;
mod worker;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use swarmer::cluster::Identity;
use swarmer::cluster::zmtp::{ConnectOptions, connect};
use tokio::runtime::Builder;
use tokio::time::{interval, sleep};

use figures::Press;
use worker::{Deeds, Form, Habits, work};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pretends to be many workers of a master on 127.0.0.1, until that master says quit.
#[derive(Parser, Debug)]
struct Arguments {
    /// Where the master listens.
    #[arg(long)]
    port: u16,
    /// Whose reports these are.
    #[arg(long, value_enum)]
    form: Form,
    /// How many workers.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    workers: u32,
    /// Names in each report.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=500))]
    names: u32,
    /// Requests under each name in each report.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    requests: u32,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(pretend(&arguments))
}

/// One line of JSON at the end: what was reported.
#[expect(clippy::print_stdout, reason = "it is what the program is for")]
async fn pretend(arguments: &Arguments) -> Result<()> {
    let report_every = arguments.form.report_every();
    let press = Arc::new(Press::new(arguments.names, arguments.requests, arguments.form));
    let deeds = Arc::new(Deeds::default());
    let mut workers = Vec::new();
    for number in 0..arguments.workers {
        let identity = Identity::new(&format!("pretender{}_{number:032x}", number % 50))?;
        let socket = connect("127.0.0.1", arguments.port, &identity, ConnectOptions::default())
            .with_context(|| format!("worker {number} cannot connect"))?;
        let habits = Habits {
            form: arguments.form,
            number,
            heartbeat: Duration::from_secs(1),
            report: report_every,
            // Workers do not beat in time with each other.
            delay: report_every * number / arguments.workers,
        };
        workers.push(tokio::spawn(work(
            socket,
            identity,
            habits,
            Arc::clone(&press),
            Arc::clone(&deeds),
        )));
    }
    let printing = tokio::spawn({
        let press = Arc::clone(&press);
        async move {
            // As often as any worker reports, so that each figure is of the second in which it is sent.
            let mut rounds = interval(Duration::from_secs(1));
            loop {
                rounds.tick().await;
                press.print();
                sleep(Duration::from_millis(1)).await;
            }
        }
    });
    for worker in workers {
        worker.await?;
    }
    printing.abort();
    let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let welcomed = get(&deeds.welcomed);
    ensure!(
        welcomed == u64::from(arguments.workers),
        "the master took {welcomed} of {} workers",
        arguments.workers
    );
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of one run")]
    let seconds = (get(&deeds.last) - get(&deeds.first)) as f64 / 1e3;
    println!(
        "{}",
        serde_json::json!({
            "seconds": seconds,
            "starts": get(&deeds.starts),
            "requests": get(&deeds.requests),
            "reports": get(&deeds.reports),
            "bytes": get(&deeds.bytes),
            "repeated": get(&deeds.repeated),
        })
    );
    Ok(())
}
