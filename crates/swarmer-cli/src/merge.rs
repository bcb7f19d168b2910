//! `swarmer merge A B …`: saved runs added up to one summary.

use std::ffi::OsString;
use std::process::ExitCode;

use swarmer::options::{Exit, Opt, Program};
use swarmer::report::json;
use swarmer::stats::Record;

use crate::VERSION;
use crate::files::{self, Target, failure};

/// Runs the command.
pub fn run(args: Vec<OsString>) -> ExitCode {
    match merge(&program(), args) {
        Ok(printed) => crate::output(printed),
        Err(exit) => exit.print(),
    }
}

fn program() -> Program {
    Program::new("swarmer merge", VERSION)
        .about("Add saved runs up to one summary, exactly: by their histograms, not by their percentiles")
        .only(&["help", "version"])
        .usage("A B [C ...] -o FILE")
        .option(
            Opt::words("RUNS")
                .positional()
                .help("Summaries of two runs or more (--summary-json)")
                .details(
                    "Counts, percentiles of rows, segments and funnels are those that one run with all requests would \
                     have had; rates are over the time that at least one of the runs took. Percentiles over time are \
                     bounds only.",
                ),
        )
        .option(
            Opt::path("output")
                .short('o')
                .value_name("FILE")
                .help("Where the sum goes; - is stdout. Needed"),
        )
        .option(files::force())
        .example("swarmer merge monday.json tuesday.json -o both.json && swarmer report both.json")
}

fn merge(program: &Program, args: Vec<OsString>) -> Result<String, Exit> {
    let options = crate::read(program, args)?;
    let given = &options.custom;
    let names = given.words("RUNS");
    if names.len() < 2 {
        let problem = format!(
            "two summaries or more are added up, {} given (example: swarmer merge a.json b.json -o sum.json)",
            names.len()
        );
        return Err(program.mistake(&problem));
    }
    let Some(place) = given.path("output") else {
        return Err(program.mistake("argument -o: no FILE given for the sum (- is stdout)"));
    };
    let failed = |problem: String| failure(program, 1, &problem);
    let target = Target::new(place, given.flag("force")).map_err(failed)?;
    let read = names.iter().map(|name| Ok((name.as_str(), files::read(name)?)));
    let records: Vec<(&str, Record)> = read.collect::<Result<_, String>>().map_err(failed)?;
    let runs: Vec<(&str, &Record)> = records.iter().map(|(name, record)| (*name, record)).collect();
    let sum = Record::merge(&runs).map_err(|error| failed(error.to_string()))?;
    target.write(json::record(&sum)).map_err(failed)
}
