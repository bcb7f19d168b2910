//! The command line: clap's command made from the table, its matches as one layer, its errors in Locust's words.

use std::collections::HashMap;
use std::ffi::OsString;

use clap::builder::{OsStringValueParser, PossibleValuesParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

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
    // A program without configuration files has nothing to say about them.
    let has_files = table.iter().any(|opt| opt.long == "config");
    let mut after = if has_files { FILES.to_owned() } else { String::new() };
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
        .override_usage(format!("{name} {}", program.usage))
        .after_help("--help shows details and examples.")
        .after_long_help(after)
        .term_width(program.width)
        .infer_long_args(true)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(table.iter().map(arg))
}

/// The same for shells that complete words: what a value can be is said where the program itself reads it later.
pub(super) fn build_for_shells(program: &Program, table: &[Opt]) -> Command {
    let with_values = |opt: &Opt, arg: Arg| match opt.kind {
        Kind::Choice(words) => arg.value_parser(PossibleValuesParser::new(words.iter().copied())),
        Kind::Path => arg.value_hint(ValueHint::AnyPath),
        Kind::BaseUrl | Kind::TraceUrl => arg.value_hint(ValueHint::Url),
        _ => arg,
    };
    table
        .iter()
        .filter(|opt| opt.place != Place::Positional)
        .fold(build(program, table), |command, opt| {
            command.mut_arg(&opt.long, |arg| with_values(opt, arg))
        })
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
        .help_heading(opt.group.to_string())
        .hide(opt.hidden);
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
        (Kind::List | Kind::Texts, _) => {
            arg.action(ArgAction::Append).num_args(1).allow_negative_numbers(true)
        }
        _ => arg.action(ArgAction::Set).num_args(1).allow_negative_numbers(true),
    };
    let arg = match opt.value_label() {
        Some(label) => arg.value_parser(OsStringValueParser::new()).value_name(label),
        None => arg,
    };
    let arg = arg.long(opt.long.to_string());
    match opt.short {
        Some(short) => arg.short(short),
        None => arg,
    }
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
                        Kind::Words | Kind::List | Kind::Texts => Raw::Many(texts),
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

/// The arguments with those abbreviations written out that mean one of Locust's options: what this engine adds to them
/// must not make an old script ambiguous.
pub(super) fn expand(table: &[Opt], args: Vec<OsString>) -> Vec<OsString> {
    let mut only_words = false;
    let written_out = |arg: OsString| {
        only_words |= arg == "--";
        let Some(word) =
            arg.to_str().and_then(|arg| arg.strip_prefix("--")).filter(|_| !only_words)
        else {
            return arg;
        };
        let (name, value) = word.split_at(word.find('=').unwrap_or(word.len()));
        match Found::by_prefix(table, name) {
            Found::One(opt) => format!("--{}{value}", opt.long).into(),
            Found::Many(_) | Found::None => arg,
        }
    };
    args.into_iter().map(written_out).collect()
}

/// What a name or an abbreviation of one means.
pub(super) enum Found<'a> {
    One(&'a Opt),
    /// Any of these, as messages list them.
    Many(String),
    None,
}

impl<'a> Found<'a> {
    /// The option of this name; or the only one of Locust's that begins so; or the only one of all.
    pub(super) fn by_prefix(table: &'a [Opt], name: &str) -> Self {
        let named = |opt: &&Opt| opt.place != Place::Positional;
        if let Some(opt) = table.iter().filter(named).find(|opt| opt.long == name) {
            return Self::One(opt);
        }
        if name.is_empty() {
            return Self::None;
        }
        let all: Vec<&Opt> =
            table.iter().filter(named).filter(|opt| opt.long.starts_with(name)).collect();
        let mut old = all.iter().filter(|opt| !opt.is_addition);
        match (all.as_slice(), old.next(), old.next()) {
            ([], ..) => Self::None,
            ([opt], ..) | (_, Some(opt), None) => Self::One(opt),
            (_, first, _) => {
                // In Locust's own words where it has any of them.
                let told = |opt: &&&Opt| first.is_none() || !opt.is_addition;
                let names: Vec<String> =
                    all.iter().filter(told).map(|opt| format!("--{}", opt.long)).collect();
                Self::Many(names.join(", "))
            }
        }
    }
}

/// What clap makes of the arguments; all unknown ones are told together, as in Locust.
pub(super) fn matches(
    command: &Command,
    program: &Program,
    table: &[Opt],
    args: &[OsString],
) -> Result<ArgMatches, Exit> {
    /// More are not told.
    const TOLD: usize = 20;
    let name = OsString::from(program.name());
    let mut left = args.to_vec();
    let mut unknown = Vec::new();
    let mut suggestion = None;
    loop {
        let result = command.clone().try_get_matches_from(std::iter::once(&name).chain(&left));
        let error = match result {
            Ok(matches) if unknown.is_empty() => return Ok(matches),
            Ok(_) => break,
            Err(error) => error,
        };
        let named = context(&error, ContextKind::InvalidArg).unwrap_or_default();
        let place = left.iter().position(|arg| is_typed(&arg.to_string_lossy(), named));
        let is_unknown = error.kind() == ErrorKind::UnknownArgument
            && !matches!(Found::by_prefix(table, named.trim_start_matches("--")), Found::Many(_));
        match place.filter(|_| is_unknown && unknown.len() < TOLD) {
            Some(place) => {
                unknown.push(harmless(&left.remove(place).to_string_lossy()));
                let suggested = context(&error, ContextKind::SuggestedArg).map(str::to_owned);
                suggestion = suggestion.or(suggested);
            }
            None if is_unknown && !unknown.is_empty() => break,
            None => return Err(explain(&error, program, table)),
        }
    }
    let suggestion = suggestion.map(|name| did_you_mean(&name)).unwrap_or_default();
    Err(Exit::usage(program, &format!("unrecognized arguments: {}{suggestion}", unknown.join(" "))))
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    }
}

/// Whether `arg` is the flag clap calls `named`, be it with a value.
fn is_typed(arg: &str, named: &str) -> bool {
    arg.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

/// The text of an error about a value that is no text.
pub(super) fn not_utf8(opt: &Opt, value: &OsString) -> String {
    let seen = quote(&value.to_string_lossy());
    format!("argument {}: invalid text: {seen} (allowed: valid UTF-8)", opt.display())
}

/// What clap has to say, as the program's end.
fn explain(error: &clap::Error, program: &Program, table: &[Opt]) -> Exit {
    let named = context(error, ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Exit::output(error.render().to_string())
        }
        ErrorKind::UnknownArgument => {
            let typed = harmless(named);
            let text = match Found::by_prefix(table, named.trim_start_matches("--")) {
                Found::Many(names) => format!("ambiguous option: {typed} could match {names}"),
                _ => format!("unrecognized arguments: {typed}"),
            };
            Exit::usage(program, &text)
        }
        ErrorKind::InvalidValue | ErrorKind::TooManyValues | ErrorKind::TooFewValues => {
            let problem = match context(error, ContextKind::InvalidValue) {
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
