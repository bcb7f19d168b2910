//! What an option is: one definition from which flag, environment variable, configuration key and help come.

use std::borrow::Cow;

/// Headings under which `--help` groups options.
pub mod group {
    /// Target, number of users, duration.
    pub const COMMON: &str = "Common options";
    /// Where and how the web UI is served.
    pub const WEB: &str = "Web UI options";
    /// The process that steers workers.
    pub const MASTER: &str = "Master options";
    /// A process that a master steers.
    pub const WORKER: &str = "Worker options";
    /// How many users or journeys when, and where it ends.
    pub const LOAD: &str = "Load model options";
    /// Which tasks run.
    pub const TAGS: &str = "Tag options";
    /// What is measured and written.
    pub const STATISTICS: &str = "Request statistics options";
    /// Log level and destination.
    pub const LOGGING: &str = "Logging options";
    /// What Locust does not have: threads, seed, time scale.
    pub const ENGINE: &str = "Engine options";
    /// The rest of Locust's.
    pub const OTHER: &str = "Other options";
    /// Options a workload adds.
    pub const WORKLOAD: &str = "Workload options";
}

/// What values an option takes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// No value on the command line; true, yes, on, 1, false, no, off or 0 elsewhere.
    Flag,
    /// Text without control characters, not empty.
    Text,
    /// A path in UTF-8, not empty, without control characters.
    Path,
    /// An absolute URL with a host.
    BaseUrl,
    /// An http(s) address with `{trace}` in it.
    TraceUrl,
    /// A whole number in a range, ends included.
    Whole {
        /// The smallest allowed.
        min: u64,
        /// The largest allowed.
        max: u64,
    },
    /// A whole number in a range that may begin below zero, ends included.
    Integer {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// A finite number in a range.
    Number {
        /// The smallest allowed, or the bound that must be exceeded.
        min: f64,
        /// The largest allowed.
        max: f64,
        /// Whether `min` itself is not allowed.
        above_min: bool,
    },
    /// A time span such as `90`, `20s` or `1h30m`, in whole seconds.
    Span,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// Any number of words.
    Words,
    /// Words parted by commas; the option may be given more than once.
    List,
    /// Texts as they are; the option may be given more than once.
    Texts,
    /// Prints the help and ends.
    Help,
    /// Prints the version and ends.
    Version,
}

impl Kind {
    /// Whether the option stands alone on the command line, without a value.
    pub fn is_flag(&self) -> bool {
        matches!(self, Self::Flag | Self::Help | Self::Version)
    }
}

/// Where an option can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Command line, environment (if it has a variable) and configuration files.
    Everywhere,
    /// The command line only.
    CommandLine,
    /// The words on the command line that belong to no option, or the environment.
    Positional,
}

/// What giving an option does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// What its help says.
    #[default]
    Works,
    /// Nothing: it is accepted, and this sentence says what applies instead.
    Instead(Cow<'static, str>),
    /// It was removed: a mistake with this text.
    Removed(Cow<'static, str>),
}

/// One option. Built-in options and those of a workload are of this one type.
///
/// ```
/// use swarmer::options::Opt;
///
/// let group_a = Opt::number("group-a-percentage", 0.0..=100.0)
///     .env("GROUP_A_PERCENTAGE")
///     .default(50)
///     .help("Share of organisations whose agents form group A, in percent");
/// assert_eq!(group_a.long(), "group-a-percentage");
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five small marks that have nothing to do with each other"
)]
pub struct Opt {
    pub(super) long: Cow<'static, str>,
    pub(super) short: Option<char>,
    pub(super) env: Option<Cow<'static, str>>,
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) default: Option<String>,
    pub(super) group: Cow<'static, str>,
    pub(super) value_name: Option<&'static str>,
    pub(super) help: Cow<'static, str>,
    pub(super) details: Option<Cow<'static, str>>,
    pub(super) effect: Effect,
    pub(super) hidden: bool,
    pub(super) may_be_empty: bool,
    /// Locust does not have it: an abbreviation that means one of Locust's options never means this one.
    pub(super) is_addition: bool,
    /// Locust's messages name the long form first.
    pub(super) long_first: bool,
    /// Its value is told to nobody.
    pub(super) secret: bool,
}

impl Opt {
    pub(super) fn new(long: impl Into<Cow<'static, str>>, kind: Kind) -> Self {
        Self {
            long: long.into(),
            short: None,
            env: None,
            kind,
            place: Place::Everywhere,
            default: None,
            group: Cow::Borrowed(group::WORKLOAD),
            value_name: None,
            help: Cow::Borrowed(""),
            details: None,
            effect: Effect::Works,
            hidden: false,
            may_be_empty: false,
            is_addition: false,
            long_first: false,
            secret: false,
        }
    }

    /// A flag, off unless given.
    pub fn flag(long: impl Into<Cow<'static, str>>) -> Self {
        Self::new(long, Kind::Flag)
    }

    /// A text.
    pub fn text(long: impl Into<Cow<'static, str>>) -> Self {
        Self::new(long, Kind::Text)
    }

    /// A path of a file or folder.
    pub fn path(long: impl Into<Cow<'static, str>>) -> Self {
        Self::new(long, Kind::Path)
    }

    /// A whole number within `range`.
    pub fn whole(long: impl Into<Cow<'static, str>>, range: std::ops::RangeInclusive<u64>) -> Self {
        Self::new(long, Kind::Whole { min: *range.start(), max: *range.end() })
    }

    /// A whole number within `range`, which may begin below zero.
    pub fn integer(
        long: impl Into<Cow<'static, str>>,
        range: std::ops::RangeInclusive<i64>,
    ) -> Self {
        Self::new(long, Kind::Integer { min: *range.start(), max: *range.end() })
    }

    /// A finite number within `range`.
    pub fn number(
        long: impl Into<Cow<'static, str>>,
        range: std::ops::RangeInclusive<f64>,
    ) -> Self {
        Self::new(long, Kind::Number { min: *range.start(), max: *range.end(), above_min: false })
    }

    /// A finite number above 0, at most `max`.
    pub fn positive(long: impl Into<Cow<'static, str>>, max: f64) -> Self {
        Self::new(long, Kind::Number { min: 0.0, max, above_min: true })
    }

    /// A time span in whole seconds.
    pub fn span(long: impl Into<Cow<'static, str>>) -> Self {
        Self::new(long, Kind::Span)
    }

    /// Words parted by commas, in one value or in several.
    pub fn list(long: impl Into<Cow<'static, str>>) -> Self {
        Self::new(long, Kind::List)
    }

    /// Texts as they are, one each time the option is given.
    pub fn texts(long: impl Into<Cow<'static, str>>) -> Self {
        Self::new(long, Kind::Texts)
    }

    /// One of `words`; accepted in any case, and given as it stands here.
    pub fn choice(long: impl Into<Cow<'static, str>>, words: &'static [&'static str]) -> Self {
        Self::new(long, Kind::Choice(words))
    }

    /// Any number of words.
    pub fn words(long: impl Into<Cow<'static, str>>) -> Self {
        Self::new(long, Kind::Words)
    }

    /// The one-letter form.
    #[must_use]
    pub fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    /// The environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.env = Some(name.into());
        self
    }

    /// The value used when the option is set nowhere; written as a user would write it.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "reads better at the call: .default(50)")]
    pub fn default(mut self, value: impl ToString) -> Self {
        self.default = Some(value.to_string());
        self
    }

    /// The heading in the help.
    #[must_use]
    pub fn group(mut self, heading: impl Into<Cow<'static, str>>) -> Self {
        self.group = heading.into();
        self
    }

    /// What the help calls the value, in capitals.
    #[must_use]
    pub fn value_name(mut self, name: &'static str) -> Self {
        self.value_name = Some(name);
        self
    }

    /// What the option does, in one line.
    #[must_use]
    pub fn help(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.help = text.into();
        self
    }

    /// What `--help` adds to the line of `-h`: details and examples.
    #[must_use]
    pub fn details(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.details = Some(text.into());
        self
    }

    /// Leaves the option out of help and reference; it works all the same.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Keeps the value out of reports, logs and the web page: a password, a token.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Accepts the option without effect; whoever gives it is told `sentence`, which says what applies instead.
    #[must_use]
    pub fn instead(mut self, sentence: impl Into<Cow<'static, str>>) -> Self {
        self.effect = Effect::Instead(sentence.into());
        self
    }

    /// Makes giving the option a mistake with this text, and hides it.
    #[must_use]
    pub fn removed(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.effect = Effect::Removed(text.into());
        self.hidden()
    }

    /// Takes an empty text as "not set", where all others refuse it.
    #[must_use]
    pub fn may_be_empty(mut self) -> Self {
        self.may_be_empty = true;
        self
    }

    pub(super) fn addition(mut self) -> Self {
        self.is_addition = true;
        self
    }

    pub(super) fn long_first(mut self) -> Self {
        self.long_first = true;
        self
    }

    /// Takes the words on the command line that belong to no option, instead of being one; for [`Self::words`].
    #[must_use]
    pub fn positional(self) -> Self {
        self.placed(Place::Positional)
    }

    pub(super) fn placed(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The long form without dashes: also the key in configuration files.
    pub fn long(&self) -> &str {
        &self.long
    }

    /// The environment variable, if there is one.
    pub fn env_name(&self) -> Option<&str> {
        self.env.as_deref()
    }

    /// What values it takes.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Where it can be set.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The value used when the option is set nowhere.
    pub fn default_value(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// The heading in the help.
    pub fn heading(&self) -> &str {
        &self.group
    }

    /// What the option does, in one line.
    pub fn help_line(&self) -> &str {
        &self.help
    }

    /// The one-letter form, if there is one.
    pub fn short_letter(&self) -> Option<char> {
        self.short
    }

    /// What `--help` adds to [`Self::help_line`].
    pub fn details_text(&self) -> Option<&str> {
        self.details.as_deref()
    }

    /// What giving it does.
    pub fn effect(&self) -> &Effect {
        &self.effect
    }

    /// Whether help and reference leave it out.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// What the help calls its value; `None` if it takes none.
    pub fn value_label(&self) -> Option<&'static str> {
        if self.kind.is_flag() {
            return None;
        }
        Some(self.value_name.unwrap_or(match self.kind {
            Kind::Path => "PATH",
            Kind::BaseUrl | Kind::TraceUrl => "URL",
            Kind::Whole { .. } | Kind::Integer { .. } | Kind::Number { .. } => "N",
            Kind::Span => "SPAN",
            Kind::Choice(_) | Kind::Words | Kind::List => "WORD",
            _ => "TEXT",
        }))
    }

    /// How messages name it: `-u/--users`.
    pub(super) fn display(&self) -> String {
        match (self.place, self.short) {
            (Place::Everywhere | Place::CommandLine, Some(short)) if self.long_first => {
                format!("--{}/-{short}", self.long)
            }
            (Place::Positional, _) => self.long.to_string(),
            (_, Some(short)) => format!("-{short}/--{}", self.long),
            (_, None) => format!("--{}", self.long),
        }
    }
}
