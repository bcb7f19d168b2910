//! The layers values come from, strongest first, and how they are brought together.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap::error::{ContextKind, ContextValue};

use super::command::{Found, did_you_mean, not_utf8};
use super::opt::{Kind, Opt, Place};
use super::program::Surroundings;
use super::value::{Value, Values, harmless, not_a_flag, quote};
use super::{conf, toml_file};

/// What was written for an option, before it is read according to the option's kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    /// A flag on the command line.
    Flag,
    One(String),
    Many(Vec<String>),
}

/// One line of a configuration file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) raw: Raw,
}

impl Entry {
    /// An entry; the key may carry the dashes of a flag.
    pub(super) fn new(key: &str, raw: Raw) -> Self {
        Self { key: key.strip_prefix("--").unwrap_or(key).to_owned(), raw }
    }

    /// The arguments Locust would make of it.
    fn as_arguments(&self) -> Vec<String> {
        let argument = |value: &String| format!("--{}={}", harmless(&self.key), harmless(value));
        match &self.raw {
            Raw::Flag => vec![format!("--{}", harmless(&self.key))],
            Raw::One(value) => vec![argument(value)],
            Raw::Many(values) => values.iter().map(argument).collect(),
        }
    }
}

/// Where a layer's values were found; messages say so, except for the command line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    CommandLine,
    Environment,
    File(String),
    Default,
}

/// Values from one place, by long name.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) origin: Origin,
    pub(super) values: HashMap<String, Raw>,
}

/// The environment's layer.
pub(super) fn environment(table: &[Opt], around: &Surroundings<'_>) -> Result<Layer, String> {
    let mut values = HashMap::new();
    for opt in table {
        let Some(name) = opt.env_name() else { continue };
        let Some(value) = (around.env)(name) else { continue };
        let text =
            value.into_string().map_err(|bad| format!("{} (from {name})", not_utf8(opt, &bad)))?;
        values.insert(opt.long().to_owned(), Raw::One(text));
    }
    Ok(Layer { origin: Origin::Environment, values })
}

/// Words parted by white space, or as a list: `[a, b]`.
fn words(text: &str) -> Vec<String> {
    let text = text.trim();
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(list) => list
            .split(',')
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect(),
        None => text.split_whitespace().map(str::to_owned).collect(),
    }
}

/// The layers of all configuration files, strongest first.
pub(super) fn files(
    extra: Option<&str>,
    table: &[Opt],
    command: &Command,
    around: &Surroundings<'_>,
) -> Result<Vec<Layer>, String> {
    let mut places: Vec<(PathBuf, bool)> = Vec::new();
    places.extend(extra.map(|path| (PathBuf::from(path), true)));
    places
        .extend(["swarmer.toml", "pyproject.toml", "locust.conf"].map(|name| (name.into(), false)));
    if let Some(home) = (around.env)("HOME").filter(|home| !home.is_empty()) {
        places.push((Path::new(&home).join(".locust.conf"), false));
    }
    let mut layers = Vec::new();
    for (path, required) in places {
        let shown = harmless(&path.to_string_lossy());
        let bytes = match (around.read)(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !required => continue,
            Err(error) => {
                let from = if required { " (from --config)" } else { "" };
                return Err(format!("Unable to open config file: {shown}. Error: {error}{from}"));
            }
        };
        let entries = entries(&path, &bytes)
            .map_err(|problem| format!("Unable to parse config file: {shown}. Error: {problem}"))?;
        layers.push(layer(shown, entries, table, command)?);
    }
    Ok(layers)
}

fn entries(path: &Path, bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("not valid UTF-8 at byte {}", error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if path.extension().is_some_and(|extension| extension == "toml") {
        let is_pyproject = path.file_name().is_some_and(|name| name == "pyproject.toml");
        toml_file::parse(text, is_pyproject)
    } else {
        conf::parse(text)
    }
}

fn layer(
    shown: String,
    entries: Vec<Entry>,
    table: &[Opt],
    command: &Command,
) -> Result<Layer, String> {
    let mut values = HashMap::new();
    let mut unknown = Vec::new();
    for entry in entries {
        match by_key(table, &entry) {
            Ok(Some(opt)) => {
                values.insert(opt.long().to_owned(), entry.raw);
            }
            Ok(None) => unknown.push(entry),
            Err(candidates) => {
                let argument = entry.as_arguments().concat();
                return Err(format!(
                    "ambiguous option: {argument} could match {candidates} (in {shown})"
                ));
            }
        }
    }
    let Some(first) = unknown.first() else {
        return Ok(Layer { origin: Origin::File(shown), values });
    };
    let arguments: Vec<String> = unknown.iter().flat_map(Entry::as_arguments).collect();
    let suggestion = suggestion(command, &first.key).map(|name| did_you_mean(&name));
    Err(format!(
        "unrecognized arguments: {} (in {shown}){}",
        arguments.join(" "),
        suggestion.unwrap_or_default()
    ))
}

/// The option of a key: the whole name or an abbreviation, as on the command line.
fn by_key<'a>(table: &'a [Opt], entry: &Entry) -> Result<Option<&'a Opt>, String> {
    match Found::by_prefix(table, &entry.key) {
        Found::One(opt) => Ok(Some(opt).filter(|opt| opt.place == Place::Everywhere)),
        Found::Many(candidates) => Err(candidates),
        Found::None => Ok(None),
    }
}

/// The known option that resembles `key`, by clap's measure.
fn suggestion(command: &Command, key: &str) -> Option<String> {
    let error = command.clone().try_get_matches_from([String::new(), format!("--{key}")]).err()?;
    match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(name)) => Some(name.clone()),
        _ => None,
    }
}

/// Every option's value: the strongest layer that has one wins, then the default.
pub(super) fn resolve(table: &[Opt], layers: &[Layer]) -> Result<Values, String> {
    let mut values = Values::default();
    for opt in table {
        let found = layers
            .iter()
            .find_map(|layer| layer.values.get(opt.long()).map(|raw| (raw.clone(), &layer.origin)));
        let default = || Some((Raw::One(opt.default_value()?.to_owned()), &Origin::Default));
        if let Some((raw, origin)) = found.or_else(default) {
            values.set(opt.long(), read(opt, raw, origin)?);
        }
    }
    Ok(values)
}

/// Where a value was found, as messages end; nothing for the command line.
pub(super) fn place(origin: &Origin, opt: &Opt) -> String {
    match origin {
        Origin::CommandLine => String::new(),
        Origin::Environment => format!(" (from {})", opt.env_name().unwrap_or_default()),
        Origin::File(path) => format!(" (in {path})"),
        Origin::Default => " (the built-in default)".to_owned(),
    }
}

/// Reads one value; a mistake in it names the option and, except on the command line, where it was found.
pub(super) fn read(opt: &Opt, raw: Raw, origin: &Origin) -> Result<Value, String> {
    let name = opt.display();
    let from = place(origin, opt);
    match (raw, &opt.kind) {
        (Raw::One(text), _) if opt.may_be_empty && text.is_empty() => Ok(Value::Text(text)),
        (Raw::Flag, _) => Ok(Value::Flag(true)),
        (Raw::One(text), Kind::Flag) => opt.kind.read(&text).map_err(|_| {
            // Locust names the variable or key here, not the argument.
            let key = match origin {
                Origin::Environment => opt.env_name().unwrap_or_default(),
                _ => opt.long(),
            };
            let from = if *origin == Origin::Environment { "" } else { &from };
            format!("Unexpected value for {key}: {}{from}", not_a_flag(&text))
        }),
        (Raw::One(text), Kind::Span) => opt.kind.read(&text).map_err(|problem| {
            let from = match origin {
                Origin::CommandLine => String::new(),
                _ => format!("{from}, seen: {}", quote(&text)),
            };
            format!("argument {name}: {problem}{from}")
        }),
        (raw, Kind::List) => {
            let texts = match raw {
                Raw::Many(texts) => texts,
                Raw::One(text) => vec![text],
                Raw::Flag => Vec::new(),
            };
            let parts = texts.iter().flat_map(|text| text.split(','));
            let words: Vec<String> = parts.map(|part| part.trim().to_owned()).collect();
            read_words(opt, words).map_err(|problem| format!("{problem}{from}"))
        }
        (Raw::One(text), Kind::Texts) => read(opt, Raw::Many(vec![text]), origin),
        (Raw::One(text), Kind::Words) => read(opt, Raw::Many(words(&text)), origin),
        (Raw::One(text), kind) => {
            kind.read(&text).map_err(|problem| format!("argument {name}: {problem}{from}"))
        }
        (Raw::Many(words), Kind::Words | Kind::Texts) => {
            read_words(opt, words).map_err(|problem| format!("{problem}{from}"))
        }
        (Raw::Many(words), _) => {
            let seen = quote(&format!("[{}]", words.join(", ")));
            Err(format!("argument {name}: cannot be a list: {seen} (allowed: one value){from}"))
        }
    }
}

fn read_words(opt: &Opt, words: Vec<String>) -> Result<Value, String> {
    for word in &words {
        opt.kind.read(word).map_err(|problem| format!("argument {}: {problem}", opt.display()))?;
    }
    Ok(Value::Words(words))
}
