//! Values: text read according to an option's kind, and read back with its type.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::opt::Kind;
use super::span::parse_span;

/// The longest text taken for one value.
const MAX_LENGTH: usize = 4096;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Flag(bool),
    Text(String),
    Whole(u64),
    Integer(i64),
    Number(f64),
    Span(Duration),
    Words(Vec<String>),
}

impl Value {
    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Flag(yes) => (*yes).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Whole(number) => (*number).into(),
            Self::Integer(number) => (*number).into(),
            Self::Number(number) => (*number).into(),
            Self::Span(span) => span.as_secs().into(),
            Self::Words(words) => words.clone().into(),
        }
    }

    fn take_over(&mut self, told: &serde_json::Value) {
        let taken = match self {
            Self::Flag(_) => told.as_bool().map(Self::Flag),
            Self::Text(_) => told.as_str().map(|text| Self::Text(text.to_owned())),
            Self::Whole(_) => told.as_u64().map(Self::Whole),
            Self::Integer(_) => told.as_i64().map(Self::Integer),
            Self::Number(_) => told.as_f64().map(Self::Number),
            Self::Span(_) => told.as_u64().map(|seconds| Self::Span(Duration::from_secs(seconds))),
            Self::Words(_) => words(told).map(Self::Words),
        };
        if let Some(taken) = taken {
            *self = taken;
        }
    }
}

/// A list of texts.
fn words(told: &serde_json::Value) -> Option<Vec<String>> {
    told.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Values of options by long name, each read back with the type of the option's kind.
///
/// A getter returns `None` (or false, or no words) if the option was set nowhere and has no default. Asking for an
/// option by a name it does not have, or with another type than its kind's, is a mistake in the workload and gives the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    by_name: BTreeMap<String, Value>,
}

impl Values {
    pub(super) fn set(&mut self, long: &str, value: Value) {
        self.by_name.insert(long.to_owned(), value);
    }

    /// All values by Python's names for them, as JSON: what a master tells its workers.
    pub(crate) fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        let named =
            self.by_name.iter().map(|(long, value)| (long.replace('-', "_"), value.to_json()));
        named.collect()
    }

    /// Takes over what a master says about options that are known here; others, and values of another type, are left.
    pub(crate) fn take_over(&mut self, told: &serde_json::Map<String, serde_json::Value>) {
        for (long, value) in &mut self.by_name {
            if let Some(told) = told.get(&long.replace('-', "_")) {
                value.take_over(told);
            }
        }
    }

    pub(super) fn get(&self, long: &str) -> Option<&Value> {
        self.by_name.get(long)
    }

    pub(super) fn unset(&mut self, long: &str) {
        self.by_name.remove(long);
    }

    /// Whether the option was set anywhere, or has a default; a flag counts when it is on.
    pub(super) fn is_set(&self, long: &str) -> bool {
        !matches!(self.by_name.get(long), None | Some(Value::Flag(false)))
    }

    /// Whether a flag is on.
    pub fn flag(&self, long: &str) -> bool {
        matches!(self.by_name.get(long), Some(Value::Flag(true)))
    }

    /// A text, a URL or a chosen word.
    pub fn text(&self, long: &str) -> Option<&str> {
        match self.by_name.get(long)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A path.
    pub fn path(&self, long: &str) -> Option<&Path> {
        self.text(long).map(Path::new)
    }

    /// A whole number.
    pub fn whole(&self, long: &str) -> Option<u64> {
        match *self.by_name.get(long)? {
            Value::Whole(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number that may be below zero.
    pub fn integer(&self, long: &str) -> Option<i64> {
        match *self.by_name.get(long)? {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// A number.
    pub fn number(&self, long: &str) -> Option<f64> {
        match *self.by_name.get(long)? {
            Value::Number(value) => Some(value),
            _ => None,
        }
    }

    /// A time span.
    pub fn span(&self, long: &str) -> Option<Duration> {
        match *self.by_name.get(long)? {
            Value::Span(value) => Some(value),
            _ => None,
        }
    }

    /// Words.
    pub fn words(&self, long: &str) -> &[String] {
        match self.by_name.get(long) {
            Some(Value::Words(words)) => words,
            _ => &[],
        }
    }
}

impl Kind {
    /// Whether a text is a value of this kind.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self, text: &str) -> Result<(), String> {
        self.read(text).map(drop)
    }

    /// Reads one value.
    ///
    /// # Errors
    /// What is wrong with it, naming what was seen and what is allowed (time spans: Locust's own sentence).
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::Flag => flag(text).map(Value::Flag).ok_or_else(|| not_a_flag(text)),
            Self::Text | Self::Path => plain(text).map(|()| Value::Text(text.to_owned())),
            Self::BaseUrl => base_url(text).map(|()| Value::Text(text.to_owned())),
            Self::TraceUrl => trace_url(text).map(|()| Value::Text(text.to_owned())),
            Self::Whole { min, max } => in_range(text, *min, *max).map(Value::Whole),
            Self::Integer { min, max } => in_range(text, *min, *max).map(Value::Integer),
            Self::Number { min, max, above_min } => {
                number(text, *min, *max, *above_min).map(Value::Number)
            }
            Self::Span => parse_span(text).map(Value::Span).map_err(str::to_owned),
            Self::Choice(words) => choice(text, words).map(Value::Text),
            Self::Words | Self::List | Self::Texts => {
                plain(text).map(|()| Value::Words(vec![text.to_owned()]))
            }
            // Not reached: these end the run on the command line and can be set nowhere else.
            Self::Help | Self::Version => Err("takes no value".to_owned()),
        }
    }
}

/// The text of an error about a flag's value in the environment or a file.
pub(super) fn not_a_flag(text: &str) -> String {
    let seen = quote(text);
    format!("{seen}. Expecting 'true', 'false', 'yes', 'no', 'on', 'off', '1' or '0'")
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn in_range<T>(text: &str, min: T, max: T) -> Result<T, String>
where
    T: std::str::FromStr + std::fmt::Display + PartialOrd,
{
    let allowed = format!("(allowed: a whole number from {min} to {max})");
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("invalid int value: {} {allowed}", quote(text)));
    }
    // Digits that do not fit are a number out of range, not a malformed one.
    match text.parse() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(format!("out of range: {} {allowed}", quote(text))),
    }
}

fn number(text: &str, min: f64, max: f64, above_min: bool) -> Result<f64, String> {
    let lower = if above_min { format!("above {min}") } else { format!("of at least {min}") };
    let allowed = format!("(allowed: a number {lower}, at most {max})");
    let seen = quote(text);
    let value: f64 =
        text.trim().parse().map_err(|_| format!("invalid float value: {seen} {allowed}"))?;
    if !value.is_finite() {
        Err(format!("must be a finite number: {seen} {allowed}"))
    } else if above_min && value <= min {
        Err(format!("must be > {min}: {seen} {allowed}"))
    } else if value < min || value > max {
        Err(format!("out of range: {seen} {allowed}"))
    } else {
        Ok(value)
    }
}

fn choice(text: &str, words: &[&str]) -> Result<String, String> {
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok((*word).to_owned());
    }
    // Locust shows the word as it compared it.
    let is_upper = |word: &&str| !word.contains(char::is_lowercase);
    let seen = if words.iter().all(is_upper) { text.to_uppercase() } else { text.to_owned() };
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    Err(format!("invalid choice: {} (choose from {})", quote(&seen), words.join(", ")))
}

fn plain(text: &str) -> Result<(), String> {
    let allowed = "(allowed: text that is not empty, of one line, at most 4096 bytes)";
    if text.trim().is_empty() {
        Err(format!("empty value: {} {allowed}", quote(text)))
    } else if text.chars().any(char::is_control) {
        Err(format!("control characters: {} {allowed}", quote(text)))
    } else if text.len() > MAX_LENGTH {
        Err(format!("too long: {} {allowed}", quote(text)))
    } else {
        Ok(())
    }
}

fn base_url(text: &str) -> Result<(), String> {
    let allowed = "(allowed: a URL with scheme and host, such as http://localhost:8080)";
    let is_plain = plain(text).is_ok() && !text.contains(char::is_whitespace);
    match url::Url::parse(text) {
        Ok(url) if is_plain && url.has_host() && url.host_str() != Some("") => Ok(()),
        _ => Err(format!("invalid base URL: {} {allowed}", quote(text))),
    }
}

/// An address with a place for the trace id that is safe to be a link.
fn trace_url(text: &str) -> Result<(), String> {
    let allowed = "(allowed: an http:// or https:// address with {trace} in it, such as https://apm.example.com/trace/{trace})";
    let is_web = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    let is_plain = plain(text).is_ok() && !text.contains(char::is_whitespace);
    if is_web && is_plain && text.contains("{trace}") {
        return Ok(());
    }
    Err(format!("invalid trace URL: {} {allowed}", quote(text)))
}

/// A value in quotes, harmless to a terminal and short enough to read.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", harmless(text))
}

/// Text from outside as messages show it: control characters as escapes, cut where it becomes too long to read.
pub(super) fn harmless(text: &str) -> String {
    const SHOWN: usize = 80;
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    // escape_debug also escapes quotes and backslashes, which do no harm here.
    let shown = shown.replace("\\'", "'").replace("\\\"", "\"").replace("\\\\", "\\");
    let more = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    format!("{shown}{more}")
}
