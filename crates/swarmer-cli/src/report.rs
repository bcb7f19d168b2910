//! `swarmer report SUMMARY`: the HTML report of a run, made again from its saved summary.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use swarmer::options::{Exit, Opt, Program};
use swarmer::report::html;

use crate::VERSION;
use crate::files::{self, Target, failure};

/// Runs the command.
pub fn run(args: Vec<OsString>) -> ExitCode {
    match make(&program(), args) {
        Ok(printed) => crate::output(printed),
        Err(exit) => exit.print(),
    }
}

fn program() -> Program {
    Program::new("swarmer report", VERSION)
        .about("Make the HTML report of a run again from what --summary-json wrote")
        .only(&["help", "version"])
        .usage("SUMMARY [-o FILE.html]")
        .option(
            Opt::words("SUMMARY")
                .positional()
                .help("The summary of a run: a file of --summary-json or of `swarmer merge`"),
        )
        .option(
            Opt::path("output").short('o').value_name("FILE").help(
                "Where the report goes: SUMMARY with .html at its end if not given; - is stdout",
            ),
        )
        .option(files::theme_option())
        .option(files::force())
        .example(
            "swarmer hit http://localhost:8080/ --summary-json run.json && swarmer report run.json",
        )
        .example("swarmer report run.json -o - --theme dark > report.html")
}

fn make(program: &Program, args: Vec<OsString>) -> Result<String, Exit> {
    let options = crate::read(program, args)?;
    let given = &options.custom;
    let summary = match given.words("SUMMARY") {
        [summary] => summary,
        [] => return Err(program.mistake("no SUMMARY given (example: swarmer report run.json)")),
        [_, second, ..] => {
            let problem = format!("one SUMMARY only, but there is also {}", crate::quote(second));
            return Err(program.mistake(&problem));
        }
    };
    let failed = |problem: String| failure(program, 1, &problem);
    let place = given.path("output").map_or_else(|| beside(summary), Path::to_owned);
    let target = Target::new(&place, given.flag("force")).map_err(failed)?;
    let record = files::read(summary).map_err(failed)?;
    let theme = files::theme(given.text("theme"));
    let page = html::report(&record, theme).map_err(|error| failed(error.to_string()))?;
    target.write(page).map_err(failed)
}

/// `run.json` becomes `run.html`; whatever else a name ends with stays.
fn beside(summary: &str) -> PathBuf {
    let name = summary.strip_suffix(".json").unwrap_or(summary);
    format!("{name}.html").into()
}
