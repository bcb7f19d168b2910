//! `swarmer compare A B`: two runs side by side, and which of their differences matter.

use std::ffi::OsString;
use std::process::ExitCode;

use swarmer::options::{Exit, Opt, Program};
use swarmer::report::{Comparison, html};

use crate::VERSION;
use crate::files::{self, Target, failure};

/// Code of `--fail` when B is worse.
const WORSE: u8 = 1;
/// Code when there is no answer, so that it is not taken for one.
const TROUBLE: u8 = 2;

/// Runs the command.
pub fn run(args: Vec<OsString>) -> ExitCode {
    match compare(&program(), args) {
        Ok(exit) | Err(exit) => exit.print(),
    }
}

fn program() -> Program {
    Program::new("swarmer compare", VERSION)
        .about("Put two runs side by side and mark the differences that matter")
        .only(&["help", "version"])
        .usage("A B [--html FILE] [--json] [--fail]")
        .option(
            Opt::words("RUNS")
                .positional()
                .help("A and B: summaries of two runs (--summary-json); B is measured against A")
                .details(
                    "A difference matters when it is more than chance (99 % sure of all of them together) and large \
                     enough to be of use. Intervals suppose that requests are independent of each other; those of one \
                     run are not quite, so what decides is run twice.",
                ),
        )
        .option(
            Opt::path("html")
                .value_name("FILE")
                .help("Write the comparison as a page as well; - is stdout, in place of the text"),
        )
        .option(files::theme_option())
        .option(files::force())
        .option(Opt::flag("json").help("Print everything as JSON instead of the text"))
        .option(
            Opt::flag("fail")
                .help("Exit with code 1 when B is worse than A in a figure that matters, else with 0")
                .details("Code 2 means that there is no answer: a file cannot be read or written."),
        )
        .example("swarmer compare before.json after.json")
        .example("swarmer compare main.json branch.json --html difference.html --fail")
        .example("swarmer compare before.json after.json --json | jq '.rows[] | select(.p95.matters)'")
}

fn compare(program: &Program, args: Vec<OsString>) -> Result<Exit, Exit> {
    let options = crate::read(program, args)?;
    let given = &options.custom;
    let [a, b] = given.words("RUNS") else {
        let problem = format!(
            "two summaries are compared, {} given (example: swarmer compare before.json after.json)",
            given.words("RUNS").len()
        );
        return Err(program.mistake(&problem));
    };
    let trouble = |problem: String| failure(program, TROUBLE, &problem);
    let target = given.path("html").map(|path| Target::new(path, given.flag("force")));
    let target = target.transpose().map_err(trouble)?;
    if given.flag("json") && matches!(target, Some(Target::Stdout)) {
        return Err(program.mistake("argument --html: - and --json both mean stdout; choose one"));
    }
    let (first, second) = (files::read(a).map_err(trouble)?, files::read(b).map_err(trouble)?);
    let comparison = Comparison::of((a, &first), (b, &second));
    let mut text = if given.flag("json") {
        let json = serde_json::to_string_pretty(&comparison);
        json.map_err(|error| trouble(error.to_string()))? + "\n"
    } else {
        comparison.to_string()
    };
    let mut stderr = String::new();
    if let Some(target) = target {
        let theme = files::theme(given.text("theme"));
        let page = html::comparison(&comparison, theme);
        let page = page.map_err(|error| trouble(error.to_string()))?;
        let told = target.write(page).map_err(trouble)?;
        match target {
            Target::Stdout => text = told,
            Target::File { .. } => stderr = told,
        }
    }
    let code = if given.flag("fail") && comparison.is_worse() { WORSE } else { 0 };
    Ok(Exit { code, stdout: text, stderr })
}
