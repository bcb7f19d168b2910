//! The command line: clap's command made from the table, its matches as one layer, its errors in Locust's words.

use std::collections::HashMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, builder::OsStringValueParser};

use super::opt::{Kind, Opt, Place};
use super::program::{Exit, Program};
use super::sources::{Layer, Origin, Raw};
use super::value::{harmless, quote};

const FILES: &str = "\
Options can also be set by environment variables (named at each option) and in configuration files, with the long \
name as key. Strongest first: command line, environment, the file of --config, ./swarmer.toml, ./pyproject.toml \
([tool.locust]), ./locust.conf, ~/.locust.conf.";

/// The clap command of a program. The table must hold no duplicates.
pub(super) fn build(program: &Program, table: &[Opt]) -> Command {
    let name = program.name.to_string();
    let version = format!("{} (swarmer {})", program.version, env!("CARGO_PKG_VERSION"));
    let mut after = FILES.to_owned();
    if !program.examples.is_empty() {
        after.push_str("\n\nExamples:");
        for example in &program.examples {
            after.push_str("\n  ");
            after.push_str(example);
        }
    }
    Command::new(name.clone())
        .version(version)
        .about(program.about.to_string())
        .override_usage(format!("{name} [options] [UserClass ...]"))
        .after_help("--help shows details and examples.")
        .after_long_help(after)
        .term_width(program.width)
        .infer_long_args(true)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(table.iter().map(arg))
}

fn arg(opt: &Opt) -> Arg {
    let mut notes = Vec::new();
    if let Some(env) = opt.env_name() {
        notes.push(format!("[env:{env}]"));
    }
    if let Some(default) = opt.default_value() {
        notes.push(format!("[default: {default}]"));
    }
    let notes = notes.join(" ");
    let short = [opt.help.as_ref(), &notes].join(" ");
    let long = match &opt.details {
        Some(details) => format!("{}.\n{details}\n{notes}", opt.help),
        None => short.clone(),
    };
    let arg = Arg::new(opt.long.to_string())
        .help(short.trim().to_owned())
        .long_help(long.trim().to_owned())
        .help_heading(opt.group.to_string());
    let arg = match (&opt.kind, opt.place) {
        (_, Place::Positional) => {
            return arg
                .action(ArgAction::Append)
                .num_args(0..)
                .value_parser(OsStringValueParser::new());
        }
        (Kind::Flag, _) => arg.action(ArgAction::SetTrue),
        (Kind::Help, _) => arg.action(ArgAction::Help),
        (Kind::Version, _) => arg.action(ArgAction::Version),
        (Kind::Words, _) => arg.action(ArgAction::Set).num_args(0..),
        (Kind::List, _) => arg.action(ArgAction::Append).num_args(1).allow_negative_numbers(true),
        _ => arg.action(ArgAction::Set).num_args(1).allow_negative_numbers(true),
    };
    let arg = if opt.kind.is_flag() {
        arg
    } else {
        arg.value_parser(OsStringValueParser::new()).value_name(value_name(opt))
    };
    let arg = arg.long(opt.long.to_string());
    match opt.short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

fn value_name(opt: &Opt) -> &'static str {
    opt.value_name.unwrap_or(match opt.kind {
        Kind::Path => "PATH",
        Kind::BaseUrl => "URL",
        Kind::Whole { .. } | Kind::Number { .. } => "N",
        Kind::Span => "SPAN",
        Kind::Choice(_) | Kind::Words | Kind::List => "WORD",
        _ => "TEXT",
    })
}

/// What was typed, as the strongest layer.
pub(super) fn layer(matches: &mut ArgMatches, table: &[Opt]) -> Result<Layer, String> {
    let mut values = HashMap::new();
    for opt in table {
        let raw = match opt.kind {
            Kind::Help | Kind::Version => continue,
            Kind::Flag => matches.get_flag(&opt.long).then_some(Raw::Flag),
            _ => match matches.remove_many::<OsString>(&opt.long) {
                None => None,
                Some(given) => {
                    let texts: Result<Vec<String>, OsString> =
                        given.map(OsString::into_string).collect();
                    let mut texts = texts.map_err(|bad| not_utf8(opt, &bad))?;
                    Some(match opt.kind {
                        Kind::Words | Kind::List => Raw::Many(texts),
                        _ => Raw::One(texts.pop().unwrap_or_default()),
                    })
                }
            },
        };
        if let Some(raw) = raw {
            values.insert(opt.long.to_string(), raw);
        }
    }
    Ok(Layer { origin: Origin::CommandLine, values })
}

/// The text of an error about a value that is no text.
pub(super) fn not_utf8(opt: &Opt, value: &OsString) -> String {
    let seen = quote(&value.to_string_lossy());
    format!("argument {}: invalid text: {seen} (allowed: valid UTF-8)", opt.display())
}

/// What clap has to say, as the program's end.
pub(super) fn explain(
    error: &clap::Error,
    program: &Program,
    table: &[Opt],
    args: &[OsString],
) -> Exit {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let named = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Exit::output(error.render().to_string())
        }
        ErrorKind::UnknownArgument => {
            let typed = as_typed(named, args);
            let mut text = match ambiguous(table, named) {
                Some(candidates) => format!("ambiguous option: {typed} could match {candidates}"),
                None => format!("unrecognized arguments: {typed}"),
            };
            if let Some(suggestion) = context(ContextKind::SuggestedArg)
                && !text.starts_with("ambiguous")
            {
                text.push_str(&did_you_mean(suggestion));
            }
            Exit::usage(program, &text)
        }
        ErrorKind::InvalidValue | ErrorKind::TooManyValues | ErrorKind::TooFewValues => {
            let problem = match value {
                Some(value) if !value.is_empty() => {
                    format!("ignored explicit argument {}", quote(value))
                }
                _ => "expected one argument".to_owned(),
            };
            Exit::usage(program, &format!("argument {}: {problem}", display(table, named)))
        }
        _ => {
            // No other kind is reachable from this table; should one be, clap's own first line is clear enough.
            let rendered = error.render().to_string();
            let line = rendered.lines().next().unwrap_or_default();
            Exit::usage(program, line.trim_start_matches("error: "))
        }
    }
}

/// The line that follows an unknown option which resembles a known one.
pub(super) fn did_you_mean(suggestion: &str) -> String {
    format!("\nDid you mean '{}'?", suggestion.split(' ').next().unwrap_or(suggestion))
}

/// The option clap calls `--users <N>`, as messages name it.
fn display(table: &[Opt], named: &str) -> String {
    let flag = named.split([' ', '=']).next().unwrap_or(named);
    let long = flag.trim_start_matches('-');
    table.iter().find(|opt| opt.long == long).map_or_else(|| flag.to_owned(), Opt::display)
}

/// The word as typed, `=value` included.
fn as_typed(named: &str, args: &[OsString]) -> String {
    let with_value = format!("{named}=");
    let word = args
        .iter()
        .map(|arg| arg.to_string_lossy())
        .find(|arg| arg == named || arg.starts_with(&with_value));
    let word = word.as_deref().unwrap_or(named);
    harmless(word)
}

/// The options a prefix could mean, if there are several.
pub(super) fn ambiguous(table: &[Opt], flag: &str) -> Option<String> {
    let prefix = flag.strip_prefix("--")?.split('=').next()?;
    let candidates: Vec<String> = table
        .iter()
        .filter(|opt| opt.place != Place::Positional && opt.long.starts_with(prefix))
        .map(|opt| format!("--{}", opt.long))
        .collect();
    (candidates.len() > 1).then(|| candidates.join(", "))
}
