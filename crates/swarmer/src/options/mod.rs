//! One definition of every option: flag, environment variable, configuration key, help.
//!
//! An option is one [`Opt`] in one table. The clap command, the environment layer, the configuration keys and the help
//! are made from that table; a workload adds its own options to it with the same type. [`parse`] brings the layers
//! together (command line, environment, configuration files, default: the strongest that has a value wins), reads each
//! value according to its kind and gives [`Options`], or the [`Exit`] that ends the program.
//!
//! Nothing here touches the process: environment and files are handed in as [`Surroundings`].
//!
//! ```
//! use swarmer::options::{Opt, Program, Surroundings, parse};
//!
//! let program = Program::new("shop-test", "1.2.0")
//!     .option(Opt::number("discount", 0.0..=100.0).default(5).help("Discount in percent"));
//! let options = parse(&program, ["-u", "50", "-t", "1m30s"], &Surroundings::none()).unwrap();
//! assert_eq!(options.users, Some(50));
//! assert_eq!(options.custom.number("discount"), Some(5.0));
//!
//! let exit = parse(&program, ["-u", "many"], &Surroundings::none()).unwrap_err();
//! assert_eq!(exit.code, 2);
//! assert!(exit.stderr.starts_with("shop-test: error: argument -u/--users: invalid int value: 'many'"));
//! ```

mod command;
mod conf;
mod documents;
mod edit;
mod opt;
mod places;
mod program;
mod rules;
mod sources;
mod span;
mod table;
mod toml_file;
mod typed;
mod value;

use std::ffi::OsString;

pub use documents::Document;
pub use opt::{Effect, Kind, Opt, Place, group};
pub use places::{ClusterOptions, Secret, WebOptions};
pub use program::{Exit, Program, Surroundings};
pub use rules::Conflict;
pub use span::parse_span;
pub use typed::Options;
pub use value::Values;

use sources::Layer;
use value::Value;

/// Reads a program's options.
///
/// `args` are the arguments without the program's name.
///
/// # Errors
/// The [`Exit`] that ends the program: help or version (code 0), a mistake in what the user wrote (code 2), or a
/// mistake in the options the workload defines (code 1).
pub fn parse(
    program: &Program,
    args: impl IntoIterator<Item = impl Into<OsString>>,
    around: &Surroundings<'_>,
) -> Result<Options, Exit> {
    let table = program.all_options();
    if let Some(problem) = defect(&table) {
        return Err(Exit::error(program, 1, &problem));
    }
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let command = command::build(program, &table);
    let args = command::expand(&table, args);
    let mut matches = command::matches(&command, program, &table, &args)?;
    let usage = |text: String| Exit::usage(program, &text);

    let typed = command::layer(&mut matches, &table).map_err(usage)?;
    if let Some(document) = asked_for(&table, &typed).map_err(usage)? {
        return Err(Exit::output(program.document(document)));
    }
    let layers = layers(typed, &table, &command, around).map_err(usage)?;
    rules::no_removed(&table, &layers).map_err(usage)?;
    let values = sources::resolve(&table, &layers).map_err(usage)?;
    let custom = sources::resolve(&program.options, &layers).map_err(usage)?;
    let mut options = Options::from_values(&values, custom);
    options.given = rules::given(&table, &layers);
    options.notices = rules::notices(&table, &layers, &values);
    if options.csv_full_history && options.csv.is_none() {
        return Err(usage("'--csv-full-history' requires '--csv'.".to_owned()));
    }
    Ok(options)
}

/// Reads the options of this process: its arguments, environment and files.
///
/// # Errors
/// As [`parse`].
pub fn parse_process(program: &Program) -> Result<Options, Exit> {
    parse(program, std::env::args_os().skip(1), &Surroundings::of_process())
}

/// The document that `--generate` asks for.
fn asked_for(table: &[Opt], typed: &Layer) -> Result<Option<Document>, String> {
    let Some(opt) = table.iter().find(|opt| opt.long() == "generate") else { return Ok(None) };
    let Some(raw) = typed.values.get(opt.long()) else { return Ok(None) };
    match sources::read(opt, raw.clone(), &typed.origin)? {
        Value::Text(name) => Ok(Document::from_name(&name)),
        _ => Ok(None),
    }
}

fn layers(
    typed: Layer,
    table: &[Opt],
    command: &clap::Command,
    around: &Surroundings<'_>,
) -> Result<Vec<Layer>, String> {
    let config = table.iter().find(|opt| opt.long() == "config");
    let config = config.and_then(|opt| Some((opt, typed.values.get(opt.long())?.clone())));
    let config = config.map(|(opt, raw)| sources::read(opt, raw, &typed.origin)).transpose()?;
    let config = match config {
        Some(Value::Text(path)) => Some(path),
        _ => None,
    };
    let environment = sources::environment(table, around)?;
    let files = sources::files(config.as_deref(), table, command, around)?;
    Ok([typed, environment].into_iter().chain(files).collect())
}

/// What is wrong with a table, for the author of the workload.
fn defect(table: &[Opt]) -> Option<String> {
    for (index, opt) in table.iter().enumerate() {
        let long = opt.long();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if long.is_empty() || long.starts_with('-') || !long.chars().all(plain) {
            return Some(format!("option '{long}' must be named with letters, digits and dashes"));
        }
        for other in &table[..index] {
            if other.long() == long {
                return Some(format!("option --{long} is defined twice"));
            }
            if opt.short.is_some() && other.short == opt.short {
                return Some(format!("options --{} and --{long} share one letter", other.long()));
            }
            if opt.env_name().is_some() && other.env_name() == opt.env_name() {
                return Some(format!("options --{} and --{long} share one variable", other.long()));
            }
        }
    }
    None
}
