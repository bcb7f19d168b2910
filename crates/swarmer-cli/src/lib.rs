//! The tool `swarmer`: [`hit`] puts load on one URL, [`new`] starts a workload of one's own, [`hash_password`] lets
//! somebody sign in to the web page; [`report`], [`compare`] and [`merge`] work with saved summaries of runs.
//!
//! All are built on the engine's public interface only: `hit` is a workload of one scenario whose command line is the
//! engine's, with fewer options and a few of its own.

pub mod compare;
mod files;
pub mod hash_password;
pub mod hit;
pub mod merge;
pub mod new;
pub mod report;

use std::ffi::OsString;
use std::process::ExitCode;

use swarmer::options::{Exit, Program, Surroundings, parse};

/// Version of the tool, which is that of the engine.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const HELP: &str = "\
Load with the engine of swarmer: real users, honest percentiles, one binary

Usage: swarmer <COMMAND> [options]

Commands:
  hit URL    Put load on one URL and watch: rates, percentiles, a latency heat map
  new NAME   Write a workload project that compiles and runs at once
  report SUMMARY
             Make the HTML report of a run again from its saved summary
  compare A B
             Put two saved runs side by side and mark the differences that matter
  merge A B [C ...] -o FILE
             Add saved runs up to one summary, exactly
  hash-password NAME
             Print a line for the file of users who may sign in to the web page

Options:
  -h, --help     Show this help and exit; `swarmer hit --help` shows that of a command
  -V, --version  Show the version and exit

Examples:
  swarmer hit http://localhost:8080/
  swarmer hit http://localhost:8080/api/orders -X POST -d '{\"sku\": 7}' -u 50 -t 1m
  swarmer hit http://localhost:8080/ --summary-json after.json && swarmer compare before.json after.json
  swarmer new shop-load && cd shop-load && cargo run -- --host http://localhost:8080 --users 5
";

/// The commands.
const COMMANDS: [&str; 6] = ["hit", "new", "report", "compare", "merge", "hash-password"];

/// Runs the tool with these arguments (without the program's name).
///
/// Exit codes: 0 when all went well, 1 when a request failed, a file could not be read or written, or `compare --fail` found
/// B worse, 2 for a wrong command line, and when `compare` has no answer.
pub fn run(mut args: Vec<OsString>) -> ExitCode {
    if args.is_empty() {
        return Exit { code: 2, stdout: String::new(), stderr: HELP.to_owned() }.print();
    }
    let command = args.remove(0);
    match command.to_str() {
        Some("hit") => hit::run(args),
        Some("new") => new::run(args),
        Some("report") => report::run(args),
        Some("compare") => compare::run(args),
        Some("merge") => merge::run(args),
        Some("hash-password") => hash_password::run(args),
        Some("-h" | "--help") => output(HELP.to_owned()),
        Some("help") => help(&args),
        Some("-V" | "--version") => output(format!("swarmer {VERSION}\n")),
        _ => unknown(&command),
    }
}

fn output(stdout: String) -> ExitCode {
    Exit { code: 0, stdout, stderr: String::new() }.print()
}

/// `swarmer help`, and `swarmer help COMMAND`.
fn help(args: &[OsString]) -> ExitCode {
    match args.first().and_then(|name| name.to_str()) {
        Some("hit") => hit::run(vec!["--help".into()]),
        Some("new") => new::run(vec!["--help".into()]),
        Some("report") => report::run(vec!["--help".into()]),
        Some("compare") => compare::run(vec!["--help".into()]),
        Some("merge") => merge::run(vec!["--help".into()]),
        Some("hash-password") => hash_password::run(vec!["--help".into()]),
        _ => output(HELP.to_owned()),
    }
}

fn unknown(command: &OsString) -> ExitCode {
    let typed: String =
        command.to_string_lossy().chars().take(80).flat_map(char::escape_debug).collect();
    let looks_like_url = typed.contains("://") || typed.contains('.') && typed.contains('/');
    let near = COMMANDS.iter().find(|known| typed.len() <= 5 && typed.starts_with(&known[..1]));
    let hint = match near {
        _ if looks_like_url => format!("\nDid you mean 'swarmer hit {typed}'?"),
        Some(known) => format!("\nDid you mean '{known}'?"),
        None => String::new(),
    };
    Program::new("swarmer", VERSION)
        .mistake(&format!("unknown command: '{typed}' (there are: {}){hint}", COMMANDS.join(", ")))
        .print()
}

/// Reads the arguments of a command. Its options come from the command line and the environment: a configuration file
/// of a workload that happens to lie in this folder is not meant for this tool.
fn read(program: &Program, args: Vec<OsString>) -> Result<swarmer::options::Options, Exit> {
    let around = Surroundings {
        env: &|name| std::env::var_os(name),
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    parse(program, args, &around)
}

/// A value as messages show it.
fn quote(text: &str) -> String {
    let shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    format!("'{shown}'")
}
