//! What is generated from the table beside the help: manual page, completions of shells, reference page.
//!
//! Every program prints its own with the hidden option `--generate`, as packages want them; the repository holds those of
//! a workload without options of its own, and a test holds them to the table.

use std::fmt::Write;

use clap_complete::Shell;

use super::command;
use super::opt::{Effect, Kind, Opt, Place};
use super::program::Program;

/// What can be generated from the options of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A manual page, section 1, in roff.
    Man,
    /// Completions for bash.
    Bash,
    /// Completions for zsh.
    Zsh,
    /// Completions for fish.
    Fish,
    /// A reference page in Markdown.
    Markdown,
}

impl Document {
    /// Their names, as `--generate` takes them.
    pub(super) const NAMES: &[&str] = &["man", "bash", "zsh", "fish", "markdown"];

    /// The document of a name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Man, Self::Bash, Self::Zsh, Self::Fish, Self::Markdown];
        let at = Self::NAMES.iter().position(|known| *known == name)?;
        all.get(at).copied()
    }
}

impl Program {
    /// Renders a document from the program's options, line ends included.
    pub fn document(&self, document: Document) -> String {
        let table = self.all_options();
        match document {
            Document::Man => man(self, &table),
            Document::Bash => completions(self, &table, Shell::Bash),
            Document::Zsh => completions(self, &table, Shell::Zsh),
            Document::Fish => completions(self, &table, Shell::Fish),
            Document::Markdown => markdown(self, &table),
        }
    }
}

fn man(program: &Program, table: &[Opt]) -> String {
    let mut page = Vec::new();
    // No date: the page changes when the options do, not with the day it was made.
    let man =
        clap_mangen::Man::new(command::build(program, table)).date("").manual("User Commands");
    man.render(&mut page).expect("a vector takes everything");
    String::from_utf8(page).expect("the texts are UTF-8")
}

fn completions(program: &Program, table: &[Opt], shell: Shell) -> String {
    let mut script = Vec::new();
    let mut command = command::build_for_shells(program, table);
    clap_complete::generate(shell, &mut command, program.name(), &mut script);
    String::from_utf8(script).expect("the texts are UTF-8")
}

const INTRODUCTION: &str = "\
Generated from the one table of options; do not edit.

Every option can be given on the command line, most also in the environment and in a configuration file, where the long \
name without dashes is the key. The strongest place that has a value wins: command line, environment, the file of \
`--config`, `./swarmer.toml`, `./pyproject.toml` (`[tool.locust]`), `./locust.conf`, `~/.locust.conf`, default. An \
option may be abbreviated as long as it is clear which one is meant.
";

fn markdown(program: &Program, table: &[Opt]) -> String {
    let mut page = format!("# Options of `{}`\n\n{INTRODUCTION}", program.name());
    let shown: Vec<&Opt> = table.iter().filter(|opt| !opt.hidden).collect();
    let mut headings: Vec<&str> = Vec::new();
    for opt in &shown {
        if !headings.contains(&opt.heading()) {
            headings.push(opt.heading());
        }
    }
    for heading in headings {
        let _ = write!(page, "\n## {heading}\n");
        for opt in shown.iter().filter(|opt| opt.heading() == heading) {
            section(&mut page, opt);
        }
    }
    page
}

fn section(page: &mut String, opt: &Opt) {
    let value = opt.value_label().map(|label| match opt.kind {
        Kind::Words => format!(" [{label}...]"),
        _ => format!(" {label}"),
    });
    let value = value.unwrap_or_default();
    let title = match (opt.place, opt.short) {
        (Place::Positional, _) => format!("`[{}...]`", opt.long()),
        (_, Some(short)) => format!("`-{short}{value}`, `--{}{value}`", opt.long()),
        (_, None) => format!("`--{}{value}`", opt.long()),
    };
    let _ = write!(page, "\n### {title}\n\n{}.\n", markdown_text(opt.help_line()));
    if let Some(details) = opt.details_text() {
        let _ = writeln!(page, "{}", markdown_text(details));
    }
    if let Effect::Instead(sentence) = opt.effect() {
        let _ = write!(page, "\nWithout effect so far: {}.\n", markdown_text(sentence));
    }
    let mut facts = Vec::new();
    facts.extend(allowed(&opt.kind));
    facts.extend(opt.default_value().map(|default| format!("default `{default}`")));
    facts.extend(opt.env_name().map(|env| format!("variable `{env}`")));
    if opt.place == Place::CommandLine {
        facts.push("command line only".to_owned());
    }
    if !facts.is_empty() {
        let _ = write!(page, "\n*{}*\n", facts.join(" · "));
    }
}

/// What values are allowed, where the name of the value does not say it.
fn allowed(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Whole { min, max } if *max == u64::MAX => Some(format!("whole number from {min}")),
        Kind::Whole { min, max } => Some(format!("whole number from {min} to {max}")),
        Kind::Integer { min, max } => Some(format!("whole number from {min} to {max}")),
        Kind::Number { min, max, above_min: true } => {
            Some(format!("number above {min}, at most {max}"))
        }
        Kind::Number { min, max, above_min: false } => Some(format!("number from {min} to {max}")),
        Kind::Span => Some("time span such as `90`, `20s`, `1h30m`".to_owned()),
        Kind::Choice(words) => Some(format!("one of `{}`", words.join("`, `"))),
        Kind::TraceUrl => Some("http(s) URL with {trace} in it".to_owned()),
        Kind::BaseUrl => Some("URL with scheme and host".to_owned()),
        Kind::List => Some("words parted by commas; may be given more than once".to_owned()),
        _ => None,
    }
}

/// Plain text, so that Markdown takes no letter of it for a sign of its own.
fn markdown_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_code = false;
    for c in text.chars() {
        in_code ^= c == '`';
        if !in_code && matches!(c, '*' | '_' | '<' | '[' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
